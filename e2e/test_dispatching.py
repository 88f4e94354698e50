"""What JavaScript adds to the dispatcher's pages: parts change in place, the address follows, the focus stays."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.conftest import place_of, sign_in
from ops.processes import wait_until
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok, reach, soon
from tests.journey.server import Server

pytestmark = pytest.mark.usefixtures("dana")


@pytest.fixture
def desk(open_page: Callable[..., Page]) -> Page:
    """A dispatcher at a desktop browser."""
    page = open_page()
    sign_in(page, "dana")
    return page


def mark(page: Page) -> None:
    """Leave a mark that a reload would wipe away."""
    page.evaluate("window.isSamePage = true")


def is_same_page(page: Page) -> bool:
    return bool(page.evaluate("window.isSamePage === true"))


def running_delivery(server: Server, stops: int = 2) -> tuple[str, str]:
    """A delivery on the road and its route."""
    http = server.client
    route_id = add_route(http, stops=stops)
    delivery_id = add_delivery(http, route_id, add_driver(http), add_vehicle(http))
    ok(move(http, delivery_id, "InTransit"))
    return delivery_id, route_id


def test_a_list_follows_what_one_types_and_the_way_back_leads_through_it(desk: Page, server: Server) -> None:
    add_driver(server.client, "Typed Tuuli")
    add_driver(server.client, "Typed Tuomas")
    desk.goto("/fleet")
    mark(desk)
    search = desk.get_by_role("searchbox", name="Search")
    search.press_sequentially("typed tu", delay=30)
    rows = desk.locator("#list tbody tr")
    expect(rows).to_have_count(2)
    expect(desk).to_have_url(re.compile(r"/fleet\?q=typed(%20|\+)tu$"))
    expect(search).to_be_focused()
    desk.get_by_role("link", name=re.compile("^Suspended")).click()
    expect(desk.get_by_text("No driver matches")).to_be_visible()
    expect(desk).to_have_url(re.compile("q=typed.*status=Suspended"))
    assert is_same_page(desk)
    desk.go_back()
    expect(rows).to_have_count(2)
    expect(desk.get_by_role("navigation", name="Main")).to_be_visible()
    search.fill("typed tuuli")
    expect(rows).to_have_count(1)


def test_checkpoints_are_marked_in_place_up_to_a_signature_on_the_pad(desk: Page, server: Server) -> None:
    delivery_id, _ = running_delivery(server)
    desk.goto(f"/deliveries/{delivery_id}")
    mark(desk)
    desk.get_by_role("button", name="Reached 1. P1").click()
    expect(desk.locator(".toast-box").last).to_have_text("Checkpoint 1 reached.")
    expect(desk.locator("#page")).to_be_focused()
    desk.get_by_role("button", name="Reached 2. P2").click()
    desk.get_by_text("Capture the proof here").click()
    assert is_same_page(desk)
    desk.get_by_label("Received by").fill("Reception")
    canvas = desk.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = place_of(canvas)
    desk.mouse.move(box["x"] + 30, box["y"] + 60)
    desk.mouse.down()
    desk.mouse.move(box["x"] + 200, box["y"] + 120, steps=5)
    desk.mouse.up()
    desk.get_by_role("button", name="Delivered", exact=True).click()
    picture = desk.get_by_role("img", name="Signature of Reception")
    expect(picture).to_be_visible()
    wait_until(lambda: picture.evaluate("image => image.naturalWidth") > 0, what="the picture itself")


def test_a_clash_comes_in_place_with_the_focus_and_an_undo_follows(desk: Page, server: Server) -> None:
    http, start = server.client, soon(2_000)
    busy, free = add_driver(http, "Aa Taken Taru"), add_driver(http, "Aa Idle Iiris")
    add_delivery(http, add_route(http, start), busy)
    delivery_id = add_delivery(http, add_route(http, start))
    desk.goto(f"/deliveries/{delivery_id}")
    mark(desk)
    chooser = desk.get_by_label("Assign a driver")
    chooser.select_option(busy)
    desk.locator("form", has=chooser).get_by_role("button", name="Assign").click()
    card = desk.get_by_role("alert").filter(has_text="The driver is booked in that time")
    expect(card).to_be_focused()
    assert is_same_page(desk)
    desk.get_by_role("button", name="Use Aa Idle Iiris instead").click()
    expect(desk.locator("#assign").get_by_role("link", name="Aa Idle Iiris")).to_be_visible()
    desk.get_by_role("button", name="Undo").click()
    expect(desk.locator("#assign").get_by_role("link", name="Aa Idle Iiris")).to_have_count(0)
    assert ok(http.get(f"/api/fleet/drivers/{free}"))["bookings"] == []


def test_a_page_that_is_open_hears_of_changes(desk: Page, server: Server) -> None:
    delivery_id, route_id = running_delivery(server)
    desk.clock.install()
    desk.goto(f"/deliveries/{delivery_id}")
    desk.get_by_text("Report an incident").click()
    desk.get_by_label("What happened?").fill("Half a sentence")
    ok(reach(server.client, delivery_id, route_id, 1))
    desk.clock.run_for(16_000)
    note = desk.get_by_text("Something has changed")
    expect(note).to_be_visible()
    expect(desk.get_by_label("What happened?")).to_have_value("Half a sentence")
    desk.get_by_role("link", name="Show what is now").click()
    expect(desk.locator("#stop-1")).to_contain_text(re.compile("earlier|later|on time"))
    expect(note).to_have_count(0)


def test_a_route_is_edited_with_the_keyboard_without_losing_the_place(desk: Page, server: Server) -> None:
    route_id = add_route(server.client, soon(600), stops=1, active=False)
    desk.goto(f"/routes/{route_id}")
    mark(desk)
    place = desk.get_by_label("Place", exact=True)
    place.fill("Second stop")
    place.press("Enter")
    expect(desk.locator("#stop-2")).to_contain_text("Second stop")
    desk.get_by_label("Place", exact=True).fill("Too early")
    desk.get_by_label("Expected at", exact=True).fill("2020-01-01T10:00")
    desk.get_by_role("button", name="Add", exact=True).click()
    expect(desk.locator("#add-expected-error")).to_contain_text("Must be after the route's start")
    expect(place).to_have_value("Too early")
    desk.locator("#change-2").click()
    desk.locator("#edit-location").fill("Renamed stop")
    desk.locator("#edit-location").press("Enter")
    expect(desk.locator("#stop-2")).to_contain_text("Renamed stop")
    desk.get_by_role("button", name="Visit Renamed stop earlier").click()
    expect(desk.locator("#stop-1")).to_contain_text("Renamed stop")
    desk.get_by_role("button", name=re.compile("^Remove checkpoint 2")).click()
    expect(desk.locator("#stop-2")).to_have_count(0)
    assert is_same_page(desk)
    desk.get_by_role("button", name="Undo").click()
    expect(desk.locator("#stop-2")).to_be_visible()


def test_checkpoints_are_dragged_into_another_order_and_back_where_nothing_was_saved(
    browser: Browser, server: Server
) -> None:
    # Rows that are on their way can't be dragged over, so here they jump. The console may complain.
    desk = browser.new_page(base_url=server.url, reduced_motion="reduce")
    sign_in(desk, "dana")
    route_id = add_route(server.client, soon(600), stops=3, active=False)
    desk.goto(f"/routes/{route_id}")
    mark(desk)
    places = desk.locator("tr[data-stop] td[data-label=Place]")
    numbers = desk.locator("tr[data-stop] td[data-label='No.']")

    def drag(row: int, to: int) -> None:
        rows, step = desk.locator("tr[data-stop]"), 1 if to > row else -1
        desk.locator("[data-grip]").nth(row).hover()
        desk.mouse.down()
        for passed in range(row + step, to + step, step):
            box = place_of(rows.nth(passed))
            desk.mouse.move(box["x"] + 30, box["y"] + box["height"] * (0.8 if step > 0 else 0.2), steps=4)
            expect(rows.nth(passed)).to_contain_class("sortable-ghost")
        desk.mouse.up()

    drag(0, 2)
    expect(places).to_contain_text(["P2", "P3", "P1"])
    expect(numbers).to_have_text(["1", "2", "3"])  # they stay, which only the server's answer shows
    assert [stop["location"] for stop in read_route(server, route_id)["checkpoints"]] == ["P2", "P3", "P1"]
    drag(2, 0)
    expect(places).to_contain_text(["P1", "P2", "P3"])
    expect(numbers).to_have_text(["1", "2", "3"])
    assert is_same_page(desk)
    server.kill()
    drag(0, 2)
    expect(desk.locator(".toast-box")).to_contain_text("Waybill can't be reached.")
    expect(places).to_contain_text(["P1", "P2", "P3"])
    server.start()
    desk.close()


def read_route(server: Server, route_id: str) -> dict[str, Any]:
    body: dict[str, Any] = ok(server.client.get(f"/api/routes/{route_id}"))
    return body


def test_a_page_that_was_left_open_says_that_it_may_be_old_and_when_it_could_be_loaded_again(
    browser: Browser, server: Server
) -> None:
    desk = browser.new_page(base_url=server.url)  # its console may complain
    sign_in(desk, "dana")
    desk.goto("/routes")
    expect(desk.locator("[data-as-of]")).to_have_text(re.compile(r"\d\d:\d\d"))
    server.kill()
    desk.get_by_label("Search").fill("anything")
    bar = desk.locator(".offline")
    expect(bar).to_contain_text("Waybill can't be reached, so what you see may be old.")
    server.start()
    expect(bar).to_contain_text("Waybill is back.")
    bar.get_by_role("link", name="Load the page again").click()
    expect(bar).to_be_hidden()
    desk.close()


def test_places_are_suggested_while_one_types(desk: Page, server: Server) -> None:
    add_route(server.client, soon(600), stops=3, active=False)
    desk.goto("/routes/new")
    desk.get_by_label("Place, line 1").press_sequentially("P3")
    expect(desk.locator("#places option")).to_have_count(1)
    expect(desk.locator("#places option")).to_have_attribute("value", "P3")


def test_who_is_free_follows_the_route(desk: Page, server: Server) -> None:
    http = server.client
    driver_id = add_driver(http, "Aa Following Fanni")
    first, second = add_route(http, soon(3_000)), add_route(http, soon(3_000))
    add_delivery(http, first, driver_id)
    other = add_route(http, soon(4_000))
    desk.goto(f"/deliveries/new?driver={driver_id}")
    mark(desk)
    fanni = desk.locator(".choice", has_text="Aa Following Fanni")
    desk.get_by_label("Route").select_option(second)
    expect(fanni).to_contain_text("until")
    expect(fanni.get_by_role("radio")).to_be_checked()
    desk.get_by_label("Route").select_option(other)
    expect(fanni).to_contain_text("free")
    expect(desk).to_have_url(re.compile(f"route={other}&driver={driver_id}$"))
    assert is_same_page(desk)


def test_all_incidents_are_chosen_and_resolved_at_once(desk: Page, server: Server) -> None:
    http = server.client
    for number in range(3):
        delivery_id, _ = running_delivery(server)
        body = {"type": "Delay", "description": f"Bulk {number}"}
        ok(http.post(f"/api/deliveries/{delivery_id}/incidents", json=body))
    desk.goto("/incidents?q=bulk")
    mark(desk)
    desk.get_by_label("Choose all").check()
    desk.get_by_role("button", name=re.compile(r"Resolve the chosen ones \(3\)")).click()
    expect(desk.locator(".toast-box")).to_have_text("3 incidents resolved.")
    expect(desk.get_by_text("No incident matches")).to_be_visible()
    assert is_same_page(desk)


def test_when_the_server_is_away_an_action_says_so_and_keeps_the_page(
    browser: Browser, server: Server
) -> None:
    desk = browser.new_page(base_url=server.url)  # its console may complain
    sign_in(desk, "dana")
    delivery_id, _ = running_delivery(server)
    desk.goto(f"/deliveries/{delivery_id}")
    server.kill()
    desk.get_by_role("button", name="Reached 1. P1").click()
    expect(desk.locator(".toast-box")).to_contain_text("Waybill can't be reached.")
    server.start()
    desk.get_by_role("button", name="Reached 1. P1").click()
    # The killed publisher's lease has to run out; the page shows by itself when the rows have caught up.
    expect(desk.get_by_role("button", name="Reached 2. P2")).to_be_visible(timeout=30_000)
    desk.close()
