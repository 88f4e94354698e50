"""Any order of appends, conflicts, re-sends and reopenings agrees with a list."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from eventstore.execute import CommandReused, Refusal
from eventstore.factory import open_event_store
from eventstore.ports import SlotTaken
from tests.eventstore.samples import COUNTER, add, commit_of, executor

streams = st.sampled_from(["a", "b", "c"])
amounts = st.integers(-3, 5)


class StoreMachine(RuleBasedStateMachine):
    """The model: one list of (stream, amount) in log order, and the answers by command id."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp())
        self._open()
        self.log: list[tuple[str, int]] = []
        self.answers: dict[str, tuple[str, int, object]] = {}

    def _open(self) -> None:
        self.store = open_event_store(f"sqlite:///{self._folder}/events.db")
        self.runner = executor(self.store)

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
        self._open()

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
        shutil.rmtree(self._folder)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
