"""The System page in a real browser: it looks again by itself, and takes nobody's focus."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import sign_in
from ops.processes import wait_until
from tests.journey.city import add_driver
from tests.journey.conftest import AnyServer
from tests.journey.distributed import DistributedServer
from tests.journey.planting import append_events

sets_events_aside = pytest.mark.parametrize("server", ["distributed"], indirect=True)
"""In one process a projection stands still at what it can't apply (ADR 7)."""


def open_system(open_page: Callable[..., Page], **options: object) -> Page:
    page = open_page(**options)
    sign_in(page, "dana")
    page.goto("/admin/system")
    return page


@pytest.mark.parametrize("width", [390, 768, 1024, 1440])
def test_it_fits_every_screen(dana: str, open_page: Callable[..., Page], width: int) -> None:
    page = open_system(open_page, width=width)
    expect(page.get_by_text("Everything works")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_looks_again_by_itself(dana: str, open_page: Callable[..., Page]) -> None:
    page = open_system(open_page)
    looked_at = page.locator("#state time").first
    first = str(looked_at.get_attribute("datetime"))
    expect(looked_at).not_to_have_attribute("datetime", first)
    expect(page.get_by_text("Waybill didn't answer")).to_be_hidden()


@sets_events_aside
def test_looking_again_leaves_the_focus_where_it_is(
    dana: str, server: AnyServer, open_page: Callable[..., Page]
) -> None:
    stream = poisoned(server)
    page = open_system(open_page)
    row = page.get_by_role("row").filter(has_text=stream)
    row.get_by_role("button", name="Try again").focus()
    looked_at = page.locator("#state time").first
    first = str(looked_at.get_attribute("datetime"))
    expect(looked_at).not_to_have_attribute("datetime", first)
    assert page.evaluate("document.activeElement.id") == f"retry-{stream}"
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{stream} failed again at version 2, DriverBeamedUp")).to_be_visible()


@sets_events_aside
def test_an_event_is_skipped_without_scripts(
    dana: str, server: AnyServer, open_page: Callable[..., Page]
) -> None:
    stream = poisoned(server)
    page = open_system(open_page, java_script_enabled=False)
    page.get_by_role("row").filter(has_text=stream).get_by_role("link", name=re.compile("Skip")).click()
    expect(page.get_by_text("This can't be taken back.")).to_be_visible()
    page.get_by_role("button", name="Skip it for good").click()
    expect(page.get_by_text("Skipped.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=stream)).to_have_count(0)


def poisoned(server: AnyServer) -> str:
    """A driver's stream with an event that no projection knows, set aside."""
    assert isinstance(server, DistributedServer)
    stream = f"driver-{add_driver(server.client)}"
    append_events(server, stream, ("DriverBeamedUp", {}))
    wait_until(lambda: stream in server.client.get("/admin/system").text, 20, "the stream set aside")
    return stream
