"""The timeline: a lane per driver, a bar per delivery along the day, ticks for its checkpoints.

Pure: places are percentages, of the day for bars, and of the bar for what is in it; the template writes them as
geometry of SVG. The bars of a lane that overlap are stacked on levels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backend_services.deliveries.queries import LATE_FROM
from backend_services.fleet.queries import DriverView

if TYPE_CHECKING:
    from webapp.live.rows import BoardRow

UNASSIGNED_LANE = "unassigned"
OFF = ("Unavailable", "Suspended")


@dataclass(frozen=True)
class Tick:
    """A checkpoint's expected or actual time in a bar, at `place` percent of it."""

    place: float
    kind: str
    label: str
    is_late: bool = False


@dataclass(frozen=True)
class Bar:
    """A delivery from its start to its planned end, or later where it runs late; cut off at the day's ends.

    `place` and `width` are percentages of the day, `planned` is the planned part of the bar in percent, `first` and
    `last` are minutes since the day's beginning.
    """

    row: "BoardRow"
    place: float
    width: float
    planned: float
    first: int
    last: int
    ticks: tuple[Tick, ...]
    held: float = 0.0
    """How far the booking reaches behind the bar, in percent of the bar: a short run is booked for longer."""

    @property
    def lane(self) -> str:
        return self.row.delivery.driver_id or UNASSIGNED_LANE


@dataclass
class Lane:
    """A driver's bars with their levels; `status` is None for the lane of what nobody has yet."""

    key: str
    name: str
    status: str | None = None
    reason: str | None = None
    bars: list[tuple[Bar, int]] = field(default_factory=list)

    @property
    def is_off(self) -> bool:
        return self.status in OFF

    @property
    def levels(self) -> int:
        return 1 + max((level for _, level in self.bars), default=0)


def bar_of(row: "BoardRow", day_start: datetime, day_end: datetime) -> Bar | None:
    """The delivery's bar on that day; None where it has no part in it."""
    view = row.delivery
    finished = row.finished_at
    over = max(view.scheduled_end_at + row.delay, finished or view.scheduled_end_at)
    first, last = max(view.scheduled_start_at, day_start), min(over, day_end)
    if first >= last:
        return None
    whole, length = day_end - day_start, last - first
    return Bar(
        row=row,
        place=_percent(first - day_start, whole),
        width=_percent(length, whole),
        planned=max(0.0, min(100.0, _percent(view.scheduled_end_at - first, length))),
        first=int((first - day_start).total_seconds() // 60),
        last=int((last - day_start).total_seconds() // 60),
        ticks=tuple(_ticks(row, first, length)),
        held=max(0.0, _percent(row.booked_until - last, length)) if row.booked_until else 0.0,
    )


def _ticks(row: "BoardRow", first: datetime, length: timedelta) -> Iterable[Tick]:
    for stop in row.delivery.stops:
        for kind, at in (("expected", stop.expected_time), ("reached", stop.reached_at)):
            place = _percent(at - first, length) if at is not None else -1
            if 0 <= place <= 100:
                is_late = kind == "reached" and (stop.difference or timedelta(0)) >= LATE_FROM
                yield Tick(place, kind, stop.location, is_late)


def build_lanes(bars: Iterable[Bar], drivers: Sequence[DriverView]) -> list[Lane]:
    """Unassigned first, then drivers by name; those who are off and have nothing that day last."""
    lanes = {
        driver.driver_id: Lane(driver.driver_id, driver.name, driver.status, driver.status_reason)
        for driver in drivers
    }
    nobody = Lane(UNASSIGNED_LANE, "Nobody yet")
    for bar in sorted(bars, key=lambda bar: (bar.first, bar.row.delivery.delivery_id)):
        driver_id = bar.row.delivery.driver_id
        lane = (
            lanes.setdefault(driver_id, Lane(driver_id, bar.row.delivery.driver_name or "?"))
            if driver_id
            else nobody
        )
        lane.bars.append((bar, _free_level(bar, lane.bars)))
    order = sorted(
        lanes.values(), key=lambda lane: (lane.is_off and not lane.bars, lane.name.casefold(), lane.key)
    )
    return [nobody, *order] if nobody.bars else order


def _free_level(bar: Bar, taken: Sequence[tuple[Bar, int]]) -> int:
    busy = {level for other, level in taken if other.last > bar.first}
    return next(level for level in range(len(taken) + 1) if level not in busy)


def hours_of(day_start: datetime, day_end: datetime) -> list[tuple[float, datetime]]:
    """Each full hour of the day and its place in percent: 23 to 25 of them."""
    whole = day_end - day_start
    count = int(whole.total_seconds() // 3600)
    return [
        (_percent(timedelta(hours=hour), whole), day_start + timedelta(hours=hour)) for hour in range(count)
    ]


def now_place(now: datetime, day_start: datetime, day_end: datetime) -> float | None:
    """Where the now-line is, in percent of the day; None on another day."""
    return _percent(now - day_start, day_end - day_start) if day_start <= now < day_end else None


def _percent(part: timedelta, whole: timedelta) -> float:
    return round(100 * part / whole, 3)
