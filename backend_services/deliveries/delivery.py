"""A delivery: one run of a route. State, and the decisions that look at this one stream only."""

from datetime import datetime

import msgspec

from backend_services.deliveries import commands, events
from backend_services.deliveries.commands import DeliveryStatus, FailureReason
from backend_services.deliveries.events import Plan
from backend_services.rules import require_text
from eventstore.codec import Event
from eventstore.execute import Aggregate, Refusal

MAX_OPEN_INCIDENTS = 100
MAX_NOTE_LENGTH = 2_000
MAX_URL_LENGTH = 2_000

TRANSITIONS: dict[DeliveryStatus, tuple[DeliveryStatus, ...]] = {
    DeliveryStatus.PICKED_UP: (DeliveryStatus.IN_TRANSIT, DeliveryStatus.FAILED),
    DeliveryStatus.IN_TRANSIT: (DeliveryStatus.OUT_FOR_DELIVERY, DeliveryStatus.FAILED),
    DeliveryStatus.OUT_FOR_DELIVERY: (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED),
    DeliveryStatus.DELIVERED: (),
    DeliveryStatus.FAILED: (DeliveryStatus.PICKED_UP,),
}
UNFINISHED = (DeliveryStatus.PICKED_UP, DeliveryStatus.IN_TRANSIT, DeliveryStatus.OUT_FOR_DELIVERY)


class Delivery(msgspec.Struct, frozen=True):
    """A delivery's state. `reached` holds the (sequence, location) of reached checkpoints of the present plan;
    `incidents` maps an incident's id to whether it is resolved."""

    delivery_id: str = ""
    route_id: str = ""
    driver_id: str | None = None
    vehicle_id: str | None = None
    status: DeliveryStatus = DeliveryStatus.PICKED_UP
    plan: Plan | None = None
    reached: frozenset[tuple[int, str]] = frozenset()
    incidents: dict[str, bool] = {}

    @property
    def exists(self) -> bool:
        return bool(self.delivery_id)

    @property
    def planned(self) -> Plan:
        """The plan of an existing delivery."""
        assert self.plan is not None, "only an existing delivery has a plan"  # noqa: S101
        return self.plan

    @property
    def missing(self) -> list[tuple[int, str]]:
        """The checkpoints not reached yet, in their order."""
        places = [(stop.sequence, stop.location) for stop in self.planned.checkpoints]
        return [place for place in places if place not in self.reached]


def evolve(delivery: Delivery, event: Event) -> Delivery:
    """The delivery after the event."""
    replace = msgspec.structs.replace
    match event:
        case events.DeliveryCreated():
            return Delivery(
                delivery_id=event.delivery_id,
                route_id=event.route_id,
                driver_id=event.driver_id,
                vehicle_id=event.vehicle_id,
                plan=event.plan,
            )
        case events.DeliveryStatusChanged():
            moved = replace(delivery, status=DeliveryStatus(event.new_status))
            return moved if event.plan is None else _with_plan(moved, event.plan)
        case events.CheckpointReached():
            return replace(delivery, reached=delivery.reached | {(event.sequence, event.location)})
        case events.DriverAssigned():
            return replace(delivery, driver_id=event.driver_id)
        case events.DriverUnassigned():
            return replace(delivery, driver_id=None)
        case events.VehicleAssigned():
            return replace(delivery, vehicle_id=event.vehicle_id)
        case events.VehicleUnassigned():
            return replace(delivery, vehicle_id=None)
        case events.IncidentReported():
            return replace(delivery, incidents=delivery.incidents | {event.incident_id: False})
        case events.IncidentResolved():
            return replace(delivery, incidents=delivery.incidents | {event.incident_id: True})
        case events.ProofOfDeliveryCaptured():
            return delivery  # the status change in the same commit is what changes the state
    raise AssertionError(f"a delivery's stream holds no {event.TYPE}")


DELIVERY = Aggregate("delivery", Delivery(), evolve)


