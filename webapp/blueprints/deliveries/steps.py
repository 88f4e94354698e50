"""What can be done with a delivery: move on, fail, retry, assign, report, resolve, prove."""

from collections.abc import Callable

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries import commands
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView, list_incidents_of
from eventstore.execute import Context, Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, parse_uuid, waybill
from webapp.assigning import assigning, changed_since, chosen_in_form
from webapp.blueprints.deliveries import deliveries
from webapp.blueprints.deliveries.pages import delivery_page, find_delivery_or_404
from webapp.database import db
from webapp.forms.deliveries import FailForm, IncidentForm, ProofForm
from webapp.forms.fields import renew_command_id
from webapp.fragments import offer_undo
from webapp.presentation import in_plain_words
from webapp.proofs import fail_command, incident_command, move_command, proof_command, shown_status


@deliveries.post("/<delivery_id>/status")
@dispatcher_only
def change_status(delivery_id: str) -> ResponseReturnValue:
    """Move on; what the page showed as the present status must still be it."""
    view = find_delivery_or_404(delivery_id)
    command = move_command(view.delivery_id)
    return _act(view, lambda context: waybill().deliveries.change_status(command, context))


@deliveries.post("/<delivery_id>/fail")
@dispatcher_only
def fail(delivery_id: str) -> ResponseReturnValue:
    """It can't be delivered, or is cancelled. What hadn't started yet can be brought back by Undo."""
    view, form = find_delivery_or_404(delivery_id), FailForm()
    if not form.validate():
        renew_command_id(form)
        return delivery_page(view, fail_form=form), 422
    command = fail_command(view.delivery_id, form, shown_status())

    def say(outcome: Outcome) -> None:
        said = in_plain_words(outcome.result["message"])
        if not outcome.written and not outcome.replayed:
            flash(f"{said} Somebody else was faster: your reason and note weren't kept.", "info")
        elif command.expected_status is DeliveryStatus.PICKED_UP:
            offer_undo(said, url_for("deliveries.retry", delivery_id=view.delivery_id), {})
        else:
            flash(said, "success")

    return _answer(view, attempt(lambda context: waybill().deliveries.change_status(command, context)), say)


@deliveries.post("/<delivery_id>/retry")
@dispatcher_only
def retry(delivery_id: str) -> ResponseReturnValue:
    """Try a failed delivery again, perhaps with somebody else."""
    view = find_delivery_or_404(delivery_id)
    command = commands.ChangeDeliveryStatus(
        delivery_id=view.delivery_id,
        status=DeliveryStatus.PICKED_UP,
        expected_status=DeliveryStatus.FAILED,
        driver_id=chosen_in_form("driver"),
        vehicle_id=chosen_in_form("vehicle"),
    )
    return _act(view, lambda context: waybill().deliveries.change_status(command, context))


@deliveries.post("/<delivery_id>/checkpoints/<int:sequence>")
@dispatcher_only
def reach_checkpoint(delivery_id: str, sequence: int) -> ResponseReturnValue:
    """Mark a checkpoint as reached, for a driver on the telephone."""
    view = find_delivery_or_404(delivery_id)
    stop = next((stop for stop in view.stops if stop.sequence == sequence), None)
    if stop is None:
        abort(404)
    command = commands.ReachCheckpoint(
        delivery_id=view.delivery_id, route_id=view.route_id, sequence=sequence, location=stop.location
    )
    return _act(view, lambda context: waybill().deliveries.reach_checkpoint(command, context))


@deliveries.post("/<delivery_id>/<any(driver, vehicle):what>")
@dispatcher_only
def assign(delivery_id: str, what: str) -> ResponseReturnValue:
    """Give it to a driver or vehicle, or (with nothing chosen) take it away. Undo brings back the one it had.

    Refused where it no longer has what the page showed (`was`), and so is an undo after somebody else's change.
    """
    view, chosen = find_delivery_or_404(delivery_id), chosen_in_form(what)
    before = parse_uuid(request.form.get("was", "")) or ""
    outcome = changed_since(view, what, before or None, chosen) or attempt(
        assigning(view.delivery_id, what, chosen)
    )

    def say(outcome: Outcome) -> None:
        if before == (chosen or ""):
            _say_message(outcome)
        else:
            url = url_for("deliveries.assign", delivery_id=view.delivery_id, what=what)
            offer_undo(outcome.result["message"], url, {what: before, "was": chosen or ""})

    return _answer(view, outcome, say)


@deliveries.post("/<delivery_id>/incidents")
@dispatcher_only
def report_incident(delivery_id: str) -> ResponseReturnValue:
    """Note down what went wrong."""
    view, form = find_delivery_or_404(delivery_id), IncidentForm()
    command = incident_command(view.delivery_id, form) if form.validate() else None
    if command is None:
        renew_command_id(form)
        return delivery_page(view, incident_form=form), 422
    return _act(view, lambda context: waybill().deliveries.report_incident(command, context))


@deliveries.post("/<delivery_id>/incidents/<incident_id>/resolve")
@dispatcher_only
def resolve_incident(delivery_id: str, incident_id: str) -> ResponseReturnValue:
    """An incident is dealt with."""
    view, known = find_delivery_or_404(delivery_id), parse_uuid(incident_id)
    if known not in [incident.incident_id for incident in list_incidents_of(db.session(), view.delivery_id)]:
        abort(404)
    command = commands.ResolveIncident(delivery_id=view.delivery_id, incident_id=str(known))
    return _act(view, lambda context: waybill().deliveries.resolve_incident(command, context))


@deliveries.post("/<delivery_id>/proof")
@dispatcher_only
def capture_proof(delivery_id: str) -> ResponseReturnValue:
    """The proof, where the office has it (a paper slip, a call)."""
    view, form = find_delivery_or_404(delivery_id), ProofForm()
    command = proof_command(view.delivery_id, form) if form.validate() else None
    if command is None:
        renew_command_id(form)
        return delivery_page(view, proof_form=form), 422
    return _act(view, lambda context: waybill().deliveries.capture_proof(command, context))


def _act(view: DeliveryView, send: Callable[[Context], Outcome]) -> ResponseReturnValue:
    return _answer(view, attempt(send), _say_message)


def _say_message(outcome: Outcome) -> None:
    flash(in_plain_words(outcome.result["message"]), "success")


def _answer(
    view: DeliveryView, outcome: Outcome | Refusal, say: Callable[[Outcome], None]
) -> ResponseReturnValue:
    """The delivery's page again: with what was refused, or anew, with what `say` says of the outcome."""
    if isinstance(outcome, Refusal):
        return delivery_page(find_delivery_or_404(view.delivery_id), refusal=outcome), 422
    say(outcome)
    return redirect(url_for("deliveries.show", delivery_id=view.delivery_id), 303)
