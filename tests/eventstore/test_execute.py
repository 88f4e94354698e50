"""`execute` on both stores: once per command id, again on lost races, never a guess about what may be stored."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventstore.execute import CommandReused, Contention, Context, Decision, Refusal, Streams
from eventstore.locks import InProcessLocks
from eventstore.ports import EventStore, ResultUnknown, SlotTaken, StoreUnavailable
from eventstore.records import Commit
from tests.eventstore.samples import CODEC, COUNTER, Add, Added, add, commit_of, executor


def test_a_re_send_gets_the_stored_answer_and_changes_nothing(store: EventStore) -> None:
    runner = executor(store)
    first = add(runner, "n", 5, command_id="k")
    add(runner, "n", 1)
    again = add(runner, "n", 5, command_id="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.result == first.result == {"total": 5}
    assert runner.load(COUNTER, "n") == 6


@pytest.mark.parametrize("change", [{"amount": 6}, {"actor": "somebody else"}, {"counter": "m"}])
def test_the_same_id_with_another_command_is_refused(store: EventStore, change: dict[str, object]) -> None:
    runner = executor(store)
    add(runner, "n", 5, command_id="k")
    with pytest.raises(CommandReused):
        add(runner, **({"counter": "n", "amount": 5, "command_id": "k"} | change))  # type: ignore[arg-type]


def test_a_refusal_with_the_clients_id_is_stored_and_given_again(store: EventStore) -> None:
    runner = executor(store)
    with pytest.raises(Refusal) as first:
        add(runner, "n", -1, command_id="k")
    add(runner, "n", 10)
    with pytest.raises(Refusal) as again:
        add(runner, "n", -1, command_id="k")
    assert (first.value.replayed, again.value.replayed) == (False, True)
    assert (again.value.code, again.value.message, again.value.details) == (
        "too_low",
        "0 is too low.",
        {"total": 0},
    )


def test_a_refusal_without_the_clients_id_is_not_stored(store: EventStore) -> None:
    with pytest.raises(Refusal):
        add(executor(store), "n", -1)
    assert store.head() == 0


def test_concurrent_adders_all_count_once(store: EventStore) -> None:
    runner, locks = executor(store), InProcessLocks()

    def add_ten(_: int) -> None:
        for _ in range(10):
            with locks.hold(["n"], wait_s=10):
                add(runner, "n")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_ten, range(8)))
    assert runner.load(COUNTER, "n") == 80
    assert [event.version for event in store.read_stream("counter-n")] == list(range(1, 81))


def test_a_lost_race_is_decided_again_on_the_new_state(store: EventStore) -> None:
    runner, rival = executor(store), executor(store)
    seen: list[int] = []

    def decide(streams: Streams) -> Decision:
        total = streams.load(COUNTER, "n")
        seen.append(total)
        if len(seen) == 1:
            add(rival, "n", 7)  # somebody is faster between decision and write
        return Decision({}, [("counter-n", Added(amount=1))])

    runner.execute(Add("n", 1), Context("a", "c"), decide)
    assert seen == [0, 7]
    assert runner.load(COUNTER, "n") == 8


def test_eight_lost_races_are_contention(store: EventStore) -> None:
    runner, rival = executor(store), executor(store)
    tries: list[int] = []

    def decide(streams: Streams) -> Decision:
        streams.load(COUNTER, "n")
        tries.append(1)
        add(rival, "n")
        return Decision({}, [("counter-n", Added(amount=1))])

    with pytest.raises(Contention):
        runner.execute(Add("n", 1), Context("a", "c"), decide)
    assert len(tries) == 8


def test_states_of_different_moments_are_a_lost_race(store: EventStore) -> None:
    """The rival empties both streams after the first was loaded: of the second there is nothing left to take."""
    runner, rival = executor(store), executor(store)
    add(runner, "m", 2)
    seen: list[tuple[int, int]] = []

    def take_both(streams: Streams) -> Decision:
        streams.load(COUNTER, "n"), streams.load(COUNTER, "m")
        return Decision({}, [("counter-n", Added(amount=1)), ("counter-m", Added(amount=-2))])

    def decide(streams: Streams) -> Decision:
        here = streams.load(COUNTER, "n")
        if not seen:
            rival.execute(Add("n", 1), Context("b", "c"), take_both)
        there = streams.load(COUNTER, "m")
        seen.append((here, there))
        taken = [("counter-m", Added(amount=-there))] if there else []
        given = [] if here else [("counter-n", Added(amount=1))]
        return Decision({"here": here}, [*given, *taken])

    outcome = runner.execute(Add("n", 1), Context("a", "c", "k"), decide)
    assert seen == [(0, 0), (1, 0)]
    assert outcome.result == {"here": 1}
    assert (runner.load(COUNTER, "n"), runner.load(COUNTER, "m")) == (1, 0)


def test_a_stream_that_was_read_must_be_written(store: EventStore) -> None:
    def decide(streams: Streams) -> Decision:
        streams.load(COUNTER, "looked-at")
        return Decision({}, [("counter-n", Added(amount=1))])

    with pytest.raises(AssertionError, match="write skew"):
        executor(store).execute(Add("n", 1), Context("a", "c"), decide)
    assert store.head() == 0


def test_a_command_that_changes_nothing_is_stored_only_under_the_clients_id(store: EventStore) -> None:
    runner = executor(store)
    for command_id in (None, "k"):
        outcome = runner.execute(
            Add("n", 0), Context("a", "c", command_id), lambda _: Decision({"same": True})
        )
        assert outcome.last_position is None
    assert store.head() == 0
    assert store.find_command("k") is not None


class RepliesLost:
    """A fault at the port: the first append is applied (or not), but its answer never comes."""

    def __init__(self, store: EventStore, is_applied: bool) -> None:
        self._store = store
        self._is_applied = is_applied
        self._broken = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def append(self, commit: Commit) -> Commit:
        if self._broken:
            return self._store.append(commit)
        self._broken = True
        if self._is_applied:
            self._store.append(commit)
        raise ResultUnknown("the line went dead")


def test_a_lost_reply_is_looked_up_and_found(store: EventStore) -> None:
    runner = executor(RepliesLost(store, is_applied=True))  # type: ignore[arg-type]
    assert add(runner, "n", 3).result == {"total": 3}
    assert store.head() == 1


def test_a_lost_request_is_unavailable_and_can_be_sent_again(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.execute.UNKNOWN_RESULT_BOUND_S", 0.2)
    runner = executor(RepliesLost(store, is_applied=False))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        add(runner, "n", 3, command_id="k")
    assert add(runner, "n", 3, command_id="k").replayed is False
    assert store.head() == 1


def test_the_cache_continues_where_it_stopped(store: EventStore) -> None:
    cached = executor(store)
    for _ in range(5):
        add(cached, "n", 2)
        add(executor(store), "n", 3)
        assert cached.load(COUNTER, "n") == executor(store).load(COUNTER, "n")


def test_damaged_history_is_never_skipped(store: EventStore) -> None:
    store.append(commit_of(("counter-n", 1), data={"amount": 1, "unknown": 2}))
    with pytest.raises(Exception, match="unknown"):
        executor(store).load(COUNTER, "n")
    assert CODEC.classes


class TestLocks:
    def test_the_block_runs_though_a_lock_is_held(self) -> None:
        locks = InProcessLocks()
        with locks.hold(["a"]), locks.hold(["a", "b"], wait_s=0.02):
            assert set(locks._locks) == {"a", "b"} or set(locks._locks) == {"a"}
        assert locks._locks == {}

    def test_opposite_orders_do_not_deadlock(self) -> None:
        locks, inside = InProcessLocks(), []

        def work(names: list[str]) -> None:
            for _ in range(200):
                with locks.hold(names, wait_s=5):
                    inside.append(threading.get_ident())

        threads = [threading.Thread(target=work, args=(names,)) for names in (["a", "b"], ["b", "a"])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(inside) == 400


def test_a_slot_taken_by_our_own_command_is_success(store: EventStore) -> None:
    """Two requests with one id: one is stored, the other finds it at its append and gives the same answer."""
    runner = executor(store)
    barrier = threading.Barrier(2, timeout=10)

    def send(_: int) -> object:
        passed: list[int] = []

        def decide(streams: Streams) -> Decision:
            total = streams.load(COUNTER, "n")
            if not passed:
                passed.append(1)
                barrier.wait()  # both have looked the id up before either is stored
            return Decision({"total": total + 1}, [("counter-n", Added(amount=1))])

        return runner.execute(Add("n", 1), Context("a", "c", "k"), decide).result

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, range(2))) == [{"total": 1}, {"total": 1}]
    assert store.head() == 1
    with pytest.raises(SlotTaken):
        store.append(commit_of(("z", 1), command_id="k"))
