"""How many calls run at once. Here threads wait in real time: for each other, not for a moment."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock
from uuid import uuid4

import pytest

from backend_services.resilience import DependencyDown, Policy, Remote
from tests.backend_services.resilience.dependency import (
    BOUND_S,
    Conflict,
    Counted,
    FakeClock,
    Make,
    Unreachable,
)


def test_the_bulkhead_admits_so_many_and_refuses_the_next_after_its_wait(
    make: Make, threads: ThreadPoolExecutor
) -> None:
    dependency = make(Policy(most_at_once=3, bulkhead_wait_s=0.1))
    inside, leave = Counted(3), Event()

    def stay() -> str:
        inside.count()
        assert leave.wait(BOUND_S)
        return "answer"

    staying = [threads.submit(dependency.remote.call, stay) for _ in range(3)]
    inside.wait()
    began = time.monotonic()
    with pytest.raises(DependencyDown, match="all 3 places are taken") as down:
        dependency.remote.call(dependency.works)
    waited_s = time.monotonic() - began
    leave.set()
    assert 0.1 <= waited_s < BOUND_S
    assert dependency.received == 0
    assert not down.value.was_tried
    assert down.value.retry_after_s == 1.0
    assert [future.result(BOUND_S) for future in staying] == ["answer"] * 3
    assert dependency.calls() == {"success": 3, "failure": 0, "refused": 1}
    assert dependency.remote.state == "closed"


def test_threads_that_wait_get_the_places_that_come_free(make: Make, threads: ThreadPoolExecutor) -> None:
    dependency = make(Policy(most_at_once=2, bulkhead_wait_s=BOUND_S))
    together, arrived, lock = Barrier(12), Counted(12), Lock()
    inside: set[int] = set()
    most = 0

    def visit(visitor: int) -> None:
        nonlocal most
        with lock:
            inside.add(visitor)
            most = max(most, len(inside))
        arrived.wait()
        with lock:
            inside.remove(visitor)

    def call(visitor: int) -> None:
        together.wait(BOUND_S)
        arrived.count()
        dependency.remote.call(visit, visitor)

    for future in [threads.submit(call, visitor) for visitor in range(12)]:
        future.result(BOUND_S)
    assert 1 <= most <= 2
    assert dependency.calls() == {"success": 12, "failure": 0, "refused": 0}


def test_a_place_is_given_back_however_the_call_ends(make: Make, clock: FakeClock) -> None:
    dependency = make(Policy(most_at_once=1, bulkhead_wait_s=0.0))
    dependency.succeed(2)
    dependency.fail(1)
    with pytest.raises(Conflict):
        dependency.remote.call(dependency.refuses)
    dependency.fail(6)
    for _ in range(2):
        with pytest.raises(DependencyDown, match="the breaker is open"):
            dependency.remote.call(dependency.works)
    clock.pass_by(15.0)
    dependency.succeed(1)


def test_a_call_keeps_its_place_while_it_waits_for_its_next_try(make: Make) -> None:
    refusals: list[str] = []

    class AskingClock(FakeClock):
        def sleep(self, seconds: float, /) -> None:
            super().sleep(seconds)
            with pytest.raises(DependencyDown) as down:
                remote.call_once(str)
            refusals.append(str(down.value))

    policy = Policy(most_at_once=1, bulkhead_wait_s=0.0, tries=2)
    remote = Remote(f"test-{uuid4()}", (Unreachable,), policy, AskingClock())

    def fails() -> None:
        raise Unreachable

    with pytest.raises(DependencyDown):
        remote.call(fails)
    assert len(refusals) == 1
    assert "all 1 places are taken" in refusals[0]


def test_two_hundred_threads_may_share_it(make: Make) -> None:
    dependency = make(Policy(most_at_once=200, bulkhead_wait_s=0.0))
    inside = Barrier(200)

    with ThreadPoolExecutor(200) as many:
        waiting = [many.submit(dependency.remote.call, inside.wait, BOUND_S) for _ in range(200)]
        assert sorted(future.result(BOUND_S) for future in waiting) == list(range(200))
    assert dependency.calls() == {"success": 200, "failure": 0, "refused": 0}
