"""The driver's day on a phone: what is next, one big button, proof, and what goes wrong."""

from collections.abc import Callable
from typing import Any, NoReturn

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries import commands, queries
from backend_services.deliveries.commands import DeliveryStatus, FailureReason, IncidentType
from backend_services.deliveries.queries import DeliveryView
from eventstore.execute import Context, Outcome, Refusal
from webapp.access import driver_only
from webapp.acting import attempt, own_driver_id, parse_uuid, waybill
from webapp.database import db
from webapp.forms.deliveries import ProofForm
from webapp.forms.driver import CantDeliverForm, TroubleForm
from webapp.navigation import navigation_link
from webapp.presentation import day_bounds, zone
from webapp.presentation import today as local_today
from webapp.proofs import fail_command, incident_command, move_command, proof_command, stored_photo

driver = Blueprint("driver", __name__, url_prefix="/driver")

ON_THE_ROAD = (DeliveryStatus.IN_TRANSIT, DeliveryStatus.OUT_FOR_DELIVERY)
TROUBLE = {
    FailureReason.NOT_HOME: IncidentType.CUSTOMER_UNAVAILABLE,
    FailureReason.ADDRESS_NOT_FOUND: IncidentType.ADDRESS_PROBLEM,
    FailureReason.REFUSED: IncidentType.CUSTOMER_UNAVAILABLE,
    FailureReason.DAMAGED: IncidentType.DAMAGED_GOODS,
    FailureReason.NO_ACCESS: IncidentType.ADDRESS_PROBLEM,
    FailureReason.VEHICLE_BREAKDOWN: IncidentType.VEHICLE_BREAKDOWN,
    FailureReason.OUT_OF_TIME: IncidentType.DELAY,
}
"""Which incident the photo of a failure is filed as; `Other` for all others."""


@driver.context_processor
def _for_phones() -> dict[str, Any]:
    agent = request.headers.get("User-Agent", "")
    return {
        "navigation_link": lambda stop: navigation_link(stop, agent),
        "driver_id": own_driver_id(),
        "instant_now": waybill().doors.now(),
        "zone_name": zone().key,
    }


