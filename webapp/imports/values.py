"""What people write into cells: numbers with decimal commas, dates of several countries, times of the local zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from webapp.forms.fields import has_controls

LONGEST_TEXT = 200

_year_first = r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"
_year_last = r"(?P<a>\d{1,2})(?P<sep>[./-])(?P<b>\d{1,2})(?P=sep)(?P<yy>\d{4}|\d\d)"
_time = r"(?P<h>\d{1,2})[:.](?P<min>\d\d)(?:[:.](?P<s>\d\d)(?:[.,]\d+)?)?(?:\s*(?P<half>[ap])\.?m\.?)?"
_moment = re.compile(
    rf"(?:{_year_first}|{_year_last})?(?:(?:^|\s*[Tt ,]\s*){_time}\s*(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_number = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,20})?", re.ASCII)


class Unclear(ValueError):
    """A cell can't be understood; the message says why."""


@dataclass(frozen=True)
class Moment:
    """A date, a time of the day, or both; `offset` where the text said its own."""

    day: date | None
    at: time | None
    offset: timezone | None = None


def text_value(text: str, what: str) -> str:
    """A line of at most 200 characters that can be stored."""
    if has_controls(text):
        raise Unclear(f"{what} contains characters that can't be stored.")
    if len(text) > LONGEST_TEXT:
        raise Unclear(f"{what} is longer than {LONGEST_TEXT} characters.")
    return text


def number_value(text: str, what: str, least: float, most: float) -> float:
    """A number with a decimal point or comma."""
    if not _number.fullmatch(text):
        raise Unclear(f"{what} “{text[:30]}” is not a number.")
    number = float(text.replace(",", "."))
    if not least <= number <= most:
        raise Unclear(f"{what} {text[:30]} must be from {least:g} to {most:g}.")
    return number


def whole_value(text: str, what: str, least: int, most: int) -> int:
    """A whole number; spreadsheets may have made `3,0` of it."""
    number = number_value(text, what, least, most)
    if number != int(number):
        raise Unclear(f"{what} “{text[:30]}” is not a whole number.")
    return int(number)


def moment_value(text: str, what: str, *, month_first: bool) -> Moment:
    """2026-11-23 08:00, 23.11.2026 8.00, 23/11/2026 8:00 AM, 2026-11-23T06:00:00Z, or a part of it.

    `month_first` is how to read what has slashes or dashes: 11/23/2026.
    """
    found = _moment.fullmatch(text)
    if not found or not text:
        raise Unclear(f"{what} “{text[:30]}” is not a date and time, like 2026-11-23 08:00.")
    parts = found.groupdict()
    return Moment(_day(parts, text, what, month_first), _clock(parts, text, what), _offset(parts["zone"]))


def instant_of(day: date, at: time, offset: timezone | None, zone: ZoneInfo, what: str) -> datetime:
    """The instant, in UTC: by the text's own offset, or else as the clocks of `zone` show it."""
    local = datetime.combine(day, at, offset or zone)
    instant = local.astimezone(UTC)
    if offset is None and instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Unclear(f"{what}: the clocks skip {at:%H:%M} on {day} ({zone.key}).")
    return instant


def next_time(after: datetime, at: time, zone: ZoneInfo, longest: timedelta, what: str) -> datetime:
    """The next instant after `after` (UTC) at which the clocks of `zone` show `at`, at most `longest` later."""
    local = after.astimezone(zone)
    day = local.date() if at > local.time().replace(tzinfo=None) else local.date() + timedelta(days=1)
    instant = instant_of(day, at, None, zone, what)
    if instant - after > longest:
        raise Unclear(
            f"{what} {at:%H:%M} must be after {local:%H:%M}, what comes before it; or give its date too."
        )
    return instant


def _day(parts: dict[str, str | None], text: str, what: str, month_first: bool) -> date | None:
    if parts["y"]:
        year, month, day = parts["y"], parts["m"], parts["d"]
    elif parts["yy"]:
        first, second, year = parts["a"], parts["b"], parts["yy"]
        is_american = month_first and parts["sep"] != "."
        day, month = (second, first) if is_american else (first, second)
        year = year if len(year) == 4 else f"20{year}"
    else:
        return None
    try:
        found = date(int(year), int(month or 0), int(day or 0))
    except ValueError:
        order = "month" if month_first else "day"
        raise Unclear(
            f"{what} “{text[:30]}” is no date (the {order} is read first; choose so at the upload)."
        ) from None
    if not 2000 <= found.year <= 2099:
        raise Unclear(f"{what} “{text[:30]}” is not in the years 2000 to 2099.")
    return found


def _clock(parts: dict[str, str | None], text: str, what: str) -> time | None:
    if parts["h"] is None:
        return None
    hour, half = int(parts["h"]), (parts["half"] or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half:
        hour = 99
    try:
        return time(hour, int(parts["min"] or 0), int(parts["s"] or 0))
    except ValueError:
        raise Unclear(f"{what} “{text[:30]}” is no time of the day.") from None


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise Unclear(f"The offset {text} doesn't exist.")
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(ahead if text[0] == "+" else -ahead)
