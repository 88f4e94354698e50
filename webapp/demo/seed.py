"""Loads the demo day through the public API. Every call has its own command id, so loading twice loads once."""

import base64
import io
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw

from webapp.demo.client import ApiClient, ApiRefused
from webapp.demo.day import DEPOT, DRIVERS, VEHICLES, Tour, demo_id

RECEIVERS = [
    "Reception",
    "Office desk",
    "K. Aalto",
    "M. Lindqvist",
    "Shop counter",
    "T. Mäkelä",
    "Front desk",
]


def iso(instant: datetime) -> str:
    """ISO-8601 with Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def load_fleet(api: ApiClient) -> None:
    """The eight drivers and vehicles; one of each can't be booked."""
    for number, (name, _) in enumerate(DRIVERS):
        body = {"id": driver_id(number), "name": name, "driverLicense": f"FI-{48_201_337 + number * 7919}"}
        _once(api, "POST", "/api/fleet/drivers", body, f"driver/{number}")
    for number, (registration, kind) in enumerate(VEHICLES):
        body = {"id": vehicle_id(number), "registration": registration, "vehicleType": kind}
        _once(api, "POST", "/api/fleet/vehicles", body, f"vehicle/{number}")
    unavailable = {"status": "Unavailable", "reason": "Sick leave until Monday"}
    _once(api, "PATCH", f"/api/fleet/drivers/{driver_id(7)}/status", unavailable, "driver/7/status")
    workshop = {"status": "Maintenance", "reason": "Brakes, back tomorrow"}
    _once(api, "PATCH", f"/api/fleet/vehicles/{vehicle_id(7)}/status", workshop, "vehicle/7/status")


def load_tour(api: ApiClient, tour: Tour, anchor: datetime) -> None:
    """A tour's route, its delivery, and what happened to it up to `anchor`."""
    create_route(api, tour)
    if tour.fate == "planning":
        return
    activate(api, tour)
    create_delivery(api, tour)
    if tour.fate == "waiting":
        return
    move(api, tour, "InTransit", tour.start + timedelta(minutes=1))
    for stop in tour.stops:
        at = stop.expected + tour.lateness(stop.sequence)
        if (tour.fate == "running" and at > anchor) or (tour.fate == "failed" and stop.sequence > 2):
            break
        reach(api, tour, stop.sequence, at)
    if tour.fate == "failed":
        at = tour.stops[2].expected + timedelta(minutes=3)
        report(api, tour, "AddressProblem", "The door code does not work, nobody answers.", at)
        move(api, tour, "Failed", at + timedelta(minutes=6), reason="no_access", note="Rang three times.")
    if tour.fate == "delivered":
        prove(api, tour, tour.stops[-1].expected + timedelta(minutes=4))


def load_incidents(api: ApiClient, tours: list[Tour], anchor: datetime) -> None:
    """Something is always going on: one open incident, one resolved."""
    running = [tour for tour in tours if tour.fate == "running"]
    report(api, running[0], "Traffic", "Tram stopped on Aleksanterinkatu, standing still.", anchor)
    resolved = report(
        api, running[1], "Delay", "Long queue at the loading bay.", anchor - timedelta(minutes=4)
    )
    path = f"/api/deliveries/{running[1].delivery_id}/incidents/{resolved['id']}/resolve"
    _once(api, "PATCH", path, None, f"{running[1].name}/resolve")


def create_route(api: ApiClient, tour: Tour) -> None:
    """Plan the tour's route with all of its checkpoints."""
    body = {
        "id": tour.route_id,
        "origin": DEPOT,
        "destination": tour.stops[-1].address.text,
        "scheduledStartTime": iso(tour.start),
        "checkpoints": [
            {
                "sequence": stop.sequence,
                "location": stop.address.text,
                "address": f"{stop.address.text}, Helsinki",
                "expectedTime": iso(stop.expected),
                "latitude": stop.address.latitude,
                "longitude": stop.address.longitude,
                "serviceMinutes": 2,
                "timeZone": "Europe/Helsinki",
            }
            for stop in tour.stops
        ],
    }
    _once(api, "POST", "/api/routes", body, f"{tour.name}/route")


