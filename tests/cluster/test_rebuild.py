"""The read models are built anew while Waybill is in use: no failed read, no difference, no empty screen."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest
import websocket

from backend_services.read_models import READ_MODEL_VERSION
from backend_services.rebuild import ONE_AT_A_TIME
from backend_services.topics import TOPICS
from eventstore.mongodb import MongoEventStore
from eventstore.records import RecordedEvent
from eventstore.sequencer import Sequencer
from ops.cluster import Shape
from ops.processes import wait_until
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok
from tests.journey.distributed import DistributedServer
from tests.journey.planting import planted_commit, planted_event
from tests.journey.server import API_KEY
from tests.journey.test_durability import a_small_day, everything

OLD_EVENTS = 1_500
BOUND_S = 240
SHOWN_WITHIN_S = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributedServer]:
    """An installation with a past: thousands of drivers, and a small day."""
    running = DistributedServer(tmp_path_factory.mktemp("rebuild") / "data").start()
    add_the_past(running)
    a_small_day(running.client)
    await_rows(running)
    yield running
    running.remove()


def add_the_past(server: DistributedServer) -> None:
    """Many drivers, in commits of 250."""
    store = MongoEventStore(server.engine_urls["EVENT_STORE_URL"])
    for _ in range(OLD_EVENTS // 250):
        store.append(planted_commit(*(driver_added(str(uuid4())) for _ in range(250))))
    store.close()


def driver_added(driver_id: str) -> RecordedEvent:
    data = {"driverId": driver_id, "name": f"Old {driver_id}", "driverLicense": driver_id}
    return planted_event(f"driver-{driver_id}", 1, "DriverAdded", data)


def await_rows(server: DistributedServer) -> None:
    """Until the rows have everything."""

    def have_everything() -> bool:
        parts = server.client.get("/health/ready").json()["dependencies"]
        store = MongoEventStore(server.engine_urls["EVENT_STORE_URL"])
        unplaced = store.commits.count_documents({"waiting": True})
        store.close()
        return unplaced == 0 and parts["readModels"].get("eventsBehind") == 0

    wait_until(have_everything, BOUND_S, "rows that have everything")
    ok(server.client.get("/health/ready"))


def start_rebuild(server: DistributedServer) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "backend_services.rebuild"],
        env=server.cluster.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(rebuilding: "subprocess.Popen[str]") -> str:
    """What it printed; it must have succeeded."""
    try:
        printed, complaints = rebuilding.communicate(timeout=BOUND_S)
    except subprocess.TimeoutExpired:
        rebuilding.kill()
        raise
    assert rebuilding.returncode == 0, complaints
    assert printed.endswith("The read models are built anew and in use.\n")
    return printed


def schemas(server: DistributedServer) -> set[str]:
    """The schemas of read models that there are."""
    with psycopg.connect(server.engine_urls["DATABASE_URL"]) as rows:
        found = rows.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%read_v%'").fetchall()
    return {name for (name,) in found}


@contextmanager
def in_use(server: DistributedServer) -> Iterator[list[str]]:
    """Commands and reads from several clients meanwhile; yields what went wrong."""
    stopping, complaints = threading.Event(), list[str]()

    def keep_on(number: int) -> None:
        with server.client_of(server.url) as http:
            while not stopping.is_set():
                answer = (read, write)[number % 2](http)
                if answer.status_code != 200:
                    complaints.append(f"{answer.request.url}: {answer.status_code} {answer.text}")

    with ThreadPoolExecutor(4) as pool:
        for number in range(4):
            pool.submit(keep_on, number)
        try:
            yield complaints
        finally:
            stopping.set()


def read(http: httpx.Client) -> httpx.Response:
    """Lists, pages, and a single thing that has long been there."""
    answer = http.get("/api/deliveries")
    for path in (
        f"/api/deliveries/{answer.json()['items'][0]['id']}",
        "/api/fleet/drivers",
        "/api/fleet/overview",
        "/board",
    ):
        if answer.status_code == 200:
            answer = http.get(path)
    return answer


def write(http: httpx.Client) -> httpx.Response:
    """Add a driver, and read it back. Usually it is there at once; on a slow machine not while tables are exchanged."""
    driver_id = add_driver(http, "New")
    answer = http.get(f"/api/fleet/drivers/{driver_id}")
    bound = time.monotonic() + SHOWN_WITHIN_S
    while answer.status_code == 404 and time.monotonic() < bound:
        answer = http.get(f"/api/fleet/drivers/{driver_id}")
    return answer


def test_rebuilds_in_use_fail_no_read_and_change_nothing(server: DistributedServer) -> None:
    known = everything(server.client)["/api/deliveries"]
    with in_use(server) as complaints:
        rebuildings = [start_rebuild(server) for _ in range(2)]
        printed = [finish(rebuilding) for rebuilding in rebuildings]
    assert complaints == []
    for text in printed:
        assert text.count(" events (") >= 3, "it shows how far it is"
        assert "(100 %)" in text
    await_rows(server)
    after = everything(server.client)
    assert after["/api/deliveries"] == known
    finish(start_rebuild(server))
    assert everything(server.client) == after
    assert schemas(server) == {f"{server.name}_read_v{READ_MODEL_VERSION}"}


def test_a_rebuild_that_is_killed_leaves_the_old_tables_in_use(server: DistributedServer) -> None:
    await_rows(server)
    before = everything(server.client)
    building = f"{server.name}_read_v{READ_MODEL_VERSION}_new"
    rebuilding = start_rebuild(server)
    with psycopg.connect(server.engine_urls["DATABASE_URL"], autocommit=True) as rows:
        wait_until(lambda: _has_drivers(rows, building), 30, "some rows in the new tables")
    rebuilding.kill()
    assert rebuilding.wait(10) == -9
    assert building in schemas(server)
    assert everything(server.client) == before
    driver_id = add_driver(server.client, "Meanwhile")
    assert ok(server.client.get(f"/api/fleet/drivers/{driver_id}"))["name"] == "Meanwhile"

    finish(start_rebuild(server))
    assert schemas(server) == {f"{server.name}_read_v{READ_MODEL_VERSION}"}
    assert ok(server.client.get(f"/api/fleet/drivers/{driver_id}"))["name"] == "Meanwhile"


def test_open_boards_load_again_and_go_on(server: DistributedServer) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    board = websocket.create_connection(
        f"{server.url.replace('http', 'ws')}/board/live",
        timeout=BOUND_S,
        header={"Authorization": f"Bearer {API_KEY}"},
    )
    seen = msgspec.json.decode(board.recv())["seq"]
    rebuilding = start_rebuild(server)
    frame = msgspec.json.decode(board.recv())
    while not frame["resync"]:
        frame = msgspec.json.decode(board.recv())
    finish(rebuilding)
    assert frame["seq"] > seen
    assert ok(http.get("/board/rows", params={"after": seen}))["resync"]

    ok(move(http, delivery_id, "InTransit"))
    rows: dict[str, str] = {}
    while "In transit" not in rows.get(delivery_id, ""):
        rows |= {row["id"]: row["html"] for row in msgspec.json.decode(board.recv())["rows"]}
    board.close()


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[DistributedServer]:
    """An installation of which nothing runs yet."""
    made = DistributedServer(tmp_path / "idle", Shape(projectors=2))
    yield made
    made.remove()


def test_after_a_restore_one_of_the_projectors_builds_the_rows_anew(idle: DistributedServer) -> None:
    projectors = [idle.cluster.roles[name] for name in ("projector-1", "projector-2")]
    schema = f"{idle.name}_read_v{READ_MODEL_VERSION}"
    with psycopg.connect(idle.engine_urls["DATABASE_URL"], autocommit=True) as rows:
        projectors[0].start()
        wait_until(lambda: _count(rows, f"{schema}.lane_checkpoints"), 30, "checkpoints")
        projectors[0].kill()
        idle.restore_events({})
        rows.execute("SELECT pg_advisory_lock(%s)", (ONE_AT_A_TIME,))
        for projector in projectors:
            projector.start()
        wait_until(lambda: _rebuilds(rows, "waiting") == 2, 30, "two that want to build")
        rows.execute("SELECT pg_advisory_unlock(%s)", (ONE_AT_A_TIME,))
        wait_until(
            lambda: _rebuilds(rows, "at work") + _rebuilds(rows, "waiting") == 0, 30, "both to be done"
        )
        assert _count(rows, f"{schema}.lane_checkpoints") == len(TOPICS.lanes)
        counted = rows.execute(f"SELECT seq FROM {schema}.board_counter").fetchone()  # noqa: S608 - our own name
    assert counted == (1,)  # each rebuild counts on by one
    assert idle.cluster.dead() == []


def test_a_rebuild_from_a_log_with_a_hole_says_so_and_leaves_the_rows_as_they_are(
    idle: DistributedServer,
) -> None:
    store = MongoEventStore(idle.engine_urls["EVENT_STORE_URL"])
    assert store.store_id
    store.append(planted_commit(driver_added(str(uuid4()))))
    sequencer = Sequencer(store, TOPICS)
    while not sequencer.step():
        pass
    store.commits.update_one({}, {"$set": {"log.positions": [1_000]}})
    store.close()
    rebuilding = start_rebuild(idle)
    _, complaints = rebuilding.communicate(timeout=BOUND_S)
    assert rebuilding.returncode == 1
    assert "the log has nothing behind position 0, though it doesn't end there" in complaints
    assert "Traceback" not in complaints


def _rebuilds(rows: "psycopg.Connection[tuple[int]]", how: Literal["at work", "waiting"]) -> int:
    """How many hold the lock of rebuilds in this database, or wait for it."""
    found = rows.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (ONE_AT_A_TIME, how == "at work"),
    ).fetchone()
    assert found is not None
    return found[0]


def _count(rows: "psycopg.Connection[tuple[int]]", table: str) -> int:
    """How many rows a table has, 0 where there is none."""
    try:
        found = rows.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own name
    except psycopg.errors.UndefinedTable:
        return 0
    assert found is not None
    return found[0]


def _has_drivers(rows: "psycopg.Connection[tuple[int]]", schema: str) -> bool:
    try:
        found = rows.execute(f'SELECT 1 FROM "{schema}".drivers LIMIT 1').fetchone()  # noqa: S608 - our own name
    except psycopg.Error:  # no such table yet
        return False
    return found is not None
