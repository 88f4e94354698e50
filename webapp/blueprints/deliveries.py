"""Deliveries for dispatchers: the list, creating one, and one delivery's page."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from jinja2_fragments.flask import render_block

from backend_services.deliveries import commands, queries
from backend_services.deliveries.availability import driver_choices, vehicle_choices
from backend_services.deliveries.booking import BookingRules
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from backend_services.fleet.booking import Request
from backend_services.fleet.queries import find_drivers, find_vehicles
from backend_services.paging import BadCursor
from backend_services.routes.queries import RouteView, find_route, list_routes
from eventstore.execute import Context, Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.accounts.models import account_names
from webapp.acting import attempt, parse_uuid, waybill
from webapp.database import db
from webapp.forms.deliveries import FailForm, IncidentForm, ProofForm
from webapp.presentation import day_bounds
from webapp.proofs import incident_command, proof_command

deliveries = Blueprint("deliveries", __name__, url_prefix="/deliveries")

MOST_ROUTES = 200


@deliveries.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """All deliveries, the newest first."""
    status = request.args.get("status")
    status = status if status in set(DeliveryStatus) else None
    session = db.session()
    bounds = _created_between()
    try:
        page = queries.list_deliveries(
            session,
            statuses=[status] if status else [],
            driver_id=request.args.get("driver") or None,
            vehicle_id=request.args.get("vehicle") or None,
            route_id=request.args.get("route") or None,
            created_from=bounds[0],
            created_before=bounds[1],
            q=request.args.get("q", "")[:200],
            cursor=request.args.get("cursor"),
        )
    except BadCursor:
        abort(400, "This page of the list is no longer there. Start again from the first one.")
    counts = queries.count_deliveries_by_status(session)
    return render_template("deliveries/index.html", page=page, counts=counts, status=status)


@deliveries.get("/new")
@dispatcher_only
def new() -> ResponseReturnValue:
    """Choose a route, a driver and a vehicle; who is free then is shown while choosing."""
    return _new_page(request.args)


@deliveries.post("/new")
@dispatcher_only
def create() -> ResponseReturnValue:
    """Start the delivery; a clash comes back as a card with alternatives."""
    chosen = {name: parse_uuid(request.form.get(name, "")) for name in ("route", "driver", "vehicle")}
    if chosen["route"] is None:
        return _new_page(request.form, problem="Please choose a route."), 422
    command = commands.CreateDelivery(
        delivery_id=None,
        route_id=chosen["route"],
        driver_id=chosen["driver"],
        vehicle_id=chosen["vehicle"],
    )
    outcome = attempt(lambda context: waybill().deliveries.create_delivery(command, context))
    if isinstance(outcome, Refusal):
        return _new_page(request.form, refusal=outcome), 422
    flash("Delivery created.", "success")
    return redirect(url_for("deliveries.show", delivery_id=outcome.result["id"]), 303)


@deliveries.get("/<delivery_id>")
@dispatcher_only
def show(delivery_id: str) -> ResponseReturnValue:
    """Everything about one delivery, and the only next steps."""
    return _page(_find(delivery_id))


@deliveries.post("/<delivery_id>/status")
@dispatcher_only
def change_status(delivery_id: str) -> ResponseReturnValue:
    """Move on; what the page showed as the present status must still be it."""
    view = _find(delivery_id)
    try:
        status = DeliveryStatus(request.form.get("status", ""))
        expected = DeliveryStatus(request.form.get("expected") or view.status)
    except ValueError:
        abort(400, "There is no such status.")
    command = commands.ChangeDeliveryStatus(
        delivery_id=view.delivery_id, status=status, expected_status=expected
    )
    return _act(view, lambda context: waybill().deliveries.change_status(command, context))


@deliveries.post("/<delivery_id>/fail")
@dispatcher_only
def fail(delivery_id: str) -> ResponseReturnValue:
    """It can't be delivered, or is cancelled."""
    view, form = _find(delivery_id), FailForm()
    if not form.validate():
        return _page(view, fail_form=form), 422
    command = commands.ChangeDeliveryStatus(
        delivery_id=view.delivery_id,
        status=DeliveryStatus.FAILED,
        reason=form.reason.data,
        note=form.note.data or None,
    )
    return _act(view, lambda context: waybill().deliveries.change_status(command, context))


