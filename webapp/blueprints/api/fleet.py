"""Drivers and vehicles."""

from typing import Any

from backend_services.deliveries.queries import list_unfinished_of
from backend_services.fleet import commands, queries
from backend_services.fleet.queries import BookingView, DriverView, VehicleView
from backend_services.paging import BadCursor
from eventstore.execute import Refusal
from webapp.access import signed_in
from webapp.acting import own_driver_id, waybill
from webapp.blueprints.api import answers, api, bodies
from webapp.blueprints.api.operations import command_context, done, operation
from webapp.blueprints.api.parsing import Malformed
from webapp.database import db

OVERVIEW_LIMIT = 1_000


def text_or_none(value: Any) -> str | None:
    """An id of a body as a command wants it."""
    return None if value is None else str(value)


def accepted(result: dict[str, Any]) -> answers.Done:
    """{id, result: {message}, warnings?}"""
    more = {"warnings": result["warnings"]} if result.get("warnings") else {}
    return answers.Done(id=result["id"], result=answers.Message(message=result["message"]), **more)


def accepted_status(result: dict[str, Any]) -> answers.StatusDone:
    """{id, result: {message}, status}"""
    return answers.StatusDone(
        id=result["id"], result=answers.Message(message=result["message"]), status=result["status"]
    )


def bad_cursor(error: BadCursor) -> Malformed:
    """What a wrong cursor is answered with."""
    return Malformed(f"cursor: {error}.", {"cursor": str(error)})


@operation(api, "POST", "/fleet/drivers", tag="Fleet", body=bodies.NewDriverBody, answer=answers.Done)
def add_driver(body: bodies.NewDriverBody) -> answers.Done:
    """Add a driver.

    Another driver with the same name or licence is accepted, with warnings.
    """
    command = commands.AddDriver(
        driver_id=text_or_none(body.id), name=body.name, driver_license=body.driver_license
    )
    return accepted(done(waybill().fleet.add_driver(command, command_context())))


@operation(api, "PUT", "/fleet/drivers/{driver_id}", tag="Fleet", body=bodies.DriverBody, answer=answers.Done)
def update_driver(driver_id: str, body: bodies.DriverBody) -> answers.Done:
    """Change a driver's name or licence."""
    command = commands.UpdateDriver(driver_id=driver_id, name=body.name, driver_license=body.driver_license)
    return accepted(done(waybill().fleet.update_driver(command, command_context())))


@operation(
    api,
    "PATCH",
    "/fleet/drivers/{driver_id}/status",
    tag="Fleet",
    body=bodies.DriverStatusBody,
    answer=answers.StatusDone,
)
def change_driver_status(driver_id: str, body: bodies.DriverStatusBody) -> answers.StatusDone:
    """Set a driver's status.

    Assigned is derived from bookings and can't be set; a booked driver's status can't change.
    """
    command = commands.ChangeDriverStatus(driver_id=driver_id, status=body.status, reason=body.reason)
    return accepted_status(done(waybill().fleet.change_driver_status(command, command_context())))


@operation(api, "GET", "/fleet/drivers", tag="Fleet", query=bodies.DriversQuery, answer=answers.DriverPage)
def list_drivers(query: bodies.DriversQuery) -> answers.DriverPage:
    """List drivers by name."""
    try:
        page = queries.list_drivers(
            db.session(), status=query.status, q=query.q, limit=query.limit, cursor=query.cursor or None
        )
    except BadCursor as error:
        raise bad_cursor(error) from error
    return answers.DriverPage(items=[_driver(view) for view in page.items], next_cursor=page.next_cursor)


@operation(
    api, "GET", "/fleet/drivers/{driver_id}", tag="Fleet", answer=answers.DriverAnswer, access=signed_in
)
def get_driver(driver_id: str) -> answers.DriverAnswer:
    """Get one driver with its bookings."""
    found = queries.find_driver(db.session(), driver_id)
    if found is None or own_driver_id() not in (None, driver_id):
        raise Refusal("driver_not_found", f"There is no driver with the id {driver_id}.", "not_found")
    return _driver(found)


@operation(api, "POST", "/fleet/vehicles", tag="Fleet", body=bodies.NewVehicleBody, answer=answers.Done)
def add_vehicle(body: bodies.NewVehicleBody) -> answers.Done:
    """Add a vehicle.

    Another vehicle with the same registration is accepted, with warnings.
    """
    command = commands.AddVehicle(
        vehicle_id=text_or_none(body.id), registration=body.registration, vehicle_type=body.vehicle_type
    )
    return accepted(done(waybill().fleet.add_vehicle(command, command_context())))


