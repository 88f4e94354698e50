"""Nobody is booked twice, whatever the moment at which a process is stopped; and the harness would notice."""

import pytest

from tests.eventstore.race import race


@pytest.fixture(params=["sqlite", "mongodb"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Where the race is run; None for a file of its own."""
    return None if request.param == "sqlite" else request.getfixturevalue("mongo_url")


def test_no_driver_is_booked_twice(store_url: str | None) -> None:
    figures = race(seed=1, workers=4, seconds=3, store_url=store_url)
    assert figures.overlaps == 0
    assert figures.stops > 3
    assert figures.conflicts > 10
    assert figures.commits > 100


def test_the_planted_bug_is_caught(store_url: str | None) -> None:
    """On a busy machine one short race may go well by luck; four in a row don't."""
    races = (
        race(seed=seed, workers=4, seconds=3, plant="no-version-check", store_url=store_url)
        for seed in (2, 3, 4, 5)
    )
    assert any(figures.overlaps for figures in races)
