"""What every `Positions` keeps (backend_services/fleet/positions.py). A store joins by a subclass with its fixture."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backend_services.fleet.positions import Fix, Positions, distance_m

NOW = datetime.now(UTC).replace(microsecond=789_000)
"""The stores' clock; a real one, because MongoDB forgets by its own."""
KEPT = timedelta(hours=24)
DEGREE_M = 111_195.0
HERE = (60.17, 24.94)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def fix(seconds_ago: float, metres_north: float = 0.0) -> Fix:
    """A fix some metres north of here."""
    return Fix(HERE[0] + metres_north / DEGREE_M, HERE[1], ago(seconds_ago), 5.0, 4.5, 359.5)


class PositionsContract:
    """Tests of the contract; `positions` is empty, its clock says NOW; `reopen` closes it and opens it again."""

    @pytest.fixture
    def positions(self) -> Positions:
        raise NotImplementedError

    @pytest.fixture
    def reopen(self) -> Callable[[], Positions]:
        raise NotImplementedError

    def test_a_fix_is_found_as_it_was_reported(self, positions: Positions) -> None:
        whole, bare = fix(3), Fix(-33.8568, 151.2153, ago(2))
        positions.report("a", [whole])
        positions.report("b", [bare])
        assert positions.find("a", NOW) == whole
        assert positions.find("b", NOW) == bare
        assert positions.newest(NOW) == {"a": whole, "b": bare}
        assert positions.find("c", NOW) is None

    def test_the_newest_by_its_own_time_wins_whatever_the_order(self, positions: Positions) -> None:
        positions.report("a", [fix(10), fix(5), fix(20)])
        assert positions.find("a", NOW) == fix(5)
        positions.report("a", [fix(8), fix(60)])
        assert positions.find("a", NOW) == fix(5)
        positions.report("a", [fix(-60)])
        assert positions.find("a", NOW) == fix(-60), "a phone's clock may be a minute ahead"

    def test_many_reporting_at_once_leave_the_newest(self, positions: Positions) -> None:
        order = [(number * 7) % 40 for number in range(40)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda ago_s: positions.report("a", [fix(ago_s, 20.0 * ago_s)]), order))
        assert positions.find("a", NOW) == fix(0)
        assert len(positions.trail("a", ago(100), NOW, 100)) == 40

    def test_a_trail_is_in_order_and_within_its_bounds(self, positions: Positions) -> None:
        positions.report("a", [fix(30, 300), fix(10, 100), fix(50, 500)])
        positions.report("a", [fix(40, 400), fix(20, 200)])
        positions.report("b", [fix(30, 900)])
        whole = positions.trail("a", ago(60), NOW, 100)
        assert whole == [fix(50, 500), fix(40, 400), fix(30, 300), fix(20, 200), fix(10, 100)]
        assert positions.trail("a", ago(40), ago(20), 100) == whole[1:4]
        assert positions.trail("c", ago(60), NOW, 100) == []

    def test_a_batch_that_is_sent_again_changes_nothing(self, positions: Positions) -> None:
        batch = [fix(seconds, 30.0 * seconds) for seconds in range(5)]
        positions.report("a", batch)
        positions.report("a", batch)
        assert positions.trail("a", ago(60), NOW, 100) == batch[::-1]

    def test_a_long_trail_is_thinned_evenly_and_keeps_its_ends(self, positions: Positions) -> None:
        positions.report("a", [fix(seconds, 20.0 * seconds) for seconds in range(400)])
        trail = positions.trail("a", ago(500), NOW, 21)
        assert len(trail) == 21
        assert (trail[0], trail[-1]) == (fix(399, 7980), fix(0))
        steps = {
            round((later.recorded_at - one.recorded_at).total_seconds()) for one, later in pairwise(trail)
        }
        assert steps <= {19, 20}

    def test_a_driver_who_stands_still_is_a_point_of_the_trail_not_a_heap(self, positions: Positions) -> None:
        standing = [fix(300 - seconds, math.sin(seconds) * 3) for seconds in range(200)]
        positions.report("a", [fix(400, -200), *standing, fix(50, 200)])
        assert len(positions.trail("a", ago(500), NOW, 100)) <= 4

    def test_the_nearest_drivers_come_first(self, positions: Positions) -> None:
        for metres in (900, 100, 500, 1500):
            positions.report(f"at {metres}", [fix(9_000, 0), fix(5, metres)])
        found = positions.near(*HERE, 1000, 10, NOW)
        assert [one.driver_id for one in found] == ["at 100", "at 500", "at 900"]
        assert [round(one.distance_m) for one in found] == [100, 500, 900]
        assert found[0].fix == fix(5, 100)
        assert [one.driver_id for one in positions.near(*HERE, 1000, 2, NOW)] == ["at 100", "at 500"]
        assert positions.near(*HERE, 50, 10, NOW) == []

    @pytest.mark.parametrize("place", [(0.0, 179.9999), (-16.8, -180.0), (90.0, 10.0), (-89.9, -120.0)])
    def test_near_works_at_the_ends_of_the_map(
        self, positions: Positions, place: tuple[float, float]
    ) -> None:
        latitude, longitude = place
        other = Fix(latitude, (longitude + 180.0004) % 360 - 180, ago(5))
        positions.report("a", [other])
        found = positions.near(latitude, longitude, 100, 10, NOW)
        assert [one.driver_id for one in found] == ["a"]
        assert found[0].distance_m == pytest.approx(distance_m(latitude, longitude, other), abs=0.01)

    def test_after_the_limit_a_fix_is_forgotten_everywhere(self, positions: Positions) -> None:
        day = KEPT.total_seconds()
        positions.report("a", [fix(day + 60), fix(day - 60, 500)])
        positions.report("b", [fix(day + 1)])
        assert positions.find("a", NOW) == fix(day - 60, 500)
        assert positions.trail("a", ago(2 * day), NOW, 100) == [fix(day - 60, 500)]
        assert positions.find("b", NOW) is None
        later = NOW + timedelta(minutes=2)
        assert positions.find("a", later) is None
        assert positions.newest(later) == {}
        assert positions.near(*HERE, 10_000, 10, later) == []

    def test_a_forgotten_driver_leaves_nothing(self, positions: Positions) -> None:
        for driver in ("a", "b"):
            positions.report(driver, [fix(20, 100), fix(10)])
        positions.forget("a")
        positions.forget("unknown")
        assert positions.find("a", NOW) is None
        assert positions.trail("a", ago(60), NOW, 10) == []
        assert [one.driver_id for one in positions.near(*HERE, 1000, 10, NOW)] == ["b"]
        positions.report("a", [fix(30)])
        assert positions.find("a", NOW) == fix(30)

    def test_a_restart_keeps_them(self, positions: Positions, reopen: Callable[[], Positions]) -> None:
        positions.report("a", [fix(20, 100), fix(10)])
        again = reopen()
        assert again.find("a", NOW) == fix(10)
        assert again.trail("a", ago(60), NOW, 10) == [fix(20, 100), fix(10)]
