"""A remote dependency that does what a test says, and a clock that stands still unless a test or a wait moves it."""

from collections.abc import Callable
from threading import Event, Lock

import pytest
from prometheus_client import REGISTRY

from backend_services.resilience import Clock, DependencyDown, Policy, Remote

BOUND_S = 10.0  # how long a test waits for its own threads before it fails


class Unreachable(ConnectionError):
    """What a client library raises when the other side is away: transient."""


class Conflict(Exception):
    """An answer of a dependency that works."""


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.waits_s: list[float] = []
        self._lock = Lock()

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float, /) -> None:
        with self._lock:
            self.waits_s.append(seconds)
            self.now_s += seconds

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds


class Dependency:
    """The other side: counts what reaches it, and does to each call what the test said."""

    def __init__(self, name: str, clock: Clock, policy: Policy, jitter: Callable[[], float]) -> None:
        self.name = name
        self.received = 0
        self.remote = Remote(name, (Unreachable, TimeoutError), policy, clock, jitter)

    def works(self) -> str:
        self.received += 1
        return "answer"

    def fails(self) -> str:
        self.received += 1
        raise Unreachable("away")

    def refuses(self) -> str:
        self.received += 1
        raise Conflict("version 7 is taken")

    def succeed(self, times: int) -> None:
        for _ in range(times):
            assert self.remote.call_once(self.works) == "answer"

    def fail(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(DependencyDown) as down:
                self.remote.call_once(self.fails)
            assert down.value.was_tried

    def metric(self, name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"dependency": self.name, **labels})

    def calls(self) -> dict[str, float | None]:
        outcomes = ("success", "failure", "refused")
        return {outcome: self.metric("waybill_calls_total", outcome=outcome) for outcome in outcomes}


class Counted:
    """Waits until something has happened `times` times."""

    def __init__(self, times: int) -> None:
        self._left = times
        self._lock = Lock()
        self._done = Event()

    def count(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._done.set()

    def wait(self) -> None:
        assert self._done.wait(BOUND_S), f"{self._left} more were expected"


Make = Callable[..., Dependency]
