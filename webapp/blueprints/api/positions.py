"""Where drivers are and were. Positions are kept for a day, never in the event store, and never logged."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from backend_services.fleet.positions import Fix
from backend_services.fleet.queries import has_driver
from eventstore.execute import Refusal
from webapp.access import signed_in
from webapp.acting import own_driver_id, waybill
from webapp.blueprints.api import answers, api, bodies
from webapp.blueprints.api.operations import operation
from webapp.blueprints.api.parsing import Malformed, convert
from webapp.database import db
from webapp.live.fixes import newest_fixes

OLDEST, NEWEST = timedelta(days=7), timedelta(minutes=5)
SHOWN = timedelta(hours=1)


@operation(
    api,
    "POST",
    "/drivers/{driver_id}/location",
    tag="Positions",
    body=bodies.LocationBody,
    answer=answers.Accepted,
    access=signed_in,
    status=202,
    takes_key=False,
)
def report_location(driver_id: str, body: bodies.LocationBody) -> answers.Accepted:
    """Report one position of a driver, or a batch of up to 500 in any order.

    `recordedAt` is the fix's own time, 7 days ago to 5 minutes from now (default: now); the newest by it wins, and what
    is older than positions are kept (24 hours, unless set otherwise) is taken and dropped. Of a batch the good ones are
    taken, and `rejected` says what is wrong with the others; where all are wrong it is a 400. A batch may be sent
    again: no fix counts twice, so there is no Idempotency-Key. After a 503 send it again.
    """
    _check_driver(driver_id)
    now = waybill().doors.now()
    fixes, rejected = _batch(body.positions, now) if body.positions else ([_single(body, now)], [])
    waybill().positions.report(driver_id, fixes)
    return answers.Accepted(accepted=len(fixes), rejected=rejected)


@operation(
    api,
    "GET",
    "/drivers/{driver_id}/location",
    tag="Positions",
    answer=answers.Position,
    access=signed_in,
)
def get_location(driver_id: str) -> answers.Position:
    """Get a driver's newest position.

    A 404 with the code position_not_found says that none is known that isn't older than positions are kept.
    """
    _check_driver(driver_id)
    fix = waybill().positions.find(driver_id, waybill().doors.now())
    if fix is None:
        raise Refusal("position_not_found", "No recent position of this driver is known.", "not_found")
    return _position(fix)


@operation(
    api,
    "GET",
    "/drivers/{driver_id}/trail",
    tag="Positions",
    query=bodies.TrailQuery,
    answer=answers.Trail,
    access=signed_in,
)
def get_trail(driver_id: str, query: bodies.TrailQuery) -> answers.Trail:
    """Get the way that a driver went between two instants.

    `until` is now and `since` an hour before it unless given. The trail is thinned evenly to `limit` positions.
    """
    _check_driver(driver_id)
    until = query.until or waybill().doors.now()
    since = query.since or until - SHOWN
    if since > until:
        raise Malformed("since must not be later than until.", {"since": "must not be later than until"})
    fixes = waybill().positions.trail(driver_id, since, until, query.limit)
    return answers.Trail(
        driver_id=driver_id, since=since, until=until, positions=[_position(fix) for fix in fixes]
    )


def position_of(driver_id: str | None) -> answers.Position | None:
    """The driver's newest fix that is still kept."""
    fix = newest_fixes().get(driver_id) if driver_id else None
    return _position(fix) if fix is not None else None


def _check_driver(driver_id: str) -> None:
    if own_driver_id() not in (None, driver_id) or not has_driver(db.session(), driver_id):
        raise Refusal("driver_not_found", f"There is no driver with the id {driver_id}.", "not_found")


def _single(body: bodies.LocationBody, now: datetime) -> Fix:
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if name != "positions"}
    for name in ("latitude", "longitude"):
        if given[name] is None:
            raise Malformed(f"{name} is required, or positions.", {name: "is required"})
    return _fix(bodies.FixBody(**given), now)


def _batch(items: tuple[Any, ...], now: datetime) -> tuple[list[Fix], list[answers.RefusedPosition]]:
    fixes: list[Fix] = []
    rejected: list[answers.RefusedPosition] = []
    for number, item in enumerate(items):
        try:
            fixes.append(_fix(convert(item, bodies.FixBody, strict=True), now))
        except Malformed as malformed:
            rejected.append(answers.RefusedPosition(index=number, errors=malformed.errors))
    if not fixes:
        errors = {
            f"positions[{one.index}]" + ("" if name == "body" else f".{name}"): text
            for one in rejected
            for name, text in one.errors.items()
        }
        raise Malformed("None of the positions can be taken.", errors)
    return fixes, rejected


def _fix(body: bodies.FixBody, now: datetime) -> Fix:
    recorded_at = body.recorded_at or now
    if not now - OLDEST <= recorded_at <= now + NEWEST:
        text = "must lie between 7 days ago and 5 minutes from now"
        raise Malformed(f"recordedAt: {text}.", {"recordedAt": text})
    return Fix(body.latitude, body.longitude, recorded_at, body.accuracy, body.speed, body.heading)


def _position(fix: Fix) -> answers.Position:
    return answers.Position(
        latitude=fix.latitude,
        longitude=fix.longitude,
        recorded_at=fix.recorded_at,
        accuracy=fix.accuracy_m,
        speed=fix.speed_mps,
        heading=fix.heading_deg,
    )
