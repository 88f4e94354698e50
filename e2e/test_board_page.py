"""The board's page as somebody works with it all day: its drawer, search and filters, heads and columns."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.conftest import place_of, sign_in
from tests.journey.city import (
    add_delivery,
    add_driver,
    add_route,
    add_vehicle,
    move,
    ok,
    reach,
    soon,
)
from tests.journey.conftest import AnyServer

pytestmark = pytest.mark.usefixtures("dana")


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    opened = open_page()
    sign_in(opened, "dana")
    return opened


def open_board(page: Page, path: str = "/board?panes=list") -> None:
    page.goto(path)
    expect(page.locator("[data-pill]")).to_have_text(re.compile("^live", re.I))


@contextmanager
def away(server: AnyServer) -> Iterator[None]:
    """Nobody reaches the server for a while; it is back for the next test, whatever happens."""
    server.kill()
    try:
        yield
    finally:
        server.start()


def test_the_board_stays_where_a_delivery_cannot_be_opened_because_the_server_is_away(
    browser: Browser, server: AnyServer
) -> None:
    http = server.client
    first, second = (add_delivery(http, add_route(http, soon(5 + number))) for number in range(2))
    page = browser.new_page(base_url=server.url)  # its console may complain
    sign_in(page, "dana")
    open_board(page)
    page.locator(f"#d-{first} .rowlink").click()
    expect(page.locator("#glance-title")).to_be_visible()
    said = page.locator(".toast-box")
    with away(server):
        page.locator(f"#d-{second} .rowlink").click()
        expect(said).to_contain_text("Waybill can't be reached")
        expect(said).to_contain_text(re.compile(r"The list is as of \d\d:\d\d:\d\d\."))
        page.keyboard.press("k")
        page.keyboard.press("k")
        expect(page).to_have_url(re.compile("/board"))
        expect(page.locator(f"#d-{first}")).to_be_visible()
        expect(said).to_have_count(1)
    expect(page.locator("[data-pill]")).to_have_text("live")
    page.locator(f"#d-{second} .rowlink").click()
    expect(page.locator(f"#drawer [data-glance='{second}']")).to_be_visible()
    page.close()


def test_a_delivery_that_is_not_there_leads_to_the_page_that_says_so(page: Page) -> None:
    open_board(page)
    missing = str(uuid4())
    page.locator("#board").evaluate(
        """(board, id) => board.dispatchEvent(
            new CustomEvent("board:select", { bubbles: true, detail: { id, source: "map", opens: true } })
        )""",
        missing,
    )
    expect(page).to_have_url(re.compile(f"/deliveries/{missing}$"))


def test_escape_takes_a_search_back(page: Page, server: AnyServer) -> None:
    http = server.client
    ids = [add_delivery(http, add_route(http, soon(5 + number))) for number in range(2)]
    open_board(page)
    page.keyboard.press("/")
    page.keyboard.type(ids[0][-6:])
    expect(page.locator(f"#d-{ids[1]}")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator(f"#d-{ids[1]}")).to_be_visible()
    expect(page).not_to_have_url(re.compile("q="))


def test_escape_takes_a_search_in_the_past_back(page: Page, server: AnyServer) -> None:
    http = server.client
    ids = [add_delivery(http, add_route(http, soon(5 + number))) for number in range(2)]
    open_board(page)
    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/board?at=*")
    page.locator("#q").fill(ids[0][-6:])
    expect(page.locator(f"#d-{ids[1]}")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(f"#d-{ids[1]}")).to_be_visible()
    expect(page).not_to_have_url(re.compile("q="))


ANY = "any value"
PANES = {"three panes": "list,map,timeline", "list and timeline": "list,timeline", "the list": "list"}

IS_ON_TOP = """head => {
    const { left, top, height } = head.getBoundingClientRect();
    return head.contains(document.elementFromPoint(left + 10, top + height / 2));
}"""
CUT_CELLS = """(board, id) =>
    [...board.querySelectorAll(`th, #d-${id} :is(.c-status, .c-late, .c-time)`)]
        .filter((cell) => cell.scrollWidth > cell.clientWidth)
        .map((cell) => cell.className)"""
LINES_OF_LATE = "(board, id) => board.querySelector(`#d-${id} .late-text`).getClientRects().length"
IS_LAST_ON_PAPER = """() => {
    const [last] = [...document.querySelectorAll("#board-list tbody tr")].slice(-1);
    return last.getBoundingClientRect().bottom <= document.body.getBoundingClientRect().bottom;
}"""
HEIGHTS = "rows => [...new Set(rows.map((row) => Math.round(row.getBoundingClientRect().height)))]"


@pytest.fixture(scope="module")
def busy_day(server: AnyServer) -> str:
    """More rows than fit on a screen, and one of them with the longest things to say; its delivery id."""
    http = server.client
    for number in range(24):
        add_delivery(http, add_route(http, soon(30 + number), stops=1))
    driver_id, vehicle_id, route_id = add_driver(http), add_vehicle(http), add_route(http, soon(-252))
    delivery_id = add_delivery(http, route_id, driver_id, vehicle_id)
    ok(move(http, delivery_id, "InTransit"))
    ok(http.post(f"/api/deliveries/{delivery_id}/incidents", json={"type": "Delay", "description": "Queue"}))
    for number in (1, 2):
        ok(reach(http, delivery_id, route_id, number))
    ok(move(http, delivery_id, "OutForDelivery"))
    return delivery_id


@pytest.mark.usefixtures("busy_day")
@pytest.mark.parametrize("panes", PANES.values(), ids=PANES.keys())
def test_the_heads_of_the_columns_stay_in_sight(page: Page, panes: str) -> None:
    open_board(page, f"/board?panes={panes}")
    pane, head = page.locator(".listbody"), page.locator("#board-list th.c-delivery")
    for width, height in ((1440, 900), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        scrolled = pane.evaluate("pane => { pane.scrollTop = 600; return pane.scrollTop }")
        assert scrolled > 300, "there must be something to scroll"
        top, seen = place_of(pane), place_of(head)
        assert abs(seen["y"] - top["y"]) <= 2
        assert head.evaluate(IS_ON_TOP)


@pytest.mark.parametrize("panes", PANES.values(), ids=PANES.keys())
def test_a_row_says_everything_in_the_room_it_has(page: Page, busy_day: str, panes: str) -> None:
    open_board(page, f"/board?panes={panes}")
    row = page.locator(f"#d-{busy_day}")
    for width in (1024, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        row.evaluate("row => row.scrollIntoView({ block: 'center' })")  # it may be replaced at any moment
        for said in ("2/2", "Handing over"):
            expect(row.get_by_text(said).locator("visible=true")).to_have_count(1)
        expect(row.locator(".c-late")).to_contain_text(re.compile(r"3 h \d\d min"))
        assert page.locator("#board").evaluate(LINES_OF_LATE, busy_day) == 1
        assert page.locator("#board").evaluate(CUT_CELLS, busy_day) == []
        rows = page.locator("#board-list tbody tr:not([hidden])")
        assert len(rows.evaluate_all(HEIGHTS)) == 1


def test_a_small_delay_is_the_same_in_the_row_and_beside_it(page: Page, server: AnyServer) -> None:
    http = server.client
    route_id = add_route(http, soon(-24))
    delivery_id = add_delivery(http, route_id, add_driver(http), add_vehicle(http))
    ok(move(http, delivery_id, "InTransit"))
    ok(reach(http, delivery_id, route_id, 1))
    open_board(page)
    row = page.locator(f"#d-{delivery_id}")
    expect(row.locator(".c-late")).to_have_text("4 min late")
    expect(row.locator(".late-text")).to_have_count(0)
    row.locator(".rowlink").click()
    expect(page.locator("#drawer .trail")).to_contain_text("4 min later")


def test_filters_go_along_to_another_time_and_another_day(page: Page, server: AnyServer) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    ok(move(http, delivery_id, "InTransit"))
    word = delivery_id[-6:]
    open_board(page)
    page.locator("#chip-InTransit").click()
    page.locator("#q").fill(word)
    page.locator(f"#d-{delivery_id} .rowlink").click()
    expect(page.locator("#glance-title")).to_be_visible()

    def leads_to(**wanted: str | None) -> None:
        """The address's parameters: `ANY` for whatever it is, None for one that mustn't be there."""
        for name, value in wanted.items():
            part = re.compile(rf"[?&]{name}={'' if value in (None, ANY) else f'{value}(&|$)'}")
            (expect(page).not_to_have_url if value is None else expect(page).to_have_url)(part)
        page.wait_for_load_state()  # before that keys are pressed in vain

    leads_to(status="InTransit", q=word, delivery=delivery_id)  # what was typed is in the address in a moment
    page.get_by_role("link", name="History").click()
    leads_to(at=ANY, status="InTransit", q=word, delivery=delivery_id)
    page.locator("#chip-late").click()
    leads_to(filter="late")
    page.keyboard.press("Escape")
    leads_to(delivery=None)
    page.get_by_role("link", name="Back to live").click()
    leads_to(at=None, status="InTransit", filter="late", q=word, delivery=None)
    page.locator("#chip-late").click()
    leads_to(filter=None)
    page.get_by_role("link", name="The day after").click()
    leads_to(date=ANY, status="InTransit", filter=None, q=word)
    page.locator("#chip-InTransit").click()
    page.locator("#date").fill("2026-03-04")
    leads_to(date="2026-03-04", status=None, q=word)
    page.get_by_role("link", name="Today").click()
    leads_to(date=None, q=word)


@pytest.mark.usefixtures("busy_day")
def test_the_printed_board_is_the_whole_list_and_nothing_to_press(page: Page) -> None:
    open_board(page, "/board?panes=list,map,timeline")
    rows = page.locator("#board-list tbody tr")
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 between its margins
    page.emulate_media(media="print")
    for gone in (
        "nav.mainnav",
        ".boardsearch",
        "#board [data-pane=map]",
        "#board [data-pane=timeline]",
        ".btn",
    ):
        assert page.locator(f"{gone} >> visible=true").count() == 0, gone
    assert page.evaluate(IS_LAST_ON_PAPER)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 1
    expect(rows.last.locator(".c-progress")).to_be_visible()
    assert page.locator(".listbody").evaluate("list => getComputedStyle(list).overflowY") == "visible"
