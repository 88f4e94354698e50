"""Reading the fleet's rows. Every function takes a SQLAlchemy session and answers immutable views."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from backend_services.fleet.commands import DriverStatus, VehicleStatus
from backend_services.fleet.projections import (
    DriverBookingRow,
    DriverRow,
    FleetNameRow,
    VehicleBookingRow,
    VehicleRow,
)
from backend_services.paging import Page, after_cursor, page_of
from backend_services.searching import fold

MOST_IN_A_QUERY = 1_000


@dataclass(frozen=True)
class BookingView:
    """One unreleased booking, [start_at, end_at) in UTC."""

    delivery_id: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class DriverView:
    """A driver with its shown status (`Assigned` while booked) and its bookings, earliest first."""

    driver_id: str
    name: str
    driver_license: str
    status: str
    status_reason: str | None
    bookings: tuple[BookingView, ...]
    version: int


@dataclass(frozen=True)
class VehicleView:
    """A vehicle with its shown status (`Assigned` while booked) and its bookings, earliest first."""

    vehicle_id: str
    registration: str
    vehicle_type: str
    status: str
    status_reason: str | None
    bookings: tuple[BookingView, ...]
    version: int


def find_driver(session: Session, driver_id: str) -> DriverView | None:
    """One driver, or None."""
    row = session.get(DriverRow, driver_id)
    return _driver_views(session, [row])[0] if row else None


def has_driver(session: Session, driver_id: str) -> bool:
    """Whether there is such a driver."""
    return session.scalar(select(exists().where(DriverRow.driver_id == driver_id))) is True


def find_vehicle(session: Session, vehicle_id: str) -> VehicleView | None:
    """One vehicle, or None."""
    row = session.get(VehicleRow, vehicle_id)
    return _vehicle_views(session, [row])[0] if row else None


def read_past_names(session: Session) -> dict[str, list[tuple[datetime, str]]]:
    """What each driver was called and which registration each vehicle had: (since when, name), oldest first."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    columns = (FleetNameRow.subject_id, FleetNameRow.recorded_at, FleetNameRow.name)
    for subject_id, recorded_at, name in session.execute(select(*columns).order_by(FleetNameRow.version)):
        found.setdefault(subject_id, []).append((recorded_at, name))
    return found


def list_drivers(
    session: Session, *, status: str | None = None, q: str = "", limit: int = 50, cursor: str | None = None
) -> Page[DriverView]:
    """Drivers by name, filtered by shown status and by a part of name, licence or id. Raises `BadCursor`."""
    order = (DriverRow.sort_name, DriverRow.driver_id)
    query = select(DriverRow).where(*after_cursor("drivers", cursor, tuple[str, str], order))
    if status is not None:
        query = query.where(_shown_status_is(status, DriverRow.set_status, _driver_is_booked()))
    if q:
        query = query.where(DriverRow.search_text.contains(fold(q), autoescape=True))
    rows = session.scalars(query.order_by(*order).limit(limit + 1)).all()
    page = page_of("drivers", rows, limit, lambda row: (row.sort_name, row.driver_id))
    return Page(_driver_views(session, page.items), page.next_cursor)


def list_vehicles(
    session: Session, *, status: str | None = None, q: str = "", limit: int = 50, cursor: str | None = None
) -> Page[VehicleView]:
    """Vehicles by registration, filtered like drivers. Raises `BadCursor`."""
    order = (VehicleRow.sort_registration, VehicleRow.vehicle_id)
    query = select(VehicleRow).where(*after_cursor("vehicles", cursor, tuple[str, str], order))
    if status is not None:
        query = query.where(_shown_status_is(status, VehicleRow.set_status, _vehicle_is_booked()))
    if q:
        query = query.where(VehicleRow.search_text.contains(fold(q), autoescape=True))
    rows = session.scalars(query.order_by(*order).limit(limit + 1)).all()
    page = page_of("vehicles", rows, limit, lambda row: (row.sort_registration, row.vehicle_id))
    return Page(_vehicle_views(session, page.items), page.next_cursor)


def find_drivers(session: Session, driver_ids: Sequence[str]) -> dict[str, DriverView]:
    """Several drivers by id, for joining names to rows of other services."""
    rows = session.scalars(select(DriverRow).where(DriverRow.driver_id.in_(set(driver_ids)))).all()
    return {view.driver_id: view for view in _driver_views(session, rows)}


