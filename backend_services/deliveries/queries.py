"""Reading the deliveries' rows. Every function takes a SQLAlchemy session and answers immutable views.

A driver's name and a vehicle's registration are joined here, when read: rows are written from one stream only.
"""

import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.delivery import TRANSITIONS, UNFINISHED
from backend_services.deliveries.projections import DeliveryCheckpointRow, DeliveryRow, IncidentRow
from backend_services.fleet.projections import DriverRow, VehicleRow
from backend_services.fleet.queries import find_driver_names, find_registrations
from backend_services.paging import Page, after_cursor, page_of
from backend_services.searching import fold
from eventstore.ports import EventStore
from eventstore.records import RecordedEvent

LATE_FROM = timedelta(minutes=5)

TIMELINE_CATEGORIES = {
    "DeliveryCreated": "Status",
    "DeliveryStatusChanged": "Status",
    "CheckpointReached": "Checkpoint",
    "IncidentReported": "Incident",
    "IncidentResolved": "Incident",
    "ProofOfDeliveryCaptured": "Proof",
    "DriverAssigned": "Assignment",
    "DriverUnassigned": "Assignment",
    "VehicleAssigned": "Assignment",
    "VehicleUnassigned": "Assignment",
}


@dataclass(frozen=True)
class StopView:
    """A checkpoint of a delivery's plan; `reached_at` None while it is outstanding."""

    sequence: int
    location: str
    expected_time: datetime
    address: str | None
    latitude: float | None
    longitude: float | None
    time_zone: str | None
    reached_at: datetime | None
    out_of_order: bool

    @property
    def difference(self) -> timedelta | None:
        """Actual minus expected: positive when it was reached late."""
        return None if self.reached_at is None else self.reached_at - self.expected_time


@dataclass(frozen=True)
class IncidentView:
    """An incident and the delivery it belongs to; `resolved_at` None while it is open."""

    incident_id: str
    delivery_id: str
    type: str
    description: str
    severity: str
    reported_at: datetime
    resolved_at: datetime | None
    photo_url: str | None
    latitude: float | None
    longitude: float | None
    origin: str
    destination: str
    driver_name: str | None


@dataclass(frozen=True)
class DeliveryView:
    """A delivery with its checkpoints by sequence, and the names of driver and vehicle as they are now."""

    delivery_id: str
    route_id: str
    driver_id: str | None
    driver_name: str | None
    vehicle_id: str | None
    vehicle_registration: str | None
    status: str
    origin: str
    destination: str
    scheduled_start_at: datetime
    scheduled_end_at: datetime
    created_at: datetime
    status_changed_at: datetime
    delivered_at: datetime | None
    failed_at: datetime | None
    failure_reason: str | None
    failure_note: str | None
    receiver_name: str | None
    signature_url: str | None
    proof: dict[str, Any] | None
    open_incidents: int
    search_text: str
    stops: tuple[StopView, ...]
    version: int

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED

    @property
    def is_unassigned(self) -> bool:
        """Unfinished, and a driver or vehicle is still to be assigned."""
        return not self.is_finished and (self.driver_id is None or self.vehicle_id is None)

    @property
    def allowed_transitions(self) -> list[str]:
        return list(TRANSITIONS[DeliveryStatus(self.status)])

    @property
    def reached_count(self) -> int:
        return sum(stop.reached_at is not None for stop in self.stops)

    @property
    def next_stop(self) -> StopView | None:
        """The first checkpoint that is still outstanding."""
        return next((stop for stop in self.stops if stop.reached_at is None), None)

    @property
    def last_reached_stop(self) -> StopView | None:
        """The checkpoint that was reached most recently."""
        reached = [stop for stop in self.stops if stop.reached_at is not None]
        return max(reached, key=lambda stop: (stop.reached_at, stop.sequence), default=None)

    def predicted_delay(self, now: datetime) -> timedelta:
        """By how much the next checkpoint will be late at least, as seen at `now`; never negative.

        The last checkpoint's lateness is carried on, and what is overdue is at least that late. 0 when finished.
        """
        if self.is_finished:
            return timedelta(0)
        last, following = self.last_reached_stop, self.next_stop
        carried = (last.difference if last else None) or timedelta(0)
        due = following.expected_time if following else self.scheduled_end_at
        return max(carried if following else timedelta(0), now - due, timedelta(0))

    def is_late(self, now: datetime) -> bool:
        """Whether it runs 5 minutes or more behind its plan at `now`."""
        return self.predicted_delay(now) >= LATE_FROM


