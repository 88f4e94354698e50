"""Keeps the demo's drivers moving: positions, checkpoints, proofs, now and then an incident, new tours.

It touches only deliveries that the demo made, and takes every refusal as somebody else's better idea.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from webapp.demo.client import ApiClient, ApiRefused
from webapp.demo.day import DRIVERS, VEHICLES, Stop, Tour, plan_one, whole_minute
from webapp.demo.seed import (
    activate,
    create_delivery,
    create_route,
    driver_id,
    iso,
    move,
    prove,
    reach,
    report,
    vehicle_id,
)

TICK_S = 3.0
WISHED_ON_THE_ROAD = 6
MOST_NEW_PER_HOUR = 30
HANDING_OVER = timedelta(seconds=75)
INCIDENT_CHANCE = 0.06
TROUBLES = [
    ("Traffic", "Standing still, road works."),
    ("Delay", "Waiting for the lift."),
    ("WeatherDelay", "Black ice, going slowly."),
    ("CustomerUnavailable", "Nobody answers the bell yet."),
]


class Simulator:
    """One simulated city. `speed` makes its drivers need so many times less than planned."""

    def __init__(self, api: ApiClient, tours: list[Tour], speed: float = 1.0) -> None:
        self._api = api
        self._speed = speed
        self._tours = {tour.delivery_id: tour for tour in tours if tour.fate in ("running", "waiting")}
        self._chance = random.Random()  # noqa: S311
        self._arrived: dict[str, datetime] = {}
        self._to_resolve: list[tuple[datetime, str]] = []
        self._made: list[datetime] = []

    def run(self, is_over: Callable[[], bool]) -> None:
        """Tick until `is_over`."""
        while not is_over():
            try:
                self.tick(datetime.now(UTC))
            except ApiRefused as refused:
                print(f"demo: {refused}", flush=True)
            except OSError as error:
                print(f"demo: {error}; waiting", flush=True)
            time.sleep(TICK_S)

    def tick(self, now: datetime) -> None:
        """Let everything happen that is due."""
        active = 0
        for tour in list(self._tours.values()):
            delivery = self._api.call("GET", f"/api/deliveries/{tour.delivery_id}")
            if delivery["status"] in ("Delivered", "Failed"):
                del self._tours[tour.delivery_id]
                continue
            active += delivery["driverId"] is not None
            self._advance(tour, delivery, now)
        for due, path in list(self._to_resolve):
            if now >= due:
                self._to_resolve.remove((due, path))
                self._try(lambda path=path: self._api.call("PATCH", path))  # type: ignore[misc]
        if active < WISHED_ON_THE_ROAD:
            self._send_out(now)

    def _advance(self, tour: Tour, delivery: dict[str, Any], now: datetime) -> None:
        if delivery["driverId"] not in {driver_id(number) for number in range(len(DRIVERS))}:
            return
        status = delivery["status"]
        if status == "PickedUp" and now >= tour.start and delivery["vehicleId"]:
            self._try(lambda: move(self._api, tour, "InTransit", now))
        elif status == "InTransit":
            self._drive(tour, delivery, now)
        elif status == "OutForDelivery":
            since = self._arrived.setdefault(tour.delivery_id, now)
            self._position(delivery["driverId"], tour.stops[-1], tour.stops[-1], 1.0, now)
            if now - since >= HANDING_OVER / self._speed:
                self._try(lambda: prove(self._api, tour, now))

    def _drive(self, tour: Tour, delivery: dict[str, Any], now: datetime) -> None:
        outstanding = [stop["sequence"] for stop in delivery["checkpoints"] if stop["reachedAt"] is None]
        stop = next((stop for stop in tour.stops if stop.sequence in outstanding), None)
        if stop is None:
            return
        before = tour.stops[stop.sequence - 2] if stop.sequence > 1 else stop
        left_at = before.expected + tour.lateness(before.sequence) if stop.sequence > 1 else tour.start
        due = stop.expected + tour.lateness(stop.sequence)
        length = max((due - left_at) / self._speed, timedelta(seconds=1))
        way = (now - (due - length)) / length
        self._position(delivery["driverId"], before, stop, min(max(way, 0.0), 1.0), now)
        if way >= 1:
            self._try(lambda: reach(self._api, tour, stop.sequence, now))
            if self._chance.random() < INCIDENT_CHANCE:
                self._trouble(tour, now)

    def _position(self, driver: str, before: Stop, after: Stop, way: float, now: datetime) -> None:
        def between(one: float, other: float) -> float:
            return one + (other - one) * way + self._chance.uniform(-0.00004, 0.00004)

        fix = {
            "latitude": between(before.address.latitude, after.address.latitude),
            "longitude": between(before.address.longitude, after.address.longitude),
            "accuracy": 8,
            "recordedAt": iso(now),
        }
        self._try(lambda: self._api.call("POST", f"/api/drivers/{driver}/location", fix))

    def _trouble(self, tour: Tour, now: datetime) -> None:
        kind, text = self._chance.choice(TROUBLES)
        answer = report(self._api, tour, kind, text, now)
        path = f"/api/deliveries/{tour.delivery_id}/incidents/{answer['id']}/resolve"
        self._to_resolve.append((now + timedelta(minutes=self._chance.randint(3, 7)), path))

    def _send_out(self, now: datetime) -> None:
        """Plan another tour for a driver and a vehicle of the demo that are free; a bounded number an hour."""
        self._made = [at for at in self._made if at > now - timedelta(hours=1)]
        if len(self._made) >= MOST_NEW_PER_HOUR:
            return
        overview = self._api.call("GET", "/api/fleet/overview")
        drivers = {item["driverId"] for item in overview["drivers"] if item["status"] == "Available"}
        vehicles = {item["vehicleId"] for item in overview["vehicles"] if item["status"] == "Available"}
        driver = next((number for number in range(len(DRIVERS)) if driver_id(number) in drivers), None)
        vehicle = next((number for number in range(len(VEHICLES)) if vehicle_id(number) in vehicles), None)
        if driver is None or vehicle is None:
            return
        self._made.append(now)
        start = whole_minute(now) + timedelta(minutes=2)
        tour = plan_one(f"{now:%Y-%m-%dT%H:%M:%S}/{driver}", start, driver, vehicle, "waiting")
        create_route(self._api, tour)
        activate(self._api, tour)
        create_delivery(self._api, tour)
        self._tours[tour.delivery_id] = tour

    @staticmethod
    def _try(act: Callable[[], Any]) -> None:
        try:
            act()
        except ApiRefused as refused:
            print(f"demo: {refused}", flush=True)
