"""What was acknowledged stays, whatever happens to the process or the read models."""

import random
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import websocket

from ops.processes import free_port, is_listening, wait_until
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok, reach, soon
from tests.journey.server import API_KEY, Server


def everything(http: httpx.Client) -> dict[str, Any]:
    """The answer of every list and every single thing in it."""
    found: dict[str, Any] = {"/api/fleet/overview": None, "/api/routes/overview": None}
    for path, key in (
        ("/api/fleet/drivers", "driverId"),
        ("/api/fleet/vehicles", "vehicleId"),
        ("/api/deliveries", "id"),
    ):
        items = ok(http.get(path, params={"limit": 200}))["items"]
        found[path] = items
        for item in items:
            found[f"{path}/{item[key]}"] = None
    for route in ok(http.get("/api/routes/overview"))["routes"]:
        found[f"/api/routes/{route['routeId']}"] = None
    for path in found:
        found[path] = ok(http.get(path))
    return found


def a_small_day(http: httpx.Client) -> None:
    """Some deliveries in every state, one of them retried on a changed plan."""
    for number in range(4):
        route_id = add_route(http, soon(60 * number))
        delivery_id = add_delivery(http, route_id, add_driver(http), add_vehicle(http))
        if number > 0:
            ok(move(http, delivery_id, "InTransit"))
            ok(reach(http, delivery_id, route_id, 1))
        if number > 1:
            ok(move(http, delivery_id, "Failed", reason="no_access"))
        if number > 2:
            ok(move(http, delivery_id, "PickedUp"))
        incident = {"type": "Delay", "description": "slow"}
        ok(http.post(f"/api/deliveries/{delivery_id}/incidents", json=incident))


def test_kill_9_under_load_loses_nothing_acknowledged(fresh_server: Server) -> None:
    acknowledged: set[str] = set()

    def add_until_it_dies(number: int) -> None:
        with httpx.Client(
            base_url=fresh_server.url, headers=fresh_server.client.headers, timeout=20
        ) as client:
            while True:
                driver_id = str(uuid4())
                body = {"id": driver_id, "name": f"D{number}", "driverLicense": driver_id}
                try:
                    answer = client.post("/api/fleet/drivers", json=body)
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    acknowledged.add(driver_id)

    for round_number in range(2):
        with ThreadPoolExecutor(8) as pool:
            adders = [pool.submit(add_until_it_dies, number) for number in range(8)]
            wanted = (round_number + 1) * 150
            while len(acknowledged) < wanted:
                assert not all(adder.done() for adder in adders)
            fresh_server.kill()
        fresh_server.start()
    stored: set[str] = set()
    after = 0
    while True:
        page = ok(fresh_server.client.get("/api/events", params={"after": after, "limit": 1000}))
        stored |= {event["data"]["driverId"] for event in page["events"]}
        if page["next"] == after:
            break
        after = page["next"]
    assert acknowledged <= stored
    for driver_id in random.Random(1).sample(sorted(acknowledged), 20):  # noqa: S311
        assert ok(fresh_server.client.get(f"/api/fleet/drivers/{driver_id}"))["driverId"] == driver_id


def test_read_models_that_were_deleted_come_back_the_same(fresh_server: Server) -> None:
    a_small_day(fresh_server.client)
    before = everything(fresh_server.client)
    fresh_server.stop()
    fresh_server.forget_read_models()
    fresh_server.start()
    assert everything(fresh_server.client) == before


def test_a_restored_older_event_store_is_noticed_and_rows_are_built_anew(fresh_server: Server) -> None:
    http = fresh_server.client
    kept = add_driver(http)
    fresh_server.stop()
    backup = fresh_server.backup_events()
    fresh_server.start()
    lost = add_driver(http)
    fresh_server.stop()
    fresh_server.restore_events(backup)
    fresh_server.start()
    assert http.get(f"/api/fleet/drivers/{kept}").status_code == 200
    assert http.get(f"/api/fleet/drivers/{lost}").status_code == 404


def test_a_second_process_on_the_folder_is_refused_with_a_sentence(embedded_server: Server) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "webapp"],
        env=embedded_server.environ(PORT=str(embedded_server.port + 1)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"The data folder {embedded_server.data_dir} is in use by another Waybill" in second.stderr
    assert "Traceback" not in second.stderr
    assert embedded_server.client.get("/health/ready").status_code == 200


def test_wrong_settings_stop_the_start_with_one_sentence_each(embedded_server: Server) -> None:
    wrong = subprocess.run(
        [sys.executable, "-m", "webapp"],
        env=embedded_server.environ(PORT="none", WAYBILL_TIME_ZONE="Mars/Base", WAYBILL_RATE_LIMT="off"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert wrong.returncode == 2
    assert len(wrong.stderr.strip().splitlines()) == 3
    for word in ("PORT", "WAYBILL_TIME_ZONE", "Did you mean WAYBILL_RATE_LIMIT?"):
        assert word in wrong.stderr


def test_a_taken_port_is_said_in_one_sentence(embedded_server: Server, tmp_path_factory: Any) -> None:
    other = subprocess.run(
        [sys.executable, "-m", "webapp"],
        env=embedded_server.environ(WAYBILL_DATA_DIR=str(tmp_path_factory.mktemp("other"))),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert other.returncode == 1
    assert f"Port {embedded_server.port} on 127.0.0.1 is in use" in other.stderr


def test_a_program_that_cannot_read_its_rows_ends_instead_of_starting_again_and_again(
    embedded_server: Server, tmp_path: Path
) -> None:
    (tmp_path / "read_models.db").write_text("no database " * 1_000)
    damaged = subprocess.run(
        [sys.executable, "-m", "webapp"],
        env=embedded_server.environ(WAYBILL_DATA_DIR=str(tmp_path), PORT=str(free_port())),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert damaged.returncode == 3
    assert damaged.stderr.count("Booting worker") == 1
    assert "file is not a database" in damaged.stderr


def test_a_killed_master_leaves_nothing_that_holds_the_port(embedded_server: Server) -> None:
    server = embedded_server
    kept = add_driver(server.client)
    with socket.create_connection(("127.0.0.1", server.port)) as slow:  # its request never ends
        slow.sendall(b"POST /api/fleet/drivers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        slow.sendall(f"Authorization: Bearer {API_KEY}\r\nContent-Length: 99\r\n\r\n{{".encode())
        assert server.process is not None
        server.process.kill()
        server.process.wait(10)
        wait_until(lambda: not is_listening(server.port), what="the end of the orphaned worker")
    server.start()
    assert ok(server.client.get(f"/api/fleet/drivers/{kept}"))["driverId"] == kept


def test_sigterm_ends_it_within_seconds_though_a_board_is_open(fresh_server: Server) -> None:
    board = websocket.create_connection(
        f"ws://127.0.0.1:{fresh_server.port}/board/live",
        header={"Authorization": fresh_server.client.headers["Authorization"]},
        timeout=10,
    )
    assert "seq" in board.recv()
    fresh_server.end_web(20)
    board.close()
