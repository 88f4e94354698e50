"""The embedded store of positions keeps the contract, and its file stays small."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backend_services.fleet.positions import Positions
from backend_services.fleet.sqlite_positions import PRUNE_EVERY, SqlitePositions
from eventstore.ports import StoreUnavailable
from tests.backend_services.fleet.positions_contract import KEPT, NOW, PositionsContract, fix


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "positions.db"


@pytest.fixture
def opened(path: Path) -> Iterator[SqlitePositions]:
    store = SqlitePositions(path, KEPT, lambda: NOW)
    yield store
    store.close()


class TestSqliteContract(PositionsContract):
    @pytest.fixture
    def positions(self, opened: SqlitePositions) -> Positions:
        return opened

    @pytest.fixture
    def reopen(self, opened: SqlitePositions, path: Path) -> Callable[[], Positions]:
        def again() -> Positions:
            opened.close()
            return SqlitePositions(path, KEPT, lambda: NOW)

        return again


def test_what_is_too_old_leaves_the_file(path: Path) -> None:
    now: list[datetime] = [NOW]
    store = SqlitePositions(path, KEPT, lambda: now[0])
    store.report("gone home", [fix(10), fix(20)])
    store.report("still there", [fix(10), fix(20)])
    now[0] = NOW + KEPT - timedelta(seconds=15)
    store.report("still there", [])
    assert rows(path) == [("gone home", 2), ("still there", 1)]
    now[0] = NOW + KEPT + PRUNE_EVERY
    store.report("still there", [fix(-1000)])
    store.close()
    assert rows(path) == [("still there", 1)]


def test_a_file_that_is_no_database_is_a_store_that_is_away(path: Path) -> None:
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 50)
    with pytest.raises(StoreUnavailable):
        SqlitePositions(path, KEPT, lambda: NOW).report("a", [fix(1)])


def rows(path: Path) -> list[tuple[str, int]]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.execute("SELECT driver, count(*) FROM trail GROUP BY driver ORDER BY driver"))
    finally:
        connection.close()
