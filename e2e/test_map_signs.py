"""The board's map in a real browser: what it costs a board, what its signs say, and who is free."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.conftest import place_of
from e2e.on_the_road import PARK, SENATE, STATION, OnTheRoad, add_on_the_road, marker, open_map, report
from ops.processes import wait_until
from tests.journey.city import add_driver, ok
from tests.journey.server import Server

pytestmark = pytest.mark.usefixtures("dana")

FORM_OF_SIGN = """(canvas) => {
  const {width, height} = canvas;
  const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
  const isInk = (at) => data[at + 3] > 127 && Math.min(data[at], data[at + 1], data[at + 2]) < 200;
  return Array.from({length: width * height}, (_, at) => isInk(at * 4) ? "x" : ".").join("");
}"""
WATCH_MAP = """() => {
  window.touched = [];
  new MutationObserver((found) => window.touched.push(...found.map(({target}) => {
    return target.closest("[data-driver]").dataset.driver;
  }))).observe(document.getElementById("board-map"), {
    subtree: true, attributeFilter: ["data-latitude", "data-fix-at"],
  });
}"""
WORDS_AND_ROWS_AT_ONCE = """(text) => {
  const field = document.getElementById("q");
  field.value = text;
  field.dispatchEvent(new InputEvent("input", {bubbles: true}));
  return [...document.querySelectorAll("#board-list tbody tr:not([hidden])")].map(row => row.dataset.id);
}"""


def stand_still(page: Page) -> None:
    """From now on its time passes only where a test lets it."""
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))


def alone(server: Server) -> OnTheRoad:
    """A delivery with one checkpoint: in the middle of its map."""
    return add_on_the_road(server.client, "Alone Alma", "Alone", (STATION,))


def test_letters_in_the_search_filter_the_list_at_once_and_the_address_follows(
    desk: Page, anna: OnTheRoad, bert: OnTheRoad
) -> None:
    open_map(desk)

    assert desk.evaluate(WORDS_AND_ROWS_AT_ONCE, "ann") == [anna.delivery_id]

    expect(desk).to_have_url(re.compile("q=ann"))
    expect(desk.locator("#chip-late")).to_have_attribute("href", re.compile("q=ann"))
    expect(desk.locator("#map")).to_have_attribute("data-checkpoints", "3")
    assert desk.evaluate(WORDS_AND_ROWS_AT_ONCE, "bert") == [bert.delivery_id]
    desk.locator("#chip-late").click()
    expect(desk).to_have_url(re.compile("q=bert.*filter=late|filter=late.*q=bert"))


def test_the_map_waits_until_one_rests_but_not_for_ever(desk: Page, anna: OnTheRoad, bert: OnTheRoad) -> None:
    open_map(desk)
    expect(desk.locator("#map")).to_have_attribute("data-checkpoints", "6")
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url) if "/board/map?" in request.url else None)
    stand_still(desk)

    def work(presses: int) -> None:
        for _ in range(presses):
            desk.keyboard.press("Shift")
            desk.clock.run_for(250)

    desk.locator("#q").fill("anna")
    work(6)
    assert asked == []
    desk.clock.run_for(100)
    expect(desk.locator("#map")).to_have_attribute("data-checkpoints", "3")
    desk.locator("#q").fill("bert")
    with desk.expect_request("**/board/map?*q=bert*"):
        work(12)


def test_a_filter_is_not_forgotten_over_an_answer_that_was_on_its_way(
    desk: Page, server: Server, anna: OnTheRoad, bert: OnTheRoad
) -> None:
    open_map(desk)
    expect(desk.locator("#map")).to_have_attribute("data-checkpoints", "6")
    held: list[Route] = []
    desk.route("**/board/map?*only=*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    with desk.expect_request("**/board/map?*only=*"):
        incident = {"type": "Delay", "description": "Queue"}
        ok(server.client.post(f"/api/deliveries/{bert.delivery_id}/incidents", json=incident))
    stand_still(desk)

    desk.locator("#q").fill("anna")
    desk.clock.run_for(250)
    with desk.expect_response("**/board/map?*only=*"):
        held[0].continue_()
    desk.evaluate(
        "fetch('/health/live').then((answer) => answer.text())"
    )  # by then the other answer is taken in
    desk.clock.run_for(250)

    expect(desk.locator("#map")).to_have_attribute("data-checkpoints", "3")


def test_a_position_touches_nothing_but_its_driver(
    desk: Page, server: Server, anna: OnTheRoad, bert: OnTheRoad
) -> None:
    report(server.client, anna.driver_id, STATION)
    report(server.client, bert.driver_id, SENATE)
    open_map(desk)
    expect(marker(desk, anna)).to_have_attribute("data-latitude", str(STATION[0]))
    expect(marker(desk, bert)).to_have_attribute("data-latitude", str(SENATE[0]))
    desk.evaluate(WATCH_MAP)

    with desk.expect_response("**/board/map?*only=*"):  # the map asks anew about a delivery that changed
        incident = {"type": "Delay", "description": "Queue"}
        ok(server.client.post(f"/api/deliveries/{bert.delivery_id}/incidents", json=incident))
    report(server.client, anna.driver_id, PARK)

    expect(marker(desk, anna)).to_have_attribute("data-latitude", str(PARK[0]))
    assert set(desk.evaluate("() => window.touched")) == {anna.driver_id}


def test_who_has_no_delivery_is_shown_as_free_and_live(desk: Page, server: Server) -> None:
    fay = OnTheRoad(add_driver(server.client, "Fay Free"), "", "")
    open_map(desk)
    expect(marker(desk, fay)).to_have_count(0)

    report(server.client, fay.driver_id, PARK)

    expect(marker(desk, fay)).to_have_attribute("aria-label", re.compile("^Fay Free, free, "))
    expect(marker(desk, fay)).to_have_attribute("data-free", "")
    desk.get_by_text("Positions as a list").click()
    expect(desk.locator(f'[data-seen] [data-driver="{fay.driver_id}"]')).to_contain_text("Fay Free free")
    report(server.client, fay.driver_id, SENATE)
    expect(marker(desk, fay)).to_have_attribute("data-latitude", str(SENATE[0]))
    marker(desk, fay).focus()
    desk.keyboard.press("Enter")
    expect(marker(desk, fay)).to_have_attribute("aria-pressed", "true")
    desk.get_by_role("searchbox").fill("anna")
    expect(marker(desk, fay)).to_have_count(0)


def test_checkpoints_tell_their_state_by_form_and_word_and_a_legend_explains_it(
    desk: Page, anna: OnTheRoad
) -> None:
    open_map(desk)
    signs = desk.get_by_role("list", name="Signs of checkpoints and drivers")
    expect(signs).to_be_hidden()
    desk.get_by_text("Signs", exact=True).click()

    expect(signs.get_by_role("listitem")).to_have_text(
        ["reached", "next", "next and late", "to come", "driver without a delivery"]
    )
    forms = {sign.evaluate(FORM_OF_SIGN) for sign in signs.locator("canvas").all()}
    assert len(forms) == 4

    desk.goto(f"/deliveries/{anna.delivery_id}")
    expect(desk.locator("#map")).to_have_attribute("data-plan", "3")
    expect(desk.get_by_role("list", name="Signs of checkpoints")).to_contain_text("next and late")


def test_a_checkpoint_says_its_name_and_its_state(desk: Page, server: Server) -> None:
    open_map(desk, f"/deliveries/{alone(server).delivery_id}")
    expect(desk.locator("#map")).to_have_attribute("data-plan", "1")
    box = place_of(desk.locator("#map"))
    name = desk.locator(".map-name")
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def point_at_the_middle() -> bool:
        desk.mouse.move(middle[0], middle[1] - 40)
        desk.mouse.move(*middle)
        return name.is_visible()

    wait_until(point_at_the_middle, what="the checkpoint's name")
    expect(name).to_have_text("1. Alone 1 — next")


def test_no_script_of_the_board_runs_twice(desk: Page) -> None:
    open_map(desk)

    loaded = desk.evaluate(
        "() => performance.getEntriesByType('resource').map(({name}) => name.split('?')[0])"
    )
    scripts = [name for name in loaded if name.endswith((".js", ".mjs")) and "worker" not in name]

    assert len(scripts) > 10
    assert sorted(set(scripts)) == sorted(scripts)
