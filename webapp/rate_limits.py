"""How often one client may ask. Several web processes count together in Redis; without it each counts for itself."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

from flask import Flask, Response
from flask_limiter import Limiter, RateLimitExceeded
from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from backend_services.settings import Settings
from webapp.database import db

MOST_WAITING = 10
LONGEST_WAIT_S = 2.0
REDIS_TIMEOUT_S = 0.25
ASK_REDIS_AGAIN_S = 5.0

log = logging.getLogger(__name__)


def init_rate_limit(
    app: Flask, settings: Settings, client: Callable[[], str], is_exempt: Callable[[], bool]
) -> None:
    """Limit what each `client` may ask of all routes together to the rate of the settings; beyond it, 429."""
    limiter = QueueingLimiter(
        client,
        is_exempt,
        application_limits=[settings.rate_limit] if settings.rate_limit else [],
        strategy="moving-window",
        storage_uri=settings.redis_url,
        storage_options=_storage_options(settings),
        in_memory_fallback_enabled=settings.is_distributed,
        enabled=settings.rate_limit is not None,
    )
    limiter.init_app(app)
    app.after_request(limiter.say_limit)


class QueueingLimiter(Limiter):
    """flask-limiter, but a request over the limit waits for its turn when that comes within 2 s.

    At most 10 requests of a client wait in this process; who comes when there are as many is told at once.
    """

    def __init__(self, client: Callable[[], str], is_exempt: Callable[[], bool], **options: Any) -> None:
        super().__init__(client, **options)
        self._client = client
        self._is_exempt = is_exempt
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if self._is_exempt():
            return
        self._client()  # asked for here, so that accounts that can't be found don't pass for a Redis that can't
        bound = time.monotonic() + LONGEST_WAIT_S
        try:
            self._check(callable_name, in_middleware)
        except RateLimitExceeded as exceeded:
            with self._place(exceeded):
                while not self._has_turn(callable_name, in_middleware):
                    pause_s = max(self._turn_in_s(), 0.01)
                    if time.monotonic() + pause_s > bound:
                        raise
                    db.session.rollback()  # who waits must not hold a connection
                    time.sleep(pause_s)

    @contextmanager
    def _place(self, exceeded: RateLimitExceeded) -> Iterator[None]:
        """A place in the client's queue; raises `exceeded` when there is none."""
        client = self._client()
        with self._lock:
            if self._waiting[client] >= MOST_WAITING:
                raise exceeded
            self._waiting[client] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[client] -= 1
                if self._waiting[client] == 0:
                    del self._waiting[client]

    def _has_turn(self, callable_name: str | None, in_middleware: bool) -> bool:
        self.context.reset()  # it would pass over the limits that it has looked at on this request
        try:
            self._check(callable_name, in_middleware)
        except RateLimitExceeded:
            return False
        return True

    def _check(self, callable_name: str | None, in_middleware: bool) -> None:
        """Count the request. The first that finds Redis away makes the limiter count here; those that were asking Redis
        at that moment ask again, here."""
        try:
            super()._check_request_limit(callable_name, in_middleware)
        except StorageError:
            self.context.reset()
            with suppress(StorageError):  # back and away again: a limit isn't worth failing for
                super()._check_request_limit(callable_name, in_middleware)

    def say_limit(self, response: Response) -> Response:
        """Put the client's limit into the headers. `Retry-After` is for who was refused by it: in another answer it
        would say that asking again helps."""
        limit = self.current_limit
        if limit is None:
            return response
        try:
            remaining, reset_at = limit.remaining, limit.reset_at
        except StorageError:
            return response
        response.headers["X-RateLimit-Limit"] = str(limit.limit.amount)
        response.headers["X-RateLimit-Remaining"] = str(remaining)
        response.headers["X-RateLimit-Reset"] = str(reset_at)
        if limit.breached:
            response.headers["Retry-After"] = str(max(1, int(reset_at - time.time())))
        return response

    def _turn_in_s(self) -> float:
        """When the oldest counted request leaves the window."""
        try:
            return self.current_limit.window.reset_time - time.time() if self.current_limit else 0.0
        except StorageError:
            return LONGEST_WAIT_S


class Throttle:
    """Counts tries by key and says when there were too many, over all web processes as long as Redis answers.

    Every try is counted in this process too, so that losing Redis never opens the door again to whoever knocked here.
    """

    def __init__(self, settings: Settings, limit: RateLimitItem) -> None:
        self._limit = limit
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = _shared_counts(settings) if settings.is_distributed else None
        self._redis_rests_until = 0.0

    def allows(self, *key: str) -> bool:
        """Whether one more try is within the limit; it isn't counted."""
        return self._own.test(self._limit, *key) and self._ask("test", key)

    def count(self, *key: str) -> None:
        """Count one try."""
        self._own.hit(self._limit, *key)
        self._ask("hit", key)

    def _ask(self, question: Literal["test", "hit"], key: tuple[str, ...]) -> bool:
        if self._shared is None or time.monotonic() < self._redis_rests_until:
            return True
        try:
            ask = self._shared.test if question == "test" else self._shared.hit
            return ask(self._limit, *key)
        except StorageError as error:
            log.warning(
                "Redis doesn't answer (%s); sign-ins are counted in this process", error.storage_error
            )
            self._redis_rests_until = time.monotonic() + ASK_REDIS_AGAIN_S
            return True


def _shared_counts(settings: Settings) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(settings.redis_url, **_storage_options(settings)))


def _storage_options(settings: Settings) -> dict[str, Any]:
    """For Redis: keys of our own, and short bounds. A limit isn't worth waiting for, and who asks falls back."""
    if not settings.is_distributed:
        return {}
    return {
        "key_prefix": f"{settings.namespace}:limits",
        "wrap_exceptions": True,
        "socket_connect_timeout": REDIS_TIMEOUT_S,
        "socket_timeout": REDIS_TIMEOUT_S,
    }
