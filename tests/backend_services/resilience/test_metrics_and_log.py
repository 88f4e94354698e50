"""What operators see, and the numbers of the design."""

import logging
from collections.abc import Callable

import pytest

from backend_services.resilience import DependencyDown, Policy, Remote
from tests.backend_services.resilience.dependency import (
    Conflict,
    Dependency,
    FakeClock,
    Unreachable,
)


def test_calls_are_counted_by_how_they_end_and_retries_apart(dependency: Dependency) -> None:
    dependency.succeed(3)
    with pytest.raises(Conflict):
        dependency.remote.call(dependency.refuses)
    with pytest.raises(DependencyDown):
        dependency.remote.call(dependency.fails)
    assert dependency.calls() == {"success": 4, "failure": 1, "refused": 0}
    assert dependency.metric("waybill_retries_total") == 2
    dependency.fail(3)
    assert dependency.remote.state == "open"
    with pytest.raises(DependencyDown):
        dependency.remote.call(dependency.works)
    assert dependency.calls() == {"success": 4, "failure": 4, "refused": 1}
    assert dependency.metric("waybill_retries_total") == 2


def test_each_change_of_state_is_one_line_in_the_log_and_a_value_of_the_gauge(
    dependency: Dependency, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "backend_services.resilience")
    name, gauge = dependency.name, [dependency.metric("waybill_breaker_state")]

    def probe(then: Callable[[], str]) -> str:
        gauge.append(dependency.metric("waybill_breaker_state"))
        return then()

    dependency.succeed(4)
    dependency.fail(6)
    gauge.append(dependency.metric("waybill_breaker_state"))
    clock.pass_by(15.0)
    with pytest.raises(DependencyDown):
        dependency.remote.call_once(probe, dependency.fails)
    gauge.append(dependency.metric("waybill_breaker_state"))
    clock.pass_by(15.0)
    dependency.remote.call_once(probe, dependency.works)
    gauge.append(dependency.metric("waybill_breaker_state"))

    assert gauge == [0, 2, 1, 2, 1, 0]
    assert caplog.record_tuples == [
        ("backend_services.resilience", level, f"{name}: {line}")
        for level, line in [
            (30, "closed → open, 6 of 10 tries within 30 s failed, the last with Unreachable"),
            (20, "open → half_open, 15 s have passed, a probe is let through"),
            (30, "half_open → open, the probe failed with Unreachable"),
            (20, "open → half_open, 15 s have passed, a probe is let through"),
            (20, "half_open → closed, the probe succeeded"),
        ]
    ]


def test_calls_and_retries_alone_write_nothing_to_any_log(
    dependency: Dependency, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    dependency.succeed(1)
    with pytest.raises(DependencyDown):
        dependency.remote.call(dependency.fails)
    assert caplog.record_tuples == []


def test_a_second_remote_of_the_same_name_has_a_breaker_of_its_own_and_shares_the_counters(
    broken: Dependency,
) -> None:
    second = Remote(broken.name, (Unreachable,))
    assert second.state == "closed"
    assert broken.remote.state == "open"
    assert second.call(str) == ""
    assert broken.calls() == {"success": 1, "failure": 10, "refused": 0}


def test_the_numbers_are_those_of_the_design() -> None:
    policy = Policy()
    assert (policy.total_timeout_s, policy.tries, policy.first_wait_s) == (30.0, 3, 1.0)
    assert (policy.failure_ratio, policy.window_s, policy.least_calls) == (0.5, 30.0, 10)
    assert (policy.break_s, policy.probes) == (15.0, 1)
