"""Threads that go on only when told to, so that one integer decides how they interleave, and replays it."""

import random
import threading
from collections.abc import Callable

BOUND_S = 30.0

Gate = Callable[[], None]


class Actor:
    """Runs `work` in a thread that stops at each call of the gate it is given, until `move` lets it go on."""

    def __init__(self, work: Callable[[Gate], object]) -> None:
        self._may_go = threading.Semaphore(0)
        self._has_stopped = threading.Semaphore(0)
        self.is_running = True
        self.error: Exception | None = None
        threading.Thread(target=self._run, args=(work,), daemon=True).start()
        self._await_stop()

    def move(self) -> None:
        """Let it go on to its next gate, or to its end."""
        if self.is_running:
            self._may_go.release()
            self._await_stop()

    def _run(self, work: Callable[[Gate], object]) -> None:
        self._gate()
        try:
            work(self._gate)
        except Exception as error:
            self.error = error
        self.is_running = False
        self._has_stopped.release()

    def _gate(self) -> None:
        self._has_stopped.release()
        self._may_go.acquire()

    def _await_stop(self) -> None:
        assert self._has_stopped.acquire(timeout=BOUND_S), "an actor hangs between two gates"


def interleave(seed: int, actors: list[Actor]) -> None:
    """Move the actors in the order that the seed gives until all have ended. Raises the first one's error."""
    chance = random.Random(seed)  # noqa: S311 - to be replayed
    while running := [actor for actor in actors if actor.is_running]:
        chosen = chance.choice(running)
        for _ in range(chance.choice([1, 1, 2, 5])):
            chosen.move()
    for actor in actors:
        if actor.error is not None:
            raise actor.error