@driver.get("")
@driver_only
def today() -> ResponseReturnValue:
    """What is next, what comes then, and what is done."""
    mine = queries.list_day(db.session(), *day_bounds(local_today()), driver_id=own_driver_id() or "-")
    unfinished = [view for view in mine if not view.is_finished]
    unfinished.sort(key=lambda view: (not _is_on_road(view), view.scheduled_start_at))
    done = sorted((view for view in mine if view.is_finished), key=_finished_at, reverse=True)
    return render_template(
        "driver/today.html", unfinished=unfinished, done=done, shares=any(map(_is_on_road, unfinished))
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
    command = move_command(view.delivery_id)
    if command.status not in ON_THE_ROAD:
        abort(400, "Proof and failure have pages of their own.")
    return _step(view, lambda context: waybill().deliveries.change_status(command, context, own_driver_id()))


@driver.post("/deliveries/<delivery_id>/checkpoints/<int:sequence>")
@driver_only
def reach_checkpoint(delivery_id: str, sequence: int) -> ResponseReturnValue:
    """A checkpoint is reached, in whatever order."""
    view = _find(delivery_id)
    stop = next((stop for stop in view.stops if stop.sequence == sequence), None)
    if stop is None:
        abort(404)
    command = commands.ReachCheckpoint(
        delivery_id=view.delivery_id, route_id=view.route_id, sequence=sequence, location=stop.location
    )
    return _step(
        view, lambda context: waybill().deliveries.reach_checkpoint(command, context, own_driver_id())
    )


@driver.route("/deliveries/<delivery_id>/proof", methods=["GET", "POST"])
@driver_only
def proof(delivery_id: str) -> ResponseReturnValue:
    """Receiver, signature, photos."""
    view, form = _find(delivery_id), ProofForm()
    command = proof_command(view.delivery_id, form) if form.validate_on_submit() else None
    if command is None:
        return _form_page("driver/proof.html", view, form)
    outcome = attempt(lambda context: waybill().deliveries.capture_proof(command, context, own_driver_id()))
    if isinstance(outcome, Refusal):
        return _form_page("driver/proof.html", view, form, outcome)
    flash(f"Delivered to {form.receiver_name.data}.", "success")
    return redirect(url_for("driver.today"), 303)


@driver.route("/deliveries/<delivery_id>/fail", methods=["GET", "POST"])
@driver_only
def fail(delivery_id: str) -> ResponseReturnValue:
    """It can't be delivered: why, a note, a photo."""
    view = _find(delivery_id)
    form = CantDeliverForm(expected=view.status)
    photo_url = stored_photo(form.photo) if form.validate_on_submit() else None
    if not form.is_submitted() or form.errors:
        return _form_page("driver/fail.html", view, form)
    command = fail_command(view.delivery_id, form, DeliveryStatus(form.expected.data))
    outcome = attempt(lambda context: waybill().deliveries.change_status(command, context, own_driver_id()))
    if isinstance(outcome, Outcome) and photo_url is not None:
        outcome = _file_photo(view, form, photo_url)
    if isinstance(outcome, Refusal):
        return _form_page("driver/fail.html", view, form, outcome)
    flash("Noted. Your dispatcher sees it now.", "success")
    return redirect(url_for("driver.today"), 303)


@driver.route("/deliveries/<delivery_id>/incident", methods=["GET", "POST"])
@driver_only
def incident(delivery_id: str) -> ResponseReturnValue:
    """Something went wrong on the way."""
    view, form = _find(delivery_id), TroubleForm()
    command = incident_command(view.delivery_id, form) if form.validate_on_submit() else None
    if command is None:
        return _form_page("driver/incident.html", view, form)
    outcome = attempt(lambda context: waybill().deliveries.report_incident(command, context, own_driver_id()))
    if isinstance(outcome, Refusal):
        return _form_page("driver/incident.html", view, form, outcome)
    flash("Reported. Your dispatcher sees it now.", "success")
    return redirect(url_for("driver.delivery", delivery_id=view.delivery_id), 303)


def _file_photo(view: DeliveryView, form: CantDeliverForm, photo_url: str) -> Outcome | Refusal:
    """A failure itself carries no photo; an incident of the same delivery does."""
    command = commands.ReportIncident(
        delivery_id=view.delivery_id,
        type=TROUBLE.get(FailureReason(form.reason.data), IncidentType.OTHER),
        description=form.note.data or "Photo of why it could not be delivered.",
        photo_url=photo_url,
    )
    return attempt(
        lambda context: waybill().deliveries.report_incident(command, context, own_driver_id()), step="photo"
    )


def _find(delivery_id: str) -> DeliveryView:
    """The delivery, if it is this driver's. To all others it doesn't exist; who had it is told where it went."""
    known_id = parse_uuid(delivery_id) or ""
    view = queries.find_delivery(db.session(), known_id)
    if view is None or view.driver_id != own_driver_id():
        _say_that_it_is_gone(view)
    return view


def _say_that_it_is_gone(view: DeliveryView | None) -> NoReturn:
    was_theirs = view is not None and _had(view.delivery_id)
    page = render_template(
        "driver/gone.html",
        was_theirs=was_theirs,
        is_anybodys=view is not None and view.driver_id is not None,
        was_sent=request.method == "POST",
    )
    abort(make_response(page, 404))


def _had(delivery_id: str) -> bool:
    """Whether the delivery was this driver's at some time."""
    history = queries.read_timeline(waybill().store, delivery_id)
    return any(event.data.get("driverId") == own_driver_id() for event in history)


def _step(view: DeliveryView, send: Callable[[Context], Outcome]) -> ResponseReturnValue:
    outcome = attempt(send)
    if isinstance(outcome, Refusal):
        return _page(_find(view.delivery_id), outcome), 422
    return redirect(url_for("driver.delivery", delivery_id=view.delivery_id), 303)


def _page(view: DeliveryView, refusal: Refusal | None = None) -> str:
    return render_template("driver/delivery.html", delivery=view, refusal=refusal, shares=_is_on_road(view))


def _form_page(
    template: str, view: DeliveryView, form: Any, refusal: Refusal | None = None
) -> ResponseReturnValue:
    """The form, empty or as it was sent. After a refusal the delivery is looked up anew: it may be gone."""
    if refusal is not None:
        view = _find(view.delivery_id)
        form.command_id.data = form.command_id.default()
    status = 422 if form.is_submitted() else 200
    page = render_template(template, delivery=view, form=form, refusal=refusal, shares=_is_on_road(view))
    return page, status


def _is_on_road(view: DeliveryView) -> bool:
    return view.status in ON_THE_ROAD


def _finished_at(view: DeliveryView) -> Any:
    return view.delivered_at or view.failed_at or view.status_changed_at
