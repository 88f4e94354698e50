"""For integrators: every event in its order, and what became of a command."""

from backend_services.command_bus import CommandPending
from eventstore.execute import Refusal
from eventstore.records import RecordedEvent
from webapp.access import current_actor, signed_in
from webapp.acting import own_driver_id, waybill
from webapp.blueprints.api import answers, api, bodies
from webapp.blueprints.api.operations import operation
from webapp.blueprints.api.parsing import Malformed

MAX_SCANNED = 5_000


@operation(api, "GET", "/events", tag="Integration", query=bodies.EventsQuery, answer=answers.Feed)
def list_events(query: bodies.EventsQuery) -> answers.Feed:
    """Read every event in the order of its position.

    Start with `after=0` and go on with `after` = `next`. With `types` a page may be empty though there is more:
    go on until `next` stays what it was.
    """
    wanted = _types(query.types)
    found: list[RecordedEvent] = []
    after, scanned = query.after, 0
    while len(found) < query.limit and scanned < MAX_SCANNED:
        batch = waybill().store.read_events(after, query.limit if wanted is None else 1_000)
        if not batch:
            break
        scanned += len(batch)
        for event in batch:
            after = event.log_position
            if wanted is None or event.type in wanted:
                found.append(event)
                if len(found) == query.limit:
                    break
    return answers.Feed(events=[_event(event) for event in found], next=after)


@operation(
    api,
    "GET",
    "/commands/{command_id}",
    tag="Integration",
    answer=answers.CommandAnswer,
    access=signed_in,
)
def get_command(command_id: str) -> answers.CommandAnswer:
    """Say what became of a command, by its Idempotency-Key.

    202 while it waits to be done.
    """
    commit = waybill().store.find_command(command_id)
    if commit is None and waybill().is_pending(command_id):
        raise CommandPending(command_id)
    hidden = own_driver_id() is not None and commit is not None
    if commit is None or (hidden and commit.command.actor != current_actor().event_name):
        raise Refusal(
            "command_not_found",
            f"No command {command_id} is stored. If you sent it, send it again with the same id.",
            "not_found",
        )
    return answers.CommandAnswer(
        command_id=command_id,
        type=commit.command.type,
        outcome=commit.outcome,
        result=commit.result,
        recorded_at=commit.recorded_at,
    )


def _types(text: str | None) -> set[str] | None:
    if not text:
        return None
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    known = waybill().codec.classes
    unknown = wanted - set(known)
    if unknown or not wanted:
        problem = (
            f"unknown event types: {', '.join(sorted(unknown))[:200]}" if unknown else "names no event type"
        )
        problem += f"; there are {', '.join(sorted(known))}"
        raise Malformed(f"types: {problem}.", {"types": problem})
    return wanted


def _event(event: RecordedEvent) -> answers.FeedEvent:
    return answers.FeedEvent(
        position=event.log_position,
        event_id=event.event_id,
        stream=event.stream,
        version=event.version,
        type=event.type,
        schema_version=event.schema_version,
        data=event.data,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        actor=event.actor,
    )
