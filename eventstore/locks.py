"""Resource locks inside one process."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock


class InProcessLocks:
    """`ResourceLocks` for one process. A name's lock lives only while somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._locks: dict[str, tuple[Lock, int]] = {}

    @contextmanager
    def hold(self, names: Sequence[str], wait_s: float = 0.3) -> Iterator[None]:
        """Hold the named locks in sorted order; after `wait_s` seconds run the block without the missing ones."""
        bound = time.monotonic() + wait_s
        with ExitStack() as held:
            for name in sorted(set(names)):
                lock = self._check_in(name)
                held.callback(self._check_out, name)
                if not lock.acquire(timeout=max(0.0, bound - time.monotonic())):
                    break
                held.callback(lock.release)
            yield

    def _check_in(self, name: str) -> Lock:
        with self._guard:
            lock, users = self._locks.get(name) or (Lock(), 0)
            self._locks[name] = (lock, users + 1)
            return lock

    def _check_out(self, name: str) -> None:
        with self._guard:
            lock, users = self._locks[name]
            if users == 1:
                del self._locks[name]
            else:
                self._locks[name] = (lock, users - 1)
