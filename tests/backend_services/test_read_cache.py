"""Answers are found under the version of the rows they were made from, and nowhere else."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.read_cache import MOST_KEPT, OwnReadCache, ReadCache, SharedReadCache
from backend_services.read_models import rows_version
from ops.engines import RedisServer
from tests.backend_services.town import Town
from tests.engines import engine_url


@pytest.fixture(params=["own", "shared"])
def cache(request: pytest.FixtureRequest) -> Iterator[ReadCache]:
    if request.param == "own":
        yield OwnReadCache()
        return
    redis = Redis.from_url(engine_url("REDIS_URL"))
    yield SharedReadCache(redis, f"t{uuid4().hex}")
    redis.close()


def test_an_answer_is_found_under_its_version_only(cache: ReadCache) -> None:
    assert cache.find("overview", "a:1") is None
    cache.keep("overview", "a:1", b"one")
    assert cache.find("overview", "a:1") == b"one"
    assert cache.find("overview", "a:2") is None
    assert cache.find("overview", "b:1") is None
    assert cache.find("other", "a:1") is None


def test_a_process_keeps_only_so_many() -> None:
    cache = OwnReadCache()
    for number in range(MOST_KEPT + 1):
        cache.keep(f"n{number}", "a:1", b"x")
    assert cache.find("n0", "a:1") is None
    assert cache.find(f"n{MOST_KEPT}", "a:1") == b"x"


def test_without_redis_nothing_is_found_and_nothing_fails(tmp_path: Path) -> None:
    engine_url("REDIS_URL")
    server = RedisServer(tmp_path).start()
    cache = SharedReadCache(Redis.from_url(server.url, retry=None), "waybill")
    cache.keep("overview", "a:1", b"one")
    server.stop()
    assert cache.find("overview", "a:1") is None
    cache.keep("overview", "a:1", b"one")


def test_every_kind_of_event_makes_another_version_of_the_rows(town: Town) -> None:
    def version() -> str:
        with town.seen() as session:
            return rows_version(session)

    seen = [version()]
    driver_id, vehicle_id = town.driver(), town.vehicle()
    seen.append(version())
    route_id = town.route()
    seen.append(version())
    delivery_id = town.delivery(route_id, driver_id, vehicle_id)
    seen.append(version())
    town.move(delivery_id, DeliveryStatus.IN_TRANSIT)
    seen.append(version())
    assert len(set(seen)) == len(seen)
    assert version() == seen[-1]
