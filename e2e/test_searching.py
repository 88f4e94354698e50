"""Searching in the browser finds what the server would find."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import row_of, sign_in
from tests.backend_services.test_searching import TYPED_WORDS
from tests.journey.city import add_delivery, add_driver, add_route
from tests.journey.conftest import AnyServer


@pytest.fixture
def page(open_page: Callable[..., Page], dana: str) -> Page:
    opened = open_page()
    sign_in(opened, dana)
    return opened


def test_the_browser_compares_words_as_the_server_does(page: Page) -> None:
    fold = 'async (words) => { const { fold } = await import("/static/js/fold.js"); return words.map(fold); }'

    folded = page.evaluate(fold, [typed for typed, _ in TYPED_WORDS])

    assert folded == [wanted for _, wanted in TYPED_WORDS]


def test_a_driver_is_found_however_one_types_the_name(page: Page, server: AnyServer) -> None:
    http = server.client
    add_delivery(http, add_route(http), add_driver(http, "Strauß Mäkelä"))
    add_delivery(http, add_route(http), add_driver(http, "Otto Other"))
    page.goto("/board?panes=list")
    search = page.get_by_role("searchbox", name="Search the board")
    for typed in ("strauß", "STRAUSS", "makela", "mäkelä strau"):
        search.fill(typed)
        expect(row_of(page, "Otto Other")).to_be_hidden()
        expect(row_of(page, "Strauß Mäkelä")).to_be_visible()
        search.fill("")
        expect(row_of(page, "Otto Other")).to_be_visible()
