"""Drivers and vehicles: the overview, one driver, one vehicle."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import list_unfinished_of
from backend_services.fleet import commands, queries
from backend_services.fleet.commands import DriverStatus, VehicleStatus
from backend_services.fleet.queries import DriverView, VehicleView
from backend_services.paging import BadCursor
from eventstore.execute import Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.accounts.models import AccountExists, create_account, find_account_of_driver
from webapp.acting import attempt, parse_uuid, waybill
from webapp.database import db
from webapp.forms.auth import DriverSignInForm
from webapp.forms.fleet import DriverForm, DriverStatusForm, VehicleForm, VehicleStatusForm

fleet = Blueprint("fleet", __name__, url_prefix="/fleet")


@fleet.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """Drivers or vehicles (`?show=vehicles`), filtered and paged."""
    session = db.session()
    shows_vehicles = request.args.get("show") == "vehicles"
    statuses = set(VehicleStatus) if shows_vehicles else set(DriverStatus)
    status = request.args.get("status")
    status = status if status in statuses else None
    find = queries.list_vehicles if shows_vehicles else queries.list_drivers
    try:
        page = find(
            session, status=status, q=request.args.get("q", "")[:200], cursor=request.args.get("cursor")
        )
    except BadCursor:
        abort(400, "This page of the list is no longer there. Start again from the first one.")
    return render_template(
        "fleet/index.html",
        page=page,
        shows_vehicles=shows_vehicles,
        status=status,
        driver_counts=queries.count_drivers_by_status(session),
        vehicle_counts=queries.count_vehicles_by_status(session),
    )


@fleet.route("/drivers/new", methods=["GET", "POST"])
@dispatcher_only
def new_driver() -> ResponseReturnValue:
    """Add a driver; namesakes are shown first and must be confirmed."""
    form = DriverForm()
    warnings, refusal = [], None
    if form.validate_on_submit():
        warnings = queries.find_driver_namesakes(db.session(), "", form.name.data, form.driver_license.data)
        if not warnings or "confirmed" in request.form:
            command = commands.AddDriver(
                driver_id=None, name=form.name.data, driver_license=form.driver_license.data
            )
            outcome = attempt(lambda context: waybill().fleet.add_driver(command, context))
            if isinstance(outcome, Outcome):
                flash(f"{form.name.data} is added and available.", "success")
                return redirect(url_for("fleet.show_driver", driver_id=outcome.result["id"]), 303)
            refusal = outcome
    status = 422 if form.is_submitted() else 200
    return render_template("fleet/new_driver.html", form=form, warnings=warnings, refusal=refusal), status


@fleet.route("/vehicles/new", methods=["GET", "POST"])
@dispatcher_only
def new_vehicle() -> ResponseReturnValue:
    """Add a vehicle; one with the same registration must be confirmed."""
    form = VehicleForm()
    warnings, refusal = [], None
    if form.validate_on_submit():
        warnings = queries.find_vehicle_namesakes(db.session(), "", form.registration.data)
        if not warnings or "confirmed" in request.form:
            command = commands.AddVehicle(
                vehicle_id=None, registration=form.registration.data, vehicle_type=form.vehicle_type.data
            )
            outcome = attempt(lambda context: waybill().fleet.add_vehicle(command, context))
            if isinstance(outcome, Outcome):
                flash(f"{form.registration.data} is added and available.", "success")
                return redirect(url_for("fleet.show_vehicle", vehicle_id=outcome.result["id"]), 303)
            refusal = outcome
    status = 422 if form.is_submitted() else 200
    return render_template("fleet/new_vehicle.html", form=form, warnings=warnings, refusal=refusal), status


@fleet.get("/drivers/<driver_id>")
@dispatcher_only
def show_driver(driver_id: str) -> ResponseReturnValue:
    """One driver: details, status, coming bookings, the sign-in."""
    return _driver_page(_driver(driver_id))


@fleet.post("/drivers/<driver_id>/details")
@dispatcher_only
def update_driver(driver_id: str) -> ResponseReturnValue:
    """Change name or licence."""
    view, form = _driver(driver_id), DriverForm()
    if not form.validate():
        return _driver_page(view, details=form), 422
    command = commands.UpdateDriver(
        driver_id=view.driver_id, name=form.name.data, driver_license=form.driver_license.data
    )
    outcome = attempt(lambda context: waybill().fleet.update_driver(command, context))
    if isinstance(outcome, Refusal):
        return _driver_page(view, details=form, refusal=outcome), 422
    flash("Driver saved.", "success")
    for warning in outcome.result.get("warnings", []):
        flash(warning["message"], "warning")
    return redirect(url_for("fleet.show_driver", driver_id=view.driver_id), 303)


@fleet.post("/drivers/<driver_id>/status")
@dispatcher_only
def change_driver_status(driver_id: str) -> ResponseReturnValue:
    """Available, unavailable or suspended, with a reason."""
    view, form = _driver(driver_id), DriverStatusForm()
    if not form.validate():
        return _driver_page(view, status=form), 422
    command = commands.ChangeDriverStatus(
        driver_id=view.driver_id, status=DriverStatus(form.status.data), reason=form.reason.data or None
    )
    outcome = attempt(lambda context: waybill().fleet.change_driver_status(command, context))
    if isinstance(outcome, Refusal):
        return _driver_page(view, status=form, refusal=outcome), 422
    flash(outcome.result["message"], "success")
    return redirect(url_for("fleet.show_driver", driver_id=view.driver_id), 303)


@fleet.post("/drivers/<driver_id>/sign-in")
@dispatcher_only
def add_sign_in(driver_id: str) -> ResponseReturnValue:
    """Let the driver sign in on a phone."""
    view, form = _driver(driver_id), DriverSignInForm()
    if not form.validate():
        return _driver_page(view, sign_in=form), 422
    try:
        create_account(form.username.data, form.password.data, "driver", view.name, view.driver_id)
    except AccountExists as error:
        form.username.errors = [str(error)]
        return _driver_page(view, sign_in=form), 422
    flash(f"{view.name} can sign in as {form.username.data} now.", "success")
    return redirect(url_for("fleet.show_driver", driver_id=view.driver_id), 303)


@fleet.get("/vehicles/<vehicle_id>")
@dispatcher_only
def show_vehicle(vehicle_id: str) -> ResponseReturnValue:
    """One vehicle: details, status, coming bookings."""
    return _vehicle_page(_vehicle(vehicle_id))


@fleet.post("/vehicles/<vehicle_id>/details")
@dispatcher_only
def update_vehicle(vehicle_id: str) -> ResponseReturnValue:
    """Change registration or type."""
    view, form = _vehicle(vehicle_id), VehicleForm()
    if not form.validate():
        return _vehicle_page(view, details=form), 422
    command = commands.UpdateVehicle(
        vehicle_id=view.vehicle_id, registration=form.registration.data, vehicle_type=form.vehicle_type.data
    )
    outcome = attempt(lambda context: waybill().fleet.update_vehicle(command, context))
    if isinstance(outcome, Refusal):
        return _vehicle_page(view, details=form, refusal=outcome), 422
    flash("Vehicle saved.", "success")
    for warning in outcome.result.get("warnings", []):
        flash(warning["message"], "warning")
    return redirect(url_for("fleet.show_vehicle", vehicle_id=view.vehicle_id), 303)


@fleet.post("/vehicles/<vehicle_id>/status")
@dispatcher_only
def change_vehicle_status(vehicle_id: str) -> ResponseReturnValue:
    """Available, in maintenance or out of service, with a reason."""
    view, form = _vehicle(vehicle_id), VehicleStatusForm()
    if not form.validate():
        return _vehicle_page(view, status=form), 422
    command = commands.ChangeVehicleStatus(
        vehicle_id=view.vehicle_id, status=VehicleStatus(form.status.data), reason=form.reason.data or None
    )
    outcome = attempt(lambda context: waybill().fleet.change_vehicle_status(command, context))
    if isinstance(outcome, Refusal):
        return _vehicle_page(view, status=form, refusal=outcome), 422
    flash(outcome.result["message"], "success")
    return redirect(url_for("fleet.show_vehicle", vehicle_id=view.vehicle_id), 303)


def _driver(driver_id: str) -> DriverView:
    view = queries.find_driver(db.session(), parse_uuid(driver_id) or "")
    if view is None:
        abort(404)
    return view


def _vehicle(vehicle_id: str) -> VehicleView:
    view = queries.find_vehicle(db.session(), parse_uuid(vehicle_id) or "")
    if view is None:
        abort(404)
    return view


def _driver_page(
    view: DriverView,
    details: DriverForm | None = None,
    status: DriverStatusForm | None = None,
    sign_in: DriverSignInForm | None = None,
    refusal: Refusal | None = None,
) -> str:
    details = details or DriverForm(formdata=None, name=view.name, driver_license=view.driver_license)
    status = status or DriverStatusForm(formdata=None, status=view.status, reason=view.status_reason)
    for form in (details, status):  # what was sent got its answer; the next attempt is another command
        form.command_id.data = form.command_id.default()
    return render_template(
        "fleet/driver.html",
        driver=view,
        details=details,
        status=status,
        sign_in=sign_in or DriverSignInForm(formdata=None),
        account=find_account_of_driver(view.driver_id),
        deliveries=list_unfinished_of(db.session(), driver_ids=[view.driver_id]),
        refusal=refusal,
    )


def _vehicle_page(
    view: VehicleView,
    details: VehicleForm | None = None,
    status: VehicleStatusForm | None = None,
    refusal: Refusal | None = None,
) -> str:
    details = details or VehicleForm(
        formdata=None, registration=view.registration, vehicle_type=view.vehicle_type
    )
    status = status or VehicleStatusForm(formdata=None, status=view.status, reason=view.status_reason)
    for form in (details, status):
        form.command_id.data = form.command_id.default()
    return render_template(
        "fleet/vehicle.html",
        vehicle=view,
        details=details,
        status=status,
        deliveries=list_unfinished_of(db.session(), vehicle_ids=[view.vehicle_id]),
        refusal=refusal,
    )