def require_delivery(delivery: Delivery, delivery_id: str, as_driver: str | None = None) -> None:
    """Refuse an id that no delivery has, or that isn't the acting driver's (which looks alike from outside)."""
    if not delivery.exists:
        raise Refusal("delivery_not_found", f"There is no delivery with the id {delivery_id}.", "not_found")
    if as_driver is not None and delivery.driver_id != as_driver:
        raise Refusal(
            "not_your_delivery",
            f"Delivery {delivery_id} is not yours. If it was, the dispatcher has given it to somebody else.",
            "not_found",
        )


def check_transition(delivery: Delivery, command: commands.ChangeDeliveryStatus) -> bool:
    """Whether the command changes anything. Refuses a wrong expectation and every transition that isn't listed."""
    if command.status is delivery.status:
        return False
    if command.expected_status is not None and command.expected_status is not delivery.status:
        raise Refusal(
            "unexpected_status",
            f"The delivery is {delivery.status}, not {command.expected_status}. Look at it again before you change it.",
            currentStatus=delivery.status,
            allowedTransitions=list(TRANSITIONS[delivery.status]),
        )
    allowed = TRANSITIONS[delivery.status]
    if command.status not in allowed:
        can = f"it can become {' or '.join(allowed)}" if allowed else "that is final"
        raise Refusal(
            "illegal_transition",
            f"A delivery that is {delivery.status} can't become {command.status}; {can}.",
            currentStatus=delivery.status,
            allowedTransitions=list(allowed),
        )
    return True


def move_on(delivery: Delivery, command: commands.ChangeDeliveryStatus, at: datetime) -> list[Event]:
    """InTransit and OutForDelivery, for which this stream alone decides."""
    if command.status is DeliveryStatus.IN_TRANSIT:
        _require_driver_and_vehicle(delivery)
    if command.status is DeliveryStatus.OUT_FOR_DELIVERY and delivery.missing:
        names = ", ".join(f"{sequence} ({location})" for sequence, location in delivery.missing)
        raise Refusal(
            "checkpoints_missing",
            f"Not every checkpoint has been reached. Missing: {names}.",
            missingCheckpoints=[
                {"sequence": sequence, "location": location} for sequence, location in delivery.missing
            ],
        )
    return [status_changed(delivery, command.status, at, command.reason, command.note)]


def check_failure(command: commands.ChangeDeliveryStatus) -> tuple[FailureReason, str | None]:
    """The reason code and note of a failure; `other` when no reason is given."""
    note = checked_note(command.note)
    try:
        return FailureReason(command.reason or FailureReason.OTHER), note
    except ValueError:
        known = ", ".join(FailureReason)
        raise Refusal(
            "unknown_failure_reason",
            f"A failed delivery needs one of these reasons: {known}.",
            errors={"reason": f"must be one of {known}"},
        ) from None


def reach_checkpoint(delivery: Delivery, command: commands.ReachCheckpoint, at: datetime) -> list[Event]:
    """A checkpoint is reached; with the last outstanding one the delivery is out for delivery."""
    if command.route_id != delivery.route_id:
        raise Refusal(
            "wrong_route",
            f"The delivery runs route {delivery.route_id}, not {command.route_id}.",
            errors={"routeId": f"must be {delivery.route_id}"},
        )
    place = (command.sequence, command.location.strip())
    places = [(stop.sequence, stop.location) for stop in delivery.planned.checkpoints]
    if place not in places:
        raise Refusal(
            "checkpoint_not_on_route",
            f"The route has no checkpoint {place[0]} called “{place[1]}”.",
            checkpoints=[{"sequence": sequence, "location": location} for sequence, location in places],
        )
    if place in delivery.reached:
        return []
    if delivery.status is not DeliveryStatus.IN_TRANSIT:
        raise Refusal(
            "delivery_not_in_transit",
            f"Checkpoints are reached while InTransit; the delivery is {delivery.status}.",
            currentStatus=delivery.status,
            allowedTransitions=list(TRANSITIONS[delivery.status]),
        )
    reached = events.CheckpointReached(
        delivery_id=delivery.delivery_id,
        route_id=delivery.route_id,
        sequence=place[0],
        location=place[1],
        reached_at=at,
        out_of_order=delivery.missing[0] != place,
    )
    if delivery.missing == [place]:
        return [reached, status_changed(delivery, DeliveryStatus.OUT_FOR_DELIVERY, at)]
    return [reached]


