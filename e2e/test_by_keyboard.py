"""Whole acts without a mouse, from the board to what the server has afterwards."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.test_workplace import open_board, row
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, delivery, soon
from tests.journey.server import Server

# The keys are the same in both modes.
pytestmark = [
    pytest.mark.usefixtures("dana"),
    pytest.mark.parametrize("server", ["embedded"], indirect=True),
]
MOST_STEPS = 150


def has_focus(element: Locator) -> bool:
    return bool(element.evaluate("element => element === document.activeElement"))


def press_until(page: Page, key: str, is_there: Callable[[], bool]) -> None:
    """Press a key again and again, as one does; fails when that leads nowhere."""
    for _ in range(MOST_STEPS):
        if is_there():
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} doesn't lead there")


def tab_to(page: Page, wanted: Locator) -> None:
    expect(wanted).to_be_visible()
    press_until(page, "Tab", lambda: has_focus(wanted))


def choose(page: Page, select: Locator, value: str) -> None:
    """Go through the options of the focused field with the arrows."""
    expect(select).to_be_focused()
    press_until(page, "ArrowDown", lambda: select.input_value() == value)


def find_in_list(page: Page, delivery_id: str) -> None:
    """Search for it, and walk to its row."""
    page.keyboard.press("/")
    page.keyboard.press("Control+a")
    page.keyboard.type(delivery_id[-6:])
    expect(row(page, delivery_id)).to_be_visible()
    expect(page.locator("#board-list tbody tr:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(row(page, delivery_id).locator(".rowlink")).to_be_focused()


def test_a_delivery_is_assigned(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http, soon(5)))
    driver_id, van = add_driver(http, "Keyboard Kaija"), add_vehicle(http)
    page = open_board(open_page(), "/board?panes=list")
    find_in_list(page, delivery_id)
    page.keyboard.press("a")
    choose(page, page.get_by_label("Driver", exact=True), driver_id)
    page.keyboard.press("Tab")
    choose(page, page.get_by_label("Vehicle", exact=True), van)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Assign", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, delivery_id)).to_contain_text("Keyboard Kaija")
    assigned = delivery(http, delivery_id)
    assert (assigned["driverId"], assigned["vehicleId"]) == (driver_id, van)
    expect(page.locator("#glance-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_empty()
    expect(row(page, delivery_id).locator(".rowlink")).to_be_focused()


def test_several_are_failed(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    failed = [add_delivery(http, add_route(http, soon(5 + number))) for number in range(2)]
    other = add_delivery(http, add_route(http, soon(5)))
    page = open_board(open_page(), "/board?panes=list")
    for delivery_id in failed:  # in the order of the list
        link = row(page, delivery_id).locator(".rowlink")
        press_until(page, "j", lambda link=link: has_focus(link))  # type: ignore[misc]
        page.keyboard.press("x")
    expect(page.locator("#many [data-chosen-count]")).to_have_text("2 chosen")
    tab_to(page, page.locator("#many").get_by_role("button", name="Mark as failed"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    choose(page, dialog.get_by_label("Reason"), "no_access")
    tab_to(page, dialog.get_by_role("button", name="Mark as failed"))
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("2 of 2 done")
    for delivery_id in failed:
        now = delivery(http, delivery_id)
        assert (now["status"], now["failureReason"]) == ("Failed", "no_access")
    assert delivery(http, other)["status"] == "PickedUp"
    tab_to(page, dialog.get_by_role("link", name="Back to the board"))
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(row(page, failed[-1])).to_contain_text("Failed")


def test_a_delivery_is_created_from_the_board(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    route_id = add_route(http, soon(30))
    driver_id, van = add_driver(http, "Created Ceci"), add_vehicle(http)
    page = open_board(open_page(), "/board?panes=list")
    tab_to(page, page.get_by_role("link", name="Create a delivery"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Route"))
    choose(page, page.get_by_label("Route"), route_id)
    expect(page).to_have_url(re.compile(f"route={route_id}"))
    for kind, wanted in (("driver", driver_id), ("vehicle", van)):
        radios = page.locator(f"input[name={kind}]")
        tab_to(page, radios.first)
        chosen = page.locator(f"input[name={kind}][value='{wanted}']")
        press_until(page, "ArrowDown", chosen.is_checked)
    tab_to(page, page.get_by_role("button", name="Create the delivery"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/deliveries/[0-9a-f-]{36}$"))
    made = delivery(http, page.url.rsplit("/", 1)[1])
    assert (made["routeId"], made["driverId"], made["vehicleId"]) == (route_id, driver_id, van)


def test_one_finds_chooses_and_opens(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    ids = [add_delivery(http, add_route(http, soon(5 + number))) for number in range(3)]
    page = open_board(open_page())
    page.keyboard.press("/")
    page.keyboard.type(ids[0][-6:])
    expect(page.locator("#board-list tbody tr:visible")).to_have_count(1)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(row(page, ids[1])).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("#many [data-chosen-count]")).to_have_text("3 chosen")
    page.keyboard.press("a")
    expect(page.get_by_role("dialog")).to_contain_text("Assign a driver: 3 deliveries")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#many")).to_be_hidden()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#glance-title")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
