"""What the event store asks of its adapters. Each Protocol's docstring is the contract that the suite in
tests/eventstore/contract.py checks on every adapter."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from eventstore.records import Commit, RecordedEvent


class EventStoreError(Exception):
    """The root of everything an event store raises."""


class SlotTaken(EventStoreError):
    """Another commit holds one of the slots: somebody wrote one of the streams first, or this command is stored."""


class ResultUnknown(EventStoreError):
    """The connection broke after the commit was sent: it may be stored or not. Look the command up."""


class StoreUnavailable(EventStoreError):
    """The store can't be reached or can't write now. What was asked may be tried again with the same command id, and
    where `retry_after_s` is known, not before."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreUnreachable(StoreUnavailable):
    """For a moment, as it seems: no connection, a time-out, a change of the primary. Asking again at once may help."""


class EventStore(Protocol):
    """An append-only log of commits.

    - `append` stores the commit whole or not at all and returns it with its log positions (an adapter that gives
      positions later returns it without). Raises `SlotTaken` when any slot is held, `StoreUnavailable` when
      nothing was stored, `ResultUnknown` when that can't be told. A returned commit survives a crash.
    - `find_command` returns the commit of a command id, or None. With `within_s` it is one try that ends by then, for
      who asks again himself.
    - `read_stream` returns a stream's events with a version above `after_version`, oldest first.
    - `read_streams` returns the whole of several streams at once, each oldest first; a stream without events is left
      out.
    - `read_events` returns at most `limit` events with a log position above `after_position`, in that order and
      without gaps: an event that becomes visible later never has a smaller position.
    - `head` is the highest log position, 0 when there is none.
    - `wait_for_events` returns as soon as the head is above `after_position`, at the latest after `timeout_s`.
    - `store_id` names this log: a read model built from another one must not be continued.
    """

    @property
    def store_id(self) -> str: ...
    def append(self, commit: Commit) -> Commit: ...
    def find_command(self, command_id: str, within_s: float | None = None) -> Commit | None: ...
    def read_stream(self, stream: str, after_version: int = 0) -> list[RecordedEvent]: ...
    def read_streams(self, streams: Collection[str]) -> dict[str, list[RecordedEvent]]: ...
    def read_events(self, after_position: int, limit: int) -> list[RecordedEvent]: ...
    def head(self) -> int: ...
    def wait_for_events(self, after_position: int, timeout_s: float) -> None: ...
    def close(self) -> None: ...


class ResourceLocks(Protocol):
    """A hint that saves contention and is never part of a correctness argument.

    `hold` takes the named locks in sorted order, waits at most `wait_s` for all of them together and then lets
    the block run in any case.
    """

    def hold(self, names: Sequence[str], wait_s: float = 0.3) -> AbstractContextManager[None]: ...
