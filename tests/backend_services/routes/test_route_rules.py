"""Routes: every rule of planning."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from backend_services.routes import commands, events, route
from backend_services.routes.commands import Checkpoint, RouteStatus
from eventstore.codec import Event
from tests.backend_services.specification import Given, at

CREATED = events.RouteCreated(route_id="r", origin="A", destination="B", scheduled_start_time=at(0))


def stop(sequence: int, minutes: float, location: str | None = None) -> Checkpoint:
    return Checkpoint(sequence=sequence, location=location or f"P{sequence}", expected_time=at(minutes))


def added(sequence: int, minutes: float, location: str | None = None) -> events.CheckpointAdded:
    return events.CheckpointAdded(
        route_id="r", sequence=sequence, location=location or f"P{sequence}", expected_time=at(minutes)
    )


def ends(minutes: float) -> events.RouteScheduledEndTimeUpdated:
    return events.RouteScheduledEndTimeUpdated(route_id="r", scheduled_end_time=at(minutes))


def became(old: str, new: str) -> events.RouteStatusChanged:
    return events.RouteStatusChanged(route_id="r", old_status=old, new_status=new)


def used_by(delivery: str) -> events.RouteUsed:
    return events.RouteUsed(route_id="r", delivery_id=delivery)


THREE: list[Event] = [CREATED, added(1, 10), added(2, 20), added(4, 40)]
ACTIVE: list[Event] = [*THREE, became("Planning", "Active")]


def given(*past: Event) -> Given[route.Route]:
    return Given(route.ROUTE, past)


def add(sequence: int, minutes: float) -> Any:
    command = commands.AddCheckpoint(route_id="r", checkpoint=stop(sequence, minutes))
    return lambda state: route.add_checkpoint(state, command)


def change(sequence: int, minutes: float, location: str | None = None) -> Any:
    command = commands.UpdateCheckpoint(route_id="r", checkpoint=stop(sequence, minutes, location))
    return lambda state: route.update_checkpoint(state, command)


def update(origin: str = "A", destination: str = "B", start: float = 0, *, moving: bool = False) -> Any:
    command = commands.UpdateRoute(
        route_id="r",
        origin=origin,
        destination=destination,
        scheduled_start_time=at(start),
        move_checkpoints=moving,
    )
    return lambda state: route.update_route(state, command)


def become(status: RouteStatus) -> Any:
    return lambda state: route.change_route_status(
        state, commands.ChangeRouteStatus(route_id="r", status=status)
    )


class TestCreating:
    def create(self, *stops: Checkpoint, origin: str = "A", destination: str = "B") -> Any:
        command = commands.CreateRoute(
            route_id="r",
            origin=origin,
            destination=destination,
            scheduled_start_time=at(0),
            checkpoints=stops,
        )
        return lambda state: route.create_route(state, command, "r")

    def test_a_new_route_is_in_planning_and_ends_when_it_starts(self) -> None:
        given().when(self.create()).then(CREATED)
        assert given(CREATED).state.status is RouteStatus.PLANNING
        assert given(CREATED).state.scheduled_end == at(0)

    def test_checkpoints_come_along_and_keep_the_rules(self) -> None:
        given().when(self.create(stop(1, 10), stop(2, 20))).then(
            CREATED, added(1, 10), added(2, 20), ends(20)
        )
        given().when(self.create(stop(2, 10), stop(1, 20))).then_refused("sequence_not_greater")
        given().when(self.create(stop(1, 20), stop(2, 10))).then_refused("checkpoint_time_out_of_order")

    def test_origin_and_destination_are_not_empty(self) -> None:
        given().when(self.create(origin=" ")).then_refused("invalid_fields")
        given().when(self.create(destination="")).then_refused("invalid_fields")

    def test_an_id_is_taken_once(self) -> None:
        assert given(CREATED).when(self.create()).then_refused("route_exists").kind == "exists"

    def test_there_is_a_most(self) -> None:
        many = [stop(number, number) for number in range(1, route.MAX_CHECKPOINTS + 2)]
        given().when(self.create(*many)).then_refused("too_many_checkpoints")


class TestCheckpoints:
    def test_the_end_follows_the_last_one(self) -> None:
        given(CREATED).when(add(1, 10)).then(added(1, 10), ends(10))
        given(*THREE).when(add(5, 50)).then(added(5, 50), ends(50))
        assert given(*THREE).state.scheduled_end == at(40)

    @pytest.mark.parametrize("sequence", [1, 3, 4])
    def test_a_new_sequence_is_greater_than_every_other(self, sequence: int) -> None:
        given(*THREE).when(add(sequence, 50)).then_refused("sequence_not_greater")

    def test_a_sequence_is_positive(self) -> None:
        given(CREATED).when(add(0, 10)).then_refused("invalid_fields")

    @pytest.mark.parametrize("minutes", [-5, 0, 30, 40])
    def test_a_new_one_is_later_than_start_and_all_others(self, minutes: float) -> None:
        given(*THREE).when(add(5, minutes)).then_refused("checkpoint_time_out_of_order")

    @pytest.mark.parametrize("minutes", [0, 10, 40, 45])
    def test_a_change_fits_strictly_between_its_neighbours(self, minutes: float) -> None:
        given(*THREE).when(change(2, minutes)).then_refused("checkpoint_time_out_of_order")

    def test_a_change_within_bounds_leaves_the_end(self) -> None:
        changed = events.CheckpointUpdated(route_id="r", sequence=2, location="Q", expected_time=at(39))
        given(*THREE).when(change(2, 39, "Q")).then(changed)

    def test_changing_the_last_one_moves_the_end(self) -> None:
        changed = events.CheckpointUpdated(route_id="r", sequence=4, location="P4", expected_time=at(60))
        given(*THREE).when(change(4, 60)).then(changed, ends(60))

    def test_the_first_one_stays_after_the_start(self) -> None:
        given(*THREE).when(change(1, 0)).then_refused("checkpoint_time_out_of_order")

    def test_changing_to_what_it_is_changes_nothing(self) -> None:
        given(*THREE).when(change(2, 20)).then_nothing()

    def test_an_unknown_one_is_not_found(self) -> None:
        assert given(*THREE).when(change(3, 30)).then_refused("checkpoint_not_found").kind == "not_found"

    def test_removing_the_last_one_moves_the_end(self) -> None:
        def remove(sequence: int) -> Any:
            command = commands.RemoveCheckpoint(route_id="r", sequence=sequence)
            return lambda state: route.remove_checkpoint(state, command)

        given(*THREE).when(remove(4)).then(events.CheckpointRemoved(route_id="r", sequence=4), ends(20))
        given(*THREE).when(remove(1)).then(events.CheckpointRemoved(route_id="r", sequence=1))
        given(*THREE).when(remove(3)).then_refused("checkpoint_not_found")
        given(CREATED, added(1, 10)).when(remove(1)).then(
            events.CheckpointRemoved(route_id="r", sequence=1), ends(0)
        )

    def test_reordering_moves_places_and_keeps_numbers_and_times(self) -> None:
        command = commands.ReorderCheckpoints(route_id="r", sequences=(2, 1, 4))
        given(*THREE).when(lambda state: route.reorder_checkpoints(state, command)).then(
            events.CheckpointUpdated(route_id="r", sequence=1, location="P2", expected_time=at(10)),
            events.CheckpointUpdated(route_id="r", sequence=2, location="P1", expected_time=at(20)),
        )
        wrong = commands.ReorderCheckpoints(route_id="r", sequences=(2, 1))
        given(*THREE).when(lambda state: route.reorder_checkpoints(state, wrong)).then_refused(
            "not_a_reordering"
        )

    @pytest.mark.parametrize("past", [ACTIVE, [*ACTIVE, became("Active", "Deactivated")]])
    def test_they_change_only_in_planning(self, past: list[Event]) -> None:
        given(*past).when(add(9, 90)).then_refused("route_not_in_planning")
        given(*past).when(change(2, 21)).then_refused("route_not_in_planning")
        remove = commands.RemoveCheckpoint(route_id="r", sequence=1)
        given(*past).when(lambda state: route.remove_checkpoint(state, remove)).then_refused(
            "route_not_in_planning"
        )
        reorder = commands.ReorderCheckpoints(route_id="r", sequences=(2, 1, 4))
        given(*past).when(lambda state: route.reorder_checkpoints(state, reorder)).then_refused(
            "route_not_in_planning"
        )


class TestDetails:
    def test_they_can_be_changed(self) -> None:
        changed = events.RouteUpdated(route_id="r", origin="X", destination="B", scheduled_start_time=at(5))
        given(*THREE).when(update(origin="X", start=5)).then(changed)
        given(*ACTIVE).when(update(origin="X", start=5)).then(changed)

    def test_without_checkpoints_the_end_moves_with_the_start(self) -> None:
        changed = events.RouteUpdated(route_id="r", origin="A", destination="B", scheduled_start_time=at(5))
        given(CREATED).when(update(start=5)).then(changed, ends(5))

    @pytest.mark.parametrize("start", [10, 15])
    def test_the_start_stays_before_the_first_checkpoint(self, start: float) -> None:
        given(*THREE).when(update(start=start)).then_refused("start_after_first_checkpoint")

    def test_the_checkpoints_move_along_as_much_as_the_start(self) -> None:
        windowed = Checkpoint(
            sequence=5, location="P5", expected_time=at(50), window_start=at(45), window_end=at(55)
        )
        past = [*THREE, events.CheckpointAdded(route_id="r", **msgspec.structs.asdict(windowed))]
        moved = given(*past).when(update(start=60, moving=True))
        names = ("RouteUpdated", *["CheckpointUpdated"] * 4, "RouteScheduledEndTimeUpdated")
        after = given(*past).after(moved.then_types(*names)).state
        assert [stop.expected_time for stop in after.checkpoints] == [at(70), at(80), at(100), at(110)]
        assert (after.checkpoints[3].window_start, after.checkpoints[3].window_end) == (at(105), at(115))
        assert after.scheduled_end == at(110)

    def test_only_while_planning_do_the_checkpoints_move(self) -> None:
        given(*ACTIVE).when(update(start=5, moving=True)).then_refused("route_not_in_planning")
        given(*ACTIVE).when(update(origin="X", moving=True)).then_types("RouteUpdated")

    def test_the_same_again_changes_nothing_even_in_use(self) -> None:
        given(*ACTIVE, used_by("x")).when(update()).then_nothing()

    def test_a_route_in_use_keeps_them_and_names_the_deliveries(self) -> None:
        given(*ACTIVE, used_by("x"), used_by("y")).when(update(start=5)).then_refused(
            "route_in_use", deliveryIds=["x", "y"]
        )
        freed = events.RouteFreed(route_id="r", delivery_id="x")
        given(*ACTIVE, used_by("x"), freed).when(update(start=5)).then_types("RouteUpdated")


class TestStatus:
    allowed = (("Planning", "Active"), ("Active", "Deactivated"), ("Deactivated", "Active"))

    @pytest.mark.parametrize("new", list(RouteStatus))
    @pytest.mark.parametrize("old", list(RouteStatus))
    def test_only_the_listed_changes_are_allowed(self, old: RouteStatus, new: RouteStatus) -> None:
        past: list[Event] = [CREATED] if old is RouteStatus.PLANNING else [CREATED, became("Planning", old)]
        decision = given(*past).when(become(new))
        if old is new:
            decision.then_nothing()
        elif (old, new) in self.allowed:
            decision.then(became(old, new))
        else:
            targets = [to for start, to in self.allowed if start == old]
            decision.then_refused("illegal_transition", allowedTransitions=targets)

    def test_a_route_in_use_is_not_deactivated(self) -> None:
        given(*ACTIVE, used_by("x")).when(become(RouteStatus.DEACTIVATED)).then_refused(
            "route_in_use", deliveryIds=["x"]
        )

    def test_an_unknown_one_is_not_found(self) -> None:
        assert given().when(become(RouteStatus.ACTIVE)).then_refused("route_not_found").kind == "not_found"


class TestUse:
    def test_only_an_active_route_is_used(self) -> None:
        given(*ACTIVE).when(lambda state: route.use_route(state, "r", "x")).then(used_by("x"))
        given(*THREE).when(lambda state: route.use_route(state, "r", "x")).then_refused("route_not_active")

    def test_freeing_what_does_not_use_it_changes_nothing(self) -> None:
        given(*ACTIVE).when(lambda state: route.free_route(state, "x")).then_nothing()

    def test_half_a_minute_matters(self) -> None:
        """Times are compared as instants, not as minutes on a clock."""
        late = Checkpoint(sequence=1, location="P1", expected_time=at(0) + timedelta(seconds=30))
        command = commands.AddCheckpoint(route_id="r", checkpoint=late)
        given(CREATED).when(lambda state: route.add_checkpoint(state, command)).then_types(
            "CheckpointAdded", "RouteScheduledEndTimeUpdated"
        )
