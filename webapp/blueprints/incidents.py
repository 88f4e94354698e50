"""Incidents over all deliveries, and resolving several at once."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries import commands, queries
from backend_services.deliveries.commands import IncidentType, Severity
from backend_services.paging import BadCursor
from eventstore.execute import Refusal
from webapp.access import dispatcher_only
from webapp.acting import acting, parse_uuid, settle, waybill
from webapp.database import db

incidents = Blueprint("incidents", __name__, url_prefix="/incidents")

MOST_AT_ONCE = 100


@incidents.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """Open ones unless asked otherwise, the newest first."""
    wanted = request.args.get("state", "open")
    kind, severity = request.args.get("type"), request.args.get("severity")
    try:
        page = queries.list_incidents(
            db.session(),
            is_open={"open": True, "resolved": False}.get(wanted),
            incident_type=kind if kind in set(IncidentType) else None,
            severity=severity if severity in set(Severity) else None,
            q=request.args.get("q", "")[:200],
            cursor=request.args.get("cursor"),
        )
    except BadCursor:
        abort(400, "This page of the list is no longer there. Start again from the first one.")
    return render_template(
        "incidents/index.html",
        page=page,
        state=wanted,
        types=list(IncidentType),
        severities=list(Severity),
        open_count=queries.count_open_incidents(db.session()),
    )


@incidents.post("/resolve")
@dispatcher_only
def resolve() -> ResponseReturnValue:
    """Resolve the chosen ones; each has its own result."""
    chosen = request.form.getlist("incident")[:MOST_AT_ONCE]
    resolved = 0
    for value in chosen:
        delivery_id, _, incident_id = value.partition("/")
        command = commands.ResolveIncident(
            delivery_id=parse_uuid(delivery_id) or "-", incident_id=parse_uuid(incident_id) or "-"
        )
        try:
            settle(waybill().deliveries.resolve_incident(command, acting()))
            resolved += 1
        except Refusal as refusal:
            flash(refusal.message, "warning")
    if not chosen:
        flash("Choose the incidents to resolve first.", "warning")
    if resolved:
        flash(f"{resolved} incident{'s' if resolved > 1 else ''} resolved.", "success")
    return redirect(url_for("incidents.index"), 303)
