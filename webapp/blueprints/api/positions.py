"""Where drivers are. Positions are kept for a day in memory and never in the event store."""

from datetime import timedelta

from backend_services.fleet.positions import Fix
from backend_services.fleet.queries import find_driver
from eventstore.execute import Refusal
from webapp.access import signed_in
from webapp.acting import own_driver_id, waybill
from webapp.blueprints.api import answers, api, bodies
from webapp.blueprints.api.operations import operation
from webapp.blueprints.api.parsing import Malformed
from webapp.database import db

OLDEST, NEWEST = timedelta(hours=24), timedelta(minutes=5)


@operation(
    api,
    "POST",
    "/drivers/{driver_id}/location",
    tag="Positions",
    body=bodies.LocationBody,
    answer=answers.Accepted,
    access=signed_in,
    status=202,
)
def report_location(driver_id: str, body: bodies.LocationBody) -> answers.Accepted:
    """Report one position of a driver, or a batch.

    `recordedAt` is the fix's own time, 24 hours ago to 5 minutes from now; the newest by it wins.
    """
    if own_driver_id() not in (None, driver_id) or find_driver(db.session(), driver_id) is None:
        raise Refusal("driver_not_found", f"There is no driver with the id {driver_id}.", "not_found")
    if body.positions is None:
        if body.latitude is None or body.longitude is None:
            missing = "latitude" if body.latitude is None else "longitude"
            raise Malformed(f"{missing} is required, or positions.", {missing: "is required"})
        fixes = [_fix(body, body.latitude, body.longitude)]
    else:
        fixes = [_fix(part, part.latitude, part.longitude) for part in body.positions]
    waybill().positions.report(driver_id, fixes)
    return answers.Accepted(accepted=len(fixes))


def position_of(driver_id: str | None) -> answers.Position | None:
    """The driver's newest fix of the last 24 hours."""
    fix = waybill().positions.find(driver_id, waybill().doors.now()) if driver_id else None
    if fix is None:
        return None
    return answers.Position(
        latitude=fix.latitude,
        longitude=fix.longitude,
        recorded_at=fix.recorded_at,
        accuracy=fix.accuracy_m,
        speed=fix.speed_mps,
        heading=fix.heading_deg,
    )


def _fix(body: bodies.FixBody | bodies.LocationBody, latitude: float, longitude: float) -> Fix:
    now = waybill().doors.now()
    recorded_at = body.recorded_at or now
    if not now - OLDEST <= recorded_at <= now + NEWEST:
        text = "must lie between 24 hours ago and 5 minutes from now"
        raise Malformed(f"recordedAt: {text}.", {"recordedAt": text})
    return Fix(latitude, longitude, recorded_at, body.accuracy, body.speed, body.heading)
