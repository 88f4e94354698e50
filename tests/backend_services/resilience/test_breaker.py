"""When the breaker opens, what it does then, and what its probe decides."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from backend_services.resilience import BreakerState, DependencyDown, Policy, Remote, refusing_breakers
from tests.backend_services.resilience.dependency import (
    BOUND_S,
    Conflict,
    Counted,
    Dependency,
    FakeClock,
    Unreachable,
)

# When the breaker opens


@pytest.mark.parametrize(
    ("successes", "failures", "state"),
    [(6, 4, "closed"), (11, 10, "closed"), (5, 5, "open"), (11, 11, "open"), (0, 10, "open"), (2, 8, "open")],
)
def test_the_breaker_opens_when_half_of_the_tries_failed(
    successes: int, failures: int, state: BreakerState, dependency: Dependency
) -> None:
    dependency.succeed(successes)
    dependency.fail(failures)
    assert dependency.remote.state == state
    assert dependency.received == successes + failures


def test_fewer_than_ten_tries_never_open_it(dependency: Dependency) -> None:
    dependency.fail(9)
    assert dependency.remote.state == "closed"
    dependency.fail(1)
    assert dependency.remote.state == "open"


def test_failures_older_than_the_window_are_forgotten(dependency: Dependency, clock: FakeClock) -> None:
    dependency.fail(9)
    clock.pass_by(30.0)
    dependency.fail(9)
    assert dependency.remote.state == "closed"


def test_failures_within_the_window_are_remembered(dependency: Dependency, clock: FakeClock) -> None:
    dependency.fail(9)
    clock.pass_by(29.0)
    dependency.fail(1)
    assert dependency.remote.state == "open"


def test_successes_older_than_the_window_do_not_hide_an_outage(
    dependency: Dependency, clock: FakeClock
) -> None:
    dependency.succeed(100)
    clock.pass_by(30.0)
    dependency.fail(10)
    assert dependency.remote.state == "open"


def test_conflicts_do_not_count_against_the_dependency(dependency: Dependency) -> None:
    for _ in range(30):
        with pytest.raises(Conflict):
            dependency.remote.call(dependency.refuses)
    dependency.fail(9)
    assert dependency.remote.state == "closed"  # 9 of 39


def test_slow_successes_do_not_open_it(dependency: Dependency, clock: FakeClock) -> None:
    def inside_each_other(depth: int) -> None:
        if depth > 0:
            dependency.remote.call(inside_each_other, depth - 1)
        else:
            clock.pass_by(300.0)

    dependency.remote.call(inside_each_other, 20)  # 21 calls of 300 s that end together
    assert dependency.calls() == {"success": 21, "failure": 0, "refused": 0}
    assert dependency.remote.state == "closed"


def test_every_try_of_a_call_counts_and_a_retry_that_finds_it_open_is_refused(
    dependency: Dependency, clock: FakeClock
) -> None:
    for _ in range(3):
        with pytest.raises(DependencyDown):
            dependency.remote.call(dependency.fails)
    assert dependency.remote.state == "closed"
    with pytest.raises(DependencyDown) as down:
        dependency.remote.call(dependency.fails)
    assert dependency.received == 10
    assert isinstance(down.value.__cause__, Unreachable)
    assert down.value.was_tried
    assert down.value.retry_after_s == pytest.approx(15.0 - clock.waits_s[-1])


def test_the_call_that_opens_it_says_to_wait_for_the_break(dependency: Dependency) -> None:
    dependency.fail(9)
    with pytest.raises(DependencyDown) as down:
        dependency.remote.call_once(dependency.fails)
    assert down.value.retry_after_s == 15.0


# While it is open


@pytest.mark.parametrize("way", [Remote.call, Remote.call_once])
def test_an_open_breaker_refuses_at_once_and_says_for_how_long(
    way: Callable[..., str], broken: Dependency, clock: FakeClock
) -> None:
    clock.pass_by(4.0)
    with pytest.raises(DependencyDown) as down:
        way(broken.remote, broken.works)
    assert broken.received == 0
    assert clock.waits_s == []
    assert down.value.retry_after_s == pytest.approx(11.0)
    assert down.value.dependency == broken.name
    assert not down.value.was_tried


def test_it_refuses_until_fifteen_seconds_have_passed(broken: Dependency, clock: FakeClock) -> None:
    clock.pass_by(14.9)
    with pytest.raises(DependencyDown):
        broken.remote.call_once(broken.works)
    assert broken.received == 0
    clock.pass_by(0.1)
    assert broken.remote.call_once(broken.works) == "answer"


def test_a_late_success_of_a_call_from_before_does_not_close_it(dependency: Dependency) -> None:
    def succeeds_after_the_others_failed() -> str:
        dependency.fail(10)
        return "late"

    assert dependency.remote.call_once(succeeds_after_the_others_failed) == "late"
    assert dependency.remote.state == "open"


# The probe


def test_a_probe_that_succeeds_closes_it_with_a_clean_window(broken: Dependency, clock: FakeClock) -> None:
    clock.pass_by(15.0)
    broken.succeed(1)
    assert broken.remote.state == "closed"
    broken.fail(9)
    assert broken.remote.state == "closed"


def test_a_slow_probe_that_succeeds_closes_it(broken: Dependency, clock: FakeClock) -> None:
    clock.pass_by(15.0)
    broken.remote.call_once(clock.pass_by, 300.0)
    assert broken.remote.state == "closed"


def test_a_probe_that_gets_a_conflict_has_reached_the_dependency(
    broken: Dependency, clock: FakeClock
) -> None:
    clock.pass_by(15.0)
    with pytest.raises(Conflict):
        broken.remote.call(broken.refuses)
    assert broken.remote.state == "closed"


def test_a_probe_that_fails_opens_it_for_another_fifteen_seconds(
    broken: Dependency, clock: FakeClock
) -> None:
    clock.pass_by(15.0)
    broken.fail(1)
    assert broken.remote.state == "open"
    assert broken.received == 1
    clock.pass_by(14.0)
    with pytest.raises(DependencyDown) as down:
        broken.remote.call_once(broken.works)
    assert broken.received == 1
    assert down.value.retry_after_s == pytest.approx(1.0)
    clock.pass_by(1.0)
    broken.succeed(1)
    assert broken.remote.state == "closed"


def test_a_failed_probe_is_not_retried_before_the_next_break_is_over(
    broken: Dependency, clock: FakeClock
) -> None:
    clock.pass_by(15.0)
    with pytest.raises(DependencyDown) as down:
        broken.remote.call(broken.fails)
    assert broken.received == 1
    assert isinstance(down.value.__cause__, Unreachable)


def test_an_interrupted_probe_leaves_its_place_to_the_next_call(broken: Dependency, clock: FakeClock) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    clock.pass_by(15.0)
    with pytest.raises(KeyboardInterrupt):
        broken.remote.call_once(interrupted)
    assert broken.remote.state == "half_open"
    broken.succeed(1)
    assert broken.remote.state == "closed"


def test_of_many_threads_at_once_one_is_the_probe_and_the_others_are_refused(
    broken: Dependency, clock: FakeClock, threads: ThreadPoolExecutor
) -> None:
    together = Barrier(8)
    refused = Counted(7)
    admitted: list[BreakerState] = []

    def probe() -> str:
        admitted.append(broken.remote.state)
        refused.wait()
        return "answer"

    def call() -> float | None:
        together.wait(BOUND_S)
        try:
            broken.remote.call_once(probe)
        except DependencyDown as down:
            refused.count()
            return down.retry_after_s
        return None

    clock.pass_by(15.0)
    results = [future.result(BOUND_S) for future in [threads.submit(call) for _ in range(8)]]
    assert admitted == ["half_open"]
    assert sorted(results, key=str) == [5.0] * 7 + [None]  # a probe's try takes 5 s at most
    assert broken.remote.state == "closed"


def test_an_open_breaker_counts_as_refusing_until_its_break_is_over(
    dependency: Dependency, clock: FakeClock
) -> None:
    assert dependency.name not in refusing_breakers()
    dependency.fail(10)
    assert dependency.name in refusing_breakers()
    clock.pass_by(Policy().break_s)
    assert dependency.remote.state == "open"
    assert dependency.name not in refusing_breakers()
