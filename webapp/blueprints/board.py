"""The board: today's deliveries, live."""

from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from backend_services.deliveries.queries import find_delivery, list_day, list_incidents_of
from backend_services.fleet.queries import count_drivers_by_status, count_vehicles_by_status
from backend_services.read_models import board_head, list_board_changes
from backend_services.routes.queries import count_routes_by_status
from webapp.access import dispatcher_only
from webapp.accounts.sign_in import is_session_alive
from webapp.acting import parse_uuid
from webapp.database import db
from webapp.live import board_hub
from webapp.live.hub import HEARTBEAT_S, affected, make_frame
from webapp.live.rows import FILTERS, counters, is_wanted, row_values, sort_key
from webapp.presentation import day_bounds, today

board = Blueprint("board", __name__, url_prefix="/board")
sock = Sock()

GOING_AWAY, POLICY, FULL = 1012, 1008, 1013
MOST_CHANGES_PULLED = 500


@board.get("")
@dispatcher_only
def show() -> ResponseReturnValue:
    """The day's deliveries; `?date=`, `?filter=` and `?q=` say which."""
    session, now = db.session(), datetime.now(UTC)
    seq = board_head(session)  # read before the rows: what changes in between comes again, never too late
    day = _wanted_day()
    wanted = request.args.get("filter")
    wanted = wanted if wanted in FILTERS else None
    q = request.args.get("q", "")[:200]
    views = list_day(session, *day_bounds(day))
    shown = sorted((view for view in views if is_wanted(view, wanted, q, now)), key=sort_key)
    return render_template(
        "board/show.html",
        rows=[row_values(view, now) for view in shown],
        counters=counters(views, now),
        filters=FILTERS,
        wanted=wanted,
        q=q,
        day=day,
        is_today=day == today(),
        seq=seq,
        total=len(views),
        first_steps=None if views else _first_steps(),
    )


@board.get("/rows")
@dispatcher_only
def rows() -> ResponseReturnValue:
    """What changed after `?after=`, as a frame; `resync` when that is no longer known."""
    text = request.args.get("after", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        abort(400, "`after` must be the number of the last frame.")
    session = db.session()
    changes = list_board_changes(session, int(text), MOST_CHANGES_PULLED)
    frame = {"seq": board_head(session), "resync": True}
    if changes is not None:
        seq = changes[-1].seq if changes else int(text)
        frame = make_frame(session, affected(session, changes), seq, datetime.now(UTC))
    return Response(msgspec.json.encode(frame), content_type="application/json")


@board.get("/deliveries/<delivery_id>/drawer")
@dispatcher_only
def drawer(delivery_id: str) -> ResponseReturnValue:
    """One delivery at a glance, beside the list."""
    view = find_delivery(db.session(), parse_uuid(delivery_id) or "")
    if view is None:
        abort(404)
    incidents = list_incidents_of(db.session(), view.delivery_id)
    return render_template("board/_drawer.html", incidents=incidents, **row_values(view, datetime.now(UTC)))


@sock.route("/live", bp=board)  # type: ignore[untyped-decorator]
@dispatcher_only
def live(socket: Server) -> None:
    """Send every frame to this browser until it goes, the sign-in ends or the server stops."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        socket.close(POLICY, "wrong origin")
        return
    hub = board_hub()
    mailbox = hub.open()
    if mailbox is None:
        socket.close(FULL, "too many boards; ask again by polling")
        return
    token = current_user.get_id() if current_user.is_authenticated else None
    db.session.remove()  # a socket lives for hours and must not hold a connection
    try:
        socket.send(hub.heartbeat().decode())
        while not mailbox.is_closed:
            frame = mailbox.take(HEARTBEAT_S)
            if frame is None and token is not None and not is_session_alive(token):
                socket.close(POLICY, "signed out")
                return
            socket.send((frame or hub.heartbeat()).decode())
        socket.close(GOING_AWAY, "the server restarts")
    except ConnectionClosed:
        pass
    finally:
        hub.shut(mailbox)


def _wanted_day() -> date:
    try:
        wanted = date.fromisoformat(request.args.get("date", ""))
        day_bounds(wanted)
    except (ValueError, OverflowError):
        return today()
    return wanted


def _first_steps() -> list[tuple[bool, str, str]]:
    """What a new dispatcher needs before the first delivery: (done, label, address)."""
    session = db.session()
    return [
        (sum(count_drivers_by_status(session).values()) > 0, "Add a driver", "/fleet/drivers/new"),
        (sum(count_vehicles_by_status(session).values()) > 0, "Add a vehicle", "/fleet/vehicles/new"),
        (sum(count_routes_by_status(session).values()) > 0, "Plan a route", "/routes/new"),
        (count_routes_by_status(session)["Active"] > 0, "Activate it", "/routes"),
        (False, "Create a delivery", "/deliveries/new"),
    ]
