"""Locks in a real Redis: they keep others out for a moment, and a Redis that hangs holds nobody up."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend_services.guarded import LOCK_TIMEOUT_S, REDIS, open_locks
from backend_services.settings import Settings, load_settings
from ops.engines import RedisServer
from tests.engines import engine_url

WAIT_S, LONG_S = 0.3, 5.0


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own, which may be frozen."""
    engine_url("REDIS_URL")
    running = RedisServer(tmp_path / "redis").start()
    yield running
    assert running.child is not None
    running.child.thaw()
    running.stop()


@pytest.fixture
def settings(redis_server: RedisServer) -> Settings:
    """Settings of the distributed mode, of which only Redis is there."""
    nowhere = {
        "EVENT_STORE_URL": "mongodb://127.0.0.1:1/waybill?replicaSet=rs0",
        "BROKER_URL": "kafka://127.0.0.1:1",
        "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/postgres",
    }
    return load_settings(nowhere | {"REDIS_URL": redis_server.url}, serves_pages=False)


def test_a_lock_that_another_process_holds_is_waited_for_and_then_left_out(settings: Settings) -> None:
    ours, theirs = open_locks(settings), open_locks(settings)
    with ours.hold(["driver-7", "vehicle-3"], WAIT_S):
        began = time.monotonic()
        with theirs.hold(["vehicle-3"], WAIT_S):
            assert time.monotonic() - began >= WAIT_S
    began = time.monotonic()
    with theirs.hold(["driver-7", "vehicle-3"], LONG_S):
        assert time.monotonic() - began < LONG_S


def test_a_redis_that_hangs_holds_nobody_up_for_longer_than_a_held_lock_and_is_then_left_alone(
    settings: Settings, redis_server: RedisServer
) -> None:
    locks = open_locks(settings)
    with locks.hold(["driver-7"], WAIT_S):
        pass
    assert redis_server.child is not None
    redis_server.child.freeze()
    began = time.monotonic()
    for _ in range(100):
        with locks.hold(["driver-7", "vehicle-3"], WAIT_S):
            pass
    assert time.monotonic() - began < 100 * LOCK_TIMEOUT_S / 4


def test_a_redis_that_hangs_while_a_lock_is_held_does_not_hold_up_its_end_either(
    settings: Settings, redis_server: RedisServer
) -> None:
    assert redis_server.child is not None
    with open_locks(settings).hold(["driver-7", "vehicle-3"], WAIT_S):
        redis_server.child.freeze()
        began = time.monotonic()
    assert time.monotonic() - began < REDIS.try_timeout_s
