"""Projections: events folded into SQL rows, with the checkpoint in the same transaction as the rows.

They have no side effects, so a read model can be thrown away and built again; what acts on the world is a reactor.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import Engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from eventstore.codec import Codec, Event
from eventstore.execute import Outcome
from eventstore.ports import EventStore
from eventstore.records import RecordedEvent

BATCH_SIZE = 500
IDLE_WAIT_S = 0.25
LONGEST_PAUSE_S = 5.0

log = logging.getLogger(__name__)


class CheckpointModel(DeclarativeBase):
    """The metadata of the checkpoint table; it is created in whatever database the rows are in."""


class Checkpoint(CheckpointModel):
    """How far a projection or reactor has come in the log of the store with `store_id`."""

    __tablename__ = "checkpoints"

    name: Mapped[str] = mapped_column(primary_key=True)
    store_id: Mapped[str]
    log_position: Mapped[int]


class Consumer(Protocol):
    """Something that handles events in log order inside a SQL transaction that also moves its checkpoint.

    `apply` gets every event whose type is in `event_types`, oldest first; raising leaves rows and checkpoint as
    they were, and the same batch comes again.
    """

    @property
    def name(self) -> str: ...
    @property
    def event_types(self) -> frozenset[str]: ...
    def apply(self, session: Session, recorded: RecordedEvent, event: Event) -> None: ...


class ConsumerRunner:
    """One thread that brings consumers up to the head of the log, again and again.

    Transient trouble is retried for ever with growing pauses: skipping an event would make the rows wrong, so a
    consumer that can't go on stands still, and `lag_s` and `last_error` say so.
    """

    def __init__(
        self,
        store: EventStore,
        codec: Codec,
        engine: Engine,
        consumers: Sequence[Consumer],
    ) -> None:
        self._store = store
        self._codec = codec
        self._engine = engine
        self._consumers = list(consumers)
        self._listeners: list[Callable[[], None]] = []
        self._positions: dict[str, int] = {}
        self._moved = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._caught_up_at = time.monotonic()
        self.last_error: str | None = None
        self.has_caught_up = False

    def prepare(self) -> None:
        """Create the checkpoint table and read the checkpoints. Raises `WrongLog` when one belongs to another log."""
        CheckpointModel.metadata.create_all(self._engine)
        with Session(self._engine) as session:
            for consumer in self._consumers:
                checkpoint = session.get(Checkpoint, consumer.name)
                if checkpoint is None:
                    self._positions[consumer.name] = 0
                    continue
                # The head is asked for after the checkpoint was read: another process may be moving both.
                if (
                    checkpoint.store_id != self._store.store_id
                    or checkpoint.log_position > self._store.head()
                ):
                    raise WrongLog(f"{consumer.name} was built from another log or a newer state of this one")
                self._positions[consumer.name] = checkpoint.log_position

    def start(self) -> None:
        """Run in a thread until `stop`."""
        self._thread = threading.Thread(target=self._run, name="projections", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand and end the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def position(self) -> int:
        """The log position that every consumer has reached."""
        return min(self._positions.values(), default=0)

    @property
    def lag_s(self) -> float:
        """For how many seconds the slowest consumer has been behind the head; 0 when it is not."""
        if self.position >= self._store.head():
            return 0.0
        return time.monotonic() - self._caught_up_at

    @property
    def events_behind(self) -> int:
        """How many events the slowest consumer has not handled yet."""
        return self._store.head() - self.position

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` (quickly) after each batch."""
        self._listeners.append(listener)

    def wait_for(self, outcome: Outcome, timeout_s: float) -> bool:
        """Wait until what the command did has been handled; False when `timeout_s` seconds weren't enough."""
        return outcome.last_position is None or self.wait_until(outcome.last_position, timeout_s)

    def wait_until(self, log_position: int, timeout_s: float) -> bool:
        """Wait until every consumer has handled `log_position`; False when `timeout_s` seconds weren't enough."""
        with self._moved:
            return self._moved.wait_for(lambda: self.position >= log_position, timeout_s)

    def catch_up(self) -> None:
        """Bring every consumer to the head of the log, in this thread."""
        while self._step():
            pass

    def _run(self) -> None:
        pause_s = 0.1
        while not self._stopping.is_set():
            try:
                if not self._step():
                    self._caught_up_at, self.has_caught_up = time.monotonic(), True
                    self._store.wait_for_events(self.position, IDLE_WAIT_S)
                self.last_error, pause_s = None, 0.1
            except Exception as error:  # a consumer stands still rather than skip an event
                message = f"{type(error).__name__}: {error}"
                if message != self.last_error:  # said once, not at each of the tries
                    log.exception("a projection can't go on after log position %d", self.position)
                self.last_error = message
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _step(self) -> bool:
        """Handle one batch for the consumers that are furthest behind; False when all are at the head."""
        start = self.position
        batch = self._store.read_events(start, BATCH_SIZE)
        if not batch:
            return False
        for consumer in self._consumers:
            self._handle(consumer, batch)
            if self._stopping.is_set():
                break
        with self._moved:
            self._moved.notify_all()
        for listener in self._listeners:
            listener()
        return True

    def _handle(self, consumer: Consumer, batch: list[RecordedEvent]) -> None:
        with Session(self._engine) as session, session.begin():
            checkpoint = self._locked_checkpoint(session, consumer.name)
            for recorded in batch:
                if recorded.log_position <= checkpoint.log_position:
                    continue
                if recorded.type in consumer.event_types:
                    event = self._codec.decode(recorded.type, recorded.schema_version, recorded.data)
                    consumer.apply(session, recorded, event)
                checkpoint.log_position = recorded.log_position
            reached = checkpoint.log_position
        self._positions[consumer.name] = reached

    def _locked_checkpoint(self, session: Session, name: str) -> Checkpoint:
        found = session.scalars(
            select(Checkpoint).where(Checkpoint.name == name).with_for_update()
        ).one_or_none()
        if found is None:
            found = Checkpoint(name=name, store_id=self._store.store_id, log_position=0)
            session.add(found)
        return found


class WrongLog(Exception):
    """Rows were built from another log, or from a newer state of this one (a restored backup): build them again."""
