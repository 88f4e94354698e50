"""Adding a driver, and one driver's page."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import list_unfinished_of
from backend_services.fleet import commands, queries
from backend_services.fleet.commands import DriverStatus
from backend_services.fleet.queries import DriverView
from eventstore.execute import Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.accounts.models import (
    AccountExists,
    create_account,
    find_account_of_driver,
    set_disabled,
    set_password,
)
from webapp.acting import attempt, parse_uuid, waybill
from webapp.blueprints.fleet import fleet
from webapp.blueprints.fleet.week import coming_days
from webapp.database import db
from webapp.forms.auth import DriverSignInForm, PasswordForm
from webapp.forms.fields import renew_command_id
from webapp.forms.fleet import DriverForm, DriverStatusForm
from webapp.fragments import page_or_block, shown_or_404
from webapp.presentation import in_plain_words, today


@fleet.route("/drivers/new", methods=["GET", "POST"])
@dispatcher_only
def new_driver() -> ResponseReturnValue:
    """Add a driver; namesakes are shown first and must be confirmed."""
    form, refusal = DriverForm(), None
    alike: list[DriverView] = []
    if form.validate_on_submit():
        new_id = parse_uuid(
            form.command_id.data or ""
        )  # so that a second send doesn't find the first one alike
        alike = _namesakes(new_id or "", form)
        if form.is_confirmed([other.driver_id for other in alike]):
            command = commands.AddDriver(
                driver_id=new_id, name=form.name.data, driver_license=form.driver_license.data
            )
            outcome = attempt(lambda context: waybill().fleet.add_driver(command, context))
            if isinstance(outcome, Outcome):
                flash(f"{form.name.data} is added and can be booked.", "success")
                return redirect(url_for("fleet.show_driver", driver_id=outcome.result["id"]), 303)
            refusal, alike = outcome, []
            renew_command_id(form)
    status = 422 if form.is_submitted() else 200
    return render_template("fleet/new_driver.html", form=form, alike=alike, refusal=refusal), status


@fleet.get("/drivers/<driver_id>")
@dispatcher_only
def show_driver(driver_id: str) -> ResponseReturnValue:
    """One driver: bookings, status, details, the sign-in."""
    return _page(_find(driver_id))


@fleet.post("/drivers/<driver_id>/details")
@dispatcher_only
def update_driver(driver_id: str) -> ResponseReturnValue:
    """Change name or licence; namesakes must be confirmed."""
    view, form = _find(driver_id), DriverForm()
    if not form.validate():
        return _page(view, details=form), 422
    alike = _namesakes(view.driver_id, form)
    if not form.is_confirmed([other.driver_id for other in alike]):
        return _page(view, details=form, alike=alike), 422
    command = commands.UpdateDriver(
        driver_id=view.driver_id, name=form.name.data, driver_license=form.driver_license.data
    )
    outcome = attempt(lambda context: waybill().fleet.update_driver(command, context))
    if isinstance(outcome, Refusal):
        return _page(view, details=form, refusal=outcome), 422
    return _back_to(view, "Details saved.")


@fleet.post("/drivers/<driver_id>/status")
@dispatcher_only
def change_driver_status(driver_id: str) -> ResponseReturnValue:
    """Available, unavailable or suspended, with a reason."""
    view, form = _find(driver_id), DriverStatusForm()
    if not form.validate():
        return _page(view, status=form), 422
    command = commands.ChangeDriverStatus(
        driver_id=view.driver_id, status=DriverStatus(form.status.data), reason=form.reason.data or None
    )
    outcome = attempt(lambda context: waybill().fleet.change_driver_status(command, context))
    if isinstance(outcome, Refusal):
        return _page(_find(driver_id), status=form, refusal=outcome), 422
    return _back_to(view, in_plain_words(outcome.result["message"]))


@fleet.post("/drivers/<driver_id>/sign-in")
@dispatcher_only
def add_sign_in(driver_id: str) -> ResponseReturnValue:
    """Let the driver sign in on a phone."""
    view, form = _find(driver_id), DriverSignInForm()
    if not form.validate():
        return _page(view, sign_in=form), 422
    try:
        create_account(form.username.data, form.password.data, "driver", view.name, view.driver_id)
    except AccountExists as error:
        form.username.errors = [str(error)]
        return _page(view, sign_in=form), 422
    return _back_to(view, f"{view.name} can sign in as {form.username.data} now.")


@fleet.post("/drivers/<driver_id>/password")
@dispatcher_only
def reset_driver_password(driver_id: str) -> ResponseReturnValue:
    """Another password for a driver who forgot it; phones that are signed in have to sign in again."""
    view, form = _find(driver_id), PasswordForm()
    account = find_account_of_driver(view.driver_id)
    if account is None:
        abort(404)
    if not form.validate():
        return _page(view, password=form), 422
    set_password(account, form.password.data)
    return _back_to(view, f"The password is changed. {view.name} has to sign in again.")


@fleet.post("/drivers/<driver_id>/sign-in/<any(close, open):change>")
@dispatcher_only
def change_sign_in(driver_id: str, change: str) -> ResponseReturnValue:
    """Shut the driver's sign-in, as when a phone is lost, or open it again."""
    view = _find(driver_id)
    account = find_account_of_driver(view.driver_id)
    if account is None:
        abort(404)
    set_disabled(account, change == "close")
    return _back_to(view, f"{view.name} can {'no longer' if change == 'close' else 'now'} sign in.")


def _find(driver_id: str) -> DriverView:
    return shown_or_404("driver", driver_id, queries.find_driver)


def _namesakes(driver_id: str, form: DriverForm) -> list[DriverView]:
    session = db.session()
    warnings = queries.find_driver_namesakes(session, driver_id, form.name.data, form.driver_license.data)
    found = queries.find_drivers(session, [warning["driverId"] for warning in warnings])
    return sorted(found.values(), key=lambda other: other.driver_id)


def _page(
    view: DriverView,
    details: DriverForm | None = None,
    status: DriverStatusForm | None = None,
    sign_in: DriverSignInForm | None = None,
    password: PasswordForm | None = None,
    alike: list[DriverView] | None = None,
    refusal: Refusal | None = None,
) -> str:
    details = details or DriverForm(formdata=None, name=view.name, driver_license=view.driver_license)
    status = status or DriverStatusForm(
        formdata=None,
        status=view.status,
        reason=None if view.status == DriverStatus.AVAILABLE else view.status_reason,
    )
    renew_command_id(details)
    renew_command_id(status)
    shown: dict[str, Any] = {
        "driver": view,
        "details": details,
        "status": status,
        "sign_in": sign_in or DriverSignInForm(formdata=None),
        "password": password or PasswordForm(formdata=None),
        "account": find_account_of_driver(view.driver_id),
        "deliveries": list_unfinished_of(db.session(), driver_ids=[view.driver_id]),
        "booking_rules": waybill().deliveries.rules,
        "days": coming_days(view.bookings, today()),
        "alike": alike or [],
        "refusal": refusal,
    }
    return page_or_block("fleet/driver.html", "page", **shown)


def _back_to(view: DriverView, message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("fleet.show_driver", driver_id=view.driver_id), 303)
