"""The event store behind its policy, on a real MongoDB that hangs, fails and refuses: true answers within seconds."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend_services.command_bus import REPLY_BOUND_S
from backend_services.guarded import MONGODB, GuardedStore
from eventstore.execute import Context, Decision, Outcome, Streams
from eventstore.mongodb import MongoEventStore
from eventstore.ports import ResultUnknown, StoreUnavailable, StoreUnreachable
from ops.engines import MongoServer
from tests.engines import engine_url
from tests.eventstore.samples import COUNTER, Add, Added, commit_of, executor

UNAUTHORIZED, WRITE_CONCERN_FAILED = 13, 64
PRIMARY_STEPPED_DOWN, EXCEEDED_TIME_LIMIT = 189, 262


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MongoServer]:
    """A MongoDB of this test's own, which may be frozen or told to fail."""
    engine_url("EVENT_STORE_URL")
    running = MongoServer(tmp_path / "mongo", more=("--setParameter", "enableTestCommands=1")).start()
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


def fail(store: GuardedStore, command: str, times: int, **how: object) -> None:
    """Have MongoDB fail the next `times` commands of this kind."""
    data = {"failCommands": [command], **how}
    store.unguarded.client.admin.command(
        "configureFailPoint", "failCommand", mode={"times": times}, data=data
    )


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


def test_a_refusal_of_mongodb_is_not_asked_for_again_and_the_next_question_is_let_through(
    store: GuardedStore,
) -> None:
    many = 2 * MONGODB.least_calls
    fail(store, "find", many, errorCode=UNAUTHORIZED)
    for _ in range(many):  # as many questions as failures: none was asked twice, none was spared
        with pytest.raises(StoreUnavailable, match="can't be used") as refused:
            store.read_stream("counter-n")
        assert not isinstance(refused.value, StoreUnreachable)
    assert store.read_stream("counter-n") == []


@pytest.mark.parametrize("code", [PRIMARY_STEPPED_DOWN, EXCEEDED_TIME_LIMIT])
def test_what_passes_is_asked_for_again(store: GuardedStore, code: int) -> None:
    fail(store, "find", 1, errorCode=code)
    with pytest.raises(StoreUnreachable):
        store.unguarded.read_stream("counter-n")
    fail(store, "find", 1, errorCode=code)
    assert store.read_stream("counter-n") == []


def test_a_refused_append_is_known_not_to_be_stored(store: GuardedStore) -> None:
    fail(store, "insert", 1, errorCode=UNAUTHORIZED)
    with pytest.raises(StoreUnavailable, match="refuses a commit") as refused:
        add(store, nothing, nothing)
    assert not isinstance(refused.value, StoreUnreachable)
    assert not add(store, nothing, nothing).replayed


def test_an_append_whose_majority_is_not_certain_is_looked_up_and_found(store: GuardedStore) -> None:
    uncertain = {"code": WRITE_CONCERN_FAILED, "errmsg": "waiting for replication timed out"}
    fail(store, "insert", 2, writeConcernError=uncertain)
    with pytest.raises(ResultUnknown):
        store.unguarded.append(commit_of(("a", 1)))
    assert add(store, nothing, nothing).result == {"total": 1}
    assert [event.version for event in store.read_stream("counter-n")] == [1]
