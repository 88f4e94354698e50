"""The board's map: where the drivers of the shown deliveries are, and their checkpoints. Instants are UTC."""

from datetime import datetime, timedelta
from typing import Any

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import DeliveryView, find_delivery
from backend_services.fleet.positions import Fix
from webapp.access import dispatcher_only
from webapp.acting import parse_uuid, waybill
from webapp.blueprints.board import board, shown_deliveries, shows_free_drivers
from webapp.database import db
from webapp.live.fixes import newest_fixes
from webapp.places import DriverSeen, drivers_seen, fix_json, stops_json

__all__ = ["board"]

MOST_ASKED_FOR = 100
LONGEST_TRAIL = timedelta(hours=24)
MOST_OF_A_TRAIL = 500


@board.get("/map")
@dispatcher_only
def map_of_day() -> ResponseReturnValue:
    """What the board's map shows, filtered as the list is; `?only=` takes ids (with commas) of a part of it.

    Today's whole board shows the free drivers as well; a part of it comes with the drivers of its deliveries alone.
    """
    now = waybill().doors.now()
    views = shown_deliveries(now)
    asked = [part for part in request.args.get("only", "").split(",") if part]
    if len(asked) > MOST_ASKED_FOR:
        abort(400, f"`only` may name {MOST_ASKED_FOR} deliveries at most.")
    if asked:
        views = [view for view in views if view.delivery_id in asked]
    shows_free = shows_free_drivers()
    drivers = drivers_seen(newest_fixes(), views, db.session() if shows_free and not asked else None)
    return jsonify(
        deliveries=[_delivery_json(view, now) for view in views if not view.is_finished],
        drivers=[_driver_json(seen) for seen in drivers],
        showsFree=shows_free,
    )


@board.get("/deliveries/<delivery_id>/trail")
@dispatcher_only
def trail(delivery_id: str) -> ResponseReturnValue:
    """Where the delivery's driver has been since it was created, oldest first; empty where nothing is kept."""
    view = find_delivery(db.session(), parse_uuid(delivery_id) or "")
    if view is None:
        abort(404)
    return jsonify(trail=[fix_json(fix) for fix in _trail_of(view, waybill().doors.now())])


def _delivery_json(view: DeliveryView, now: datetime) -> dict[str, Any]:
    return {
        "id": view.delivery_id,
        "destination": view.destination,
        "driver": view.driver_id,
        "onRoad": view.status in ("InTransit", "OutForDelivery"),
        "stops": stops_json(view.stops, is_late=view.is_late(now)),
    }


def _driver_json(seen: DriverSeen) -> dict[str, Any]:
    fix = fix_json(seen.fix) if seen.fix else {"at": None}
    return {"id": seen.driver_id, "name": seen.name, "isFree": seen.is_free, **fix}


def _trail_of(view: DeliveryView, now: datetime) -> list[Fix]:
    if view.driver_id is None:
        return []
    until = view.delivered_at or view.failed_at or now
    since = max(view.created_at, until - LONGEST_TRAIL)
    return waybill().positions.trail(view.driver_id, since, until, MOST_OF_A_TRAIL)
