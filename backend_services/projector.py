"""`python -m backend_services.projector`: keeps the read models up to date from Kafka, and from the event store
wherever Kafka is behind, has lost something or is away. Any number may run."""

import logging
import sys
import threading
import time
from functools import partial

from prometheus_client import Counter, Gauge
from sqlalchemy.orm import Session

from backend_services.dead_letters import count_dead_letters
from backend_services.guarded import connect_redis
from backend_services.lag import BEHIND, LAG, lanes_behind, measure_lag
from backend_services.pokes import Pokes
from backend_services.process import keep_trying, run_role, wait_for
from backend_services.read_database import open_read_models
from backend_services.read_models import READ_MODEL_VERSION
from backend_services.rebuild import rebuild
from backend_services.settings import Settings
from backend_services.shared_rows import poke_boards, prepare_shared_rows, rows_projector
from backend_services.topics import TOPICS
from eventstore.kafka import Broker
from eventstore.lane_projector import TROUBLE, LaneProjector
from eventstore.lanes import Lane, PlacedEvent
from eventstore.mongodb import MongoEventStore
from eventstore.projections import WrongLog

BATCH_SIZE = 500
RECEIVE_S = 0.1
LOOK_EVERY_S = 0.5
LOOK_AGAIN_S = 0.05
"""How often to look while Kafka leaves events out: it is probably away."""
BELIEVED_AWAY_S = 30.0
"""How long Kafka counts as away after it has left something out, unless it brings something."""

APPLIED = Counter("waybill_events_received_total", "Events received from Kafka and handled")
DEAD_LETTERS = Gauge("waybill_dead_letters", "Streams that are set aside because an event can't be applied")
FILLED = Gauge("waybill_events_filled", "Events read from the event store because Kafka didn't bring them")

log = logging.getLogger(__name__)


class Stragglers:
    """Lanes that don't move though the log holds more: those are read from the event store."""

    def __init__(self, projector: LaneProjector) -> None:
        self._projector = projector
        self._behind: dict[Lane, int] = {}

    def look(self, at_once: bool) -> bool:
        """Bring up the lanes that were behind at the last look already and haven't moved since, or `at_once` all that
        are behind; whether there were any."""
        log_of_store = self._projector.log
        heads, reached = log_of_store.heads(), self._projector.checkpoints()
        behind = lanes_behind(heads, reached)
        stuck = [lane for lane, pseq in behind.items() if at_once or self._behind.get(lane) == pseq]
        self._behind = behind
        lag = measure_lag(log_of_store, heads, behind)
        LAG.set(lag.seconds)
        BEHIND.set(lag.events)
        with Session(self._projector.engine) as session:
            DEAD_LETTERS.set(count_dead_letters(session))
        for lane in stuck:
            self._projector.fill(lane, heads[lane])
        FILLED.set(self._projector.filled)
        return bool(stuck)


class Projector:
    """The loop of one projector."""

    def __init__(self, projector: LaneProjector, broker: Broker, stopping: threading.Event) -> None:
        self._projector = projector
        self._stopping = stopping
        self._stragglers = Stragglers(projector)
        self._consumer = broker.consumer(f"projections-v{READ_MODEL_VERSION}", TOPICS.names)
        self._in_hand: list[PlacedEvent] = []
        self._next_look = 0.0
        self._away_until = 0.0

    def run(self) -> None:
        """Work until told to stop. Trouble with an engine is waited out; nothing is skipped meanwhile."""
        keep_trying(self._step, TROUBLE, self._stopping, "projector", 0.0)
        self._consumer.close()

    def _step(self) -> bool:
        if not self._in_hand:
            self._in_hand = self._consumer.receive(
                BATCH_SIZE, LOOK_AGAIN_S if self._is_kafka_away() else RECEIVE_S
            )
        if self._in_hand:
            self._projector.handle(self._in_hand)
            APPLIED.inc(len(self._in_hand))
            self._in_hand = []
            self._away_until = 0.0
            self._consumer.commit()
        if time.monotonic() >= self._next_look:
            if self._stragglers.look(at_once=self._is_kafka_away()):
                self._away_until = time.monotonic() + BELIEVED_AWAY_S
            self._next_look = time.monotonic() + (LOOK_AGAIN_S if self._is_kafka_away() else LOOK_EVERY_S)
        return True

    def _is_kafka_away(self) -> bool:
        return time.monotonic() < self._away_until


def _fits(projector: LaneProjector) -> bool:
    """Whether the rows were built from this event store; another projector may have built them anew meanwhile."""
    try:
        projector.prepare(TOPICS.lanes)
    except WrongLog:
        return False
    return True


def work(settings: Settings, stopping: threading.Event) -> None:
    """A projector over the engines of the settings."""
    store = MongoEventStore(settings.event_store_url)
    engine = open_read_models(settings)
    pokes = Pokes(connect_redis(settings), settings.namespace)
    if not wait_for(lambda: store.store_id, TROUBLE, stopping, "event store"):
        return

    projector = rows_projector(store, engine, partial(poke_boards, pokes, engine))

    def prepare() -> None:
        prepare_shared_rows(settings, engine)
        try:
            projector.prepare(TOPICS.lanes)
        except WrongLog as wrong:
            log.warning("the read models don't fit the event store (%s); they are built anew", wrong)
            rebuild(settings, store, is_needed=lambda: not _fits(projector))
            projector.prepare(TOPICS.lanes)

    if wait_for(prepare, TROUBLE, stopping, "read models"):
        Projector(projector, Broker(settings.broker_url, settings.topic_prefix), stopping).run()
    engine.dispose()
    store.close()


if __name__ == "__main__":
    sys.exit(run_role("projector", work))
