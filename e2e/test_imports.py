"""Importing a spreadsheet in a real browser: by itself with JavaScript, by buttons without, and over a restart."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from e2e.conftest import sign_in
from e2e.test_accessibility import complaints
from tests.journey.city import ok
from tests.journey.conftest import AnyServer

pytestmark = pytest.mark.usefixtures("dana")


def csv_file(name: str, content: str, encoding: str = "utf-8") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode(encoding)}


def many_drivers(prefix: str, count: int) -> str:
    return "Name,Licence\n" + "".join(f"{prefix} {number:04},{prefix}-{number}\n" for number in range(count))


def preview(page: Page, kind: str, file: FilePayload) -> None:
    """Upload a file, from the list where the button is."""
    page.goto("/routes" if kind == "routes" else f"/fleet?show={kind}")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Show the preview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Preview of"))


def test_good_rows_are_imported_and_bad_ones_come_back(
    open_page: Callable[..., Page], server: AnyServer
) -> None:
    desk = open_page()
    sign_in(desk, "dana")
    content = "Führerschein;Licence No.;Full name\r\n1;I-1;Åsa Öberg\r\n2;;Bo Utan\r\n3;I-3;Ceno Trea\r\n"
    preview(desk, "drivers", csv_file("staff.csv", content, "cp1252"))
    expect(desk.get_by_text("read as Windows-1252")).to_be_visible()
    expect(desk.get_by_text("Not used: Führerschein.")).to_be_visible()
    expect(desk.get_by_role("row", name=re.compile("Bo Utan"))).to_contain_text("The licence is missing.")
    desk.get_by_role("button", name="Import 2 drivers").click()
    expect(desk.get_by_text("2 drivers imported.")).to_be_visible()
    with desk.expect_download() as download:
        desk.get_by_role("link", name="Download what was not imported").click()
    assert download.value.suggested_filename == "staff - not imported.csv"
    text = download.value.path().read_text("utf-8-sig").splitlines()
    assert text == ["Führerschein;Licence No.;Full name;Problem", "2;;Bo Utan;The licence is missing."]
    desk.get_by_role("link", name="Åsa Öberg").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Åsa Öberg")


def test_a_large_file_goes_on_by_itself_and_over_a_restart(browser: Browser, server: AnyServer) -> None:
    desk = browser.new_page(base_url=server.url)  # its console may complain while the server is away
    sign_in(desk, "dana")
    preview(desk, "drivers", csv_file("many.csv", many_drivers("Large", 400)))
    desk.get_by_role("button", name="Import 400 drivers").click()
    expect(desk.get_by_text(re.compile(r"[1-9]\d* of 400 done"))).to_be_visible()
    server.kill()
    server.start()
    expect(desk.get_by_text("400 drivers imported.")).to_be_visible(timeout=150_000)
    found = ok(server.client.get("/api/fleet/drivers?q=large&limit=100"))["items"]
    assert len({driver["name"] for driver in found}) == len(found) == 100
    counts = ok(server.client.get("/api/events?types=DriverAdded&limit=1000"))["events"]
    names = [event["data"]["name"] for event in counts if event["data"].get("name", "").startswith("Large")]
    assert len(names) == len(set(names)) == 400
    desk.close()


def test_routes_are_imported_without_javascript(open_page: Callable[..., Page], server: AnyServer) -> None:
    desk = open_page(java_script_enabled=False)
    sign_in(desk, "dana")
    content = (
        "Tour,Depot,To,Start,Stop,ETA,Lat,Lon\n"
        'T1,North depot,Harbour,2030-11-23 08:00,Market,2030-11-23 08:30,"60,1675","24,9525"\n'
        "T1,,,,Station,9:15,,\n"
        "T2,North depot,Harbour,2030-11-23 09:00,Market,2030-11-23 08:30,,\n"
    )
    preview(desk, "routes", csv_file("tours.csv", content))
    expect(desk.get_by_role("row", name=re.compile("T2"))).to_contain_text("must be after the route's start")
    desk.get_by_label("Activate the routes at once").check()
    desk.get_by_role("button", name="Import 1 route").click()
    desk.get_by_role("button", name="Go on").click()
    expect(desk.get_by_text("1 route imported.")).to_be_visible()
    desk.get_by_role("link", name="T1").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("North depot → Harbour")
    expect(desk.get_by_text("Active", exact=True)).to_be_visible()
    expect(desk.locator("#stop-2")).to_contain_text("Station")


@pytest.mark.parametrize("server", ["embedded"], indirect=True)  # the markup is the same in both modes
@pytest.mark.parametrize(
    ("width", "height", "scheme"), [(1440, 900, "light"), (1024, 768, "dark"), (390, 844, "light")]
)
def test_its_pages_fit_and_are_accessible(
    open_page: Callable[..., Page], server: AnyServer, width: int, height: int, scheme: str
) -> None:
    desk = open_page(width, height, color_scheme=scheme, reduced_motion="reduce")
    sign_in(desk, "dana")
    content = (
        "Route,From,Start,Place,ETA\n"
        f"A,Depot of size {width},2030-11-23 08:00,Market Square,2030-11-23 08:30\n"
        "A,,,Railway Square,09:15\n"
        "B,Depot,2030-11-23 08:00,A place with quite a long name that goes on and on,2030-11-23 07:30\n"
    )
    desk.goto("/import/routes")
    check(desk, "upload")
    desk.get_by_label("CSV file").set_input_files(csv_file("routes.csv", "PK\x03\x04 of a workbook"))
    desk.get_by_role("button", name="Show the preview").click()
    expect(desk.get_by_label("CSV file")).to_be_focused()
    check(desk, "refused file")
    preview(desk, "routes", csv_file("routes.csv", content))
    check(desk, "preview")
    desk.route("**/continue", lambda route: None)  # never answered: the progress stands still
    desk.get_by_role("button", name="Import 1 route").click()
    expect(desk.get_by_text("0 of 1 done")).to_be_visible()
    check(desk, "progress")
    beside = desk.context.new_page()  # another tab goes on with it
    beside.goto(desk.url)
    expect(beside.get_by_text("1 route imported.")).to_be_visible()
    check(beside, "result")


def check(page: Page, name: str) -> None:
    """Nothing runs off the side, and axe has nothing to complain about."""
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 1, name
    assert complaints(page) == [], name
