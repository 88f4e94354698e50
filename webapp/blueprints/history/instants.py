"""The instant of a past board, as an address or a form says it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from webapp.presentation import day_bounds, from_local, today, zone

YEARS = range(1970, 9999)


class BadInstant(ValueError):
    """What was asked for is no instant; the message says so in a sentence."""


def parse_instant(text: str) -> datetime:
    """An ISO-8601 instant in UTC; one without an offset is in the zone that pages show. Raises `BadInstant`."""
    # A + that wasn't escaped arrives as a space; between date and time a space stands for the T.
    text = text.strip()
    if len(text) > 10 and " " in text[11:]:
        text = text[:11] + text[11:].replace(" ", "+")
    try:
        found = datetime.fromisoformat(text)
        if found.year in YEARS and len(text) > 10:
            return found.astimezone(UTC) if found.tzinfo else from_local(found)
    except (ValueError, OverflowError):
        pass
    raise BadInstant(
        "`at` must be an instant like 2026-11-21T13:40 or 2026-11-21T13:40:00+02:00. Choose day and time instead."
    )


def chosen_instant(form: Mapping[str, str]) -> datetime:
    """What a form chooses: `date` and a `time` of day, or a `minute` counted from the day's beginning.

    Raises `BadInstant`.
    """
    try:
        day = date.fromisoformat(form.get("date") or today().isoformat())
        if day.year in YEARS:
            if "minute" in form:
                start, end = day_bounds(day)
                return min(start + timedelta(minutes=int(form["minute"])), end - timedelta(microseconds=1))
            return from_local(
                datetime.combine(day, time.fromisoformat(form.get("time", "")).replace(tzinfo=None))
            )
    except (ValueError, OverflowError):
        pass
    raise BadInstant("Choose a day and a time of day, like 13:40.")


def local_day(at: datetime) -> date:
    """The day of an instant in the zone that pages show."""
    return at.astimezone(zone()).date()
