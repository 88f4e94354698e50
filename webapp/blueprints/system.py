"""The admins' page about Waybill itself: how its parts are, how far behind it is, and what is set aside."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import find_delivery
from backend_services.fleet.queries import find_driver, find_vehicle
from backend_services.resilience import breaker_states
from backend_services.routes.queries import find_route
from webapp.access import admin_only, current_actor
from webapp.acting import waybill
from webapp.database import db
from webapp.fragments import page_or_block

if TYPE_CHECKING:
    from webapp.set_aside import SetAside

system = Blueprint("system", __name__, url_prefix="/admin/system")

PAGES = {
    "delivery": (find_delivery, "deliveries.show", "delivery_id"),
    "driver": (find_driver, "fleet.show_driver", "driver_id"),
    "vehicle": (find_vehicle, "fleet.show_vehicle", "vehicle_id"),
    "route": (find_route, "routes.show", "route_id"),
}
"""The page of a stream, by the stream's category."""


@system.get("")
@admin_only
def show() -> ResponseReturnValue:
    """How everything is now; htmx asks for it again every few seconds."""
    health = waybill().health()
    states = health["dependencies"]
    set_aside = waybill().set_aside
    letters = set_aside.list() if set_aside and states["readModels"]["status"] != "down" else []
    return page_or_block(
        "system/show.html",
        "state",
        status=health["status"],
        states=states,
        stuck_because=None if set_aside else waybill().rows.last_error,
        breakers=breaker_states(),
        sets_aside=set_aside is not None,
        letters=[(letter, _page_of(letter.stream)) for letter in letters],
        looked_at=datetime.now(UTC),
    )


@system.post("/redrive")
@admin_only
def redrive() -> ResponseReturnValue:
    """Try a set-aside stream again, or all of them."""
    stream = request.form.get("stream")
    actor = current_actor().event_name
    said = _set_aside().redrive(stream, actor) if stream else _set_aside().redrive_all(actor)
    flash(said.text, said.category)
    return redirect(url_for("system.show"), 303)


@system.get("/skip/<event_id>")
@admin_only
def confirm_skip(event_id: str) -> ResponseReturnValue:
    """What skipping this event would mean."""
    found = _set_aside().find(event_id)
    if found is None:
        flash("This event is not set aside any more.", "info")
        return redirect(url_for("system.show"), 303)
    letter, lost = found
    return render_template("system/skip.html", letter=letter, lost=lost, page=_page_of(letter.stream))


@system.post("/skip/<event_id>")
@admin_only
def skip(event_id: str) -> ResponseReturnValue:
    """Give up on an event for good."""
    said = _set_aside().skip(event_id, current_actor().event_name)
    flash(said.text, said.category)
    return redirect(url_for("system.show"), 303)


def _set_aside() -> "SetAside":
    return waybill().set_aside or abort(404)


def _page_of(stream: str) -> str | None:
    """Where to read about what the stream tells of; None when no row shows it yet."""
    category, _, subject_id = stream.partition("-")
    if category not in PAGES:
        return None
    find, endpoint, name = PAGES[category]
    address: dict[str, Any] = {name: subject_id}
    return url_for(endpoint, **address) if find(db.session(), subject_id) else None
