"""Where drivers were last seen. Positions are no events: they are many, personal, and of no use after a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Fix:
    """One GPS fix: WGS 84 degrees, accuracy in metres, speed in m/s, heading in degrees from north."""

    latitude: float
    longitude: float
    recorded_at: datetime
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None


class Positions(Protocol):
    """The newest fix per driver, by the fix's own time; forgotten after 24 h.

    `report` answers whether the newest of `fixes` is newer than what was known.
    """

    def report(self, driver_id: str, fixes: list[Fix]) -> bool: ...
    def find(self, driver_id: str, now: datetime) -> Fix | None: ...


class LastPositions:
    """The newest fix per driver, in the memory of this process: gone with a restart, forgotten after 24 h."""

    def __init__(self) -> None:
        self._fixes: dict[str, Fix] = {}
        self._lock = Lock()

    def report(self, driver_id: str, fixes: list[Fix]) -> bool:
        """Keep the newest fix by its own time, whatever the order of arrival; whether it is a newer one."""
        newest = max(fixes, key=lambda fix: fix.recorded_at)
        with self._lock:
            known = self._fixes.get(driver_id)
            if known is not None and known.recorded_at >= newest.recorded_at:
                return False
            self._fixes[driver_id] = newest
            return True

    def find(self, driver_id: str, now: datetime) -> Fix | None:
        """The driver's newest fix that isn't older than a day at `now`."""
        with self._lock:
            fix = self._fixes.get(driver_id)
            if fix is not None and fix.recorded_at < now - KEPT:
                del self._fixes[driver_id]
                return None
            return fix
