"""Creating a delivery: route, driver and vehicle on one page, with who is free in the route's time."""

from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries import commands
from backend_services.deliveries.availability import NO_CHOICES, driver_choices, vehicle_choices
from backend_services.routes.commands import RouteStatus
from backend_services.routes.queries import RouteView, find_route, list_routes_to_drive
from eventstore.execute import Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, parse_uuid, waybill
from webapp.blueprints.deliveries import deliveries
from webapp.blueprints.deliveries.pages import wish
from webapp.database import db
from webapp.fragments import LONGEST_SEARCH, page_or_block

MOST_AHEAD, MOST_OVER = 500, 50
MOST_CARDS = 200
CHOSEN = ("route", "driver", "vehicle")


@deliveries.get("/new")
@dispatcher_only
def new() -> ResponseReturnValue:
    """Choose a route, a driver and a vehicle; who is free then is shown while choosing."""
    return _page(request.args)


@deliveries.post("/new/availability")
@dispatcher_only
def show_availability() -> ResponseReturnValue:
    """Without JavaScript: the same page for what is chosen so far. A form sent by GET would put its token into the
    address."""
    route, driver, vehicle = (parse_uuid(request.form.get(name, "")) for name in CHOSEN)
    find: dict[str, Any] = {
        f"find-{what}": request.form.get(f"find-{what}") or None for what in ("driver", "vehicle")
    }
    return redirect(url_for("deliveries.new", route=route, driver=driver, vehicle=vehicle, **find), 303)


@deliveries.post("/new")
@dispatcher_only
def create() -> ResponseReturnValue:
    """Start the delivery; a clash comes back as a card with alternatives."""
    chosen = {name: parse_uuid(request.form.get(name, "")) for name in CHOSEN}
    unknown = [name for name in CHOSEN if request.form.get(name) and chosen[name] is None]
    if chosen["route"] is None or unknown:
        what = unknown[0] if unknown else "route"
        return _page(request.form, problem=f"Please choose a {what} from the list."), 422
    command = commands.CreateDelivery(
        delivery_id=None,
        route_id=chosen["route"],
        driver_id=chosen["driver"],
        vehicle_id=chosen["vehicle"],
    )
    outcome = attempt(lambda context: waybill().deliveries.create_delivery(command, context))
    if isinstance(outcome, Refusal):
        return _page(request.form, refusal=outcome), 422
    flash("Delivery created.", "success")
    return redirect(url_for("deliveries.show", delivery_id=outcome.result["id"]), 303)


def _page(values: Any, refusal: Refusal | None = None, problem: str | None = None) -> str:
    session = db.session()
    chosen = {name: parse_uuid(values.get(name, "")) for name in CHOSEN}
    route = find_route(session, chosen["route"]) if chosen["route"] else None
    wished = wish(route.scheduled_start_at, route.scheduled_end_at) if route else None
    find = {what: values.get(f"find-{what}", "").strip()[:LONGEST_SEARCH] for what in ("driver", "vehicle")}
    drivers = vehicles = NO_CHOICES
    if wished is not None:
        drivers = driver_choices(session, wished, q=find["driver"], keep=chosen["driver"], limit=MOST_CARDS)
        vehicles = vehicle_choices(
            session, wished, q=find["vehicle"], keep=chosen["vehicle"], limit=MOST_CARDS
        )
    ahead, over = _active_routes(route)
    return page_or_block(
        "deliveries/new.html",
        "availability",
        ahead=ahead,
        over=over,
        route=route,
        chosen=chosen,
        wished=wished,
        drivers=drivers,
        vehicles=vehicles,
        find=find,
        most_ahead=MOST_AHEAD,
        refusal=refusal,
        problem=problem,
        is_past=route is not None and route.scheduled_end_at < datetime.now(UTC),
    )


def _active_routes(chosen: RouteView | None) -> tuple[list[RouteView], list[RouteView]]:
    """The active routes that are still to be driven, the soonest first, and those whose time is over, the chosen one
    in any case."""
    now = datetime.now(UTC)
    ahead, over = list_routes_to_drive(db.session(), now, ahead=MOST_AHEAD, over=MOST_OVER)
    if chosen is not None and chosen.status == RouteStatus.ACTIVE and chosen not in ahead + over:
        (ahead if chosen.scheduled_end_at >= now else over).append(chosen)
    return ahead, over
