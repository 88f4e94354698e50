"""MongoDB keeps the contract on a real server, refuses servers that can't, and never guesses what was stored."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eventstore.execute import UNKNOWN_RESULT_BOUND_S, Context, Decision, Executor, Outcome, Streams
from eventstore.factory import open_event_store
from eventstore.mongodb import APPEND_TIMEOUT_S, MongoEventStore, probe_slots, refuse_shared_slots
from eventstore.ports import EventStore, ResultUnknown, StoreUnavailable
from eventstore.sequencer import PlacedLog, Sequencer
from ops.engines import MongoServer
from ops.processes import Child, free_port, wait_until
from tests.eventstore.contract import EventStoreContract
from tests.eventstore.cutting_proxy import CuttingProxy, Fault
from tests.eventstore.samples import COUNTER, TOPICS, Add, Added, commit_of, executor

INSERT, FIND = b"\x02insert\x00", b"\x02find\x00"


class TestMongoContract(EventStoreContract):
    """Positions come from a sequencer that runs beside the tests."""

    @pytest.fixture
    def sequencer(self, mongo_url: str) -> Iterator[Sequencer]:
        store = MongoEventStore(mongo_url)
        yield Sequencer(store, TOPICS)
        store.close()

    @pytest.fixture
    def store(self, mongo_url: str, opened: list[EventStore], sequencer: Sequencer) -> Iterator[EventStore]:
        opened.append(open_event_store(mongo_url))
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
    def settle(self, mongo_url: str) -> Iterator[Callable[[], None]]:
        store = MongoEventStore(mongo_url)
        waiting = PlacedLog(store).count_waiting
        yield lambda: wait_until(lambda: waiting() == 0, what="a position for every commit")
        store.close()

    @pytest.fixture
    def reopen(self, mongo_url: str, opened: list[EventStore]) -> Callable[[], EventStore]:
        def again() -> EventStore:
            opened.pop().close()
            opened.append(open_event_store(mongo_url))
            return opened[-1]

        return again


def test_the_probe_passes_where_slots_are_unique_and_leaves_nothing_behind(mongo: MongoEventStore) -> None:
    probe_slots(mongo.database["probe"])
    probe_slots(mongo.database["probe"])
    assert mongo.database["probe"].count_documents({}) == 0


def test_a_server_that_lets_two_commits_share_a_slot_is_refused(mongo: MongoEventStore) -> None:
    """As some emulators do, which take the index and don't keep it."""
    careless = mongo.database["careless"]
    with pytest.raises(StoreUnavailable, match="use a real MongoDB"):
        refuse_shared_slots(careless)
    assert careless.count_documents({}) == 0


@pytest.fixture
def lonely_mongod(tmp_path: Path) -> Iterator[int]:
    """The port of a mongod that belongs to no replica set."""
    port, program = free_port(), MongoServer(tmp_path / "unused").program
    options = ["--dbpath", str(tmp_path), "--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"]
    child = Child([program, *options, "--wiredTigerCacheSizeGB", "0.25"], tmp_path / "mongod.out")
    yield port
    child.kill()


def test_a_mongod_without_a_replica_set_is_refused_with_a_sentence(lonely_mongod: int) -> None:
    store = MongoEventStore(f"mongodb://127.0.0.1:{lonely_mongod}/waybill")
    for _ in range(2):  # every time, not only the first
        with pytest.raises(StoreUnavailable, match=r"not a replica set.*rs\.initiate"):
            assert store.store_id
    store.close()


def test_one_log_has_one_id_whoever_opens_it_first(mongo_url: str) -> None:
    stores = [MongoEventStore(mongo_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda store: store.store_id, stores))) == 1
    for store in stores:
        store.close()


@pytest.fixture
def proxy(mongo_url: str) -> Iterator[CuttingProxy]:
    """What stands between `far` and MongoDB."""
    passing = CuttingProxy(int(re.findall(r":(\d+)/", mongo_url)[0]))
    yield passing
    passing.close()


@pytest.fixture
def far(
    mongo: MongoEventStore, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MongoEventStore]:
    """The store of `mongo`, over a line that can be cut."""
    monkeypatch.setattr("eventstore.mongodb.SERVER_SELECTION_S", 1.0)
    store = MongoEventStore(f"mongodb://127.0.0.1:{proxy.port}/{mongo.database.name}?directConnection=true")
    assert store.store_id == mongo.store_id
    yield store
    store.close()


def test_an_append_whose_answer_is_lost_is_unknown_and_was_stored(
    mongo: MongoEventStore, far: MongoEventStore, proxy: CuttingProxy
) -> None:
    given = commit_of(("a", 1))
    proxy.suffer(Fault.LOSE_ANSWERS, INSERT)
    with pytest.raises(ResultUnknown):
        far.append(given)
    assert 2 <= proxy.hits <= 20  # the driver itself sends it again, at leisure, which the server notices
    assert mongo.find_command(given.command.id) == given
    assert len(mongo.read_stream("a")) == 1


