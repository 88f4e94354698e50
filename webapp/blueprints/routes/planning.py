"""The list of routes, planning a new one, and planning one like another."""

from datetime import UTC, date, datetime, timedelta

import msgspec
from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.paging import BadCursor
from backend_services.routes import commands, queries
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.routes.queries import RouteView
from eventstore.execute import Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, parse_uuid, waybill
from webapp.addresses import find_place, nearest_place, suggest_places
from webapp.blueprints.routes import routes
from webapp.database import db
from webapp.forms.fields import renew_command_id
from webapp.forms.routes import USUAL_LEG, DuplicateForm, NewRouteForm
from webapp.fragments import kept_filters, page_or_block, searched_text, shown_or_404
from webapp.presentation import day_bounds, from_local, today, zone

LIST_FILTERS = ("status", "date", "q", "cursor")


@routes.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """All routes, the latest start first."""
    status = request.args.get("status")
    status = status if status in set(RouteStatus) else None
    start, end = _day_filter() or (None, None)
    session, text = db.session(), searched_text()
    try:
        page = queries.list_routes(
            session,
            status=status,
            q=text,
            starting_from=start,
            starting_before=end,
            cursor=request.args.get("cursor"),
        )
    except BadCursor:
        abort(400, "This page of the list is no longer there. Start again from the first one.")
    return page_or_block(
        "routes/index.html",
        "list",
        page=page,
        counts=queries.count_routes_by_status(session, q=text, starting_from=start, starting_before=end),
        status=status,
        days=[("Today", today()), ("Tomorrow", today() + timedelta(days=1))],
        kept=kept_filters(LIST_FILTERS),
    )


@routes.route("/new", methods=["GET", "POST"])
@dispatcher_only
def new() -> ResponseReturnValue:
    """Plan a route, with its first checkpoints or without."""
    form, refusal = NewRouteForm(), None
    if not form.is_submitted():
        form.start.data = _next_half_hour()
        return _new_page(form)
    if "more" in request.form:
        form.add_rows()
        return _new_page(form)
    stops = form.planned_stops() if form.validate() else None
    if stops is not None:
        command = commands.CreateRoute(
            route_id=None,
            origin=form.origin.data,
            destination=form.destination.data,
            scheduled_start_time=from_local(form.start.data),
            checkpoints=_checkpoints(stops),
        )
        outcome = attempt(lambda context: waybill().routes.create_route(command, context))
        if isinstance(outcome, Outcome):
            flash("Planned. Check the times, then activate the route.", "success")
            return redirect(url_for("routes.show", route_id=outcome.result["id"]), 303)
        refusal = outcome
        renew_command_id(form)
    return _new_page(form, refusal), 422


@routes.get("/places")
@dispatcher_only
def places() -> ResponseReturnValue:
    """Suggestions for whatever place is being typed, as the options of a datalist."""
    typed = next(iter(request.args.values()), "").strip()[:200]
    return render_template("routes/_places.html", places=suggest_places(db.session(), typed))


@routes.get("/places/near")
@dispatcher_only
def place_near() -> ResponseReturnValue:
    """The name of the known place at `latitude`, `longitude` (WGS 84 degrees); null where none is near."""
    latitude = request.args.get("latitude", type=float)
    longitude = request.args.get("longitude", type=float)
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        abort(400, "A point on the map has a latitude and a longitude.")
    place = nearest_place(db.session(), latitude, longitude)
    return {"name": place.name if place else None}


@routes.route("/<route_id>/duplicate", methods=["GET", "POST"])
@dispatcher_only
def duplicate(route_id: str) -> ResponseReturnValue:
    """Plan the same route at another time; every checkpoint moves along."""
    view, form, refusal = find_route_or_404(route_id), DuplicateForm(), None
    if form.validate_on_submit():
        command = _copy(view, from_local(form.start.data))
        outcome = attempt(lambda context: waybill().routes.create_route(command, context))
        if isinstance(outcome, Outcome):
            return _after_copying(str(outcome.result["id"]), form)
        refusal = outcome
        renew_command_id(form)
    elif not form.is_submitted():
        _prefill(form, view)
    status = 422 if form.is_submitted() else 200
    return render_template("routes/duplicate.html", form=form, route=view, refusal=refusal), status


def find_route_or_404(route_id: str) -> RouteView:
    """The route of an address; 404 where there is none."""
    return shown_or_404("route", route_id, queries.find_route)


def _new_page(form: NewRouteForm, refusal: Refusal | None = None) -> str:
    suggested = suggest_places(db.session(), "")
    return render_template("routes/new.html", form=form, refusal=refusal, places=suggested)


def _checkpoints(stops: list[tuple[str, datetime]]) -> tuple[Checkpoint, ...]:
    planned = []
    for number, (name, at) in enumerate(stops, start=1):
        place = find_place(db.session(), name)
        stop = Checkpoint(
            sequence=number,
            location=name,
            expected_time=from_local(at),
            latitude=place.latitude,
            longitude=place.longitude,
        )
        planned.append(stop)
    return tuple(planned)


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


def _after_copying(route_id: str, form: DuplicateForm) -> ResponseReturnValue:
    """To the copy; for a delivery that clashed, on to creating it with the same driver and vehicle."""
    if not form.activate.data:
        flash("This is the copy. Check it, then activate it.", "success")
        return redirect(url_for("routes.show", route_id=route_id), 303)
    activation = commands.ChangeRouteStatus(route_id=route_id, status=RouteStatus.ACTIVE)
    outcome = attempt(
        lambda context: waybill().routes.change_route_status(activation, context), step="activate"
    )
    if isinstance(outcome, Refusal):
        flash(outcome.message, "warning")
    elif form.driver.data or form.vehicle.data:
        flash("The copy is active. Create its delivery now.", "success")
        chosen = {"driver": form.driver.data or None, "vehicle": form.vehicle.data or None}
        return redirect(url_for("deliveries.new", route=route_id, **chosen), 303)
    else:
        flash("The copy is active.", "success")
    return redirect(url_for("routes.show", route_id=route_id), 303)


def _prefill(form: DuplicateForm, view: RouteView) -> None:
    """What the link says (a conflict card's suggestion), otherwise the same time tomorrow."""
    form.start.data = _wished_start() or (view.scheduled_start_at + timedelta(days=1)).astimezone(
        zone()
    ).replace(tzinfo=None)
    form.driver.data = parse_uuid(request.args.get("driver", "")) or ""
    form.vehicle.data = parse_uuid(request.args.get("vehicle", "")) or ""
    form.activate.data = "start" in request.args


def _wished_start() -> datetime | None:
    try:
        wished = datetime.fromisoformat(request.args.get("start", ""))
        aware = wished if wished.tzinfo else wished.replace(tzinfo=UTC)
        return aware.astimezone(zone()).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _day_filter() -> tuple[datetime, datetime] | None:
    try:
        return day_bounds(date.fromisoformat(request.args.get("date", "")))
    except (ValueError, OverflowError):
        return None


def _next_half_hour() -> datetime:
    now = datetime.now(zone()).replace(tzinfo=None, second=0, microsecond=0)
    return now + timedelta(minutes=30 - now.minute % 30)


def usual_next(view: RouteView) -> datetime:
    """When the checkpoint after the last could be expected: as long after it as it is after the one before."""
    times = [view.scheduled_start_at, *(stop.expected_time for stop in view.checkpoints)]
    leg = times[-1] - times[-2] if len(times) > 2 else USUAL_LEG
    return times[-1] + leg
