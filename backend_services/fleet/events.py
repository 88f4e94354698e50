"""What happens to drivers and vehicles. Names and fields are exact: they are stored and published for ever.

Instants are aware UTC; `from` and `to` bound a booking half-open, without any buffer.
"""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import field

from eventstore.codec import Event, Personal


class DriverAdded(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "DriverAdded"
    driver_id: str
    name: Annotated[str, Personal(subject="driver_id")]
    driver_license: Annotated[str, Personal(subject="driver_id")]


class DriverUpdated(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "DriverUpdated"
    driver_id: str
    name: Annotated[str, Personal(subject="driver_id")]
    driver_license: Annotated[str, Personal(subject="driver_id")]


class DriverStatusChanged(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "DriverStatusChanged"
    driver_id: str
    old_status: str
    new_status: str
    reason: Annotated[str | None, Personal(subject="driver_id")] = None


class DriverBooked(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "DriverBooked"
    driver_id: str
    delivery_id: str
    from_at: datetime = field(name="from")
    to_at: datetime = field(name="to")


class DriverReleased(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "DriverReleased"
    driver_id: str
    delivery_id: str


class VehicleAdded(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "VehicleAdded"
    vehicle_id: str
    registration: str
    vehicle_type: str


class VehicleUpdated(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "VehicleUpdated"
    vehicle_id: str
    registration: str
    vehicle_type: str


class VehicleStatusChanged(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "VehicleStatusChanged"
    vehicle_id: str
    old_status: str
    new_status: str
    reason: str | None = None


class VehicleBooked(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "VehicleBooked"
    vehicle_id: str
    delivery_id: str
    from_at: datetime = field(name="from")
    to_at: datetime = field(name="to")


class VehicleReleased(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "VehicleReleased"
    vehicle_id: str
    delivery_id: str


EVENTS: list[type[Event]] = [
    DriverAdded,
    DriverUpdated,
    DriverStatusChanged,
    DriverBooked,
    DriverReleased,
    VehicleAdded,
    VehicleUpdated,
    VehicleStatusChanged,
    VehicleBooked,
    VehicleReleased,
]
