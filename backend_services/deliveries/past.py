"""What was known of a delivery at any instant, folded from its own events.

Of the two times of an event the recorded one counts: the board showed what Waybill had been told, and not yet what a
driver without signal sent later. Pure; `DeliveryProjection` folds the same events into rows.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from backend_services.deliveries import events
from backend_services.deliveries.events import Plan
from backend_services.deliveries.projections import proof_shown
from backend_services.deliveries.queries import DeliveryView, IncidentView, StopView
from backend_services.searching import fold
from eventstore.codec import Codec, Event
from eventstore.records import RecordedEvent

View = TypeVar("View", DeliveryView, StopView, IncidentView)
SENT_LATE_FROM = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event of a delivery, and the delivery as it was after it (without the names of driver and vehicle).

    `known_at` is when it was recorded, and never before an earlier event of the stream: the clocks of two processes
    may differ a little, the order of a stream doesn't.
    """

    recorded: RecordedEvent
    known_at: datetime
    view: DeliveryView

    @property
    def occurred_at(self) -> datetime:
        return self.recorded.occurred_at

    @property
    def was_sent_late(self) -> bool:
        """Whether it reached us more than a minute after it happened."""
        return self.known_at - self.occurred_at > SENT_LATE_FROM


@dataclass(frozen=True, slots=True)
class DeliveryPast:
    """All facts of one delivery, oldest first."""

    delivery_id: str
    facts: tuple[Fact, ...]
    known: tuple[datetime, ...]
    """The facts' `known_at`."""
    has_late_facts: bool

    @property
    def version(self) -> int:
        return self.facts[-1].recorded.version

    def last_fact(self, at: datetime) -> Fact | None:
        """The newest fact that was known at `at`; None before the delivery was."""
        number = bisect_right(self.known, at)
        return self.facts[number - 1] if number else None

    def unheard(self, at: datetime) -> tuple[Fact, ...]:
        """What had happened by `at` and was recorded afterwards only, more than a minute late."""
        if not self.has_late_facts:
            return ()
        later = self.facts[bisect_right(self.known, at) :]
        return tuple(fact for fact in later if fact.was_sent_late and fact.occurred_at <= at)


def changed(view: View, **fields: Any) -> View:
    """A copy of an immutable view with other fields. `dataclasses.replace` costs ten times as much, and a day of a
    thousand deliveries has ten thousand events."""
    copy: View = object.__new__(type(view))
    copy.__dict__.update(view.__dict__, **fields)
    return copy


def fold_past(codec: Codec, recorded: Sequence[RecordedEvent]) -> DeliveryPast:
    """The past of the delivery whose whole stream this is, oldest event first."""
    facts: list[Fact] = []
    view: DeliveryView | None = None
    for each in recorded:
        event = codec.decode(each.type, each.schema_version, each.data)
        view = changed(_after(view, event), version=each.version)
        known_at = max(each.recorded_at, facts[-1].known_at) if facts else each.recorded_at
        facts.append(Fact(each, known_at, view))
    return DeliveryPast(
        delivery_id=facts[0].view.delivery_id,
        facts=tuple(facts),
        known=tuple(fact.known_at for fact in facts),
        has_late_facts=any(fact.was_sent_late for fact in facts),
    )


def incidents_known(codec: Codec, view: DeliveryView, facts: Sequence[Fact]) -> list[IncidentView]:
    """The incidents of a delivery after these facts, oldest first."""
    found: dict[str, IncidentView] = {}
    for fact in facts:
        each = fact.recorded
        event = codec.decode(each.type, each.schema_version, each.data)
        match event:
            case events.IncidentReported():
                found[event.incident_id] = IncidentView(
                    incident_id=event.incident_id,
                    delivery_id=event.delivery_id,
                    type=event.incident_type,
                    description=event.description,
                    severity=event.severity,
                    reported_at=event.reported_at,
                    resolved_at=None,
                    photo_url=event.photo_url,
                    latitude=event.latitude,
                    longitude=event.longitude,
                    origin=view.origin,
                    destination=view.destination,
                    driver_name=view.driver_name,
                )
            case events.IncidentResolved():
                found[event.incident_id] = changed(found[event.incident_id], resolved_at=event.resolved_at)
    return sorted(found.values(), key=lambda incident: (incident.reported_at, incident.incident_id))


