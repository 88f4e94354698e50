"""Somebody on the telephone asks what was: the slider through the day, and back to live. In both modes."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import sign_in
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok
from tests.journey.conftest import AnyServer


@pytest.fixture
def page(open_page: Callable[..., Page], dana: str) -> Page:
    opened = open_page()
    sign_in(opened, dana)
    return opened


def test_from_live_through_the_day_and_back(page: Page, server: AnyServer) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    ok(move(http, delivery_id, "InTransit"))
    page.goto("/board")
    page.get_by_role("link", name="History").click()
    row, pill = page.locator(f"#d-{delivery_id}"), page.locator("[data-pill]")
    expect(pill).to_have_text(re.compile(r"history \d\d:\d\d"))
    page.wait_for_load_state()  # before that keys are pressed in vain
    expect(row).to_contain_text("In transit")

    page.get_by_role("link", name="Previous change").click()
    page.keyboard.press("[")
    expect(row).to_contain_text("Picked up")
    assert "at=" in page.url

    row.get_by_role("link").click()
    expect(page.locator("#glance-title")).to_be_visible()
    expect(page.locator("#drawer")).not_to_contain_text("In transit")
    page.keyboard.press("]")
    expect(page.locator("#drawer")).to_contain_text("In transit")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer [data-glance]")).to_have_count(0)

    page.get_by_role("slider", name="Time of the day").focus()
    page.keyboard.press("Home")
    expect(row).to_have_count(0)
    live = page.context.new_page()
    live.goto("/board?panes=list")
    expect(live.locator("[data-pill]")).to_have_text("live")
    ok(move(http, delivery_id, "Failed", reason="not_home"))  # what happens now is none of its business
    expect(live.locator(f"#d-{delivery_id}")).to_contain_text("Failed")
    live.close()
    expect(row).to_have_count(0)
    expect(pill).to_have_text(re.compile("history"))

    page.get_by_role("link", name="Back to live").click()
    expect(row).to_contain_text("Failed")
    expect(pill).to_have_text("live")


def test_the_slider_at_its_left_end_still_goes_to_the_beginning_of_its_minute(page: Page) -> None:
    today = datetime.now(UTC).date()
    page.goto(f"/board?at={today}T00:00:30")
    slider = page.get_by_role("slider", name="Time of the day")
    expect(slider).to_have_value("0")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_label("Time", exact=True)).to_have_value("00:00:00")
