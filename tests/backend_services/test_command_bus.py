"""Commands over a real Redis that holds what nobody can read, goes away at a bad moment, and outlives its workers."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from backend_services.command_bus import (
    CommandBus,
    CommandPending,
    RemoteService,
    answer,
    commands_stream,
    read_reply,
    worker_sign,
)
from backend_services.command_worker import GROUP, CommandWorker
from backend_services.resilience import DependencyDown, Policy, Remote
from eventstore.doors import Doors
from eventstore.execute import CommandReused, Context, Outcome
from eventstore.factory import open_event_store
from eventstore.ports import StoreUnavailable
from ops.engines import RedisServer
from ops.processes import wait_until
from tests.engines import engine_url
from tests.eventstore.samples import Add, add, executor, some_id

NAME, SERVICE = "t", "counters"
STREAM = commands_stream(NAME, SERVICE)
UNREADABLE: list[dict[str | bytes, Any]] = [
    {"command": b"{", "reply": b"{"},
    {"command": b'{"message_id":"\xff"}', "reply": b'{"message_id":"\xff"}'},
    {"command": b"{}", "reply": b'{"message_id":"m","kind":"of a newer release","command_id":"c"}'},
    {"something": b"else"},
]

Working = Callable[[], AbstractContextManager[CommandWorker]]


class Counters:
    """A service with one command. While `gate` is closed, its commands take their time."""

    def __init__(self, folder: Path) -> None:
        self._runner = executor(open_event_store(f"sqlite:///{folder}/events.db"))
        self.gate = threading.Event()
        self.gate.set()
        self.began = 0

    def add(self, command: Add, context: Context) -> Outcome:
        self.began += 1
        self.gate.wait(20)
        return add(self._runner, command.counter, command.amount, context.command_id)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    engine_url("REDIS_URL")
    running = RedisServer(tmp_path / "redis").start()
    yield running
    running.stop()


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator["Redis"]:
    client = Redis.from_url(redis_server.url)
    yield client
    client.close()


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[Counters]:
    service = Counters(tmp_path)
    yield service
    service._runner.store.close()


@pytest.fixture
def bus(redis: "Redis", redis_server: RedisServer) -> Iterator[CommandBus]:
    listening = Redis.from_url(redis_server.url)
    running = CommandBus(redis, listening, NAME, Doors())
    running.start()
    yield running
    running.stop()
    listening.close()


@pytest.fixture
def working(redis: "Redis", counters: Counters) -> Working:
    """A worker in a thread, as long as the block lasts."""

    @contextmanager
    def work() -> Iterator[CommandWorker]:
        worker = CommandWorker(redis, NAME, SERVICE, counters, some_id(), Doors())
        stopping = threading.Event()
        thread = threading.Thread(target=worker.run, args=(stopping,))
        thread.start()
        try:
            yield worker
        finally:
            stopping.set()
            thread.join(20)
            assert not thread.is_alive()

    return work


def send(bus: CommandBus, counters: Counters) -> Outcome:
    """Add one to the counter, by whoever does it."""
    outcome: Outcome = RemoteService(SERVICE, counters, bus).add(Add("n", 1), Context("a", "c"))
    return outcome


def pending(redis: "Redis") -> int:
    found: Any = redis.xpending(STREAM, GROUP)
    return int(found["pending"])


def test_a_reply_that_can_not_be_read_keeps_no_other_from_its_command(
    redis: "Redis", bus: CommandBus, counters: Counters, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "backend_services.command_bus.LOOK_S", 9.0
    )  # who gets no reply looks for the command then
    with working():
        assert send(bus, counters).result == {"total": 1}
        replies: Any = redis.keys(f"{NAME}:replies:*")
        for fields in UNREADABLE:
            redis.xadd(replies[0], fields)
        for total in (2, 3, 4):
            began = time.monotonic()
            outcome = send(bus, counters)
            assert (outcome.result, outcome.replayed) == ({"total": total}, False)
            assert time.monotonic() - began < 5
    assert counters.began == 4


def test_an_entry_that_is_no_command_is_dropped_and_the_next_is_done(
    redis: "Redis", bus: CommandBus, counters: Counters, working: Working
) -> None:
    for fields in UNREADABLE:
        redis.xadd(STREAM, fields)
    with working():
        assert send(bus, counters).result == {"total": 1}
        wait_until(lambda: redis.xlen(STREAM) == 0, what="an empty stream")
        wait_until(lambda: pending(redis) == 0, what="nothing in anybody's hands")
    assert counters.began == 1


def test_without_a_worker_a_command_waits(
    redis: "Redis", bus: CommandBus, counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend_services.command_bus.REPLY_BOUND_S", 0.2)
    with pytest.raises(CommandPending) as waits:
        send(bus, counters)
    assert bus.is_pending(waits.value.command_id)
    assert counters.began == 0


def test_an_id_under_which_a_command_waits_is_refused_to_another(
    redis: "Redis", bus: CommandBus, counters: Counters, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend_services.command_bus.REPLY_BOUND_S", 0.2)
    service, context = RemoteService(SERVICE, counters, bus), Context("a", "c", some_id())
    with pytest.raises(CommandPending):
        service.add(Add("n", 1), context)
    with pytest.raises(CommandReused):
        service.add(Add("n", 7), context)
    with pytest.raises(CommandReused):
        service.add(Add("n", 1), replace(context, actor="somebody else"))
    with pytest.raises(CommandPending):
        service.add(Add("n", 1), context)
    with working():
        wait_until(lambda: redis.xlen(STREAM) == 0, what="an empty stream")
    assert not bus.is_pending(str(context.command_id))
    assert counters.add(Add("n", 0), Context("a", "c")).result == {"total": 1}


@pytest.mark.parametrize("what", ["set", "xrange"])
def test_a_command_whose_waiting_can_not_be_noted_is_done_here(
    redis: "Redis", redis_server: RedisServer, counters: Counters, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Redis fails as the command is put down, or in the moment in which its sender would be told to ask later."""
    monkeypatch.setattr("backend_services.command_bus.REPLY_BOUND_S", 0.2)
    redis.acl_setuser("careful", enabled=True, nopass=True, keys=["*"], commands=["+@all", f"-{what}"])
    careful = Redis.from_url(redis_server.url.replace("redis://", "redis://careful:x@"))
    with pytest.raises(NoPermissionError):
        careful.set("a", "b") if what == "set" else careful.xrange("a")
    assert send(CommandBus(careful, careful, NAME, Doors()), counters).result == {"total": 1}
    careful.close()


