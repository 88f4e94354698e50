"""When somebody is booked in the coming days, as bars to draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend_services.fleet.queries import BookingView
from webapp.presentation import day_bounds

DAYS_SHOWN = 7


@dataclass(frozen=True)
class Bar:
    """A booking's part of one day; start and length in hours since the day's beginning."""

    start_h: float
    length_h: float
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class Day:
    """One local day with its bars; `hours` is 24 but for the days when the clocks change."""

    date: date
    hours: float
    bars: list[Bar]


def coming_days(bookings: Sequence[BookingView], first: date) -> list[Day]:
    """The week from `first` on."""
    return [_day(first + timedelta(days=number), bookings) for number in range(DAYS_SHOWN)]


def _day(of: date, bookings: Sequence[BookingView]) -> Day:
    start, end = day_bounds(of)
    bars = []
    for booking in bookings:
        begins, ends = max(booking.start_at, start), min(booking.end_at, end)
        if begins < ends:
            bars.append(Bar(_hours(begins - start), _hours(ends - begins), booking.start_at, booking.end_at))
    return Day(of, _hours(end - start), bars)


def _hours(duration: timedelta) -> float:
    return round(duration.total_seconds() / 3600, 3)
