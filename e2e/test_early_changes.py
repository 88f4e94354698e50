"""Whoever is faster than the page's scripts is heard all the same."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journey.city import add_delivery, add_driver, add_route
from tests.journey.conftest import AnyServer


@pytest.fixture
def open_without_scripts(desk: Page) -> Callable[[str], Callable[[], None]]:
    """Opens a page whose scripts are still on their way; answers what lets them arrive."""

    def open_one(address: str) -> Callable[[], None]:
        held: list[Route] = []
        desk.route("**/htmx.min.js*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
        desk.goto(address, wait_until="commit")
        desk.locator(".toasts").wait_for(state="attached")  # the end of the page

        def let_arrive() -> None:
            for route in held:
                route.continue_()

        return let_arrive

    return open_one


@pytest.fixture(scope="module")
def names(server: AnyServer) -> tuple[str, str]:
    """Two drivers with a delivery each."""
    found = ("Early Eva", "Later Lars")
    for name in found:
        add_delivery(server.client, add_route(server.client), add_driver(server.client, name))
    return found


def test_a_route_chosen_early_shows_who_is_free(
    desk: Page, open_without_scripts: Callable[[str], Callable[[], None]], names: tuple[str, str]
) -> None:
    let_scripts_arrive = open_without_scripts("/deliveries/new")
    desk.get_by_label("Route").select_option(index=1)
    let_scripts_arrive()
    expect(desk.get_by_role("radio", name=names[0])).to_be_visible()


@pytest.mark.parametrize(
    ("address", "rows"), [("/deliveries", "#list"), ("/board?panes=list", "#board-list")]
)
def test_a_word_typed_early_is_looked_for(
    desk: Page,
    open_without_scripts: Callable[[str], Callable[[], None]],
    names: tuple[str, str],
    address: str,
    rows: str,
) -> None:
    wanted, other = names
    let_scripts_arrive = open_without_scripts(address)
    desk.locator("#q").fill(wanted)
    let_scripts_arrive()
    expect(desk.locator(rows).get_by_role("row", name=other)).to_be_hidden()
    expect(desk.locator(rows).get_by_role("row", name=wanted)).to_be_visible()


def test_a_filter_chosen_early_holds(
    desk: Page, open_without_scripts: Callable[[str], Callable[[], None]], names: tuple[str, str]
) -> None:
    wanted, other = names
    let_scripts_arrive = open_without_scripts("/deliveries")
    desk.get_by_label("Driver", exact=True).select_option(label=wanted)
    let_scripts_arrive()
    expect(desk.locator("#list").get_by_role("row", name=other)).to_be_hidden()
    expect(desk.locator("#list").get_by_role("row", name=wanted)).to_be_visible()
