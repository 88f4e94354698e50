"""Routes and their checkpoints."""

from zoneinfo import ZoneInfo

import msgspec

from backend_services.deliveries.queries import DeliveryView, list_of_routes
from backend_services.routes import commands, queries
from backend_services.routes.commands import Checkpoint
from backend_services.routes.queries import RouteView
from eventstore.execute import Refusal
from webapp.acting import waybill
from webapp.blueprints.api import answers, api, bodies
from webapp.blueprints.api.fleet import OVERVIEW_LIMIT, accepted, accepted_status, text_or_none
from webapp.blueprints.api.operations import command_context, done, operation
from webapp.blueprints.api.parsing import Malformed
from webapp.database import db


@operation(api, "POST", "/routes", tag="Routes", body=bodies.NewRouteBody, answer=answers.Done)
def create_route(body: bodies.NewRouteBody) -> answers.Done:
    """Plan a route, with or without its checkpoints."""
    command = commands.CreateRoute(
        route_id=text_or_none(body.id),
        origin=body.origin,
        destination=body.destination,
        scheduled_start_time=body.scheduled_start_time,
        checkpoints=tuple(_checkpoint(checkpoint) for checkpoint in body.checkpoints),
    )
    return accepted(done(waybill().routes.create_route(command, command_context())))


@operation(api, "PUT", "/routes/{route_id}", tag="Routes", body=bodies.ChangedRouteBody, answer=answers.Done)
def update_route(route_id: str, body: bodies.ChangedRouteBody) -> answers.Done:
    """Change origin, destination or start.

    Refused while unfinished deliveries use the route; the start must stay before the first checkpoint. With
    `moveCheckpoints` every checkpoint moves by as much as the start does, which only a route in Planning allows.
    """
    command = commands.UpdateRoute(
        route_id=route_id,
        origin=body.origin,
        destination=body.destination,
        scheduled_start_time=body.scheduled_start_time,
        move_checkpoints=body.move_checkpoints,
    )
    return accepted(done(waybill().routes.update_route(command, command_context())))


@operation(
    api,
    "PATCH",
    "/routes/{route_id}/status",
    tag="Routes",
    body=bodies.RouteStatusBody,
    answer=answers.StatusDone,
)
def change_route_status(route_id: str, body: bodies.RouteStatusBody) -> answers.StatusDone:
    """Activate or deactivate a route."""
    command = commands.ChangeRouteStatus(route_id=route_id, status=body.status)
    return accepted_status(done(waybill().routes.change_route_status(command, command_context())))


@operation(
    api,
    "POST",
    "/routes/{route_id}/checkpoints",
    tag="Routes",
    body=bodies.CheckpointBody,
    answer=answers.Message,
)
def add_checkpoint(route_id: str, body: bodies.CheckpointBody) -> answers.Message:
    """Add a last checkpoint.

    Only in Planning; its sequence is greater than every other and its time after every other.
    """
    command = commands.AddCheckpoint(route_id=route_id, checkpoint=_checkpoint(body))
    result = done(waybill().routes.add_checkpoint(command, command_context()))
    return answers.Message(message=result["message"])


@operation(
    api,
    "PUT",
    "/routes/{route_id}/checkpoints",
    tag="Routes",
    body=bodies.CheckpointBody,
    answer=answers.Message,
)
def update_checkpoint(route_id: str, body: bodies.CheckpointBody) -> answers.Message:
    """Change the checkpoint with this sequence.

    Only in Planning; its time must stay strictly between its neighbours'.
    """
    command = commands.UpdateCheckpoint(route_id=route_id, checkpoint=_checkpoint(body))
    result = done(waybill().routes.update_checkpoint(command, command_context()))
    return answers.Message(message=result["message"])


@operation(api, "DELETE", "/routes/{route_id}/checkpoints/{sequence}", tag="Routes", answer=answers.Message)
def remove_checkpoint(route_id: str, sequence: int) -> answers.Message:
    """Remove a checkpoint; only in Planning."""
    command = commands.RemoveCheckpoint(route_id=route_id, sequence=sequence)
    result = done(waybill().routes.remove_checkpoint(command, command_context()))
    return answers.Message(message=result["message"])


@operation(api, "GET", "/routes/overview", tag="Routes", answer=answers.RouteOverview, is_hot=True)
def routes_overview() -> answers.RouteOverview:
    """Every route with its checkpoints and whether they are reached."""
    session = db.session()
    views = queries.list_routes(session, limit=OVERVIEW_LIMIT).items
    deliveries = list_of_routes(session, [view.route_id for view in views])
    return answers.RouteOverview(
        routes=[
            answers.OverviewRoute(
                route_id=view.route_id,
                origin=view.origin,
                destination=view.destination,
                status=view.status,
                checkpoints=_with_progress(view, deliveries.get(view.route_id, [])),
            )
            for view in views
        ]
    )


@operation(api, "GET", "/routes/{route_id}", tag="Routes", answer=answers.RouteAnswer)
def get_route(route_id: str) -> answers.RouteAnswer:
    """Get one route with its checkpoints and deliveries."""
    session = db.session()
    view = queries.find_route(session, route_id)
    if view is None:
        raise Refusal("route_not_found", f"There is no route with the id {route_id}.", "not_found")
    return answers.RouteAnswer(
        route_id=view.route_id,
        origin=view.origin,
        destination=view.destination,
        status=view.status,
        scheduled_start_time=view.scheduled_start_at,
        scheduled_end_time=view.scheduled_end_at,
        checkpoints=[
            answers.RouteCheckpoint(**msgspec.structs.asdict(checkpoint)) for checkpoint in view.checkpoints
        ],
        deliveries=[
            answers.RouteDelivery(
                delivery_id=delivery.delivery_id,
                status=delivery.status,
                created_at=delivery.created_at,
                delivered_at=delivery.delivered_at,
            )
            for delivery in list_of_routes(session, [route_id]).get(route_id, [])
        ],
    )


def _checkpoint(body: bodies.CheckpointBody) -> Checkpoint:
    if body.time_zone is not None:
        try:
            ZoneInfo(body.time_zone)
        except (KeyError, ValueError, OSError):
            text = "must be an IANA name like Europe/Helsinki"
            raise Malformed(f"timeZone: {text}.", {"timeZone": text}) from None
    return Checkpoint(**msgspec.structs.asdict(body))


def _with_progress(view: RouteView, deliveries: list[DeliveryView]) -> list[answers.OverviewCheckpoint]:
    stops = deliveries[0].stops if deliveries else ()
    reached = {(stop.sequence, stop.location) for stop in stops if stop.reached_at is not None}
    return [
        answers.OverviewCheckpoint(
            sequence=checkpoint.sequence,
            location=checkpoint.location,
            expected_time=checkpoint.expected_time,
            status="Reached" if (checkpoint.sequence, checkpoint.location) in reached else "Pending",
        )
        for checkpoint in view.checkpoints
    ]
