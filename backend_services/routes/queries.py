"""Reading the routes' rows. Every function takes a SQLAlchemy session and answers immutable views."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backend_services.paging import Page, after_cursor, page_of
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.routes.projections import CheckpointRow, RouteRow, RouteUseRow
from backend_services.searching import fold

CHECKPOINT_FIELDS = Checkpoint.__struct_fields__
MOST_IN_A_QUERY = 1_000


@dataclass(frozen=True)
class RouteView:
    """A route with its checkpoints by sequence and the ids of the unfinished deliveries that use it."""

    route_id: str
    origin: str
    destination: str
    status: str
    scheduled_start_at: datetime
    scheduled_end_at: datetime
    created_at: datetime
    checkpoints: tuple[Checkpoint, ...]
    used_by: tuple[str, ...]
    version: int


def find_route(session: Session, route_id: str) -> RouteView | None:
    """One route, or None."""
    row = session.get(RouteRow, route_id)
    return _views(session, [row])[0] if row else None


def find_routes(session: Session, route_ids: Sequence[str]) -> dict[str, RouteView]:
    """Several routes by id."""
    rows = session.scalars(select(RouteRow).where(RouteRow.route_id.in_(set(route_ids)))).all()
    return {view.route_id: view for view in _views(session, rows)}


def list_routes(
    session: Session,
    *,
    status: str | None = None,
    q: str = "",
    starting_from: datetime | None = None,
    starting_before: datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[RouteView]:
    """Routes by scheduled start, the latest first, filtered by status, a part of origin, destination or id, and
    start in [starting_from, starting_before). Raises `BadCursor`."""
    order = (RouteRow.scheduled_start_at, RouteRow.route_id)
    query = select(RouteRow).where(
        *after_cursor("routes", cursor, tuple[datetime, str], order, descending=True)
    )
    query = query.where(*_that_match(q, starting_from, starting_before))
    if status is not None:
        query = query.where(RouteRow.status == status)
    rows = session.scalars(
        query.order_by(RouteRow.scheduled_start_at.desc(), RouteRow.route_id.desc()).limit(limit + 1)
    ).all()
    page = page_of("routes", rows, limit, lambda row: (row.scheduled_start_at, row.route_id))
    return Page(_views(session, page.items), page.next_cursor)


def _that_match(
    q: str, starting_from: datetime | None, starting_before: datetime | None
) -> Iterator[ColumnElement[bool]]:
    if q:
        yield RouteRow.search_text.contains(fold(q), autoescape=True)
    if starting_from is not None:
        yield RouteRow.scheduled_start_at >= starting_from
    if starting_before is not None:
        yield RouteRow.scheduled_start_at < starting_before


def list_routes_to_drive(
    session: Session, now: datetime, *, ahead: int, over: int
) -> tuple[list[RouteView], list[RouteView]]:
    """The active routes that end at `now` or later, at most `ahead`, the soonest first; and those whose time is over,
    at most `over`, the latest first."""
    active = select(RouteRow).where(RouteRow.status == RouteStatus.ACTIVE)
    by_start = (RouteRow.scheduled_start_at, RouteRow.route_id)
    coming = active.where(RouteRow.scheduled_end_at >= now).order_by(*by_start).limit(ahead)
    latest = (column.desc() for column in by_start)
    past = active.where(RouteRow.scheduled_end_at < now).order_by(*latest).limit(over)
    return _views(session, session.scalars(coming).all()), _views(session, session.scalars(past).all())


def list_places(
    session: Session, q: str = "", limit: int = 30
) -> list[tuple[str, float | None, float | None]]:
    """Places of checkpoints planned so far whose name contains `q`, by name: (name, latitude, longitude).

    The coordinates are WGS 84 degrees of one checkpoint there, None where none has any.
    """
    query = select(CheckpointRow.location, CheckpointRow.latitude, CheckpointRow.longitude).distinct()
    if q:
        query = query.where(CheckpointRow.search_text.contains(fold(q), autoescape=True))
    by_name = query.order_by(CheckpointRow.location, CheckpointRow.latitude.nulls_first())
    rows = session.execute(by_name.limit(4 * limit))
    found = {name: (name, latitude, longitude) for name, latitude, longitude in rows}
    return list(found.values())[:limit]


def list_places_within(
    session: Session, latitude: float, longitude: float, high: float, wide: float
) -> list[tuple[str, float, float]]:
    """Places of checkpoints planned so far up to `high` and `wide` degrees (WGS 84) from a point: (name, latitude,
    longitude)."""
    columns = (CheckpointRow.location, CheckpointRow.latitude, CheckpointRow.longitude)
    query = select(*columns).where(
        CheckpointRow.latitude.between(latitude - high, latitude + high),
        CheckpointRow.longitude.between(longitude - wide, longitude + wide),
    )
    rows = session.execute(query.distinct())
    return [(name, lat, lon) for name, lat, lon in rows if lat is not None and lon is not None]


def count_routes_by_status(
    session: Session,
    *,
    q: str = "",
    starting_from: datetime | None = None,
    starting_before: datetime | None = None,
) -> dict[str, int]:
    """How many routes have each status, filtered like `list_routes`; every status is there."""
    query = select(RouteRow.status, func.count()).group_by(RouteRow.status)
    query = query.where(*_that_match(q, starting_from, starting_before))
    counts: Counter[str] = Counter(dict(session.execute(query).all()))
    return {status.value: counts[status] for status in RouteStatus}


def find_same_routes(session: Session, starts: Sequence[datetime]) -> set[tuple[str, str, datetime]]:
    """(origin, destination, start) of the routes that start at one of these instants, places casefolded."""
    wanted, found = sorted(set(starts)), set[tuple[str, str, datetime]]()
    for first in range(0, len(wanted), MOST_IN_A_QUERY):
        some = wanted[first : first + MOST_IN_A_QUERY]
        query = select(RouteRow.origin, RouteRow.destination, RouteRow.scheduled_start_at)
        for origin, destination, start in session.execute(query.where(RouteRow.scheduled_start_at.in_(some))):
            found.add((origin.casefold(), destination.casefold(), start))
    return found


def list_known_routes(session: Session, route_ids: Sequence[str]) -> set[str]:
    """Which of the ids are those of routes."""
    wanted, found = sorted(set(route_ids)), set[str]()
    for first in range(0, len(wanted), MOST_IN_A_QUERY):
        some = wanted[first : first + MOST_IN_A_QUERY]
        found.update(session.scalars(select(RouteRow.route_id).where(RouteRow.route_id.in_(some))))
    return found


def _views(session: Session, rows: Sequence[RouteRow]) -> list[RouteView]:
    ids = [row.route_id for row in rows]
    checkpoints: dict[str, list[Checkpoint]] = {}
    stops = select(CheckpointRow).where(CheckpointRow.route_id.in_(ids)).order_by(CheckpointRow.sequence)
    for stop in session.scalars(stops):
        fields = {name: getattr(stop, name) for name in CHECKPOINT_FIELDS}
        checkpoints.setdefault(stop.route_id, []).append(Checkpoint(**fields))
    used_by: dict[str, list[str]] = {}
    for use in session.scalars(select(RouteUseRow).where(RouteUseRow.route_id.in_(ids))):
        used_by.setdefault(use.route_id, []).append(use.delivery_id)
    return [
        RouteView(
            route_id=row.route_id,
            origin=row.origin,
            destination=row.destination,
            status=row.status,
            scheduled_start_at=row.scheduled_start_at,
            scheduled_end_at=row.scheduled_end_at,
            created_at=row.created_at,
            checkpoints=tuple(checkpoints.get(row.route_id, ())),
            used_by=tuple(sorted(used_by.get(row.route_id, ()))),
            version=row.version,
        )
        for row in rows
    ]
