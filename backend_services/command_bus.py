"""Commands from the web processes to the services' workers and back, over Redis Streams.

A command is delivered at least once and done once: its id is a slot of its commit, and its refusal is stored as well.
A worker that dies leaves its commands to the others. Reply and acknowledgement are one Redis transaction.
"""

import inspect
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Literal, cast, get_type_hints

import msgspec
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from eventstore.doors import Doors
from eventstore.execute import CommandReused, Contention, Context, Outcome, Refusal, payload_sha256
from eventstore.ports import EventStoreError, StoreUnavailable

REPLY_BOUND_S = 10.0
UNREADABLE = (KeyError, ValueError)
"""What reading an entry raises that is none of ours: no such field, no JSON, no UTF-8, another shape."""
PAUSE_S = 0.2
LOOK_S = 1.0
"""How often somebody who waits for a reply looks whether Redis has lost the command."""
MOST_WAITING = 10_000
"""Commands of one service that wait for a worker; beyond it the web process refuses (503)."""
PENDING_KEPT_S = 300
"""Workers refuse a command that has waited for that long."""
REPLIES_KEPT = 1_000
REPLIES_EXPIRE_S = 3_600

SEND = """
local known = redis.call('GET', KEYS[2])
if known and known ~= ARGV[3] then return redis.error_reply('REUSED another command waits under this id') end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
return redis.call('XADD', KEYS[1], '*', 'command', ARGV[2])
"""

log = logging.getLogger(__name__)


class SentCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command on its way. `command` is the JSON of the type that the service's method takes."""

    message_id: str
    reply_to: str
    method: str
    command: msgspec.Raw
    actor: str
    correlation_id: str
    command_id: str
    causation_id: str | None
    occurred_at: datetime | None
    as_driver: str | None
    sent_at: datetime


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it. `result` is the outcome's result, or the refusal's parts."""

    message_id: str
    kind: Literal["outcome", "refusal", "reused", "contention", "unavailable", "error"]
    command_id: str
    result: dict[str, Any] = {}
    message: str = ""
    retry_after_s: float | None = None
    replayed: bool = False
    last_position: int | None = None
    written: dict[str, int] = {}


class Queue(msgspec.Struct, frozen=True):
    """How many commands of a service wait or are being done, whether there is anybody to do them, and to which engines
    some worker's breaker refuses calls."""

    waiting: int
    has_worker: bool
    open_breakers: tuple[str, ...]


class CommandPending(Exception):
    """The command is on its way but not done yet; `command_id` is where to ask."""

    def __init__(self, command_id: str) -> None:
        super().__init__(f"command {command_id} is still waiting to be done")
        self.command_id = command_id


class CommandFailed(Exception):
    """The worker failed unexpectedly; it has logged why."""


