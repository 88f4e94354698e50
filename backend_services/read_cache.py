"""Answers that many ask for, kept until the next event. The key holds the version of the rows, so an answer can't be
older than what its asker could read from the database."""

import logging
from collections import OrderedDict
from threading import Lock
from typing import Protocol

from prometheus_client import Counter
from redis import Redis
from redis.exceptions import RedisError

KEPT_S = 60
MOST_KEPT = 64

LOOKUPS = Counter("waybill_read_cache_total", "Answers looked up in the cache of reads", ["found"])

log = logging.getLogger(__name__)


class ReadCache(Protocol):
    """Keeps an answer under a name and the version of the rows it was made from; one version of each name counts."""

    def find(self, name: str, version: str) -> bytes | None: ...
    def keep(self, name: str, version: str, answer: bytes) -> None: ...


class OwnReadCache:
    """`ReadCache` in the memory of this process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = Lock()

    def find(self, name: str, version: str) -> bytes | None:
        with self._lock:
            known = self._kept.get(name)
        return _counted(known[1] if known and known[0] == version else None)

    def keep(self, name: str, version: str, answer: bytes) -> None:
        with self._lock:
            self._kept[name] = (version, answer)
            self._kept.move_to_end(name)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


class SharedReadCache:
    """`ReadCache` in Redis, for all web processes. Without Redis nothing is found."""

    def __init__(self, redis: "Redis", namespace: str) -> None:
        self._redis = redis
        self._prefix = f"{namespace}:read:"

    def find(self, name: str, version: str) -> bytes | None:
        try:
            found = self._redis.get(f"{self._prefix}{name}:{version}")
            return _counted(found if isinstance(found, bytes) else None)
        except RedisError:
            return _counted(None)

    def keep(self, name: str, version: str, answer: bytes) -> None:
        try:
            self._redis.set(f"{self._prefix}{name}:{version}", answer, ex=KEPT_S)
        except RedisError as error:
            log.debug("an answer is not kept: %s", error)


def _counted(found: bytes | None) -> bytes | None:
    LOOKUPS.labels("no" if found is None else "yes").inc()
    return found
