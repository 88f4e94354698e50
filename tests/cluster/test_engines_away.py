"""What the README says of engines that are away, and that everything goes on by itself when they are back."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from ops.engines import MongoServer, PostgresServer
from ops.processes import wait_until
from tests.cluster import oracle
from tests.cluster.clients import send_until_answered
from tests.engines import engine_url
from tests.eventstore.cutting_proxy import CuttingProxy, Fault
from tests.journey.city import add_driver, ok, refused
from tests.journey.distributed import DistributedServer
from webapp.wiring import READ_YOUR_WRITES_BOUND_S

INSERT = b"\x02insert\x00"
ROWS_AWAY, ROWS_BACK = "rows can't be looked at", "rows can be looked at again"
ANSWER_S = 15.0
"""Within it every request must be answered, whatever is away."""


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[MongoServer]:
    engine_url("EVENT_STORE_URL")
    running = MongoServer(tmp_path / "mongo").start()
    yield running
    running.stop()


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    engine_url("DATABASE_URL")
    folder = tmp_path_factory.mktemp("postgres")
    for parent in (folder, *list(folder.parents)[:2]):
        parent.chmod(0o755)  # PostgreSQL's user must get through
    running = PostgresServer(folder / "server").start()
    yield running
    running.stop()


@pytest.fixture
def server(tmp_path: Path, postgres: PostgresServer) -> Iterator[DistributedServer]:
    """On that PostgreSQL, which is there again at the end whatever a test did with it."""
    running = DistributedServer(tmp_path / "city", engines={"DATABASE_URL": postgres.url})
    yield running.start()
    if postgres.child is None or not postgres.child.is_running:
        postgres.start()
    postgres.thaw()
    running.remove()


def answered(http: httpx.Client, method: str, path: str, **more: object) -> httpx.Response:
    began = time.monotonic()
    answer = http.request(method, path, **more)  # type: ignore[arg-type]
    assert time.monotonic() - began < ANSWER_S
    return answer


def a_driver() -> dict[str, str]:
    return {"name": "Aino", "driverLicense": str(uuid4())}


def times_said(server: DistributedServer, text: str) -> int:
    """How often the web process has written it to its log."""
    return server.cluster.roles["web-1"].log.read_text(errors="replace").count(text)


def test_without_the_event_store_writes_are_503_and_lists_still_show(
    tmp_path: Path, mongo: MongoServer
) -> None:
    server = DistributedServer(tmp_path / "city", engines={"EVENT_STORE_URL": mongo.url}).start()
    http, key = server.client, str(uuid4())
    try:
        kept = add_driver(http)
        mongo.stop()
        headers = {"Idempotency-Key": key}
        away = answered(http, "POST", "/api/fleet/drivers", json=a_driver(), headers=headers)
        refused(away, 503, "store_unavailable")
        assert int(away.headers["Retry-After"]) > 0
        assert [item["driverId"] for item in ok(http.get("/api/fleet/drivers"))["items"]] == [kept]
        assert answered(http, "GET", "/health/ready").status_code == 503
        assert answered(http, "GET", "/health/live").status_code == 200
        mongo.start()
        done = send_until_answered(http, "POST", "/api/fleet/drivers", a_driver())
        assert done.status_code == 200, done.text
        server.cluster.await_ready()
        wait_until(lambda: oracle.rows(server) == oracle.fold(oracle.commits(server)), 30, "equal rows")
    finally:
        if not mongo.children[0].is_running:
            mongo.start()
        server.remove()


def test_an_event_store_that_hangs_is_503_even_in_the_midst_of_a_command(
    tmp_path: Path, mongo: MongoServer
) -> None:
    proxy = CuttingProxy(mongo.ports[0])
    url = f"mongodb://127.0.0.1:{proxy.port}/waybill?directConnection=true"
    server = DistributedServer(tmp_path / "city", engines={"EVENT_STORE_URL": url}).start()
    http, headers, body = server.client, {"Idempotency-Key": str(uuid4())}, a_driver()
    try:
        add_driver(http)
        proxy.suffer(Fault.SILENCE, INSERT)
        hanging = answered(http, "POST", "/api/fleet/drivers", json=body, headers=headers)
        refused(hanging, 503, "store_unavailable")
        assert int(hanging.headers["Retry-After"]) > 0
        proxy.heal()
        mongo.children[0].freeze()
        refused(answered(http, "POST", "/api/fleet/drivers", json=a_driver()), 503, "store_unavailable")
        mongo.children[0].thaw()
        done = wait_until(
            lambda: (
                (again := http.post("/api/fleet/drivers", json=body, headers=headers)).status_code == 200
                and again
            ),
            30,
            "the same command, done",
        )
        wait_until(
            lambda: http.get(f"/api/fleet/drivers/{done.json()['id']}").status_code == 200, 30, "its row"
        )
        licences = [item["driverLicense"] for item in ok(http.get("/api/fleet/drivers"))["items"]]
        assert licences.count(body["driverLicense"]) == 1
    finally:
        mongo.children[0].thaw()
        server.remove()
        proxy.close()


def test_a_postgresql_that_hangs_is_found_out_and_everything_goes_on_afterwards(
    server: DistributedServer, postgres: PostgresServer
) -> None:
    http = server.client
    add_driver(http)
    ok(http.get("/api/fleet/drivers"))  # over a connection that is kept
    postgres.freeze()
    refused(answered(http, "GET", "/api/fleet/drivers"), 503, "store_unavailable")
    stored = answered(http, "POST", "/api/fleet/drivers", json=a_driver())
    assert stored.status_code == 200, stored.text
    assert answered(http, "GET", "/health/ready").status_code == 503
    postgres.thaw()
    path = f"/api/fleet/drivers/{stored.json()['id']}"
    wait_until(lambda: http.get(path).status_code == 200, 30, "the row")
    server.cluster.await_ready()


def test_without_postgresql_commands_are_stored_nothing_is_set_aside_and_rows_catch_up(
    server: DistributedServer, postgres: PostgresServer
) -> None:
    http = server.client
    add_driver(http)
    postgres.stop()
    done = answered(http, "POST", "/api/fleet/vehicles", json={"registration": "R", "vehicleType": "Van"})
    assert done.status_code == 200, done.text
    began = time.monotonic()
    for _ in range(5):
        assert answered(http, "POST", "/api/fleet/drivers", json=a_driver()).status_code == 200
    assert time.monotonic() - began < 5 * READ_YOUR_WRITES_BOUND_S / 2, "rows are waited for in vain"
    refused(answered(http, "GET", "/api/fleet/vehicles"), 503, "store_unavailable")
    assert answered(http, "GET", "/board").status_code == 503
    assert answered(http, "GET", "/health/ready").status_code == 503
    postgres.start()
    wait_until(lambda: http.get(f"/api/fleet/vehicles/{done.json()['id']}").status_code == 200, 30, "the row")
    server.cluster.await_ready()
    assert oracle.rows(server) == oracle.fold(oracle.commits(server))
    with psycopg.connect(server.engine_urls["DATABASE_URL"]) as connection:
        schema = f"{server.name}_read_v%"
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_user_tables WHERE schemaname LIKE %s AND relname = 'dead_letters'"
            " AND n_live_tup > 0",
            (schema,),
        ).fetchone()
    assert found == (0,)
    assert times_said(server, ROWS_AWAY) == 1
    wait_until(
        lambda: times_said(server, ROWS_BACK) == 1, 30, "a look at the rows, which ends the first outage"
    )
    add_driver(http)
    postgres.stop()
    assert answered(http, "POST", "/api/fleet/drivers", json=a_driver()).status_code == 200
    assert times_said(server, ROWS_AWAY) == 2
