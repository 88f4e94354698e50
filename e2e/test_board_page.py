"""The board's page as somebody works with it all day: its drawer, search and filters, heads and columns."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.conftest import sign_in
from tests.journey.city import add_delivery, add_route, soon
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
    expect(page.locator("[data-pill]")).to_have_text("live", timeout=30_000)
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
    page.locator("#q").fill(ids[0][-6:])
    expect(page.locator(f"#d-{ids[1]}")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(f"#d-{ids[1]}")).to_be_visible()
    expect(page).not_to_have_url(re.compile("q="))
