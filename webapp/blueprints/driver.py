"""The driver's day on a phone: what is next, one big button, proof, and what goes wrong."""

from datetime import UTC, datetime

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries import commands, queries
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from eventstore.execute import Context, Outcome, Refusal
from webapp.access import driver_only
from webapp.acting import attempt, own_driver_id, parse_uuid, waybill
from webapp.database import db
from webapp.forms.deliveries import FailForm, IncidentForm, ProofForm
from webapp.presentation import day_bounds
from webapp.presentation import today as local_today
from webapp.proofs import incident_command, proof_command

driver = Blueprint("driver", __name__, url_prefix="/driver")

ON_THE_ROAD = (DeliveryStatus.OUT_FOR_DELIVERY, DeliveryStatus.IN_TRANSIT, DeliveryStatus.PICKED_UP)


@driver.get("")
@driver_only
def today() -> ResponseReturnValue:
    """What is next, what comes then, and what is done."""
    mine = queries.list_day(db.session(), *day_bounds(local_today()), driver_id=own_driver_id() or "-")
    unfinished = [view for view in mine if not view.is_finished]
    unfinished.sort(
        key=lambda view: (ON_THE_ROAD.index(DeliveryStatus(view.status)) // 2, view.scheduled_start_at)
    )
    done = [view for view in mine if view.is_finished]
    return render_template(
        "driver/today.html", unfinished=unfinished, done=done, instant_now=datetime.now(UTC)
    )


@driver.get("/deliveries/<delivery_id>")
@driver_only
def delivery(delivery_id: str) -> ResponseReturnValue:
    """One delivery: the only legal next step as one big button."""
    return _page(_find(delivery_id))


@driver.post("/deliveries/<delivery_id>/status")
@driver_only
def move_on(delivery_id: str) -> ResponseReturnValue:
    """Start, or say that it is out for delivery."""
    view = _find(delivery_id)
    try:
        status = DeliveryStatus(request.form.get("status", ""))
        expected = DeliveryStatus(request.form.get("expected") or view.status)
    except ValueError:
        abort(400, "There is no such status.")
    command = commands.ChangeDeliveryStatus(
        delivery_id=view.delivery_id, status=status, expected_status=expected
    )
    return _act(
        view, attempt(lambda context: waybill().deliveries.change_status(command, context, own_driver_id()))
    )


@driver.post("/deliveries/<delivery_id>/checkpoints/<int:sequence>")
@driver_only
def reach_checkpoint(delivery_id: str, sequence: int) -> ResponseReturnValue:
    """A checkpoint is reached."""
    view = _find(delivery_id)
    stop = next((stop for stop in view.stops if stop.sequence == sequence), None)
    if stop is None:
        abort(404)
    command = commands.ReachCheckpoint(
        delivery_id=view.delivery_id, route_id=view.route_id, sequence=sequence, location=stop.location
    )
    return _act(
        view,
        attempt(lambda context: waybill().deliveries.reach_checkpoint(command, context, own_driver_id())),
    )


@driver.route("/deliveries/<delivery_id>/proof", methods=["GET", "POST"])
@driver_only
def proof(delivery_id: str) -> ResponseReturnValue:
    """Receiver, signature, photos."""
    view, form = _find(delivery_id), ProofForm()
    if not form.is_submitted():
        return render_template("driver/proof.html", delivery=view, proof_form=form)
    command = proof_command(view.delivery_id, form) if form.validate() else None
    refusal = None
    if command is not None:
        outcome = attempt(
            lambda context: waybill().deliveries.capture_proof(command, context, own_driver_id())
        )
        if isinstance(outcome, Outcome):
            flash(f"Delivered to {form.receiver_name.data}. Well done.", "success")
            return redirect(url_for("driver.today"), 303)
        refusal = outcome
        form.command_id.data = form.command_id.default()
    return render_template("driver/proof.html", delivery=view, proof_form=form, refusal=refusal), 422


@driver.route("/deliveries/<delivery_id>/fail", methods=["GET", "POST"])
@driver_only
def fail(delivery_id: str) -> ResponseReturnValue:
    """It can't be delivered: why, and a note."""
    view, form = _find(delivery_id), FailForm()
    refusal = None
    if form.validate_on_submit():
        command = commands.ChangeDeliveryStatus(
            delivery_id=view.delivery_id,
            status=DeliveryStatus.FAILED,
            reason=form.reason.data,
            note=form.note.data or None,
        )
        outcome = attempt(
            lambda context: waybill().deliveries.change_status(command, context, own_driver_id())
        )
        if isinstance(outcome, Outcome):
            flash("Noted. The dispatcher sees it now.", "success")
            return redirect(url_for("driver.today"), 303)
        refusal = outcome
        form.command_id.data = form.command_id.default()
    status = 422 if form.is_submitted() else 200
    return render_template("driver/fail.html", delivery=view, form=form, refusal=refusal), status


@driver.route("/deliveries/<delivery_id>/incident", methods=["GET", "POST"])
@driver_only
def incident(delivery_id: str) -> ResponseReturnValue:
    """Something went wrong on the way."""
    view, form = _find(delivery_id), IncidentForm()
    refusal = None
    command = incident_command(view.delivery_id, form) if form.validate_on_submit() else None
    if command is not None:

        def send(context: Context) -> Outcome:
            return waybill().deliveries.report_incident(command, context, own_driver_id())

        outcome = attempt(send)
        if isinstance(outcome, Outcome):
            flash("Reported. The dispatcher sees it now.", "success")
            return redirect(url_for("driver.delivery", delivery_id=view.delivery_id), 303)
        refusal = outcome
        form.command_id.data = form.command_id.default()
    status = 422 if form.is_submitted() else 200
    return render_template("driver/incident.html", delivery=view, form=form, refusal=refusal), status


def _find(delivery_id: str) -> DeliveryView:
    """The delivery, if it is this driver's; one that was given to somebody else is said to be, not just missing."""
    view = queries.find_delivery(db.session(), parse_uuid(delivery_id) or "")
    if view is None or view.driver_id != own_driver_id():
        abort(
            404,
            "This delivery is not yours, or no longer: the dispatcher may have given it to somebody else.",
        )
    return view


def _act(view: DeliveryView, outcome: Outcome | Refusal) -> ResponseReturnValue:
    if isinstance(outcome, Refusal):
        return _page(_find(view.delivery_id), outcome), 422
    flash(outcome.result["message"], "success")
    return redirect(url_for("driver.delivery", delivery_id=view.delivery_id), 303)


def _page(view: DeliveryView, refusal: Refusal | None = None) -> str:
    return render_template("driver/delivery.html", delivery=view, refusal=refusal, driver_id=own_driver_id())
