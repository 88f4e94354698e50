"""The slider through a day: its range in minutes, and the day's changes as bars along it. Places are percentages."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, sqrt

from backend_services.deliveries.past import Fact
from backend_services.deliveries.past_days import PastDay

MINUTE = timedelta(minutes=1)
MOST_BARS = 240
MOST_HOURS = 12


@dataclass(frozen=True)
class Bar:
    """How much was recorded in a few minutes; `is_trouble` where a failure or an incident was among it."""

    place: float
    width: float
    height: float
    is_trouble: bool


@dataclass(frozen=True)
class Slider:
    """From minute `first` to minute `last` of the day, at `value`."""

    day_start: datetime
    first: int
    last: int
    value: int
    bars: list[Bar]
    minutes_per_bar: int
    hours: list[tuple[float, datetime]]


def build_slider(day: PastDay, at: datetime, now: datetime) -> Slider:
    """From the hour in which the day's first change was still to come to the hour after its last one, and never past
    `now`; wider where `at` is outside of that."""
    end = min(day.end - MINUTE, max(now, day.start + MINUTE))
    changes = day.instants or [day.start, day.end]
    first = _hour(day, min(changes[0] - MINUTE, at))
    last = max(first + 1, min(_minute(day, end), _hour(day, max(changes[-1], at)) + 60))
    value = min(max(_minute(day, at), first), last)
    per_bar = max(1, ceil((last - first) / MOST_BARS))
    return Slider(
        day.start, first, last, value, _bars(day, first, last, per_bar), per_bar, _hours(day, first, last)
    )


def _minute(day: PastDay, at: datetime) -> int:
    return max(0, (min(at, day.end) - day.start) // MINUTE)


def _hour(day: PastDay, at: datetime) -> int:
    return _minute(day, at) // 60 * 60


def _bars(day: PastDay, first: int, last: int, per_bar: int) -> list[Bar]:
    last_bar = (last - first - 1) // per_bar  # what came in the slider's very last minute belongs to it, too
    facts = [
        (min((minute - first) // per_bar, last_bar), fact)
        for fact in day.facts
        if first <= (minute := _minute(day, fact.known_at)) <= last
    ]
    counts = Counter(number for number, _ in facts)
    troubles = {number for number, fact in facts if _is_trouble(fact)}
    most, width = max(counts.values(), default=1), 100 * per_bar / (last - first)
    return [
        Bar(
            place=round(number * width, 3),
            width=round(min(width * 0.8, 100 - number * width), 3),
            height=round(100 * (0.2 + 0.8 * sqrt(count / most)), 1),
            is_trouble=number in troubles,
        )
        for number, count in sorted(counts.items())
    ]


def _is_trouble(fact: Fact) -> bool:
    recorded = fact.recorded
    return recorded.type == "IncidentReported" or recorded.data.get("newStatus") == "Failed"


def _hours(day: PastDay, first: int, last: int) -> list[tuple[float, datetime]]:
    apart = 60 * max(1, ceil((last - first) / 60 / MOST_HOURS))
    minutes = range(ceil(first / 60) * 60, last + 1, apart)
    return [
        (round(100 * (minute - first) / (last - first), 3), day.start + minute * MINUTE) for minute in minutes
    ]