def find_vehicles(session: Session, vehicle_ids: Sequence[str]) -> dict[str, VehicleView]:
    """Several vehicles by id."""
    rows = session.scalars(select(VehicleRow).where(VehicleRow.vehicle_id.in_(set(vehicle_ids)))).all()
    return {view.vehicle_id: view for view in _vehicle_views(session, rows)}


def find_driver_names(session: Session, driver_ids: Sequence[str]) -> dict[str, str]:
    """Several drivers' names by id, without all else that a view of them needs."""
    query = select(DriverRow.driver_id, DriverRow.name).where(DriverRow.driver_id.in_(set(driver_ids)))
    return {driver_id: name for driver_id, name in session.execute(query)}


def find_registrations(session: Session, vehicle_ids: Sequence[str]) -> dict[str, str]:
    """Several vehicles' registrations by id."""
    query = select(VehicleRow.vehicle_id, VehicleRow.registration)
    query = query.where(VehicleRow.vehicle_id.in_(set(vehicle_ids)))
    return {vehicle_id: registration for vehicle_id, registration in session.execute(query)}


def count_drivers_by_status(session: Session, q: str = "") -> dict[str, int]:
    """How many drivers (of those that `q` finds) show each status; every status is there."""
    shown = _counts(session, DriverRow, _driver_is_booked(), q)
    return {status.value: shown[status] for status in DriverStatus}


def count_vehicles_by_status(session: Session, q: str = "") -> dict[str, int]:
    """How many vehicles (of those that `q` finds) show each status; every status is there."""
    shown = _counts(session, VehicleRow, _vehicle_is_booked(), q)
    return {status.value: shown[status] for status in VehicleStatus}


def list_free_drivers(
    session: Session,
    start_at: datetime,
    end_at: datetime,
    buffer: timedelta = timedelta(0),
    *,
    limit: int = 50,
    not_counting: str | None = None,
) -> list[DriverView]:
    """Available drivers without a booking in [start_at − buffer, end_at + buffer), by name.

    A booking of the delivery `not_counting` doesn't count. A hint for choosing: only the command decides.
    """
    clash = exists().where(
        DriverBookingRow.driver_id == DriverRow.driver_id,
        *_overlaps(DriverBookingRow, start_at - buffer, end_at + buffer, not_counting),
    )
    query = select(DriverRow).where(DriverRow.set_status == DriverStatus.AVAILABLE, ~clash)
    rows = session.scalars(query.order_by(DriverRow.sort_name, DriverRow.driver_id).limit(limit)).all()
    return _driver_views(session, rows)


def list_free_vehicles(
    session: Session,
    start_at: datetime,
    end_at: datetime,
    buffer: timedelta = timedelta(0),
    *,
    limit: int = 50,
    not_counting: str | None = None,
) -> list[VehicleView]:
    """Available vehicles without a booking in that time, by registration; see `list_free_drivers`."""
    clash = exists().where(
        VehicleBookingRow.vehicle_id == VehicleRow.vehicle_id,
        *_overlaps(VehicleBookingRow, start_at - buffer, end_at + buffer, not_counting),
    )
    query = select(VehicleRow).where(VehicleRow.set_status == VehicleStatus.AVAILABLE, ~clash)
    order = (VehicleRow.sort_registration, VehicleRow.vehicle_id)
    rows = session.scalars(query.order_by(*order).limit(limit)).all()
    return _vehicle_views(session, rows)


def find_driver_namesakes(
    session: Session, driver_id: str, name: str, driver_license: str
) -> list[dict[str, str]]:
    """Warnings about other drivers with that licence or name, licences first: [{code, driverId, message}], at most
    10."""
    same_license = DriverRow.driver_license == driver_license
    same = or_(same_license, DriverRow.sort_name == name.casefold())
    query = select(DriverRow).where(DriverRow.driver_id != driver_id, same)
    query = query.order_by(same_license.desc(), DriverRow.driver_id).limit(10)
    warnings = []
    for row in session.scalars(query):
        what = "driverLicense" if row.driver_license == driver_license else "name"
        code = "duplicate_driver_license" if what == "driverLicense" else "duplicate_name"
        message = f"Another driver has the same {what}."
        warnings.append({"code": code, "driverId": row.driver_id, "message": message})
    return warnings


def find_vehicle_namesakes(session: Session, vehicle_id: str, registration: str) -> list[dict[str, str]]:
    """Warnings about other vehicles with that registration: [{code, vehicleId, message}], at most 10."""
    query = (
        select(VehicleRow.vehicle_id)
        .where(VehicleRow.vehicle_id != vehicle_id)
        .where(VehicleRow.sort_registration == registration.casefold())
        .order_by(VehicleRow.vehicle_id)
        .limit(10)
    )
    message = "Another vehicle has the same registration."
    return [
        {"code": "duplicate_registration", "vehicleId": other, "message": message}
        for other in session.scalars(query)
    ]


