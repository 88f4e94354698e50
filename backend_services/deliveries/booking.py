"""The decisions that span a delivery, its route, driver and vehicle: each is one commit over all their streams."""

from datetime import datetime, timedelta
from typing import NamedTuple

from backend_services.deliveries import commands, delivery, events
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.delivery import DELIVERY, Delivery
from backend_services.deliveries.events import Plan
from backend_services.fleet.booking import Request
from backend_services.fleet.driver import DRIVER, Driver, book_driver, release_driver
from backend_services.fleet.vehicle import VEHICLE, Vehicle, book_vehicle, release_vehicle
from backend_services.routes.route import ROUTE, Route, free_route, use_route
from eventstore.codec import Event
from eventstore.execute import Refusal

Written = list[tuple[str, Event]]


class BookingRules(NamedTuple):
    """How long a booking is at least, and the time kept free on both sides of it."""

    minimum: timedelta = timedelta(minutes=30)
    buffer: timedelta = timedelta(0)

    def end_of(self, start: datetime, end: datetime) -> datetime:
        """When a booking ends that is for the route's time [start, end)."""
        return max(end, start + self.minimum)


class Party(NamedTuple):
    """The states of those whom a delivery concerns; None for those it hasn't got."""

    route: Route
    driver: Driver | None
    vehicle: Vehicle | None


def plan_of(route: Route) -> Plan:
    """The copy of a route's plan that a delivery carries."""
    return Plan(
        origin=route.origin,
        destination=route.destination,
        scheduled_start_time=route.start,
        scheduled_end_time=route.scheduled_end,
        checkpoints=route.checkpoints,
    )


def booking_request(plan: Plan, delivery_id: str, rules: BookingRules) -> Request:
    """[start, end) of the plan, at least the minimum long."""
    start = plan.scheduled_start_time
    return Request(delivery_id, start, rules.end_of(start, plan.scheduled_end_time), rules.buffer)


def create_delivery(
    known: Delivery,
    party: Party,
    command: commands.CreateDelivery,
    delivery_id: str,
    at: datetime,
    rules: BookingRules,
) -> Written:
    """A new delivery, PickedUp, with the route used and driver and vehicle booked."""
    if known.exists:
        raise Refusal("delivery_exists", f"A delivery with the id {delivery_id} exists already.", "exists")
    taken = use_route(party.route, command.route_id, delivery_id)
    created = events.DeliveryCreated(
        delivery_id=delivery_id,
        route_id=command.route_id,
        driver_id=command.driver_id,
        vehicle_id=command.vehicle_id,
        created_at=at,
        plan=plan_of(party.route),
    )
    request = booking_request(created.plan, delivery_id, rules)
    return [
        *_on(DELIVERY.stream(delivery_id), [created]),
        *_on(ROUTE.stream(command.route_id), taken),
        *_book(party, command.driver_id, command.vehicle_id, request),
    ]


def assign_driver(
    known: Delivery,
    old: Driver | None,
    new: Driver | None,
    command: commands.AssignDriver,
    at: datetime,
    rules: BookingRules,
) -> Written:
    """Another driver, or none: the old booking ends and the new one begins in one commit."""
    if command.driver_id == known.driver_id:
        return []
    _refuse_unless_picked_up(known)
    on_delivery: list[Event] = []
    written: Written = []
    if old is not None and known.driver_id is not None:
        on_delivery.append(_driver_unassigned(known, known.driver_id, at))
        written += _on(DRIVER.stream(known.driver_id), release_driver(old, known.delivery_id))
    if new is not None and command.driver_id is not None:
        request = booking_request(known.planned, known.delivery_id, rules)
        written += _on(DRIVER.stream(command.driver_id), book_driver(new, command.driver_id, request))
        on_delivery.append(
            events.DriverAssigned(delivery_id=known.delivery_id, driver_id=command.driver_id, assigned_at=at)
        )
    return [*_on(DELIVERY.stream(known.delivery_id), on_delivery), *written]


def assign_vehicle(
    known: Delivery,
    old: Vehicle | None,
    new: Vehicle | None,
    command: commands.AssignVehicle,
    at: datetime,
    rules: BookingRules,
) -> Written:
    """Another vehicle, or none: the old booking ends and the new one begins in one commit."""
    if command.vehicle_id == known.vehicle_id:
        return []
    _refuse_unless_picked_up(known)
    on_delivery: list[Event] = []
    written: Written = []
    if old is not None and known.vehicle_id is not None:
        on_delivery.append(_vehicle_unassigned(known, known.vehicle_id, at))
        written += _on(VEHICLE.stream(known.vehicle_id), release_vehicle(old, known.delivery_id))
    if new is not None and command.vehicle_id is not None:
        request = booking_request(known.planned, known.delivery_id, rules)
        written += _on(VEHICLE.stream(command.vehicle_id), book_vehicle(new, command.vehicle_id, request))
        on_delivery.append(
            events.VehicleAssigned(
                delivery_id=known.delivery_id, vehicle_id=command.vehicle_id, assigned_at=at
            )
        )
    return [*_on(DELIVERY.stream(known.delivery_id), on_delivery), *written]


