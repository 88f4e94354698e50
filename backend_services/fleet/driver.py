"""A driver: what is known of it, and the ledger of its bookings."""

import msgspec

from backend_services.fleet import events
from backend_services.fleet.booking import Booking, Request, refuse_clash
from backend_services.fleet.commands import AddDriver, ChangeDriverStatus, DriverStatus, UpdateDriver
from backend_services.rules import require_text
from eventstore.codec import Event
from eventstore.execute import Aggregate, Refusal


class Driver(msgspec.Struct, frozen=True):
    """A driver's state. `set_status` is what was set; `status` shows `Assigned` while there is a booking."""

    driver_id: str = ""
    name: str = ""
    driver_license: str = ""
    set_status: DriverStatus = DriverStatus.AVAILABLE
    bookings: tuple[Booking, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.driver_id)

    @property
    def status(self) -> DriverStatus:
        return DriverStatus.ASSIGNED if self.bookings else self.set_status


def evolve(driver: Driver, event: Event) -> Driver:
    """The driver after the event."""
    match event:
        case events.DriverAdded() | events.DriverUpdated():
            return msgspec.structs.replace(
                driver, driver_id=event.driver_id, name=event.name, driver_license=event.driver_license
            )
        case events.DriverStatusChanged():
            return msgspec.structs.replace(driver, set_status=DriverStatus(event.new_status))
        case events.DriverBooked():
            booking = Booking(event.delivery_id, event.from_at, event.to_at)
            return msgspec.structs.replace(driver, bookings=(*driver.bookings, booking))
        case events.DriverReleased():
            left = tuple(booking for booking in driver.bookings if booking.delivery_id != event.delivery_id)
            return msgspec.structs.replace(driver, bookings=left)
    raise AssertionError(f"a driver's stream holds no {event.TYPE}")


DRIVER = Aggregate("driver", Driver(), evolve)


def require_driver(driver: Driver, driver_id: str) -> None:
    """Refuse an id that no driver has."""
    if not driver.exists:
        raise Refusal("driver_not_found", f"There is no driver with the id {driver_id}.", "not_found")


def add_driver(driver: Driver, command: AddDriver, driver_id: str) -> list[Event]:
    """A new driver, available at once."""
    require_text(name=command.name, driverLicense=command.driver_license)
    if driver.exists:
        raise Refusal("driver_exists", f"A driver with the id {driver_id} exists already.", "exists")
    return [
        events.DriverAdded(
            driver_id=driver_id, name=command.name.strip(), driver_license=command.driver_license.strip()
        )
    ]


def update_driver(driver: Driver, command: UpdateDriver) -> list[Event]:
    """Another name or licence; nothing when both are what they were."""
    require_driver(driver, command.driver_id)
    require_text(name=command.name, driverLicense=command.driver_license)
    name, driver_license = command.name.strip(), command.driver_license.strip()
    if (name, driver_license) == (driver.name, driver.driver_license):
        return []
    return [events.DriverUpdated(driver_id=command.driver_id, name=name, driver_license=driver_license)]


def change_driver_status(driver: Driver, command: ChangeDriverStatus) -> list[Event]:
    """Available, unavailable or suspended; not while the driver is booked, and never `Assigned` by hand."""
    require_driver(driver, command.driver_id)
    if command.status is DriverStatus.ASSIGNED:
        raise Refusal(
            "status_is_derived",
            "Assigned can't be set: a driver is Assigned while booked for a delivery."
            " Set Available, Unavailable or Suspended.",
        )
    if driver.bookings:
        booking = driver.bookings[0]
        raise Refusal(
            "driver_is_booked",
            f"{driver.name} is booked for delivery {booking.delivery_id}, so the status can't change."
            " Finish that delivery or give it to another driver first.",
            deliveryId=booking.delivery_id,
        )
    if command.status is driver.set_status:
        return []
    return [
        events.DriverStatusChanged(
            driver_id=command.driver_id,
            old_status=driver.set_status,
            new_status=command.status,
            reason=command.reason,
        )
    ]


def book_driver(driver: Driver, driver_id: str, request: Request) -> list[Event]:
    """Book the driver for a delivery, or refuse: unknown, unavailable, suspended, or booked in that time."""
    require_driver(driver, driver_id)
    if driver.set_status in (DriverStatus.UNAVAILABLE, DriverStatus.SUSPENDED):
        raise Refusal(
            "driver_not_available",
            f"{driver.name} is {driver.set_status} and can't be booked. Choose another driver.",
            resource="driver",
            resourceId=driver_id,
            resourceStatus=driver.set_status,
        )
    refuse_clash("driver", driver_id, driver.name, driver.bookings, request)
    return [
        events.DriverBooked(
            driver_id=driver_id, delivery_id=request.delivery_id, from_at=request.start, to_at=request.end
        )
    ]


def release_driver(driver: Driver, delivery_id: str) -> list[Event]:
    """End the booking that a delivery holds; nothing when it holds none."""
    if all(booking.delivery_id != delivery_id for booking in driver.bookings):
        return []
    return [events.DriverReleased(driver_id=driver.driver_id, delivery_id=delivery_id)]