class CommandBus:
    """The sending side, one per web process."""

    def __init__(self, redis: "Redis", listening: "Redis", namespace: str, doors: Doors) -> None:
        """`listening` is the client on which replies are waited for."""
        self._redis = redis
        self._listening = listening
        self._namespace = namespace
        self._doors = doors
        self._replies = f"{namespace}:replies:{doors.new_id()}"
        self._waiting: dict[str, Future[Reply]] = {}
        self._send = redis.register_script(SEND)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen for replies in a thread until `stop`."""
        self._thread = threading.Thread(target=self._listen, name="command-replies", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(5)
        with suppress(RedisError):
            self._redis.delete(self._replies)

    def send(
        self,
        service: str,
        method: str,
        local: Any,
        command: msgspec.Struct,
        context: Context,
        as_driver: str | None = None,
    ) -> Outcome:
        """Have the service's workers do the command, and answer or raise as its method does.

        Without Redis, or when Redis has lost the command, `local` does it in this process: under the same command id
        it can't be done twice. Raises `CommandPending` when it waits for a worker for too long, and `CommandReused`
        when another command waits under the same id.
        """
        context = replace(context, command_id=context.command_id or self._doors.new_id())
        more = {} if as_driver is None else {"as_driver": as_driver}
        do_here = partial(getattr(local, method), command, context, **more)
        sent = self._sent(method, command, context, as_driver)
        future: Future[Reply] = Future()
        self._waiting[sent.message_id] = future
        stream = commands_stream(self._namespace, service)
        try:
            entry = self._queue(stream, sent, payload_sha256(command, context))
            if entry is None:
                raise StoreUnavailable(f"{MOST_WAITING} commands wait for the {service} service already")
            reply = self._wait(future, stream, entry)
        except RedisError as error:
            log.warning("Redis is away (%s); %s is done in this process", error, method)
            return cast(Outcome, do_here())
        finally:
            del self._waiting[sent.message_id]
        if reply is not None:
            return read_reply(reply)
        if self._waits_still(stream, entry):
            raise CommandPending(sent.command_id)
        log.warning("Redis has lost a command; %s is done in this process", method)
        return cast(Outcome, do_here())

    def is_pending(self, command_id: str) -> bool:
        """Whether a command that isn't stored yet may still be waiting for a worker."""
        try:
            return bool(self._redis.exists(pending_key(self._namespace, command_id)))
        except RedisError:
            return False

    def queues(self, services: Sequence[str]) -> dict[str, Queue]:
        """How each service's commands stand. Raises `RedisError`."""
        return {
            name: Queue(
                waiting=self._redis.xlen(commands_stream(self._namespace, name)),
                has_worker=bool(self._redis.exists(worker_sign(self._namespace, name))),
                open_breakers=self._open_breakers(name),
            )
            for name in services
        }

    def _open_breakers(self, service: str) -> tuple[str, ...]:
        found = cast(bytes | None, self._redis.get(breakers_key(self._namespace, service)))
        return tuple(found.decode().split(",")) if found else ()

    def _queue(self, stream: str, sent: SentCommand, payload: str) -> Any:
        """Put it into the stream, and its payload's hash beside it; its entry's id, None when the stream is full."""
        keys = [stream, pending_key(self._namespace, sent.command_id)]
        try:
            return self._send(keys, [MOST_WAITING, msgspec.json.encode(sent), payload, PENDING_KEPT_S])
        except ResponseError as error:
            if str(error).startswith("REUSED"):
                raise CommandReused(str(error)) from None
            raise

    def _sent(
        self, method: str, command: msgspec.Struct, context: Context, as_driver: str | None
    ) -> SentCommand:
        return SentCommand(
            message_id=self._doors.new_id(),
            reply_to=self._replies,
            method=method,
            command=msgspec.Raw(msgspec.json.encode(command)),
            actor=context.actor,
            correlation_id=context.correlation_id,
            command_id=str(context.command_id),
            causation_id=context.causation_id,
            occurred_at=context.occurred_at,
            as_driver=as_driver,
            sent_at=self._doors.now(),
        )

    def _wait(self, future: Future[Reply], stream: str, entry: bytes) -> Reply | None:
        bound = time.monotonic() + REPLY_BOUND_S
        while (left := bound - time.monotonic()) > 0:
            try:
                return future.result(min(LOOK_S, left))
            except FutureTimeout:
                if self._is_lost(stream, entry) and not future.done():
                    return None
        return None

    def _waits_still(self, stream: str, entry: bytes) -> bool:
        """Whether somebody may be told to ask later; False when Redis has lost the command or can't be asked."""
        try:
            return not self._is_lost(stream, entry)
        except RedisError:
            return False

    def _is_lost(self, stream: str, entry: bytes) -> bool:
        """Whether the command is gone though nobody answered. A reply is written as the command is deleted, so the
        reply of one that is just done may still be on its way; doing it again finds it done."""
        return not self._redis.xrange(stream, entry, entry)

    def _listen(self) -> None:
        last, trouble = b"0", False
        while not self._stopping.is_set():
            try:
                found: Any = self._listening.xread({self._replies: last}, count=200, block=1_000)
                for _, entries in found:
                    for entry, fields in entries:
                        last = entry
                        self._deliver(entry, fields)
                trouble = False
            except RedisError as error:
                last = b"0"  # a Redis that comes back empty counts anew
                self._fail_all(error)
                if not trouble:
                    log.warning("replies can't be received: %s", error)
                trouble = True
                self._stopping.wait(PAUSE_S)
            except Exception:  # without this thread no command of this process would be answered any more
                log.exception("replies can't be received")
                self._stopping.wait(PAUSE_S)

    def _deliver(self, entry: bytes, fields: dict[bytes, bytes]) -> None:
        try:
            reply = msgspec.json.decode(fields[b"reply"], type=Reply)
        except UNREADABLE:  # a newer release's, perhaps; who waits for it finds its command gone, and done
            log.exception("reply %s can't be read; it is left out", entry.decode())
            return
        future = self._waiting.get(reply.message_id)
        if future is not None and not future.done():
            future.set_result(reply)

    def _fail_all(self, error: RedisError) -> None:
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(error)