def report_incident(
    delivery: Delivery, command: commands.ReportIncident, incident_id: str, at: datetime
) -> list[Event]:
    """Something went wrong; in any status, and it blocks nothing."""
    require_text(limit=MAX_NOTE_LENGTH, description=command.description)
    if sum(not resolved for resolved in delivery.incidents.values()) >= MAX_OPEN_INCIDENTS:
        raise Refusal(
            "too_many_incidents",
            f"The delivery has {MAX_OPEN_INCIDENTS} open incidents; resolve some of them first.",
        )
    return [
        events.IncidentReported(
            delivery_id=delivery.delivery_id,
            incident_id=incident_id,
            incident_type=command.type,
            description=command.description.strip(),
            severity=command.severity,
            reported_at=at,
            photo_url=command.photo_url,
            latitude=command.latitude,
            longitude=command.longitude,
        )
    ]


def resolve_incident(delivery: Delivery, command: commands.ResolveIncident, at: datetime) -> list[Event]:
    """An incident is dealt with; a second time is refused."""
    resolved = delivery.incidents.get(command.incident_id)
    if resolved is None:
        raise Refusal(
            "incident_not_found", f"The delivery has no incident {command.incident_id}.", "not_found"
        )
    if resolved:
        raise Refusal("incident_already_resolved", "The incident is resolved already.")
    return [
        events.IncidentResolved(
            delivery_id=delivery.delivery_id, incident_id=command.incident_id, resolved_at=at
        )
    ]


def capture_proof(delivery: Delivery, command: commands.CaptureProof, at: datetime) -> list[Event]:
    """The receiver has it: proof and Delivered together."""
    require_text(receiverName=command.receiver_name)
    require_text(limit=MAX_URL_LENGTH, signatureUrl=command.signature_url)
    note = checked_note(command.note)
    if delivery.status is not DeliveryStatus.OUT_FOR_DELIVERY:
        again = " The proof is captured already." if delivery.status is DeliveryStatus.DELIVERED else ""
        raise Refusal(
            "delivery_not_out_for_delivery",
            f"Proof is captured while OutForDelivery; the delivery is {delivery.status}.{again}",
            currentStatus=delivery.status,
            allowedTransitions=list(TRANSITIONS[delivery.status]),
        )
    proof = events.ProofOfDeliveryCaptured(
        delivery_id=delivery.delivery_id,
        receiver_name=command.receiver_name.strip(),
        signature_url=command.signature_url.strip(),
        captured_at=at,
        photo_urls=command.photo_urls,
        note=note,
        delivered_to=command.delivered_to,
        latitude=command.latitude,
        longitude=command.longitude,
    )
    return [proof, status_changed(delivery, DeliveryStatus.DELIVERED, at)]


def status_changed(
    delivery: Delivery,
    status: DeliveryStatus,
    at: datetime,
    reason: str | None = None,
    note: str | None = None,
    plan: Plan | None = None,
) -> events.DeliveryStatusChanged:
    """The event of a status change that has been checked."""
    return events.DeliveryStatusChanged(
        delivery_id=delivery.delivery_id,
        old_status=delivery.status,
        new_status=status,
        changed_at=at,
        reason=reason,
        note=note,
        plan=plan,
    )


def checked_note(note: str | None) -> str | None:
    """A note without surrounding blanks, None for an empty one; refused when absurdly long."""
    if note is None or not note.strip():
        return None
    require_text(limit=MAX_NOTE_LENGTH, note=note)
    return note.strip()


def _require_driver_and_vehicle(delivery: Delivery) -> None:
    missing = [
        name
        for name, present in (("driver", delivery.driver_id), ("vehicle", delivery.vehicle_id))
        if present is None
    ]
    if missing:
        raise Refusal(
            "driver_and_vehicle_required",
            f"The delivery has no {' and no '.join(missing)} yet; assign before it starts.",
            missing=missing,
        )


def _with_plan(delivery: Delivery, plan: Plan) -> Delivery:
    """A retry keeps the checkpoints reached before, as far as the new plan still has them."""
    places = {(stop.sequence, stop.location) for stop in plan.checkpoints}
    return msgspec.structs.replace(delivery, plan=plan, reached=delivery.reached & places)
