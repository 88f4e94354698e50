"""The demo drives along real streets."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from webapp.demo.city import DEPOTS, SPEED_MPS, load_addresses
from webapp.demo.day import plan_day
from webapp.demo.rounds import FASTEST, SLOWEST, Leg, Round
from webapp.demo.simulator import Simulator
from webapp.demo.streets import STREETS, Streets, Way, load_streets, metres, parked_at, way_between

PLACES = [address.place for address in (*DEPOTS, *load_addresses())]
PAIRS = [tuple(random.Random(number).sample(PLACES, 2)) for number in range(40)]  # noqa: S311
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
A_LITTLE_M = 0.5
FASTEST_IN_TOWN_MPS = 50 / 3.6

SQUARE = Streets(
    [(60.17, 24.94), (60.171, 24.94), (60.171, 24.942), (60.17, 24.942)],
    [(0, 1, 111.2, True), (1, 2, 110.6, False), (2, 3, 111.2, False), (3, 0, 110.6, False)],
)
"""A block; its west side may be driven to the north only."""


def test_the_file_is_small_and_says_whose_data_it_is() -> None:
    assert STREETS.stat().st_size < 500_000
    assert "© OpenStreetMap contributors" in STREETS.read_text(encoding="utf-8")


def test_every_address_is_near_a_street() -> None:
    away = sorted(parked_at(place).away_m for place in PLACES)
    assert away[len(away) // 2] < 25
    assert away[int(len(away) * 0.95)] < 100
    assert away[-1] < 250, "a few are beyond squares and parks"


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_way_follows_streets_in_their_direction(one: Any, other: Any) -> None:
    streets, way = load_streets(), way_between(one, other)
    assert (way.places[0], way.places[-1]) == (parked_at(one).place, parked_at(other).place)
    number = {place: index for index, place in enumerate(streets.nodes)}
    driven = {(a, b) for a, b, _, _ in streets.edges} | {
        (b, a) for a, b, _, is_oneway in streets.edges if not is_oneway
    }
    inner = [number[place] for place in way.places[1:-1]]
    assert set(pairwise(inner)) <= driven
    for place, node in ((way.places[0], inner[0]), (way.places[-1], inner[-1])) if inner else ():
        ends = {(a, b) for a, b, _, _ in streets.edges if node in (a, b)}
        assert any(is_between(place, streets.nodes[a], streets.nodes[b]) for a, b in ends)


def is_between(place: Any, one: Any, other: Any) -> bool:
    return abs(metres(one, place) + metres(place, other) - metres(one, other)) < A_LITTLE_M


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_way_is_no_shorter_than_the_birds_and_not_absurdly_longer(one: Any, other: Any) -> None:
    length, by_air = way_between(one, other).metres, metres(parked_at(one).place, parked_at(other).place)
    assert by_air - A_LITTLE_M <= length < 4 * by_air + 900


def test_a_one_way_street_is_driven_round() -> None:
    south, north = SQUARE.nearest((60.1702, 24.9399)), SQUARE.nearest((60.1708, 24.9399))
    assert SQUARE.way(south, north).metres == pytest.approx(66.7, abs=1)
    back = SQUARE.way(north, south)
    assert back.places == (north.place, *SQUARE.nodes[1:], SQUARE.nodes[0], south.place)


def test_of_two_ways_the_shorter_is_taken() -> None:
    east = SQUARE.nearest((60.1706, 24.9421))
    south = SQUARE.nearest((60.1699, 24.9415))
    assert SQUARE.way(east, south).places == (east.place, SQUARE.nodes[3], south.place)


def test_one_gets_on_evenly_and_looks_ahead() -> None:
    way = Way(((60.17, 24.94), (60.171, 24.94), (60.171, 24.942)))
    assert way.at(0.0) == ((60.17, 24.94), 0.0)
    assert way.at(1.0) == ((60.171, 24.942), 90.0)
    places = [way.at(part / 20)[0] for part in range(21)]
    steps = [metres(one, other) for one, other in pairwise(places)]
    assert max(steps) == pytest.approx(way.metres / 20, rel=0.01)
    assert way.at(-1)[0] == way.places[0]
    assert Way((way.places[0],) * 2).at(0.5)[0] == way.places[0]


class Listener:
    """In the place of the API: it notes where drivers are reported to be."""

    def __init__(self) -> None:
        self.fixes: list[dict[str, Any]] = []

    def call(self, _method: str, path: str, body: Any = None, _command_id: str | None = None) -> Any:
        if path.endswith("/location"):
            self.fixes.append(body)
        return {"id": "some"}


def drive(start: Any, place: Any) -> list[dict[str, Any]]:
    """All fixes of one leg, at the pace of the demo's plan at speed 1."""
    planned = timedelta(seconds=max(60.0, way_between(start, place).metres / SPEED_MPS))
    leg = Leg(1, "There", NOW + planned, planned, timedelta(0), start, place, None)
    one = Round("a", "r", "InTransit", 3, "driver", "vehicle", NOW, (leg,), ())
    listener = Listener()
    simulator = Simulator(listener, 1.0, random.Random(1))  # type: ignore[arg-type]  # noqa: S311
    for seconds in range(0, int((planned * SLOWEST).total_seconds()) + 3, 3):
        simulator._drive(one, NOW + timedelta(seconds=seconds))
    return listener.fixes


@pytest.mark.parametrize(("start", "place"), PAIRS[:8])
def test_a_driver_stays_on_the_street_at_a_plausible_speed(start: Any, place: Any) -> None:
    fixes = drive(start, place)
    places = [(fix["latitude"], fix["longitude"]) for fix in fixes]
    assert metres(places[0], parked_at(start).place) < 5
    assert metres(places[-1], parked_at(place).place) < 5
    assert max(load_streets().nearest(one).away_m for one in places) < 5
    moving = [fix for fix in fixes if fix["speed"] > 0]
    assert moving
    for fix in moving:
        assert SPEED_MPS / SLOWEST / 3 < fix["speed"] <= SPEED_MPS / FASTEST + 0.1 < FASTEST_IN_TOWN_MPS
        assert 0 <= fix["heading"] <= 360
        assert fix["accuracy"] > 0
    for earlier, later in pairwise(places):
        assert metres(earlier, later) < 3 * FASTEST_IN_TOWN_MPS
    assert "heading" not in fixes[-1], "a parked phone knows none"


def test_the_plan_leaves_time_for_the_way_by_street() -> None:
    for tour in plan_day(NOW):
        places, at = (
            [tour.depot, *(stop.address for stop in tour.stops)],
            [tour.start, *(s.expected for s in tour.stops)],
        )
        for one, other, left, arrives in zip(places, places[1:], at, at[1:], strict=False):
            seconds = (arrives - left).total_seconds()
            assert way_between(one.place, other.place).metres / seconds < 2 * SPEED_MPS
