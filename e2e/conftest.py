"""A real browser against the real program. Any console error, page error or CSP violation fails the test."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from tests.journey.city import (
    add_delivery,
    add_driver,
    add_route,
    add_vehicle,
    iso,
    move,
    ok,
    prove,
    reach,
    soon,
)
from tests.journey.conftest import MODES, AnyServer, make_server

PASSWORD = "a long enough password"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Chromium logs every 4xx of a page, and a server that is away, as errors; the tests look at those themselves.
EXPECTED = re.compile(
    r"Failed to load resource: the server responded with a status of 4\d\d"
    r"|.*ERR_(CONNECTION_(REFUSED|RESET)|EMPTY_RESPONSE|INTERNET_DISCONNECTED)"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: CHROMIUM's, or the one on the PATH."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "the browser tests need Chromium: make test installs it, or set CHROMIUM to its path"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module", params=MODES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyServer]:
    """A server of this module in each mode, empty: nobody can sign in yet."""
    running = make_server(request.param, tmp_path_factory.mktemp("e2e") / "data")
    yield running.start()
    running.remove()


@pytest.fixture(scope="module")
def dana(server: AnyServer) -> str:
    """The first account, made without a browser."""
    with httpx.Client(base_url=server.url) as http:
        page = http.get("/setup").text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        form = {
            "csrf_token": token,
            "code": server.setup_code(),
            "display_name": "Dana",
            "username": "dana",
            "password": PASSWORD,
        }
        assert http.post("/setup", data=form).status_code == 303
    return "dana"


@pytest.fixture(scope="module")
def places(server: AnyServer) -> dict[str, str]:
    """A small day; the addresses of its pages by name."""
    http: httpx.Client = server.client
    driver_id, vehicle_id, route_id = add_driver(http), add_vehicle(http), add_route(http)
    done = add_delivery(http, route_id, driver_id, vehicle_id)
    ok(move(http, done, "InTransit"))
    ok(http.post(f"/api/deliveries/{done}/incidents", json={"type": "Delay", "description": "Long queue"}))
    for number in (1, 2):
        ok(reach(http, done, route_id, number))
    ok(prove(http, done))
    waiting = add_delivery(http, route_id, driver_id)
    failed = add_delivery(http, add_route(http))
    ok(move(http, failed, "Failed", reason="no_access"))
    planning = add_route(http, active=False)
    somewhere = {"location": "Kiosk", "latitude": 60.1712, "longitude": 24.9415}
    expected = {"sequence": 3, "expectedTime": iso(soon(60))}
    ok(http.post(f"/api/routes/{planning}/checkpoints", json={**expected, **somewhere}))
    now = datetime.now(UTC)
    return {
        "board": "/board?panes=list,map,timeline",
        "board, map first": f"/board?panes=map,timeline,list&selected={waiting}",
        "board, timeline first": f"/board?panes=timeline,map&delivery={waiting}",
        "board, timeline as a table": "/board?panes=timeline&table=yes",
        "board of yesterday": f"/board?panes=list&date={(now - timedelta(days=1)).date()}",
        "map": "/board?panes=map",
        "history": f"/board?at={iso(now)}&delivery={done}",
        "history before all": f"/board?at={iso(now - timedelta(days=400))}",
        "deliveries": "/deliveries",
        "new delivery": f"/deliveries/new?route={route_id}",
        "delivered": f"/deliveries/{done}",
        "waiting": f"/deliveries/{waiting}",
        "failed": f"/deliveries/{failed}",
        "routes": "/routes",
        "new route": "/routes/new",
        "active route": f"/routes/{route_id}",
        "planned route": f"/routes/{planning}",
        "changed checkpoint": f"/routes/{planning}?edit=3",
        "duplicate": f"/routes/{planning}/duplicate",
        "drivers": "/fleet",
        "vehicles": "/fleet?show=vehicles",
        "driver": f"/fleet/drivers/{driver_id}",
        "vehicle": f"/fleet/vehicles/{vehicle_id}",
        "new driver": "/fleet/drivers/new",
        "new vehicle": "/fleet/vehicles/new",
        "incidents": "/incidents",
        "import drivers": "/import/drivers",
        "import routes": "/import/routes",
        "people": "/people",
        "system": "/admin/system",
        "nothing": "/there/is/nothing",
        "reference": "/api/docs",
    }


@pytest.fixture
def open_page(browser: Browser, server: AnyServer) -> Iterator[Callable[..., Page]]:
    """Opens pages in contexts of their own; at the end no page may have complained."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(width: int = 1440, height: int = 900, url: str = server.url, **options: object) -> Page:
        context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}")
                if message.type == "error" and not EXPECTED.match(message.text)
                else None
            ),
        )
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def make_first_account(page: Page, setup_code: str) -> None:
    """The setup page, as the first dispatcher sees it."""
    page.goto(f"/setup?code={setup_code}")
    page.get_by_label("Your name").fill("Dana Dispatcher")
    page.get_by_label("Username").fill("dana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.wait_for_url("**/board")


def sign_in(page: Page, username: str) -> None:
    """Sign in with the password all test people share."""
    page.goto("/sign-in")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/(board|driver)$"))


def row_of(board: Page, name: str) -> Locator:
    """The row of the board's list that names somebody; the map names its drivers in a table, too."""
    return board.locator("#board-list").get_by_role("row", name=re.compile(name))
