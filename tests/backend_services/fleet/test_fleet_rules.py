"""Drivers, vehicles and their bookings: every rule of the fleet. What holds for both is tested on both."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_services.fleet import commands, driver, events, vehicle
from backend_services.fleet.booking import Booking, Request, find_clash, first_free_start
from backend_services.fleet.commands import DriverStatus, VehicleStatus
from tests.backend_services.specification import Given, at

ADDED = events.DriverAdded(driver_id="d", name="Aino", driver_license="L")
VEHICLE_ADDED = events.VehicleAdded(vehicle_id="v", registration="ABC-1", vehicle_type="Van")


def booked(delivery: str, start: float, end: float) -> events.DriverBooked:
    return events.DriverBooked(driver_id="d", delivery_id=delivery, from_at=at(start), to_at=at(end))


def wish(start: float, end: float, buffer: float = 0, delivery: str = "new") -> Request:
    return Request(delivery, at(start), at(end), timedelta(minutes=buffer))


def status_changed(old: str, new: str) -> events.DriverStatusChanged:
    return events.DriverStatusChanged(driver_id="d", old_status=old, new_status=new)


class TestAdding:
    def test_a_new_driver_is_available(self) -> None:
        command = commands.AddDriver(driver_id="d", name=" Aino ", driver_license=" L ")
        Given(driver.DRIVER).when(lambda state: driver.add_driver(state, command, "d")).then(ADDED)
        assert Given(driver.DRIVER, [ADDED]).state.status is DriverStatus.AVAILABLE

    def test_a_new_vehicle_is_available(self) -> None:
        command = commands.AddVehicle(vehicle_id="v", registration="ABC-1", vehicle_type="Van")
        Given(vehicle.VEHICLE).when(lambda state: vehicle.add_vehicle(state, command, "v")).then(
            VEHICLE_ADDED
        )
        assert Given(vehicle.VEHICLE, [VEHICLE_ADDED]).state.status is VehicleStatus.AVAILABLE

    @pytest.mark.parametrize(
        ("name", "license_number", "field"), [("", "L", "name"), ("A", " ", "driverLicense")]
    )
    def test_name_and_licence_are_not_empty(self, name: str, license_number: str, field: str) -> None:
        command = commands.AddDriver(driver_id="d", name=name, driver_license=license_number)
        refusal = (
            Given(driver.DRIVER)
            .when(lambda state: driver.add_driver(state, command, "d"))
            .then_refused("invalid_fields")
        )
        assert set(refusal.details["errors"]) == {field}

    @pytest.mark.parametrize(
        ("registration", "kind", "field"), [("", "Van", "registration"), ("A", "", "vehicleType")]
    )
    def test_registration_and_type_are_not_empty(self, registration: str, kind: str, field: str) -> None:
        command = commands.AddVehicle(vehicle_id="v", registration=registration, vehicle_type=kind)
        refusal = (
            Given(vehicle.VEHICLE)
            .when(lambda state: vehicle.add_vehicle(state, command, "v"))
            .then_refused("invalid_fields")
        )
        assert set(refusal.details["errors"]) == {field}

    def test_an_id_is_taken_once(self) -> None:
        command = commands.AddDriver(driver_id="d", name="B", driver_license="M")
        refusal = (
            Given(driver.DRIVER, [ADDED])
            .when(lambda state: driver.add_driver(state, command, "d"))
            .then_refused("driver_exists")
        )
        assert refusal.kind == "exists"

    def test_changing_to_what_it_is_changes_nothing(self) -> None:
        same = commands.UpdateDriver(driver_id="d", name="Aino", driver_license="L")
        Given(driver.DRIVER, [ADDED]).when(lambda state: driver.update_driver(state, same)).then_nothing()

    def test_nobody_unknown_is_changed(self) -> None:
        command = commands.UpdateVehicle(vehicle_id="v", registration="B", vehicle_type="Van")
        refusal = (
            Given(vehicle.VEHICLE)
            .when(lambda state: vehicle.update_vehicle(state, command))
            .then_refused("vehicle_not_found")
        )
        assert refusal.kind == "not_found"


class TestStatus:
    @pytest.mark.parametrize("status", [DriverStatus.UNAVAILABLE, DriverStatus.SUSPENDED])
    def test_a_free_driver_changes_status_with_a_reason(self, status: DriverStatus) -> None:
        command = commands.ChangeDriverStatus(driver_id="d", status=status, reason="ill")
        changed = events.DriverStatusChanged(
            driver_id="d", old_status="Available", new_status=status, reason="ill"
        )
        Given(driver.DRIVER, [ADDED]).when(lambda state: driver.change_driver_status(state, command)).then(
            changed
        )

    def test_the_status_it_has_changes_nothing(self) -> None:
        command = commands.ChangeDriverStatus(driver_id="d", status=DriverStatus.AVAILABLE)
        Given(driver.DRIVER, [ADDED]).when(
            lambda state: driver.change_driver_status(state, command)
        ).then_nothing()

    def test_assigned_is_derived_and_never_set(self) -> None:
        command = commands.ChangeDriverStatus(driver_id="d", status=DriverStatus.ASSIGNED)
        Given(driver.DRIVER, [ADDED]).when(
            lambda state: driver.change_driver_status(state, command)
        ).then_refused("status_is_derived")
        past = [ADDED, booked("x", 0, 30)]
        assert Given(driver.DRIVER, past).state.status is DriverStatus.ASSIGNED
        released = events.DriverReleased(driver_id="d", delivery_id="x")
        assert Given(driver.DRIVER, [*past, released]).state.status is DriverStatus.AVAILABLE

    def test_a_booked_driver_keeps_its_status(self) -> None:
        command = commands.ChangeDriverStatus(driver_id="d", status=DriverStatus.SUSPENDED)
        Given(driver.DRIVER, [ADDED, booked("x", 0, 30)]).when(
            lambda state: driver.change_driver_status(state, command)
        ).then_refused("driver_is_booked", deliveryId="x")

    def test_a_booked_vehicle_keeps_its_status(self) -> None:
        command = commands.ChangeVehicleStatus(vehicle_id="v", status=VehicleStatus.MAINTENANCE)
        taken = events.VehicleBooked(vehicle_id="v", delivery_id="x", from_at=at(0), to_at=at(30))
        Given(vehicle.VEHICLE, [VEHICLE_ADDED, taken]).when(
            lambda state: vehicle.change_vehicle_status(state, command)
        ).then_refused("vehicle_is_booked", deliveryId="x")


class TestBooking:
    def book(self, *past: Any, request: Request) -> Any:
        return Given(driver.DRIVER, [ADDED, *past]).when(
            lambda state: driver.book_driver(state, "d", request)
        )

    def test_a_free_driver_is_booked(self) -> None:
        self.book(request=wish(0, 60)).then(booked("new", 0, 60))

    @pytest.mark.parametrize("status", ["Unavailable", "Suspended"])
    def test_an_unavailable_driver_is_not(self, status: str) -> None:
        self.book(status_changed("Available", status), request=wish(0, 60)).then_refused(
            "driver_not_available", resourceStatus=status
        )

    @pytest.mark.parametrize("status", ["Maintenance", "OutOfService"])
    def test_a_vehicle_in_the_workshop_is_not(self, status: str) -> None:
        changed = events.VehicleStatusChanged(vehicle_id="v", old_status="Available", new_status=status)
        Given(vehicle.VEHICLE, [VEHICLE_ADDED, changed]).when(
            lambda state: vehicle.book_vehicle(state, "v", wish(0, 60))
        ).then_refused("vehicle_not_available", resourceStatus=status)

    @pytest.mark.parametrize(("start", "end"), [(-60, 0), (60, 120)])
    def test_back_to_back_is_allowed(self, start: float, end: float) -> None:
        self.book(booked("x", 0, 60), request=wish(start, end)).then(booked("new", start, end))

    @pytest.mark.parametrize(
        ("start", "end", "minutes"), [(-30, 1, 1), (59, 90, 1), (10, 20, 10), (-10, 70, 60), (0, 60, 60)]
    )
    def test_an_overlap_says_with_what_and_how_long(self, start: float, end: float, minutes: int) -> None:
        refusal = self.book(booked("x", 0, 60), request=wish(start, end)).then_refused("booking_conflict")
        conflict = refusal.details["conflict"]
        assert (conflict["resource"], conflict["resourceId"], conflict["deliveryId"]) == ("driver", "d", "x")
        assert (conflict["start"], conflict["end"]) == ("2026-05-04T12:00:00Z", "2026-05-04T13:00:00Z")
        assert conflict["overlapMinutes"] == minutes

    def test_the_first_free_time_is_offered(self) -> None:
        past = [booked("x", 0, 60), booked("y", 90, 120)]
        refusal = self.book(*past, request=wish(30, 75)).then_refused("booking_conflict")
        assert refusal.details["conflict"]["alternatives"] == [
            {"kind": "time", "start": "2026-05-04T14:00:00Z", "end": "2026-05-04T14:45:00Z"}
        ]

    def test_a_buffer_keeps_both_sides_free(self) -> None:
        self.book(booked("x", 0, 60), request=wish(69, 90, buffer=10)).then_refused("booking_conflict")
        self.book(booked("x", 0, 60), request=wish(-40, -9, buffer=10)).then_refused("booking_conflict")
        self.book(booked("x", 0, 60), request=wish(70, 90, buffer=10)).then(booked("new", 70, 90))

    def test_a_released_booking_is_no_hindrance(self) -> None:
        released = events.DriverReleased(driver_id="d", delivery_id="x")
        self.book(booked("x", 0, 60), released, request=wish(0, 60)).then(booked("new", 0, 60))

    def test_releasing_what_is_not_held_changes_nothing(self) -> None:
        Given(driver.DRIVER, [ADDED]).when(lambda state: driver.release_driver(state, "x")).then_nothing()


minutes = st.integers(0, 300)
intervals = st.lists(st.tuples(minutes, st.integers(1, 90)), max_size=8)


@given(intervals, minutes, st.integers(1, 90), st.integers(0, 20))
def test_a_clash_is_found_exactly_when_some_minute_is_taken(
    taken: list[tuple[int, int]], start: int, length: int, buffer: int
) -> None:
    bookings = [Booking(f"b{n}", at(first), at(first + long)) for n, (first, long) in enumerate(taken)]
    wanted = set(range(start - buffer, start + length + buffer))
    naive = any(wanted & set(range(first, first + long)) for first, long in taken)
    assert (find_clash(bookings, wish(start, start + length, buffer)) is not None) == naive


@given(intervals, minutes, st.integers(1, 90), st.integers(0, 20))
def test_the_first_free_time_is_free_and_none_before_it_is(
    taken: list[tuple[int, int]], start: int, length: int, buffer: int
) -> None:
    bookings = [Booking(f"b{n}", at(first), at(first + long)) for n, (first, long) in enumerate(taken)]
    found = first_free_start(bookings, wish(start, start + length, buffer))
    begin = int((found - at(0)).total_seconds() // 60)
    assert find_clash(bookings, wish(begin, begin + length, buffer)) is None
    for earlier in range(start, begin):
        assert find_clash(bookings, wish(earlier, earlier + length, buffer)) is not None
