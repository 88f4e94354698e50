"""The receiving side of the command bus: takes a service's commands from its stream, does them and replies."""

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from prometheus_client import Counter, Histogram
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from backend_services.command_bus import (
    PAUSE_S,
    PENDING_KEPT_S,
    REPLIES_EXPIRE_S,
    REPLIES_KEPT,
    UNREADABLE,
    Reply,
    SentCommand,
    answer,
    breakers_key,
    command_types,
    commands_stream,
    pending_key,
    worker_sign,
)
from backend_services.resilience import refusing_breakers
from eventstore.doors import Doors
from eventstore.execute import Context, Outcome, Refusal

GROUP = "workers"
AT_ONCE = 8
STUCK_AFTER_MS = 5_000
"""A command that its worker hasn't finished by then is given to another too; being done twice does it no harm."""
CLAIM_EVERY_S = 1.0
SIGN_EXPIRES_S = 10
"""After the last sign of life of the last worker, the service counts as having none."""
BREAKERS_EXPIRE_S = 3
FORGOTTEN_AFTER_MS = 2 * 3_600_000
"""So long a worker that was killed stays in the group's list of members."""
EXPIRED_AFTER = timedelta(seconds=PENDING_KEPT_S)
"""Whoever sent a command has long given up by then, and may have done something else instead."""

# What a member holds would be lost with it, so Redis looks and removes at once. Each of them comes back by itself.
LEAVE = """
local left = 0
for i = 2, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[i]) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[i])
    left = left + 1
  end
end
return left
"""

HANDLED = Counter("waybill_commands_total", "Commands done, by what came of them", ["service", "kind"])
SECONDS = Histogram("waybill_command_seconds", "Time from taking a command to its reply", ["service"])

log = logging.getLogger(__name__)


