"""A tiny domain for the event store's own tests: counters that are added to."""

from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from eventstore.codec import Codec, Event
from eventstore.doors import Doors, new_id
from eventstore.execute import Aggregate, Context, Decision, Executor, Outcome, Refusal, Streams
from eventstore.lanes import Lane, Topics
from eventstore.mongodb import MongoEventStore
from eventstore.ports import EventStore
from eventstore.records import CommandRecord, Commit, RecordedEvent
from eventstore.sequencer import Sequencer

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Added(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "Added"
    amount: int


class Add(msgspec.Struct, frozen=True):
    counter: str
    amount: int


CODEC = Codec([Added])
COUNTER: Aggregate[int] = Aggregate("counter", 0, lambda total, event: total + event.amount)  # type: ignore[attr-defined]


def some_id() -> str:
    """An id that no other has."""
    return new_id()


def commit_of(
    *slots: tuple[str, int],
    command_id: str | None = None,
    outcome: str = "accepted",
    payload: str = "p",
    data: dict[str, object] | None = None,
    commit_id: str | None = None,
) -> Commit:
    """A commit with one event per (stream, version)."""
    events = tuple(
        RecordedEvent(
            event_id=some_id(),
            stream=stream,
            version=version,
            type="Added",
            schema_version=1,
            data={"amount": 1} if data is None else data,
            occurred_at=NOW,
            recorded_at=NOW,
            correlation_id="c",
            causation_id="k",
            actor="tester",
        )
        for stream, version in slots
    )
    command = CommandRecord(id=command_id or some_id(), type="Add", actor="tester", payload_sha256=payload)
    return Commit(
        id=commit_id or some_id(),
        command=command,
        outcome=outcome,  # type: ignore[arg-type]
        result={"ok": True},
        events=events,
        recorded_at=NOW,
    )


def unplaced(commit: Commit) -> Commit:
    """The commit as it was before it got its positions."""
    events = tuple(msgspec.structs.replace(event, log_position=0) for event in commit.events)
    return msgspec.structs.replace(commit, events=events)


def executor(store: EventStore) -> Executor:
    """An executor whose back-off is none."""
    return Executor(store, CODEC, Doors(jitter=lambda: 0.0))


def add(
    runner: Executor, counter: str, amount: int = 1, command_id: str | None = None, actor: str = "a"
) -> Outcome:
    """Add to a counter; negative totals are refused."""

    def decide(streams: Streams) -> Decision:
        total = streams.load(COUNTER, counter)
        if total + amount < 0:
            raise Refusal("too_low", f"{total} is too low.", total=total)
        return Decision({"total": total + amount}, [(COUNTER.stream(counter), Added(amount=amount))])

    return runner.execute(Add(counter, amount), Context(actor, "c", command_id), decide)


class _OneTopic(Topics):
    """Every stream lies in one topic, whatever its name."""

    def lane_of(self, stream: str) -> Lane:
        return super().lane_of(f"counter-{stream}")


TOPICS = _OneTopic({"counter": "counter-events"})


def place_all(store: MongoEventStore, topics: Topics = TOPICS) -> None:
    """Give every commit of a MongoDB store its place in the log."""
    sequencer = Sequencer(store, topics)
    while sequencer.step():
        pass


class SelfPlacingStore(MongoEventStore):
    """A MongoDB store that places what waits before anybody looks at the log, so that tests needn't wait for it."""

    def head(self) -> int:
        place_all(self)
        return super().head()

    def read_events(self, after_position: int, limit: int) -> list[RecordedEvent]:
        place_all(self)
        return super().read_events(after_position, limit)
