"""Where drivers are and were. Positions are no events: they are many, personal, and of no use after a day."""

import calendar
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

EARTH_M = 6_371_008.8
STANDING_M = 8.0
"""A driver who was reported within it of the place before hasn't moved; GPS alone wanders that far."""


@dataclass(frozen=True)
class Fix:
    """One GPS fix: WGS 84 degrees, accuracy in metres, speed in m/s, heading in degrees from north.

    `recorded_at` is the fix's own time (aware); stores keep it to the millisecond.
    """

    latitude: float
    longitude: float
    recorded_at: datetime
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None


@dataclass(frozen=True)
class Nearby:
    """A driver's newest fix and how far it is from where somebody asked."""

    driver_id: str
    distance_m: float
    fix: Fix


class Positions(Protocol):
    """Fixes by driver, each forgotten when its own time is longer ago than a limit (24 h, unless set otherwise).

    - The newest fix of a driver is the newest by the fix's own time, whatever the order of arrival. A fix that was
      reported before (same driver, same millisecond) changes nothing, so a batch may be sent again.
    - When `report` raises, the whole batch has to be sent again; the newest fix may be known all the same.
    - `trail` is oldest first, both bounds included, without what was reported while the driver stood still, and
      thinned evenly to `limit` (at least 2); its first and last fix are always those of the whole.
    - `near` lists the newest fixes within `radius_m` metres, the nearest first.
    - `forget` drops all that is known of a driver.

    All instants are aware. Raises `eventstore.ports.StoreUnavailable`.
    """

    def report(self, driver_id: str, fixes: Sequence[Fix]) -> None: ...
    def find(self, driver_id: str, now: datetime) -> Fix | None: ...
    def newest(self, now: datetime) -> dict[str, Fix]: ...
    def trail(self, driver_id: str, since: datetime, until: datetime, limit: int) -> list[Fix]: ...
    def near(
        self, latitude: float, longitude: float, radius_m: float, limit: int, now: datetime
    ) -> list[Nearby]: ...
    def forget(self, driver_id: str) -> None: ...
    def close(self) -> None: ...


def whole_ms(instant: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return calendar.timegm(instant.utctimetuple()) * 1000 + instant.microsecond // 1000


def distance_m(latitude: float, longitude: float, fix: Fix) -> float:
    """Metres over the earth's surface."""
    north, other_north = math.radians(latitude), math.radians(fix.latitude)
    half_up = math.sin((other_north - north) / 2) ** 2
    half_aside = math.sin(math.radians(fix.longitude - longitude) / 2) ** 2
    return (
        2
        * EARTH_M
        * math.asin(math.sqrt(min(1.0, half_up + math.cos(north) * math.cos(other_north) * half_aside)))
    )


def nearest(
    newest: Iterable[tuple[str, Fix]], latitude: float, longitude: float, radius_m: float, limit: int
) -> list[Nearby]:
    """Those within the radius, the nearest first."""
    found = [Nearby(driver_id, distance_m(latitude, longitude, fix), fix) for driver_id, fix in newest]
    within = [one for one in found if one.distance_m <= radius_m]
    return sorted(within, key=lambda one: (one.distance_m, one.driver_id))[:limit]


def thin(fixes: Sequence[Fix], limit: int) -> list[Fix]:
    """A trail of at most `limit` (at least 2) of these fixes in time order; see `Positions`."""
    moved = list(fixes[:1])
    for fix in fixes[1:-1]:
        if distance_m(moved[-1].latitude, moved[-1].longitude, fix) >= STANDING_M:
            moved.append(fix)
    moved += fixes[1:][-1:]
    if len(moved) <= limit:
        return moved
    return [moved[number * (len(moved) - 1) // (limit - 1)] for number in range(limit)]


def kept_since(now: datetime, kept: timedelta) -> int:
    """Milliseconds since 1970 of the oldest fix that isn't forgotten yet."""
    return whole_ms(now - kept)