def find_delivery(session: Session, delivery_id: str) -> DeliveryView | None:
    """One delivery, or None."""
    row = session.get(DeliveryRow, delivery_id)
    return _views(session, [row])[0] if row else None


def find_deliveries(session: Session, delivery_ids: Sequence[str]) -> dict[str, DeliveryView]:
    """Several deliveries by id."""
    rows = session.scalars(select(DeliveryRow).where(DeliveryRow.delivery_id.in_(set(delivery_ids)))).all()
    return {view.delivery_id: view for view in _views(session, rows)}


class DeliveryFilters(TypedDict, total=False):
    """Which deliveries are meant; what isn't there, or is None, doesn't matter. `q` is a part of an id, place, driver's
    name or registration; the times are [from, before)."""

    driver_id: str | None
    vehicle_id: str | None
    route_id: str | None
    created_from: datetime | None
    created_before: datetime | None
    planned_from: datetime | None
    planned_before: datetime | None
    q: str
    is_unassigned: bool
    has_open_incidents: bool


def list_deliveries(
    session: Session,
    *,
    statuses: Sequence[str] = (),
    limit: int = 50,
    cursor: str | None = None,
    **filters: Unpack[DeliveryFilters],
) -> Page[DeliveryView]:
    """Deliveries, the newest first, filtered. Raises `BadCursor`."""
    order = (DeliveryRow.created_at, DeliveryRow.delivery_id)
    query = select(DeliveryRow).where(
        *after_cursor("deliveries", cursor, tuple[datetime, str], order, descending=True)
    )
    if statuses:
        query = query.where(DeliveryRow.status.in_(statuses))
    newest_first = (DeliveryRow.created_at.desc(), DeliveryRow.delivery_id.desc())
    rows = session.scalars(query.where(*_conditions(filters)).order_by(*newest_first).limit(limit + 1)).all()
    page = page_of("deliveries", rows, limit, lambda row: (row.created_at, row.delivery_id))
    return Page(_views(session, page.items), page.next_cursor)


def list_day(
    session: Session,
    day_start: datetime,
    day_end: datetime,
    *,
    driver_id: str | None = None,
    limit: int = 2_000,
) -> list[DeliveryView]:
    """What concerns a day: deliveries scheduled or finished in [day_start, day_end), and all that were scheduled
    before it and aren't finished. By scheduled start."""
    in_day = [
        and_(column >= day_start, column < day_end)
        for column in (DeliveryRow.scheduled_start_at, DeliveryRow.delivered_at, DeliveryRow.failed_at)
    ]
    left_over = and_(DeliveryRow.status.in_(UNFINISHED), DeliveryRow.scheduled_start_at < day_end)
    query = select(DeliveryRow).where(or_(*in_day, left_over))
    if driver_id is not None:
        query = query.where(DeliveryRow.driver_id == driver_id)
    order = (DeliveryRow.scheduled_start_at, DeliveryRow.delivery_id)
    return _views(session, session.scalars(query.order_by(*order).limit(limit)).all())


def list_live(session: Session, *, limit: int = 2_000) -> list[DeliveryView]:
    """Deliveries on the road: InTransit and OutForDelivery, by creation."""
    on_road = (DeliveryStatus.IN_TRANSIT, DeliveryStatus.OUT_FOR_DELIVERY)
    query = select(DeliveryRow).where(DeliveryRow.status.in_(on_road)).order_by(DeliveryRow.created_at)
    return _views(session, session.scalars(query.limit(limit)).all())


