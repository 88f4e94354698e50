"""How a command becomes a commit: load, fold, decide, append; again on version conflict only.

An aggregate is two pure functions. `evolve(state, event)` gives the next state; a decider looks at states and gives
events or raises a `Refusal`. Neither does I/O nor asks for the time, ids or randomness.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec

from eventstore.codec import Codec, Event
from eventstore.doors import Doors
from eventstore.ports import EventStore, ResultUnknown, SlotTaken, StoreUnavailable
from eventstore.records import CommandRecord, Commit, RecordedEvent

MAX_TRIES = 8
UNKNOWN_RESULT_BOUND_S = 5.0
LONGEST_BACKOFF_S = 0.1

State = TypeVar("State")


@dataclass(frozen=True)
class Aggregate(Generic[State]):
    """A kind of stream. Its streams are called `<category>-<id>`; states are immutable values."""

    category: str
    initial: State
    evolve: Callable[[State, Event], State]

    def stream(self, aggregate_id: str) -> str:
        """The name of one aggregate's stream."""
        return f"{self.category}-{aggregate_id}"


class Refusal(Exception):
    """A decider's typed no. `code` is stable snake_case, `message` says why and what to do.

    `kind` is "rule" (against a rule), "not_found" (no such thing) or "exists" (the id is taken). `details` is JSON
    that goes to the client beside the message (a conflict, the allowed transitions, …).
    """

    def __init__(
        self,
        code: str,
        message: str,
        kind: Literal["rule", "not_found", "exists"] = "rule",
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kind: Literal["rule", "not_found", "exists"] = kind
        self.details = details
        self.replayed = False


class CommandReused(Exception):
    """The command id was used before with another payload."""


class Contention(Exception):
    """Others changed the same streams at each of the tries; trying again a little later is right."""


@dataclass(frozen=True)
class Context:
    """Who asks, on whose behalf and when. `command_id` is the client's own (a UUID) or None: then we make one.

    `occurred_at` is the instant the actor claims (aware UTC), None for now.
    """

    actor: str
    correlation_id: str
    command_id: str | None = None
    causation_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """A decider's yes: the answer for the client and the events, each with the stream it goes to, in order."""

    result: dict[str, Any]
    events: list[tuple[str, Event]] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What became of a command, and where the read models must be to show it.

    `written` holds the last version of each stream that got events (none: nothing changed); `last_position` is the
    last log position, None where the store gives those later.
    """

    command_id: str
    result: dict[str, Any]
    replayed: bool
    last_position: int | None
    written: dict[str, int] = field(default_factory=dict)


class StateCache:
    """The newest known state of up to `size` streams, so that a long stream is folded once and then continued.

    It may be stale, never wrong: what it holds is the fold up to a version, and loading reads on from there.
    """

    def __init__(self, size: int = 10_000) -> None:
        self._states: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._size = size
        self._lock = Lock()

    def get(self, stream: str) -> tuple[int, Any] | None:
        with self._lock:
            found = self._states.get(stream)
            if found is not None:
                self._states.move_to_end(stream)
            return found

    def put(self, stream: str, version: int, state: Any) -> None:
        with self._lock:
            known = self._states.get(stream)
            if known is None or known[0] < version:
                self._states[stream] = (version, state)
            self._states.move_to_end(stream)
            while len(self._states) > self._size:
                self._states.popitem(last=False)


class Streams:
    """The states a decision looks at. Every stream read here must get an event in the decision (else write skew)."""

    def __init__(self, store: EventStore, codec: Codec, cache: StateCache) -> None:
        self._store = store
        self._codec = codec
        self._cache = cache
        self.versions: dict[str, int] = {}

    def load(self, aggregate: Aggregate[State], aggregate_id: str) -> State:
        """The state of one aggregate, folded from its events; the initial state when it has none."""
        stream = aggregate.stream(aggregate_id)
        version, state = cast(tuple[int, State], self._cache.get(stream) or (0, aggregate.initial))
        for recorded in self._store.read_stream(stream, after_version=version):
            event = self._codec.decode(recorded.type, recorded.schema_version, recorded.data)
            state = aggregate.evolve(state, event)
            version = recorded.version
        if version:
            self._cache.put(stream, version, state)
        self.versions[stream] = version
        return state


class Executor:
    """The generic command handler over one event store."""

    def __init__(self, store: EventStore, codec: Codec, doors: Doors | None = None) -> None:
        self.store = store
        self.codec = codec
        self.doors = doors or Doors()
        self._cache = StateCache()

    def load(self, aggregate: Aggregate[State], aggregate_id: str) -> State:
        """One aggregate's current state, for reading only."""
        return Streams(self.store, self.codec, self._cache).load(aggregate, aggregate_id)

    def execute(
        self, command: msgspec.Struct, context: Context, decide: Callable[[Streams], Decision]
    ) -> Outcome:
        """Run `decide` against fresh states until its events are stored; return the stored answer.

        `command` is only hashed and named here: the same id with another command raises `CommandReused`. Raises
        `Refusal` (stored when the client brought the id), `Contention` after 8 lost races, `StoreUnavailable`
        when the store can't say what happened; then the same command id may be sent again.
        """
        record = self._record(command, context)
        if context.command_id is not None:
            known = self.store.find_command(record.id)
            if known is not None:
                return _replay(known, record)
        for attempt in range(MAX_TRIES):
            try:
                commit = self._decided(decide, record, context)
                if context.command_id is None and not commit.events:
                    return Outcome(record.id, commit.result, replayed=False, last_position=None)
                return _answer(self._append(commit))
            except SlotTaken:
                known = self.store.find_command(record.id)
                if known is not None:
                    return _replay(known, record)
                time.sleep(self.doors.jitter() * min(LONGEST_BACKOFF_S, 0.002 * 2**attempt))
        raise Contention(f"{record.type} lost {MAX_TRIES} races for the same streams")

    def _decided(
        self, decide: Callable[[Streams], Decision], record: CommandRecord, context: Context
    ) -> Commit:
        streams = Streams(self.store, self.codec, self._cache)
        try:
            return self._accepted(decide(streams), record, context, streams)
        except Refusal as refusal:
            if context.command_id is None:
                raise
            return self._rejected(refusal, record)

    def _record(self, command: msgspec.Struct, context: Context) -> CommandRecord:
        return CommandRecord(
            id=context.command_id or self.doors.new_id(),
            type=type(command).__name__,
            actor=context.actor,
            payload_sha256=payload_sha256(command, context),
        )

    def _append(self, commit: Commit) -> Commit:
        try:
            return self.store.append(commit)
        except ResultUnknown as unknown:
            found = self._look_up(commit.command.id)
            if found is None:
                raise StoreUnavailable(
                    f"it is not known yet whether command {commit.command.id} was stored"
                ) from unknown
            return found

    def _look_up(self, command_id: str) -> Commit | None:
        """The commit as soon as it can be found, None at the bound. Nobody below repeats a look-up that fails."""
        bound = time.monotonic() + UNKNOWN_RESULT_BOUND_S
        while (left_s := bound - time.monotonic()) > 0:
            with suppress(StoreUnavailable):
                found = self.store.find_command(command_id, within_s=left_s)
                if found is not None:
                    return found
            time.sleep(0.05 + self.doors.jitter() * 0.1)
        return None

    def _accepted(
        self, decision: Decision, record: CommandRecord, context: Context, streams: Streams
    ) -> Commit:
        unwritten = set(streams.versions) - {stream for stream, _ in decision.events}
        if decision.events and unwritten:
            if self._have_moved_on(streams):
                raise SlotTaken("a stream was changed while others were loaded")
            raise AssertionError(
                f"{record.type} read {sorted(unwritten)} but wrote no event there: write skew"
            )
        recorded_at = self.doors.now()
        versions = dict(streams.versions)
        events = []
        for stream, event in decision.events:
            type_name, schema_version, data = self.codec.encode(event)
            versions[stream] = versions.get(stream, 0) + 1
            recorded = RecordedEvent(
                event_id=self.doors.new_id(),
                stream=stream,
                version=versions[stream],
                type=type_name,
                schema_version=schema_version,
                data=data,
                occurred_at=context.occurred_at or recorded_at,
                recorded_at=recorded_at,
                correlation_id=context.correlation_id,
                causation_id=context.causation_id or record.id,
                actor=context.actor,
            )
            events.append(recorded)
        return Commit(
            id=self.doors.new_id(),
            command=record,
            outcome="accepted",
            result=decision.result,
            events=tuple(events),
            recorded_at=recorded_at,
        )

    def _have_moved_on(self, streams: Streams) -> bool:
        """Whether the states that a decision looked at are of different moments: a stream that was loaded early has got
        events since, and one that was loaded after them may show what they left nothing to do about."""
        return any(self.store.read_stream(stream, version) for stream, version in streams.versions.items())

    def _rejected(self, refusal: Refusal, record: CommandRecord) -> Commit:
        return Commit(
            id=self.doors.new_id(),
            command=record,
            outcome="rejected",
            result={
                "code": refusal.code,
                "message": refusal.message,
                "kind": refusal.kind,
                "details": refusal.details,
            },
            events=(),
            recorded_at=self.doors.now(),
        )


def payload_sha256(command: msgspec.Struct, context: Context) -> str:
    """What makes two commands with one id the same: what is asked, by whom, and as of when."""
    payload = {
        "type": type(command).__name__,
        "command": command,
        "actor": context.actor,
        "occurred_at": context.occurred_at,
    }
    return hashlib.sha256(msgspec.json.encode(payload, order="sorted")).hexdigest()


def _replay(known: Commit, record: CommandRecord) -> Outcome:
    if known.command.payload_sha256 != record.payload_sha256:
        raise CommandReused(f"command id {record.id} was used before for something else")
    return _answer(known, replayed=True)


def _answer(commit: Commit, *, replayed: bool = False) -> Outcome:
    if commit.outcome == "rejected":
        refusal = stored_refusal(commit)
        refusal.replayed = replayed
        raise refusal
    written = {event.stream: event.version for event in commit.events}
    return Outcome(commit.command.id, commit.result, replayed, commit.last_position, written)


def stored_refusal(commit: Commit) -> Refusal:
    """The refusal that a rejected commit holds."""
    result = commit.result
    return Refusal(result["code"], result["message"], result["kind"], **result["details"])