@deliveries.post("/<delivery_id>/retry")
@dispatcher_only
def retry(delivery_id: str) -> ResponseReturnValue:
    """Try a failed delivery again, perhaps with somebody else."""
    view = _find(delivery_id)
    command = commands.ChangeDeliveryStatus(
        delivery_id=view.delivery_id,
        status=DeliveryStatus.PICKED_UP,
        driver_id=parse_uuid(request.form.get("driver", "")),
        vehicle_id=parse_uuid(request.form.get("vehicle", "")),
    )
    return _act(view, lambda context: waybill().deliveries.change_status(command, context))


@deliveries.post("/<delivery_id>/checkpoints/<int:sequence>")
@dispatcher_only
def reach_checkpoint(delivery_id: str, sequence: int) -> ResponseReturnValue:
    """Mark a checkpoint as reached, for a driver on the telephone."""
    view = _find(delivery_id)
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
    """Give it to a driver or vehicle, or (with nothing chosen) take it away."""
    view = _find(delivery_id)
    chosen = parse_uuid(request.form.get(what, ""))
    before = view.driver_id if what == "driver" else view.vehicle_id

    def send(context: Context) -> Outcome:
        service = waybill().deliveries
        if what == "driver":
            return service.assign_driver(
                commands.AssignDriver(delivery_id=view.delivery_id, driver_id=chosen), context
            )
        return service.assign_vehicle(
            commands.AssignVehicle(delivery_id=view.delivery_id, vehicle_id=chosen), context
        )

    outcome = attempt(send)
    if isinstance(outcome, Refusal):
        return _page(view, refusal=outcome), 422
    undo = url_for("deliveries.assign", delivery_id=view.delivery_id, what=what)
    flash(
        {"text": outcome.result["message"], "url": undo, "undo": {what: before or ""}},  # type: ignore[arg-type]
        "undo",
    )
    return redirect(url_for("deliveries.show", delivery_id=view.delivery_id), 303)


@deliveries.post("/<delivery_id>/incidents")
@dispatcher_only
def report_incident(delivery_id: str) -> ResponseReturnValue:
    """Note down what went wrong."""
    view, form = _find(delivery_id), IncidentForm()
    command = incident_command(view.delivery_id, form) if form.validate() else None
    if command is None:
        return _page(view, incident_form=form), 422
    return _act(view, lambda context: waybill().deliveries.report_incident(command, context))


@deliveries.post("/<delivery_id>/incidents/<incident_id>/resolve")
@dispatcher_only
def resolve_incident(delivery_id: str, incident_id: str) -> ResponseReturnValue:
    """An incident is dealt with."""
    view = _find(delivery_id)
    command = commands.ResolveIncident(
        delivery_id=view.delivery_id, incident_id=parse_uuid(incident_id) or incident_id
    )
    return _act(view, lambda context: waybill().deliveries.resolve_incident(command, context))


@deliveries.post("/<delivery_id>/proof")
@dispatcher_only
def capture_proof(delivery_id: str) -> ResponseReturnValue:
    """The proof, where the office has it (a paper slip, a call)."""
    view, form = _find(delivery_id), ProofForm()
    command = proof_command(view.delivery_id, form) if form.validate() else None
    if command is None:
        return _page(view, proof_form=form), 422
    return _act(view, lambda context: waybill().deliveries.capture_proof(command, context))


def _find(delivery_id: str) -> DeliveryView:
    view = queries.find_delivery(db.session(), parse_uuid(delivery_id) or "")
    if view is None:
        abort(404)
    return view


