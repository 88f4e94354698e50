"""What is stored: one commit per command, whole or not at all."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec

MAX_EVENTS_PER_COMMIT = 256


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it is stored. `data` is the JSON object of the event; instants are aware UTC.

    `occurred_at` is the actor's claim, `recorded_at` ours. `log_position` is its place among all events of the
    store, gapless from 1; it is 0 until the store has given one.
    """

    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    data: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    correlation_id: str
    causation_id: str
    actor: str
    log_position: int = 0


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Which command a commit answers. The same id with another `payload_sha256` is another command."""

    id: str
    type: str
    actor: str
    payload_sha256: str


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one command did: its outcome, the answer to give again, and its events over any number of streams.

    A rejected commit has no events; its `result` holds the refusal. Only commits with events get log positions.
    """

    id: str
    command: CommandRecord
    outcome: Literal["accepted", "rejected"]
    result: dict[str, Any]
    events: tuple[RecordedEvent, ...]
    recorded_at: datetime

    def __post_init__(self) -> None:
        if len(self.events) > MAX_EVENTS_PER_COMMIT:
            raise ValueError(f"a commit holds at most {MAX_EVENTS_PER_COMMIT} events, not {len(self.events)}")
        if self.outcome == "rejected" and self.events:
            raise ValueError("a rejected commit has no events")

    @property
    def slots(self) -> tuple[tuple[str, int], ...]:
        """The (name, version) pairs of which the store admits each once: one per event, and one for the command."""
        return (
            (f"cmd:{self.command.id}", 0),
            *((event.stream, event.version) for event in self.events),
        )

    @property
    def last_position(self) -> int | None:
        """The log position of its last event; None for a commit that has none or isn't positioned yet."""
        if not self.events or self.events[-1].log_position == 0:
            return None
        return self.events[-1].log_position


def by_stream(events: Iterable[RecordedEvent]) -> dict[str, list[RecordedEvent]]:
    """The events of each stream, oldest first."""
    found: dict[str, list[RecordedEvent]] = {}
    for event in events:
        found.setdefault(event.stream, []).append(event)
    for of_stream in found.values():
        of_stream.sort(key=lambda event: event.version)
    return found
