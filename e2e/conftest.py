"""A real browser against the real program. Any console error, page error or CSP violation fails the test."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FloatRect,
    Locator,
    Page,
    Response,
    expect,
    sync_playwright,
)

from e2e.on_the_road import OnTheRoad, add_on_the_road
from e2e.places import Places, add_phone_places, add_places
from ops.processes import wait_until
from tests.journey.city import add_driver
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
SHOWN_WITHIN_S = 30
"""How long a page may take before a test fails: no measure of its speed, since the cores may be busy otherwise."""
expect.set_options(timeout=SHOWN_WITHIN_S * 1000)
# Chromium logs as errors what may be as it should: a refusal, see watch(), and a server that a test took away.
A_REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
SERVER_AWAY = re.compile(r".*ERR_(CONNECTION_(REFUSED|RESET)|EMPTY_RESPONSE|INTERNET_DISCONNECTED)")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Chromium: CHROMIUM's, or the one on the PATH."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "the browser tests need Chromium: make test installs it, or set CHROMIUM to its path"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One for all tests."""
    with running_browser() as started:
        yield started


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
        form = {"code": server.setup_code(), "display_name": "Dana", "username": "dana"}
        _send_form(http, "/setup", {**form, "password": PASSWORD})
    return "dana"


@pytest.fixture(scope="module")
def phone_places(server: AnyServer, dana: str) -> Places:
    """The addresses of a driver's pages by name; she signs in as aino."""
    driver_id = add_driver(server.client, "Aino Virta")
    with httpx.Client(base_url=server.url) as http:
        _send_form(http, "/sign-in", {"username": dana, "password": PASSWORD})
        address = f"/fleet/drivers/{driver_id}"
        _send_form(http, address, {"username": "aino", "password": PASSWORD}, f"{address}/sign-in")
    return add_phone_places(server.client, driver_id)


@pytest.fixture(scope="module")
def anna(server: AnyServer) -> OnTheRoad:
    return add_on_the_road(server.client, "Anna Aho", "Opera")


@pytest.fixture(scope="module")
def bert(server: AnyServer) -> OnTheRoad:
    return add_on_the_road(server.client, "Bert Berg", "Cathedral")


def _send_form(http: httpx.Client, page: str, fields: dict[str, str], target: str = "") -> None:
    token = http.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]
    assert http.post(target or page, data={**fields, "csrf_token": token}).status_code == 303


@pytest.fixture(scope="module")
def places(server: AnyServer) -> Places:
    """A small day; the addresses of its pages by name."""
    return add_places(server.client)


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
        context.set_default_timeout(SHOWN_WITHIN_S * 1000)
        contexts.append(context)
        page = context.new_page()
        watch(page, complaints)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def desk(open_page: Callable[..., Page], dana: str) -> Page:
    """A dispatcher at a desktop browser."""
    page = open_page()
    sign_in(page, dana)
    return page


def watch(page: Page, complaints: list[str]) -> None:
    """Write down what goes wrong on a page. A page or fragment may be refused, but nothing it is made of be missing."""

    def on_console(message: ConsoleMessage) -> None:
        is_expected = A_REFUSAL.match(message.text) or SERVER_AWAY.match(message.text)
        if message.type == "error" and not is_expected:  # the refusals on_response sees
            complaints.append(f"{page.url}: {message.text} {message.location['url']}")

    def on_response(response: Response) -> None:
        is_answer = response.request.resource_type in ("document", "fetch", "xhr")
        if response.status >= 400 and (not is_answer or "/static/" in response.url):
            complaints.append(f"{page.url}: {response.status} {response.url}")

    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("console", on_console)
    page.on("response", on_response)


def make_first_account(page: Page, setup_code: str) -> None:
    """The setup page, as the first dispatcher sees it."""
    page.goto(f"/setup?code={setup_code}")
    page.get_by_label("Your name").fill("Dana Dispatcher")
    page.get_by_label("Username").fill("dana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.wait_for_url("**/board")


def sign_in(page: Page, username: str, password: str = PASSWORD, to: str = "/incidents") -> None:
    """Sign in, with the password all test people share unless told otherwise, and come to `to`: unless told otherwise a
    page that costs little, which the board with its map doesn't."""
    page.goto(f"/sign-in?next={to}")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{to}")


def place_of(shown: Locator) -> FloatRect:
    """Where it is on the screen. What a board shows may be replaced at any moment, and is nowhere for that moment."""
    found: FloatRect = wait_until(shown.bounding_box, what="its place on the screen")
    return found


def row_of(board: Page, name: str) -> Locator:
    """The row of the board's list that names somebody; the map names its drivers in a table, too."""
    return board.locator("#board-list").get_by_role("row", name=re.compile(name))