def _act(view: DeliveryView, send: Callable[[Context], Outcome]) -> ResponseReturnValue:
    outcome = attempt(send)
    if isinstance(outcome, Refusal):
        return _page(_find(view.delivery_id), refusal=outcome), 422
    flash(outcome.result["message"], "success")
    return redirect(url_for("deliveries.show", delivery_id=view.delivery_id), 303)


def _page(
    view: DeliveryView,
    refusal: Refusal | None = None,
    fail_form: FailForm | None = None,
    incident_form: IncidentForm | None = None,
    proof_form: ProofForm | None = None,
) -> str:
    session = db.session()
    history = queries.read_timeline(waybill().store, view.delivery_id)
    ids = {
        part
        for event in history
        for part in (event.data.get("driverId"), event.data.get("vehicleId"))
        if part
    }
    names = {key: driver.name for key, driver in find_drivers(session, list(ids)).items()}
    names |= {key: vehicle.registration for key, vehicle in find_vehicles(session, list(ids)).items()}
    choosing = view.status in (DeliveryStatus.PICKED_UP, DeliveryStatus.FAILED)
    wish = _wish(view.scheduled_start_at, view.scheduled_end_at, view.delivery_id)
    return render_template(
        "deliveries/show.html",
        delivery=view,
        history=history,
        names=names,
        actors=_actor_names({event.actor for event in history}),
        incidents=queries.list_incidents_of(session, view.delivery_id),
        drivers=driver_choices(session, wish) if choosing else [],
        vehicles=vehicle_choices(session, wish) if choosing else [],
        refusal=refusal,
        fail_form=fail_form or FailForm(formdata=None),
        incident_form=incident_form or IncidentForm(formdata=None),
        proof_form=proof_form or ProofForm(formdata=None),
        delay=view.predicted_delay(datetime.now(UTC)),
    )


def _actor_names(actors: set[str]) -> dict[str, str]:
    accounts = {actor.partition(":")[2] for actor in actors if actor.startswith("account:")}
    names = {f"account:{key}": name for key, name in account_names(accounts).items()}
    return {
        actor: names.get(actor, "API key" if actor.startswith("api-key") else "somebody") for actor in actors
    }


def _new_page(values: Any, refusal: Refusal | None = None, problem: str | None = None) -> str:
    session = db.session()
    chosen = {name: parse_uuid(values.get(name, "")) for name in ("route", "driver", "vehicle")}
    route = find_route(session, chosen["route"]) if chosen["route"] else None
    wish = _wish(route.scheduled_start_at, route.scheduled_end_at) if route else None
    shown: dict[str, Any] = {
        "routes": list_routes(session, status="Active", limit=MOST_ROUTES).items,
        "route": route,
        "chosen": chosen,
        "drivers": driver_choices(session, wish) if wish else [],
        "vehicles": vehicle_choices(session, wish) if wish else [],
        "refusal": refusal,
        "problem": problem,
        "is_past": route is not None and _is_past(route),
    }
    wants_block = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    if wants_block:
        return render_block("deliveries/new.html", "availability", **shown)
    return render_template("deliveries/new.html", **shown)


def _wish(start: datetime, end: datetime, delivery_id: str = "") -> Request:
    rules: BookingRules = waybill().deliveries.rules
    return Request(delivery_id, start, max(end, start + rules.minimum), rules.buffer)


def _is_past(route: RouteView) -> bool:
    return route.scheduled_end_at < datetime.now(UTC)


def _created_between() -> tuple[datetime | None, datetime | None]:
    found: list[datetime | None] = []
    for name, side in (("from", 0), ("to", 1)):
        try:
            day = date.fromisoformat(request.args.get(name, ""))
            found.append(day_bounds(day)[side])
        except (ValueError, OverflowError):
            found.append(None)
    return found[0], found[1]