@operation(
    api, "PUT", "/fleet/vehicles/{vehicle_id}", tag="Fleet", body=bodies.VehicleBody, answer=answers.Done
)
def update_vehicle(vehicle_id: str, body: bodies.VehicleBody) -> answers.Done:
    """Change a vehicle's registration or type."""
    command = commands.UpdateVehicle(
        vehicle_id=vehicle_id, registration=body.registration, vehicle_type=body.vehicle_type
    )
    return accepted(done(waybill().fleet.update_vehicle(command, command_context())))


@operation(
    api,
    "PATCH",
    "/fleet/vehicles/{vehicle_id}/status",
    tag="Fleet",
    body=bodies.VehicleStatusBody,
    answer=answers.StatusDone,
)
def change_vehicle_status(vehicle_id: str, body: bodies.VehicleStatusBody) -> answers.StatusDone:
    """Set a vehicle's status.

    Assigned is derived from bookings and can't be set; a booked vehicle's status can't change.
    """
    command = commands.ChangeVehicleStatus(vehicle_id=vehicle_id, status=body.status, reason=body.reason)
    return accepted_status(done(waybill().fleet.change_vehicle_status(command, command_context())))


@operation(api, "GET", "/fleet/vehicles", tag="Fleet", query=bodies.VehiclesQuery, answer=answers.VehiclePage)
def list_vehicles(query: bodies.VehiclesQuery) -> answers.VehiclePage:
    """List vehicles by registration."""
    try:
        page = queries.list_vehicles(
            db.session(), status=query.status, q=query.q, limit=query.limit, cursor=query.cursor or None
        )
    except BadCursor as error:
        raise bad_cursor(error) from error
    return answers.VehiclePage(items=[_vehicle(view) for view in page.items], next_cursor=page.next_cursor)


@operation(api, "GET", "/fleet/vehicles/{vehicle_id}", tag="Fleet", answer=answers.VehicleAnswer)
def get_vehicle(vehicle_id: str) -> answers.VehicleAnswer:
    """Get one vehicle with its bookings."""
    found = queries.find_vehicle(db.session(), vehicle_id)
    if found is None:
        raise Refusal("vehicle_not_found", f"There is no vehicle with the id {vehicle_id}.", "not_found")
    return _vehicle(found)


@operation(api, "GET", "/fleet/overview", tag="Fleet", answer=answers.FleetOverview, is_hot=True)
def fleet_overview() -> answers.FleetOverview:
    """Count the fleet by status, and say who is on which delivery."""
    session = db.session()
    drivers = queries.list_drivers(session, limit=OVERVIEW_LIMIT).items
    vehicles = queries.list_vehicles(session, limit=OVERVIEW_LIMIT).items
    current: dict[str | None, str] = {}
    for delivery in list_unfinished_of(
        session,
        driver_ids=[driver.driver_id for driver in drivers],
        vehicle_ids=[vehicle.vehicle_id for vehicle in vehicles],
    ):
        current.setdefault(delivery.driver_id, delivery.delivery_id)
        current.setdefault(delivery.vehicle_id, delivery.delivery_id)
    return answers.FleetOverview(
        counts=answers.StatusCounts(
            drivers=queries.count_drivers_by_status(session),
            vehicles=queries.count_vehicles_by_status(session),
        ),
        drivers=[
            answers.FleetDriver(
                driver_id=view.driver_id,
                name=view.name,
                status=view.status,
                current_delivery_id=current.get(view.driver_id),
            )
            for view in drivers
        ],
        vehicles=[
            answers.FleetVehicle(
                vehicle_id=view.vehicle_id,
                registration=view.registration,
                vehicle_type=view.vehicle_type,
                status=view.status,
                current_delivery_id=current.get(view.vehicle_id),
            )
            for view in vehicles
        ],
    )


def _driver(view: DriverView) -> answers.DriverAnswer:
    return answers.DriverAnswer(
        driver_id=view.driver_id,
        name=view.name,
        driver_license=view.driver_license,
        status=view.status,
        status_reason=view.status_reason,
        bookings=[_booking(booking) for booking in view.bookings],
    )


def _vehicle(view: VehicleView) -> answers.VehicleAnswer:
    return answers.VehicleAnswer(
        vehicle_id=view.vehicle_id,
        registration=view.registration,
        vehicle_type=view.vehicle_type,
        status=view.status,
        status_reason=view.status_reason,
        bookings=[_booking(booking) for booking in view.bookings],
    )


def _booking(view: BookingView) -> answers.BookingAnswer:
    return answers.BookingAnswer(delivery_id=view.delivery_id, start=view.start_at, end=view.end_at)
