"""A driver on the road whose checkpoints are on the map, and that map in a browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.journey.city import add_driver, add_vehicle, iso, move, ok, soon

SENATE, STATION, PARK = (60.1695, 24.9525), (60.1712, 24.9415), (60.1755, 24.9450)


@dataclass
class OnTheRoad:
    """A driver with a delivery whose checkpoints are on the map."""

    driver_id: str
    delivery_id: str
    destination: str


def add_on_the_road(
    http: httpx.Client,
    driver: str,
    destination: str,
    places: Sequence[tuple[float, float]] = (STATION, PARK, SENATE),
) -> OnTheRoad:
    start = soon()
    stops = [
        {
            "sequence": number,
            "location": f"{destination} {number}",
            "expectedTime": iso(start + timedelta(minutes=20 * number)),
            "latitude": latitude,
            "longitude": longitude,
        }
        for number, (latitude, longitude) in enumerate(places, 1)
    ]
    body = {
        "origin": "Depot",
        "destination": destination,
        "scheduledStartTime": iso(start),
        "checkpoints": stops,
    }
    route_id = ok(http.post("/api/routes", json=body))["id"]
    ok(http.patch(f"/api/routes/{route_id}/status", json={"status": "Active"}))
    driver_id = add_driver(http, driver)
    body = {"routeId": route_id, "driverId": driver_id, "vehicleId": add_vehicle(http)}
    delivery_id = ok(http.post("/api/deliveries", json=body))["id"]
    ok(move(http, delivery_id, "InTransit"))
    return OnTheRoad(driver_id, delivery_id, destination)


def report(http: httpx.Client, driver_id: str, place: tuple[float, float], age_s: float = 0) -> None:
    body = {
        "latitude": place[0],
        "longitude": place[1],
        "heading": 90,
        "recordedAt": iso(datetime.now(UTC) - timedelta(seconds=age_s)),
    }
    ok(http.post(f"/api/drivers/{driver_id}/location", json=body), 202)


def open_map(page: Page, address: str = "/board") -> None:
    page.goto(address)
    expect(page.locator("#map")).to_have_attribute("data-ready", "yes")


def marker(page: Page, driver: OnTheRoad) -> Locator:
    return page.locator(f'.map-driver[data-driver="{driver.driver_id}"]')
