"""kill -9 for every role in turn while commands go on; then everything must agree with the event store.

`python -m ops.engines -- python -m tests.cluster.kill_storm --commands 5000 --seed 1` prints one line of figures.
`--plant` does some harm on purpose, which the checks must find.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pymongo
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from backend_services.read_models import READ_MODEL_VERSION
from ops.cluster import FULL
from ops.processes import wait_until
from tests.cluster import oracle
from tests.cluster.clients import alternating_client, send_until_answered
from tests.journey.city import iso, soon
from tests.journey.distributed import DistributedServer

CLIENTS = 8
STEPS_PER_STORY = 9
CATCH_UP_BOUND_S = 60.0


class Load:
    """Clients that tell delivery stories, one command after the other, and remember what was acknowledged."""

    def __init__(self, urls: list[str], commands: int) -> None:
        self._http = alternating_client(urls)
        self._stories = max(CLIENTS, commands // STEPS_PER_STORY)
        self.acknowledged: set[str] = set()
        self.refused: list[str] = []
        self._lock = threading.Lock()

    def run(self) -> None:
        """All stories, several at once."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self._tell, range(self._stories)))

    def _tell(self, _number: int) -> None:
        driver_id, vehicle_id = str(uuid4()), str(uuid4())
        route_id, delivery_id = str(uuid4()), str(uuid4())
        status = f"/api/deliveries/{delivery_id}/status"
        ids = {"driverId": driver_id, "vehicleId": vehicle_id}
        self._add_driver(driver_id)
        vehicle = {"id": vehicle_id, "registration": vehicle_id, "vehicleType": "Van"}
        self._send("POST", "/api/fleet/vehicles", vehicle)
        self._add_route(route_id, soon())
        self._send("POST", "/api/deliveries", {"id": delivery_id, "routeId": route_id, **ids})
        self._send("PATCH", status, {"status": "InTransit"})
        reached = {"routeId": route_id, "sequence": 1, "location": "P1"}
        self._send("PATCH", f"/api/deliveries/{delivery_id}/checkpoint", reached)
        self._send("PATCH", status, {"status": "Failed", "reason": "no_access"})

    def _add_driver(self, driver_id: str) -> None:
        self._send("POST", "/api/fleet/drivers", {"id": driver_id, "name": "D", "driverLicense": driver_id})

    def _add_route(self, route_id: str, start: datetime) -> None:
        """An active one with one checkpoint, of 20 minutes."""
        route = {"id": route_id, "origin": "A", "destination": "B", "scheduledStartTime": iso(start)}
        stop = {"sequence": 1, "location": "P1", "expectedTime": iso(start + timedelta(minutes=20))}
        self._send("POST", "/api/routes", route)
        self._send("POST", f"/api/routes/{route_id}/checkpoints", stop)
        self._send("PATCH", f"/api/routes/{route_id}/status", {"status": "Active"})

    def _send(self, method: str, path: str, body: object) -> None:
        answer = self._ask(method, path, body)
        if answer.status_code != 200:
            self.refused.append(f"{method} {path}: {answer.text}")

    def _ask(self, method: str, path: str, body: object) -> httpx.Response:
        key = str(uuid4())
        answer = send_until_answered(self._http, method, path, body, key)
        if answer.status_code == 200:
            with self._lock:
                self.acknowledged.add(key)
        return answer


