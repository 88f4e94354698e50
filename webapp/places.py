"""Places as a map in a browser takes them: fixes of drivers, and checkpoints with their state."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask

from backend_services.deliveries.queries import DeliveryView, StopView
from backend_services.fleet.positions import Fix, Positions
from backend_services.routes.commands import Checkpoint
from backend_services.settings import Settings
from eventstore.ports import StoreUnavailable
from webapp.presentation import iso_text

Stop = StopView | Checkpoint
"""A checkpoint of a delivery or of a route; one without coordinates isn't on the map."""


def init_places(app: Flask, settings: Settings) -> None:
    """Give the templates what their maps need: which other map the settings name, and checkpoints as places."""
    app.jinja_env.globals.update(map_style_url=settings.map_style_url, stops_json=stops_json)


@dataclass(frozen=True)
class DriverSeen:
    """A driver with unfinished deliveries and the newest fix; None where nothing was reported."""

    driver_id: str
    name: str
    deliveries: list[str]
    fix: Fix | None


def drivers_seen(positions: Positions, views: Iterable[DeliveryView], now: datetime) -> list[DriverSeen]:
    """The drivers of the unfinished ones of these deliveries, by name; unseen where positions can't be read."""
    of_driver: dict[str, list[DeliveryView]] = {}
    for view in views:
        if view.driver_id is not None and not view.is_finished:
            of_driver.setdefault(view.driver_id, []).append(view)
    try:
        fixes = positions.newest(now)
    except StoreUnavailable:
        fixes = {}
    found = [
        DriverSeen(
            driver_id, own[0].driver_name or "", [view.delivery_id for view in own], fixes.get(driver_id)
        )
        for driver_id, own in of_driver.items()
    ]
    return sorted(found, key=lambda seen: (seen.name.casefold(), seen.driver_id))


def fix_json(fix: Fix) -> dict[str, Any]:
    """A fix: WGS 84 degrees, heading in degrees from north or None, `at` in ISO-8601."""
    return {
        "latitude": fix.latitude,
        "longitude": fix.longitude,
        "heading": fix.heading_deg,
        "at": iso_text(fix.recorded_at),
    }


def stops_json(stops: Iterable[Stop], *, is_late: bool = False) -> list[dict[str, Any]]:
    """The checkpoints that have coordinates. `state` is reached, next, open or, for the next one, late."""
    found: list[dict[str, Any]] = []
    next_state: str = "late" if is_late else "next"
    for stop in stops:
        reached_at = stop.reached_at if isinstance(stop, StopView) else None
        state = "reached" if reached_at else next_state
        next_state = next_state if reached_at else "open"
        if stop.latitude is not None and stop.longitude is not None:
            found.append(
                {
                    "number": stop.sequence,
                    "name": stop.location,
                    "state": state,
                    "latitude": stop.latitude,
                    "longitude": stop.longitude,
                }
            )
    return found
