"""Projections fed lane by lane from a transport that may lose, repeat and reorder; the event store fills every gap.

Rows and checkpoint are written in one SQL transaction under a lock on the lane's checkpoint, so any number of
processes may work on the same lanes: each event is applied once, in its lane's order.

An event that can't be applied (poison) is set aside after three tries, and the later events of its stream wait behind
it; all other streams go on. Trouble with an engine is no poison: it is left to the caller, who tries again.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import DateTime, Engine, select, text
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from eventstore.codec import Codec
from eventstore.lanes import Lane, PlacedEvent, parse_lane
from eventstore.ports import StoreUnavailable
from eventstore.projections import Consumer, WrongLog
from eventstore.sequencer import PlacedLog

PAGE_SIZE = 500
TRIES = 3
SWITCH_LOCK = 0x57B1  # the advisory lock that keeps projectors out while tables are exchanged
TROUBLE = (OperationalError, InterfaceError, InternalError, ProgrammingError, PoolTimeout, StoreUnavailable)
"""What says nothing about an event: the engine is away, or its tables are. `is_trouble` knows the exceptions."""
REFUSED_FOR_GOOD = ("22", "54")
"""PostgreSQL's classes for values that it can't take and limits that it has, like the length of an indexed text."""

log = logging.getLogger(__name__)


class LaneModel(DeclarativeBase):
    """The metadata of the tables beside the read models; they live and are rebuilt with them."""


class LaneCheckpoint(LaneModel):
    """The last event of a lane that is in the rows."""

    __tablename__ = "lane_checkpoints"

    lane: Mapped[str] = mapped_column(primary_key=True)
    store_id: Mapped[str]
    pseq: Mapped[int]


class StreamVersion(LaneModel):
    """The last event of a stream that is in the rows. A parked stream stays at the one before its poison."""

    __tablename__ = "stream_versions"

    stream: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    is_parked: Mapped[bool] = mapped_column(default=False)


class DeadLetter(LaneModel):
    """An event that could not be applied, and how many later ones of its stream wait behind it."""

    __tablename__ = "dead_letters"

    stream: Mapped[str] = mapped_column(primary_key=True)
    lane: Mapped[str]
    version: Mapped[int]
    event_id: Mapped[str]
    type: Mapped[str]
    error: Mapped[str]
    failed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    waiting: Mapped[int] = mapped_column(default=0)


def read_checkpoints(engine: Engine) -> dict[Lane, int]:
    """How far the rows of each lane behind `engine` are."""
    with Session(engine) as session:
        found = session.execute(select(LaneCheckpoint.lane, LaneCheckpoint.pseq)).all()
    return {parse_lane(lane): pseq for lane, pseq in found}


class LaneProjector:
    """Applies events to the rows behind `engine`. Events whose ids are in `skipped` count as applied; somebody gave
    up on them."""

    def __init__(
        self,
        log_of_store: PlacedLog,
        store_id: str,
        codec: Codec,
        engine: Engine,
        consumers: Sequence[Consumer],
        on_progress: Callable[[], None] = lambda: None,
        *,
        serves: bool = True,
    ) -> None:
        """`serves` is off for tables that nobody reads yet: then an exchange of tables needn't wait for this one."""
        self._serves = serves
        self.log = log_of_store
        self.engine = engine
        self.skipped: set[str] = set()
        self.filled = 0
        """How many events had to be read from the event store because the transport didn't bring them."""
        self._store_id = store_id
        self._codec = codec
        self._consumers: Mapping[str, Consumer] = {
            event_type: consumer for consumer in consumers for event_type in consumer.event_types
        }
        self._on_progress = on_progress

    def prepare(self, lanes: Iterable[Lane]) -> None:
        """Create the tables and a checkpoint for each lane, where absent, and read what is to be skipped.

        Raises `WrongLog` when the rows were built from another log, or from a newer state of this one.
        """
        self.skipped = self.log.skipped_events()
        with self.transaction(alone=True) as session:
            LaneModel.metadata.create_all(session.connection())
            known = {checkpoint.lane: checkpoint for checkpoint in session.scalars(select(LaneCheckpoint))}
            # The heads are asked for after the checkpoints were read: others may be moving both.
            heads = self.log.heads()
            for lane in lanes:
                checkpoint = known.get(str(lane))
                if checkpoint is None:
                    session.add(LaneCheckpoint(lane=str(lane), store_id=self._store_id, pseq=0))
                elif checkpoint.store_id != self._store_id or checkpoint.pseq > heads.get(lane, 0):
                    raise WrongLog(f"lane {lane} is ahead of the event store, or from another one")

    def handle(self, events: Sequence[PlacedEvent]) -> None:
        """Apply events of any lanes, in any order, some perhaps known already.

        Raises one of `TROUBLE`; then nothing of the unfinished transaction is left, and the same events may be given
        again.
        """
        by_lane: dict[Lane, list[PlacedEvent]] = defaultdict(list)
        for placed in sorted(events, key=lambda placed: placed.pseq):
            by_lane[placed.lane].append(placed)
        while True:
            try:
                with self.transaction() as session:
                    # All locks before any row, always in one order: what spans lanes (a counter) can't deadlock then.
                    lanes = sorted(by_lane, key=str)
                    checkpoints = [self._locked_checkpoint(session, lane) for lane in lanes]
                    for lane, checkpoint in zip(lanes, checkpoints, strict=True):
                        self._apply(session, lane, checkpoint, by_lane[lane])
                break
            except _Gap as gap:
                self.fill(gap.lane, gap.to)
            except Exception as error:
                if is_trouble(error):
                    raise
                # One of the events is poison: find out which.
                log.warning("a batch can't be applied (%s); its events are tried one by one", _said(error))
                for placed in (placed for lane in by_lane.values() for placed in lane):
                    self._apply_or_park(placed)
                break
        self._on_progress()

    def fill(self, lane: Lane, to_pseq: int) -> None:
        """Bring a lane up to `to_pseq` from the event store."""
        while (reached := self.checkpoints().get(lane, 0)) < to_pseq:
            page = self.log.read_lane(lane, reached, min(reached + PAGE_SIZE, to_pseq))
            if not page or page[0].pseq != reached + 1:
                raise StoreUnavailable(f"{lane} has no event {reached + 1} yet")
            self.filled += len(page)
            self.handle(page)

    def checkpoints(self) -> dict[Lane, int]:
        """How far each lane's rows are."""
        return read_checkpoints(self.engine)

    def redrive(self, lane: Lane, stream: str) -> int:
        """Try a parked stream again from the event store, oldest event first; answers how many were applied.

        The first that fails parks the stream again.
        """
        self.skipped = self.log.skipped_events()
        applied = 0
        with self.transaction() as session:
            checkpoint = self._locked_checkpoint(session, lane)
            version = session.get(StreamVersion, stream)
            if version is None or not version.is_parked:
                return 0
            events = self.log.read_stream(stream, version.version)
            # What lies behind the checkpoint comes by the usual way.
            todo = [placed for placed in events if placed.pseq <= checkpoint.pseq]
            version.is_parked = False
            session.delete(session.get_one(DeadLetter, stream))
            session.flush()
            for number, placed in enumerate(todo, start=1):
                try:
                    with session.begin_nested():
                        self._apply_one(session, placed)
                except Exception as error:
                    if is_trouble(error):
                        raise
                    self._park(session, placed, error, waiting=len(todo) - number)
                    break
                applied += 1
        self._on_progress()
        return applied

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[Session]:
        """A transaction on the rows; `alone` keeps all other projectors of the database out meanwhile."""
        with Session(self.engine) as session, session.begin():
            if self._serves and self.engine.dialect.name == "postgresql":
                how = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
                session.execute(text(f"SELECT {how}(:key)"), {"key": SWITCH_LOCK})
            yield session

    def _apply(
        self, session: Session, lane: Lane, checkpoint: LaneCheckpoint, events: Sequence[PlacedEvent]
    ) -> None:
        fresh = []
        expected = checkpoint.pseq + 1
        for placed in events:
            if placed.pseq > expected:
                raise _Gap(lane, placed.pseq - 1)
            if placed.pseq == expected:
                fresh.append(placed)
                expected += 1
        streams = {placed.event.stream for placed in fresh}
        known = session.scalars(select(StreamVersion).where(StreamVersion.stream.in_(streams))).all()
        session.info["versions"] = known  # the session itself holds them weakly only
        for placed in fresh:
            self._apply_one(session, placed)
        checkpoint.pseq = expected - 1

    def _apply_one(self, session: Session, placed: PlacedEvent) -> None:
        recorded = placed.event
        version = _version_of(session, recorded.stream)
        if version.is_parked:
            session.get_one(DeadLetter, recorded.stream).waiting += 1
            return
        if recorded.version <= version.version:
            return
        if recorded.event_id not in self.skipped:
            consumer = self._consumers.get(recorded.type)
            if consumer is None:
                raise LookupError(f"no projection knows the event type {recorded.type!r}")
            event = self._codec.decode(recorded.type, recorded.schema_version, recorded.data)
            consumer.apply(session, recorded, event)
        version.version = recorded.version

    def _apply_or_park(self, placed: PlacedEvent) -> None:
        last_error: Exception | None = None
        for _ in range(TRIES):
            try:
                with self.transaction() as session:
                    checkpoint = self._locked_checkpoint(session, placed.lane)
                    self._apply(session, placed.lane, checkpoint, [placed])
                return
            except _Gap as gap:
                self.fill(gap.lane, gap.to)
            except Exception as error:
                if is_trouble(error):
                    raise
                last_error = error
        if last_error is not None:
            self._set_aside(placed, last_error)

    def _set_aside(self, placed: PlacedEvent, error: Exception) -> None:
        event = placed.event
        log.error(
            "%s %s (version %d of %s) can't be applied and is set aside: %s",
            event.type,
            event.event_id,
            event.version,
            event.stream,
            _said(error),
        )
        with self.transaction() as session:
            checkpoint = self._locked_checkpoint(session, placed.lane)
            if checkpoint.pseq + 1 == placed.pseq:
                self._park(session, placed, error, waiting=0)
                checkpoint.pseq = placed.pseq

    def _park(self, session: Session, placed: PlacedEvent, error: Exception, waiting: int) -> None:
        recorded = placed.event
        _version_of(session, recorded.stream).is_parked = True
        letter = DeadLetter(
            stream=recorded.stream,
            lane=str(placed.lane),
            version=recorded.version,
            event_id=recorded.event_id,
            type=recorded.type,
            error=_said(error),
            failed_at=datetime.now(UTC),
            waiting=waiting,
        )
        session.add(letter)

    def _locked_checkpoint(self, session: Session, lane: Lane) -> LaneCheckpoint:
        wanted = select(LaneCheckpoint).where(LaneCheckpoint.lane == str(lane)).with_for_update()
        return session.scalars(wanted.execution_options(populate_existing=True)).one()


class _Gap(Exception):
    """Events of a lane up to `to` are missing before the ones at hand."""

    def __init__(self, lane: Lane, to: int) -> None:
        super().__init__(f"{lane}: what comes before {to + 1} is missing")
        self.lane = lane
        self.to = to


def is_trouble(error: Exception) -> bool:
    """Whether it says nothing about the event that is at hand."""
    refusal = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return isinstance(error, TROUBLE) and not refusal.startswith(REFUSED_FOR_GOOD)


def _said(error: Exception) -> str:
    """What went wrong. Only the first line of it: the database's next ones quote the row, with people's names."""
    return f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0][:2_000]


def _version_of(session: Session, stream: str) -> StreamVersion:
    found = session.get(StreamVersion, stream)
    if found is None:
        found = StreamVersion(stream=stream, version=0, is_parked=False)
        session.add(found)
    return found
