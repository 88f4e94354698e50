"""The server is killed under a hundred boards, again and again; each of them shows in the end what is true."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import websocket

from backend_services.settings import load_settings
from ops.processes import wait_until
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok
from tests.journey.server import Server
from tests.webapp.board.crowd import sign_in_many
from tests.webapp.board.rows import pushed_rows, rows_of, seq_of
from webapp import create_app
from webapp.live.hub import MOST_PER_ACCOUNT

BOARDS, KILLS = 100, 3
BOUND_S = 60.0


class Watcher:
    """A board as `board-live.js` keeps it: it reconnects with jitter and asks for what it missed."""

    def __init__(self, server: Server, http: httpx.Client, cookie: dict[str, str]) -> None:
        self._http = http
        self._url = f"{server.url.replace('http', 'ws')}/board/live"
        self._cookie = cookie
        self._is_leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.rows: dict[str, str] = {}
        self.seq = -1
        self.times_open = 0

    def start(self) -> "Watcher":
        self._load()
        self._thread.start()
        return self

    def leave(self) -> None:
        self._is_leaving.set()

    def wait_for_end(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while not self._is_leaving.is_set():
            with suppress(OSError, websocket.WebSocketException, httpx.HTTPError):
                self._watch()
            self._is_leaving.wait(random.uniform(0.05, 0.5))  # noqa: S311

    def _watch(self) -> None:
        board = websocket.create_connection(self._url, timeout=5, header=self._cookie)
        board.settimeout(0.5)
        self.times_open += 1
        with closing(board):
            while not self._is_leaving.is_set():
                with suppress(websocket.WebSocketTimeoutException):
                    text = board.recv()
                    if not text:  # the server says goodbye
                        return
                    self._take(msgspec.json.decode(text))

    def _take(self, frame: dict[str, Any], *, is_whole: bool = False) -> None:
        if frame["resync"]:
            self._load()
        elif frame["after"] > self.seq and not is_whole:
            answer = self._http.get("/board/rows", params={"after": self.seq}, headers=self._cookie)
            self._take(answer.raise_for_status().json(), is_whole=True)
        else:
            self.seq = max(self.seq, frame["seq"])
            self.rows.update(pushed_rows(frame))
            for delivery_id in frame["removed"]:
                self.rows.pop(delivery_id, None)

    def _load(self) -> None:
        page = self._http.get("/board", headers=self._cookie).raise_for_status().text
        self.rows, self.seq = rows_of(page), seq_of(page)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data")
    yield running
    running.stop()


@pytest.fixture
def watchers(server: Server) -> Iterator[list[Watcher]]:
    app = create_app(load_settings(server.environ()))
    cookies = sign_in_many(app, BOARDS // MOST_PER_ACCOUNT)
    app.extensions["waybill"].stop()
    server.start()
    with httpx.Client(base_url=server.url, timeout=30, limits=httpx.Limits(max_connections=16)) as http:
        opened = [Watcher(server, http, cookies[n % len(cookies)]).start() for n in range(BOARDS)]
        yield opened
        for watcher in opened:
            watcher.leave()
        for watcher in opened:
            watcher.wait_for_end()


def test_every_board_converges_however_often_the_server_is_killed(
    server: Server, watchers: list[Watcher]
) -> None:
    http = server.client
    route_id = add_route(http)
    deliveries = [add_delivery(http, route_id, add_driver(http), add_vehicle(http)) for _ in range(3)]
    for killed, delivery_id in enumerate(deliveries, start=1):
        wait_until(
            lambda killed=killed: all(watcher.times_open >= killed for watcher in watchers), BOUND_S, "boards"
        )
        ok(move(http, delivery_id, "InTransit"))
        server.kill()
        server.start()
        ok(move(http, delivery_id, "Failed", reason="no_access"))
    assert len(deliveries) == KILLS

    began = time.monotonic()
    while time.monotonic() - began < BOUND_S:
        page = rows_of(http.get("/board").raise_for_status().text)
        apart = [watcher for watcher in watchers if watcher.rows != page]
        if not apart:
            break
        time.sleep(0.2)

    assert apart == []
    assert len(page) == KILLS
    assert all("Failed" in row for row in page.values())
    assert min(watcher.times_open for watcher in watchers) > KILLS
