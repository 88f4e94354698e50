"""Positions over Redis and MongoDB keep the contract on real servers, and outlive each of the two."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from redis import Redis

from backend_services.fleet.positions import Positions
from backend_services.fleet.shared_positions import SharedPositions
from eventstore.ports import StoreUnavailable
from ops.engines import MongoServer, RedisServer
from tests.backend_services.fleet.positions_contract import HERE, KEPT, NOW, PositionsContract, ago, fix
from tests.engines import engine_url, own_database

Client = MongoClient[dict[str, Any]]


def redis_client(url: str) -> "Redis":
    return Redis.from_url(url, socket_connect_timeout=1.0, socket_timeout=2.0)


def mongo_client(url: str) -> Client:
    return MongoClient(url, tz_aware=True, serverSelectionTimeoutMS=500, connectTimeoutMS=500)


def over(redis: "Redis", mongo: Client, name: str) -> SharedPositions:
    return SharedPositions(redis, mongo, name, KEPT, lambda: NOW)


@pytest.fixture
def mongo() -> Iterator[Client]:
    """A database of this test's own, dropped at its end."""
    client = mongo_client(own_database(engine_url("EVENT_STORE_URL")))
    yield client
    client.drop_database(client.get_default_database().name)
    client.close()


@pytest.fixture
def redis(mongo: Client) -> Iterator["Redis"]:
    client = redis_client(engine_url("REDIS_URL"))
    yield client
    keys = list(client.scan_iter(f"{mongo.get_default_database().name}*"))
    if keys:
        client.delete(*keys)
    client.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """One that may be stopped; it forgets everything then."""
    engine_url("REDIS_URL")
    server = RedisServer(tmp_path / "redis").start()
    yield server
    with contextlib.suppress(Exception):
        server.stop()


class TestSharedContract(PositionsContract):
    @pytest.fixture
    def positions(self, redis: "Redis", mongo: Client) -> Positions:
        return over(redis, mongo, mongo.get_default_database().name)

    @pytest.fixture
    def reopen(self, redis: "Redis", mongo: Client) -> Callable[[], Positions]:
        return lambda: over(redis, mongo, mongo.get_default_database().name)


class TestContractWithoutRedis(PositionsContract):
    """MongoDB alone answers the same."""

    @pytest.fixture
    def positions(self, mongo: Client) -> Positions:
        return over(redis_client("redis://127.0.0.1:1/0"), mongo, "away")

    @pytest.fixture
    def reopen(self, mongo: Client) -> Callable[[], Positions]:
        return lambda: over(redis_client("redis://127.0.0.1:1/0"), mongo, "away")

    test_a_forgotten_driver_leaves_nothing = None  # type: ignore[assignment]  # see below

    def test_a_driver_can_only_be_forgotten_everywhere(self, positions: Positions) -> None:
        with pytest.raises(StoreUnavailable):
            positions.forget("a")


def test_what_one_process_reports_another_sees(redis: "Redis", mongo: Client) -> None:
    name = mongo.get_default_database().name
    over(redis, mongo, name).report("a", [fix(20, 100), fix(10)])
    other = over(redis, mongo, name)
    assert other.newest(NOW) == {"a": fix(10)}
    assert other.trail("a", ago(60), NOW, 10) == [fix(20, 100), fix(10)]


def test_a_redis_that_was_away_is_filled_again(own_redis: RedisServer, mongo: Client) -> None:
    positions = over(redis_client(own_redis.url), mongo, "n")
    positions.report("parked", [fix(500)])
    positions.report("driving", [fix(30)])
    own_redis.stop()
    positions.report("driving", [fix(20, 50)])
    positions.report("last seen meanwhile", [fix(15, 100)])
    expected = {"parked": fix(500), "driving": fix(20, 50), "last seen meanwhile": fix(15, 100)}
    assert positions.newest(NOW) == expected
    own_redis.start()
    assert positions.newest(NOW) == expected
    assert len(positions.near(*HERE, 1000, 10, NOW)) == 3
    assert redis_client(own_redis.url).hlen("n:positions:newest") == 3


def test_what_redis_missed_while_it_was_unreachable_it_gets_later(redis: "Redis", mongo: Client) -> None:
    """It lost nothing, so it doesn't know that it misses something."""
    name = mongo.get_default_database().name
    working = over(redis, mongo, name)
    working.report("a", [fix(100)])
    assert working.newest(NOW) == {"a": fix(100)}
    cut_off = over(redis_client("redis://127.0.0.1:1/0"), mongo, name)
    cut_off.report("a", [fix(50, 50)])
    cut_off._redis = working._redis  # the line is there again
    cut_off.report("b", [fix(40)])
    assert working.newest(NOW) == {"a": fix(50, 50), "b": fix(40)}


def test_without_mongodb_the_newest_is_known_and_the_batch_has_to_be_sent_again(
    redis: "Redis", tmp_path: Path
) -> None:
    server = MongoServer(tmp_path / "mongo").start()
    try:
        client = mongo_client(own_database(server.url))
        positions = over(redis, client, client.get_default_database().name)
        batch = [fix(20, 100), fix(10)]
        positions.report("a", [fix(30, 200)])
        assert positions.find("a", NOW) == fix(30, 200)
        server.stop()
        with pytest.raises(StoreUnavailable) as away:
            positions.report("a", batch)
        assert "60.1" not in str(away.value), "an error is logged, a position isn't"
        assert positions.find("a", NOW) == fix(10)
        with pytest.raises(StoreUnavailable):
            positions.trail("a", ago(60), NOW, 10)
        server.start()
        positions.report("a", batch)
        assert positions.trail("a", ago(60), NOW, 10) == [fix(30, 200), *batch]
    finally:
        server.stop()
        for key in redis.scan_iter("t*:positions:*"):
            redis.delete(key)
        client.close()


def test_the_time_limit_may_be_changed_later(redis: "Redis", mongo: Client) -> None:
    name = mongo.get_default_database().name
    over(redis, mongo, name).report("a", [fix(30)])
    longer = SharedPositions(redis, mongo, name, 2 * KEPT, lambda: NOW)
    day = KEPT.total_seconds()
    longer.report("a", [fix(day + 60, 100)])
    assert longer.trail("a", ago(2 * day), NOW, 10) == [fix(day + 60, 100), fix(30)]
    database = mongo.get_default_database()
    assert database["positions"].options()["expireAfterSeconds"] == 2 * day
    assert database["newest_positions"].index_information()["expiry"]["expireAfterSeconds"] == 2 * day
