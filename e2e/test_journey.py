"""What dispatchers meet every day: clashes, no JavaScript, two boards, a server that goes away."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import row_of, sign_in
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok, soon
from tests.journey.server import Server

pytestmark = pytest.mark.usefixtures("dana")


@pytest.fixture
def clash(server: Server) -> tuple[str, str, str]:
    """A driver who is booked, another who isn't, and a second route at the same time: (busy, free, route)."""
    http = server.client
    start = soon(600)
    busy, free = add_driver(http, "Busy Berta"), add_driver(http, "Free Frida")
    add_delivery(http, add_route(http, start), busy)
    return busy, free, add_route(http, start)


def test_a_clash_offers_somebody_else(
    open_page: Callable[..., Page], server: Server, clash: tuple[str, str, str]
) -> None:
    page = open_page()
    sign_in(page, "dana")
    page.goto(f"/deliveries/new?route={clash[2]}")
    page.get_by_role("radio", name=re.compile("Busy Berta")).check(force=True)
    page.get_by_role("button", name="Create the delivery").click()
    expect(page.get_by_text(re.compile("40 min")).first).to_be_visible()
    page.get_by_role("button", name=re.compile("Use .* instead")).first.click()
    page.wait_for_url(re.compile("/deliveries/[0-9a-f-]{36}$"))
    expect(page.get_by_text("Picked up").first).to_be_visible()


def test_it_all_works_without_javascript(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    add_driver(http, "Plain Petra")
    vehicle_id = add_vehicle(http)
    page = open_page(java_script_enabled=False)
    sign_in(page, "dana")
    page.goto("/routes/new")
    page.get_by_label("From").fill("Plain depot")
    page.get_by_label("To", exact=True).fill("Plain harbour")
    page.get_by_role("button", name="Save the plan").click()
    page.get_by_label("Place", exact=True).fill("Only stop")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Activate").click()
    page.get_by_role("link", name="Create a delivery").first.click()
    page.get_by_role("radio", name=re.compile("Plain Petra")).check()
    page.locator(f"input[value='{vehicle_id}']").check()
    page.get_by_role("button", name="Create the delivery").click()
    page.get_by_role("button", name=re.compile("Start")).first.click()
    page.get_by_role("button", name=re.compile("Mark reached|Reached")).first.click()
    expect(page.get_by_text("Out for delivery").first).to_be_visible()
    page.goto("/board?q=plain+petra")
    expect(row_of(page, "Plain Petra")).to_contain_text("Out for delivery")


def test_the_board_heals_after_the_server_was_away(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    page = open_page()
    sign_in(page, "dana", to="/board")
    pill = page.locator("[data-pill]")
    expect(pill).to_have_text(re.compile("^live", re.I))
    driver_id = add_driver(http, "Late Lena")
    delivery_id = add_delivery(http, add_route(http), driver_id, add_vehicle(http))
    row = row_of(page, "Late Lena")
    expect(row).to_contain_text("Picked up")
    server.kill()
    expect(pill).to_have_text(re.compile("as of"))
    server.start()
    ok(move(http, delivery_id, "InTransit"))
    expect(row).to_contain_text("In transit")
    expect(pill).to_have_text(re.compile("^live", re.I))


def test_a_change_arrives_on_every_open_board(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http, "Quick Quentin"), add_vehicle(http))
    boards = [open_page(), open_page(390, 844)]
    for board in boards:
        sign_in(board, "dana", to="/board")
        expect(board.locator("[data-pill]")).to_have_text(re.compile("^live", re.I))
    ok(move(http, delivery_id, "InTransit"))
    for board in boards:
        expect(row_of(board, "Quick Quentin")).to_contain_text("In transit")
