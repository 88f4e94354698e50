"""A route: its plan, its status, and the unfinished deliveries that run it."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from backend_services.routes import commands, events
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.rules import iso, require_text
from eventstore.codec import Event
from eventstore.execute import Aggregate, Refusal

MAX_CHECKPOINTS = 200

TRANSITIONS: dict[RouteStatus, tuple[RouteStatus, ...]] = {
    RouteStatus.PLANNING: (RouteStatus.ACTIVE,),
    RouteStatus.ACTIVE: (RouteStatus.DEACTIVATED,),
    RouteStatus.DEACTIVATED: (RouteStatus.ACTIVE,),
}


class Route(msgspec.Struct, frozen=True):
    """A route's state; checkpoints in the order of their sequence, `used_by` the ids of unfinished deliveries."""

    route_id: str = ""
    origin: str = ""
    destination: str = ""
    scheduled_start: datetime | None = None
    status: RouteStatus = RouteStatus.PLANNING
    checkpoints: tuple[Checkpoint, ...] = ()
    used_by: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.route_id)

    @property
    def start(self) -> datetime:
        """When the route is to start, in UTC."""
        assert self.scheduled_start is not None, "only an existing route has a start"  # noqa: S101
        return self.scheduled_start

    @property
    def scheduled_end(self) -> datetime:
        """The last checkpoint's expected time; the start while there is none."""
        return self.checkpoints[-1].expected_time if self.checkpoints else self.start


def evolve(route: Route, event: Event) -> Route:
    """The route after the event."""
    match event:
        case events.RouteCreated() | events.RouteUpdated():
            return msgspec.structs.replace(
                route,
                route_id=event.route_id,
                origin=event.origin,
                destination=event.destination,
                scheduled_start=event.scheduled_start_time,
            )
        case events.RouteStatusChanged():
            return msgspec.structs.replace(route, status=RouteStatus(event.new_status))
        case events.CheckpointAdded() | events.CheckpointUpdated():
            return _with_checkpoints(route, *_without(route, event.sequence), _checkpoint(event))
        case events.CheckpointRemoved():
            return _with_checkpoints(route, *_without(route, event.sequence))
        case events.RouteUsed():
            return msgspec.structs.replace(route, used_by=(*route.used_by, event.delivery_id))
        case events.RouteFreed():
            left = tuple(used for used in route.used_by if used != event.delivery_id)
            return msgspec.structs.replace(route, used_by=left)
        case events.RouteScheduledEndTimeUpdated():
            return route  # the end follows from the checkpoints; the event tells others
    raise AssertionError(f"a route's stream holds no {event.TYPE}")


ROUTE = Aggregate("route", Route(), evolve)


def require_route(route: Route, route_id: str) -> None:
    """Refuse an id that no route has."""
    if not route.exists:
        raise Refusal("route_not_found", f"There is no route with the id {route_id}.", "not_found")


def create_route(route: Route, command: commands.CreateRoute, route_id: str) -> list[Event]:
    """A new route in Planning, with the checkpoints given."""
    require_text(origin=command.origin, destination=command.destination)
    if route.exists:
        raise Refusal("route_exists", f"A route with the id {route_id} exists already.", "exists")
    created = events.RouteCreated(
        route_id=route_id,
        origin=command.origin.strip(),
        destination=command.destination.strip(),
        scheduled_start_time=command.scheduled_start_time,
    )
    planned: list[Event] = [created]
    route = evolve(route, created)
    for checkpoint in command.checkpoints:
        _check_new_checkpoint(route, checkpoint)
        added = events.CheckpointAdded(route_id=route_id, **_fields(checkpoint))
        planned.append(added)
        route = evolve(route, added)
    if command.checkpoints:
        planned.append(_end_time(route))
    return planned


def update_route(route: Route, command: commands.UpdateRoute) -> list[Event]:
    """Another origin, destination or start; nothing when all are what they were."""
    require_route(route, command.route_id)
    require_text(origin=command.origin, destination=command.destination)
    origin, destination = command.origin.strip(), command.destination.strip()
    if (origin, destination, command.scheduled_start_time) == (route.origin, route.destination, route.start):
        return []
    _refuse_in_use(route, "changed")
    moves = command.move_checkpoints and command.scheduled_start_time != route.start
    if not moves and route.checkpoints and command.scheduled_start_time >= route.checkpoints[0].expected_time:
        first = route.checkpoints[0]
        raise Refusal(
            "start_after_first_checkpoint",
            f"The start must be before checkpoint {first.sequence} ({first.location}), which is expected at"
            f" {iso(first.expected_time)}. Choose an earlier start, or move the checkpoints along.",
            errors={"scheduledStartTime": f"must be before {iso(first.expected_time)}"},
        )
    updated = events.RouteUpdated(
        route_id=command.route_id,
        origin=origin,
        destination=destination,
        scheduled_start_time=command.scheduled_start_time,
    )
    moved = _moved(route, command.scheduled_start_time - route.start) if moves else []
    return _with_end_time(route, [updated, *moved])


