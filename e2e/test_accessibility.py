"""axe finds nothing to complain about, on any page, in light and dark, on desktop and phone."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e.conftest import sign_in
from e2e.on_the_road import SENATE, add_on_the_road
from e2e.places import SEND_EMPTY, Places, walk, walk_refusals
from tests.journey.city import add_delivery, add_driver, add_route, iso, ok, soon
from tests.journey.server import Server

# The markup is the same in both modes.
pytestmark = pytest.mark.parametrize("server", ["embedded"], indirect=True)


TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def complaints(page: Page) -> list[str]:
    """What axe says of the page as it is now: rule, reason and where."""
    # Named by their tags, also the rules run that axe leaves out by default, such as the size of targets.
    wanted = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    # Nobody aims at what an open menu covers, or the bar at the top where the page was scrolled under it.
    page.evaluate("scrollTo(0, 0)")
    part = (
        {"include": [".usermenu"]} if page.locator(".usermenu[open]").count() else {"exclude": ["#swagger"]}
    )
    found = Axe().run(page, context=part, options=wanted).response["violations"]
    if page.locator(
        "#swagger"
    ).count():  # what Swagger UI draws is its makers' affair, a second <main> as well
        found = [rule for rule in found if rule["id"] != "landmark-no-duplicate-main"]
    return [
        f"{rule['id']}: {rule['help']} at {' | '.join(node['html'][:150] for node in rule['nodes'][:3])}"
        for rule in found
    ]


def complaints_in_both(page: Page) -> list[str]:
    """What axe says in light and in dark: colours change with the scheme without loading the page again."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        found += [f"{scheme}: {complaint}" for complaint in complaints(page)]
    return found


def complaints_of_an_import(page: Page, mark: str) -> dict[str, list[str]]:
    """What axe says of the preview of a file with a good row and a bad one, and of the result."""
    content = f"Name,Licence\nGood {mark},L-{mark}\nBad {mark},\n"
    page.goto("/import/drivers")
    page.get_by_label("CSV file").set_input_files(
        {"name": "staff.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Show the preview").click()
    expect(page.get_by_text("The licence is missing.")).to_be_visible()
    found = {"import preview": complaints_in_both(page)}
    page.get_by_role("button", name="Import 1 driver").click()
    expect(page.get_by_text("1 driver imported.")).to_be_visible()
    return {**found, "import result": complaints_in_both(page)}


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_every_page_is_accessible(
    open_page: Callable[..., Page], places: Places, dana: str, width: int, height: int
) -> None:
    page = open_page(width, height, reduced_motion="reduce")
    page.goto("/sign-in")
    found = {"sign-in": complaints_in_both(page)}
    sign_in(page, dana)
    found |= {name: complaints_in_both(page) for name in walk(page, places)}
    found |= complaints_of_an_import(page, f"{width}")
    lines = [f"{name}: {rule}" for name, rules in found.items() for rule in rules]
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_every_refusal_is_accessible(
    open_page: Callable[..., Page], places: Places, dana: str, width: int, height: int, scheme: str
) -> None:
    page = open_page(width, height, color_scheme=scheme, reduced_motion="reduce")
    sign_in(page, dana)
    found = {name: complaints(page) for name in walk_refusals(page, places)}
    lines = [f"{name}: {rule}" for name, rules in found.items() for rule in rules]
    assert not lines, "\n".join(lines)


def test_the_drivers_pages_are_accessible(open_page: Callable[..., Page], phone_places: Places) -> None:
    phone = open_page(390, 844, reduced_motion="reduce", has_touch=True)
    sign_in(phone, "aino", to="/driver")
    found = {name: complaints_in_both(phone) for name in walk(phone, phone_places)}
    lines = [f"{name}: {rule}" for name, rules in found.items() for rule in rules]
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_the_first_page_of_all_is_accessible(
    open_page: Callable[..., Page], tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    empty = Server(tmp_path / "data").start()
    try:
        page = open_page(width, height, color_scheme=scheme, reduced_motion="reduce")
        page.goto(f"{empty.url}/setup")
        assert complaints(page) == []
        page.locator("main form").evaluate(SEND_EMPTY)
        expect(page.get_by_text("Please look at the fields marked below.")).to_be_visible()
        assert complaints(page) == []
    finally:
        empty.remove()


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_the_board_is_accessible_while_one_works_with_it(
    open_page: Callable[..., Page],
    server: Server,
    places: Places,
    dana: str,
    width: int,
    height: int,
    scheme: str,
) -> None:
    on_the_road = add_on_the_road(server.client, "Mapped Mia", "Senaatintori")
    now = iso(datetime.now(UTC))
    fix = {"latitude": SENATE[0], "longitude": SENATE[1], "recordedAt": now}
    ok(server.client.post(f"/api/drivers/{on_the_road.driver_id}/location", json=fix), 202)
    page = open_page(width, height, color_scheme=scheme, reduced_motion="reduce")
    sign_in(page, dana)
    page.goto(f"/board?panes=map,list,timeline&delivery={on_the_road.delivery_id}")
    expect(page.locator(f".map-driver[data-driver='{on_the_road.driver_id}']")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator("#glance-title")).to_be_visible()
    found = {"map with drawer": complaints(page)}
    waiting = add_delivery(server.client, add_route(server.client, soon(5)))
    page.goto(f"/board?delivery={waiting}")
    page.locator("#glance-assign").click()
    expect(page.locator("#drawer select")).to_have_count(2)
    found["assigning in the drawer"] = complaints(page)
    clashing = add_delivery(server.client, add_route(server.client, soon(5)))
    page.goto(
        "/board?panes=list,map,timeline"
    )  # a row that comes later waits while the pointer is over the list
    for chosen in (waiting, clashing, on_the_road.delivery_id):
        page.locator(f"#d-{chosen} .c-choose input").check()
    found["something chosen"] = complaints(page)
    page.get_by_role("button", name="Assign a driver").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found["dialog for several"] = complaints(page)
    somebody = add_driver(server.client, f"Accessible {scheme}")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Assign a driver").click()
    page.get_by_role("dialog").get_by_label("Driver", exact=True).select_option(somebody)
    page.get_by_role("dialog").get_by_role("button", name="Assign").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 of 2 done")
    found["results of several"] = complaints(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    found["help"] = complaints(page)
    lines = [f"{name}: {rule}" for name, rules in found.items() for rule in rules]
    assert not lines, "\n".join(lines)