def test_a_store_that_is_away_says_until_when_through_the_bus(bus: CommandBus) -> None:
    def refused() -> Outcome:
        raise StoreUnavailable("the breaker is open", 13.2)

    sent = bus._sent("add", Add("n", 1), Context("a", "c", "k"), None)
    with pytest.raises(StoreUnavailable, match="the breaker is open") as away:
        read_reply(answer(sent, refused))
    assert away.value.retry_after_s == 13.2


def test_a_worker_whose_breaker_is_open_says_so_beside_its_queue(bus: CommandBus, working: Working) -> None:
    assert bus.queues([SERVICE])[SERVICE].open_breakers == ()
    remote = Remote("an engine", (ConnectionError,), Policy(least_calls=1))
    with pytest.raises(DependencyDown):
        remote.call_once(_away)
    with working():
        wait_until(
            lambda: bus.queues([SERVICE])[SERVICE].open_breakers.count("an engine"), what="the breaker"
        )


def _away() -> None:
    raise ConnectionError("away")


def members(redis: "Redis") -> set[bytes]:
    found: Any = redis.xinfo_consumers(STREAM, GROUP)
    return {member["name"] for member in found}


def test_a_worker_that_ends_leaves_the_list_of_workers(
    redis: "Redis", bus: CommandBus, counters: Counters, working: Working
) -> None:
    for total in (1, 2, 3):
        with working():
            assert send(bus, counters).result == {"total": total}
            assert len(members(redis)) == 1
        assert members(redis) == set()


def test_a_worker_that_was_killed_is_forgotten_in_time_unless_it_holds_a_command(
    redis: "Redis", working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend_services.command_worker.STUCK_AFTER_MS", 60_000)
    redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    redis.xadd(STREAM, UNREADABLE[0])
    redis.xreadgroup(GROUP, "holds a command", {STREAM: ">"})
    redis.xgroup_createconsumer(STREAM, GROUP, "holds nothing")
    with working():
        wait_until(lambda: redis.exists(worker_sign(NAME, SERVICE)), what="a sign of life")
        assert members(redis) >= {b"holds a command", b"holds nothing"}
    monkeypatch.setattr("backend_services.command_worker.FORGOTTEN_AFTER_MS", -1)
    with working():
        wait_until(lambda: b"holds nothing" not in members(redis), what="a shorter list")
        assert b"holds a command" in members(redis)
    assert pending(redis) == 1


def test_what_a_worker_is_doing_it_does_not_begin_again(
    redis: "Redis", bus: CommandBus, counters: Counters, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend_services.command_worker.STUCK_AFTER_MS", 50)
    monkeypatch.setattr("backend_services.command_worker.CLAIM_EVERY_S", 0.05)
    counters.gate.clear()

    def was_claimed_twice() -> bool:
        with suppress(ResponseError):  # the worker hasn't made its group yet
            found: Any = redis.xpending_range(STREAM, GROUP, "-", "+", 1)
            return bool(found) and found[0]["times_delivered"] >= 3
        return False

    with working(), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(send, bus, counters)
        wait_until(was_claimed_twice, what="a command that takes long")
        counters.gate.set()
        assert answer.result(10).result == {"total": 1}
    assert counters.began == 1
