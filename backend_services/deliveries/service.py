"""The deliveries' commands. A command that books or releases is one commit over all the streams it concerns."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy.orm import Session, sessionmaker

from backend_services.deliveries import booking, commands, delivery
from backend_services.deliveries.booking import BookingRules, Party, Written
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.delivery import DELIVERY, Delivery
from backend_services.fleet.driver import DRIVER
from backend_services.fleet.queries import list_free_drivers, list_free_vehicles
from backend_services.fleet.vehicle import VEHICLE
from backend_services.hints import if_readable
from backend_services.routes.route import ROUTE, require_route
from backend_services.rules import check_claimed_time
from eventstore.codec import Event
from eventstore.execute import Context, Decision, Executor, Outcome, Refusal, Streams
from eventstore.ports import ResourceLocks

OTHER_ALTERNATIVES = 2


class DeliveryService:
    """Every method executes one command. The outcome's result is {id, message} and, where said, more.

    `as_driver` restricts the actor to that driver's own deliveries; to all others they don't exist. All raise what
    `Executor.execute` raises.
    """

    def __init__(
        self,
        executor: Executor,
        locks: ResourceLocks,
        sessions: sessionmaker[Session],
        rules: BookingRules | None = None,
    ) -> None:
        self._executor = executor
        self._locks = locks
        self._sessions = sessions
        self.rules = rules or BookingRules()

    def create_delivery(self, command: commands.CreateDelivery, context: Context) -> Outcome:
        """Start a delivery of an active route; books driver and vehicle when they are given."""
        delivery_id = command.delivery_id or self._executor.doors.new_id()

        def decide(streams: Streams) -> Decision:
            at = self._claimed_time(context)
            known = streams.load(DELIVERY, delivery_id)
            party = _party(streams, command.route_id, command.driver_id, command.vehicle_id)
            written = booking.create_delivery(known, party, command, delivery_id, at, self.rules)
            return Decision({"id": delivery_id, "message": "Delivery created."}, written)

        wanted = _names(command.route_id, command.driver_id, command.vehicle_id)
        with self._locks.hold(wanted):
            return self._executor.execute(command, context, self._with_alternatives(decide))

    def assign_driver(self, command: commands.AssignDriver, context: Context) -> Outcome:
        """Give the delivery to a driver, or to none."""

        def decide(streams: Streams) -> Decision:
            at = self._claimed_time(context)
            known = streams.load(DELIVERY, command.delivery_id)
            delivery.require_delivery(known, command.delivery_id)
            old = streams.load(DRIVER, known.driver_id) if known.driver_id else None
            new = streams.load(DRIVER, command.driver_id) if command.driver_id else None
            written = booking.assign_driver(known, old, new, command, at, self.rules)
            message = "Driver assigned." if command.driver_id else "Driver unassigned."
            return Decision({"id": command.delivery_id, "message": message}, written)

        with self._locks.hold(_names(None, command.driver_id, None)):
            return self._executor.execute(command, context, self._with_alternatives(decide))

    def assign_vehicle(self, command: commands.AssignVehicle, context: Context) -> Outcome:
        """Use a vehicle for the delivery, or none."""

        def decide(streams: Streams) -> Decision:
            at = self._claimed_time(context)
            known = streams.load(DELIVERY, command.delivery_id)
            delivery.require_delivery(known, command.delivery_id)
            old = streams.load(VEHICLE, known.vehicle_id) if known.vehicle_id else None
            new = streams.load(VEHICLE, command.vehicle_id) if command.vehicle_id else None
            written = booking.assign_vehicle(known, old, new, command, at, self.rules)
            message = "Vehicle assigned." if command.vehicle_id else "Vehicle unassigned."
            return Decision({"id": command.delivery_id, "message": message}, written)

        with self._locks.hold(_names(None, None, command.vehicle_id)):
            return self._executor.execute(command, context, self._with_alternatives(decide))

    def change_status(
        self, command: commands.ChangeDeliveryStatus, context: Context, as_driver: str | None = None
    ) -> Outcome:
        """Move on, fail or retry; the result also holds `status`. `Delivered` comes with the proof only."""

        def decide(streams: Streams) -> Decision:
            at = self._claimed_time(context)
            known = streams.load(DELIVERY, command.delivery_id)
            delivery.require_delivery(known, command.delivery_id, as_driver)
            changes = delivery.check_transition(known, command)
            written = self._status_change(streams, known, command, at) if changes else []
            message = (
                f"Delivery is {command.status}." if changes else f"Delivery was {command.status} already."
            )
            return Decision(
                {"id": command.delivery_id, "message": message, "status": command.status}, written
            )

        with self._locks.hold(_names(None, command.driver_id, command.vehicle_id)):
            return self._executor.execute(command, context, self._with_alternatives(decide))

    def reach_checkpoint(
        self, command: commands.ReachCheckpoint, context: Context, as_driver: str | None = None
    ) -> Outcome:
        """A checkpoint of the delivery's route is reached."""
        return self._on_delivery(
            command,
            context,
            as_driver,
            lambda known, at: delivery.reach_checkpoint(known, command, at),
            f"Checkpoint {command.sequence} reached.",
        )

    def report_incident(
        self, command: commands.ReportIncident, context: Context, as_driver: str | None = None
    ) -> Outcome:
        """Something went wrong; the result also holds `incidentId`."""
        incident_id = self._executor.doors.new_id()
        return self._on_delivery(
            command,
            context,
            as_driver,
            lambda known, at: delivery.report_incident(known, command, incident_id, at),
            "Incident reported.",
            incidentId=incident_id,
        )

    def resolve_incident(
        self, command: commands.ResolveIncident, context: Context, as_driver: str | None = None
    ) -> Outcome:
        """An incident is dealt with."""
        return self._on_delivery(
            command,
            context,
            as_driver,
            lambda known, at: delivery.resolve_incident(known, command, at),
            "Incident resolved.",
        )

    def capture_proof(
        self, command: commands.CaptureProof, context: Context, as_driver: str | None = None
    ) -> Outcome:
        """The proof of delivery; the delivery is Delivered with it."""

        def decide(streams: Streams) -> Decision:
            at = self._claimed_time(context)
            known = streams.load(DELIVERY, command.delivery_id)
            delivery.require_delivery(known, command.delivery_id, as_driver)
            party = _party(streams, known.route_id, known.driver_id, known.vehicle_id)
            written = booking.complete_delivery(known, party, command, at)
            message = "Proof of delivery captured; the delivery is Delivered."
            return Decision({"id": command.delivery_id, "message": message}, written)

        return self._executor.execute(command, context, decide)

    def _status_change(
        self, streams: Streams, known: Delivery, command: commands.ChangeDeliveryStatus, at: datetime
    ) -> Written:
        if command.status is DeliveryStatus.DELIVERED:
            raise Refusal(
                "proof_required",
                "A delivery becomes Delivered with its proof: send receiver and signature to"
                f" /api/deliveries/{known.delivery_id}/proof-of-delivery.",
                currentStatus=known.status,
                allowedTransitions=list(delivery.TRANSITIONS[known.status]),
            )
        if command.status is DeliveryStatus.FAILED:
            party = _party(streams, known.route_id, known.driver_id, known.vehicle_id)
            return booking.fail_delivery(known, party, command, at)
        if command.status is DeliveryStatus.PICKED_UP:
            driver_id = command.driver_id or known.driver_id
            vehicle_id = command.vehicle_id or known.vehicle_id
            party = _party(streams, known.route_id, driver_id, vehicle_id)
            return booking.retry_delivery(known, party, command, at, self.rules)
        moved = delivery.move_on(known, command, at)
        return [(DELIVERY.stream(known.delivery_id), event) for event in moved]

    def _on_delivery(
        self,
        command: Any,
        context: Context,
        as_driver: str | None,
        decide: Callable[[Delivery, datetime], list[Event]],
        message: str,
        **more: str,
    ) -> Outcome:
        """Run a command that concerns the delivery's own stream only."""
        stream = DELIVERY.stream(command.delivery_id)

        def decision(streams: Streams) -> Decision:
            at = self._claimed_time(context)
            known = streams.load(DELIVERY, command.delivery_id)
            delivery.require_delivery(known, command.delivery_id, as_driver)
            result = {"id": command.delivery_id, "message": message, **more}
            return Decision(result, [(stream, event) for event in decide(known, at)])

        return self._executor.execute(command, context, decision)

    def _claimed_time(self, context: Context) -> datetime:
        now = self._executor.doors.now()
        check_claimed_time(context.occurred_at, now)
        return context.occurred_at or now

    def _with_alternatives(self, decide: Callable[[Streams], Decision]) -> Callable[[Streams], Decision]:
        """Add to a clash who else is free then; a hint from the read models."""

        def decide_with_alternatives(streams: Streams) -> Decision:
            try:
                return decide(streams)
            except Refusal as refusal:
                conflict = refusal.details.get("conflict")
                if conflict is not None:
                    others = if_readable(partial(self._others_free, conflict))
                    conflict["alternatives"] = others + conflict["alternatives"]
                raise

        return decide_with_alternatives

    def _others_free(self, conflict: dict[str, Any]) -> list[dict[str, str]]:
        start, end = (msgspec.convert(conflict[f"wanted{side}"], datetime) for side in ("Start", "End"))
        # The rows may be behind and still show the refused one as free, so it is left out by its id.
        refused, limit = conflict["resourceId"], OTHER_ALTERNATIVES + 1
        others: list[dict[str, str]]
        with self._sessions() as session:
            if conflict["resource"] == "driver":
                drivers = list_free_drivers(session, start, end, self.rules.buffer, limit=limit)
                others = [
                    {"kind": "driver", "driverId": free.driver_id, "name": free.name}
                    for free in drivers
                    if free.driver_id != refused
                ]
            else:
                vehicles = list_free_vehicles(session, start, end, self.rules.buffer, limit=limit)
                others = [
                    {"kind": "vehicle", "vehicleId": free.vehicle_id, "registration": free.registration}
                    for free in vehicles
                    if free.vehicle_id != refused
                ]
        return others[:OTHER_ALTERNATIVES]


def _party(streams: Streams, route_id: str, driver_id: str | None, vehicle_id: str | None) -> Party:
    route = streams.load(ROUTE, route_id)
    require_route(route, route_id)
    return Party(
        route=route,
        driver=streams.load(DRIVER, driver_id) if driver_id else None,
        vehicle=streams.load(VEHICLE, vehicle_id) if vehicle_id else None,
    )


def _names(route_id: str | None, driver_id: str | None, vehicle_id: str | None) -> list[str]:
    wanted = ((ROUTE, route_id), (DRIVER, driver_id), (VEHICLE, vehicle_id))
    return [aggregate.stream(wanted_id) for aggregate, wanted_id in wanted if wanted_id]
