"""One running server per module; another mode joins by another parameter."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journey.server import Server


@pytest.fixture(scope="module", params=["embedded"])
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A started server on a fresh data folder."""
    running = Server(tmp_path_factory.mktemp("server") / "data")
    yield running.start()
    running.stop()


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to be killed and restarted."""
    running = Server(tmp_path / "data")
    yield running.start()
    running.stop()


@pytest.fixture
def http(server: Server) -> httpx.Client:
    """A client with the API key."""
    return server.client
