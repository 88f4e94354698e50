"""axe finds nothing to complain about, on any page, in light and dark, on desktop and phone."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

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


def complaints_of_an_import(page: Page, mark: str) -> dict[str, list[str]]:
    """What axe says of the preview of a file with a good row and a bad one, and of the result."""
    content = f"Name,Licence\nGood {mark},L-{mark}\nBad {mark},\n"
    page.goto("/import/drivers")
    page.get_by_label("CSV file").set_input_files(
        {"name": "staff.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Show the preview").click()
    expect(page.get_by_text("The licence is missing.")).to_be_visible()
    found = {"import preview": complaints(page)}
    page.get_by_role("button", name="Import 1 driver").click()
    expect(page.get_by_text("1 driver imported.")).to_be_visible()
    return {**found, "import result": complaints(page)}


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
        for drawn in page.locator("[data-map]").all():
            expect(drawn).to_have_attribute("data-ready", "yes", timeout=20_000)
        found[name] = complaints(page)
    found |= complaints_of_an_import(page, f"{width} {scheme}")
    lines = [f"{name}: {rule}" for name, rules in found.items() for rule in rules]
    assert not lines, "\n".join(lines)
