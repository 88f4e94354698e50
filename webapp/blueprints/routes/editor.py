"""One route: its details, its checkpoints, and whether it may be driven."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.deliveries.queries import list_of_routes
from backend_services.routes import commands
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.routes.queries import RouteView
from backend_services.routes.route import MAX_CHECKPOINTS
from eventstore.execute import Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, waybill
from webapp.addresses import find_place, suggest_places
from webapp.blueprints.routes import routes
from webapp.blueprints.routes.planning import find_route_or_404, usual_next
from webapp.database import db
from webapp.forms.fields import renew_command_id
from webapp.forms.routes import CheckpointForm, RouteDetailsForm, was_text
from webapp.fragments import offer_undo, page_or_block
from webapp.presentation import clock, from_local, in_plain_words, to_form, zone


@routes.get("/<route_id>")
@dispatcher_only
def show(route_id: str) -> ResponseReturnValue:
    """The editor; `?edit=3` opens the third checkpoint for changing."""
    return _editor(find_route_or_404(route_id))


@routes.post("/<route_id>/details")
@dispatcher_only
def update(route_id: str) -> ResponseReturnValue:
    """Change origin, destination or start."""
    view, form = find_route_or_404(route_id), RouteDetailsForm()
    if not form.validate():
        return _editor(view, details=form), 422
    command = commands.UpdateRoute(
        route_id=view.route_id,
        origin=form.origin.data,
        destination=form.destination.data,
        scheduled_start_time=from_local(form.start.data),
        move_checkpoints=form.moves.data,
    )
    outcome = attempt(lambda context: waybill().routes.update_route(command, context))
    if isinstance(outcome, Refusal):
        _mark_fields(form, outcome, {"scheduledStartTime": "start"})
        return _editor(view, details=form, refusal=outcome), 422
    return _back_to(view, "Details saved.")


@routes.post("/<route_id>/status")
@dispatcher_only
def change_status(route_id: str) -> ResponseReturnValue:
    """Activate or deactivate."""
    view = find_route_or_404(route_id)
    try:
        status = RouteStatus(request.form.get("status", ""))
    except ValueError:
        abort(400, "A route can be activated or deactivated.")
    command = commands.ChangeRouteStatus(route_id=view.route_id, status=status)
    outcome = attempt(lambda context: waybill().routes.change_route_status(command, context))
    if isinstance(outcome, Refusal):
        return _editor(view, refusal=outcome), 422
    if view.status == RouteStatus.PLANNING:  # there is no way back to planning, so no Undo that would lie
        return _back_to(
            view, "The route is active: deliveries can be created. Its checkpoints are fixed now."
        )
    message = "The route is active again." if status == RouteStatus.ACTIVE else "The route is deactivated."
    undo = url_for("routes.change_status", route_id=view.route_id)
    offer_undo(message, undo, {"status": view.status})
    return _back_to(view)


@routes.post("/<route_id>/checkpoints")
@dispatcher_only
def add_checkpoint(route_id: str) -> ResponseReturnValue:
    """A new last checkpoint."""
    view, form = find_route_or_404(route_id), CheckpointForm()
    if not form.validate():
        return _editor(view, added=form), 422
    command = commands.AddCheckpoint(route_id=view.route_id, checkpoint=_checkpoint(form))
    outcome = attempt(lambda context: waybill().routes.add_checkpoint(command, context))
    if isinstance(outcome, Refusal):
        _mark_fields(form, outcome)
        return _editor(view, added=form, refusal=outcome), 422
    return _back_to(view, anchor="add")


@routes.post("/<route_id>/checkpoints/<int:sequence>")
@dispatcher_only
def update_checkpoint(route_id: str, sequence: int) -> ResponseReturnValue:
    """Another place or time for a checkpoint."""
    view, form = find_route_or_404(route_id), CheckpointForm()
    known = _stop(view, sequence)
    form.sequence.process_data(sequence)
    form.sequence.raw_data = [str(sequence)]
    if not form.validate():
        return _editor(view, edited=form), 422
    command = commands.UpdateCheckpoint(route_id=view.route_id, checkpoint=_checkpoint(form, known))
    outcome = attempt(lambda context: waybill().routes.update_checkpoint(command, context))
    if isinstance(outcome, Refusal):
        _mark_fields(form, outcome)
        return _editor(view, edited=form, refusal=outcome), 422
    return _back_to(view, f"Checkpoint {sequence} saved.", anchor=f"stop-{sequence}")


@routes.post("/<route_id>/checkpoints/<int:sequence>/remove")
@dispatcher_only
def remove_checkpoint(route_id: str, sequence: int) -> ResponseReturnValue:
    """Remove a checkpoint; the last one can be put back by Undo."""
    view = find_route_or_404(route_id)
    known = next((stop for stop in view.checkpoints if stop.sequence == sequence), None)
    command = commands.RemoveCheckpoint(route_id=view.route_id, sequence=sequence)
    outcome = attempt(lambda context: waybill().routes.remove_checkpoint(command, context))
    if isinstance(outcome, Refusal):
        return _editor(view, refusal=outcome), 422
    if known is None:  # the same form, sent once more
        return _back_to(view, anchor="checkpoints")
    text = f"Removed {sequence}. {known.location}, {clock(known.expected_time)}."
    if known != view.checkpoints[-1]:
        return _back_to(view, text, anchor="checkpoints")
    values = {name: "" if value is None else str(value) for name, value in _form_values(known).items()}
    values["expected"] = to_form(known.expected_time)
    offer_undo(text, url_for("routes.add_checkpoint", route_id=view.route_id), values)
    return _back_to(view, anchor="checkpoints")


@routes.post("/<route_id>/order")
@dispatcher_only
def reorder(route_id: str) -> ResponseReturnValue:
    """Visit the places in the order `2,1,3`; numbers and times stay, the places change over."""
    view = find_route_or_404(route_id)
    wanted = request.form.get("order", "").split(",")[:MAX_CHECKPOINTS]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in wanted):
        abort(400, "The order must be the numbers of the checkpoints, separated by commas.")
    command = commands.ReorderCheckpoints(route_id=view.route_id, sequences=tuple(map(int, wanted)))
    outcome = attempt(lambda context: waybill().routes.reorder_checkpoints(command, context))
    if isinstance(outcome, Refusal):
        return _editor(view, refusal=outcome), 422
    return _back_to(view, anchor="checkpoints")


def _editor(
    view: RouteView,
    details: RouteDetailsForm | None = None,
    added: CheckpointForm | None = None,
    edited: CheckpointForm | None = None,
    refusal: Refusal | None = None,
) -> str:
    if edited is None:
        wanted = request.args.get("edit")
        opened = next((stop for stop in view.checkpoints if str(stop.sequence) == wanted), None)
        edited = None if opened is None else CheckpointForm(formdata=None, **_form_values(opened))
    last = view.checkpoints[-1] if view.checkpoints else None
    following = {"sequence": last.sequence + 1 if last else 1, "expected": _local(usual_next(view))}
    start = _local(view.scheduled_start_at)
    details = details or RouteDetailsForm(
        formdata=None, origin=view.origin, destination=view.destination, start=start, moves=True
    )
    added = added or CheckpointForm(formdata=None, **following)
    for form in (details, added, edited):
        renew_command_id(form)
    return page_or_block(
        "routes/show.html",
        "page",
        route=view,
        details=details,
        added=added,
        edited=edited,
        refusal=refusal,
        deliveries=list_of_routes(db.session(), [view.route_id]).get(view.route_id, []),
        checklist=_checklist(view),
        orders=_orders(view),
        places=suggest_places(db.session(), ""),
    )


def _checklist(view: RouteView) -> list[tuple[bool, str]]:
    """What to look at before activating: (fine, in words). Nothing of it forbids anything."""
    count, now = len(view.checkpoints), datetime.now(UTC)
    stops = f"{count} checkpoint{'s' if count != 1 else ''}" if count else "No checkpoints: nothing to reach"
    located = sum(stop.latitude is not None for stop in view.checkpoints)
    checks = [
        (count > 0, stops),
        (
            view.scheduled_start_at > now,
            "The start is ahead" if view.scheduled_start_at > now else "The start is in the past",
        ),
    ]
    if count:
        everywhere = "Every checkpoint has coordinates"
        missing = f"{count - located} of {count} without coordinates: drivers navigate by name"
        checks.append((located == count, everywhere if located == count else missing))
    return checks


def _checkpoint(form: CheckpointForm, known: Checkpoint | None = None) -> Checkpoint:
    """The form's checkpoint. Coordinates of the place that it was don't stay; a known place brings its own."""
    given = (form.latitude.data, form.longitude.data)
    latitude, longitude = (None if degrees is None else float(degrees) for degrees in given)
    if latitude is None or form.keeps_old_coordinates():
        place = find_place(db.session(), form.location.data)
        latitude, longitude = place.latitude, place.longitude
    return Checkpoint(
        **{
            **(msgspec.structs.asdict(known) if known else {}),
            "sequence": form.sequence.data,
            "location": form.location.data,
            "expected_time": from_local(form.expected.data),
            "address": form.address.data or None,
            "latitude": latitude,
            "longitude": longitude,
        }
    )


def _form_values(stop: Checkpoint) -> dict[str, Any]:
    return {
        "sequence": stop.sequence,
        "location": stop.location,
        "expected": _local(stop.expected_time),
        "address": stop.address,
        "latitude": stop.latitude,
        "longitude": stop.longitude,
        "was": was_text(stop.location, stop.latitude, stop.longitude),
    }


def _local(instant: datetime) -> datetime:
    return instant.astimezone(zone()).replace(tzinfo=None)


def _stop(view: RouteView, sequence: int) -> Checkpoint:
    for stop in view.checkpoints:
        if stop.sequence == sequence:
            return stop
    abort(404)


def _orders(view: RouteView) -> list[str]:
    """For each two neighbours, the order in which they have changed places."""
    numbers = [str(stop.sequence) for stop in view.checkpoints]
    orders = []
    for place in range(len(numbers) - 1):
        swapped = numbers.copy()
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
        orders.append(",".join(swapped))
    return orders


def _mark_fields(form: Any, refusal: Refusal, names: dict[str, str] | None = None) -> None:
    """Show the refusal's errors at the fields they are about."""
    names = names or {"expectedTime": "expected", "location": "location", "sequence": "sequence"}
    for field, text in refusal.details.get("errors", {}).items():
        if field in names:
            form[names[field]].errors = [in_plain_words(text)]


def _back_to(view: RouteView, message: str | None = None, anchor: str | None = None) -> ResponseReturnValue:
    if message:
        flash(message, "success")
    return redirect(url_for("routes.show", route_id=view.route_id, _anchor=anchor), 303)
