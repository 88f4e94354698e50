"""Everybody and everything that delivers, by status."""

from flask import abort, request
from flask.typing import ResponseReturnValue

from backend_services.fleet import queries
from backend_services.fleet.commands import DriverStatus, VehicleStatus
from backend_services.paging import BadCursor
from webapp.access import dispatcher_only
from webapp.blueprints.fleet import fleet
from webapp.database import db
from webapp.fragments import page_or_block, searched_text


@fleet.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """Drivers or vehicles (`?show=vehicles`), filtered and paged."""
    session = db.session()
    shows_vehicles = request.args.get("show") == "vehicles"
    statuses = set(VehicleStatus) if shows_vehicles else set(DriverStatus)
    status = request.args.get("status")
    status = status if status in statuses else None
    find = queries.list_vehicles if shows_vehicles else queries.list_drivers
    count = queries.count_vehicles_by_status if shows_vehicles else queries.count_drivers_by_status
    q = searched_text()
    try:
        page = find(session, status=status, q=q, cursor=request.args.get("cursor"))
    except BadCursor:
        abort(400, "This page of the list is no longer there. Start again from the first one.")
    return page_or_block(
        "fleet/index.html",
        "list",
        page=page,
        shows_vehicles=shows_vehicles,
        status=status,
        counts=count(session, q),
        driver_count=sum(queries.count_drivers_by_status(session).values()),
        vehicle_count=sum(queries.count_vehicles_by_status(session).values()),
    )
