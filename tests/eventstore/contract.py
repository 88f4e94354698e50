"""What every `EventStore` keeps (eventstore/ports.py). An adapter joins by a subclass with its own fixtures."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventstore.ports import EventStore, SlotTaken
from eventstore.records import MAX_EVENTS_PER_COMMIT
from tests.eventstore.samples import commit_of, some_id, unplaced


class EventStoreContract:
    """Tests of the contract; `store` is an empty store, `reopen` closes it and opens it again.

    `settle` returns when everything accepted has its position; some stores give those a moment later.
    """

    @pytest.fixture
    def opened(self) -> Iterator[list[EventStore]]:
        """What fixtures open; it is closed in the end."""
        stores: list[EventStore] = []
        yield stores
        for store in stores:
            store.close()

    @pytest.fixture
    def store(self) -> EventStore:
        raise NotImplementedError

    @pytest.fixture
    def reopen(self) -> Callable[[], EventStore]:
        raise NotImplementedError

    @pytest.fixture
    def settle(self) -> Callable[[], None]:
        return lambda: None

    def test_an_appended_commit_is_read_back_whole(self, store: EventStore) -> None:
        given = commit_of(("a", 1), ("b", 1), ("a", 2))
        assert unplaced(store.append(given)) == given
        found = store.find_command(given.command.id)
        assert found is not None
        assert unplaced(found) == given
        assert [event.version for event in store.read_stream("a")] == [1, 2]
        assert [event.stream for event in store.read_stream("b")] == ["b"]
        assert store.read_stream("c") == []

    def test_a_taken_version_refuses_the_whole_commit(
        self, store: EventStore, settle: Callable[[], None]
    ) -> None:
        store.append(commit_of(("a", 1)))
        late = commit_of(("b", 1), ("a", 1))
        with pytest.raises(SlotTaken):
            store.append(late)
        assert store.read_stream("b") == []
        assert store.find_command(late.command.id) is None
        settle()
        assert store.head() == 1

    def test_a_taken_command_id_refuses_the_commit(self, store: EventStore) -> None:
        command_id = some_id()
        store.append(commit_of(("a", 1), command_id=command_id))
        with pytest.raises(SlotTaken):
            store.append(commit_of(("b", 1), command_id=command_id))

    def test_one_version_twice_in_one_commit_is_refused(self, store: EventStore) -> None:
        with pytest.raises(SlotTaken):
            store.append(commit_of(("a", 1), ("a", 1)))
        assert store.read_stream("a") == []

    def test_streams_whose_names_resemble_each_other_stay_apart(self, store: EventStore) -> None:
        store.append(commit_of(("a-1", 1)))
        store.append(commit_of(("a-10", 1)))
        store.append(commit_of(("a-1", 2)))
        assert [event.stream for event in store.read_stream("a-1")] == ["a-1", "a-1"]

    def test_several_streams_are_read_at_once(self, store: EventStore, settle: Callable[[], None]) -> None:
        store.append(commit_of(("a-1", 1), ("b-1", 1), ("a-1", 2)))
        store.append(commit_of(("a-10", 1), ("other", 1)))
        for version in range(3, 13):
            store.append(commit_of(("a-1", version)))
        settle()

        found = store.read_streams(["a-1", "b-1", "a-10", "nobody"])

        assert set(found) == {"a-1", "b-1", "a-10"}
        assert found["a-1"] == store.read_stream("a-1")
        assert [event.version for event in found["a-1"]] == list(range(1, 13))
        assert [event.stream for event in found["b-1"] + found["a-10"]] == ["b-1", "a-10"]
        assert store.read_streams([]) == {}

    def test_versions_are_read_in_numeric_order(self, store: EventStore) -> None:
        for version in range(1, 13):
            store.append(commit_of(("a", version)))
        assert [event.version for event in store.read_stream("a", after_version=8)] == [9, 10, 11, 12]

    def test_rejected_and_empty_commits_are_found_but_have_no_position(self, store: EventStore) -> None:
        rejected = store.append(commit_of(outcome="rejected"))
        nothing = store.append(commit_of())
        assert rejected.last_position is None
        assert store.find_command(rejected.command.id) == rejected
        assert store.find_command(nothing.command.id) == nothing
        assert store.head() == 0

    def test_the_log_is_gapless_under_concurrent_appenders(
        self, store: EventStore, settle: Callable[[], None]
    ) -> None:
        def append_many(name: str) -> None:
            for version in range(1, 21):
                store.append(commit_of((name, version), (f"{name}-twin", version)))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(append_many, [f"s{number}" for number in range(8)]))
        settle()
        events = store.read_events(0, 1_000)
        assert [event.log_position for event in events] == list(range(1, 321))
        assert store.head() == 320
        for name in ("s0", "s7-twin"):
            assert [event.version for event in events if event.stream == name] == list(range(1, 21))

    def test_a_reader_never_sees_an_event_appear_behind_it(
        self, store: EventStore, settle: Callable[[], None]
    ) -> None:
        done = threading.Event()
        seen: list[int] = []

        def read_along() -> None:
            while not (done.is_set() and store.head() == len(seen)):
                seen.extend(event.log_position for event in store.read_events(seen[-1] if seen else 0, 7))

        reader = threading.Thread(target=read_along)
        reader.start()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: store.append(commit_of((f"s{number}", 1))), range(200)))
        settle()
        done.set()
        reader.join(30)
        assert seen == list(range(1, 201))

    def test_one_writer_wins_a_version(self, store: EventStore) -> None:
        def attempt(_: int) -> bool:
            try:
                store.append(commit_of(("contended", 1)))
            except SlotTaken:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(attempt, range(48))) == 1

    def test_pages_may_cut_a_commit(self, store: EventStore, settle: Callable[[], None]) -> None:
        store.append(commit_of(("a", 1), ("b", 1), ("c", 1)))
        store.append(commit_of(("a", 2)))
        settle()
        read: list[str] = []
        after = 0
        while page := store.read_events(after, 2):
            assert len(page) <= 2
            read += [f"{event.stream}{event.version}" for event in page]
            after = page[-1].log_position
        assert read == ["a1", "b1", "c1", "a2"]

    def test_waiting_ends_when_something_is_appended(self, store: EventStore) -> None:
        woken = threading.Event()

        def wait() -> None:
            store.wait_for_events(0, 20)
            woken.set()

        threading.Thread(target=wait, daemon=True).start()
        assert not woken.wait(0.1)
        store.append(commit_of(("a", 1)))
        assert woken.wait(5)

    def test_waiting_ends_at_its_bound(self, store: EventStore) -> None:
        store.wait_for_events(0, 0.05)
        assert store.head() == 0

    def test_everything_is_there_after_opening_again(
        self, store: EventStore, reopen: Callable[[], EventStore], settle: Callable[[], None]
    ) -> None:
        text = {"amount": 1, "text": "Äijä 🚲 " + "x" * 100_000}
        store.append(commit_of(("a", 1), data=text))
        settle()
        before = store.read_stream("a")
        name = store.store_id
        again = reopen()
        assert again.store_id == name
        assert again.read_stream("a") == before
        assert before[0].data == text
        again.append(commit_of(("a", 2)))
        settle()
        assert again.head() == 2

    def test_a_commit_has_a_limit(self) -> None:
        with pytest.raises(ValueError, match="at most 256"):
            commit_of(*(("a", version) for version in range(1, MAX_EVENTS_PER_COMMIT + 2)))