class RemoteService:
    """Looks like a service; its commands are done by that service's workers, everything else here."""

    def __init__(self, name: str, local: Any, bus: CommandBus) -> None:
        self._name = name
        self._local = local
        self._bus = bus
        self._commands = command_types(type(local))

    def __getattr__(self, name: str) -> Any:
        if name in self._commands:
            return partial(self._bus.send, self._name, name, self._local)
        return getattr(self._local, name)


def command_types(service: type) -> dict[str, type[msgspec.Struct]]:
    """The methods of a service that execute a command, each with the command's type."""
    methods = inspect.getmembers(service, inspect.isfunction)
    hints = {name: get_type_hints(method) for name, method in methods if not name.startswith("_")}
    return {name: hint["command"] for name, hint in hints.items() if hint.get("return") is Outcome}


def commands_stream(namespace: str, service: str) -> str:
    """The Redis stream in which a service's commands wait."""
    return f"{namespace}:commands:{service}"


def pending_key(namespace: str, command_id: str) -> str:
    """The key that holds the hash of a command's payload while the command waits."""
    return f"{namespace}:pending:{command_id}"


def worker_sign(namespace: str, service: str) -> str:
    """The key that is there as long as some worker of the service lives. Redis 7.0 doesn't count it as a sign of life
    when a member of a consumer group asks in vain, so idle times tell nothing."""
    return f"{namespace}:workers:{service}"


def breakers_key(namespace: str, service: str) -> str:
    """The key that names, with commas, what a worker of the service refuses to call; it is there while one does."""
    return f"{namespace}:breakers:{service}"


def answer(sent: SentCommand, act: Callable[[], Outcome]) -> Reply:
    """Do a command and put what comes of it into a reply."""
    reply = partial(Reply, message_id=sent.message_id, command_id=sent.command_id)
    try:
        outcome = act()
    except Refusal as refusal:
        parts = {
            "code": refusal.code,
            "message": refusal.message,
            "kind": refusal.kind,
            "details": refusal.details,
        }
        return reply(kind="refusal", result=parts, replayed=refusal.replayed)
    except CommandReused as error:
        return reply(kind="reused", message=str(error))
    except Contention as error:
        return reply(kind="contention", message=str(error))
    except EventStoreError as error:
        later_s = error.retry_after_s if isinstance(error, StoreUnavailable) else None
        return reply(kind="unavailable", message=str(error), retry_after_s=later_s)
    except Exception as error:
        log.exception("%s of %s failed", sent.method, sent.actor)
        return reply(kind="error", message=type(error).__name__)
    return reply(
        kind="outcome",
        result=outcome.result,
        replayed=outcome.replayed,
        last_position=outcome.last_position,
        written=outcome.written,
    )


def read_reply(reply: Reply) -> Outcome:
    """The outcome in a reply, or the exception."""
    match reply.kind:
        case "outcome":
            return Outcome(reply.command_id, reply.result, reply.replayed, reply.last_position, reply.written)
        case "refusal":
            parts = reply.result
            refusal = Refusal(parts["code"], parts["message"], parts["kind"], **parts["details"])
            refusal.replayed = reply.replayed
            raise refusal
        case "reused":
            raise CommandReused(reply.message)
        case "contention":
            raise Contention(reply.message)
        case "unavailable":
            raise StoreUnavailable(reply.message, reply.retry_after_s)
        case _:
            raise CommandFailed(f"the worker failed with {reply.message}; its log says why")
