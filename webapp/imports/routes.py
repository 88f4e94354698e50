"""Rows of routes: one per checkpoint, grouped by the route's name. A route is imported whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from backend_services.routes.commands import Checkpoint, CreateRoute
from backend_services.routes.queries import find_same_routes, list_known_routes
from backend_services.routes.route import MAX_CHECKPOINTS, Route, create_route
from eventstore.execute import Refusal
from webapp.forms.routes import LONGEST_LEG
from webapp.imports.columns import ROUTES, Found
from webapp.imports.items import Item, Kind, State, subject_id
from webapp.imports.reading import Row, Sheet
from webapp.imports.values import (
    Moment,
    Unclear,
    instant_of,
    moment_value,
    next_time,
    number_value,
    text_value,
    whole_value,
)
from webapp.presentation import clock, day, in_plain_words

TEXTS = {"origin": "From", "destination": "To", "location": "The place", "address": "The address"}


@dataclass
class Stop:
    """A row as far as it could be understood; times wait for the route's start."""

    row: Row
    texts: dict[str, str]
    sequence: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    service_minutes: int | None = None
    moments: dict[str, Moment] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """How the file's times are to be read."""

    zone: ZoneInfo
    month_first: bool


def plan_routes(
    session: Session, sheet: Sheet, found: Found, file_sha256: str, reading: Reading
) -> list[Item]:
    """A route per group of rows, in the order of their first rows."""
    groups: dict[str, list[Row]] = {}
    items = []
    for row in sheet.rows:
        name = found.values(row)["route"]
        if name:
            groups.setdefault(name.casefold(), []).append(row)
        else:
            item = Item(subject_id(Kind.ROUTES, file_sha256, row.number), ("", "", "", "1"), [row])
            item.refuse(row, "The route's name or number is missing.")
            items.append(item)
    items += [_plan_one(rows, found, file_sha256, reading) for rows in groups.values()]
    items.sort(key=lambda item: item.rows[0].number)
    _warn(session, [item for item in items if item.is_ready])
    return items


def _plan_one(rows: list[Row], found: Found, file_sha256: str, reading: Reading) -> Item:
    new_id = subject_id(Kind.ROUTES, file_sha256, rows[0].number)
    name = found.values(rows[0])["route"]
    item = Item(new_id, (name[:60], "", "", str(len(rows))), rows)
    stops = [_read_stop(item, row, found, reading) for row in rows]
    if len(rows) > MAX_CHECKPOINTS:
        item.refuse(
            rows[MAX_CHECKPOINTS],
            f"A route has {MAX_CHECKPOINTS} checkpoints at most; this one has {len(rows)}.",
        )
    if item.is_bad:
        return item
    stops = _in_order(item, stops)
    origin, destination = _agreed(item, stops, "origin"), _agreed(item, stops, "destination")
    start = _start(item, stops, reading)
    if not origin:
        item.refuse(rows[0], "From, where the route starts, is missing.")
    if start is None or item.is_bad:
        return item
    command = CreateRoute(
        route_id=new_id,
        origin=origin,
        destination=destination or stops[-1].texts["location"],
        scheduled_start_time=start,
        checkpoints=tuple(_checkpoints(item, stops, start, reading)),
    )
    way = f"{command.origin} → {command.destination}"
    item.shown = (
        name[:60],
        way,
        f"{day(start)} {start.astimezone(reading.zone).year} {clock(start)}",
        str(len(rows)),
    )
    if not item.is_bad:
        _check_rules(item, stops, command)
    item.command = command if not item.is_bad else None
    return item


def _read_stop(item: Item, row: Row, found: Found, reading: Reading) -> Stop:
    values = {column.field: "" for column in ROUTES} | found.values(row)
    stop = Stop(row, {name: values[name] for name in TEXTS})
    item.check_width(row, found.width)

    def note(problem: Unclear) -> None:
        item.refuse(row, str(problem))

    for name, what in TEXTS.items():
        try:
            text_value(values[name], what)
        except Unclear as problem:
            note(problem)
    for name, required in (
        ("location", "The place is missing."),
        ("expected", "The expected time is missing."),
    ):
        if not values[name]:
            item.refuse(row, required)
    for name, what in (
        ("date", "The date"),
        ("start", "The start"),
        ("expected", "The expected time"),
        ("window_start", "The window's beginning"),
        ("window_end", "The window's end"),
    ):
        try:
            if values[name]:
                stop.moments[name] = moment_value(values[name], what, month_first=reading.month_first)
        except Unclear as problem:
            note(problem)
    _read_numbers(item, stop, values)
    return stop


def _read_numbers(item: Item, stop: Stop, values: dict[str, str]) -> None:
    try:
        if values["sequence"]:
            stop.sequence = whole_value(values["sequence"], "The sequence", 1, 1_000_000)
        if values["service_minutes"]:
            stop.service_minutes = whole_value(values["service_minutes"], "The service minutes", 0, 1_440)
        if values["latitude"]:
            stop.latitude = number_value(values["latitude"], "The latitude", -90, 90)
        if values["longitude"]:
            stop.longitude = number_value(values["longitude"], "The longitude", -180, 180)
    except Unclear as problem:
        item.refuse(stop.row, str(problem))
    else:
        if (stop.latitude is None) != (stop.longitude is None):
            item.refuse(stop.row, "Latitude and longitude go together.")


