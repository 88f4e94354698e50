"""The route's editor and its map: a click says where a checkpoint is."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import place_of, sign_in
from tests.journey.city import add_route, iso, ok, soon
from tests.journey.conftest import AnyServer

# In the park, away from every address that the built-in map knows.
KIOSK = {"location": "Kiosk", "latitude": 60.176, "longitude": 24.944}


@pytest.fixture
def desk(open_page: Callable[..., Page], dana: str) -> Page:
    page = open_page()
    sign_in(page, dana)
    return page


def open_editor(page: Page, route_id: str) -> None:
    page.goto(f"/routes/{route_id}")
    expect(page.locator("#map")).to_have_attribute("data-ready", "yes")


def click_map(page: Page, across: float, down: float) -> None:
    """A click of the mouse on the map, at parts of its width and height."""
    page.locator("#map").scroll_into_view_if_needed()
    box = place_of(page.locator("#map"))
    page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)


def test_clicks_on_the_map_become_checkpoints_where_the_mouse_was(desk: Page, server: AnyServer) -> None:
    route_id = add_route(server.client, stops=0, active=False)
    open_editor(desk, route_id)

    for number, across in ((1, 0.45), (2, 0.7)):
        expect(desk.locator("#map")).to_have_attribute("data-plan", str(number - 1))
        click_map(desk, across, 0.5)
        expect(desk.get_by_text("Name the place, then press Add")).to_be_visible()
        expect(desk.locator("#map")).to_have_attribute("data-checkpoints", str(number))
        expect(desk.get_by_label("Place", exact=True)).to_be_focused()
        desk.keyboard.type(f"Clicked {number}")
        desk.keyboard.press("Enter")
        expect(desk.get_by_role("link", name=f"Change checkpoint {number}, Clicked {number}")).to_be_visible()

    stops = ok(server.client.get(f"/api/routes/{route_id}"))["checkpoints"]
    assert [stop["location"] for stop in stops] == ["Clicked 1", "Clicked 2"]
    # The first click was on the whole map of central Helsinki, the second on what had been fitted to the first.
    assert all(60.14 < stop["latitude"] < 60.20 and 24.90 < stop["longitude"] < 25.00 for stop in stops)
    assert stops[0]["longitude"] < stops[1]["longitude"]


def test_a_click_on_a_known_place_names_it_and_one_elsewhere_moves_a_checkpoint(
    desk: Page, server: AnyServer
) -> None:
    http = server.client
    known, planned = (add_route(http, stops=0, active=False) for _ in range(2))
    at = iso(soon() + timedelta(minutes=20))
    for route_id, stop in ((known, KIOSK), (planned, {**KIOSK, "location": "Wrong name"})):
        ok(http.post(f"/api/routes/{route_id}/checkpoints", json={"sequence": 1, "expectedTime": at, **stop}))
    open_editor(desk, planned)
    expect(desk.locator("#map")).to_have_attribute("data-plan", "1")
    desk.get_by_role("link", name="Change checkpoint 1, Wrong name").click()
    expect(desk.locator("#edit-form")).to_be_visible()  # and with it another map
    expect(desk.locator("#map")).to_have_attribute("data-plan", "1")

    desk.get_by_label("Place", exact=True).first.fill("")
    click_map(desk, 0.5, 0.54)  # just below its dot, which is in the middle
    expect(desk.get_by_label("Place", exact=True).first).to_have_value(re.compile("Kiosk|Wrong name"))

    desk.get_by_label("Place", exact=True).first.fill("Moved")
    click_map(desk, 0.9, 0.9)
    expect(desk.get_by_text(re.compile("^Chosen: Moved.*Press Save"))).to_be_visible()
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_role("link", name="Change checkpoint 1, Moved")).to_be_visible()

    (moved,) = ok(http.get(f"/api/routes/{planned}"))["checkpoints"]
    assert moved["latitude"] < KIOSK["latitude"]
    assert moved["longitude"] > KIOSK["longitude"]


def test_without_webgl_the_place_is_typed(
    open_page: Callable[..., Page], server: AnyServer, dana: str
) -> None:
    page = open_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    sign_in(page, dana)
    page.goto(f"/routes/{add_route(server.client, stops=0, active=False)}")
    expect(page.get_by_text("This browser can't draw the map")).to_be_visible()
    expect(page.get_by_text("Click the map")).to_have_count(0)
    expect(page.get_by_label("Place", exact=True)).to_be_visible()
