"""The routes' commands: plan, change, activate, deactivate."""

from collections.abc import Callable
from typing import Any

import msgspec

from backend_services.routes import commands, route
from backend_services.routes.route import ROUTE, Route
from eventstore.codec import Event
from eventstore.execute import Context, Decision, Executor, Outcome, Streams
from eventstore.ports import ResourceLocks


class RouteService:
    """Every method executes one command. The outcome's result is {id, message} and, where said, more.

    All raise what `Executor.execute` raises.
    """

    def __init__(self, executor: Executor, locks: ResourceLocks) -> None:
        self._executor = executor
        self._locks = locks

    def create_route(self, command: commands.CreateRoute, context: Context) -> Outcome:
        """Plan a route, with the checkpoints given, in one commit."""
        route_id = command.route_id or self._executor.doors.new_id()
        return self._run(
            command,
            context,
            route_id,
            lambda known: route.create_route(known, command, route_id),
            "Route created.",
        )

    def update_route(self, command: commands.UpdateRoute, context: Context) -> Outcome:
        """Change origin, destination or start."""
        return self._run(
            command,
            context,
            command.route_id,
            lambda known: route.update_route(known, command),
            "Route updated.",
        )

    def change_route_status(self, command: commands.ChangeRouteStatus, context: Context) -> Outcome:
        """Activate or deactivate; the result also holds `status`."""
        return self._run(
            command,
            context,
            command.route_id,
            lambda known: route.change_route_status(known, command),
            f"Route is {command.status}.",
            status=command.status,
        )

    def add_checkpoint(self, command: commands.AddCheckpoint, context: Context) -> Outcome:
        """Add a last checkpoint."""
        return self._run(
            command,
            context,
            command.route_id,
            lambda known: route.add_checkpoint(known, command),
            f"Checkpoint {command.checkpoint.sequence} added.",
        )

    def update_checkpoint(self, command: commands.UpdateCheckpoint, context: Context) -> Outcome:
        """Change a checkpoint's place or time."""
        return self._run(
            command,
            context,
            command.route_id,
            lambda known: route.update_checkpoint(known, command),
            f"Checkpoint {command.checkpoint.sequence} updated.",
        )

    def remove_checkpoint(self, command: commands.RemoveCheckpoint, context: Context) -> Outcome:
        """Remove a checkpoint."""
        return self._run(
            command,
            context,
            command.route_id,
            lambda known: route.remove_checkpoint(known, command),
            f"Checkpoint {command.sequence} removed.",
        )

    def reorder_checkpoints(self, command: commands.ReorderCheckpoints, context: Context) -> Outcome:
        """Visit the same places in another order."""
        return self._run(
            command,
            context,
            command.route_id,
            lambda known: route.reorder_checkpoints(known, command),
            "Checkpoints reordered.",
        )

    def _run(
        self,
        command: msgspec.Struct,
        context: Context,
        route_id: str,
        decide: Callable[[Route], list[Event]],
        message: str,
        **more: Any,
    ) -> Outcome:
        stream = ROUTE.stream(route_id)

        def decision(streams: Streams) -> Decision:
            events = decide(streams.load(ROUTE, route_id))
            return Decision(
                {"id": route_id, "message": message, **more}, [(stream, event) for event in events]
            )

        with self._locks.hold([stream]):
            return self._executor.execute(command, context, decision)
