"""Shortcuts that set a scene through the public API."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def soon(minutes: float = 0) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)


def zone_where_it_is_noon() -> str:
    """So that some hours ago and in some hours are still today. Etc/GMT-3 is three hours ahead of UTC."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"


def ok(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    return response.json()


def refused(response: httpx.Response, status: int, code: str) -> Any:
    """The problem document of a refusal with that status and code."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["message"] == problem["detail"]
    assert problem["correlationId"] == response.headers["X-Correlation-Id"]
    return problem


def add_driver(http: httpx.Client, name: str = "Aino Virta", **more: Any) -> str:
    body = {"name": name, "driverLicense": f"L-{uuid4()}", **more}
    return str(ok(http.post("/api/fleet/drivers", json=body))["id"])


def add_vehicle(http: httpx.Client, **more: Any) -> str:
    body = {"registration": f"R-{uuid4()}", "vehicleType": "Van", **more}
    return str(ok(http.post("/api/fleet/vehicles", json=body))["id"])


def add_route(
    http: httpx.Client, start: datetime | None = None, stops: int = 2, every: int = 20, active: bool = True
) -> str:
    """A route whose checkpoints P1, P2, … are expected `every` minutes."""
    start = start or soon()
    body = {"origin": "Depot", "destination": "Harbour", "scheduledStartTime": iso(start)}
    route_id = str(ok(http.post("/api/routes", json=body))["id"])
    for number in range(1, stops + 1):
        checkpoint = {
            "sequence": number,
            "location": f"P{number}",
            "expectedTime": iso(start + timedelta(minutes=every * number)),
        }
        ok(http.post(f"/api/routes/{route_id}/checkpoints", json=checkpoint))
    if active:
        ok(http.patch(f"/api/routes/{route_id}/status", json={"status": "Active"}))
    return route_id


def add_delivery(
    http: httpx.Client, route_id: str, driver_id: str | None = None, vehicle_id: str | None = None
) -> str:
    body = {"routeId": route_id, "driverId": driver_id, "vehicleId": vehicle_id}
    return str(ok(http.post("/api/deliveries", json=body))["id"])


def move(http: httpx.Client, delivery_id: str, status: str, **more: Any) -> httpx.Response:
    return http.patch(f"/api/deliveries/{delivery_id}/status", json={"status": status, **more})


def reach(http: httpx.Client, delivery_id: str, route_id: str, number: int, **more: Any) -> httpx.Response:
    body = {"routeId": route_id, "sequence": number, "location": f"P{number}", **more}
    return http.patch(f"/api/deliveries/{delivery_id}/checkpoint", json=body)


def prove(http: httpx.Client, delivery_id: str, **more: Any) -> httpx.Response:
    body = {"receiverName": "Reception", "signatureUrl": "https://example.org/s.png", **more}
    return http.post(f"/api/deliveries/{delivery_id}/proof-of-delivery", json=body)


def delivery(http: httpx.Client, delivery_id: str) -> Any:
    return ok(http.get(f"/api/deliveries/{delivery_id}"))
