"""The living style page in a real browser: it fits, axe has nothing to complain about, its samples work."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.test_accessibility import complaints
from tests.journey.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """In development; the markup is the same in both modes."""
    running = Server(tmp_path_factory.mktemp("design") / "data", WAYBILL_DEVELOPMENT="on")
    yield running.start()
    running.remove()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_it_fits_and_is_accessible(
    open_page: Callable[..., Page], width: int, height: int, scheme: str
) -> None:
    page = open_page(width, height, color_scheme=scheme, reduced_motion="reduce")
    page.goto("/design")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 1
    assert page.evaluate("scrollY") == 0, "the samples of errors must not take the page to them"
    assert complaints(page) == []
    wrong = page.locator("#wrong-name")
    assert wrong.evaluate("field => getComputedStyle(field).borderWidth") == "2px", "an error stands out"


def test_its_samples_do_what_the_real_ones_do(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/design")
    page.get_by_label("Search", exact=True).fill("nowhere")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    expect(page).to_have_url(re.compile("q=nowhere"))
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#list tbody tr")).to_have_count(6)
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.get_by_role("button", name="Show one in the corner").click()
    corner = page.locator(".toasts")
    expect(corner).to_contain_text("The sample was done.")
    corner.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back. Nothing had happened anyway.")).to_be_visible()


def test_it_is_whole_without_javascript(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/design")
    page.get_by_label("Search", exact=True).fill("kallio")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Show one in the corner").click()
    expect(page.locator(".toasts")).to_contain_text("The sample was done.")
