"""The real program as a child process, and the demo's own client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.server import API_KEY, Server
from webapp.demo.client import ApiClient


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A started server on a fresh data folder, of the test's own."""
    running = Server(tmp_path / "data")
    yield running.start()
    running.kill()  # nothing of it is needed any more


@pytest.fixture
def api(server: Server) -> ApiClient:
    """What the demo sees of it."""
    return ApiClient(server.url, API_KEY)
