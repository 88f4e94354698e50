"""The one place for the policy round every remote call: bulkhead → total timeout → retry → circuit breaker.

`interlock` is the bulkhead and the breaker, `stamina` decides about retries, Prometheus shows both. What a call does
inside, the client library bounds: Python can't end a blocking call from outside, so `Policy.try_timeout_s` is the
time-out that the engine's client has (`guarded` sees to it), and that library's own retries are off (or the call is a
`call_once`): there is one retry layer round a call, never two.
"""

import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, ParamSpec, Protocol, TypeVar

import stamina
import stamina.instrumentation
from interlock import BulkheadFullError, CircuitBreaker, CircuitOpenError, Config, State, WindowType
from interlock.pipeline import BulkheadStrategy
from interlock.protocols import CoreEventListener
from prometheus_client import Counter, Gauge

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
BreakerState = Literal["closed", "open", "half_open"]

STATES: dict[State, BreakerState] = {
    State.CLOSED: "closed",
    State.HALF_OPEN: "half_open",
    State.OPEN: "open",
}
STATE_NUMBERS: dict[BreakerState, int] = {"closed": 0, "half_open": 1, "open": 2}

BREAKER_STATE = Gauge(
    "waybill_breaker_state", "Circuit breaker: 0 closed, 1 half open, 2 open", ["dependency"]
)
CALLS = Counter("waybill_calls_total", "Calls to a dependency by how they ended", ["dependency", "outcome"])
RETRIES = Counter("waybill_retries_total", "Tries after the first one of a call", ["dependency"])

# stamina would log and count every retry as "<context block>"; RETRIES counts them by dependency.
stamina.instrumentation.set_on_retry_hooks([])


@dataclass(frozen=True)
class Policy:
    """The numbers for one dependency.

    A call ends at the latest after bulkhead_wait_s + total_timeout_s + the time of one try.
    """

    most_at_once: int = 64
    """Calls in flight; waits between tries count, because they hold a thread."""
    bulkhead_wait_s: float = 1.0
    """How long a call waits for a place before it is refused."""
    total_timeout_s: float = 30.0
    """No try starts and no wait ends later than this after the first try began."""
    tries: int = 3
    first_wait_s: float = 1.0
    """The wait before the second try; it doubles with each further one, and up to first_wait_s of jitter is added."""
    try_timeout_s: float = 5.0
    """How long the client library lets one try last. A probe that others wait for has its result by then."""
    failure_ratio: float = 0.5
    """The breaker opens when this part of the tries of the last window_s seconds failed, or more."""
    window_s: float = 30.0
    """Counted in whole seconds, so a try is forgotten after window_s, or up to a second earlier."""
    least_calls: int = 10
    """With fewer tries in the window the breaker never opens."""
    break_s: float = 15.0
    probes: int = 1
    """Tries that are let through after break_s; their result closes the breaker or opens it again."""


class DependencyDown(Exception):
    """A dependency can't be used now; the cause is the last error, if there was one.

    `was_tried` is False when the breaker or the bulkhead refused the call before its first try, so that nothing was
    sent. When it is True the dependency may or may not have done what was asked.
    """

    def __init__(self, dependency: str, retry_after_s: float, *, was_tried: bool, reason: str) -> None:
        super().__init__(f"{dependency}: {reason}; try again in {retry_after_s:.1f} s")
        self.dependency = dependency
        self.retry_after_s = retry_after_s
        self.was_tried = was_tried


