"""Adding a vehicle, and one vehicle's page."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import list_unfinished_of
from backend_services.fleet import commands, queries
from backend_services.fleet.commands import VehicleStatus
from backend_services.fleet.queries import VehicleView
from eventstore.execute import Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, parse_uuid, waybill
from webapp.blueprints.fleet import fleet
from webapp.blueprints.fleet.week import coming_days
from webapp.database import db
from webapp.forms.fields import renew_command_id
from webapp.forms.fleet import VehicleForm, VehicleStatusForm
from webapp.fragments import page_or_block, shown_or_404
from webapp.presentation import in_plain_words, today


@fleet.route("/vehicles/new", methods=["GET", "POST"])
@dispatcher_only
def new_vehicle() -> ResponseReturnValue:
    """Add a vehicle; one with the same registration must be confirmed."""
    form, refusal = VehicleForm(), None
    alike: list[VehicleView] = []
    if form.validate_on_submit():
        new_id = parse_uuid(
            form.command_id.data or ""
        )  # so that a second send doesn't find the first one alike
        alike = _namesakes(new_id or "", form)
        if form.is_confirmed([other.vehicle_id for other in alike]):
            command = commands.AddVehicle(
                vehicle_id=new_id, registration=form.registration.data, vehicle_type=form.vehicle_type.data
            )
            outcome = attempt(lambda context: waybill().fleet.add_vehicle(command, context))
            if isinstance(outcome, Outcome):
                flash(f"{form.registration.data} is added and can be booked.", "success")
                return redirect(url_for("fleet.show_vehicle", vehicle_id=outcome.result["id"]), 303)
            refusal, alike = outcome, []
            renew_command_id(form)
    status = 422 if form.is_submitted() else 200
    return render_template("fleet/new_vehicle.html", form=form, alike=alike, refusal=refusal), status


@fleet.get("/vehicles/<vehicle_id>")
@dispatcher_only
def show_vehicle(vehicle_id: str) -> ResponseReturnValue:
    """One vehicle: bookings, status, details."""
    return _page(_find(vehicle_id))


@fleet.post("/vehicles/<vehicle_id>/details")
@dispatcher_only
def update_vehicle(vehicle_id: str) -> ResponseReturnValue:
    """Change registration or type; one with the same registration must be confirmed."""
    view, form = _find(vehicle_id), VehicleForm()
    if not form.validate():
        return _page(view, details=form), 422
    alike = _namesakes(view.vehicle_id, form)
    if not form.is_confirmed([other.vehicle_id for other in alike]):
        return _page(view, details=form, alike=alike), 422
    command = commands.UpdateVehicle(
        vehicle_id=view.vehicle_id, registration=form.registration.data, vehicle_type=form.vehicle_type.data
    )
    outcome = attempt(lambda context: waybill().fleet.update_vehicle(command, context))
    if isinstance(outcome, Refusal):
        return _page(view, details=form, refusal=outcome), 422
    return _back_to(view, "Details saved.")


@fleet.post("/vehicles/<vehicle_id>/status")
@dispatcher_only
def change_vehicle_status(vehicle_id: str) -> ResponseReturnValue:
    """Available, in maintenance or out of service, with a reason."""
    view, form = _find(vehicle_id), VehicleStatusForm()
    if not form.validate():
        return _page(view, status=form), 422
    command = commands.ChangeVehicleStatus(
        vehicle_id=view.vehicle_id, status=VehicleStatus(form.status.data), reason=form.reason.data or None
    )
    outcome = attempt(lambda context: waybill().fleet.change_vehicle_status(command, context))
    if isinstance(outcome, Refusal):
        return _page(_find(vehicle_id), status=form, refusal=outcome), 422
    return _back_to(view, in_plain_words(outcome.result["message"]))


def _find(vehicle_id: str) -> VehicleView:
    return shown_or_404("vehicle", vehicle_id, queries.find_vehicle)


def _namesakes(vehicle_id: str, form: VehicleForm) -> list[VehicleView]:
    session = db.session()
    warnings = queries.find_vehicle_namesakes(session, vehicle_id, form.registration.data)
    found = queries.find_vehicles(session, [warning["vehicleId"] for warning in warnings])
    return sorted(found.values(), key=lambda other: other.vehicle_id)


def _page(
    view: VehicleView,
    details: VehicleForm | None = None,
    status: VehicleStatusForm | None = None,
    alike: list[VehicleView] | None = None,
    refusal: Refusal | None = None,
) -> str:
    details = details or VehicleForm(
        formdata=None, registration=view.registration, vehicle_type=view.vehicle_type
    )
    status = status or VehicleStatusForm(
        formdata=None,
        status=view.status,
        reason=None if view.status == VehicleStatus.AVAILABLE else view.status_reason,
    )
    renew_command_id(details)
    renew_command_id(status)
    return page_or_block(
        "fleet/vehicle.html",
        "page",
        vehicle=view,
        details=details,
        status=status,
        deliveries=list_unfinished_of(db.session(), vehicle_ids=[view.vehicle_id]),
        booking_rules=waybill().deliveries.rules,
        days=coming_days(view.bookings, today()),
        alike=alike or [],
        refusal=refusal,
    )


def _back_to(view: VehicleView, message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("fleet.show_vehicle", vehicle_id=view.vehicle_id), 303)