def test_one_lost_answer_is_made_good_by_the_driver(
    mongo: MongoEventStore, far: MongoEventStore, proxy: CuttingProxy
) -> None:
    given = commit_of(("a", 1))
    proxy.suffer(Fault.LOSE_ANSWERS, INSERT, once=True)
    assert far.append(given) == given
    assert proxy.hits == 1
    assert len(mongo.read_stream("a")) == 1


def test_an_append_that_was_lost_on_the_way_is_unknown_and_was_not_stored(
    mongo: MongoEventStore, far: MongoEventStore, proxy: CuttingProxy
) -> None:
    given = commit_of(("a", 1))
    proxy.suffer(Fault.LOSE_REQUESTS, INSERT)
    with pytest.raises(ResultUnknown):
        far.append(given)
    assert 2 <= proxy.hits <= 20
    assert mongo.find_command(given.command.id) is None


def test_an_answer_lost_before_the_server_is_away_stays_unknown(
    mongo: MongoEventStore, far: MongoEventStore, proxy: CuttingProxy
) -> None:
    """The second try finds no server: that it was not sent says nothing about the first."""
    given = commit_of(("a", 1))
    proxy.suffer(Fault.LOSE_ANSWERS, INSERT, then_close=True)
    with pytest.raises(ResultUnknown):
        far.append(given)
    assert mongo.find_command(given.command.id) == given


def test_a_server_that_can_not_be_reached_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventstore.mongodb.SERVER_SELECTION_S", 0.2)
    store = MongoEventStore(f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true")
    with pytest.raises(StoreUnavailable, match="no MongoDB primary"):
        store.append(commit_of(("a", 1)))
    for ask in (store.head, lambda: store.find_command("k"), lambda: store.store_id):
        with pytest.raises(StoreUnavailable):
            ask()
    store.close()


def add_while(runner: Executor, happens: Callable[[], None]) -> Outcome:
    """Add one to a counter under the client's id; `happens` between the decision and the write."""

    def decide(streams: Streams) -> Decision:
        total = streams.load(COUNTER, "n")
        happens()
        return Decision({"total": total + 1}, [("counter-n", Added(amount=1))])

    return runner.execute(Add("n", 1), Context("a", "c", "k"), decide)


def test_a_command_whose_answers_are_lost_is_found_stored_once_the_line_is_healed(
    mongo: MongoEventStore, far: MongoEventStore, proxy: CuttingProxy
) -> None:
    def break_and_heal_later() -> None:
        proxy.suffer(Fault.LOSE_ANSWERS, INSERT, FIND)
        threading.Thread(target=heal_after_failed_look_ups).start()

    def heal_after_failed_look_ups() -> None:
        wait_until(lambda: proxy.hits >= 4, what="two inserts and two look-ups without an answer")
        proxy.heal()

    outcome = add_while(executor(far), break_and_heal_later)
    assert (outcome.result, outcome.replayed) == ({"total": 1}, False)
    assert proxy.hits >= 4
    assert [event.version for event in mongo.read_stream("counter-n")] == [1]
    assert add_while(executor(far), lambda: None).replayed


def test_a_command_that_never_arrived_is_unavailable_after_five_seconds_and_can_be_sent_again(
    mongo: MongoEventStore, far: MongoEventStore, proxy: CuttingProxy
) -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="not known yet"):
        add_while(executor(far), lambda: proxy.suffer(Fault.LOSE_REQUESTS, INSERT))
    waited_s = time.monotonic() - started
    assert UNKNOWN_RESULT_BOUND_S <= waited_s < APPEND_TIMEOUT_S + UNKNOWN_RESULT_BOUND_S + 5
    assert mongo.find_command("k") is None
    proxy.heal()
    assert not add_while(executor(far), lambda: None).replayed
    assert [event.version for event in mongo.read_stream("counter-n")] == [1]


def test_a_line_that_goes_silent_keeps_nobody_waiting_much_longer(
    mongo: MongoEventStore, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the driver tries, and the bound."""
    for name in ("mongodb.APPEND_TIMEOUT_S", "mongodb.LOOK_UP_TIMEOUT_S", "execute.UNKNOWN_RESULT_BOUND_S"):
        monkeypatch.setattr(f"eventstore.{name}", 0.5)
    far = MongoEventStore(f"mongodb://127.0.0.1:{proxy.port}/{mongo.database.name}?directConnection=true")
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="not known yet"):
        add_while(executor(far), lambda: proxy.suffer(Fault.SILENCE, INSERT, FIND))
    assert time.monotonic() - started < 2 * 0.5 + 5  # the driver's own time-outs would make it far more
    assert proxy.hits >= 2
    far.close()
