"""Incidents over all deliveries, and resolving several at once."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries import commands, queries
from backend_services.deliveries.commands import IncidentType, Severity
from backend_services.paging import BadCursor
from eventstore.execute import Outcome
from webapp.access import dispatcher_only
from webapp.acting import attempt, parse_uuid, settle_or_say, waybill
from webapp.database import db
from webapp.fragments import kept_filters, page_or_block, say_refused, searched_text
from webapp.presentation import in_plain_words, words

incidents = Blueprint("incidents", __name__, url_prefix="/incidents")

MOST_AT_ONCE = 50
FILTERS = ("state", "type", "severity", "q")


@incidents.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """Open ones unless asked otherwise, the newest first."""
    states = {"open": True, "resolved": False, "all": None}
    state = request.args.get("state", "")
    state = state if state in states else "open"
    kind, severity = request.args.get("type"), request.args.get("severity")
    try:
        page = queries.list_incidents(
            db.session(),
            is_open=states[state],
            incident_type=kind if kind in set(IncidentType) else None,
            severity=severity if severity in set(Severity) else None,
            q=searched_text(),
            limit=MOST_AT_ONCE,
            cursor=request.args.get("cursor"),
        )
    except BadCursor:
        abort(400, "This page of the list is no longer there. Start again from the first one.")
    return page_or_block(
        "incidents/index.html",
        "list",
        page=page,
        state=state,
        types=[(kind.value, words(kind)) for kind in IncidentType],
        severities=[(level.value, level.value.capitalize()) for level in Severity],
        open_count=queries.count_open_incidents(db.session()),
        kept=kept_filters(FILTERS),
    )


@incidents.post("/resolve")
@dispatcher_only
def resolve() -> ResponseReturnValue:
    """Resolve the chosen ones. Each is a command of its own and has its own result."""
    chosen = list(dict.fromkeys(request.form.getlist("incident")))[:MOST_AT_ONCE]
    results = [_resolve_one(*value.partition("/")[::2]) for value in chosen]
    outcomes = [result for result in results if isinstance(result, Outcome)]
    refused = [result for result in results if isinstance(result, str)]
    resolved = len(outcomes)
    settle_or_say(*outcomes)
    if not chosen:
        flash("Choose the incidents to resolve first.", "warning")
    if resolved:
        flash(f"{resolved} incident{'s' if resolved > 1 else ''} resolved.", "success")
    say_refused(refused, "could not be resolved either")
    return redirect(url_for("incidents.index", **kept_filters(FILTERS)), 303)


def _resolve_one(delivery: str, incident: str) -> Outcome | str:
    """The outcome, or in words why it could not be resolved."""
    delivery_id, incident_id = parse_uuid(delivery), parse_uuid(incident)
    if delivery_id is None or incident_id is None:
        return "One of the chosen incidents doesn't exist."
    command = commands.ResolveIncident(delivery_id=delivery_id, incident_id=incident_id)
    outcome = attempt(
        lambda context: waybill().deliveries.resolve_incident(command, context),
        step=incident_id,
        waits=False,
    )
    if isinstance(outcome, Outcome):
        return outcome
    known = next(
        (
            one
            for one in queries.list_incidents_of(db.session(), delivery_id)
            if one.incident_id == incident_id
        ),
        None,
    )
    name = f"{words(known.type)}, {known.origin} → {known.destination}: " if known else ""
    return (name + in_plain_words(outcome.message))[:160]
