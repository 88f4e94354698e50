"""What comes out of a call, and when it is tried again."""

import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from backend_services.resilience import DependencyDown, Policy, Remote
from tests.backend_services.resilience.dependency import (
    BOUND_S,
    Conflict,
    Dependency,
    FakeClock,
    Make,
    Unreachable,
)


def test_a_call_gives_what_the_function_gives(dependency: Dependency) -> None:
    assert dependency.remote.call(divmod, 7, 2) == (3, 1)
    assert dependency.remote.call_once(int, "ff", base=16) == 255


@pytest.mark.parametrize("way", [Remote.call, Remote.call_once])
def test_an_answer_that_is_no_success_comes_out_unchanged_and_at_once(
    way: Callable[..., str], dependency: Dependency, clock: FakeClock
) -> None:
    with pytest.raises(Conflict, match="version 7 is taken"):
        way(dependency.remote, dependency.refuses)
    assert dependency.received == 1
    assert clock.waits_s == []


def test_a_function_that_stops_the_program_is_neither_retried_nor_counted(dependency: Dependency) -> None:
    def interrupted() -> None:
        dependency.received += 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dependency.remote.call(interrupted)
    assert dependency.received == 1
    assert dependency.calls() == {"success": 0, "failure": 0, "refused": 0}


@pytest.mark.parametrize("too_wide", [Exception, DependencyDown])
def test_transient_errors_may_not_include_our_own_refusals(too_wide: type[Exception]) -> None:
    with pytest.raises(ValueError, match="name the transient errors"):
        Remote("careless", (ConnectionError, too_wide))


def test_three_tries_are_made_and_then_the_dependency_is_down(dependency: Dependency) -> None:
    with pytest.raises(DependencyDown) as down:
        dependency.remote.call(dependency.fails)
    assert dependency.received == 3
    assert isinstance(down.value.__cause__, Unreachable)
    assert down.value.was_tried
    assert down.value.dependency == dependency.name
    assert down.value.retry_after_s == 1.0


def test_a_timeout_is_retried_until_the_dependency_answers(dependency: Dependency) -> None:
    def works_at_the_third_time() -> str:
        dependency.received += 1
        if dependency.received < 3:
            raise TimeoutError
        return "answer"

    assert dependency.remote.call(works_at_the_third_time) == "answer"
    assert dependency.received == 3
    assert dependency.metric("waybill_retries_total") == 2


def test_a_conflict_met_on_a_retry_ends_the_call(dependency: Dependency, clock: FakeClock) -> None:
    def fails_then_refuses() -> str:
        return dependency.fails() if dependency.received == 0 else dependency.refuses()

    with pytest.raises(Conflict):
        dependency.remote.call(fails_then_refuses)
    assert dependency.received == 2


def test_call_once_makes_one_try_and_does_not_wait(dependency: Dependency, clock: FakeClock) -> None:
    with pytest.raises(DependencyDown) as down:
        dependency.remote.call_once(dependency.fails)
    assert dependency.received == 1
    assert clock.waits_s == []
    assert isinstance(down.value.__cause__, Unreachable)
    assert down.value.was_tried


@pytest.mark.parametrize(("jitter", "waits_s"), [(0.0, [1.0, 2.0, 4.0, 8.0]), (0.5, [1.5, 2.5, 4.5, 8.5])])
def test_waits_double_and_jitter_is_added_to_each(
    jitter: float, waits_s: list[float], make: Make, clock: FakeClock
) -> None:
    dependency = make(Policy(tries=5, total_timeout_s=60.0), lambda: jitter)
    with pytest.raises(DependencyDown):
        dependency.remote.call(dependency.fails)
    assert clock.waits_s == pytest.approx(waits_s)


def test_without_a_fixed_jitter_the_waits_differ_and_stay_within_bounds(clock: FakeClock) -> None:
    remote = Remote(f"test-{uuid4()}", (Unreachable,), Policy(least_calls=1_000), clock)

    def fails() -> None:
        raise Unreachable

    for _ in range(50):
        with pytest.raises(DependencyDown):
            remote.call(fails)
    firsts, seconds = clock.waits_s[::2], clock.waits_s[1::2]
    assert all(1.0 <= wait_s < 2.0 for wait_s in firsts)
    assert all(2.0 <= wait_s < 3.0 for wait_s in seconds)
    assert len({*firsts, *seconds}) > 50


def test_no_try_starts_after_the_total_timeout(make: Make, clock: FakeClock) -> None:
    dependency = make(Policy(tries=5, total_timeout_s=30.0, first_wait_s=1.0), lambda: 0.0)

    def hangs() -> None:
        dependency.received += 1
        clock.pass_by(14.5)
        raise TimeoutError

    with pytest.raises(DependencyDown) as down:
        dependency.remote.call(hangs)
    assert dependency.received == 2  # 14.5 + 1 + 14.5 = 30
    assert isinstance(down.value.__cause__, TimeoutError)


def test_no_wait_is_begun_that_would_end_after_the_total_timeout(make: Make, clock: FakeClock) -> None:
    dependency = make(Policy(tries=5, total_timeout_s=7.0), lambda: 0.0)
    with pytest.raises(DependencyDown):
        dependency.remote.call(dependency.fails)
    assert clock.waits_s == [1.0, 2.0]  # a third wait of 4 s would end at 7 s


def test_the_time_counts_from_each_call_anew(make: Make, clock: FakeClock) -> None:
    dependency = make(Policy(total_timeout_s=10.0))
    clock.pass_by(100.0)
    with pytest.raises(DependencyDown):
        dependency.remote.call(dependency.fails)
    assert dependency.received == 3


def test_on_the_clock_of_this_machine_a_wait_takes_its_time() -> None:
    remote = Remote(f"test-{uuid4()}", (Unreachable,), Policy(tries=2, first_wait_s=0.02))
    began = time.monotonic()

    def fails() -> None:
        raise Unreachable

    with pytest.raises(DependencyDown):
        remote.call(fails)
    assert 0.02 <= time.monotonic() - began < BOUND_S