def _moved(route: Route, by: timedelta) -> list[Event]:
    """Every checkpoint, its window too, so much later (or earlier)."""
    if route.checkpoints:
        _refuse_unless_planning(route)
    moved: list[Event] = []
    for stop in route.checkpoints:
        times = ("expected_time", "window_start", "window_end")
        instants = {name: getattr(stop, name) for name in times}
        later = {name: instant + by for name, instant in instants.items() if instant is not None}
        fields = _fields(stop) | later
        moved.append(events.CheckpointUpdated(route_id=route.route_id, **fields))
    return moved


def change_route_status(route: Route, command: commands.ChangeRouteStatus) -> list[Event]:
    """Activate or deactivate; the status it already has changes nothing."""
    require_route(route, command.route_id)
    if command.status is route.status:
        return []
    allowed = TRANSITIONS[route.status]
    if command.status not in allowed:
        raise Refusal(
            "illegal_transition",
            f"A route in {route.status} can't become {command.status}; it can become {' or '.join(allowed)}.",
            allowedTransitions=list(allowed),
        )
    if command.status is RouteStatus.DEACTIVATED:
        _refuse_in_use(route, "deactivated")
    return [
        events.RouteStatusChanged(
            route_id=command.route_id, old_status=route.status, new_status=command.status
        )
    ]


def add_checkpoint(route: Route, command: commands.AddCheckpoint) -> list[Event]:
    """A new last checkpoint."""
    require_route(route, command.route_id)
    _refuse_unless_planning(route)
    _check_new_checkpoint(route, command.checkpoint)
    added = events.CheckpointAdded(route_id=command.route_id, **_fields(command.checkpoint))
    return _with_end_time(route, [added])


def update_checkpoint(route: Route, command: commands.UpdateCheckpoint) -> list[Event]:
    """Another place or time for a checkpoint, strictly between its neighbours."""
    require_route(route, command.route_id)
    _refuse_unless_planning(route)
    wanted = command.checkpoint
    known = _require_checkpoint(route, wanted.sequence)
    _check_place(wanted)
    before = [stop for stop in route.checkpoints if stop.sequence < wanted.sequence]
    after = [stop for stop in route.checkpoints if stop.sequence > wanted.sequence]
    _check_after(route, before, wanted)
    if after and wanted.expected_time >= after[0].expected_time:
        raise _time_refusal(
            f"must be before checkpoint {after[0].sequence} ({after[0].location}) at"
            f" {iso(after[0].expected_time)}"
        )
    updated = events.CheckpointUpdated(route_id=command.route_id, **_fields(wanted))
    return [] if _checkpoint(updated) == known else _with_end_time(route, [updated])


def remove_checkpoint(route: Route, command: commands.RemoveCheckpoint) -> list[Event]:
    """One checkpoint less; the others keep their numbers and times."""
    require_route(route, command.route_id)
    _refuse_unless_planning(route)
    _require_checkpoint(route, command.sequence)
    removed = events.CheckpointRemoved(route_id=command.route_id, sequence=command.sequence)
    return _with_end_time(route, [removed])


def reorder_checkpoints(route: Route, command: commands.ReorderCheckpoints) -> list[Event]:
    """The same places in another order, at the sequence numbers and times that are there."""
    require_route(route, command.route_id)
    _refuse_unless_planning(route)
    present = {stop.sequence: stop for stop in route.checkpoints}
    if sorted(command.sequences) != sorted(present):
        raise Refusal(
            "not_a_reordering",
            "The new order must name every checkpoint of the route exactly once; somebody may have changed"
            " the route meanwhile. Load it again.",
            sequences=sorted(present),
        )
    changed: list[Event] = []
    for slot, source in zip(route.checkpoints, command.sequences, strict=True):
        if slot.sequence != source:
            place = _fields(present[source]) | {
                "sequence": slot.sequence,
                "expected_time": slot.expected_time,
            }
            changed.append(events.CheckpointUpdated(route_id=command.route_id, **place))
    return changed


