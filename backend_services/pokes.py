"""Telling the web processes that rows have changed: Redis pub/sub, "there is seq N" and nothing more.

A poke may be lost; who listens looks at the rows now and then in any case.
"""

import logging
import threading
import time
from collections.abc import Callable

from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

AWAY_S = 5.0

log = logging.getLogger(__name__)


class Pokes:
    """Both sides of the channel of one installation."""

    def __init__(self, redis: "Redis", namespace: str) -> None:
        self._redis = redis
        self._channel = f"{namespace}:board"
        self._away_until = 0.0

    def send(self, seq: int) -> None:
        """Tell everybody that the board's log has reached `seq`; without Redis nothing happens."""
        if time.monotonic() < self._away_until:
            return
        try:
            self._redis.publish(self._channel, seq)
        except RedisError as error:
            self._away_until = time.monotonic() + AWAY_S
            log.warning("boards can't be told of changes (%s); they find out by looking", error)

    def listen(self, heard: Callable[[], None], stopping: threading.Event) -> None:
        """Call `heard` at each poke until told to stop."""
        trouble = False
        while not stopping.is_set():
            try:
                with PubSub(self._redis.connection_pool, ignore_subscribe_messages=True) as subscription:
                    subscription.subscribe(self._channel)
                    heard()  # what came while nobody listened
                    trouble = False
                    while not stopping.is_set():
                        if subscription.get_message(timeout=1.0) is not None:
                            heard()
            except RedisError as error:
                if not trouble:
                    log.warning("no pokes: %s; rows are looked at every now and then", error)
                trouble = True
                stopping.wait(0.5)
