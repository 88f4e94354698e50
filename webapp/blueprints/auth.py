"""Signing in and out, the first account, and people."""

from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.fleet.commands import DriverStatus
from backend_services.fleet.queries import find_driver
from webapp.access import current_actor, dispatcher_only, public, signed_in
from webapp.accounts import models
from webapp.accounts import setup as first_start
from webapp.accounts import sign_in as sessions
from webapp.accounts.models import Account
from webapp.database import db
from webapp.forms.auth import PasswordForm, PersonForm, SetupForm, SignInForm

auth = Blueprint("auth", __name__)


@auth.get("/")
@public
def home() -> ResponseReturnValue:
    """Where each kind of user starts."""
    return redirect(_start_page(current_actor().role))


@auth.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Sign in with name and password."""
    if not models.has_accounts():
        return redirect(url_for("auth.setup"))
    form = SignInForm()
    status = 200
    if form.validate_on_submit():
        try:
            account = sessions.try_sign_in(form.username.data, form.password.data)
        except sessions.TooManyTries:
            form.form_errors.append("Too many wrong passwords. Wait 15 minutes, then try again.")
            return render_template("auth/sign_in.html", form=form), 429, {"Retry-After": "900"}
        if account is not None and _is_suspended(account):
            sessions.end_session()
            form.form_errors.append("This driver is suspended. Ask your dispatcher.")
        elif account is not None:
            return redirect(_safe_target(request.args.get("next")) or _start_page(account.role), 303)
        else:
            form.form_errors.append("That name and password don't go together.")
        status = 422
    elif form.is_submitted():
        status = 422
    return render_template("auth/sign_in.html", form=form), status


@auth.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End this session."""
    sessions.end_session()
    return redirect(url_for("auth.sign_in"), 303)


@auth.route("/setup", methods=["GET", "POST"])
@public
def setup() -> ResponseReturnValue:
    """The first account, for whoever holds the one-time code."""
    if models.has_accounts():
        return redirect(url_for("auth.sign_in"))
    form = SetupForm(code=request.args.get("code", ""))
    status = 200
    if form.validate_on_submit():
        settings = current_app.extensions["waybill"].settings
        if first_start.is_setup_code(settings, form.code.data):
            try:
                account = models.create_first_account(
                    form.username.data, form.password.data, form.display_name.data
                )
            except models.AccountExists:
                return redirect(url_for("auth.sign_in"), 303)
            first_start.forget_setup_code(settings)
            sessions.start_session(account)
            return redirect(url_for("auth.home"), 303)
        form.code.errors = ["This is not the code that Waybill printed at its start."]
    if form.is_submitted():
        status = 422
    return render_template("auth/setup.html", form=form), status


@auth.route("/people", methods=["GET", "POST"])
@dispatcher_only
def people() -> ResponseReturnValue:
    """Who may sign in; add a dispatcher."""
    form = PersonForm()
    if form.validate_on_submit():
        _admins_only()
        try:
            models.create_account(
                form.username.data, form.password.data, form.role.data, form.display_name.data
            )
        except models.AccountExists as error:
            form.username.errors = [str(error)]
        else:
            flash(f"{form.display_name.data} can sign in now.", "success")
            return redirect(url_for("auth.people"), 303)
    status = 422 if form.is_submitted() else 200
    return render_template("auth/people.html", form=form, accounts=models.list_accounts()), status


@auth.route("/people/<account_id>/password", methods=["GET", "POST"])
@signed_in
def password(account_id: str) -> ResponseReturnValue:
    """Choose another password: one's own, or as an admin anybody's; dispatchers may help drivers."""
    account = _find(account_id)
    actor = current_actor()
    is_own = actor.id == account.id
    if not (is_own or actor.role == "admin" or (actor.role == "dispatcher" and account.role == "driver")):
        abort(404)
    form = PasswordForm()
    if form.validate_on_submit():
        models.set_password(account, form.password.data)
        if is_own:
            sessions.start_session(account)
        flash(f"The password of {account.display_name} is changed; other sessions have ended.", "success")
        return redirect(url_for("auth.people" if actor.role != "driver" else "auth.home"), 303)
    return render_template(
        "auth/password.html", form=form, account=account
    ), 422 if form.is_submitted() else 200


@auth.post("/people/<account_id>/<any(disable, enable):change>")
@dispatcher_only
def change_person(account_id: str, change: str) -> ResponseReturnValue:
    """Shut somebody out, or let them in again; never oneself, never the last admin."""
    account = _find(account_id)
    if account.role != "driver":
        _admins_only()
    if change == "disable" and account.id == current_actor().id:
        flash("You can't shut yourself out.", "danger")
    elif change == "disable" and account.role == "admin" and models.count_active_admins() <= 1:
        flash("Somebody must be able to manage people; this is the last one.", "danger")
    else:
        models.set_disabled(account, change == "disable")
        flash(f"{account.display_name} can{' no longer' if change == 'disable' else ''} sign in.", "success")
    return redirect(url_for("auth.people"), 303)


def _find(account_id: str) -> Account:
    account = models.find_account(account_id)
    if account is None:
        abort(404)
    return account


def _admins_only() -> None:
    if current_actor().role != "admin":
        abort(403, "Only those who manage people may do this.")


def _is_suspended(account: Account) -> bool:
    driver = find_driver(db.session(), account.driver_id) if account.driver_id else None
    return driver is not None and driver.status == DriverStatus.SUSPENDED


def _start_page(role: str) -> str:
    return {"driver": "/driver", "anonymous": "/sign-in"}.get(role, "/board")


def _safe_target(target: str | None) -> str | None:
    """A path of our own; never another site (//evil, https:…, back-slashes)."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