def list_of_routes(session: Session, route_ids: Sequence[str]) -> dict[str, list[DeliveryView]]:
    """The deliveries of several routes, each list newest first."""
    query = select(DeliveryRow).where(DeliveryRow.route_id.in_(set(route_ids)))
    newest_first = (DeliveryRow.created_at.desc(), DeliveryRow.delivery_id.desc())
    found: dict[str, list[DeliveryView]] = {}
    for view in _views(session, session.scalars(query.order_by(*newest_first)).all()):
        found.setdefault(view.route_id, []).append(view)
    return found


def list_unfinished_of(
    session: Session, *, driver_ids: Sequence[str] = (), vehicle_ids: Sequence[str] = ()
) -> list[DeliveryView]:
    """Unfinished deliveries of any of these drivers or vehicles, by scheduled start."""
    theirs = or_(DeliveryRow.driver_id.in_(set(driver_ids)), DeliveryRow.vehicle_id.in_(set(vehicle_ids)))
    query = select(DeliveryRow).where(DeliveryRow.status.in_(UNFINISHED), theirs)
    return _views(session, session.scalars(query.order_by(DeliveryRow.scheduled_start_at)).all())


def count_deliveries_by_status(session: Session, **filters: Unpack[DeliveryFilters]) -> dict[str, int]:
    """How many of these deliveries have each status; every status is there."""
    query = select(DeliveryRow.status, func.count()).where(*_conditions(filters)).group_by(DeliveryRow.status)
    counts: Counter[str] = Counter(dict(session.execute(query).all()))
    return {status.value: counts[status] for status in DeliveryStatus}


def has_deliveries(session: Session) -> bool:
    """Whether any delivery was ever created."""
    return session.scalar(select(DeliveryRow.delivery_id).limit(1)) is not None


def list_incidents_of(session: Session, delivery_id: str) -> list[IncidentView]:
    """A delivery's incidents, oldest first."""
    query = select(IncidentRow).where(IncidentRow.delivery_id == delivery_id)
    rows = session.scalars(query.order_by(IncidentRow.reported_at, IncidentRow.incident_id)).all()
    return _incident_views(session, rows)


