"""Asking dependencies how they are, in a bounded time even when one of them hangs."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import Any

BOUND_S = 1.5
NEEDED = ("eventStore", "readModels")
"""Without these no request is answered rightly; without the others everything goes on, only slower."""

log = logging.getLogger(__name__)

State = dict[str, Any]


class Probe:
    """Asks one dependency in a thread of its own: one at a time, so that a dependency that hangs holds one thread,
    however often it is asked for. Who asks meanwhile gets the answer that is under way."""

    def __init__(self, ask: Callable[[], State]) -> None:
        self._ask = ask
        self._guard = threading.Lock()
        self._under_way: Future[State] | None = None

    def begin(self) -> "Future[State]":
        """The answer to be."""
        with self._guard:
            if self._under_way is None or self._under_way.done():
                self._under_way = Future()
                threading.Thread(target=self._run, args=(self._under_way,), name="probe", daemon=True).start()
            return self._under_way

    def _run(self, answer: "Future[State]") -> None:
        try:
            answer.set_result(self._ask())
        except Exception as error:  # whatever a client raises: the dependency can't be used
            log.debug("a dependency can't be used", exc_info=True)
            answer.set_result({"status": "down", "reason": type(error).__name__})


def ask_all(probes: Mapping[str, Probe], bound_s: float = BOUND_S) -> dict[str, State]:
    """The state of each by its name; who hasn't answered after `bound_s` seconds counts as down."""
    answers = {name: probe.begin() for name, probe in probes.items()}
    bound = time.monotonic() + bound_s
    states: dict[str, State] = {}
    for name, answer in answers.items():
        try:
            states[name] = answer.result(max(0.0, bound - time.monotonic()))
        except NotInTime:
            states[name] = {"status": "down", "reason": f"no answer within {bound_s:g} s"}
    return states


def summed_up(states: Mapping[str, State]) -> str:
    """ready; degraded: requests are answered, but something isn't as it should be; catching_up: the rows are not to be
    shown yet, or stand still; unavailable."""
    needed = {states[name]["status"] for name in NEEDED}
    if "down" in needed:
        return "unavailable"
    if needed & {"catching_up", "stuck"}:
        return "catching_up"
    return "ready" if all(state["status"] == "up" for state in states.values()) else "degraded"
