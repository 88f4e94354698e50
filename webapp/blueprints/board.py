"""The board: a day's deliveries in a list, with one of them open beside it. Today's is live."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

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
from markupsafe import Markup

from backend_services.deliveries.queries import DeliveryView, has_deliveries
from backend_services.fleet.queries import count_drivers_by_status, count_vehicles_by_status
from backend_services.read_models import board_head
from backend_services.routes.queries import count_routes_by_status
from webapp.access import dispatcher_only
from webapp.acting import parse_uuid, waybill
from webapp.blueprints.board_drawer import opened
from webapp.blueprints.board_timeline import Timeline, build_timeline
from webapp.blueprints.history.pages import show_past
from webapp.database import db
from webapp.fragments import page_or_block, wants_block
from webapp.live import board_hub
from webapp.live.chips import CHIPS
from webapp.live.day_views import views_of_day
from webapp.live.filters import Wanted, count_found, facets, search_text, wanted_by
from webapp.live.fixes import newest_fixes
from webapp.live.panes import MAP, PANES_COOKIE, TIMELINE, ZOOM_COOKIE, Shown, shown_by
from webapp.live.rows import BoardRow, board_row, render_list_row
from webapp.live.socket import watch
from webapp.places import DriverSeen, drivers_seen
from webapp.presentation import day_bounds, today, zone

board = Blueprint("board", __name__, url_prefix="/board")


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
    views, panes = _views_of(day), _panes()
    every = [board_row(view, now) for view in views]
    rows = sorted(
        (row for row in every if wanted.includes(row.facets, row.search_text)), key=lambda row: row.sort_key
    )
    has_timeline = TIMELINE in panes.panes and not wants_block()
    page = page_or_block(
        "board/show.html",
        "list",
        rows=[Markup(render_list_row(row)) for row in rows],  # noqa: S704 - it comes from a template
        shown=panes,
        selected=parse_uuid(request.args.get("selected") or request.args.get("delivery", "")),
        timeline=_timeline(every, rows, wanted, day, now) if has_timeline else None,
        counters=count_found(row.facets for row in every),
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
        opened=opened(now),
        drivers_seen=_drivers_seen(rows) if MAP in panes.panes and not wants_block() else [],
    )
    response = make_response(page)
    for name, cookie, value in (("panes", PANES_COOKIE, panes.text), ("zoom", ZOOM_COOKIE, panes.zoom)):
        if name in request.args:
            response.set_cookie(cookie, value, max_age=31_536_000, samesite="Lax")
    return response


@board.get("/timeline")
@dispatcher_only
def timeline() -> ResponseReturnValue:
    """The timeline's pane alone, for the page that shows it; without that page it brings its own."""
    if not wants_block():
        return redirect(f"{url_for('board.show')}?{urlencode(request.args.to_dict() | {'panes': TIMELINE})}")
    now, day, wanted = waybill().doors.now(), _wanted_day(), wanted_by(request.args)
    every = [board_row(view, now) for view in _views_of(day)]
    rows = [row for row in every if wanted.includes(row.facets, row.search_text)]
    return render_template(
        "board/_timeline.html",
        timeline=_timeline(every, rows, wanted, day, now),
        shown=_panes(),
    )


@board.get("/rows")
@dispatcher_only
def rows() -> ResponseReturnValue:
    """What changed on today's board after `?after=`, as a frame; `resync` when that is no longer known."""
    text = request.args.get("after", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        abort(400, "`after` must be the number of the last frame.")
    frame = board_hub().catching_up.frame_after(db.session(), int(text), waybill().doors.now())
    return Response(frame.encoded, content_type="application/json")


@board.get("/live", websocket=True)
@dispatcher_only
def live() -> Response:
    """Today's board over a WebSocket: frames of what changed."""
    return watch()


def shown_deliveries(now: datetime) -> list[DeliveryView]:
    """What the list shows for the address's day, filters and search, unsorted."""
    wanted = wanted_by(request.args)
    views = _views_of(_wanted_day())
    return [view for view in views if wanted.includes(facets(view, now), search_text(view))]


def shows_free_drivers() -> bool:
    """Whether the map has the drivers without a delivery: who filters the list doesn't look for them."""
    return wanted_by(request.args).is_everything and _wanted_day() == today()


@board.url_defaults
def _keep_panes(endpoint: str, values: dict[str, object]) -> None:
    """Every link from the board to itself keeps the panes as they are."""
    if endpoint != "board.show" or not has_request_context():
        return
    for name, kept in (("panes", _panes().text), ("zoom", _panes().zoom)):
        if name in request.args:
            values.setdefault(name, kept)


def _panes() -> Shown:
    return shown_by(request.args, request.cookies)


def _drivers_seen(rows: list[BoardRow]) -> list[DriverSeen]:
    session = db.session() if shows_free_drivers() else None
    return drivers_seen(newest_fixes(), [row.delivery for row in rows], session)


def _wanted_day() -> date:
    try:
        wanted = date.fromisoformat(request.args.get("date", ""))
    except ValueError:
        return today()
    return wanted if 1970 <= wanted.year < 9999 else today()


def _views_of(day: date) -> list[DeliveryView]:
    """What concerns the day. What is unfinished now hardly concerns a day to come, unless it was planned for it."""
    start, _ = day_bounds(day)
    views = views_of_day(db.session(), day)
    return views if day <= today() else [view for view in views if view.scheduled_start_at >= start]


def _chips(wanted: Wanted, day: date) -> list[dict[str, object]]:
    """The filters as links; one that is on leads to the board without it."""
    chips: list[dict[str, object]] = []
    for parameter, value, label, icon in CHIPS:
        is_on = value in wanted.facets
        chosen = None if is_on else value
        changed = replace(wanted, status=chosen) if parameter == "status" else replace(wanted, other=chosen)
        chip = {
            "key": value,
            "label": label,
            "icon": icon,
            "kind": parameter,
            "is_on": is_on,
            "url": _address(changed, day),
        }
        chips.append(chip)
    return chips


def _timeline(
    every: list[BoardRow], rows: list[BoardRow], wanted: Wanted, day: date, now: datetime
) -> Timeline:
    ids = {row.delivery.delivery_id for row in rows}
    return build_timeline(db.session(), every, wanted, ids, day, now)


def _address(wanted: Wanted, day: date) -> str:
    """The board's address for this day (today needs none said) and these filters."""
    named_day = None if day == today() and "date" not in request.args else day.isoformat()
    return url_for(
        "board.show", date=named_day, status=wanted.status, filter=wanted.other, q=wanted.q or None
    )


def _first_steps() -> list[tuple[bool, str, str]]:
    """What a new dispatcher needs before the first delivery: (done, label, address)."""
    session = db.session()
    routes = count_routes_by_status(session)
    return [
        (sum(count_drivers_by_status(session).values()) > 0, "Add a driver", "/fleet/drivers/new"),
        (sum(count_vehicles_by_status(session).values()) > 0, "Add a vehicle", "/fleet/vehicles/new"),
        (sum(routes.values()) > 0, "Plan a route with its checkpoints", "/routes/new"),
        (routes["Active"] > 0, "Activate the route", "/routes"),
        (has_deliveries(session), "Create the first delivery", "/deliveries/new"),
    ]
