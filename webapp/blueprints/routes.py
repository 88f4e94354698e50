"""Planning: the list of routes, and one route's editor."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import list_of_routes
from backend_services.paging import BadCursor
from backend_services.routes import commands, queries
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.routes.queries import RouteView
from eventstore.execute import Context, Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, parse_uuid, waybill
from webapp.database import db
from webapp.forms.routes import CheckpointForm, DuplicateForm, RouteForm
from webapp.presentation import day_bounds, from_local, zone

routes = Blueprint("routes", __name__, url_prefix="/routes")

USUAL_LEG = timedelta(minutes=15)


@routes.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """All routes, the latest start first."""
    status = request.args.get("status")
    status = status if status in set(RouteStatus) else None
    bounds = _day_filter()
    session = db.session()
    try:
        page = queries.list_routes(
            session,
            status=status,
            q=request.args.get("q", "")[:200],
            starting_from=bounds[0] if bounds else None,
            starting_before=bounds[1] if bounds else None,
            cursor=request.args.get("cursor"),
        )
    except BadCursor:
        abort(400, "This page of the list is no longer there. Start again from the first one.")
    counts = queries.count_routes_by_status(session)
    return render_template("routes/index.html", page=page, counts=counts, status=status)


@routes.route("/new", methods=["GET", "POST"])
@dispatcher_only
def new() -> ResponseReturnValue:
    """Plan a route; its checkpoints follow in the editor."""
    form = RouteForm()
    refusal = None
    if form.validate_on_submit():
        command = commands.CreateRoute(
            route_id=None,
            origin=form.origin.data,
            destination=form.destination.data,
            scheduled_start_time=from_local(form.start.data),
        )
        outcome = attempt(lambda context: waybill().routes.create_route(command, context))
        if isinstance(outcome, Outcome):
            return redirect(url_for("routes.show", route_id=outcome.result["id"]), 303)
        refusal = outcome
    elif not form.is_submitted():
        form.start.data = _next_half_hour()
    status = 422 if form.is_submitted() else 200
    return render_template("routes/new.html", form=form, refusal=refusal), status


@routes.get("/<route_id>")
@dispatcher_only
def show(route_id: str) -> ResponseReturnValue:
    """The editor of one route."""
    return _editor(_find(route_id))


@routes.post("/<route_id>/details")
@dispatcher_only
def update(route_id: str) -> ResponseReturnValue:
    """Change origin, destination or start."""
    view = _find(route_id)
    form = RouteForm()
    if not form.validate():
        return _editor(view, details=form), 422
    command = commands.UpdateRoute(
        route_id=view.route_id,
        origin=form.origin.data,
        destination=form.destination.data,
        scheduled_start_time=from_local(form.start.data),
    )
    outcome = attempt(lambda context: waybill().routes.update_route(command, context))
    if isinstance(outcome, Refusal):
        return _editor(view, details=form, refusal=outcome), 422
    flash("Route saved.", "success")
    return redirect(url_for("routes.show", route_id=route_id), 303)


@routes.post("/<route_id>/checkpoints")
@dispatcher_only
def save_checkpoint(route_id: str) -> ResponseReturnValue:
    """Add a checkpoint, or change the one with this number."""
    view = _find(route_id)
    form = CheckpointForm()
    if not form.validate():
        return _editor(view, checkpoint=form), 422
    known = next((stop for stop in view.checkpoints if stop.sequence == form.sequence.data), None)
    wanted = Checkpoint(
        **{
            **(msgspec.structs.asdict(known) if known else {}),
            "sequence": form.sequence.data,
            "location": form.location.data,
            "expected_time": from_local(form.expected.data),
            "address": form.address.data or None,
            "latitude": None if form.latitude.data is None else float(form.latitude.data),
            "longitude": None if form.longitude.data is None else float(form.longitude.data),
        }
    )

    def send(context: Context) -> Outcome:
        service = waybill().routes
        if known and "edit" in request.form:
            return service.update_checkpoint(
                commands.UpdateCheckpoint(route_id=view.route_id, checkpoint=wanted), context
            )
        return service.add_checkpoint(
            commands.AddCheckpoint(route_id=view.route_id, checkpoint=wanted), context
        )

    outcome = attempt(send)
    if isinstance(outcome, Refusal):
        _mark_fields(form, outcome)
        return _editor(view, checkpoint=form, refusal=outcome), 422
    return redirect(url_for("routes.show", route_id=route_id, _anchor="checkpoints"), 303)


@routes.post("/<route_id>/checkpoints/<int:sequence>/<any(remove, up, down):change>")
@dispatcher_only
def move_checkpoint(route_id: str, sequence: int, change: str) -> ResponseReturnValue:
    """Remove a checkpoint, or visit its place one earlier or later."""
    view = _find(route_id)

    def send(context: Context) -> Outcome:
        if change == "remove":
            command = commands.RemoveCheckpoint(route_id=view.route_id, sequence=sequence)
            return waybill().routes.remove_checkpoint(command, context)
        order = _moved([stop.sequence for stop in view.checkpoints], sequence, -1 if change == "up" else 1)
        reorder = commands.ReorderCheckpoints(route_id=view.route_id, sequences=tuple(order))
        return waybill().routes.reorder_checkpoints(reorder, context)

    return _back_to(view, send, "checkpoints")


@routes.post("/<route_id>/status")
@dispatcher_only
def change_status(route_id: str) -> ResponseReturnValue:
    """Activate or deactivate."""
    view = _find(route_id)
    try:
        status = RouteStatus(request.form.get("status", ""))
    except ValueError:
        abort(400, "A route can be activated or deactivated.")
    command = commands.ChangeRouteStatus(route_id=view.route_id, status=status)
    return _back_to(view, lambda context: waybill().routes.change_route_status(command, context))


@routes.route("/<route_id>/duplicate", methods=["GET", "POST"])
@dispatcher_only
def duplicate(route_id: str) -> ResponseReturnValue:
    """Plan the same route at another time; every checkpoint moves along."""
    view = _find(route_id)
    form = DuplicateForm()
    refusal = None
    if form.validate_on_submit():
        command = _copy(view, from_local(form.start.data))
        outcome = attempt(lambda context: waybill().routes.create_route(command, context))
        if isinstance(outcome, Outcome):
            flash("This is the copy. Check it, then activate it.", "success")
            return redirect(url_for("routes.show", route_id=outcome.result["id"]), 303)
        refusal = outcome
    elif not form.is_submitted():
        form.start.data = _wished_start(view)
    status = 422 if form.is_submitted() else 200
    return render_template("routes/duplicate.html", form=form, route=view, refusal=refusal), status


def _find(route_id: str) -> RouteView:
    view = queries.find_route(db.session(), parse_uuid(route_id) or "")
    if view is None:
        abort(404)
    return view


def _editor(
    view: RouteView,
    details: RouteForm | None = None,
    checkpoint: CheckpointForm | None = None,
    refusal: Refusal | None = None,
) -> str:
    if details is None:
        start = view.scheduled_start_at.astimezone(zone()).replace(tzinfo=None)
        details = RouteForm(formdata=None, origin=view.origin, destination=view.destination, start=start)
    editing = next(
        (stop for stop in view.checkpoints if str(stop.sequence) == request.args.get("edit")), None
    )
    if checkpoint is None:
        checkpoint = _checkpoint_form(view, editing)
    for form in (details, checkpoint):  # what was sent got its answer; the next attempt is another command
        form.command_id.data = form.command_id.default()
    return render_template(
        "routes/show.html",
        route=view,
        details=details,
        checkpoint=checkpoint,
        is_edit=editing is not None or "edit" in request.form,
        refusal=refusal,
        deliveries=list_of_routes(db.session(), [view.route_id]).get(view.route_id, []),
        is_past=view.scheduled_start_at < datetime.now(UTC),
    )


def _checkpoint_form(view: RouteView, editing: Checkpoint | None) -> CheckpointForm:
    if editing is not None:
        return CheckpointForm(
            formdata=None,
            sequence=editing.sequence,
            location=editing.location,
            expected=editing.expected_time.astimezone(zone()).replace(tzinfo=None),
            address=editing.address,
            latitude=editing.latitude,
            longitude=editing.longitude,
        )
    last = view.checkpoints[-1] if view.checkpoints else None
    following = (last.expected_time if last else view.scheduled_start_at) + USUAL_LEG
    return CheckpointForm(
        formdata=None,
        sequence=last.sequence + 1 if last else 1,
        expected=following.astimezone(zone()).replace(tzinfo=None),
    )


def _mark_fields(form: CheckpointForm, refusal: Refusal) -> None:
    names = {"expectedTime": "expected", "location": "location", "sequence": "sequence"}
    for field, text in refusal.details.get("errors", {}).items():
        if field in names:
            form[names[field]].errors = [text]


def _back_to(
    view: RouteView, send: Callable[[Context], Outcome], anchor: str | None = None
) -> ResponseReturnValue:
    outcome = attempt(send)
    if isinstance(outcome, Refusal):
        return _editor(view, refusal=outcome), 422
    flash(outcome.result["message"], "success")
    return redirect(url_for("routes.show", route_id=view.route_id, _anchor=anchor), 303)


def _moved(order: list[int], sequence: int, by: int) -> list[int]:
    if sequence not in order:
        abort(404)
    here = order.index(sequence)
    there = min(max(here + by, 0), len(order) - 1)
    order[here], order[there] = order[there], order[here]
    return order


def _copy(view: RouteView, start: datetime) -> commands.CreateRoute:
    shift = start - view.scheduled_start_at

    def moved(instant: datetime | None) -> datetime | None:
        return None if instant is None else instant + shift

    return commands.CreateRoute(
        route_id=None,
        origin=view.origin,
        destination=view.destination,
        scheduled_start_time=start,
        checkpoints=tuple(
            msgspec.structs.replace(
                stop,
                expected_time=stop.expected_time + shift,
                window_start=moved(stop.window_start),
                window_end=moved(stop.window_end),
            )
            for stop in view.checkpoints
        ),
    )


def _wished_start(view: RouteView) -> datetime:
    """The start named in the link (a conflict card's suggestion), otherwise the same time tomorrow."""
    try:
        wished = datetime.fromisoformat(request.args.get("start", ""))
    except ValueError:
        wished = view.scheduled_start_at + timedelta(days=1)
    if wished.tzinfo is None:
        wished = wished.replace(tzinfo=UTC)
    return wished.astimezone(zone()).replace(tzinfo=None)


def _day_filter() -> tuple[datetime, datetime] | None:
    try:
        return day_bounds(datetime.strptime(request.args.get("date", ""), "%Y-%m-%d").date())  # noqa: DTZ007
    except (ValueError, OverflowError):
        return None


def _next_half_hour() -> datetime:
    now = datetime.now(zone()).replace(tzinfo=None, second=0, microsecond=0)
    return now + timedelta(minutes=30 - now.minute % 30)
