"""Putting events into the event store as no service would: poison, and a long past."""

from datetime import UTC, datetime
from typing import Any

from eventstore.doors import new_id
from eventstore.mongodb import MongoEventStore
from eventstore.records import CommandRecord, Commit, RecordedEvent
from tests.journey.distributed import DistributedServer


def append_events(server: DistributedServer, stream: str, *events: tuple[str, dict[str, Any]]) -> list[str]:
    """Put events (type, data) behind a stream's last one, each in a commit of its own; answers their ids."""
    store = MongoEventStore(server.engine_urls["EVENT_STORE_URL"])
    version = max((event.version for event in store.read_stream(stream)), default=0)
    planted = [
        planted_event(stream, number, kind, data)
        for number, (kind, data) in enumerate(events, start=version + 1)
    ]
    for event in planted:
        store.append(planted_commit(event))
    store.close()
    return [event.event_id for event in planted]


def planted_event(stream: str, version: int, kind: str, data: dict[str, Any]) -> RecordedEvent:
    """One event as it is stored."""
    now = datetime.now(UTC)
    return RecordedEvent(
        event_id=new_id(),
        stream=stream,
        version=version,
        type=kind,
        schema_version=1,
        data=data,
        occurred_at=now,
        recorded_at=now,
        correlation_id="test",
        causation_id="test",
        actor="test",
    )


def planted_commit(*events: RecordedEvent) -> Commit:
    """A commit with these events."""
    record = CommandRecord(id=new_id(), type="Test", actor="test", payload_sha256="-")
    recorded_at = events[0].recorded_at
    return Commit(
        id=new_id(), command=record, outcome="accepted", result={}, events=events, recorded_at=recorded_at
    )
