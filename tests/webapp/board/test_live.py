"""The live board over real sockets: what changes arrives, for everybody, and ends when it should."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
import websocket
from flask import Flask
from sqlalchemy import delete
from werkzeug.serving import BaseWSGIServer, make_server

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.fleet.positions import Fix
from ops.processes import wait_until
from tests.webapp.board.rows import pushed_rows, rows_of, seq_of
from tests.webapp.noon import API_KEY, PASSWORD, add_driver_account
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene
from webapp.accounts.models import SignIn
from webapp.database import db
from webapp.live import codes
from webapp.live import hub as board_hub

BOUND_S = 10.0


class Board:
    """An open board: its rows by delivery id, kept in step by the frames of its socket."""

    def __init__(self, url: str, page: str, **headers: str) -> None:
        self.rows = rows_of(page)
        self.seq = seq_of(page)
        self.counters: dict[str, int] = {}
        self.fixes: dict[str, dict[str, Any]] = {}
        self.hello: dict[str, Any] = {}
        self.reason = ""
        self._socket = websocket.create_connection(url, timeout=BOUND_S, header=headers)

    def take(self) -> dict[str, Any]:
        """Wait for the next frame and apply it."""
        frame: dict[str, Any] = msgspec.json.decode(self._socket.recv())
        assert not frame["resync"]
        self.seq = max(self.seq, frame["seq"])
        self.rows.update(pushed_rows(frame))
        for delivery_id in frame["removed"]:
            self.rows.pop(delivery_id, None)
        self.counters = frame["counters"] or self.counters
        self.fixes.update(frame["fixes"])
        return frame

    def take_up_to(self, seq: int) -> None:
        """Wait until the board shows what the log says up to `seq`."""
        while self.seq < seq:
            self.take()

    def is_let_in(self) -> bool:
        """Whether the first thing that comes is a frame."""
        return bool(self._socket.recv_data()[0] == websocket.ABNF.OPCODE_TEXT)

    def wait_for_close(self) -> int:
        """The code with which the server closes the socket."""
        while True:
            opcode, data = self._socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                self.reason = data[2:].decode()
                return int.from_bytes(data[:2], "big")

    def leave(self) -> None:
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self._socket.close()


@pytest.fixture
def beating_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an app that starts afterwards: a heartbeat five times a second."""
    monkeypatch.setattr(board_hub, "HEARTBEAT_S", 0.2)


@pytest.fixture
def server(app: Flask) -> Iterator[BaseWSGIServer]:
    """The app behind real sockets."""
    running = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()


@pytest.fixture
def url(server: BaseWSGIServer) -> str:
    return f"ws://127.0.0.1:{server.port}/board/live"


@pytest.fixture
def opened(url: str, dana: Browser) -> Iterator[Any]:
    """Opens boards; they leave at the end."""
    boards: list[Board] = []

    def open_board(*, is_greeted: bool = True, **headers: str) -> Board:
        page = dana.get("/board").html
        board = Board(url, page, **(headers or {"Authorization": f"Bearer {API_KEY}"}))
        boards.append(board)
        if is_greeted:  # what happens before the first frame isn't pushed: a browser would ask for it
            board.hello = board.take()
        return board

    yield open_board
    for board in boards:
        board.leave()


def cookie_of(browser: Browser) -> str:
    cookie = browser.client.get_cookie("waybill")
    assert cookie is not None
    return f"waybill={cookie.value}"


def test_the_first_frame_says_how_far_the_board_has_come(opened: Any, scene: Scene) -> None:
    scene.add_delivery(scene.add_route(10))
    board = opened()

    first = board.hello

    assert (first["rows"], first["after"]) == ([], first["seq"])
    assert board.seq == first["seq"]


def test_a_change_reaches_every_board_as_the_row_of_the_page(
    opened: Any, dana: Browser, scene: Scene
) -> None:
    view = scene.add_delivery(scene.add_route(10), scene.add_driver(), scene.add_vehicle())
    boards = [opened(), opened(Cookie=cookie_of(dana))]
    before = boards[0].seq

    scene.move(view, DeliveryStatus.IN_TRANSIT)

    page = dana.get("/board").html
    for board in boards:
        board.take_up_to(seq_of(page))
        assert board.seq > before
        assert board.rows == rows_of(page)
        assert board.counters["InTransit"] == 1


def test_boards_converge_however_much_happens(opened: Any, dana: Browser, scene: Scene) -> None:
    boards = [opened(), opened()]
    for minutes in range(3):
        views = [
            scene.add_delivery(scene.add_route(minutes, stops=3), scene.add_driver(), scene.add_vehicle())
            for _ in range(3)
        ]
        scene.move(views[0], DeliveryStatus.IN_TRANSIT)
        scene.add_incident(views[0])
        scene.move(views[1], DeliveryStatus.FAILED, reason="other")
    boards.append(opened())
    scene.add_delivery(scene.add_route(20))

    page = dana.get("/board").html

    for board in boards:
        board.take_up_to(seq_of(page))
        assert board.rows == rows_of(page)


