"""How instants, durations and statuses read on a page. Times are shown in the zone of the setting."""

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, request, url_for
from markupsafe import Markup

from eventstore.doors import new_id
from webapp.correlation import current_correlation_id

WORDS = {
    "PickedUp": "Picked up",
    "InTransit": "In transit",
    "OutForDelivery": "Out for delivery",
    "OutOfService": "Out of service",
    "WeatherDelay": "Weather delay",
    "VehicleBreakdown": "Vehicle breakdown",
    "AddressProblem": "Address problem",
    "CustomerUnavailable": "Customer unavailable",
    "DamagedGoods": "Damaged goods",
    "not_home": "Nobody home",
    "address_not_found": "Address not found",
    "refused": "Refused by the receiver",
    "damaged": "Goods damaged",
    "no_access": "No access",
    "vehicle_breakdown": "Vehicle breakdown",
    "out_of_time": "Out of time",
    "cancelled_by_dispatcher": "Cancelled by the dispatcher",
    "other": "Other",
}
FIELDS = {
    "expectedTime": "the expected time",
    "scheduledStartTime": "the start",
    "driverLicense": "the licence",
    "vehicleType": "the type",
    "receiverName": "the receiver's name",
    "signatureUrl": "the signature",
}
FORM_FORMAT = "%Y-%m-%dT%H:%M"

_instant_in_text = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_id_in_text = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_field_in_text = re.compile(r"\b(?:" + "|".join(FIELDS) + r")\b")
_status_in_text = re.compile(r"\b(?:PickedUp|InTransit|OutForDelivery|OutOfService)\b")


def init_presentation(app: Flask) -> None:
    """Give the templates their filters and functions."""
    app.jinja_env.filters.update(
        words=words,
        clock=clock,
        day_and_clock=day_and_clock,
        day=day,
        span=span,
        short_id=short_id,
        instant=instant,
        plain=in_plain_words,
    )
    app.jinja_env.globals.update(
        static_url=static_url,
        when=when,
        page_zone=lambda: zone().key,
        period=period,
        now=lambda: datetime.now(UTC),
        iso=iso_text,
        to_form=to_form,
        new_command_id=new_id,
        correlation_id=current_correlation_id,
        next_page_query=next_page_query,
        here=here,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def words(name: str | None) -> str:
    """A status or code in plain English."""
    return WORDS.get(name or "", (name or "").replace("_", " "))


def zone() -> ZoneInfo:
    """The zone in which pages show and take times."""
    found: ZoneInfo = current_app.extensions["waybill"].settings.time_zone
    return found


def clock(instant: datetime) -> str:
    """14:05"""
    return instant.astimezone(zone()).strftime("%H:%M")


def day(instant: datetime | date) -> str:
    """Sat 21 Nov; with the year when it isn't this one."""
    local = instant.astimezone(zone()) if isinstance(instant, datetime) else instant
    year = "" if local.year == today().year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}"


def day_and_clock(instant: datetime) -> str:
    """14:05 today (or on the day that a page of history shows); Sat 21 Nov 14:05 on other days."""
    local = instant.astimezone(zone())
    if local.date() == (g.get("shown_day") or today()):
        return clock(instant)
    return f"{day(instant)} {clock(instant)}"


def when(instant: datetime | None, *, seconds: bool = False, full: bool = False) -> Markup:
    """A <time> element, shown in the page's zone, with the whole instant as its title."""
    if instant is None:
        return Markup("–")
    local = instant.astimezone(zone())
    text = f"{day(instant)} {clock(instant)}" if full else day_and_clock(instant)
    if seconds:
        text = f"{text}{local:%S}" if text.endswith(":") else f"{text}:{local:%S}"
    title = f"{local:%A} {local.day} {local:%B %Y %H:%M:%S} ({zone().key})"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso_text(instant), title, text)


def period(start: datetime, end: datetime) -> Markup:
    """From start to end; the day is said twice only where it is another one."""
    is_same_day = start.astimezone(zone()).date() == end.astimezone(zone()).date()
    last = Markup('<time datetime="{}">{}</time>').format(iso_text(end), clock(end))
    return Markup("{} – {}").format(when(start), last if is_same_day else when(end))


def iso_text(instant: datetime) -> str:
    """ISO-8601 in UTC with Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def span(duration: timedelta) -> str:
    """1 h 05 min; 12 min; <1 min. The sign is left to the words around it."""
    minutes = int(abs(duration).total_seconds() // 60)
    if minutes >= 48 * 60:
        return f"{minutes // 1440} days"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes else "<1 min"


def instant(text: str) -> datetime:
    """The instant of an ISO-8601 text, as refusals carry it."""
    return datetime.fromisoformat(text)


def short_id(full: str) -> str:
    """The last 6 characters of an id: enough to tell deliveries apart by voice."""
    return full[-6:]


def to_form(instant: datetime) -> str:
    """An instant as a datetime-local input wants it."""
    return instant.astimezone(zone()).strftime(FORM_FORMAT)


def from_local(local: datetime) -> datetime:
    """A form's naive local time as an aware UTC instant."""
    return local.replace(tzinfo=zone()).astimezone(UTC)


def day_bounds(of: date) -> tuple[datetime, datetime]:
    """[start, end) of a local day, in UTC."""
    start = datetime.combine(of, time(), zone())
    return start.astimezone(UTC), datetime.combine(of + timedelta(days=1), time(), zone()).astimezone(UTC)


def today() -> date:
    """The local date."""
    return datetime.now(zone()).date()


def next_page_query(cursor: str) -> str:
    """The query of the next page: the present filters, and the cursor."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return urlencode([*kept, ("cursor", cursor)])


def here(**changes: str | None) -> str:
    """This page's address with some filters changed (None takes one away), from its first page on."""
    wanted = {name: value for name, value in request.args.items() if name != "cursor"} | changes
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"{request.path}?{query}" if query else request.path


def in_plain_words(message: str) -> str:
    """A service's message as people read it: local times, short ids, no names of fields."""
    message = _instant_in_text.sub(lambda found: day_and_clock(instant(found.group())), message)
    message = _id_in_text.sub(lambda found: short_id(found.group()), message)
    message = _field_in_text.sub(lambda found: FIELDS[found.group()], message)
    message = _status_in_text.sub(lambda found: f"“{words(found.group())}”", message)
    return message[:1].upper() + message[1:]


def static_url(name: str) -> str:
    """The address of a static file, which changes with its content so that it can be cached for ever."""
    if "@" in name:
        return url_for("static", filename=name)
    path = Path(current_app.static_folder or "") / name
    return url_for("static", filename=name, v=_content_hash(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=256)
def _content_hash(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
