"""An event that can't be applied holds up its own stream and nothing else, until somebody decides about it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from backend_services.read_models import READ_MODEL_VERSION
from ops.processes import wait_until
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok
from tests.journey.distributed import DistributedServer
from tests.journey.planting import append_events

PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributedServer]:
    running = DistributedServer(tmp_path_factory.mktemp("dead-letters") / "data")
    yield running.start()
    running.remove()


@pytest.fixture
def http(server: DistributedServer) -> Iterator[httpx.Client]:
    """A client with the API key. At the end nothing is set aside, for the next test."""
    yield server.client
    for event_id in set_aside(server).values():
        command(server, "skip", event_id, "--yes")
    assert set_aside(server) == {}


def renamed(driver_id: str, name: str) -> tuple[str, dict[str, Any]]:
    return "DriverUpdated", {"driverId": driver_id, "name": name, "driverLicense": f"L-{uuid4()}"}


def command(server: DistributedServer, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m backend_services.dead_letters` as an operator runs it."""
    return subprocess.run(
        [sys.executable, "-m", "backend_services.dead_letters", *arguments],
        env=server.cluster.environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def set_aside(server: DistributedServer) -> dict[str, str]:
    """The event that each stream waits behind, as the command line lists them."""
    lines = command(server, "list").stdout.splitlines()[1:]
    found = [line.split() for line in lines if not line.startswith(" ")]
    return {words[0]: words[-1] for words in found}


def await_set_aside(server: DistributedServer, stream: str) -> str:
    """The id of the event behind which the stream waits, once it does."""
    return str(wait_until(lambda: set_aside(server).get(stream), 20, f"{stream} set aside"))


def name_of(http: httpx.Client, driver_id: str) -> str:
    return str(ok(http.get(f"/api/fleet/drivers/{driver_id}"))["name"])


def dead_letters(http: httpx.Client) -> int:
    return int(ok(http.get("/health/ready"))["dependencies"]["readModels"]["deadLetters"])


def test_poison_holds_up_its_own_stream_only_and_skipping_it_lets_the_stream_go_on(
    server: DistributedServer, http: httpx.Client
) -> None:
    driver_id, other_id = add_driver(http, "Before"), add_driver(http, "Other")
    stream = f"driver-{driver_id}"
    poison, _ = append_events(server, stream, ("DriverBeamedUp", {}), renamed(driver_id, "After"))
    assert await_set_aside(server, stream) == poison
    wait_until(lambda: " 1  " in _line_of(server, stream), what="the later event waiting behind")

    append_events(server, f"driver-{other_id}", renamed(other_id, "Other, renamed"))
    wait_until(lambda: name_of(http, other_id) == "Other, renamed", what="the other driver's new name")
    assert name_of(http, driver_id) == "Before"
    assert dead_letters(http) == 1

    skipped = command(server, "skip", poison, "--yes")
    assert skipped.returncode == 0
    assert "no list, page or board will ever show what it says" in skipped.stdout
    assert f"{stream} flows again: 1 event applied." in skipped.stdout
    assert name_of(http, driver_id) == "After"
    assert dead_letters(http) == 0


def test_a_stream_goes_on_when_the_cause_of_its_failure_is_gone(
    server: DistributedServer, http: httpx.Client
) -> None:
    driver_id = add_driver(http, "Before")
    stream = f"driver-{driver_id}"
    with psycopg.connect(server.engine_urls["DATABASE_URL"], autocommit=True) as rows:
        table = f"{server.name}_read_v{READ_MODEL_VERSION}.drivers"
        rows.execute(f"ALTER TABLE {table} ADD CONSTRAINT bug CHECK (name <> 'Trouble')")
        append_events(server, stream, renamed(driver_id, "Trouble"), renamed(driver_id, "After"))
        await_set_aside(server, stream)

        too_early = command(server, "redrive", stream)
        assert too_early.returncode == 1
        assert f"{stream}: 0 events applied, then DriverUpdated (version 2) failed" in too_early.stdout
        assert "Trouble" not in too_early.stdout + too_early.stderr, "names are nobody's business in a log"
        assert "Trouble" not in server.cluster.roles["projector-1"].log.read_text()

        rows.execute(f"ALTER TABLE {table} DROP CONSTRAINT bug")
    redriven = command(server, "redrive")
    assert (redriven.returncode, redriven.stdout) == (0, f"{stream} flows again: 2 events applied.\n")
    assert name_of(http, driver_id) == "After"


def test_skipping_asks_first(server: DistributedServer, http: httpx.Client) -> None:
    driver_id = add_driver(http)
    (poison,) = append_events(server, f"driver-{driver_id}", ("DriverBeamedUp", {}))
    await_set_aside(server, f"driver-{driver_id}")
    for typed in ("", "no\n"):
        asked = command(server, "skip", poison, typed=typed)
        assert asked.returncode == 1
        assert "Nothing was skipped." in asked.stdout
    assert set_aside(server) == {f"driver-{driver_id}": poison}
    assert command(server, "skip", poison, typed="yes\n").returncode == 0


def test_what_is_not_set_aside_is_said_so(server: DistributedServer, http: httpx.Client) -> None:
    assert command(server, "list").stdout == "Nothing is set aside.\n"
    assert command(server, "redrive").stdout == "Nothing is set aside.\n"
    for arguments in (("redrive", "driver-none"), ("skip", "no-such-event", "--yes")):
        wrong = command(server, *arguments)
        assert wrong.returncode == 2
        assert "set aside (any more). `list` shows what is." in wrong.stderr
        assert "Traceback" not in wrong.stderr


def test_the_system_page_shows_it_and_does_both(server: DistributedServer, http: httpx.Client) -> None:
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    stream = f"delivery-{delivery_id}"
    (poison,) = append_events(server, stream, ("DeliveryTeleported", {}))
    await_set_aside(server, stream)
    with closing(signed_in_admin(server)) as admin:
        page = admin.get("/admin/system").text
        assert f'<a href="/deliveries/{delivery_id}">{stream}</a>' in page
        for words in ("DeliveryTeleported", "version 2", "no projection knows the event type"):
            assert words in page
        assert send(admin, page, "/admin/system/redrive", stream=stream).status_code == 303
        assert "failed again at version 2, DeliveryTeleported" in admin.get("/admin/system").text

        question = admin.get(f"/admin/system/skip/{poison}").text
        assert "no list, page or board will ever show what it says" in question
        assert dead_letters(http) == 1, "asking skips nothing"
        without_token = admin.post(f"/admin/system/skip/{poison}", data={})
        assert without_token.status_code == 403
        assert send(admin, question, f"/admin/system/skip/{poison}").status_code == 303
        page = admin.get("/admin/system").text
        assert "Skipped." in page
        assert "Nothing is set aside." in page
    assert f"skips DeliveryTeleported {poison}, version 2 of {stream}" in _web_log(server)
    # Without its rows being held up, the delivery goes on as if that event had never been.
    assert dead_letters(http) == 0


def test_a_skipped_event_stays_skipped_when_the_rows_are_built_anew(
    server: DistributedServer, http: httpx.Client
) -> None:
    driver_id = add_driver(http, "Before")
    (poison, _) = append_events(
        server, f"driver-{driver_id}", ("DriverBeamedUp", {}), renamed(driver_id, "After")
    )
    await_set_aside(server, f"driver-{driver_id}")
    assert command(server, "skip", poison, "--yes").returncode == 0
    rebuilt = subprocess.run(
        [sys.executable, "-m", "backend_services.rebuild"],
        env=server.cluster.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert name_of(http, driver_id) == "After"
    assert set_aside(server) == {}


def test_other_commands_work_while_something_is_set_aside(
    server: DistributedServer, http: httpx.Client
) -> None:
    driver_id = add_driver(http)
    append_events(server, f"driver-{driver_id}", ("DriverBeamedUp", {}))
    await_set_aside(server, f"driver-{driver_id}")
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    ok(move(http, delivery_id, "InTransit"))
    assert ok(http.get(f"/api/deliveries/{delivery_id}"))["status"] == "InTransit"
    assert ok(http.get("/health/ready"))["status"] == "ready"


def signed_in_admin(server: DistributedServer) -> httpx.Client:
    """The first account, made with the code that the web process printed; signed in at a browser without scripts."""
    browser = httpx.Client(base_url=server.url, timeout=30)
    page = browser.get("/setup").text
    form = {"code": server.setup_code(), "display_name": "Dana", "username": "dana", "password": PASSWORD}
    assert send(browser, page, "/setup", **form).status_code == 303
    return browser


def send(browser: httpx.Client, page: str, path: str, **values: str) -> httpx.Response:
    """Send a form with the token of the page it is on."""
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    return browser.post(path, data={"csrf_token": token, **values})


def _line_of(server: DistributedServer, stream: str) -> str:
    lines = command(server, "list").stdout.splitlines()
    return next((line for line in lines if line.startswith(stream)), "")


def _web_log(server: DistributedServer) -> str:
    return Path(server.cluster.roles["web-1"].log).read_text()
