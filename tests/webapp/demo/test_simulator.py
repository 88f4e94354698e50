"""The simulator against the real program."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.processes import wait_until
from tests.journey.server import API_KEY, Server
from tests.webapp.demo.test_seed import head
from webapp.demo import calls
from webapp.demo.client import ApiClient
from webapp.demo.day import VISITOR, driver_id, plan_tour
from webapp.demo.seed import load_day, load_fleet
from webapp.demo.simulator import Simulator

FAST = 100.0


class CancelledMeanwhile(ApiClient):
    """A dispatcher is faster: what the simulator is about to start is cancelled a moment before."""

    cancelled: str | None = None

    def call(self, method: str, path: str, body: Any = None, command_id: str | None = None) -> Any:
        if body == {"status": "InTransit"} and self.cancelled is None:
            super().call("PATCH", path, {"status": "Failed", "reason": "cancelled_by_dispatcher"})
            self.cancelled = path.split("/")[3]
        return super().call(method, path, body, command_id)


def chance() -> random.Random:
    """The same luck in every test."""
    return random.Random(7)  # noqa: S311


@contextmanager
def simulating(api: ApiClient) -> Iterator[None]:
    """A simulator at work, so fast that a round takes seconds."""
    over = threading.Event()
    simulator = Simulator(api, FAST, chance())
    thread = threading.Thread(target=simulator.run, args=(over.is_set, 0.1))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def statuses(api: ApiClient) -> dict[str, str]:
    """Each delivery's status."""
    return {item["id"]: item["status"] for item in api.items("/api/deliveries?limit=200")}


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the simulator plans is soon over."""
    monkeypatch.setattr("webapp.demo.simulator.STOPS", (2, 3))


def own_driver_and_vehicle(api: ApiClient) -> tuple[str, str]:
    """A driver and a vehicle that a person has added."""
    driver = api.call("POST", "/api/fleet/drivers", {"name": "Iida Salo", "driverLicense": "FI-1"})["id"]
    van = {"registration": "ABC-123", "vehicleType": "Van"}
    return driver, api.call("POST", "/api/fleet/vehicles", van)["id"]


def test_the_board_moves(api: ApiClient) -> None:
    load_day(api, datetime.now(UTC), FAST)
    known = set(statuses(api))
    with simulating(api):
        wait_until(
            lambda: any(
                item["position"]
                for item in api.call("GET", "/api/deliveries/live-tracking")["activeDeliveries"]
            ),
            what="a driver with a position",
        )
        wait_until(
            lambda: [
                one for one, status in statuses(api).items() if one not in known and status == "Delivered"
            ],
            bound_s=20,
            what="a new round that was driven to its proof",
        )


def test_what_people_made_is_left_alone(api: ApiClient) -> None:
    load_day(api, datetime.now(UTC), FAST)
    start = datetime.now(UTC) - timedelta(minutes=5)
    by_hand = {
        "origin": "Own depot",
        "destination": "Own customer",
        "scheduledStartTime": calls.iso(start),
        "checkpoints": [
            {"sequence": 1, "location": "Own stop", "expectedTime": calls.iso(start + timedelta(minutes=1))}
        ],
    }
    route = api.call("POST", "/api/routes", by_hand)["id"]
    api.call("PATCH", f"/api/routes/{route}/status", {"status": "Active"})
    driver, vehicle = own_driver_and_vehicle(api)
    booked = {"routeId": route, "driverId": driver, "vehicleId": vehicle}
    own = api.call("POST", "/api/deliveries", booked)["id"]
    before = api.call("GET", f"/api/deliveries/{own}")
    with simulating(api):
        moved = head(api)
        wait_until(lambda: head(api) > moved + 10, what="ten events of the demo")
    assert api.call("GET", f"/api/deliveries/{own}") == before


def test_what_the_visitors_driver_has_is_left_to_the_visitor(api: ApiClient) -> None:
    start = datetime.now(UTC) - timedelta(minutes=5)
    load_fleet(api)
    _, vehicle = own_driver_and_vehicle(api)
    tour = plan_tour("for the visitor", start, 2, driver_id(VISITOR), vehicle, FAST)
    calls.create_route(api, tour)
    calls.create_delivery(api, tour)
    before = api.call("GET", f"/api/deliveries/{tour.delivery_id}")
    load_day(api, datetime.now(UTC), FAST)
    with simulating(api):
        moved = head(api)
        wait_until(lambda: head(api) > moved + 10, what="ten events of the demo")
    assert api.call("GET", f"/api/deliveries/{tour.delivery_id}") == before


def test_a_refusal_is_somebody_elses_better_idea(
    server: Server, api: ApiClient, capsys: pytest.CaptureFixture[str]
) -> None:
    load_day(api, datetime.now(UTC), FAST)
    meddled = CancelledMeanwhile(server.url, API_KEY)
    simulator = Simulator(meddled, FAST, chance())

    def cancelled() -> str | None:
        simulator.tick(datetime.now(UTC))
        return meddled.cancelled

    wait_until(cancelled, what="a delivery that is due")
    assert "demo: illegal_transition" in capsys.readouterr().out
    assert meddled.cancelled is not None
    assert statuses(api)[meddled.cancelled] == "Failed"
    simulator.tick(datetime.now(UTC))
    assert statuses(api)[meddled.cancelled] == "Failed"


def test_it_goes_on_after_a_restart_of_the_server(server: Server, api: ApiClient) -> None:
    load_day(api, datetime.now(UTC), FAST)
    with simulating(api):
        server.kill()
        server.start()
        before = head(api)
        wait_until(lambda: head(api) > before + 5, bound_s=20, what="events after the restart")


def test_a_simulator_that_starts_anew_takes_over_what_the_last_one_left(api: ApiClient) -> None:
    load_fleet(api)
    _, vehicle = own_driver_and_vehicle(api)
    tour = plan_tour("left behind", datetime.now(UTC) - timedelta(seconds=1), 4, driver_id(0), vehicle, FAST)
    calls.create_route(api, tour)
    calls.create_delivery(api, tour)
    with simulating(api):
        wait_until(
            lambda: statuses(api)[tour.delivery_id] in ("Delivered", "Failed"),
            bound_s=20,
            what="the end of a round that this simulator did not plan",
        )
    checkpoints = api.call("GET", f"/api/deliveries/{tour.delivery_id}")["checkpoints"]
    assert all(stop["reachedAt"] for stop in checkpoints)


def test_it_never_makes_more_than_its_cap(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    load_day(api, datetime.now(UTC))
    before = statuses(api)
    made, running = len(before), next(one for one, status in before.items() if status == "InTransit")
    cancelled = {"status": "Failed", "reason": "cancelled_by_dispatcher"}
    api.call("PATCH", f"/api/deliveries/{running}/status", cancelled)  # now a driver and a vehicle are free
    simulator = Simulator(api, 1.0, chance())
    monkeypatch.setattr("webapp.demo.simulator.MOST_NEW_PER_HOUR", 8)
    simulator.tick(datetime.now(UTC))
    assert len(statuses(api)) == made, "the day itself has used up the cap"
    monkeypatch.setattr("webapp.demo.simulator.MOST_NEW_PER_HOUR", 9)
    for _ in range(3):
        simulator.tick(datetime.now(UTC))
    assert len(statuses(api)) == made + 1
