"""Every page at three sizes, in light and dark: it renders, nothing complains, nothing runs off its side."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page

from e2e.conftest import sign_in
from tests.journey.server import Server

SIZES = [(1440, 900), (1024, 768), (390, 844)]


@pytest.mark.parametrize(
    ("server", "size", "scheme"),
    [
        ("embedded", SIZES[0], "light"),
        ("embedded", SIZES[1], "dark"),
        ("embedded", SIZES[2], "light"),
        ("distributed", SIZES[0], "light"),  # what they look like is the same there
    ],
    indirect=["server"],
)
def test_every_page_renders_and_fits(
    open_page: Callable[..., Page], places: dict[str, str], dana: str, size: tuple[int, int], scheme: str
) -> None:
    page = open_page(*size, color_scheme=scheme)
    sign_in(page, dana)
    for name, address in places.items():
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == (404 if name == "nothing" else 200), name
        assert page.locator("h1, h2").first.is_visible(), name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 1, f"{name} is too wide"
        assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme, name


def test_pages_are_for_dispatchers_only(server: Server, places: dict[str, str], dana: str) -> None:
    with httpx.Client(base_url=server.url) as stranger:
        for name, address in places.items():
            if name not in ("nothing", "reference"):
                answer = stranger.get(address)
                assert answer.status_code == 302, name
                assert answer.headers["Location"].startswith("/sign-in"), name
