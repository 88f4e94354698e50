"""One running server per module and mode: embedded, and over the real engines. The tests are the same."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journey.distributed import DistributedServer
from tests.journey.server import Server

MODES = ["embedded", "distributed"]
AnyServer = Server | DistributedServer


def make_server(mode: str, folder: Path) -> AnyServer:
    """A server on a fresh folder, not started yet."""
    return Server(folder) if mode == "embedded" else DistributedServer(folder)


@pytest.fixture(scope="module", params=MODES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyServer]:
    """A started server of each mode."""
    running = make_server(request.param, tmp_path_factory.mktemp("server") / "data")
    yield running.start()
    running.remove()


@pytest.fixture(params=MODES)
def fresh_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyServer]:
    """A server of the test's own, to be killed and restarted."""
    running = make_server(request.param, tmp_path / "data")
    yield running.start()
    running.remove()


@pytest.fixture
def embedded_server(tmp_path: Path) -> Iterator[Server]:
    """For what only one process on a folder does."""
    running = Server(tmp_path / "data")
    yield running.start()
    running.stop()


@pytest.fixture
def http(server: AnyServer) -> httpx.Client:
    """A client with the API key."""
    return server.client
