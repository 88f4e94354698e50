"""The plan of a demo day, without a server."""

import csv
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from webapp.demo.city import ADDRESSES, distance_m
from webapp.demo.day import DRIVERS, VEHICLES, Tour, demo_id, driver_id, is_demo_id, plan_day, vehicle_id

MORNING = datetime(2026, 3, 2, 7, 40, tzinfo=UTC)
SHORTEST_BOOKING = timedelta(minutes=30)
ANCHORS = [MORNING + timedelta(days=days, hours=5 * days) for days in range(8)]


def test_the_same_instant_gives_the_same_day() -> None:
    assert plan_day(MORNING) == plan_day(MORNING)


def test_another_day_has_other_tours_of_the_same_fleet() -> None:
    today, tomorrow = plan_day(MORNING), plan_day(MORNING + timedelta(days=1))
    assert not {tour.route_id for tour in today} & {tour.route_id for tour in tomorrow}
    assert [tour.driver_id for tour in today] == [tour.driver_id for tour in tomorrow]
    assert [tour.stops[0].address for tour in today] != [tour.stops[0].address for tour in tomorrow]


def test_a_day_has_about_twelve_routes_with_about_sixty_checkpoints() -> None:
    tours = plan_day(MORNING)
    assert 11 <= len(tours) <= 14
    assert 55 <= sum(len(tour.stops) for tour in tours) <= 70
    assert len(DRIVERS) == len(VEHICLES) == 8


def test_some_deliveries_wait_for_a_driver_or_vehicle() -> None:
    waiting = [tour for tour in plan_day(MORNING) if tour.fate == "waiting"]
    assert 1 <= sum(tour.driver_id is None or tour.vehicle_id is None for tour in waiting) <= 2


@pytest.mark.parametrize("anchor", ANCHORS)
def test_times_obey_the_rules_of_routes(anchor: datetime) -> None:
    for tour in plan_day(anchor):
        times = [tour.start, *(stop.expected for stop in tour.stops)]
        assert all(earlier < later for earlier, later in pairwise(times)), tour
        assert all(time.second == time.microsecond == 0 and time.tzinfo is not None for time in times)
        assert [stop.sequence for stop in tour.stops] == list(range(1, len(tour.stops) + 1))


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("speed", [0.5, 1.0, 20.0])
def test_nobody_is_booked_twice(anchor: datetime, speed: float) -> None:
    bookings: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for tour in plan_day(anchor, speed):
        if tour.fate == "planning":
            continue
        end = max(tour.stops[-1].expected, tour.start + SHORTEST_BOOKING)
        for booked in (tour.driver_id, tour.vehicle_id):
            if booked is not None:
                bookings[booked].append((tour.start, end))
    for times in bookings.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(times)))


@pytest.mark.parametrize("anchor", ANCHORS)
def test_what_is_over_lies_before_now_and_what_waits_after_it(anchor: datetime) -> None:
    for tour in plan_day(anchor):
        if tour.fate in ("delivered", "failed"):
            assert tour.stops[-1].expected < anchor - timedelta(minutes=30)
        elif tour.fate in ("running", "arriving"):
            assert tour.start < anchor
        else:
            assert tour.start > anchor


def test_stops_are_real_addresses() -> None:
    with ADDRESSES.open(newline="", encoding="utf-8") as file:
        real = {
            (f"{row['street']} {row['housenumber']}", float(row["latitude"]), float(row["longitude"]))
            for row in csv.DictReader(file)
        }
    for tour in plan_day(MORNING):
        for stop in tour.stops:
            assert (stop.address.text, stop.address.latitude, stop.address.longitude) in real


def test_a_round_stays_in_its_neighbourhood_and_visits_each_building_once() -> None:
    for tour in plan_day(MORNING):
        places = [stop.address for stop in tour.stops]
        assert len({place.text for place in places}) == len(places)
        assert all(distance_m(one, other) < 900 for one, other in pairwise(places))
        assert shorter_than_at_random(tour)


def shorter_than_at_random(tour: Tour) -> bool:
    """Whether the round is no longer than the same stops in the order of their names."""
    planned = [tour.depot, *(stop.address for stop in tour.stops)]
    by_name = [tour.depot, *sorted(planned[1:], key=lambda address: address.text)]
    length = sum(distance_m(one, other) for one, other in pairwise(planned))
    return length <= sum(distance_m(one, other) for one, other in pairwise(by_name)) * 1.25


def test_ids_of_the_demo_are_known_by_their_look() -> None:
    assert is_demo_id(demo_id("anything"))
    assert not is_demo_id("0198c0de-0000-7000-8000-000000000000")
    ids = [driver_id(number) for number in range(8)] + [vehicle_id(number) for number in range(8)]
    assert len(set(ids)) == 16
