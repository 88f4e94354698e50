"""Given these events, when this is decided, then these events or that refusal. Pure: no store, no clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import pytest

from eventstore.codec import Event
from eventstore.execute import Aggregate, Refusal

State = TypeVar("State")
Decided = TypeVar("Decided")

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


class Given(Generic[State]):
    """An aggregate with a past."""

    def __init__(self, aggregate: Aggregate[State], events: Sequence[Event] = ()) -> None:
        self.state = aggregate.initial
        for event in events:
            self.state = aggregate.evolve(self.state, event)
        self._aggregate = aggregate

    def when(self, decide: Callable[[State], Decided]) -> "When[Decided]":
        """Decide on the state."""
        return When(lambda: decide(self.state))

    def after(self, events: Sequence[Event]) -> "Given[State]":
        """The same aggregate a little later."""
        later = Given(self._aggregate)
        later.state = self.state
        for event in events:
            later.state = self._aggregate.evolve(later.state, event)
        return later


class When(Generic[Decided]):
    """A decision that is about to be judged."""

    def __init__(self, decide: Callable[[], Decided]) -> None:
        self._decide = decide

    def then(self, *events: Event) -> None:
        """Exactly these events."""
        assert list(self._decide()) == list(events)  # type: ignore[call-overload]

    def then_types(self, *names: str) -> list[Event]:
        """Events of exactly these types; returns them."""
        events = list(self._decide())  # type: ignore[call-overload]
        assert [event.TYPE for event in events] == list(names)
        return events

    def then_nothing(self) -> None:
        """Accepted, and nothing changes."""
        assert list(self._decide()) == []  # type: ignore[call-overload]

    def then_refused(self, code: str, **details: Any) -> Refusal:
        """A refusal with that code and at least these details."""
        with pytest.raises(Refusal) as refused:
            self._decide()
        assert refused.value.code == code
        assert details.items() <= refused.value.details.items()
        assert refused.value.message.endswith((".", "?"))
        return refused.value
