"""The engines behind the policy of `resilience`: what their clients raise is counted, and refused while it lasts.

All policies are here. A `try_timeout_s` is what the client of that engine has as its time-out.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import psycopg
import redis
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeout
from sqlalchemy import Dialect, Engine, event

from backend_services.read_database import CONNECT_TIMEOUT_S
from backend_services.resilience import DependencyDown, Policy, Remote
from backend_services.settings import Settings
from eventstore.mongodb import SOCKET_TIMEOUT_S, MongoEventStore
from eventstore.ports import ResultUnknown, StoreUnreachable
from eventstore.records import Commit, RecordedEvent
from eventstore.redis_locks import RedisLocks

T = TypeVar("T")

LOOKED_EVERY_S = 0.1
"""How often a wait for PostgreSQL looks for other things; what psycopg does."""

MONGODB = Policy(most_at_once=100, total_timeout_s=4.0, try_timeout_s=SOCKET_TIMEOUT_S)
"""With the last try less than what a web process waits for a reply, so that a worker without a store still says so."""
POSITIONS = Policy(most_at_once=60, try_timeout_s=SOCKET_TIMEOUT_S)
"""In the same MongoDB, but with places of their own: drivers' phones must not take those of commands."""
REDIS = Policy(most_at_once=200, try_timeout_s=2.0, window_s=10.0, least_calls=5)
"""Nothing needs Redis for its answer, so it is judged by less: what went well in a busy half minute before it hung
would outvote for long what fails since, and everybody would wait meanwhile."""
LOCK_TIMEOUT_S = 0.25
"""A lock only saves contention, so nobody waits for Redis longer than for a lock."""
POSTGRESQL = Policy(most_at_once=60, try_timeout_s=CONNECT_TIMEOUT_S)
"""For connecting: what is asked over a connection has a time-out of its own."""


@cache
def mongodb_at(_url: str) -> Remote:
    """The one breaker of the event store's MongoDB, for everything that this process keeps there."""
    return Remote("mongodb", (StoreUnreachable, ResultUnknown), MONGODB)


class GuardedStore:
    """`EventStore` over MongoDB. Reads are repeated; an append is left to the driver, which knows whether it may, and a
    look-up with a bound to who asks."""

    def __init__(self, store: MongoEventStore) -> None:
        self.unguarded = store
        self._remote = mongodb_at(store.url)

    @property
    def store_id(self) -> str:
        return self._read(lambda: self.unguarded.store_id)

    def append(self, commit: Commit) -> Commit:
        return self._once(lambda: self.unguarded.append(commit))

    def find_command(self, command_id: str, within_s: float | None = None) -> Commit | None:
        if within_s is not None:
            return self._once(lambda: self.unguarded.find_command(command_id, within_s))
        return self._read(lambda: self.unguarded.find_command(command_id))

    def read_stream(self, stream: str, after_version: int = 0) -> list[RecordedEvent]:
        return self._read(lambda: self.unguarded.read_stream(stream, after_version))

    def read_streams(self, streams: Collection[str]) -> dict[str, list[RecordedEvent]]:
        return self._read(lambda: self.unguarded.read_streams(streams))

    def read_events(self, after_position: int, limit: int) -> list[RecordedEvent]:
        return self._read(lambda: self.unguarded.read_events(after_position, limit))

    def head(self) -> int:
        return self._once(self.unguarded.head)

    def wait_for_events(self, after_position: int, timeout_s: float) -> None:
        self._once(lambda: self.unguarded.wait_for_events(after_position, timeout_s))

    def close(self) -> None:
        self.unguarded.close()

    def _read(self, ask: Callable[[], T]) -> T:
        with as_store_errors():
            return self._remote.call(ask)

    def _once(self, ask: Callable[[], T]) -> T:
        with as_store_errors():
            return self._remote.call_once(ask)


@contextmanager
def as_store_errors() -> Iterator[None]:
    """What the store raised last, or `StoreUnreachable` when it wasn't asked at all."""
    try:
        yield
    except DependencyDown as down:
        if isinstance(down.__cause__, StoreUnreachable):
            down.__cause__.retry_after_s = down.retry_after_s
        if isinstance(down.__cause__, StoreUnreachable | ResultUnknown):
            raise down.__cause__ from None
        raise StoreUnreachable(str(down), down.retry_after_s) from down


class GuardedRedis(Redis):
    """A Redis client whose commands are refused at once, as if it were unreachable, while the breaker is open."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.remote = Remote("redis", (RedisConnectionError, RedisTimeout), REDIS)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return self.remote.call_once(super().execute_command, *args, **options)
        except DependencyDown as down:
            if isinstance(down.__cause__, redis.RedisError):
                raise down.__cause__ from None
            raise RedisConnectionError(str(down)) from down


def connect_redis(
    settings: Settings, *, guarded: bool = True, timeout_s: float = REDIS.try_timeout_s, **options: Any
) -> "Redis":
    """A client with short time-outs and no retries of its own; nothing is sent yet.

    Loops that wait for something and try again by themselves take an unguarded one: a breaker would only make them
    come back later than Redis.
    """
    client = GuardedRedis if guarded else Redis
    return client.from_url(
        settings.redis_url,
        protocol=2,
        socket_connect_timeout=min(1.0, timeout_s),
        socket_timeout=timeout_s,
        health_check_interval=15,
        retry=None,
        **options,
    )


def open_locks(settings: Settings) -> RedisLocks:
    """Locks over a client of their own: they leave a Redis alone that doesn't answer at once, and go on without it."""
    client = connect_redis(
        settings, guarded=False, timeout_s=LOCK_TIMEOUT_S, max_connections=settings.threads + 50
    )
    return RedisLocks(client, settings.namespace)


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when something asked over it isn't answered within `answers_within_s` seconds.

    PostgreSQL's own time-outs need one that runs; this is for one that hangs, or can't be reached any more.
    """

    answers_within_s: float | None = None

    def wait(self, gen: PQGen[T], interval: float = LOOKED_EVERY_S, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, timeout or self.answers_within_s)
        except psycopg.OperationalError:
            if self.closed or self.info.transaction_status is not TransactionStatus.ACTIVE:
                raise
            self.close()
            text = f"PostgreSQL didn't answer within {timeout or self.answers_within_s} s"
            raise psycopg.OperationalError(text) from None


def guard_connections(engine: Engine, answers_within_s: float | None = None) -> None:
    """Refuse at once to connect to a PostgreSQL that was found unreachable, and to wait longer for an answer.

    None is for what may wait for others' work, such as a rebuild.
    """
    remote = _postgresql(f"{engine.url.host}:{engine.url.port}")

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Dialect, _record: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        try:
            connection = remote.call_once(BoundedConnection.connect, *arguments, **options)
        except DependencyDown as down:
            if isinstance(down.__cause__, psycopg.Error):
                raise down.__cause__ from None
            raise psycopg.OperationalError(str(down)) from down
        connection.answers_within_s = answers_within_s
        return connection


@cache
def _postgresql(_server: str) -> Remote:
    """The one breaker of a server, however many pools of this process lead there."""
    return Remote("postgresql", (psycopg.OperationalError,), POSTGRESQL)
