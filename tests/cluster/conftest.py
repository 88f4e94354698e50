"""Two of everything, over the engines of the environment and a Redis of its own that may be stopped and flushed."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ops.cluster import FULL
from ops.engines import RedisServer
from tests.engines import engine_url
from tests.journey.distributed import DistributedServer


@dataclass(frozen=True)
class City:
    """The running installation and its Redis."""

    server: DistributedServer
    redis: RedisServer

    @property
    def urls(self) -> list[str]:
        return self.server.cluster.urls


@pytest.fixture(scope="package")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Two web processes, two workers per service, two publishers, two projectors."""
    engine_url("REDIS_URL")  # where there are no engines, this one isn't started either
    redis = RedisServer(tmp_path_factory.mktemp("redis")).start()
    server = DistributedServer(tmp_path_factory.mktemp("city"), FULL, {"REDIS_URL": redis.url})
    yield City(server.start(), redis)
    server.remove()
    redis.stop()
