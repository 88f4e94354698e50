"""What boards do at midnight, which comes when the zone of the program moves on by a day."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from backend_services.settings import load_settings
from e2e.conftest import PASSWORD, sign_in
from tests.webapp.noon import scene_of_now
from webapp import create_app
from webapp.accounts.models import create_account
from webapp.presentation import today

LATE, EARLY = "Etc/GMT-14", "Etc/GMT+12"  # 26 hours apart: never the same day


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The running program in this process, where it can be made another day."""
    running = create_app(load_settings({"WAYBILL_DATA_DIR": str(tmp_path), "WAYBILL_TIME_ZONE": EARLY}))
    running.extensions["waybill"].start()
    with running.app_context():
        create_account("dana", PASSWORD, "dispatcher", "Dana")
    yield running
    running.extensions["waybill"].stop()


@pytest.fixture
def page(app: Flask, browser: Browser) -> Iterator[Page]:
    serving = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    context = browser.new_context(base_url=f"http://127.0.0.1:{serving.port}")
    opened = context.new_page()
    sign_in(opened, "dana")
    yield opened
    context.close()
    serving.shutdown()
    thread.join()


def let_midnight_pass(app: Flask) -> str:
    """Make it another day, on which something happens; answers its date."""
    waybill = app.extensions["waybill"]
    waybill.settings = replace(waybill.settings, time_zone=ZoneInfo(LATE))
    scene = scene_of_now(app)
    scene.add_delivery(scene.add_route(destination="Next Day Quay"), scene.add_driver())
    with app.app_context():
        return today().isoformat()


def test_a_board_of_a_day_is_that_days_after_midnight_and_says_that_it_is_not_live_any_more(
    app: Flask, page: Page
) -> None:
    with app.app_context():
        day = today().isoformat()
    page.goto(f"/board?date={day}&panes=list")
    pill, list_ = page.locator("[data-pill]"), page.locator("#board-list")
    expect(pill).to_have_text("live")

    tomorrow = let_midnight_pass(app)

    expect(pill).to_have_text(re.compile("^not live — as of"))
    expect(list_).to_have_attribute("data-day", day)
    expect(list_.get_by_text("Next Day Quay")).to_have_count(0)

    page.get_by_role("link", name="Today", exact=True).click()
    expect(pill).to_have_text("live")
    expect(list_).to_have_attribute("data-day", tomorrow)
    expect(list_).to_contain_text("Next Day Quay")


def test_a_board_that_follows_today_is_the_next_days_after_midnight(app: Flask, page: Page) -> None:
    page.goto("/board?panes=list")
    pill, list_ = page.locator("[data-pill]"), page.locator("#board-list")
    expect(pill).to_have_text("live")

    tomorrow = let_midnight_pass(app)

    expect(list_).to_have_attribute("data-day", tomorrow)
    expect(list_).to_contain_text("Next Day Quay")
    expect(pill).to_have_text("live")
