"""Where drivers are, for the boards: the newest fix of each, read once per page and once per push."""

import time
from collections.abc import Mapping
from datetime import datetime

import msgspec
from flask import current_app, g

from backend_services.fleet.positions import Fix, Positions
from eventstore.ports import StoreUnavailable
from webapp.presentation import iso_text

READ_EVERY_S = 1.5
"""What is reported within it goes to the boards together: the newest fix per driver, however often it was reported."""


class LiveFix(msgspec.Struct, frozen=True):
    """A driver's newest fix as frames carry it: ISO-8601, WGS 84 degrees, degrees from north."""

    at: str
    latitude: float
    longitude: float
    heading: float | None


class NewFixes:
    """What the boards don't know yet. For one thread."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self._told: dict[str, LiveFix] = {}
        self._read_at = 0.0

    @property
    def told(self) -> Mapping[str, LiveFix]:
        """The newest fix of every driver that the boards were told of; any thread may ask."""
        return self._told

    def take(self, now: datetime) -> dict[str, LiveFix]:
        """The drivers' fixes that are newer than those taken before; nothing when asked again too soon."""
        if time.monotonic() - self._read_at < READ_EVERY_S:
            return {}
        try:
            newest = self._positions.newest(now)
        except StoreUnavailable:  # a page's own pill says that; positions show their age
            return {}
        finally:
            self._read_at = time.monotonic()
        known = self._told
        self._told = {driver_id: _live(fix) for driver_id, fix in newest.items()}
        return {driver_id: fix for driver_id, fix in self._told.items() if known.get(driver_id) != fix}


def newest_fixes() -> Mapping[str, Fix]:
    """Every driver's newest fix, as it was when this request first asked; none where positions can't be read."""
    if "newest_fixes" not in g:
        waybill = current_app.extensions["waybill"]
        try:
            g.newest_fixes = waybill.positions.newest(waybill.doors.now())
        except StoreUnavailable:
            g.newest_fixes = {}
    found: Mapping[str, Fix] = g.newest_fixes
    return found


def _live(fix: Fix) -> LiveFix:
    return LiveFix(
        iso_text(fix.recorded_at), round(fix.latitude, 6), round(fix.longitude, 6), fix.heading_deg
    )
