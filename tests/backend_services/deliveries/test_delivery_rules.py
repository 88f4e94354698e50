"""Deliveries: every rule of a run, within its own stream and across route, driver and vehicle."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from backend_services.deliveries import booking, commands, delivery, events
from backend_services.deliveries.booking import BookingRules, Party
from backend_services.deliveries.commands import DeliveryStatus, FailureReason, IncidentType
from backend_services.deliveries.delivery import TRANSITIONS, Delivery
from backend_services.fleet import events as fleet_events
from backend_services.fleet.driver import DRIVER, Driver
from backend_services.fleet.vehicle import VEHICLE, Vehicle
from backend_services.routes import events as route_events
from backend_services.routes.commands import Checkpoint
from backend_services.routes.route import ROUTE, Route
from eventstore.codec import Event
from tests.backend_services.specification import Given, at

S = DeliveryStatus
STOPS = tuple(
    Checkpoint(sequence=number, location=f"P{number}", expected_time=at(20 * number)) for number in (1, 2, 3)
)
PLAN = events.Plan(
    origin="A", destination="B", scheduled_start_time=at(0), scheduled_end_time=at(60), checkpoints=STOPS
)
RULES = BookingRules()


def created(driver_id: str | None = "d", vehicle_id: str | None = "v") -> events.DeliveryCreated:
    return events.DeliveryCreated(
        delivery_id="x", route_id="r", driver_id=driver_id, vehicle_id=vehicle_id, created_at=at(0), plan=PLAN
    )


def became(old: S, new: S) -> events.DeliveryStatusChanged:
    return events.DeliveryStatusChanged(delivery_id="x", old_status=old, new_status=new, changed_at=at(1))


def reached(number: int, out_of_order: bool = False) -> events.CheckpointReached:
    return events.CheckpointReached(
        delivery_id="x",
        route_id="r",
        sequence=number,
        location=f"P{number}",
        reached_at=at(1),
        out_of_order=out_of_order,
    )


PATHS: dict[S, list[Event]] = {
    S.PICKED_UP: [created()],
    S.IN_TRANSIT: [created(), became(S.PICKED_UP, S.IN_TRANSIT)],
    S.OUT_FOR_DELIVERY: [
        created(),
        became(S.PICKED_UP, S.IN_TRANSIT),
        *(reached(number) for number in (1, 2, 3)),
        became(S.IN_TRANSIT, S.OUT_FOR_DELIVERY),
    ],
}
PATHS[S.DELIVERED] = [*PATHS[S.OUT_FOR_DELIVERY], became(S.OUT_FOR_DELIVERY, S.DELIVERED)]
PATHS[S.FAILED] = [created(), became(S.PICKED_UP, S.FAILED)]


def given(*past: Event) -> Given[Delivery]:
    return Given(delivery.DELIVERY, past)


def change(status: S, **more: Any) -> commands.ChangeDeliveryStatus:
    return commands.ChangeDeliveryStatus(delivery_id="x", status=status, **more)


def reach(number: int, route_id: str = "r", location: str | None = None) -> Any:
    command = commands.ReachCheckpoint(
        delivery_id="x", route_id=route_id, sequence=number, location=location or f"P{number}"
    )
    return lambda state: delivery.reach_checkpoint(state, command, at(1))


def a_route(status: str = "Active", used: bool = False) -> Route:
    past: list[Event] = [
        route_events.RouteCreated(route_id="r", origin="A", destination="B", scheduled_start_time=at(0)),
        *(
            route_events.CheckpointAdded(
                route_id="r", sequence=stop.sequence, location=stop.location, expected_time=stop.expected_time
            )
            for stop in STOPS
        ),
        route_events.RouteStatusChanged(route_id="r", old_status="Planning", new_status=status),
    ]
    if used:
        past.append(route_events.RouteUsed(route_id="r", delivery_id="x"))
    return Given(ROUTE, past).state


def a_driver(
    driver_id: str = "d", booked_for: str | None = None, start: float = 0, end: float = 60
) -> Driver:
    past: list[Event] = [fleet_events.DriverAdded(driver_id=driver_id, name=driver_id, driver_license="L")]
    if booked_for:
        past.append(
            fleet_events.DriverBooked(
                driver_id=driver_id, delivery_id=booked_for, from_at=at(start), to_at=at(end)
            )
        )
    return Given(DRIVER, past).state


def a_vehicle(vehicle_id: str = "v", booked_for: str | None = None) -> Vehicle:
    past: list[Event] = [
        fleet_events.VehicleAdded(vehicle_id=vehicle_id, registration=vehicle_id, vehicle_type="Van")
    ]
    if booked_for:
        past.append(
            fleet_events.VehicleBooked(
                vehicle_id=vehicle_id, delivery_id=booked_for, from_at=at(0), to_at=at(60)
            )
        )
    return Given(VEHICLE, past).state


def on(written: list[tuple[str, Event]]) -> list[tuple[str, str]]:
    """(stream, event type) of what was decided."""
    return [(stream, event.TYPE) for stream, event in written]


class TestTransitions:
    listed: ClassVar[dict[S, set[S]]] = {
        S.PICKED_UP: {S.IN_TRANSIT, S.FAILED},
        S.IN_TRANSIT: {S.OUT_FOR_DELIVERY, S.FAILED},
        S.OUT_FOR_DELIVERY: {S.DELIVERED, S.FAILED},
        S.DELIVERED: set(),
        S.FAILED: {S.PICKED_UP},
    }

    @pytest.mark.parametrize("new", list(S))
    @pytest.mark.parametrize("old", list(S))
    def test_only_the_listed_ones_are_allowed(self, old: S, new: S) -> None:
        state = given(*PATHS[old]).state
        assert state.status is old
        if new is old:
            assert delivery.check_transition(state, change(new)) is False
        elif new in self.listed[old]:
            assert delivery.check_transition(state, change(new)) is True
        else:
            refusal = (
                given(*PATHS[old])
                .when(lambda s: delivery.check_transition(s, change(new)))
                .then_refused("illegal_transition", currentStatus=old)
            )
            assert set(refusal.details["allowedTransitions"]) == self.listed[old]

    def test_the_table_is_the_rule(self) -> None:
        assert {old: set(new) for old, new in TRANSITIONS.items()} == self.listed

    def test_a_wrong_expectation_is_refused(self) -> None:
        command = change(S.IN_TRANSIT, expected_status=S.FAILED)
        refusal = (
            given(created())
            .when(lambda s: delivery.check_transition(s, command))
            .then_refused("unexpected_status")
        )
        assert "is PickedUp, not Failed" in refusal.message

    def test_a_right_expectation_is_fine_and_a_re_send_succeeds(self) -> None:
        command = change(S.IN_TRANSIT, expected_status=S.PICKED_UP)
        assert delivery.check_transition(given(created()).state, command) is True
        assert delivery.check_transition(given(*PATHS[S.IN_TRANSIT]).state, command) is False

    @pytest.mark.parametrize(
        ("driver_id", "vehicle_id", "missing"),
        [(None, "v", ["driver"]), ("d", None, ["vehicle"]), (None, None, ["driver", "vehicle"])],
    )
    def test_it_starts_with_driver_and_vehicle_only(
        self, driver_id: str | None, vehicle_id: str | None, missing: list[str]
    ) -> None:
        given(created(driver_id, vehicle_id)).when(
            lambda s: delivery.move_on(s, change(S.IN_TRANSIT), at(1))
        ).then_refused("driver_and_vehicle_required", missing=missing)

    def test_out_for_delivery_needs_every_checkpoint(self) -> None:
        missing = [{"sequence": 1, "location": "P1"}, {"sequence": 3, "location": "P3"}]
        given(*PATHS[S.IN_TRANSIT], reached(2)).when(
            lambda s: delivery.move_on(s, change(S.OUT_FOR_DELIVERY), at(1))
        ).then_refused("checkpoints_missing", missingCheckpoints=missing)


class TestCheckpoints:
    def test_one_is_reached(self) -> None:
        given(*PATHS[S.IN_TRANSIT]).when(reach(1)).then(reached(1))

    def test_out_of_order_is_accepted_and_marked(self) -> None:
        given(*PATHS[S.IN_TRANSIT]).when(reach(2)).then(reached(2, out_of_order=True))

    def test_the_last_outstanding_one_moves_the_delivery_on(self) -> None:
        given(*PATHS[S.IN_TRANSIT], reached(1), reached(3)).when(reach(2)).then(
            reached(2), became(S.IN_TRANSIT, S.OUT_FOR_DELIVERY)
        )

    @pytest.mark.parametrize("status", [S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED])
    def test_the_same_again_changes_nothing(self, status: S) -> None:
        past = [*PATHS[status], reached(1)] if status is S.IN_TRANSIT else PATHS[status]
        given(*past).when(reach(1)).then_nothing()

    @pytest.mark.parametrize("status", [S.PICKED_UP, S.FAILED])
    def test_only_in_transit(self, status: S) -> None:
        given(*PATHS[status]).when(reach(1)).then_refused("delivery_not_in_transit")

    def test_it_must_be_this_deliverys_route_and_on_it(self) -> None:
        given(*PATHS[S.IN_TRANSIT]).when(reach(1, route_id="q")).then_refused("wrong_route")
        given(*PATHS[S.IN_TRANSIT]).when(reach(4)).then_refused("checkpoint_not_on_route")
        given(*PATHS[S.IN_TRANSIT]).when(reach(1, location="P2")).then_refused("checkpoint_not_on_route")


class TestProof:
    proof = commands.CaptureProof(delivery_id="x", receiver_name="R", signature_url="/blobs/s.png")
    party = Party(a_route(used=True), a_driver(booked_for="x"), a_vehicle(booked_for="x"))

    def test_it_delivers_and_frees_everything_in_one_commit(self) -> None:
        written = booking.complete_delivery(
            given(*PATHS[S.OUT_FOR_DELIVERY]).state, self.party, self.proof, at(61)
        )
        assert on(written) == [
            ("delivery-x", "ProofOfDeliveryCaptured"),
            ("delivery-x", "DeliveryStatusChanged"),
            ("route-r", "RouteFreed"),
            ("driver-d", "DriverReleased"),
            ("vehicle-v", "VehicleReleased"),
        ]

    @pytest.mark.parametrize("status", [S.PICKED_UP, S.IN_TRANSIT, S.DELIVERED, S.FAILED])
    def test_only_out_for_delivery(self, status: S) -> None:
        given(*PATHS[status]).when(lambda s: delivery.capture_proof(s, self.proof, at(61))).then_refused(
            "delivery_not_out_for_delivery"
        )

    @pytest.mark.parametrize("field", ["receiver_name", "signature_url"])
    def test_receiver_and_signature_are_needed(self, field: str) -> None:
        fields = {"delivery_id": "x", "receiver_name": "R", "signature_url": "s"} | {field: " "}
        command = commands.CaptureProof(**fields)  # type: ignore[arg-type]
        given(*PATHS[S.OUT_FOR_DELIVERY]).when(
            lambda s: delivery.capture_proof(s, command, at(61))
        ).then_refused("invalid_fields")


class TestFailing:
    @pytest.mark.parametrize("status", [S.PICKED_UP, S.IN_TRANSIT, S.OUT_FOR_DELIVERY])
    def test_it_frees_everything_in_the_same_commit(self, status: S) -> None:
        party = Party(a_route(used=True), a_driver(booked_for="x"), a_vehicle(booked_for="x"))
        command = change(S.FAILED, reason="not_home", note="rang")
        written = booking.fail_delivery(given(*PATHS[status]).state, party, command, at(5))
        assert on(written) == [
            ("delivery-x", "DeliveryStatusChanged"),
            ("route-r", "RouteFreed"),
            ("driver-d", "DriverReleased"),
            ("vehicle-v", "VehicleReleased"),
        ]
        failed = written[0][1]
        assert isinstance(failed, events.DeliveryStatusChanged)
        assert (failed.reason, failed.note) == ("not_home", "rang")

    def test_reasons_are_listed_and_other_is_the_default(self) -> None:
        for reason in FailureReason:
            assert delivery.check_failure(change(S.FAILED, reason=reason.value)) == (reason, None)
        assert delivery.check_failure(change(S.FAILED)) == (FailureReason.OTHER, None)
        given(created()).when(
            lambda _: delivery.check_failure(change(S.FAILED, reason="bored"))
        ).then_refused("unknown_failure_reason")


class TestCreating:
    def create(
        self, party: Party, driver_id: str | None = "d", vehicle_id: str | None = "v", **more: Any
    ) -> Any:
        command = commands.CreateDelivery(
            delivery_id="x", route_id="r", driver_id=driver_id, vehicle_id=vehicle_id
        )
        rules = more.get("rules", RULES)
        known = more.get("known", Delivery())
        return Given(delivery.DELIVERY).when(
            lambda _: booking.create_delivery(known, party, command, "x", at(0), rules)
        )

    def test_it_uses_the_route_and_books_both_in_one_commit(self) -> None:
        command = commands.CreateDelivery(delivery_id="x", route_id="r", driver_id="d", vehicle_id="v")
        party = Party(a_route(), a_driver(), a_vehicle())
        written = booking.create_delivery(Delivery(), party, command, "x", at(0), RULES)
        assert on(written) == [
            ("delivery-x", "DeliveryCreated"),
            ("route-r", "RouteUsed"),
            ("driver-d", "DriverBooked"),
            ("vehicle-v", "VehicleBooked"),
        ]
        made, booked = written[0][1], written[2][1]
        assert isinstance(made, events.DeliveryCreated)
        assert made.plan == PLAN
        assert isinstance(booked, fleet_events.DriverBooked)
        assert (booked.from_at, booked.to_at) == (at(0), at(60))

    def test_driver_and_vehicle_may_come_later(self) -> None:
        command = commands.CreateDelivery(delivery_id="x", route_id="r")
        written = booking.create_delivery(
            Delivery(), Party(a_route(), None, None), command, "x", at(0), RULES
        )
        assert on(written) == [("delivery-x", "DeliveryCreated"), ("route-r", "RouteUsed")]

    def test_the_route_must_be_active(self) -> None:
        self.create(Party(a_route("Deactivated"), a_driver(), a_vehicle())).then_refused("route_not_active")

    def test_an_id_is_taken_once(self) -> None:
        party = Party(a_route(), a_driver(), a_vehicle())
        self.create(party, known=given(created()).state).then_refused("delivery_exists")

    def test_unknown_people_and_things_are_not_found(self) -> None:
        self.create(Party(a_route(), Driver(), a_vehicle())).then_refused("driver_not_found")
        self.create(Party(a_route(), a_driver(), Vehicle())).then_refused("vehicle_not_found")

    def test_a_clash_is_refused(self) -> None:
        self.create(Party(a_route(), a_driver(booked_for="y"), a_vehicle())).then_refused("booking_conflict")
        refusal = self.create(Party(a_route(), a_driver(), a_vehicle(booked_for="y"))).then_refused(
            "booking_conflict"
        )
        assert refusal.details["conflict"]["resource"] == "vehicle"

    def test_the_buffer_counts(self) -> None:
        party = Party(a_route(), a_driver(booked_for="y", start=65, end=90), a_vehicle())
        rules = BookingRules(buffer=timedelta(minutes=10))
        self.create(party, rules=rules).then_refused("booking_conflict")

    def test_a_short_route_is_booked_for_the_minimum(self) -> None:
        request = booking.booking_request(
            events.Plan(
                origin="A",
                destination="B",
                scheduled_start_time=at(0),
                scheduled_end_time=at(0),
                checkpoints=(),
            ),
            "x",
            RULES,
        )
        assert (request.start, request.end) == (at(0), at(30))


class TestAssigning:
    def test_the_booking_moves_in_one_commit(self) -> None:
        command = commands.AssignDriver(delivery_id="x", driver_id="e")
        written = booking.assign_driver(
            given(created()).state, a_driver(booked_for="x"), a_driver("e"), command, at(1), RULES
        )
        assert on(written) == [
            ("delivery-x", "DriverUnassigned"),
            ("delivery-x", "DriverAssigned"),
            ("driver-d", "DriverReleased"),
            ("driver-e", "DriverBooked"),
        ]

    def test_a_vehicle_can_be_taken_away(self) -> None:
        command = commands.AssignVehicle(delivery_id="x", vehicle_id=None)
        written = booking.assign_vehicle(
            given(created()).state, a_vehicle(booked_for="x"), None, command, at(1), RULES
        )
        assert on(written) == [("delivery-x", "VehicleUnassigned"), ("vehicle-v", "VehicleReleased")]

    def test_the_same_driver_changes_nothing(self) -> None:
        command = commands.AssignDriver(delivery_id="x", driver_id="d")
        known = a_driver(booked_for="x")
        assert booking.assign_driver(given(created()).state, known, known, command, at(1), RULES) == []

    @pytest.mark.parametrize("status", [S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED, S.FAILED])
    def test_only_while_picked_up(self, status: S) -> None:
        command = commands.AssignDriver(delivery_id="x", driver_id="e")
        given(*PATHS[status]).when(
            lambda s: booking.assign_driver(s, a_driver(booked_for="x"), a_driver("e"), command, at(1), RULES)
        ).then_refused("delivery_already_started")

    def test_the_new_driver_must_be_free(self) -> None:
        command = commands.AssignDriver(delivery_id="x", driver_id="e")
        busy = a_driver("e", booked_for="y")
        given(created()).when(
            lambda s: booking.assign_driver(s, a_driver(booked_for="x"), busy, command, at(1), RULES)
        ).then_refused("booking_conflict")


class TestRetrying:
    past: ClassVar[list[Event]] = [*PATHS[S.IN_TRANSIT], reached(1), became(S.IN_TRANSIT, S.FAILED)]

    def test_it_books_again_and_keeps_what_was_reached(self) -> None:
        written = booking.retry_delivery(
            given(*self.past).state,
            Party(a_route(), a_driver(), a_vehicle()),
            change(S.PICKED_UP),
            at(5),
            RULES,
        )
        assert on(written) == [
            ("delivery-x", "DeliveryStatusChanged"),
            ("route-r", "RouteUsed"),
            ("driver-d", "DriverBooked"),
            ("vehicle-v", "VehicleBooked"),
        ]
        after = given(*self.past).after([written[0][1]]).state
        assert after.status is S.PICKED_UP
        assert after.missing == [(2, "P2"), (3, "P3")]

    def test_another_driver_can_be_named(self) -> None:
        party = Party(a_route(), a_driver("e"), a_vehicle())
        written = booking.retry_delivery(
            given(*self.past).state, party, change(S.PICKED_UP, driver_id="e"), at(5), RULES
        )
        assert on(written)[:3] == [
            ("delivery-x", "DeliveryStatusChanged"),
            ("delivery-x", "DriverUnassigned"),
            ("delivery-x", "DriverAssigned"),
        ]

    def test_the_same_checks_hold(self) -> None:
        busy = Party(a_route(), a_driver(booked_for="y"), a_vehicle())
        given(*self.past).when(
            lambda s: booking.retry_delivery(s, busy, change(S.PICKED_UP), at(5), RULES)
        ).then_refused("booking_conflict")
        closed = Party(a_route("Deactivated"), a_driver(), a_vehicle())
        given(*self.past).when(
            lambda s: booking.retry_delivery(s, closed, change(S.PICKED_UP), at(5), RULES)
        ).then_refused("route_not_active")


class TestIncidents:
    report = commands.ReportIncident(delivery_id="x", type=IncidentType.DELAY, description="snow")
    reported = events.IncidentReported(
        delivery_id="x",
        incident_id="i",
        incident_type="Delay",
        description="snow",
        severity="medium",
        reported_at=at(1),
    )
    resolve = commands.ResolveIncident(delivery_id="x", incident_id="i")

    @pytest.mark.parametrize("status", list(S))
    def test_they_are_reported_in_any_status(self, status: S) -> None:
        given(*PATHS[status]).when(lambda s: delivery.report_incident(s, self.report, "i", at(1))).then(
            self.reported
        )

    def test_a_description_is_needed(self) -> None:
        empty = commands.ReportIncident(delivery_id="x", type=IncidentType.DELAY, description=" ")
        given(created()).when(lambda s: delivery.report_incident(s, empty, "i", at(1))).then_refused(
            "invalid_fields"
        )

    def test_they_are_resolved_once(self) -> None:
        resolved = events.IncidentResolved(delivery_id="x", incident_id="i", resolved_at=at(2))
        given(created(), self.reported).when(
            lambda s: delivery.resolve_incident(s, self.resolve, at(2))
        ).then(resolved)
        given(created(), self.reported, resolved).when(
            lambda s: delivery.resolve_incident(s, self.resolve, at(3))
        ).then_refused("incident_already_resolved")
        given(created()).when(lambda s: delivery.resolve_incident(s, self.resolve, at(2))).then_refused(
            "incident_not_found"
        )

    def test_they_never_block_completion(self) -> None:
        proof = commands.CaptureProof(delivery_id="x", receiver_name="R", signature_url="s")
        given(*PATHS[S.OUT_FOR_DELIVERY], self.reported).when(
            lambda s: delivery.capture_proof(s, proof, at(61))
        ).then_types("ProofOfDeliveryCaptured", "DeliveryStatusChanged")


def test_a_driver_touches_own_deliveries_only() -> None:
    given(created()).when(lambda s: delivery.require_delivery(s, "x", "other")).then_refused(
        "not_your_delivery"
    )
    assert delivery.require_delivery(given(created()).state, "x", "d") is None  # type: ignore[func-returns-value]
    given().when(lambda s: delivery.require_delivery(s, "x")).then_refused("delivery_not_found")
