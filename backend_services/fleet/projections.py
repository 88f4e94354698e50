"""The fleet's rows: drivers, vehicles and their unreleased bookings."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend_services.fleet import events
from backend_services.read_models import ReadModel, note_board_change
from backend_services.searching import fold
from eventstore.codec import Event
from eventstore.records import RecordedEvent


class DriverRow(ReadModel):
    __tablename__ = "drivers"

    driver_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    sort_name: Mapped[str] = mapped_column(index=True)
    search_text: Mapped[str]
    driver_license: Mapped[str] = mapped_column(index=True)
    set_status: Mapped[str]
    status_reason: Mapped[str | None]
    added_at: Mapped[datetime]
    version: Mapped[int]


class VehicleRow(ReadModel):
    __tablename__ = "vehicles"

    vehicle_id: Mapped[str] = mapped_column(primary_key=True)
    registration: Mapped[str]
    sort_registration: Mapped[str] = mapped_column(index=True)
    search_text: Mapped[str]
    vehicle_type: Mapped[str]
    set_status: Mapped[str]
    status_reason: Mapped[str | None]
    added_at: Mapped[datetime]
    version: Mapped[int]


class DriverBookingRow(ReadModel):
    __tablename__ = "driver_bookings"

    driver_id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(primary_key=True)
    start_at: Mapped[datetime] = mapped_column(index=True)
    end_at: Mapped[datetime]


class VehicleBookingRow(ReadModel):
    __tablename__ = "vehicle_bookings"

    vehicle_id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(primary_key=True)
    start_at: Mapped[datetime] = mapped_column(index=True)
    end_at: Mapped[datetime]


class FleetNameRow(ReadModel):
    """What a driver was called, or which registration a vehicle had, from when it was recorded on."""

    __tablename__ = "fleet_names"

    subject_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime]
    name: Mapped[str]


class FleetProjection:
    """Folds the fleet's events into its rows."""

    name = "fleet"
    event_types: ClassVar[frozenset[str]] = frozenset(cls.TYPE for cls in events.EVENTS)

    def apply(self, session: Session, recorded: RecordedEvent, event: Event) -> None:
        """One event of a driver's or vehicle's stream."""
        if recorded.stream.startswith("driver-"):
            _apply_to_driver(session, recorded, event)
            kind = "driver"
        else:
            _apply_to_vehicle(session, recorded, event)
            kind = "vehicle"
        _note_name(session, recorded, event)
        note_board_change(session, kind, recorded.stream.split("-", 1)[1], recorded.recorded_at)


def _apply_to_driver(session: Session, recorded: RecordedEvent, event: Event) -> None:
    if isinstance(event, events.DriverAdded):
        row = DriverRow(
            driver_id=event.driver_id,
            set_status="Available",
            added_at=recorded.recorded_at,
        )
        session.add(row)
    else:
        row = session.get_one(DriverRow, recorded.stream.split("-", 1)[1])
    match event:
        case events.DriverAdded() | events.DriverUpdated():
            row.name, row.driver_license = event.name, event.driver_license
            row.sort_name = event.name.casefold()
            row.search_text = fold(f"{event.name}\n{event.driver_license}\n{event.driver_id}")
        case events.DriverStatusChanged():
            row.set_status, row.status_reason = event.new_status, event.reason
        case events.DriverBooked():
            session.add(
                DriverBookingRow(
                    driver_id=event.driver_id,
                    delivery_id=event.delivery_id,
                    start_at=event.from_at,
                    end_at=event.to_at,
                )
            )
        case events.DriverReleased():
            session.execute(
                delete(DriverBookingRow).where(
                    DriverBookingRow.driver_id == event.driver_id,
                    DriverBookingRow.delivery_id == event.delivery_id,
                )
            )
    row.version = recorded.version


def _apply_to_vehicle(session: Session, recorded: RecordedEvent, event: Event) -> None:
    if isinstance(event, events.VehicleAdded):
        row = VehicleRow(
            vehicle_id=event.vehicle_id,
            set_status="Available",
            added_at=recorded.recorded_at,
        )
        session.add(row)
    else:
        row = session.get_one(VehicleRow, recorded.stream.split("-", 1)[1])
    match event:
        case events.VehicleAdded() | events.VehicleUpdated():
            row.registration, row.vehicle_type = event.registration, event.vehicle_type
            row.sort_registration = event.registration.casefold()
            row.search_text = fold(f"{event.registration}\n{event.vehicle_type}\n{event.vehicle_id}")
        case events.VehicleStatusChanged():
            row.set_status, row.status_reason = event.new_status, event.reason
        case events.VehicleBooked():
            session.add(
                VehicleBookingRow(
                    vehicle_id=event.vehicle_id,
                    delivery_id=event.delivery_id,
                    start_at=event.from_at,
                    end_at=event.to_at,
                )
            )
        case events.VehicleReleased():
            session.execute(
                delete(VehicleBookingRow).where(
                    VehicleBookingRow.vehicle_id == event.vehicle_id,
                    VehicleBookingRow.delivery_id == event.delivery_id,
                )
            )
    row.version = recorded.version


def _note_name(session: Session, recorded: RecordedEvent, event: Event) -> None:
    match event:
        case events.DriverAdded() | events.DriverUpdated():
            subject_id, name = event.driver_id, event.name
        case events.VehicleAdded() | events.VehicleUpdated():
            subject_id, name = event.vehicle_id, event.registration
        case _:
            return
    session.add(
        FleetNameRow(
            subject_id=subject_id, version=recorded.version, recorded_at=recorded.recorded_at, name=name
        )
    )
