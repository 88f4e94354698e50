"""The board: a day's deliveries in a list, with one of them open beside it. Today's is live."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from flask import (
    Blueprint,
    Response,
    abort,
    has_request_context,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import DeliveryView, find_delivery, list_day, list_incidents_of
from backend_services.fleet.queries import count_drivers_by_status, count_vehicles_by_status
from backend_services.read_models import board_head
from backend_services.routes.queries import count_routes_by_status
from webapp.access import dispatcher_only
from webapp.acting import parse_uuid, waybill
from webapp.blueprints.history.pages import show_past
from webapp.database import db
from webapp.fragments import page_or_block, wants_block
from webapp.live import board_hub
from webapp.live.chips import CHIPS
from webapp.live.filters import Wanted, count_facets, sort_key, wanted_by
from webapp.live.rows import board_row
from webapp.live.socket import watch
from webapp.places import drivers_seen
from webapp.presentation import day_bounds, today, zone

board = Blueprint("board", __name__, url_prefix="/board")

PANES = ("list", "map")


@board.get("")
@dispatcher_only
def show() -> ResponseReturnValue:
    """A day's deliveries: `?date=`, `?status=`, `?filter=` and `?q=` say which, `?delivery=` which one is open.

    `?at=` shows the board as it was at that instant.
    """
    if "at" in request.args:
        return show_past()
    session, now = db.session(), waybill().doors.now()
    seq = board_head(session)  # read before the rows: what changes in between comes again, never too late
    day, wanted = _wanted_day(), wanted_by(request.args)
    views = _views_of(day)
    shown = sorted((view for view in views if wanted.includes(view, now)), key=sort_key)
    panes = shown_panes(request.args.get("panes", ""))
    page = page_or_block(
        "board/show.html",
        "list",
        rows=[board_row(view, now) for view in shown],
        counters=count_facets(views, now),
        chips=_chips(wanted, day),
        wanted=wanted,
        day=day,
        day_before=day - timedelta(days=1),
        day_after=day + timedelta(days=1),
        is_today=day == today(),
        follows_today="date" not in request.args,
        seq=seq,
        zone_name=zone().key,
        first_steps=None if views else _first_steps(),
        opened=_opened(now),
        panes=panes,
        pane_choices={pane: _toggled(panes, pane) for pane in PANES},
        drivers_seen=drivers_seen(waybill().positions, shown, now)
        if "map" in panes and not wants_block()
        else [],
    )
    response = make_response(page)
    if wants_block():
        # Typing shall not fill the browser's history; a chosen filter is a step that Back takes back.
        typed = request.headers.get("HX-Trigger-Name") == "q"
        response.headers["HX-Replace-Url" if typed else "HX-Push-Url"] = _address(wanted, day)
    return response


@board.get("/rows")
@dispatcher_only
def rows() -> ResponseReturnValue:
    """What changed on today's board after `?after=`, as a frame; `resync` when that is no longer known."""
    text = request.args.get("after", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        abort(400, "`after` must be the number of the last frame.")
    frame = board_hub().catching_up.frame_after(db.session(), int(text), waybill().doors.now())
    return Response(frame.encoded, content_type="application/json")


@board.get("/deliveries/<delivery_id>/drawer")
@dispatcher_only
def drawer(delivery_id: str) -> ResponseReturnValue:
    """One delivery at a glance, beside the list; without a list it brings its own."""
    view = find_delivery(db.session(), parse_uuid(delivery_id) or "")
    if view is None:
        abort(404)
    if not wants_block():
        return redirect(url_for("board.show", delivery=view.delivery_id))
    return render_template("board/_drawer.html", **_glance(view, waybill().doors.now()))


@board.get("/live", websocket=True)
@dispatcher_only
def live() -> Response:
    """Today's board over a WebSocket: frames of what changed."""
    return watch()


def shown_panes(text: str) -> list[str]:
    """The panes that `?panes=` asks for, by name and with commas; all of them where it names none that is known."""
    return [pane for pane in PANES if pane in text.split(",")] or list(PANES)


def _toggled(panes: list[str], pane: str) -> str:
    """The panes with this one hidden or shown; the last one stays."""
    changed = [other for other in PANES if (other in panes) != (other == pane)]
    return ",".join(changed or [pane])


def shown_deliveries(now: datetime) -> list[DeliveryView]:
    """What the list shows for the address's day, filters and search, unsorted."""
    wanted = wanted_by(request.args)
    return [view for view in _views_of(_wanted_day()) if wanted.includes(view, now)]


@board.url_defaults
def _keep_panes(endpoint: str, values: dict[str, object]) -> None:
    """Every link from the board to itself keeps the panes as they are."""
    if endpoint == "board.show" and has_request_context() and "panes" in request.args:
        values.setdefault("panes", ",".join(shown_panes(request.args["panes"])))


def _wanted_day() -> date:
    try:
        wanted = date.fromisoformat(request.args.get("date", ""))
    except ValueError:
        return today()
    return wanted if 1970 <= wanted.year < 9999 else today()


def _views_of(day: date) -> list[DeliveryView]:
    """What concerns the day. What is unfinished now hardly concerns a day to come, unless it was planned for it."""
    start, end = day_bounds(day)
    views = list_day(db.session(), start, end)
    return views if day <= today() else [view for view in views if view.scheduled_start_at >= start]


def _chips(wanted: Wanted, day: date) -> list[dict[str, object]]:
    """The filters as links; one that is on leads to the board without it."""
    chips: list[dict[str, object]] = []
    for parameter, value, label, icon in CHIPS:
        is_on = value in wanted.facets
        chosen = None if is_on else value
        changed = replace(wanted, status=chosen) if parameter == "status" else replace(wanted, other=chosen)
        chip = {"key": value, "label": label, "icon": icon, "is_on": is_on, "url": _address(changed, day)}
        chips.append(chip)
    return chips


def _address(wanted: Wanted, day: date) -> str:
    """The board's address for this day (today needs none said) and these filters."""
    named_day = None if day == today() and "date" not in request.args else day.isoformat()
    return url_for(
        "board.show", date=named_day, status=wanted.status, filter=wanted.other, q=wanted.q or None
    )


def _opened(now: datetime) -> dict[str, object] | None:
    """The delivery that the address says is open in the drawer."""
    view = find_delivery(db.session(), parse_uuid(request.args.get("delivery", "")) or "")
    return _glance(view, now) if view else None


def _glance(view: DeliveryView, now: datetime) -> dict[str, object]:
    incidents = list_incidents_of(db.session(), view.delivery_id)
    return {"row": board_row(view, now), "incidents": incidents}


def _first_steps() -> list[tuple[bool, str, str]]:
    """What a new dispatcher needs before the first delivery: (done, label, address)."""
    session = db.session()
    routes = count_routes_by_status(session)
    return [
        (sum(count_drivers_by_status(session).values()) > 0, "Add a driver", "/fleet/drivers/new"),
        (sum(count_vehicles_by_status(session).values()) > 0, "Add a vehicle", "/fleet/vehicles/new"),
        (sum(routes.values()) > 0, "Plan a route with its checkpoints", "/routes/new"),
        (routes["Active"] > 0, "Activate the route", "/routes"),
        (False, "Create the first delivery", "/deliveries/new"),
    ]