class CommandWorker:
    """One member of a service's group of workers. `name` must be unique among them."""

    def __init__(
        self, redis: "Redis", namespace: str, service: str, local: Any, name: str, doors: Doors
    ) -> None:
        self._redis = redis
        self._namespace = namespace
        self._service = service
        self._local = local
        self._types = command_types(type(local))
        self._name = name
        self._doors = doors
        self._stream = commands_stream(namespace, service)
        self._sign = worker_sign(namespace, service)
        self._breakers = breakers_key(namespace, service)
        self._free = threading.Semaphore(AT_ONCE)
        self._in_hand: set[bytes] = set()
        self._leave = redis.register_script(LEAVE)

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop; what is in hand is finished first."""
        trouble, next_claim, has_group = False, 0.0, False
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"{self._service}-command") as pool:
            while not stopping.is_set():
                try:
                    if not has_group:
                        self._make_group()
                        has_group = True
                    if time.monotonic() >= next_claim:
                        next_claim = time.monotonic() + CLAIM_EVERY_S
                        self._show_life()
                        self._claim(pool)
                    self._take(pool)
                    trouble = False
                except RedisError as error:
                    has_group = False  # a Redis that comes back may have lost it
                    if not trouble:
                        log.warning("%s commands can't be received: %s", self._service, error)
                    trouble = True
                    stopping.wait(PAUSE_S)
        with suppress(RedisError):
            self._leave(keys=[self._stream], args=[GROUP, self._name])

    def _show_life(self) -> None:
        self._redis.set(self._sign, self._name, ex=SIGN_EXPIRES_S)
        if refused := refusing_breakers():
            self._redis.set(self._breakers, ",".join(refused), ex=BREAKERS_EXPIRE_S)

    def _take(self, pool: ThreadPoolExecutor) -> None:
        """Take as many commands as there are free hands; waits up to a second for the first."""
        with self._free:
            free = self._free._value + 1  # a glance: at worst a command waits in the pool for a moment
        found: Any = self._redis.xreadgroup(GROUP, self._name, {self._stream: ">"}, count=free, block=1_000)
        for _, entries in found:
            self._hand_out(pool, entries)

    def _claim(self, pool: ThreadPoolExecutor) -> None:
        """Take over what other workers have left lying."""
        claimed: Any = self._redis.xautoclaim(
            self._stream, GROUP, self._name, min_idle_time=STUCK_AFTER_MS, count=AT_ONCE
        )
        # What takes long here is claimed as well: its time begins anew, but it isn't done a second time.
        entries = [(entry, fields) for entry, fields in claimed[1] if entry not in self._in_hand]
        if entries:
            log.info("%d %s commands were left lying; they are done now", len(entries), self._service)
        self._hand_out(pool, entries)

    def _hand_out(
        self, pool: ThreadPoolExecutor, entries: Iterable[tuple[bytes, dict[bytes, bytes]]]
    ) -> None:
        for entry, fields in entries:
            self._free.acquire()
            self._in_hand.add(entry)
            pool.submit(self._do, entry, fields).add_done_callback(partial(self._put_down, entry))

    def _put_down(self, entry: bytes, done: "Future[None]") -> None:
        self._in_hand.discard(entry)
        self._free.release()
        if error := done.exception():
            log.error("a %s command can't be answered", self._service, exc_info=error)

    def _do(self, entry: bytes, fields: dict[bytes, bytes]) -> None:
        try:
            sent = msgspec.json.decode(fields[b"command"], type=SentCommand)
        except UNREADABLE:
            log.exception("%s holds something that is no command; it is dropped", self._stream)
            self._drop(entry)
            return
        with SECONDS.labels(self._service).time():
            reply = answer(sent, lambda: self._act(sent))
        HANDLED.labels(self._service, reply.kind).inc()
        try:
            self._finish(entry, sent.reply_to, reply)
        except RedisError as error:  # it will be claimed, found done, and answered then
            log.warning("a %s command is done but couldn't be answered: %s", self._service, error)

    def _drop(self, entry: bytes) -> None:
        # Without Redis it will be claimed and dropped again.
        with suppress(RedisError), self._redis.pipeline(transaction=True) as together:
            together.xack(self._stream, GROUP, entry)
            together.xdel(self._stream, entry)
            together.execute()

    def _act(self, sent: SentCommand) -> Outcome:
        command_type = self._types.get(sent.method)
        if command_type is None:
            raise Refusal("unknown_command", f"This release of {self._service} doesn't know {sent.method}.")
        if self._doors.now() - sent.sent_at > EXPIRED_AFTER:
            raise Refusal(
                "command_expired", "The command waited for too long and was not done. Send it again."
            )
        command = msgspec.json.decode(sent.command, type=command_type)
        context = Context(
            actor=sent.actor,
            correlation_id=sent.correlation_id,
            command_id=sent.command_id,
            causation_id=sent.causation_id,
            occurred_at=sent.occurred_at,
        )
        more = {} if sent.as_driver is None else {"as_driver": sent.as_driver}
        outcome: Outcome = getattr(self._local, sent.method)(command, context, **more)
        return outcome

    def _finish(self, entry: bytes, reply_to: str, reply: Reply) -> None:
        """Reply and forget the command at once, so that nobody else does it after its sender was told."""
        with self._redis.pipeline(transaction=True) as together:
            together.xadd(
                reply_to, {"reply": msgspec.json.encode(reply)}, maxlen=REPLIES_KEPT, approximate=True
            )
            together.expire(reply_to, REPLIES_EXPIRE_S)
            together.xack(self._stream, GROUP, entry)
            together.xdel(self._stream, entry)
            together.delete(pending_key(self._namespace, reply.command_id))
            together.execute()

    def _make_group(self) -> None:
        """Make the group, or take members out of it that are gone for long."""
        with suppress(ResponseError):  # it is there already
            self._redis.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        members: Any = self._redis.xinfo_consumers(self._stream, GROUP)
        gone = [member["name"] for member in members if member["idle"] > FORGOTTEN_AFTER_MS]
        if gone:
            self._leave(keys=[self._stream], args=[GROUP, *gone])
