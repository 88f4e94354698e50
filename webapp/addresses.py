"""Places to suggest while a route is planned: those used before, and the addresses of the demo city if it is there."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from backend_services.routes.queries import list_places

DEMO_ADDRESSES = Path(__file__).parent / "demo" / "data" / "addresses.csv"
MOST_SUGGESTIONS = 30


@dataclass(frozen=True)
class Place:
    """What a place is called; WGS 84 degrees where they are known."""

    name: str
    latitude: float | None
    longitude: float | None


def suggest_places(session: Session, q: str) -> list[Place]:
    """Places with `q` in their name, those used before first."""
    used = [Place(*place) for place in list_places(session, q, limit=MOST_SUGGESTIONS)]
    part = q.casefold()
    known = [place for place in _demo_places() if part in place.name.casefold()]
    return list({place.name: place for place in [*known, *used, *known]}.values())[:MOST_SUGGESTIONS]


def find_place(session: Session, name: str) -> Place | None:
    """The place that is called exactly this, if its coordinates are known."""
    for place in suggest_places(session, name):
        if place.name.casefold() == name.casefold() and place.latitude is not None:
            return place
    return None


@lru_cache(maxsize=1)
def _demo_places() -> tuple[Place, ...]:
    if not DEMO_ADDRESSES.exists():
        return ()
    with DEMO_ADDRESSES.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Place(f"{row['street']} {row['housenumber']}", float(row["latitude"]), float(row["longitude"]))
        for row in rows
    )