def list_incidents(
    session: Session,
    *,
    is_open: bool | None = None,
    incident_type: str | None = None,
    severity: str | None = None,
    q: str = "",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[IncidentView]:
    """Incidents, the newest first. `q` is a part of the description or of a delivery's search text. Raises
    `BadCursor`."""
    order = (IncidentRow.reported_at, IncidentRow.incident_id)
    query = select(IncidentRow).where(
        *after_cursor("incidents", cursor, tuple[datetime, str], order, descending=True)
    )
    if is_open is not None:
        unresolved = IncidentRow.resolved_at.is_(None)
        query = query.where(unresolved if is_open else ~unresolved)
    if incident_type is not None:
        query = query.where(IncidentRow.type == incident_type)
    if severity is not None:
        query = query.where(IncidentRow.severity == severity)
    if q:
        matching = select(DeliveryRow.delivery_id).where(_matches(q))
        in_text = IncidentRow.search_text.contains(fold(q), autoescape=True)
        query = query.where(or_(in_text, IncidentRow.delivery_id.in_(matching)))
    newest_first = (IncidentRow.reported_at.desc(), IncidentRow.incident_id.desc())
    rows = session.scalars(query.order_by(*newest_first).limit(limit + 1)).all()
    page = page_of("incidents", rows, limit, lambda row: (row.reported_at, row.incident_id))
    return Page(_incident_views(session, page.items), page.next_cursor)


def count_open_incidents(session: Session) -> int:
    """How many incidents nobody has resolved."""
    query = select(func.count()).select_from(IncidentRow).where(IncidentRow.resolved_at.is_(None))
    return session.scalar(query) or 0


def is_picture_of_driver(session: Session, url: str, driver_id: str) -> bool:
    """Whether a picture belongs to a proof or incident of one of the driver's deliveries."""
    with_photo = select(IncidentRow.delivery_id).where(IncidentRow.photo_url == url)
    in_proof = cast(DeliveryRow.proof, Text).contains(f'"{url}"', autoescape=True)
    named = or_(DeliveryRow.signature_url == url, in_proof, DeliveryRow.delivery_id.in_(with_photo))
    query = select(DeliveryRow.delivery_id).where(DeliveryRow.driver_id == driver_id, named)
    return session.scalars(query.limit(1)).first() is not None


def read_timeline(store: EventStore, delivery_id: str) -> list[RecordedEvent]:
    """Every event of a delivery, oldest first, from the event store itself."""
    return store.read_stream(f"delivery-{delivery_id}")


def _conditions(filters: DeliveryFilters) -> list[ColumnElement[bool]]:
    row = DeliveryRow
    compared = (
        (row.driver_id, operator.eq, filters.get("driver_id")),
        (row.vehicle_id, operator.eq, filters.get("vehicle_id")),
        (row.route_id, operator.eq, filters.get("route_id")),
        (row.created_at, operator.ge, filters.get("created_from")),
        (row.created_at, operator.lt, filters.get("created_before")),
        (row.scheduled_start_at, operator.ge, filters.get("planned_from")),
        (row.scheduled_start_at, operator.lt, filters.get("planned_before")),
    )
    found = [compare(column, wanted) for column, compare, wanted in compared if wanted is not None]
    if filters.get("q"):
        found.append(_matches(filters["q"]))
    if filters.get("is_unassigned"):
        found += [row.status.in_(UNFINISHED), or_(row.driver_id.is_(None), row.vehicle_id.is_(None))]
    if filters.get("has_open_incidents"):
        found.append(row.open_incidents > 0)
    return found


def _matches(q: str) -> Any:
    part = fold(q)
    drivers = select(DriverRow.driver_id).where(DriverRow.search_text.contains(part, autoescape=True))
    vehicles = select(VehicleRow.vehicle_id).where(VehicleRow.search_text.contains(part, autoescape=True))
    return or_(
        DeliveryRow.search_text.contains(part, autoescape=True),
        DeliveryRow.driver_id.in_(drivers),
        DeliveryRow.vehicle_id.in_(vehicles),
    )


def _views(session: Session, rows: Sequence[DeliveryRow]) -> list[DeliveryView]:
    stops = _stops(session, [row.delivery_id for row in rows])
    drivers = find_driver_names(session, [row.driver_id for row in rows if row.driver_id])
    vehicles = find_registrations(session, [row.vehicle_id for row in rows if row.vehicle_id])
    joined = ("driver_name", "vehicle_registration", "stops")
    columns = [name for name in DeliveryView.__dataclass_fields__ if name not in joined]
    views = []
    for row in rows:
        view = DeliveryView(
            **{name: getattr(row, name) for name in columns},
            driver_name=drivers.get(row.driver_id or ""),
            vehicle_registration=vehicles.get(row.vehicle_id or ""),
            stops=tuple(stops.get(row.delivery_id, ())),
        )
        views.append(view)
    return views


def _stops(session: Session, delivery_ids: Sequence[str]) -> dict[str, list[StopView]]:
    # Columns, not entities: a day's board has thousands of them, and entities cost several times as much.
    columns = [getattr(DeliveryCheckpointRow, name) for name in StopView.__dataclass_fields__]
    query = select(DeliveryCheckpointRow.delivery_id, *columns)
    query = query.where(DeliveryCheckpointRow.delivery_id.in_(delivery_ids))
    found: dict[str, list[StopView]] = {}
    for delivery_id, *fields in session.execute(query.order_by(DeliveryCheckpointRow.sequence)):
        found.setdefault(delivery_id, []).append(StopView(*fields))
    return found


def _incident_views(session: Session, rows: Sequence[IncidentRow]) -> list[IncidentView]:
    deliveries = find_deliveries(session, [row.delivery_id for row in rows])
    columns = [name for name in IncidentView.__dataclass_fields__ if name in IncidentRow.__table__.columns]
    views = []
    for row in rows:
        delivery = deliveries[row.delivery_id]
        view = IncidentView(
            **{name: getattr(row, name) for name in columns},
            origin=delivery.origin,
            destination=delivery.destination,
            driver_name=delivery.driver_name,
        )
        views.append(view)
    return views