def test_what_a_board_missed_while_it_was_away_it_gets_by_asking(
    opened: Any, dana: Browser, scene: Scene
) -> None:
    board = opened()
    seen = board.seq
    board.leave()
    view = scene.add_delivery(scene.add_route(10))
    later = opened()
    first = later.take()
    assert first["seq"] > seen, "the first frame shows the gap"

    frame = dana.client.get(f"/board/rows?after={seen}").get_json()

    assert [row["id"] for row in frame["rows"]] == [view.delivery_id]
    assert pushed_rows(frame) == rows_of(dana.get("/board").html)


def test_lateness_and_positions_arrive_without_any_event(opened: Any, app: Flask, scene: Scene) -> None:
    driver = scene.add_driver()
    view = scene.add_delivery(scene.add_route(10), driver, scene.add_vehicle())
    board = opened()
    board.take()
    waybill = app.extensions["waybill"]
    now = waybill.doors.now()
    waybill.positions.report(driver.driver_id, [Fix(60.17, 24.94, now)])
    waybill.doors = replace(waybill.doors, now=lambda: now + timedelta(minutes=42))

    # Traffic on the board must not keep time from passing on it.
    while "12 min" not in board.rows[view.delivery_id] or driver.driver_id not in board.fixes:
        scene.add_delivery(scene.add_route(200))
        board.take()

    assert board.counters["late"] >= 1


def test_a_drivers_way_arrives_and_a_new_board_knows_it_at_once(
    opened: Any, app: Flask, scene: Scene
) -> None:
    driver_id = scene.add_driver().driver_id
    board = opened()
    waybill = app.extensions["waybill"]
    now = waybill.doors.now()
    for metres in range(20):  # more often than boards are told
        waybill.positions.report(
            driver_id, [Fix(60.17 + metres / 1e5, 24.94, now + timedelta(milliseconds=metres))]
        )

    frames = []
    while board.fixes.get(driver_id, {}).get("latitude") != 60.17019:
        frames.append(board.take())

    assert set(board.fixes[driver_id]) == {"at", "latitude", "longitude", "heading"}
    assert len([frame for frame in frames if frame["fixes"]]) <= 2
    assert opened().hello["fixes"] == board.fixes


def test_a_board_ends_soon_after_its_sign_in(
    beating_fast: None, opened: Any, app: Flask, dana: Browser
) -> None:
    board = opened(Cookie=cookie_of(dana))
    board.take()
    board.take()  # a heartbeat, so the sign-in was fine

    with app.app_context():
        db.session.execute(delete(SignIn))
        db.session.commit()

    assert board.wait_for_close() == codes.SIGNED_OUT


def test_more_boards_than_the_process_may_hold_are_sent_away(opened: Any, app: Flask) -> None:
    app.extensions["board_hub"].most_sockets = 1
    first = opened()
    first.take()

    assert opened(is_greeted=False).wait_for_close() == codes.FULL

    first.leave()
    wait_until(lambda: opened(is_greeted=False).is_let_in(), BOUND_S, "the place of the board that left")


def test_an_account_may_have_twenty_boards_open(opened: Any, dana: Browser) -> None:
    boards = [opened() for _ in range(board_hub.MOST_PER_ACCOUNT)]

    one_too_many = opened(is_greeted=False)

    assert one_too_many.wait_for_close() == codes.TOO_MANY
    assert one_too_many.reason == "this account has 20 boards open here; close one of them"
    opened(Cookie=cookie_of(dana))
    boards[0].leave()
    wait_until(lambda: opened(is_greeted=False).is_let_in(), BOUND_S, "the place of the board that left")


def test_what_is_no_handshake_gets_no_board(url: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Authorization": f"Bearer {API_KEY}"}
    address = url.replace("ws:", "http:")

    assert httpx.get(address, headers=headers).status_code == 400
    assert httpx.get(address, headers={"Authorization": f"Bearer {API_KEY}"}).status_code == 400


def test_a_heartbeat_says_how_far_the_boards_have_been_told(
    beating_fast: None, opened: Any, scene: Scene
) -> None:
    board = opened()
    scene.add_delivery(scene.add_route(10))
    while not board.take()["rows"]:
        pass

    beat = board.take()

    assert (beat["rows"], beat["counters"], beat["isBehind"]) == ([], None, False)
    assert beat["after"] == beat["seq"] == board.seq


def test_another_sites_page_gets_nothing(url: str, dana: Browser) -> None:
    stranger = websocket.create_connection(
        url, timeout=BOUND_S, origin="https://elsewhere.example", cookie=cookie_of(dana)
    )

    opcode, data = stranger.recv_data()

    assert opcode == websocket.ABNF.OPCODE_CLOSE
    assert int.from_bytes(data[:2], "big") == codes.WRONG_ORIGIN


@pytest.mark.parametrize(("who", "status"), [("nobody", 302), ("a driver", 403)])
def test_only_dispatchers_get_a_board(url: str, app: Flask, scene: Scene, who: str, status: int) -> None:
    browser = Browser(app)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    if who == "a driver":
        add_driver_account(app, scene, "Dora Driver")
        browser.sign_in("dora", PASSWORD)
        headers["Cookie"] = cookie_of(browser)

    assert httpx.get(url.replace("ws:", "http:"), headers=headers).status_code == status


def test_a_server_that_stops_tells_its_boards(opened: Any, app: Flask) -> None:
    board = opened()
    board.take()

    app.extensions["board_hub"].close_sockets()

    assert board.wait_for_close() == codes.GOING_AWAY
    assert opened(is_greeted=False).wait_for_close() == codes.FULL, "nobody new gets in"
