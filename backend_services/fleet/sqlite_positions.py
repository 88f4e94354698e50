"""Positions in an SQLite file of their own, for one process."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backend_services.fleet.positions import Fix, Nearby, kept_since, nearest, thin, whole_ms
from eventstore.ports import StoreUnavailable

PRUNE_EVERY = timedelta(minutes=10)
TABLES = """
CREATE TABLE IF NOT EXISTS trail (
  driver TEXT NOT NULL, at INTEGER NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL,
  accuracy REAL, speed REAL, heading REAL, PRIMARY KEY (driver, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS newest (
  driver TEXT PRIMARY KEY, at INTEGER NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL,
  accuracy REAL, speed REAL, heading REAL
) WITHOUT ROWID;
"""
KEEP = """
INSERT OR IGNORE INTO trail (driver, at, latitude, longitude, accuracy, speed, heading) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
KEEP_NEWER = """
INSERT INTO newest (driver, at, latitude, longitude, accuracy, speed, heading) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (driver) DO UPDATE SET at = excluded.at, latitude = excluded.latitude, longitude = excluded.longitude,
  accuracy = excluded.accuracy, speed = excluded.speed, heading = excluded.heading
WHERE excluded.at > newest.at
"""
FORGET_TRAILS = "DELETE FROM trail WHERE driver IN (SELECT driver FROM newest WHERE at < ?)"
FIND = "SELECT * FROM newest WHERE driver = ? AND at >= ?"
NEWEST = "SELECT * FROM newest WHERE at >= ?"
TRAIL = "SELECT * FROM trail WHERE driver = ? AND at BETWEEN ? AND ? ORDER BY at"


class SqlitePositions:
    """`Positions` in a file. `clock` tells the instant (aware) by which old ones are deleted.

    One connection writes and one reads, each for one thread at a time: a statement takes far less than a request.
    What was reported survives the process, but not always a loss of power, which a position isn't worth a sync.
    """

    def __init__(self, path: Path, kept: timedelta, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._kept = kept
        self._clock = clock
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._prune_at: datetime | None = None

    def report(self, driver_id: str, fixes: Sequence[Fix]) -> None:
        now = self._clock()
        oldest = kept_since(now, self._kept)
        rows = sorted(row for row in (_row(driver_id, fix) for fix in fixes) if row[1] >= oldest)
        with self._write() as write:
            write.execute("DELETE FROM trail WHERE driver = ? AND at < ?", (driver_id, oldest))
            if self._prune_at is None or now >= self._prune_at:
                write.execute(FORGET_TRAILS, (oldest,))
                write.execute("DELETE FROM newest WHERE at < ?", (oldest,))
                self._prune_at = now + PRUNE_EVERY
            write.executemany(KEEP, rows)
            if rows:
                write.execute(KEEP_NEWER, rows[-1])

    def find(self, driver_id: str, now: datetime) -> Fix | None:
        rows = self._read(FIND, driver_id, kept_since(now, self._kept))
        return _fix(rows[0]) if rows else None

    def newest(self, now: datetime) -> dict[str, Fix]:
        rows = self._read(NEWEST, kept_since(now, self._kept))
        return {row[0]: _fix(row) for row in rows}

    def trail(self, driver_id: str, since: datetime, until: datetime, limit: int) -> list[Fix]:
        oldest = max(whole_ms(since), kept_since(self._clock(), self._kept))
        rows = self._read(TRAIL, driver_id, oldest, whole_ms(until))
        return thin([_fix(row) for row in rows], limit)

    def near(
        self, latitude: float, longitude: float, radius_m: float, limit: int, now: datetime
    ) -> list[Nearby]:
        return nearest(self.newest(now).items(), latitude, longitude, radius_m, limit)

    def forget(self, driver_id: str) -> None:
        with self._write() as write:
            write.execute("DELETE FROM trail WHERE driver = ?", (driver_id,))
            write.execute("DELETE FROM newest WHERE driver = ?", (driver_id,))

    def close(self) -> None:
        """Close the file. The next call opens it again."""
        with self._writing, self._reading:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._writer = self._reader = None

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._writing, _wrapped():
            if self._writer is None:
                self._writer = self._open()
                self._writer.executescript(TABLES)
            with self._writer:
                yield self._writer

    def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        if self._writer is None:  # it makes the tables
            with self._write():
                pass
        with self._reading, _wrapped():
            if self._reader is None:
                self._reader = self._open()
            return self._reader.execute(query, values).fetchall()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5.0, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the file of positions can't be used: {error}") from error


def _row(driver_id: str, fix: Fix) -> tuple[Any, ...]:
    at = whole_ms(fix.recorded_at)
    return driver_id, at, fix.latitude, fix.longitude, fix.accuracy_m, fix.speed_mps, fix.heading_deg


def _fix(row: tuple[Any, ...]) -> Fix:
    _driver, at, latitude, longitude, accuracy, speed, heading = row
    recorded_at = datetime.fromtimestamp(at // 1000, UTC) + timedelta(milliseconds=at % 1000)
    return Fix(latitude, longitude, recorded_at, accuracy, speed, heading)
