"""The drawer beside the board: a delivery at a glance, and giving it to a driver and a vehicle without leaving."""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import DeliveryView, find_delivery, list_incidents_of
from eventstore.execute import Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, parse_uuid, waybill
from webapp.assigning import BOTH, assigned, assigning, changed_since, chosen_in_form
from webapp.blueprints.deliveries.pages import choices_for, delivery_page, find_delivery_or_404
from webapp.database import db
from webapp.fragments import offer_undo, wants_block
from webapp.live.rows import board_row
from webapp.presentation import in_plain_words

board_drawer = Blueprint("board_drawer", __name__, url_prefix="/board/deliveries")


@board_drawer.get("/<delivery_id>/drawer")
@dispatcher_only
def show(delivery_id: str) -> ResponseReturnValue:
    """One delivery at a glance, beside the list; without a list it brings its own."""
    view = find_delivery_or_404(delivery_id)
    if not wants_block():
        return redirect(url_for("board.show", delivery=view.delivery_id))
    return render_template("board/_drawer.html", **_glance(view, waybill().doors.now()))


@board_drawer.get("/<delivery_id>/assign")
@dispatcher_only
def choose(delivery_id: str) -> ResponseReturnValue:
    """Who and what could take it, in the drawer's place; without the board on the delivery's own page."""
    view = find_delivery_or_404(delivery_id)
    if not wants_block():
        return redirect(url_for("deliveries.show", delivery_id=view.delivery_id, _anchor="assign"))
    return _choosing(view)


@board_drawer.post("/<delivery_id>/assign")
@dispatcher_only
def assign(delivery_id: str) -> ResponseReturnValue:
    """Give it the driver and the vehicle of the form, each only where another than before (`was-…`) was chosen.

    They are two commands, the driver's first: where the second is refused, the first stays, and the answer says so.
    """
    view, said, undo = find_delivery_or_404(delivery_id), list[str](), dict[str, str]()
    for what in BOTH:
        chosen, before = chosen_in_form(what), parse_uuid(request.form.get(f"was-{what}", ""))
        if what not in request.form or chosen == before:
            continue
        outcome = changed_since(view, what, before, chosen) or attempt(
            assigning(view.delivery_id, what, chosen), step=what
        )
        if isinstance(outcome, Refusal):
            for done in said:
                flash(done, "success")
            return _refused(find_delivery_or_404(delivery_id), outcome), 422
        said.append(in_plain_words(outcome.result["message"]))
        undo |= {what: before or "", f"was-{what}": chosen or ""}
    if undo:
        offer_undo(
            " ".join(said), url_for("board_drawer.assign", delivery_id=view.delivery_id), undo, "#drawer"
        )
    if not wants_block():
        return redirect(url_for("board.show", delivery=view.delivery_id), 303)
    shown = _glance(find_delivery_or_404(delivery_id), waybill().doors.now())
    return render_template("board/_drawer.html", **shown) + render_template("_messages.html")


def opened(now: datetime) -> dict[str, object] | None:
    """The delivery that the board's address says is open in the drawer."""
    view = find_delivery(db.session(), parse_uuid(request.args.get("delivery", "")) or "")
    return _glance(view, now) if view else None


def _glance(view: DeliveryView, now: datetime) -> dict[str, object]:
    incidents = list_incidents_of(db.session(), view.delivery_id)
    return {"row": board_row(view, now), "incidents": incidents}


def _refused(view: DeliveryView, refusal: Refusal) -> str:
    return _choosing(view, refusal) if wants_block() else delivery_page(view, refusal)


def _choosing(view: DeliveryView, refusal: Refusal | None = None) -> str:
    drivers, vehicles = choices_for(view)
    is_stale = refusal is not None and refusal.code == "changed_since"
    chosen = {
        what: chosen_in_form(what) if what in request.form and not is_stale else assigned(view, what)
        for what in BOTH
    }
    page = render_template(
        "board/_assign.html",
        delivery=view,
        drivers=drivers,
        vehicles=vehicles,
        chosen=chosen,
        refusal=refusal,
    )
    return page + render_template("_messages.html")
