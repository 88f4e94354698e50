"""The API journey through one web process, the other, and both in turn."""

from collections.abc import Iterator

import httpx
import pytest

from tests.cluster.clients import alternating_client
from tests.cluster.conftest import City
from tests.journey.distributed import DistributedServer
from tests.journey.test_api_journey import *  # noqa: F403 - the same tests, collected here anew


@pytest.fixture(scope="module", autouse=True, params=["first web", "second web", "both in turn"])
def through(request: pytest.FixtureRequest) -> str:
    """Which web process the requests go to."""
    return str(request.param)


@pytest.fixture(scope="module")
def time_round() -> str:
    """Each way through is a round of its own."""
    return "once"


@pytest.fixture
def http(city: City, through: str) -> Iterator[httpx.Client]:
    urls = {"first web": city.urls[:1], "second web": city.urls[1:], "both in turn": city.urls}[through]
    with alternating_client(urls) as client:
        yield client


@pytest.fixture(scope="module")
def server(city: City) -> DistributedServer:
    return city.server
