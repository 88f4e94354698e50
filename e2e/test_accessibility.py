"""axe finds nothing to complain about, on any page, in light and dark, on desktop and phone."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from e2e.conftest import sign_in

# The markup is the same in both modes.
pytestmark = pytest.mark.parametrize("server", ["embedded"], indirect=True)


def complaints(page: Page) -> list[str]:
    """What axe says of the page as it is now: rule, reason and where."""
    found = Axe().run(page, context={"exclude": ["#swagger"]}).response["violations"]
    if page.locator(
        "#swagger"
    ).count():  # what Swagger UI draws is its makers' affair, a second <main> as well
        found = [rule for rule in found if rule["id"] != "landmark-no-duplicate-main"]
    return [
        f"{rule['id']}: {rule['help']} at {' | '.join(node['html'][:150] for node in rule['nodes'][:3])}"
        for rule in found
    ]


@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [(1440, 900, "light"), (1440, 900, "dark"), (390, 844, "light"), (390, 844, "dark")],
)
def test_every_page_is_accessible(
    open_page: Callable[..., Page], places: dict[str, str], dana: str, width: int, height: int, scheme: str
) -> None:
    page = open_page(width, height, color_scheme=scheme, reduced_motion="reduce")
    page.goto("/sign-in")
    found = {"sign-in": complaints(page)}
    sign_in(page, dana)
    for name, address in places.items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        found[name] = complaints(page)
    lines = [f"{name}: {rule}" for name, rules in found.items() for rule in rules]
    assert not lines, "\n".join(lines)
