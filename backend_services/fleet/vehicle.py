"""A vehicle: what is known of it, and the ledger of its bookings."""

import msgspec

from backend_services.fleet import events
from backend_services.fleet.booking import Booking, Request, refuse_clash
from backend_services.fleet.commands import AddVehicle, ChangeVehicleStatus, UpdateVehicle, VehicleStatus
from backend_services.rules import require_text
from eventstore.codec import Event
from eventstore.execute import Aggregate, Refusal


class Vehicle(msgspec.Struct, frozen=True):
    """A vehicle's state. `set_status` is what was set; `status` shows `Assigned` while there is a booking."""

    vehicle_id: str = ""
    registration: str = ""
    vehicle_type: str = ""
    set_status: VehicleStatus = VehicleStatus.AVAILABLE
    bookings: tuple[Booking, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.vehicle_id)

    @property
    def status(self) -> VehicleStatus:
        return VehicleStatus.ASSIGNED if self.bookings else self.set_status


def evolve(vehicle: Vehicle, event: Event) -> Vehicle:
    """The vehicle after the event."""
    match event:
        case events.VehicleAdded() | events.VehicleUpdated():
            return msgspec.structs.replace(
                vehicle,
                vehicle_id=event.vehicle_id,
                registration=event.registration,
                vehicle_type=event.vehicle_type,
            )
        case events.VehicleStatusChanged():
            return msgspec.structs.replace(vehicle, set_status=VehicleStatus(event.new_status))
        case events.VehicleBooked():
            booking = Booking(event.delivery_id, event.from_at, event.to_at)
            return msgspec.structs.replace(vehicle, bookings=(*vehicle.bookings, booking))
        case events.VehicleReleased():
            left = tuple(booking for booking in vehicle.bookings if booking.delivery_id != event.delivery_id)
            return msgspec.structs.replace(vehicle, bookings=left)
    raise AssertionError(f"a vehicle's stream holds no {event.TYPE}")


VEHICLE = Aggregate("vehicle", Vehicle(), evolve)


def require_vehicle(vehicle: Vehicle, vehicle_id: str) -> None:
    """Refuse an id that no vehicle has."""
    if not vehicle.exists:
        raise Refusal("vehicle_not_found", f"There is no vehicle with the id {vehicle_id}.", "not_found")


def add_vehicle(vehicle: Vehicle, command: AddVehicle, vehicle_id: str) -> list[Event]:
    """A new vehicle, available at once."""
    require_text(registration=command.registration, vehicleType=command.vehicle_type)
    if vehicle.exists:
        raise Refusal("vehicle_exists", f"A vehicle with the id {vehicle_id} exists already.", "exists")
    return [
        events.VehicleAdded(
            vehicle_id=vehicle_id,
            registration=command.registration.strip(),
            vehicle_type=command.vehicle_type.strip(),
        )
    ]


def update_vehicle(vehicle: Vehicle, command: UpdateVehicle) -> list[Event]:
    """Another registration or type; nothing when both are what they were."""
    require_vehicle(vehicle, command.vehicle_id)
    require_text(registration=command.registration, vehicleType=command.vehicle_type)
    registration, vehicle_type = command.registration.strip(), command.vehicle_type.strip()
    if (registration, vehicle_type) == (vehicle.registration, vehicle.vehicle_type):
        return []
    return [
        events.VehicleUpdated(
            vehicle_id=command.vehicle_id, registration=registration, vehicle_type=vehicle_type
        )
    ]


def change_vehicle_status(vehicle: Vehicle, command: ChangeVehicleStatus) -> list[Event]:
    """Available, in maintenance or out of service; not while the vehicle is booked, and never `Assigned` by hand."""
    require_vehicle(vehicle, command.vehicle_id)
    if command.status is VehicleStatus.ASSIGNED:
        raise Refusal(
            "status_is_derived",
            "Assigned can't be set: a vehicle is Assigned while booked for a delivery."
            " Set Available, Maintenance or OutOfService.",
        )
    if vehicle.bookings:
        booking = vehicle.bookings[0]
        raise Refusal(
            "vehicle_is_booked",
            f"{vehicle.registration} is booked for delivery {booking.delivery_id}, so the status can't change."
            " Finish that delivery or give it to another vehicle first.",
            deliveryId=booking.delivery_id,
        )
    if command.status is vehicle.set_status:
        return []
    return [
        events.VehicleStatusChanged(
            vehicle_id=command.vehicle_id,
            old_status=vehicle.set_status,
            new_status=command.status,
            reason=command.reason,
        )
    ]


def book_vehicle(vehicle: Vehicle, vehicle_id: str, request: Request) -> list[Event]:
    """Book the vehicle for a delivery, or refuse: unknown, in maintenance, out of service, or booked in that time."""
    require_vehicle(vehicle, vehicle_id)
    if vehicle.set_status in (VehicleStatus.MAINTENANCE, VehicleStatus.OUT_OF_SERVICE):
        raise Refusal(
            "vehicle_not_available",
            f"{vehicle.registration} is {vehicle.set_status} and can't be booked. Choose another vehicle.",
            resource="vehicle",
            resourceId=vehicle_id,
            resourceStatus=vehicle.set_status,
        )
    refuse_clash("vehicle", vehicle_id, vehicle.registration, vehicle.bookings, request)
    return [
        events.VehicleBooked(
            vehicle_id=vehicle_id, delivery_id=request.delivery_id, from_at=request.start, to_at=request.end
        )
    ]


def release_vehicle(vehicle: Vehicle, delivery_id: str) -> list[Event]:
    """End the booking that a delivery holds; nothing when it holds none."""
    if all(booking.delivery_id != delivery_id for booking in vehicle.bookings):
        return []
    return [events.VehicleReleased(vehicle_id=vehicle.vehicle_id, delivery_id=delivery_id)]