def kill_in_turn(server: DistributedServer, load: Load, commands: int, seed: int) -> int:
    """Kill each role once while the load runs, and start it again; answers how many were killed."""
    chance, roles = random.Random(seed), list(server.cluster.roles.values())  # noqa: S311
    chance.shuffle(roles)
    killed = 0
    step = max(1, commands // (2 * len(roles) + 2))

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(load.run)

        def await_progress(count: int) -> None:
            wait_until(lambda: len(load.acknowledged) >= count or running.done(), 300, "progress")

        for number, role in enumerate(roles):
            await_progress((2 * number + 1) * step)
            if not running.done():
                role.kill()
                killed += 1
            await_progress((2 * number + 2) * step)
            role.start()
        running.result()
    return killed


def await_agreement(server: DistributedServer) -> None:
    """Wait until everything that is stored is placed, in the rows and in Kafka."""
    server.cluster.await_ready()
    http = server.client

    def has_settled() -> bool:
        state = http.get("/health/ready").json()["dependencies"]
        publisher, rows = state["publisher"], state["readModels"]
        return (
            publisher.get("commitsUnplaced") == 0
            and publisher.get("eventsUnpublished") == 0
            and rows.get("eventsBehind") == 0
        )

    wait_until(has_settled, CATCH_UP_BOUND_S, "rows and Kafka that are up to date")


def check(server: DistributedServer, acknowledged: set[str]) -> dict[str, int]:
    """Compare everything with the event store; answers figures. Raises AssertionError."""
    stored = oracle.commits(server)
    ids = [commit["command"]["id"] for commit in stored if commit["outcome"] == "accepted"]
    assert len(ids) == len(set(ids)), "a command is stored twice"
    lost = acknowledged - set(ids)
    assert not lost, f"{len(lost)} acknowledged commands are not stored"
    assert oracle.double_bookings(stored) == 0, "somebody is booked twice"
    folded, shown = oracle.fold(stored), oracle.rows(server)
    for name in ("drivers", "deliveries", "bookings", "versions"):
        assert getattr(shown, name) == getattr(folded, name), f"the rows of {name} differ from the events"
    messages = oracle.in_kafka(server)
    duplicates = oracle.check_kafka(messages, stored)
    return {"stored": len(ids), "events": len(messages) - duplicates, "duplicates in Kafka": duplicates}


def lose_a_message(server: DistributedServer) -> None:
    """A message that Kafka has lost."""
    admin = AdminClient({"bootstrap.servers": server.engine_urls["BROKER_URL"].removeprefix("kafka://")})
    first = oracle.in_kafka(server)[0].lane
    place = TopicPartition(f"{server.name}.{first.topic}", first.number, 1)
    for deleted in admin.delete_records([place]).values():
        deleted.result(10)


def spoil_a_row(server: DistributedServer) -> None:
    """A row that no event made."""
    with psycopg.connect(server.engine_urls["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"SET search_path = {server.name}_read_v{READ_MODEL_VERSION}")
        one = "SELECT driver_id FROM drivers LIMIT 1"
        connection.execute(f"UPDATE drivers SET set_status = 'Suspended' WHERE driver_id IN ({one})")  # noqa: S608


def book_twice(server: DistributedServer) -> None:
    """All bookings are one driver's."""
    with pymongo.MongoClient(server.engine_urls["EVENT_STORE_URL"]) as client:
        commits = client.get_default_database()["commits"]
        booked = {"events.type": "DriverBooked"}
        one = next(
            event["data"]["driverId"]
            for event in commits.find_one(booked)["events"]  # type: ignore[index]
            if event["type"] == "DriverBooked"
        )
        changed = {"$set": {"events.$[booking].data.driverId": one}}
        commits.update_many(booked, changed, array_filters=[{"booking.type": "DriverBooked"}])


def lose_a_commit(server: DistributedServer) -> None:
    """An acknowledged commit that is gone."""
    with pymongo.MongoClient(server.engine_urls["EVENT_STORE_URL"]) as client:
        client.get_default_database()["commits"].delete_one({"command.type": "AddDriver"})


PLANTS: dict[str, tuple[Callable[[DistributedServer], None], str]] = {
    "lost-message": (lose_a_message, "came after 0"),
    "wrong-row": (spoil_a_row, "rows of drivers differ"),
    "double-booking": (book_twice, "somebody is booked twice"),
    "lost-commit": (lose_a_commit, "acknowledged commands are not stored"),
}
"""Harm that can be done, and what the checks then say."""


def storm(server: DistributedServer, commands: int, seed: int) -> tuple[str, set[str]]:
    """Run it on a started server; answers the line of figures and the ids of the acknowledged commands.

    Raises AssertionError when something is wrong.
    """
    load = Load(server.cluster.urls, commands)
    began = time.monotonic()
    killed = kill_in_turn(server, load, commands, seed)
    took_s = time.monotonic() - began
    assert not load.refused, load.refused[:3]
    await_agreement(server)
    figures = check(server, load.acknowledged)
    parts = ", ".join(f"{name} {value}" for name, value in figures.items())
    line = (
        f"kill storm, seed {seed}: killed {killed} of {len(server.cluster.roles)} processes, acknowledged"
        f" {len(load.acknowledged)} commands in {took_s:.0f} s, {parts}, lost 0"
    )
    return line, load.acknowledged


def main() -> int:
    """Answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=sorted(PLANTS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = DistributedServer(Path(folder) / "storm", FULL)
        try:
            line, acknowledged = storm(server.start(), options.commands, options.seed)
            print(line)
            if options.plant:
                PLANTS[options.plant][0](server)
                check(server, acknowledged)
        finally:
            server.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
