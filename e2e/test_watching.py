"""What the other tests rely on: a page with a part missing doesn't pass."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.conftest import sign_in, watch
from tests.journey.conftest import AnyServer

# The pages are the same in both modes.
pytestmark = [
    pytest.mark.usefixtures("dana"),
    pytest.mark.parametrize("server", ["embedded"], indirect=True),
]


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, server: AnyServer, complaints: list[str]) -> Iterator[Page]:
    opened = browser.new_page(base_url=server.url)
    watch(opened, complaints)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "part", ["js/app.js", "js/toasts.js", "css/waybill.css", "img/logo.svg", "icons.svg"]
)
def test_a_missing_script_style_or_icon_is_noticed(page: Page, complaints: list[str], part: str) -> None:
    sign_in(page, "dana")
    page.route(re.compile(re.escape(part)), lambda route: route.fulfill(status=404))
    page.goto("/routes")
    page.wait_for_load_state("networkidle")
    assert any(part in complaint for complaint in complaints), complaints


def test_a_missing_picture_is_noticed(page: Page, complaints: list[str]) -> None:
    sign_in(page, "dana")
    page.goto("/routes")
    page.evaluate("document.body.append(Object.assign(new Image(), { src: '/blobs/none' }))")
    page.wait_for_load_state("networkidle")
    assert any("/blobs/none" in complaint for complaint in complaints), complaints


def test_a_script_that_reads_a_missing_file_is_noticed(page: Page, complaints: list[str]) -> None:
    page.goto("/sign-in")
    page.evaluate("fetch('/static/basemap/none.geojson').then((response) => response.status)")
    assert any("none.geojson" in complaint for complaint in complaints), complaints


def test_pages_and_answers_that_refuse_are_no_mistake(page: Page, complaints: list[str]) -> None:
    sign_in(page, "dana")
    page.goto("/there/is/nothing")
    page.goto("/fleet/drivers/new")
    page.locator("main form").evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
    expect(page.get_by_text("Please look at the fields marked below.")).to_be_visible()
    page.evaluate("fetch('/there/is/nothing').then((response) => response.status)")
    assert complaints == []