class Clock(Protocol):
    """Seconds since some fixed moment (never negative, never going back), and waiting; the module `time` is one."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class Remote:
    """Calls to one dependency. Build one per dependency and process and share it: any number of threads may call.

    `transient` names the errors that mean "unreachable or too slow" (connection errors, timeouts). They alone are
    retried, count against the dependency and become `DependencyDown`. Every other exception is an answer of a
    dependency that works (a version conflict, a refusal): it comes out unchanged at once and counts as success.

    A breaker whose break is over stays "open" until the next call comes, which is the probe.
    """

    def __init__(
        self,
        name: str,
        transient: tuple[type[Exception], ...],
        policy: Policy = Policy(),
        clock: Clock = time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`jitter` answers a float in [0, 1). Raises `ValueError` when `transient` includes our own refusals."""
        if any(issubclass(ours, transient) for ours in (DependencyDown, CircuitOpenError, BulkheadFullError)):
            raise ValueError(f"{name}: name the transient errors; a refusal of ours must not be repeated")
        self._name = name
        self._transient = transient
        self._policy = policy
        self._clock = clock
        self._jitter = jitter
        self._told = _Breaker(name, transient, policy, clock)
        self._breaker = self._told.circuit
        self._bulkhead = BulkheadStrategy(policy.most_at_once, max_wait=policy.bulkhead_wait_s)
        self._retries = RETRIES.labels(name)
        self._calls = {outcome: CALLS.labels(name, outcome) for outcome in ("success", "failure", "refused")}
        BREAKER_STATE.labels(name).set_function(lambda: STATE_NUMBERS[self.state])
        _remotes[name] = self

    @property
    def state(self) -> BreakerState:
        """What the breaker does with calls: lets them through, refuses them, or waits for a probe's result."""
        return STATES[self._breaker.state]

    @property
    def is_refusing(self) -> bool:
        """Whether the breaker is open and its break not over: the next call would be refused."""
        return self.state == "open" and self._clock.monotonic() < self._told.opened_at + self._policy.break_s

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function(*args, **kwargs)` gives, with retries: only for what may be done twice.

        Raises `DependencyDown`, and what the function raises that is not transient.
        """
        return self._in_place(partial(self._repeat, partial(function, *args, **kwargs)))

    def call_once(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `call`, but one try: for writes that must not be repeated, and libraries that retry themselves."""
        return self._in_place(partial(self._try, partial(function, *args, **kwargs)))

    def _in_place(self, run: Callable[[], T]) -> T:
        try:
            return self._bulkhead.execute(run)
        except BulkheadFullError as full:
            reason = f"all {self._policy.most_at_once} places are taken"
            raise self._down(reason, self._policy.first_wait_s, was_tried=False) from full
        except self._transient as error:
            wait_s = self._policy.break_s if self.state == "open" else self._policy.first_wait_s
            raise self._down(f"failed with {type(error).__name__}", wait_s, was_tried=True) from error

    def _repeat(self, function: Callable[[], T]) -> T:
        bound = self._clock.monotonic() + self._policy.total_timeout_s
        wait_s = 0.0
        last_error: Exception | None = None

        def may_go_on(error: Exception) -> bool | float:
            nonlocal last_error
            if not isinstance(error, self._transient) or self._clock.monotonic() + wait_s >= bound:
                return False
            last_error = error
            return 0.0  # go on, but don't sleep in stamina: it can't be given a clock, so the wait is below

        for attempt in stamina.retry_context(
            on=may_go_on,
            attempts=self._policy.tries,
            timeout=None,
            wait_initial=self._policy.first_wait_s,
            wait_max=self._policy.total_timeout_s,
            wait_jitter=0.0,
        ):
            if attempt.num > 1:
                self._clock.sleep(wait_s)
                self._retries.inc()
            wait_s = attempt.next_wait + self._jitter() * self._policy.first_wait_s
            with attempt:
                return self._try(function, last_error)
        raise AssertionError("stamina ends with a result or an exception")

    def _try(self, function: Callable[[], T], last_error: Exception | None = None) -> T:
        try:
            result = self._breaker.call_sync(function)
        except CircuitOpenError as refusal:
            left_s = refusal.retry_after
            if left_s is None:  # a probe is under way; it has its result when its try times out
                left_s = self._policy.try_timeout_s
            was_tried = last_error is not None
            raise self._down("the breaker is open", left_s, was_tried=was_tried) from (last_error or refusal)
        except self._transient:
            raise
        except Exception:
            self._calls["success"].inc()
            raise
        self._calls["success"].inc()
        return result

    def _down(self, reason: str, retry_after_s: float, *, was_tried: bool) -> DependencyDown:
        self._calls["failure" if was_tried else "refused"].inc()
        return DependencyDown(self._name, retry_after_s, was_tried=was_tried, reason=reason)


def breaker_states() -> dict[str, BreakerState]:
    """The state of each dependency's breaker in this process, by the dependency's name."""
    names: dict[float, BreakerState] = {number: state for state, number in STATE_NUMBERS.items()}
    samples = (sample for metric in BREAKER_STATE.collect() for sample in metric.samples)
    return {sample.labels["dependency"]: names[sample.value] for sample in samples}


def refusing_breakers() -> list[str]:
    """The dependencies of this process to which calls are refused now, by name."""
    return sorted(name for name, remote in list(_remotes.items()) if remote.is_refusing)


_remotes: dict[str, Remote] = {}
"""The newest of each name."""


class _Breaker(CoreEventListener):
    """interlock's circuit breaker, told which errors count, and made to say in the log how its state changes."""

    def __init__(
        self, name: str, transient: tuple[type[Exception], ...], policy: Policy, clock: Clock
    ) -> None:
        self._transient = transient
        self._policy = policy
        self._clock = clock
        self._last_error = ""
        self.opened_at = 0.0
        self.circuit = CircuitBreaker(
            name=name,
            clock=clock,
            classifier=self,
            listener=self,
            config=Config(
                failure_rate_threshold=policy.failure_ratio,
                minimum_number_of_calls=policy.least_calls,
                window_type=WindowType.TIME_BASED,
                window_size=math.ceil(policy.window_s),
                wait_duration_in_open=policy.break_s,
                permitted_calls_in_half_open=policy.probes,
                max_concurrent_probes=policy.probes,
                slow_call_duration_threshold=math.inf,  # timeouts count, slowness alone doesn't
            ),
        )

    def is_failure(self, *, result: object, exception: Exception | None) -> bool:
        """interlock asks this after every try, before it records the outcome."""
        if not isinstance(exception, self._transient):
            return False
        self._last_error = type(exception).__name__
        return True

    def on_state_change(self, *, name: str, old: State, new: State) -> None:
        """interlock calls this once per change, outside its lock, in the thread whose call caused the change."""
        if new is State.OPEN:
            self.opened_at = self._clock.monotonic()
        if new is State.HALF_OPEN:
            reason = f"{self._policy.break_s:g} s have passed, a probe is let through"
        elif new is State.CLOSED:
            reason = "the probe succeeded"
        elif old is State.HALF_OPEN:
            reason = f"the probe failed with {self._last_error}"
        else:
            tries = self.circuit.snapshot()
            reason = (
                f"{tries.failed_calls} of {tries.total_calls} tries within {self._policy.window_s:g} s failed, "
                f"the last with {self._last_error}"
            )
        level = logging.WARNING if new is State.OPEN else logging.INFO
        log.log(level, "%s: %s → %s, %s", name, STATES[old], STATES[new], reason)