def _in_order(item: Item, stops: list[Stop]) -> list[Stop]:
    """By sequence where the rows say it (all or none), else as they stand."""
    given = [stop for stop in stops if stop.sequence is not None]
    if not given:
        for number, stop in enumerate(stops, start=1):
            stop.sequence = number
        return stops
    seen: dict[int, int] = {}
    for stop in stops:
        if stop.sequence is None:
            item.refuse(stop.row, "The sequence is missing, which other rows of this route have.")
        elif stop.sequence in seen:
            item.refuse(stop.row, f"Row {seen[stop.sequence]} has the same sequence {stop.sequence}.")
        else:
            seen[stop.sequence] = stop.row.number
    return sorted(stops, key=lambda stop: stop.sequence or 0)


def _agreed(item: Item, stops: Sequence[Stop], name: str) -> str:
    """A text of the whole route: rows may leave it out, not contradict each other."""
    given = [stop for stop in stops if stop.texts[name]]
    for stop in given[1:]:
        if stop.texts[name].casefold() != given[0].texts[name].casefold():
            item.refuse(
                stop.row,
                f"{TEXTS[name]} is “{stop.texts[name][:40]}” here and “{given[0].texts[name][:40]}” on row"
                f" {given[0].row.number} of the same route.",
            )
    return given[0].texts[name] if given else ""


def _start(item: Item, stops: Sequence[Stop], reading: Reading) -> datetime | None:
    given = [stop for stop in stops if "start" in stop.moments]
    if not given:
        item.refuse(stops[0].row, "The start is missing.")
        return None
    starts = []
    for stop in given:
        try:
            starts.append((stop, _whole_moment(stop, "start", "The start", reading)))
        except Unclear as problem:
            item.refuse(stop.row, str(problem))
    for stop, start in starts[1:]:
        if start != starts[0][1]:
            item.refuse(
                stop.row, f"The start is another one on row {starts[0][0].row.number} of the same route."
            )
    return starts[0][1] if starts else None


def _whole_moment(
    stop: Stop, name: str, what: str, reading: Reading, otherwise: date | None = None
) -> datetime:
    moment = stop.moments[name]
    given = stop.moments.get("date")
    on = moment.day or (given.day if given else None) or otherwise
    if moment.at is None:
        raise Unclear(f"{what} has no time of the day.")
    if on is None:
        raise Unclear(f"{what} has no date; write it there or in a Date column.")
    return instant_of(on, moment.at, moment.offset, reading.zone, what)


def _checkpoints(item: Item, stops: Sequence[Stop], start: datetime, reading: Reading) -> list[Checkpoint]:
    """The checkpoints, as far as their times make sense; a time alone is the next one after what comes before."""
    planned, before = [], start
    for stop in stops:
        try:
            expected = _expected(stop, before, reading)
            local_day = expected.astimezone(reading.zone).date()
            window = {
                name: _whole_moment(stop, name, "The window", reading, local_day)
                for name in ("window_start", "window_end")
                if name in stop.moments
            }
            if len(window) == 2 and window["window_start"] >= window["window_end"]:
                raise Unclear("The window must begin before it ends.")
        except Unclear as problem:
            item.refuse(stop.row, str(problem))
            continue
        before = expected
        planned.append(
            Checkpoint(
                sequence=stop.sequence or 0,
                location=stop.texts["location"],
                expected_time=expected,
                latitude=stop.latitude,
                longitude=stop.longitude,
                address=stop.texts["address"] or None,
                service_minutes=stop.service_minutes,
                window_start=window.get("window_start"),
                window_end=window.get("window_end"),
            )
        )
    return planned


def _expected(stop: Stop, before: datetime, reading: Reading) -> datetime:
    moment, what = stop.moments["expected"], "The expected time"
    if moment.at is not None and moment.day is None and "date" not in stop.moments and moment.offset is None:
        return next_time(before, moment.at, reading.zone, LONGEST_LEG, what)
    return _whole_moment(stop, "expected", what, reading)


def _check_rules(item: Item, stops: Sequence[Stop], command: CreateRoute) -> None:
    """What the service itself would refuse is said before, at the first row with which it does."""
    refusal = _refusal(command, len(stops))
    if refusal is None:
        return
    fine, refused = 0, len(stops)  # halve: with `fine` stops it is accepted, with `refused` it isn't
    while refused - fine > 1:
        middle = (fine + refused) // 2
        if _refusal(command, middle) is None:
            fine = middle
        else:
            refused = middle
    item.refuse(stops[refused - 1].row, in_plain_words(refusal.message))


def _refusal(command: CreateRoute, stops: int) -> Refusal | None:
    first = CreateRoute(
        route_id=command.route_id,
        origin=command.origin,
        destination=command.destination,
        scheduled_start_time=command.scheduled_start_time,
        checkpoints=command.checkpoints[:stops],
    )
    try:
        create_route(Route(), first, command.route_id or "")
    except Refusal as refusal:
        return refusal
    return None


def _warn(session: Session, ready: Sequence[Item]) -> None:
    there = list_known_routes(session, [item.subject_id for item in ready])
    keys = {item.subject_id: _key(item) for item in ready}
    present = find_same_routes(session, [key[2] for key in keys.values()])
    earlier: dict[tuple[str, str, datetime], int] = {}
    for item in ready:
        key = keys[item.subject_id]
        if item.subject_id in there:
            item.state, item.remark = State.THERE, "Imported from this file before."
        elif key in present:
            item.warn("A route with the same way and start is there already.")
        elif key in earlier:
            item.warn(f"The route of row {earlier[key]} has the same way and start.")
        earlier.setdefault(key, item.rows[0].number)


def _key(item: Item) -> tuple[str, str, datetime]:
    assert isinstance(item.command, CreateRoute)  # noqa: S101 - only ready items come here
    return (
        item.command.origin.casefold(),
        item.command.destination.casefold(),
        item.command.scheduled_start_time,
    )
