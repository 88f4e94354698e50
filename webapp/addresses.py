"""Places to suggest while a route is planned: those used before, and the addresses of the built-in map's city."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from math import cos, hypot, inf, radians
from pathlib import Path

from sqlalchemy.orm import Session

from backend_services.routes.queries import list_places, list_places_within
from webapp.acting import waybill

DEMO_ADDRESSES = Path(__file__).parent / "demo" / "data" / "addresses.csv"
MOST_SUGGESTIONS = 30
NEAR_M = 25
METRES_PER_DEGREE = 111_320
"""Of latitude."""


@dataclass(frozen=True)
class Place:
    """What a place is called; WGS 84 degrees where they are known."""

    name: str
    latitude: float | None = None
    longitude: float | None = None


def suggest_places(session: Session, q: str) -> list[Place]:
    """Places with `q` in their name, those used before first."""
    found = {name: Place(name, *where) for name, *where in list_places(session, q, MOST_SUGGESTIONS)}
    if part := q.casefold():
        for place in _city_places().values():
            if part in place.name.casefold():
                found.setdefault(place.name, place)
    return list(found.values())[:MOST_SUGGESTIONS]


def find_place(session: Session, name: str) -> Place:
    """The place of this name, with its coordinates if they are known."""
    for used, *where in list_places(session, name, MOST_SUGGESTIONS):
        if used == name and where[0] is not None:
            return Place(name, *where)
    return _city_places().get(name, Place(name))


def nearest_place(session: Session, latitude: float, longitude: float) -> Place | None:
    """The known place nearest to a point, None where none is within `NEAR_M`."""
    high = NEAR_M / METRES_PER_DEGREE
    wide = high / max(0.01, cos(radians(latitude)))

    def apart(place: Place) -> float:
        """In heights of the search's ellipse: 1 is its rim."""
        if place.latitude is None or place.longitude is None:
            return inf
        return hypot((place.latitude - latitude) / high, (place.longitude - longitude) / wide)

    found = [Place(*each) for each in list_places_within(session, latitude, longitude, high, wide)]
    found.extend(_city_places().values())
    nearest = min(found, key=apart, default=None)
    return nearest if nearest is not None and apart(nearest) <= 1 else None


def _city_places() -> dict[str, Place]:
    """The addresses of the built-in map's city. With another map they would only be in the way."""
    return {} if waybill().settings.map_style_url else _demo_places()


@lru_cache(maxsize=1)
def _demo_places() -> dict[str, Place]:
    if not DEMO_ADDRESSES.exists():
        return {}
    with DEMO_ADDRESSES.open(newline="", encoding="utf-8") as file:
        rows = [(f"{row['street']} {row['housenumber']}", row) for row in csv.DictReader(file)]
    return {name: Place(name, float(row["latitude"]), float(row["longitude"])) for name, row in rows}
