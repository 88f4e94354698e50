"""Nobody is booked twice, whatever the moment at which a process is stopped; and the harness would notice."""

from tests.eventstore.race import race


def test_no_driver_is_booked_twice() -> None:
    figures = race(seed=1, workers=4, seconds=4)
    assert figures.overlaps == 0
    assert figures.stops > 3
    assert figures.conflicts > 10
    assert figures.commits > 100


def test_the_planted_bug_is_caught() -> None:
    figures = race(seed=2, workers=4, seconds=4, plant="no-version-check")
    assert figures.stops > 3
    assert figures.overlaps > 0
