"""The read models in PostgreSQL, which projectors write and web processes read."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Engine, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from backend_services.lag import Lag, lanes_behind, measure_lag
from backend_services.pokes import Pokes
from backend_services.projecting import all_projections, build_codec
from backend_services.read_database import open_read_models, schema_name
from backend_services.read_models import BoardCounter, ReadModel, board_head
from backend_services.settings import Settings
from eventstore.doors import new_id
from eventstore.execute import Outcome
from eventstore.lane_projector import SWITCH_LOCK, LaneModel, LaneProjector, StreamVersion, read_checkpoints
from eventstore.mongodb import MongoEventStore
from eventstore.ports import EventStoreError
from eventstore.sequencer import PlacedLog

LOOK_S = 0.05
"""How often rows that somebody waits for are looked at without a poke."""
GIVE_UP_S = 0.5
"""Rows that couldn't be looked at for so long are waited for by nobody until they can be."""
LAG_EVERY_S = 1.0
CAUGHT_UP_S = 1.0
"""Rows that lack nothing older than this count as caught up; under load they always lack what is on its way."""

log = logging.getLogger(__name__)


def prepare_shared_rows(settings: Settings, engine: Engine, schema: str | None = None) -> None:
    """Create the schema and the tables where absent; several processes may do it at once."""
    name = schema or schema_name(settings)
    with Session(engine) as session, session.begin():
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SWITCH_LOCK})
        session.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{name}"'))
        ReadModel.metadata.create_all(session.connection())
        LaneModel.metadata.create_all(session.connection())
        session.execute(insert(BoardCounter).values(id=1, seq=0, log_id=new_id()).on_conflict_do_nothing())


def rows_projector(
    store: MongoEventStore,
    engine: Engine,
    on_progress: Callable[[], None] = lambda: None,
    *,
    serves: bool = True,
) -> LaneProjector:
    """What applies events to the rows behind `engine`; see `LaneProjector`. Raises `StoreUnavailable`."""
    codec, consumers = build_codec(), all_projections()
    return LaneProjector(
        PlacedLog(store), store.store_id, codec, engine, consumers, on_progress, serves=serves
    )


def poke_boards(pokes: Pokes, engine: Engine) -> None:
    """Tell the web processes how far the board's log is."""
    with Session(engine) as session:
        pokes.send(board_head(session))


class Wait:
    """Somebody who waits until these streams' rows are at these versions."""

    def __init__(self, written: dict[str, int]) -> None:
        self.written = written
        self.is_shown = False
        self.is_over = threading.Event()


class SharedRows:
    """The read models as a web process sees them: when they have changed, whether they show something, how far
    behind they are. They are written by projectors elsewhere."""

    def __init__(self, settings: Settings, engine: Engine, log_of_store: PlacedLog, pokes: Pokes) -> None:
        self._settings = settings
        self._engine = engine
        self._log = log_of_store
        self._pokes = pokes
        self._changed = threading.Condition()
        self._waits: list[Wait] = []
        self._may_look = False
        self._is_away = False
        self._listeners: list[Callable[[], None]] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lag = Lag()
        self.last_error: str | None = None
        self.has_caught_up = False

    def start(self) -> None:
        """Listen and look in threads until `stop`. The tables are made first, where absent: everything that reads them
        may start then, and a page shows an empty list, though no projector has run yet."""
        patient = open_read_models(self._settings)  # a rebuild that is just about to switch is waited for
        prepare_shared_rows(self._settings, patient)
        patient.dispose()
        for name, run in (("pokes", self._listen), ("rows-look", self._look), ("rows-lag", self._watch_lag)):
            self._threads.append(threading.Thread(target=run, name=name, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """End the threads."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(5)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` (quickly) whenever the rows may have changed."""
        self._listeners.append(listener)

    @property
    def lag_s(self) -> float:
        """How old the oldest event is that the rows lack, in seconds; 0 when they lack none."""
        return self._lag.seconds

    @property
    def events_behind(self) -> int:
        """How many events the rows lacked a second ago at most."""
        return self._lag.events

    def wait_for(self, outcome: Outcome, timeout_s: float) -> bool:
        """Wait until the rows show what the command did; False when `timeout_s` seconds weren't enough, and at once
        while the rows can't be read at all."""
        if not outcome.written:
            return True
        wait = Wait(outcome.written)
        with self._changed:
            if self._is_away:
                return False
            self._waits.append(wait)
            self._may_look = True
            self._changed.notify()
        wait.is_over.wait(timeout_s)
        with self._changed, suppress(ValueError):
            self._waits.remove(wait)
        return wait.is_shown

    def _look(self) -> None:
        """Look for all who wait at once, whenever the rows may have changed: one query, however many wait."""
        failing_since: float | None = None
        while not self._stopping.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waits and self._may_look, LOOK_S)
                self._may_look = False
                waits = list(self._waits)
            if not waits and failing_since is None:
                continue
            streams = {stream for wait in waits for stream in wait.written}
            wanted = select(StreamVersion.stream, StreamVersion.version).where(
                StreamVersion.stream.in_(streams)
            )
            try:
                with self._engine.connect() as connection:
                    found = {row.stream: row.version for row in connection.execute(wanted)}
            except SQLAlchemyError as error:
                if failing_since is None:
                    failing_since = time.monotonic()
                    reason = str(error).split("\n", maxsplit=1)[0]
                    log.warning("rows can't be looked at: %s; trying again until they can", reason)
                if time.monotonic() - failing_since >= GIVE_UP_S:
                    self._give_up()
                self._stopping.wait(LOOK_S)
                continue
            if failing_since is not None:
                log.info("rows can be looked at again")
            failing_since, self._is_away = None, False
            for wait in waits:
                if all(found.get(stream, 0) >= version for stream, version in wait.written.items()):
                    wait.is_shown = True
                    wait.is_over.set()

    def _give_up(self) -> None:
        with self._changed:
            self._is_away = True
            for wait in self._waits:
                wait.is_over.set()

    def _listen(self) -> None:
        self._pokes.listen(self._heard, self._stopping)

    def _heard(self) -> None:
        with self._changed:
            self._may_look = True
            self._changed.notify()
        for listener in self._listeners:
            listener()

    def _watch_lag(self) -> None:
        while not self._stopping.is_set():
            try:
                self._measure()
                self.last_error = None
            except (SQLAlchemyError, EventStoreError) as error:
                self.last_error = f"{type(error).__name__}: {error}"[:300]
            self._stopping.wait(LAG_EVERY_S if self.has_caught_up else LOOK_S)

    def _measure(self) -> None:
        heads = self._log.heads()
        behind = lanes_behind(heads, read_checkpoints(self._engine))
        self._lag = measure_lag(self._log, heads, behind)
        if self._lag.seconds <= CAUGHT_UP_S:
            self.has_caught_up = True