def use_route(route: Route, route_id: str, delivery_id: str) -> list[Event]:
    """A delivery starts to use the route, which must be Active."""
    require_route(route, route_id)
    if route.status is not RouteStatus.ACTIVE:
        raise Refusal(
            "route_not_active",
            f"The route {route.origin} – {route.destination} is in {route.status}; activate it first.",
            resource="route",
            resourceId=route_id,
            resourceStatus=route.status,
        )
    return [events.RouteUsed(route_id=route_id, delivery_id=delivery_id)]


def free_route(route: Route, delivery_id: str) -> list[Event]:
    """A delivery that used the route is finished; nothing when it didn't use it."""
    if delivery_id not in route.used_by:
        return []
    return [events.RouteFreed(route_id=route.route_id, delivery_id=delivery_id)]


def _check_new_checkpoint(route: Route, checkpoint: Checkpoint) -> None:
    _check_place(checkpoint)
    if len(route.checkpoints) >= MAX_CHECKPOINTS:
        raise Refusal(
            "too_many_checkpoints", f"A route has at most {MAX_CHECKPOINTS} checkpoints; plan a second route."
        )
    last = route.checkpoints[-1] if route.checkpoints else None
    if last is not None and checkpoint.sequence <= last.sequence:
        raise Refusal(
            "sequence_not_greater",
            f"The sequence must be greater than {last.sequence}, the last checkpoint's.",
            errors={"sequence": f"must be greater than {last.sequence}"},
        )
    _check_after(route, list(route.checkpoints), checkpoint)


def _check_place(checkpoint: Checkpoint) -> None:
    require_text(location=checkpoint.location)
    if checkpoint.sequence < 1:
        raise Refusal(
            "invalid_fields",
            "sequence must be at least 1.",
            errors={"sequence": "must be at least 1"},
        )


def _check_after(route: Route, before: list[Checkpoint], checkpoint: Checkpoint) -> None:
    if checkpoint.expected_time <= route.start:
        raise _time_refusal(f"must be after the route's start at {iso(route.start)}")
    if before and checkpoint.expected_time <= before[-1].expected_time:
        raise _time_refusal(
            f"must be after checkpoint {before[-1].sequence} ({before[-1].location}) at"
            f" {iso(before[-1].expected_time)}"
        )


def _time_refusal(problem: str) -> Refusal:
    return Refusal(
        "checkpoint_time_out_of_order", f"expectedTime {problem}.", errors={"expectedTime": problem}
    )


def _require_checkpoint(route: Route, sequence: int) -> Checkpoint:
    for checkpoint in route.checkpoints:
        if checkpoint.sequence == sequence:
            return checkpoint
    raise Refusal("checkpoint_not_found", f"The route has no checkpoint {sequence}.", "not_found")


def _refuse_unless_planning(route: Route) -> None:
    if route.status is not RouteStatus.PLANNING:
        raise Refusal(
            "route_not_in_planning",
            f"The route is {route.status}; checkpoints can be changed only in Planning."
            " Duplicate the route to plan another one like it.",
        )


def _refuse_in_use(route: Route, verb: str) -> None:
    if route.used_by:
        raise Refusal(
            "route_in_use",
            f"The route can't be {verb} while unfinished deliveries use it: {', '.join(route.used_by[:5])}"
            f"{' and others' if len(route.used_by) > 5 else ''}. Finish or fail them first.",
            deliveryIds=list(route.used_by),
        )


def _with_end_time(route: Route, changes: list[Event]) -> list[Event]:
    after = route
    for change in changes:
        after = evolve(after, change)
    return changes if after.scheduled_end == route.scheduled_end else [*changes, _end_time(after)]


def _end_time(route: Route) -> Event:
    return events.RouteScheduledEndTimeUpdated(
        route_id=route.route_id, scheduled_end_time=route.scheduled_end
    )


def _without(route: Route, sequence: int) -> list[Checkpoint]:
    return [stop for stop in route.checkpoints if stop.sequence != sequence]


def _with_checkpoints(route: Route, *checkpoints: Checkpoint) -> Route:
    ordered = tuple(sorted(checkpoints, key=lambda stop: stop.sequence))
    return msgspec.structs.replace(route, checkpoints=ordered)


def _fields(checkpoint: Checkpoint) -> dict[str, Any]:
    return msgspec.structs.asdict(checkpoint) | {"location": checkpoint.location.strip()}


def _checkpoint(event: events.CheckpointAdded | events.CheckpointUpdated) -> Checkpoint:
    fields = msgspec.structs.asdict(event)
    del fields["route_id"]
    return Checkpoint(**fields)
