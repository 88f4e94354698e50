"""Places to suggest while a route is planned: those used before, and in the demo's city its addresses."""

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
    latitude: float | None = None
    longitude: float | None = None


def suggest_places(session: Session, q: str) -> list[Place]:
    """Places with `q` in their name, those used before first."""
    found = {name: Place(name, *where) for name, *where in list_places(session, q, MOST_SUGGESTIONS)}
    if _is_demo_city(session):
        part = q.casefold()
        for place in _demo_places().values():
            if part in place.name.casefold():
                found.setdefault(place.name, place)
    return list(found.values())[:MOST_SUGGESTIONS]


def find_place(session: Session, name: str) -> Place:
    """The place of this name, with its coordinates if they are known."""
    for used, *where in list_places(session, name, MOST_SUGGESTIONS):
        if used == name and where[0] is not None:
            return Place(name, *where)
    return _demo_places().get(name, Place(name)) if _is_demo_city(session) else Place(name)


def _is_demo_city(session: Session) -> bool:
    """Elsewhere the demo's addresses would only be in the way."""
    demo = _demo_places()
    return bool(demo) and any(name in demo for name, *_ in list_places(session))


@lru_cache(maxsize=1)
def _demo_places() -> dict[str, Place]:
    if not DEMO_ADDRESSES.exists():
        return {}
    with DEMO_ADDRESSES.open(newline="", encoding="utf-8") as file:
        rows = [(f"{row['street']} {row['housenumber']}", row) for row in csv.DictReader(file)]
    return {name: Place(name, float(row["latitude"]), float(row["longitude"])) for name, row in rows}
