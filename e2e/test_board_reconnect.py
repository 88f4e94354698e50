"""Boards lose the server and come back: each says so, none at the same moment as the others."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e.conftest import row_of, sign_in
from e2e.dead_line import Proxy
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok
from tests.journey.server import Server

BOARDS = 4
LOST = re.compile(r"^reconnecting\s+— as of \d\d:\d\d:\d\d$")


def test_all_boards_say_when_they_lost_the_server_and_heal(
    open_page: Callable[..., Page], server: Server, dana: str
) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http, "Stormy Stella"), add_vehicle(http))
    boards = [open_page() for _ in range(BOARDS)]
    for board in boards:
        sign_in(board, dana, to="/board")
        expect(board.locator("[data-pill]")).to_have_text("live")
    for status, label in (("InTransit", "In transit"), ("Failed", "Failed")):
        server.kill()
        for board in boards:
            expect(board.locator("[data-pill]")).to_have_text(LOST)
        server.start()
        ok(move(http, delivery_id, status, **({"reason": "no_access"} if status == "Failed" else {})))
        for board in boards:
            row = board.locator("#board-list").get_by_role("row", name=re.compile("Stormy Stella"))
            expect(row).to_contain_text(label)
            expect(board.locator("[data-pill]")).to_have_text("live")


def test_a_board_on_a_dead_line_says_so_and_heals(
    open_page: Callable[..., Page], server: Server, dana: str
) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http, "Silent Sylvi"), add_vehicle(http))
    with Proxy(server.port) as proxy:
        board = open_page(url=proxy.url)
        sign_in(board, dana)
        board.goto("/board?panes=list")  # a map that is still loading would complain of the cut
        pill, row = board.locator("[data-pill]"), row_of(board, "Silent Sylvi")
        expect(pill).to_have_text("live")
        expect(row).to_contain_text("Picked up")

        proxy.cut()
        before = proxy.taken
        ok(move(http, delivery_id, "InTransit"))
        with board.expect_websocket(timeout=40_000):  # its next try
            expect(pill).to_have_text(LOST, timeout=35_000)
        expect(row).to_contain_text("Picked up")
        with board.expect_websocket(timeout=30_000):  # that one hung, too
            expect(pill).to_have_text(LOST)
        assert proxy.taken <= before + 15, "no storm of tries"

        proxy.heal()
        expect(row).to_contain_text("In transit")
        expect(pill).to_have_text("live")


def test_a_board_whose_computer_goes_offline_says_so_at_once(
    open_page: Callable[..., Page], server: Server, dana: str
) -> None:
    with Proxy(server.port) as proxy:
        board = open_page(url=proxy.url)
        sign_in(board, dana)
        board.goto("/board?panes=list")  # a map that is still loading would complain of the cut
        pill = board.locator("[data-pill]")
        expect(pill).to_have_text("live")

        proxy.cut()
        # Emulated, being offline is told before requests fail, and leaves open lines as they are.
        board.route("**/health/live", lambda route: route.abort("internetdisconnected"))
        board.context.set_offline(True)
        expect(pill).to_have_text(LOST, timeout=10_000)

        board.context.set_offline(False)
        board.unroute("**/health/live")
        proxy.heal()
        expect(pill).to_have_text("live")


def test_boards_do_not_come_back_at_the_same_moment(
    open_page: Callable[..., Page], server: Server, dana: str
) -> None:
    page = open_page()
    sign_in(page, dana)

    def pauses(failures: int, code: int) -> list[float]:
        many = "Array.from({ length: 1000 }, () => pauseBefore(failures, code))"
        load = 'import("/static/js/board-reconnect.js")'
        return list(
            page.evaluate(
                f"async ([failures, code]) => {{ const {{ pauseBefore }} = await {load}; return {many}; }}",
                [failures, code],
            )
        )

    for failures, code, least, most in (
        (1, 1006, 100, 1_000),
        (2, 1006, 200, 2_000),
        (50, 1006, 600, 6_000),
        (1, 1012, 400, 4_000),
        (3, 1013, 30_000, 60_000),
        (3, 4429, 30_000, 60_000),
    ):
        found = pauses(failures, code)
        assert least <= min(found) <= max(found) <= most
        middle = (least + most) / 2
        assert 350 < sum(pause < middle for pause in found) < 650, "spread evenly"