def find_same_drivers(
    session: Session, names: Sequence[str], licenses: Sequence[str]
) -> tuple[set[str], set[str]]:
    """Which of the names (answered casefolded) and which of the licences drivers have already."""
    keys = {name.casefold() for name in names}
    return _present(session, DriverRow.sort_name, keys), _present(
        session, DriverRow.driver_license, set(licenses)
    )


def find_same_vehicles(session: Session, registrations: Sequence[str]) -> set[str]:
    """Which of the registrations (answered casefolded) vehicles have already."""
    keys = {registration.casefold() for registration in registrations}
    return _present(session, VehicleRow.sort_registration, keys)


def list_known_drivers(session: Session, driver_ids: Sequence[str]) -> set[str]:
    """Which of the ids are those of drivers."""
    return _present(session, DriverRow.driver_id, set(driver_ids))


def list_known_vehicles(session: Session, vehicle_ids: Sequence[str]) -> set[str]:
    """Which of the ids are those of vehicles."""
    return _present(session, VehicleRow.vehicle_id, set(vehicle_ids))


def _present(session: Session, column: Any, wanted: set[str]) -> set[str]:
    texts, found = sorted(wanted), set[str]()
    for first in range(0, len(texts), MOST_IN_A_QUERY):
        found.update(
            session.scalars(select(column).where(column.in_(texts[first : first + MOST_IN_A_QUERY])))
        )
    return found


def _driver_views(session: Session, rows: Sequence[DriverRow]) -> list[DriverView]:
    ids = [row.driver_id for row in rows]
    query = select(DriverBookingRow).where(DriverBookingRow.driver_id.in_(ids))
    bookings: dict[str, list[BookingView]] = {}
    for booking in session.scalars(query.order_by(DriverBookingRow.start_at)):
        view = BookingView(booking.delivery_id, booking.start_at, booking.end_at)
        bookings.setdefault(booking.driver_id, []).append(view)
    return [
        DriverView(
            driver_id=row.driver_id,
            name=row.name,
            driver_license=row.driver_license,
            status=DriverStatus.ASSIGNED if row.driver_id in bookings else row.set_status,
            status_reason=row.status_reason,
            bookings=tuple(bookings.get(row.driver_id, ())),
            version=row.version,
        )
        for row in rows
    ]


def _vehicle_views(session: Session, rows: Sequence[VehicleRow]) -> list[VehicleView]:
    ids = [row.vehicle_id for row in rows]
    query = select(VehicleBookingRow).where(VehicleBookingRow.vehicle_id.in_(ids))
    bookings: dict[str, list[BookingView]] = {}
    for booking in session.scalars(query.order_by(VehicleBookingRow.start_at)):
        view = BookingView(booking.delivery_id, booking.start_at, booking.end_at)
        bookings.setdefault(booking.vehicle_id, []).append(view)
    return [
        VehicleView(
            vehicle_id=row.vehicle_id,
            registration=row.registration,
            vehicle_type=row.vehicle_type,
            status=VehicleStatus.ASSIGNED if row.vehicle_id in bookings else row.set_status,
            status_reason=row.status_reason,
            bookings=tuple(bookings.get(row.vehicle_id, ())),
            version=row.version,
        )
        for row in rows
    ]


def _driver_is_booked() -> ColumnElement[bool]:
    return exists().where(DriverBookingRow.driver_id == DriverRow.driver_id)


def _vehicle_is_booked() -> ColumnElement[bool]:
    return exists().where(VehicleBookingRow.vehicle_id == VehicleRow.vehicle_id)


def _shown_status_is(status: str, column: Any, booked: ColumnElement[bool]) -> ColumnElement[bool]:
    return booked if status == "Assigned" else and_(column == status, ~booked)


def _counts(session: Session, row: Any, booked: ColumnElement[bool], q: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    query = select(row.set_status, booked, func.count()).group_by(row.set_status, booked)
    if q:
        query = query.where(row.search_text.contains(fold(q), autoescape=True))
    for set_status, is_booked, count in session.execute(query):
        counts["Assigned" if is_booked else set_status] += count
    return counts


def _overlaps(row: Any, start_at: datetime, end_at: datetime, not_counting: str | None) -> list[Any]:
    conditions = [row.start_at < end_at, row.end_at > start_at]
    if not_counting is not None:
        conditions.append(row.delivery_id != not_counting)
    return conditions