def fail_delivery(
    known: Delivery, party: Party, command: commands.ChangeDeliveryStatus, at: datetime
) -> Written:
    """Failed, and everything it held is free."""
    reason, note = delivery.check_failure(command)
    failed = delivery.status_changed(known, DeliveryStatus.FAILED, at, reason, note)
    return [*_on(DELIVERY.stream(known.delivery_id), [failed]), *_release(known, party)]


def complete_delivery(known: Delivery, party: Party, command: commands.CaptureProof, at: datetime) -> Written:
    """Delivered with its proof, and everything it held is free."""
    completed = delivery.capture_proof(known, command, at)
    return [*_on(DELIVERY.stream(known.delivery_id), completed), *_release(known, party)]


def retry_delivery(
    known: Delivery,
    party: Party,
    command: commands.ChangeDeliveryStatus,
    at: datetime,
    rules: BookingRules,
) -> Written:
    """Failed → PickedUp: the bookings are taken again on the route as it is now, perhaps by others."""
    driver_id = command.driver_id or known.driver_id
    vehicle_id = command.vehicle_id or known.vehicle_id
    taken = use_route(party.route, known.route_id, known.delivery_id)
    plan = plan_of(party.route)
    on_delivery: list[Event] = [
        delivery.status_changed(known, DeliveryStatus.PICKED_UP, at, command.reason, command.note, plan)
    ]
    if driver_id is not None and driver_id != known.driver_id:
        if known.driver_id is not None:
            on_delivery.append(_driver_unassigned(known, known.driver_id, at))
        on_delivery.append(
            events.DriverAssigned(delivery_id=known.delivery_id, driver_id=driver_id, assigned_at=at)
        )
    if vehicle_id is not None and vehicle_id != known.vehicle_id:
        if known.vehicle_id is not None:
            on_delivery.append(_vehicle_unassigned(known, known.vehicle_id, at))
        on_delivery.append(
            events.VehicleAssigned(delivery_id=known.delivery_id, vehicle_id=vehicle_id, assigned_at=at)
        )
    return [
        *_on(DELIVERY.stream(known.delivery_id), on_delivery),
        *_on(ROUTE.stream(known.route_id), taken),
        *_book(party, driver_id, vehicle_id, booking_request(plan, known.delivery_id, rules)),
    ]


def _book(party: Party, driver_id: str | None, vehicle_id: str | None, request: Request) -> Written:
    written: Written = []
    if driver_id is not None and party.driver is not None:
        written += _on(DRIVER.stream(driver_id), book_driver(party.driver, driver_id, request))
    if vehicle_id is not None and party.vehicle is not None:
        written += _on(VEHICLE.stream(vehicle_id), book_vehicle(party.vehicle, vehicle_id, request))
    return written


def _release(known: Delivery, party: Party) -> Written:
    written = _on(ROUTE.stream(known.route_id), free_route(party.route, known.delivery_id))
    if known.driver_id is not None and party.driver is not None:
        written += _on(DRIVER.stream(known.driver_id), release_driver(party.driver, known.delivery_id))
    if known.vehicle_id is not None and party.vehicle is not None:
        written += _on(VEHICLE.stream(known.vehicle_id), release_vehicle(party.vehicle, known.delivery_id))
    return written


def _on(stream: str, happened: list[Event]) -> Written:
    return [(stream, event) for event in happened]


def _driver_unassigned(known: Delivery, driver_id: str, at: datetime) -> Event:
    return events.DriverUnassigned(delivery_id=known.delivery_id, driver_id=driver_id, unassigned_at=at)


def _vehicle_unassigned(known: Delivery, vehicle_id: str, at: datetime) -> Event:
    return events.VehicleUnassigned(delivery_id=known.delivery_id, vehicle_id=vehicle_id, unassigned_at=at)


def _refuse_unless_picked_up(known: Delivery) -> None:
    if known.status is not DeliveryStatus.PICKED_UP:
        raise Refusal(
            "delivery_already_started",
            f"Driver and vehicle can be changed only while PickedUp; the delivery is {known.status}.",
            currentStatus=known.status,
        )
