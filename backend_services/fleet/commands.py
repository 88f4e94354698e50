"""What can be asked of the fleet. Ids are UUID texts; `None` as a new thing's id lets the service make one."""

from enum import StrEnum

import msgspec


class DriverStatus(StrEnum):
    """Whether a driver can be booked. `Assigned` is derived from bookings and can't be set."""

    AVAILABLE = "Available"
    ASSIGNED = "Assigned"
    UNAVAILABLE = "Unavailable"
    SUSPENDED = "Suspended"


class VehicleStatus(StrEnum):
    """Whether a vehicle can be booked. `Assigned` is derived from bookings and can't be set."""

    AVAILABLE = "Available"
    ASSIGNED = "Assigned"
    MAINTENANCE = "Maintenance"
    OUT_OF_SERVICE = "OutOfService"


class AddDriver(msgspec.Struct, frozen=True, kw_only=True):
    driver_id: str | None
    name: str
    driver_license: str


class UpdateDriver(msgspec.Struct, frozen=True, kw_only=True):
    driver_id: str
    name: str
    driver_license: str


class ChangeDriverStatus(msgspec.Struct, frozen=True, kw_only=True):
    driver_id: str
    status: DriverStatus
    reason: str | None = None


class AddVehicle(msgspec.Struct, frozen=True, kw_only=True):
    vehicle_id: str | None
    registration: str
    vehicle_type: str


class UpdateVehicle(msgspec.Struct, frozen=True, kw_only=True):
    vehicle_id: str
    registration: str
    vehicle_type: str


class ChangeVehicleStatus(msgspec.Struct, frozen=True, kw_only=True):
    vehicle_id: str
    status: VehicleStatus
    reason: str | None = None
