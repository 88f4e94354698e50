"""The map in a real browser: drawn under the strict policy, live, and one selection with the list."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Browser, Locator, Page, Route, expect

from e2e.conftest import make_first_account, place_of, sign_in
from e2e.on_the_road import PARK, SENATE, STATION, OnTheRoad, add_on_the_road, marker, open_map, report
from ops.processes import wait_until
from tests.journey.city import move, ok
from tests.journey.server import Server

pytestmark = pytest.mark.usefixtures("dana")

PARTS = ("maplibre-gl-worker.mjs", "maplibre-gl.mjs", "helsinki-centre.geojson")


def row(page: Page, driver: OnTheRoad) -> Locator:
    return page.locator(f"#d-{driver.delivery_id}")


def is_drawn(page: Page) -> bool:
    """Whether the canvas shows a map: more than a few colours."""
    picture = page.locator("#map canvas").screenshot()
    return len(picture) > 20_000


def brightness_of_map(page: Page) -> float:
    """From 0 to 255, of the middle of the map, where it has neither buttons nor words of its own."""
    picture = Image.open(io.BytesIO(page.locator("#map canvas").screenshot())).convert("L")
    middle = picture.crop(
        (picture.width // 4, picture.height // 4, picture.width * 3 // 4, picture.height * 3 // 4)
    )
    return float(ImageStat.Stat(middle).mean[0])


def test_the_map_is_drawn_with_its_attribution_and_says_how_old_positions_are(
    desk: Page, server: Server, anna: OnTheRoad, bert: OnTheRoad
) -> None:
    report(server.client, anna.driver_id, STATION)
    report(server.client, bert.driver_id, PARK, age_s=120)

    open_map(desk)

    expect(marker(desk, anna)).to_have_attribute("data-age", "fresh")
    expect(marker(desk, bert)).to_have_attribute("data-age", "fading")
    expect(desk.get_by_role("button", name="Bert Berg, position 2 min old")).to_be_visible()
    expect(desk.locator("#map")).to_have_attribute("data-checkpoints", "6")
    expect(desk.locator("#map").get_by_role("link", name="© OpenStreetMap contributors")).to_be_visible()
    wait_until(lambda: is_drawn(desk), what="a drawn map")


def test_a_marker_moves_when_a_position_is_reported(desk: Page, server: Server, anna: OnTheRoad) -> None:
    report(server.client, anna.driver_id, STATION)
    open_map(desk)
    expect(marker(desk, anna)).to_have_attribute("data-latitude", str(STATION[0]))
    before = place_of(marker(desk, anna))

    report(server.client, anna.driver_id, PARK)

    expect(marker(desk, anna)).to_have_attribute("data-latitude", str(PARK[0]))
    wait_until(lambda: place_of(marker(desk, anna)) != before, what="another place on the map")
    desk.get_by_text("Positions as a list").click()
    expect(desk.locator(f'[data-seen] [data-driver="{anna.driver_id}"]')).to_contain_text("60.1755, 24.9450")


def test_what_is_chosen_is_not_under_the_drawer(desk: Page, server: Server, anna: OnTheRoad) -> None:
    report(server.client, anna.driver_id, SENATE)
    open_map(desk)

    def eastmost() -> float:
        box = place_of(marker(desk, anna))
        return box["x"] + box["width"]

    row(desk, anna).click()
    expect(desk.locator("#glance-title")).to_be_visible()
    drawer = place_of(desk.locator("#drawer"))
    wait_until(lambda: eastmost() <= drawer["x"], what="the driver beside the drawer")
    desk.keyboard.press("Escape")
    wait_until(lambda: eastmost() > drawer["x"], what="the driver where the drawer was")


def test_list_and_map_have_one_selection_which_is_in_the_address(
    desk: Page, server: Server, anna: OnTheRoad, bert: OnTheRoad
) -> None:
    report(server.client, anna.driver_id, STATION)
    report(server.client, bert.driver_id, SENATE)
    open_map(desk)

    row(desk, anna).click()
    expect(marker(desk, anna)).to_have_attribute("aria-pressed", "true")
    expect(desk.locator("#map")).to_have_attribute("data-plan", "3")
    expect(desk).to_have_url(re.compile(f"selected={anna.delivery_id}"))

    marker(desk, bert).focus()
    desk.keyboard.press("Enter")
    expect(row(desk, bert)).to_have_class(re.compile("is-selected"))
    expect(row(desk, anna)).not_to_have_class(re.compile("is-selected"))
    expect(marker(desk, anna)).to_have_attribute("aria-pressed", "false")
    expect(desk.locator("#glance-title")).to_have_text(bert.destination)
    expect(desk).to_have_url(re.compile(f"selected={bert.delivery_id}"))


def test_the_trail_of_the_selected_delivery_grows_with_its_driver(desk: Page, server: Server) -> None:
    cleo = add_on_the_road(server.client, "Cleo Cederberg", "Library")
    for place in (STATION, PARK):
        latitude, longitude = place
        body = {"latitude": latitude, "longitude": longitude}
        ok(server.client.post(f"/api/drivers/{cleo.driver_id}/location", json=body), 202)

    open_map(desk, f"/board?selected={cleo.delivery_id}&q=cleo")
    expect(desk.locator("#map")).to_have_attribute("data-trail", "2")
    body = {"latitude": SENATE[0], "longitude": SENATE[1]}
    ok(server.client.post(f"/api/drivers/{cleo.driver_id}/location", json=body), 202)

    expect(desk.locator("#map")).to_have_attribute("data-trail", "3")
    ok(move(server.client, cleo.delivery_id, "Failed", reason="no_access"))


def test_a_selection_in_the_address_is_selected_in_both(desk: Page, server: Server, bert: OnTheRoad) -> None:
    report(server.client, bert.driver_id, SENATE)

    open_map(desk, f"/board?selected={bert.delivery_id}")

    expect(row(desk, bert)).to_have_class(re.compile("is-selected"))
    expect(marker(desk, bert)).to_have_attribute("aria-pressed", "true")


def test_a_filter_of_the_list_is_one_of_the_map(desk: Page, anna: OnTheRoad, bert: OnTheRoad) -> None:
    open_map(desk)
    expect(desk.locator("#map")).to_have_attribute("data-checkpoints", "6")

    desk.get_by_role("searchbox").press_sequentially("anna", delay=20)

    expect(desk.locator("#map")).to_have_attribute("data-checkpoints", "3")
    expect(marker(desk, anna)).to_be_visible()
    expect(marker(desk, bert)).to_have_count(0)


def test_a_hidden_pane_stays_hidden_by_the_address(desk: Page) -> None:
    open_map(desk)
    desk.get_by_role("link", name="Hide the map").click()
    expect(desk.locator("#board-map")).to_be_hidden()
    desk.get_by_role("link", name="The day before").click()
    expect(desk.locator("#board-map")).to_have_count(0)
    desk.reload()
    expect(desk.locator("#board-map")).to_have_count(0)

    open_map(desk, "/board?panes=map")
    expect(desk.locator("#board-list table")).to_be_hidden()


def test_light_and_dark_are_two_pictures_of_the_same_map(desk: Page) -> None:
    open_map(desk, "/board?panes=map")
    assert brightness_of_map(desk) > 170

    desk.get_by_label(re.compile("^Account of")).click()
    desk.get_by_role("button", name="Dark").click()

    expect(desk.locator("html")).to_have_attribute("data-bs-theme", "dark")
    wait_until(lambda: brightness_of_map(desk) < 85, what="a dark map")


def test_a_delivery_and_its_route_show_their_checkpoints(desk: Page, anna: OnTheRoad) -> None:
    open_map(desk, f"/deliveries/{anna.delivery_id}")
    expect(desk.locator("#map")).to_have_attribute("data-plan", "3")
    desk.get_by_role("link", name="Open the route").click()
    expect(desk.locator("#map")).to_have_attribute("data-plan", "3")
    wait_until(lambda: is_drawn(desk), what="a drawn map")


def test_without_webgl_the_positions_are_a_list(
    open_page: Callable[..., Page], server: Server, anna: OnTheRoad
) -> None:
    report(server.client, anna.driver_id, STATION)
    page = open_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    sign_in(page, "dana")
    page.goto("/board")

    expect(page.get_by_text("This browser can't draw the map")).to_be_visible()
    expect(page.locator("#map")).to_be_hidden()
    seen = page.locator(f'[data-seen] [data-driver="{anna.driver_id}"]')
    expect(seen).to_contain_text("Anna Aho")
    report(server.client, anna.driver_id, PARK)
    expect(seen).to_contain_text("60.1755, 24.9450")


def test_without_javascript_the_positions_are_a_list(
    browser: Browser, open_page: Callable[..., Page], server: Server, anna: OnTheRoad
) -> None:
    report(server.client, anna.driver_id, STATION)
    page = open_page(java_script_enabled=False)
    sign_in(page, "dana")
    page.goto("/board")

    expect(page.locator("#map")).to_be_hidden()
    expect(page.get_by_role("region", name="Positions as a list")).to_contain_text("60.1712, 24.9415")


def test_another_map_comes_from_where_the_settings_say(browser: Browser, tmp_path: Path) -> None:
    """The page's own policy must let it in; the style itself is answered here."""
    server = Server(tmp_path / "data", WAYBILL_MAP_STYLE_URL="https://tiles.example.org/style.json")
    page = browser.new_page(base_url=server.start().url)
    try:
        asked: list[str] = []
        complaints: list[str] = []
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        style = {"version": 8, "sources": {}, "layers": [{"id": "sea", "type": "background"}]}

        def answer(route: Route) -> None:
            asked.append(route.request.url)
            anybody = {"Access-Control-Allow-Origin": "*"}
            route.fulfill(body=json.dumps(style), content_type="application/json", headers=anybody)

        page.route("https://tiles.example.org/**", answer)
        make_first_account(page, server.setup_code())

        open_map(page)
        # The board behind the sign-up may have asked for it before it was left.
        assert set(asked) == {"https://tiles.example.org/style.json"}
        assert complaints == []
    finally:
        page.close()
        server.remove()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_does_not_come_is_said_and_asked_for_again(
    open_page: Callable[..., Page], server: Server, part: str
) -> None:
    page = open_page()
    sign_in(page, "dana")
    page.route(f"**/{part}*", lambda route: route.abort("connectionrefused"))
    page.goto("/board?panes=map")
    expect(page.locator("[data-map-note]")).to_contain_text("it is tried again")
    expect(page.get_by_text("Positions as a list")).to_be_visible()
    page.unroute(f"**/{part}*")
    expect(page.locator("#map[data-ready=yes]")).to_be_visible(timeout=30_000)
    expect(page.locator("[data-map-note]")).to_be_hidden()