def _after(view: DeliveryView | None, event: Event) -> DeliveryView:
    if isinstance(event, events.DeliveryCreated):
        return _created(event)
    if view is None:
        raise ValueError(f"a delivery's first event is {event.TYPE}")
    match event:
        case events.DeliveryStatusChanged():
            return _after_status(view, event)
        case events.CheckpointReached():
            return changed(view, stops=_with_reached(view.stops, event))
        case events.ProofOfDeliveryCaptured():
            return changed(
                view,
                receiver_name=event.receiver_name,
                signature_url=event.signature_url,
                proof=proof_shown(event),
            )
        case events.DriverAssigned():
            return changed(view, driver_id=event.driver_id)
        case events.DriverUnassigned():
            return changed(view, driver_id=None)
        case events.VehicleAssigned():
            return changed(view, vehicle_id=event.vehicle_id)
        case events.VehicleUnassigned():
            return changed(view, vehicle_id=None)
        case events.IncidentReported():
            return changed(view, open_incidents=view.open_incidents + 1)
        case events.IncidentResolved():
            return changed(view, open_incidents=view.open_incidents - 1)
    raise ValueError(f"a delivery can't have a {event.TYPE}")


def _created(event: events.DeliveryCreated) -> DeliveryView:
    blank = DeliveryView(
        delivery_id=event.delivery_id,
        route_id=event.route_id,
        driver_id=event.driver_id,
        driver_name=None,
        vehicle_id=event.vehicle_id,
        vehicle_registration=None,
        status="PickedUp",
        origin="",
        destination="",
        scheduled_start_at=event.plan.scheduled_start_time,
        scheduled_end_at=event.plan.scheduled_end_time,
        created_at=event.created_at,
        status_changed_at=event.created_at,
        delivered_at=None,
        failed_at=None,
        failure_reason=None,
        failure_note=None,
        receiver_name=None,
        signature_url=None,
        proof=None,
        open_incidents=0,
        search_text="",
        stops=(),
        version=0,
    )
    return _with_plan(blank, event.plan)


def _after_status(view: DeliveryView, event: events.DeliveryStatusChanged) -> DeliveryView:
    view = changed(view, status=event.new_status, status_changed_at=event.changed_at)
    if event.new_status == "Delivered":
        view = changed(view, delivered_at=event.changed_at)
    elif event.new_status == "Failed":
        view = changed(view, failed_at=event.changed_at, failure_reason=event.reason, failure_note=event.note)
    elif event.old_status == "Failed":
        view = changed(view, failed_at=None, failure_reason=None, failure_note=None)
    return view if event.plan is None else _with_plan(view, event.plan)


def _with_reached(stops: tuple[StopView, ...], event: events.CheckpointReached) -> tuple[StopView, ...]:
    return tuple(
        changed(stop, reached_at=event.reached_at, out_of_order=event.out_of_order)
        if stop.sequence == event.sequence
        else stop
        for stop in stops
    )


def _with_plan(view: DeliveryView, plan: Plan) -> DeliveryView:
    """What was reached stays reached where the place is still on the plan."""
    reached = {(stop.sequence, stop.location): (stop.reached_at, stop.out_of_order) for stop in view.stops}
    places = [stop.location for stop in plan.checkpoints]
    stops = []
    for stop in sorted(plan.checkpoints, key=lambda stop: stop.sequence):
        reached_at, out_of_order = reached.get((stop.sequence, stop.location), (None, False))
        stops.append(
            StopView(
                sequence=stop.sequence,
                location=stop.location,
                expected_time=stop.expected_time,
                address=stop.address,
                latitude=stop.latitude,
                longitude=stop.longitude,
                time_zone=stop.time_zone,
                reached_at=reached_at,
                out_of_order=out_of_order,
            )
        )
    return changed(
        view,
        origin=plan.origin,
        destination=plan.destination,
        scheduled_start_at=plan.scheduled_start_time,
        scheduled_end_at=plan.scheduled_end_time,
        search_text=fold(
            "\n".join([view.delivery_id, view.route_id, plan.origin, plan.destination, *places])
        ),
        stops=tuple(stops),
    )
