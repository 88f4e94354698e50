"""Activating several routes of the list, or creating a delivery on each: what follows an import of a day's routes."""

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries.commands import CreateDelivery
from backend_services.routes.commands import ChangeRouteStatus, RouteStatus
from backend_services.routes.queries import RouteView, find_routes
from eventstore.execute import Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, chosen_ids, settle_or_say, waybill
from webapp.blueprints.routes import routes
from webapp.blueprints.routes.planning import LIST_FILTERS
from webapp.database import db
from webapp.fragments import kept_filters, say_refused
from webapp.presentation import in_plain_words

MOST_AT_ONCE = 50


@routes.post("/many")
@dispatcher_only
def do_with_many() -> ResponseReturnValue:
    """Do it with the chosen ones: `act` is activate or deliver. Each has its own commands and its own result."""
    act = request.form.get("act", "")
    if act not in ("activate", "deliver"):
        abort(400, "Choose what to do with them.")
    ids = chosen_ids("route")[:MOST_AT_ONCE]
    found = find_routes(db.session(), ids)
    views = [found[route_id] for route_id in ids if route_id in found]
    if not views:
        flash("Choose the routes first.", "warning")
    outcomes: list[Outcome] = []
    done, refused = 0, list[str]()
    for view in views:
        made = _do_one(view, act)
        if isinstance(made, Refusal):
            refused.append(f"{view.origin} → {view.destination}: {in_plain_words(made.message)}"[:200])
        else:
            done += 1
            outcomes += made
    settle_or_say(*outcomes)
    _say_done(act, done)
    say_refused(refused, "were refused, too")
    return redirect(url_for("routes.index", **kept_filters(LIST_FILTERS)), 303)


def _do_one(view: RouteView, act: str) -> list[Outcome] | Refusal:
    """What the commands did; a route in Planning is activated before a delivery is created on it."""
    made: list[Outcome] = []
    if act == "activate" or view.status == RouteStatus.PLANNING:
        activation = ChangeRouteStatus(route_id=view.route_id, status=RouteStatus.ACTIVE)
        outcome = attempt(
            lambda context: waybill().routes.change_route_status(activation, context),
            step=f"{view.route_id} activate",
            waits=False,
        )
        if isinstance(outcome, Refusal):
            return outcome
        made.append(outcome)
    if act == "deliver":
        creation = CreateDelivery(delivery_id=None, route_id=view.route_id, driver_id=None, vehicle_id=None)
        outcome = attempt(
            lambda context: waybill().deliveries.create_delivery(creation, context),
            step=f"{view.route_id} deliver",
            waits=False,
        )
        if isinstance(outcome, Refusal):
            return outcome
        made.append(outcome)
    return made


def _say_done(act: str, done: int) -> None:
    if done and act == "activate":
        flash(f"{done} route{'s are' if done > 1 else ' is'} active.", "success")
    elif done:
        said = f"{done} deliver{'ies' if done > 1 else 'y'} created."
        flash(f"{said} Nobody drives {'them' if done > 1 else 'it'} yet: assign on the board.", "success")
