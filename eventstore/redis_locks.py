"""Resource locks over several processes, in Redis. A hint that saves contention: when Redis is away they do nothing."""

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import RedisError

HELD_AT_MOST_MS = 5_000
RETRY_S = 0.01
AWAY_S = 5.0
"""For how long Redis isn't asked again after an error, so that a dead one costs one time-out, not one per command."""

# Delete only what is still ours: the lock may have run out and be another's by now.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

log = logging.getLogger(__name__)


class RedisLocks:
    """`ResourceLocks` in Redis: SET NX PX, compare-and-delete, sorted names.

    A Redis that hangs holds the block up for the client's time-out, so that has to be short.
    """

    def __init__(self, redis: "Redis", prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self._release = redis.register_script(RELEASE)
        self._away_until = 0.0

    @contextmanager
    def hold(self, names: Sequence[str], wait_s: float = 0.3) -> Iterator[None]:
        """Hold the named locks; after `wait_s` seconds, or without Redis, run the block without the missing ones."""
        token = secrets.token_hex(16)
        held: list[str] = []
        try:
            if not self._is_away:
                self._take_all(names, token, held, time.monotonic() + wait_s)
            yield
        finally:
            if held and not self._is_away:
                self._give_back(held, token)

    @property
    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def _take_all(self, names: Sequence[str], token: str, held: list[str], bound: float) -> None:
        try:
            for name in sorted(set(names)):
                key = f"{self._prefix}:lock:{name}"
                while not self._redis.set(key, token, nx=True, px=HELD_AT_MOST_MS):
                    if time.monotonic() >= bound:
                        return
                    time.sleep(RETRY_S)
                held.append(key)
        except RedisError as error:
            self._note(error)

    def _give_back(self, held: list[str], token: str) -> None:
        try:
            for key in reversed(held):
                self._release(keys=[key], args=[token])
        except RedisError as error:  # they run out by themselves
            self._note(error)

    def _note(self, error: Exception) -> None:
        self._away_until = time.monotonic() + AWAY_S
        log.warning("locks are left out for %.0f s: %s", AWAY_S, error)
