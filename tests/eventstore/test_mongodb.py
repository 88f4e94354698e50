"""MongoDB keeps the contract on a real server; positions come from a sequencer that runs beside the tests."""

import threading
from collections.abc import Callable, Iterator

import pytest

from eventstore.factory import open_event_store
from eventstore.mongodb import MongoEventStore
from eventstore.ports import EventStore
from eventstore.sequencer import Sequencer
from ops.processes import wait_until
from tests.engines import engine_url, own_database
from tests.eventstore.contract import EventStoreContract
from tests.eventstore.samples import TOPICS


@pytest.fixture
def url() -> Iterator[str]:
    """A database of this test's own, dropped at its end."""
    own = own_database(engine_url("EVENT_STORE_URL"))
    yield own
    store = MongoEventStore(own)
    store.client.drop_database(store.database.name)
    store.close()


class TestMongoContract(EventStoreContract):
    @pytest.fixture
    def opened(self) -> Iterator[list[EventStore]]:
        stores: list[EventStore] = []
        yield stores
        for store in stores:
            store.close()

    @pytest.fixture
    def sequencer(self, url: str) -> Iterator[Sequencer]:
        store = MongoEventStore(url)
        yield Sequencer(store, TOPICS)
        store.close()

    @pytest.fixture
    def store(self, url: str, opened: list[EventStore], sequencer: Sequencer) -> Iterator[EventStore]:
        opened.append(open_event_store(url))
        assert opened[-1].store_id
        done = threading.Event()

        def place_all() -> None:
            while not done.is_set():
                if sequencer.step() == 0:
                    done.wait(0.005)

        thread = threading.Thread(target=place_all)
        thread.start()
        yield opened[-1]
        done.set()
        thread.join()

    @pytest.fixture
    def settle(self, sequencer: Sequencer) -> Callable[[], None]:
        return lambda: wait_until(lambda: sequencer.count_waiting() == 0, what="a position for every commit")

    @pytest.fixture
    def reopen(self, url: str, opened: list[EventStore]) -> Callable[[], EventStore]:
        def again() -> EventStore:
            opened.pop().close()
            opened.append(open_event_store(url))
            return opened[-1]

        return again
