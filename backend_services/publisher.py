"""`python -m backend_services.publisher`: places commits in the log and sends their events to Kafka.

Several may run; one works, by a lease in MongoDB, and the others stand by. Correctness doesn't hang on the lease: two
that work at once only get in each other's way.
"""

import logging
import sys
import threading
from collections.abc import Callable

from prometheus_client import Counter, Gauge

from backend_services.lease import PUBLISHER, Lease
from backend_services.process import keep_trying, run_role, wait_for
from backend_services.settings import Settings
from backend_services.topics import TOPICS
from eventstore.kafka import Broker, BrokerUnavailable
from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable
from eventstore.relay import Relay
from eventstore.sequencer import PlacedLog, Sequencer

RENEW_EVERY_S = 1.0
IDLE_S = 0.25

PLACED = Counter("waybill_commits_placed_total", "Commits that got their place in the log")
RELAYED = Counter("waybill_events_relayed_total", "Events that Kafka has acknowledged")
UNPLACED = Gauge("waybill_commits_unplaced", "Commits that wait for their place in the log")
UNRELAYED = Gauge("waybill_events_unrelayed", "Events in the log that Kafka has not acknowledged")

log = logging.getLogger(__name__)


class Publisher:
    """The three threads of a publisher: the lease, the sequencer and the relay."""

    def __init__(self, store: MongoEventStore, broker: Broker, stopping: threading.Event) -> None:
        self._store = store
        self._stopping = stopping
        self._lease = Lease(store, PUBLISHER)
        self._log = PlacedLog(store)
        self._sequencer = Sequencer(store, TOPICS)
        self._relay = Relay(store, broker, TOPICS)
        self._placed = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        """Work or stand by until told to stop."""
        store_trouble = (StoreUnavailable,)
        if not wait_for(lambda: self._store.store_id, store_trouble, self._stopping, "event store"):
            return
        threads = [
            threading.Thread(target=self._loop, args=(work, trouble, what, 0.0), name=what)
            for work, trouble, what in (
                (self._place, store_trouble, "sequencer"),
                (self._send, (StoreUnavailable, BrokerUnavailable), "relay"),
            )
        ]
        for thread in threads:
            thread.start()
        self._loop(self._keep_lease, store_trouble, "lease", RENEW_EVERY_S)
        for thread in threads:
            thread.join()
        try:
            self._lease.give_back()
        except StoreUnavailable:
            log.info("the lease runs out by itself")
        if self._failure is not None:
            raise self._failure

    def _loop(
        self, work: Callable[[], bool], trouble: tuple[type[Exception], ...], what: str, idle_s: float
    ) -> None:
        """One of the threads. An error that isn't trouble with an engine ends the process, and gives the lease back:
        half a publisher that holds it would be worse than none."""
        try:
            keep_trying(work, trouble, self._stopping, what, idle_s)
        except Exception as error:
            log.exception("the %s failed; this publisher ends", what)
            self._failure = error
            self._stopping.set()

    def _keep_lease(self) -> bool:
        try:
            self._lease.renew()
            UNPLACED.set(self._log.count_waiting())
            UNRELAYED.set(self._store.head() - self._relay.position())
        except StoreUnavailable:
            self._lease.is_held.clear()
            raise
        return False

    def _place(self) -> bool:
        """Place what waits, and wait for more by the store's change stream."""
        if not self._lease.is_held.wait(IDLE_S):
            return True
        with self._store.watch_inserts(IDLE_S) as next_insert:
            while self._lease.is_held.is_set() and not self._stopping.is_set():
                placed = self._sequencer.step()
                if placed:
                    PLACED.inc(placed)
                    self._placed.set()
                else:
                    next_insert()
        return True

    def _send(self) -> bool:
        """Send what is placed and not yet sent."""
        if not self._lease.is_held.wait(IDLE_S):
            self._relay.reset()
            return True
        self._placed.clear()
        sent = self._relay.step()
        RELAYED.inc(sent)
        if not sent:
            self._placed.wait(IDLE_S)
        return True


def work(settings: Settings, stopping: threading.Event) -> None:
    """A publisher over the engines of the settings."""
    store = MongoEventStore(settings.event_store_url)
    Publisher(store, Broker(settings.broker_url, settings.topic_prefix), stopping).run()
    store.close()


if __name__ == "__main__":
    sys.exit(run_role("publisher", work))
