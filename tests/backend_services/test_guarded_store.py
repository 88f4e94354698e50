"""The event store behind its policy, on a real MongoDB that hangs: an answer within seconds, and a true one."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend_services.command_bus import REPLY_BOUND_S
from backend_services.guarded import GuardedStore
from eventstore.execute import Context, Decision, Outcome, Streams
from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable
from ops.engines import MongoServer
from tests.engines import engine_url
from tests.eventstore.samples import COUNTER, Add, Added, executor


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MongoServer]:
    """A MongoDB of this test's own, which may be frozen."""
    engine_url("EVENT_STORE_URL")
    running = MongoServer(tmp_path / "mongo").start()
    yield running
    running.children[0].thaw()
    running.stop()


@pytest.fixture
def store(server: MongoServer) -> Iterator[GuardedStore]:
    opened = GuardedStore(MongoEventStore(server.url))
    assert opened.store_id
    yield opened
    opened.close()


def add(store: GuardedStore, before_read: Callable[[], None], before_append: Callable[[], None]) -> Outcome:
    """Add one to a counter under the client's id."""

    def decide(streams: Streams) -> Decision:
        before_read()
        total = streams.load(COUNTER, "n")
        before_append()
        return Decision({"total": total + 1}, [("counter-n", Added(amount=1))])

    return executor(store).execute(Add("n", 1), Context("a", "c", "k"), decide)


def nothing() -> None:
    pass


@pytest.mark.parametrize("moment", ["look-up", "read", "append"])
def test_a_store_that_hangs_in_a_command_is_unavailable_before_its_sender_gives_up_waiting(
    server: MongoServer, store: GuardedStore, moment: str
) -> None:
    freeze = server.children[0].freeze
    began = time.monotonic()
    if moment == "look-up":
        freeze()
    with pytest.raises(StoreUnavailable, match="not known yet" if moment == "append" else "can't be used"):
        add(store, freeze if moment == "read" else nothing, freeze if moment == "append" else nothing)
    assert time.monotonic() - began < REPLY_BOUND_S
    server.children[0].thaw()
    assert add(store, nothing, nothing).result == {"total": 1}  # whether it was stored before or is now
    assert [event.version for event in store.read_stream("counter-n")] == [1]
