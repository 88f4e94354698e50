"""The fleet's commands: drivers and vehicles are added, changed, and their status is set."""

from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from backend_services.fleet import commands, driver, vehicle
from backend_services.fleet.driver import DRIVER
from backend_services.fleet.queries import find_driver_namesakes, find_vehicle_namesakes
from backend_services.fleet.vehicle import VEHICLE
from backend_services.hints import if_readable
from eventstore.codec import Event
from eventstore.execute import Context, Decision, Executor, Outcome, Streams
from eventstore.ports import ResourceLocks


class FleetService:
    """Every method executes one command. The outcome's result is {id, message} and, where said, more.

    All raise what `Executor.execute` raises.
    """

    def __init__(self, executor: Executor, locks: ResourceLocks, sessions: sessionmaker[Session]) -> None:
        self._executor = executor
        self._locks = locks
        self._sessions = sessions

    def add_driver(self, command: commands.AddDriver, context: Context) -> Outcome:
        """Add a driver. `warnings` lists others with the same name or licence: [{code, driverId, message}]."""
        driver_id = command.driver_id or self._executor.doors.new_id()
        warnings = self._driver_warnings(driver_id, command.name, command.driver_license)

        def decide(streams: Streams) -> Decision:
            events = driver.add_driver(streams.load(DRIVER, driver_id), command, driver_id)
            return _decision(DRIVER.stream(driver_id), events, driver_id, "Driver added.", warnings)

        return self._executor.execute(command, context, decide)

    def update_driver(self, command: commands.UpdateDriver, context: Context) -> Outcome:
        """Change a driver's name or licence; warns like `add_driver`."""
        warnings = self._driver_warnings(command.driver_id, command.name, command.driver_license)

        def decide(streams: Streams) -> Decision:
            events = driver.update_driver(streams.load(DRIVER, command.driver_id), command)
            stream = DRIVER.stream(command.driver_id)
            return _decision(stream, events, command.driver_id, "Driver updated.", warnings)

        return self._executor.execute(command, context, decide)

    def change_driver_status(self, command: commands.ChangeDriverStatus, context: Context) -> Outcome:
        """Set a driver's status; the result also holds `status`."""

        def decide(streams: Streams) -> Decision:
            events = driver.change_driver_status(streams.load(DRIVER, command.driver_id), command)
            message = f"Driver is {command.status}." if events else f"Driver was {command.status} already."
            stream = DRIVER.stream(command.driver_id)
            return _decision(stream, events, command.driver_id, message, status=command.status)

        with self._locks.hold([DRIVER.stream(command.driver_id)]):
            return self._executor.execute(command, context, decide)

    def add_vehicle(self, command: commands.AddVehicle, context: Context) -> Outcome:
        """Add a vehicle. `warnings` lists others with the same registration: [{code, vehicleId, message}]."""
        vehicle_id = command.vehicle_id or self._executor.doors.new_id()
        warnings = self._vehicle_warnings(vehicle_id, command.registration)

        def decide(streams: Streams) -> Decision:
            events = vehicle.add_vehicle(streams.load(VEHICLE, vehicle_id), command, vehicle_id)
            return _decision(VEHICLE.stream(vehicle_id), events, vehicle_id, "Vehicle added.", warnings)

        return self._executor.execute(command, context, decide)

    def update_vehicle(self, command: commands.UpdateVehicle, context: Context) -> Outcome:
        """Change a vehicle's registration or type; warns like `add_vehicle`."""
        warnings = self._vehicle_warnings(command.vehicle_id, command.registration)

        def decide(streams: Streams) -> Decision:
            events = vehicle.update_vehicle(streams.load(VEHICLE, command.vehicle_id), command)
            stream = VEHICLE.stream(command.vehicle_id)
            return _decision(stream, events, command.vehicle_id, "Vehicle updated.", warnings)

        return self._executor.execute(command, context, decide)

    def change_vehicle_status(self, command: commands.ChangeVehicleStatus, context: Context) -> Outcome:
        """Set a vehicle's status; the result also holds `status`."""

        def decide(streams: Streams) -> Decision:
            events = vehicle.change_vehicle_status(streams.load(VEHICLE, command.vehicle_id), command)
            message = f"Vehicle is {command.status}." if events else f"Vehicle was {command.status} already."
            stream = VEHICLE.stream(command.vehicle_id)
            return _decision(stream, events, command.vehicle_id, message, status=command.status)

        with self._locks.hold([VEHICLE.stream(command.vehicle_id)]):
            return self._executor.execute(command, context, decide)

    def _driver_warnings(self, driver_id: str, name: str, driver_license: str) -> list[dict[str, str]]:
        def read() -> list[dict[str, str]]:
            with self._sessions() as session:
                return find_driver_namesakes(session, driver_id, name.strip(), driver_license.strip())

        return if_readable(read)

    def _vehicle_warnings(self, vehicle_id: str, registration: str) -> list[dict[str, str]]:
        def read() -> list[dict[str, str]]:
            with self._sessions() as session:
                return find_vehicle_namesakes(session, vehicle_id, registration.strip())

        return if_readable(read)


def _decision(
    stream: str,
    events: list[Event],
    subject_id: str,
    message: str,
    warnings: list[dict[str, str]] | None = None,
    **more: Any,
) -> Decision:
    result = {"id": subject_id, "message": message, **more}
    if warnings:
        result["warnings"] = warnings
    return Decision(result, [(stream, event) for event in events])
