"""Places as a map in a browser takes them: fixes of drivers, and checkpoints with their state."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from backend_services.deliveries.queries import DeliveryView, StopView
from backend_services.fleet.commands import DriverStatus
from backend_services.fleet.positions import Fix
from backend_services.fleet.queries import find_drivers
from backend_services.routes.commands import Checkpoint
from backend_services.settings import Settings
from webapp.presentation import iso_text

ON_DUTY = (DriverStatus.AVAILABLE, DriverStatus.ASSIGNED)

Stop = StopView | Checkpoint
"""A checkpoint of a delivery or of a route; one without coordinates isn't on the map."""


def init_places(app: Flask, settings: Settings) -> None:
    """Give the templates what their maps need: which other map the settings name, and checkpoints as places."""
    app.jinja_env.globals.update(map_style_url=settings.map_style_url, stops_json=stops_json)


@dataclass(frozen=True)
class DriverSeen:
    """A driver on the map and the newest fix; None where nothing was reported. One without deliveries `is_free`."""

    driver_id: str
    name: str
    fix: Fix | None
    is_free: bool = False


def drivers_seen(
    fixes: Mapping[str, Fix], views: Iterable[DeliveryView], session: Session | None = None
) -> list[DriverSeen]:
    """The drivers of the unfinished ones of these deliveries, by name.

    With a session, the others who have a fix and aren't off duty come too, as free ones.
    """
    names = {
        view.driver_id: view.driver_name or ""
        for view in views
        if view.driver_id is not None and not view.is_finished
    }
    found = [DriverSeen(driver_id, name, fixes.get(driver_id)) for driver_id, name in names.items()]
    others = [driver_id for driver_id in fixes if driver_id not in names]
    if session is not None and others:
        found += [
            DriverSeen(driver.driver_id, driver.name, fixes[driver.driver_id], is_free=True)
            for driver in find_drivers(session, others).values()
            if driver.status in ON_DUTY
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
