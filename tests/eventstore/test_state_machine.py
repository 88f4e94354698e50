"""Any order of appends, conflicts, re-sends and reopenings agrees with a list, on both stores."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from eventstore.execute import CommandReused, Refusal
from eventstore.factory import open_event_store
from eventstore.ports import EventStore, SlotTaken
from tests.eventstore.samples import COUNTER, SelfPlacingStore, add, commit_of, executor

streams = st.sampled_from(["a", "b", "c"])
amounts = st.integers(-3, 5)


SETTINGS = settings(stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class StoreMachine(RuleBasedStateMachine):
    """The model: one list of (stream, amount) in log order, and the answers by command id."""

    def __init__(self) -> None:
        super().__init__()
        self.start_empty()
        self.log: list[tuple[str, int]] = []
        self.answers: dict[str, tuple[str, int, object]] = {}

    def start_empty(self) -> None:
        """Open a store without commits."""
        raise NotImplementedError

    def open(self, store: EventStore) -> None:
        self.store = store
        self.runner = executor(store)

    def open_again(self) -> None:
        """Open what was closed."""
        raise NotImplementedError

    def total(self, stream: str) -> int:
        return sum(amount for name, amount in self.log if name == stream)

    @rule(stream=streams, amount=amounts, with_id=st.booleans())
    def send(self, stream: str, amount: int, with_id: bool) -> None:
        command_id = f"k{len(self.answers)}" if with_id else None
        answer: object
        if self.total(stream) + amount < 0:
            with pytest.raises(Refusal) as refused:
                add(self.runner, stream, amount, command_id)
            answer = refused.value.code
        else:
            answer = add(self.runner, stream, amount, command_id).result
            self.log.append((stream, amount))
            assert answer == {"total": self.total(stream)}
        if command_id is not None:
            self.answers[command_id] = (stream, amount, answer)

    @rule(pick=st.integers(0, 50), changed=st.booleans())
    def send_again(self, pick: int, changed: bool) -> None:
        if not self.answers:
            return
        command_id = list(self.answers)[pick % len(self.answers)]
        stream, amount, answer = self.answers[command_id]
        if changed:
            with pytest.raises(CommandReused):
                add(self.runner, stream, amount + 1, command_id)
            return
        if isinstance(answer, str):
            with pytest.raises(Refusal) as refused:
                add(self.runner, stream, amount, command_id)
            assert (refused.value.code, refused.value.replayed) == (answer, True)
        else:
            outcome = add(self.runner, stream, amount, command_id)
            assert (outcome.result, outcome.replayed) == (answer, True)

    @rule(stream=streams)
    def append_to_a_taken_version(self, stream: str) -> None:
        versions = sum(name == stream for name, _ in self.log)
        if versions:
            with pytest.raises(SlotTaken):
                self.store.append(commit_of(("fresh", 1), (f"counter-{stream}", versions)))

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.open_again()

    @invariant()
    def the_log_is_the_list(self) -> None:
        events = self.store.read_events(0, 10_000)
        assert [event.log_position for event in events] == list(range(1, len(self.log) + 1))
        assert [(event.stream.removeprefix("counter-"), event.data["amount"]) for event in events] == self.log

    @invariant()
    def each_stream_folds_to_its_total(self) -> None:
        for stream in ("a", "b", "c"):
            assert self.runner.load(COUNTER, stream) == self.total(stream)
        assert self.store.read_stream("fresh") == []

    def teardown(self) -> None:
        self.store.close()


class SqliteMachine(StoreMachine):
    def start_empty(self) -> None:
        self._folder = Path(tempfile.mkdtemp())
        self.open_again()

    def open_again(self) -> None:
        self.open(open_event_store(f"sqlite:///{self._folder}/events.db"))

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self._folder)


def test_sqlite_agrees_with_a_list() -> None:
    run_state_machine_as_test(SqliteMachine, settings=settings(SETTINGS, max_examples=25))


def test_mongodb_agrees_with_a_list(mongo_url: str) -> None:
    class MongoMachine(StoreMachine):
        def start_empty(self) -> None:
            self.open_again()
            assert self.store.store_id
            self.store.commits.delete_many({})  # type: ignore[attr-defined]

        def open_again(self) -> None:
            self.open(SelfPlacingStore(mongo_url))

    run_state_machine_as_test(MongoMachine, settings=settings(SETTINGS, max_examples=10))
