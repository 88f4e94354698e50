"""The live board of the real program, as a child process."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import websocket

from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok
from tests.journey.server import API_KEY, Server

WITHIN_S = 5.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data").start()
    yield running
    running.stop()


def open_socket(server: Server) -> websocket.WebSocket:
    url = f"{server.url.replace('http', 'ws')}/board/live"
    return websocket.create_connection(url, timeout=10, header={"Authorization": f"Bearer {API_KEY}"})


def test_a_change_arrives_by_itself_and_the_end_is_announced(server: Server) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    socket = open_socket(server)
    msgspec.json.decode(socket.recv())

    began = time.monotonic()
    ok(move(http, delivery_id, "InTransit"))
    rows: dict[str, str] = {}
    while "In transit" not in rows.get(delivery_id, ""):
        rows |= {row["id"]: row["html"] for row in msgspec.json.decode(socket.recv())["rows"]}
    assert time.monotonic() - began < WITHIN_S

    server.stop()
    code = None
    while code is None:
        opcode, data = socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            code = int.from_bytes(data[:2], "big")
    assert code == 1012


def test_after_a_kill_a_board_finds_what_it_missed(server: Server) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    socket = open_socket(server)
    seen = msgspec.json.decode(socket.recv())["seq"]
    server.kill()
    server.start()

    ok(move(http, delivery_id, "InTransit"))

    assert msgspec.json.decode(open_socket(server).recv())["seq"] > seen
    frame = ok(http.get("/board/rows", params={"after": seen}))
    assert [row["id"] for row in frame["rows"]] == [delivery_id]
    assert not frame["resync"]