def activate(api: ApiClient, tour: Tour) -> None:
    """Let deliveries use the route."""
    _once(api, "PATCH", f"/api/routes/{tour.route_id}/status", {"status": "Active"}, f"{tour.name}/active")


def create_delivery(api: ApiClient, tour: Tour) -> None:
    """Start the tour's delivery with its driver and vehicle."""
    body = {
        "id": tour.delivery_id,
        "routeId": tour.route_id,
        "driverId": None if tour.driver is None else driver_id(tour.driver),
        "vehicleId": None if tour.vehicle is None else vehicle_id(tour.vehicle),
    }
    _once(api, "POST", "/api/deliveries", body, f"{tour.name}/delivery")


def move(api: ApiClient, tour: Tour, status: str, at: datetime, **more: str) -> None:
    """Change the delivery's status as of `at`."""
    body = {"status": status, "occurredAt": iso(at), **more}
    _once(api, "PATCH", f"/api/deliveries/{tour.delivery_id}/status", body, f"{tour.name}/{status}")


def reach(api: ApiClient, tour: Tour, sequence: int, at: datetime) -> None:
    """Reach a checkpoint as of `at`."""
    stop = tour.stops[sequence - 1]
    body = {
        "routeId": tour.route_id,
        "sequence": sequence,
        "location": stop.address.text,
        "occurredAt": iso(at),
    }
    _once(api, "PATCH", f"/api/deliveries/{tour.delivery_id}/checkpoint", body, f"{tour.name}/cp/{sequence}")


def report(api: ApiClient, tour: Tour, kind: str, description: str, at: datetime) -> Any:
    """Report an incident as of `at`; its answer."""
    body = {"type": kind, "description": description, "occurredAt": iso(at)}
    path = f"/api/deliveries/{tour.delivery_id}/incidents"
    return _once(api, "POST", path, body, f"{tour.name}/incident/{kind}")


def prove(api: ApiClient, tour: Tour, at: datetime) -> None:
    """Hand over and have it signed."""
    last = tour.stops[-1].address
    body = {
        "receiverName": random.Random(tour.name).choice(RECEIVERS),  # noqa: S311
        "signatureUrl": draw_signature(tour.name),
        "deliveredTo": "Receiver",
        "latitude": last.latitude,
        "longitude": last.longitude,
        "occurredAt": iso(at),
    }
    path = f"/api/deliveries/{tour.delivery_id}/proof-of-delivery"
    _once(api, "POST", path, body, f"{tour.name}/proof")


def driver_id(number: int) -> str:
    """The id of a demo driver."""
    return demo_id(f"driver/{number}")


def vehicle_id(number: int) -> str:
    """The id of a demo vehicle."""
    return demo_id(f"vehicle/{number}")


def draw_signature(name: str) -> str:
    """A scribble as a data: URL, the same for the same name."""
    chance = random.Random(name)  # noqa: S311
    picture = Image.new("RGB", (360, 140), "white")
    draw = ImageDraw.Draw(picture)
    x, points = 20.0, []
    while x < 330:
        points.append((x, 70 + chance.uniform(-42, 42) * (1 - x / 500)))
        x += chance.uniform(8, 22)
    draw.line(points, fill=(12, 24, 70), width=4, joint="curve")
    output = io.BytesIO()
    picture.save(output, "PNG")
    return "data:image/png;base64," + base64.b64encode(output.getvalue()).decode()


def _once(api: ApiClient, method: str, path: str, body: Any, step: str) -> Any:
    """Send a step of the demo. What people did meanwhile may stand against it; that is fine."""
    try:
        return api.call(method, path, body, demo_id(f"step/{step}"))
    except ApiRefused as refused:
        print(f"demo: {step} was refused ({refused})", flush=True)
        return {"id": demo_id(f"refused/{step}")}
