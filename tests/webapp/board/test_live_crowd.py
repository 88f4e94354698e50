"""Many boards on the real program: they hold none of its threads, and each gets what changes."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend_services.settings import load_settings
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, ok
from tests.journey.server import Server
from tests.webapp.board.crowd import Crowd, sign_in_many
from webapp import create_app
from webapp.live.hub import MOST_PER_ACCOUNT

BOARDS = 200
WITHIN_S = 5.0


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A program with the fewest threads that it takes; not started yet."""
    return Server(tmp_path / "data", WAYBILL_THREADS="8")


@pytest.fixture
def crowd(server: Server) -> Iterator[Crowd]:
    app = create_app(load_settings(server.environ()))
    cookies = sign_in_many(app, BOARDS // MOST_PER_ACCOUNT)
    app.extensions["waybill"].stop()
    server.start()
    opened = Crowd(f"{server.url.replace('http', 'ws')}/board/live", cookies, BOARDS)
    yield opened
    opened.leave()
    server.stop()


def test_a_change_reaches_two_hundred_boards_of_a_server_with_eight_threads(
    crowd: Crowd, server: Server
) -> None:
    http = server.client
    driver_id = add_driver(http, "Crowd-Puller")

    add_delivery(http, add_route(http), driver_id, add_vehicle(http))

    assert len(crowd.arrivals(b"Crowd-Puller", WITHIN_S)) == BOARDS
    assert "waybill_boards 200.0" in http.get("/metrics").text


def test_the_end_of_the_server_is_told_to_every_board(crowd: Crowd, server: Server) -> None:
    ok(server.client.get("/health/ready"))

    assert server.process is not None
    server.process.terminate()

    assert len(crowd.arrivals(struct.pack("!H", 1012) + b"the server restarts", WITHIN_S)) == BOARDS
