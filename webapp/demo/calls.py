"""What the demo does, as calls of the public API.

Each call carries an id made from its `step`: sent again, it is the same command. `at` is the instant that the actor
claims (aware), None for now.
"""

import base64
import io
import math
import random
from datetime import UTC, datetime
from typing import Any

from PIL import Image, ImageDraw

from webapp.demo.client import ApiClient
from webapp.demo.day import Tour, demo_id

RECEIVERS = ["Reception", "K. Aalto", "M. Lindqvist", "Shop counter", "T. Mäkelä", "Front desk", "J. Salonen"]


def iso(instant: datetime) -> str:
    """ISO-8601 with Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def create_route(api: ApiClient, tour: Tour) -> None:
    """Plan the tour's route with all of its checkpoints."""
    body = {
        "id": tour.route_id,
        "origin": tour.depot.text,
        "destination": tour.stops[-1].address.text,
        "scheduledStartTime": iso(tour.start),
        "checkpoints": [
            {
                "sequence": stop.sequence,
                "location": stop.address.text,
                "address": stop.address.full,
                "expectedTime": iso(stop.expected),
                "latitude": stop.address.latitude,
                "longitude": stop.address.longitude,
                "serviceMinutes": stop.service_minutes,
                "timeZone": "Europe/Helsinki",
            }
            for stop in tour.stops
        ],
    }
    api.call("POST", "/api/routes", body, _command(tour.route_id, "plan"))


def create_delivery(api: ApiClient, tour: Tour, at: datetime | None = None) -> None:
    """Activate the tour's route and start its delivery, with the driver and vehicle it has."""
    status = {"status": "Active"}
    api.call("PATCH", f"/api/routes/{tour.route_id}/status", status, _command(tour.route_id, "activate"))
    body = {
        "id": tour.delivery_id,
        "routeId": tour.route_id,
        "driverId": tour.driver_id,
        "vehicleId": tour.vehicle_id,
        **_claim(at),
    }
    api.call("POST", "/api/deliveries", body, _command(tour.delivery_id, "create"))


def assign(
    api: ApiClient, delivery_id: str, driver_id: str | None, vehicle_id: str | None, step: str
) -> None:
    """Give a delivery the driver and the vehicle that are named."""
    for what, chosen in (("driver", driver_id), ("vehicle", vehicle_id)):
        if chosen is not None:
            path = f"/api/deliveries/{delivery_id}/assign-{what}"
            api.call("PATCH", path, {f"{what}Id": chosen}, _command(delivery_id, f"{step}/{what}"))


def move(
    api: ApiClient, delivery_id: str, status: str, step: str, at: datetime | None = None, **more: str
) -> None:
    """Change the delivery's status."""
    body = {"status": status, **more, **_claim(at)}
    api.call("PATCH", f"/api/deliveries/{delivery_id}/status", body, _command(delivery_id, step))


def reach(
    api: ApiClient, delivery_id: str, stop: tuple[str, int, str], step: str, at: datetime | None = None
) -> None:
    """Reach a checkpoint, named by route, sequence and location."""
    route_id, sequence, location = stop
    body = {"routeId": route_id, "sequence": sequence, "location": location, **_claim(at)}
    api.call("PATCH", f"/api/deliveries/{delivery_id}/checkpoint", body, _command(delivery_id, step))


def report(
    api: ApiClient,
    delivery_id: str,
    trouble: tuple[str, str, str],
    step: str,
    at: datetime | None = None,
) -> str:
    """Report an incident, given as type, description and severity; its id."""
    kind, description, severity = trouble
    body = {"type": kind, "description": description, "severity": severity, **_claim(at)}
    path = f"/api/deliveries/{delivery_id}/incidents"
    return str(api.call("POST", path, body, _command(delivery_id, step))["id"])


def resolve(api: ApiClient, delivery_id: str, incident_id: str) -> None:
    """Resolve an incident."""
    path = f"/api/deliveries/{delivery_id}/incidents/{incident_id}/resolve"
    api.call("PATCH", path, None, _command(incident_id, "resolve"))


def prove(
    api: ApiClient,
    delivery_id: str,
    place: tuple[float, float] | None,
    step: str,
    at: datetime | None = None,
) -> None:
    """Hand over and have it signed, at a place given as latitude and longitude."""
    body: dict[str, Any] = {
        "receiverName": random.Random(delivery_id).choice(RECEIVERS),  # noqa: S311
        "signatureUrl": draw_signature(delivery_id),
        "deliveredTo": "Receiver",
        **_claim(at),
    }
    if place is not None:
        body |= {"latitude": place[0], "longitude": place[1]}
    path = f"/api/deliveries/{delivery_id}/proof-of-delivery"
    api.call("POST", path, body, _command(delivery_id, step))


def draw_signature(name: str) -> str:
    """A scribble as a data: URL of a PNG picture, the same for the same name."""
    chance = random.Random(name)  # noqa: S311 - a scribble needs no secrecy
    loops, phase, tilt = chance.uniform(5, 9), chance.uniform(0, math.tau), chance.uniform(-18, 18)
    heights = [chance.uniform(8, 34) for _ in range(12)]
    points = []
    for step in range(240):
        way = step / 240
        angle = phase + loops * math.tau * way
        height = heights[int(way * len(heights))] * (1.2 - way)
        x = 30 + 280 * way + 13 * math.cos(angle)
        points.append((x, 72 - tilt * way + height * math.sin(angle)))
    picture = Image.new("RGB", (360, 140), "white")
    ImageDraw.Draw(picture).line(points, fill=(12, 24, 70), width=3, joint="curve")
    output = io.BytesIO()
    picture.save(output, "PNG")
    return "data:image/png;base64," + base64.b64encode(output.getvalue()).decode()


def _command(subject: str, step: str) -> str:
    return demo_id(f"{subject}/{step}")


def _claim(at: datetime | None) -> dict[str, str]:
    return {} if at is None else {"occurredAt": iso(at)}
