"""The event store in one SQLite file: WAL, synchronous=FULL, one transaction for all commits that wait together."""

import json
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from uuid6 import uuid7

from eventstore.group_commit import GroupCommit
from eventstore.ports import ResultUnknown, SlotTaken, StoreUnavailable
from eventstore.records import Commit, RecordedEvent, by_stream

BUSY_TIMEOUT_MS = 5_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS commits (
    commit_no      INTEGER PRIMARY KEY,
    commit_id      TEXT NOT NULL UNIQUE,
    first_position INTEGER UNIQUE,
    last_position  INTEGER UNIQUE,
    document       BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS slots (
    name      TEXT NOT NULL,
    version   INTEGER NOT NULL,
    commit_no INTEGER NOT NULL REFERENCES commits,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Commit)


class SqliteEventStore:
    """`EventStore` over one SQLite file. Several threads may use it; several processes may too, but then
    `wait_for_events` sees the others' commits only at its time-out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open_connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._appended = threading.Condition()
        with _wrapped():
            self.store_id = self._prepare()
        self._writer = GroupCommit(self._append_together)

    def append(self, commit: Commit) -> Commit:
        positioned = self._writer.submit(commit)
        if positioned.last_position is not None:
            with self._appended:
                self._appended.notify_all()
        return positioned

    def find_command(self, command_id: str, within_s: float | None = None) -> Commit | None:
        with _wrapped():
            row = (
                self._connection()
                .execute(
                    "SELECT document, first_position FROM slots JOIN commits USING (commit_no)"
                    " WHERE name = ? AND version = 0",
                    (f"cmd:{command_id}",),
                )
                .fetchone()
            )
        return _commit(*row) if row else None

    def read_stream(self, stream: str, after_version: int = 0) -> list[RecordedEvent]:
        with _wrapped():
            rows = (
                self._connection()
                .execute(
                    "SELECT DISTINCT commit_no, document, first_position"
                    " FROM slots JOIN commits USING (commit_no)"
                    " WHERE name = ? AND version > ? ORDER BY commit_no",
                    (stream, after_version),
                )
                .fetchall()
            )
        return [
            event
            for _, document, first_position in rows
            for event in _commit(document, first_position).events
            if event.stream == stream and event.version > after_version
        ]

    def read_streams(self, streams: Collection[str]) -> dict[str, list[RecordedEvent]]:
        wanted = set(streams)
        with _wrapped():
            rows = self._connection().execute(
                "SELECT document, first_position FROM commits WHERE commit_no IN"
                " (SELECT commit_no FROM slots WHERE name IN (SELECT value FROM json_each(?)))"
                " ORDER BY commit_no",
                (json.dumps(sorted(wanted)),),
            )
            events = [event for row in rows for event in _commit(*row).events if event.stream in wanted]
        return by_stream(events)

    def read_events(self, after_position: int, limit: int) -> list[RecordedEvent]:
        with _wrapped():
            rows = self._connection().execute(
                "SELECT document, first_position FROM commits"
                " WHERE last_position > ? AND first_position <= ? ORDER BY first_position",
                (after_position, after_position + limit),
            )
            events = [
                event
                for document, first_position in rows
                for event in _commit(document, first_position).events
                if event.log_position > after_position
            ]
        return events[:limit]

    def head(self) -> int:
        with _wrapped():
            row = self._connection().execute("SELECT max(last_position) FROM commits").fetchone()
        return row[0] or 0

    def wait_for_events(self, after_position: int, timeout_s: float) -> None:
        bound = time.monotonic() + timeout_s
        with self._appended:
            while self.head() <= after_position and (left := bound - time.monotonic()) > 0:
                self._appended.wait(left)

    def close(self) -> None:
        """Finish what waits to be written and close every connection; the store can't be used afterwards."""
        self._writer.close()
        with self._guard:
            for connection in self._open_connections:
                connection.close()
            self._open_connections.clear()

    def _prepare(self) -> str:
        connection = self._connection()
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise StoreUnavailable(
                f"{self._path} can't be put into WAL mode; is it on a network file system?"
            )
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO about VALUES ('store_id', ?)", (str(uuid7()),))
        row = connection.execute("SELECT value FROM about WHERE key = 'store_id'").fetchone()
        return str(row[0])

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # check_same_thread is off only so that close() may close the connections of all threads.
            connection = sqlite3.connect(
                self._path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
            with self._guard:
                self._open_connections.append(connection)
        return connection

    def _append_together(self, commits: list[Commit]) -> list[Commit | Exception]:
        """Store the commits in one transaction; a commit whose slot is taken fails alone."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            position = self.head()
            results: list[Commit | Exception] = []
            for commit in commits:
                placed = _placed(commit, position)
                try:
                    self._insert(connection, placed)
                except SlotTaken as taken:
                    results.append(taken)
                else:
                    position = placed.last_position or position
                    results.append(placed)
        except sqlite3.Error as error:
            _roll_back(connection)
            return [StoreUnavailable(f"the event store can't write: {error}")] * len(commits)
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            # The frames may be in the write-ahead log though syncing them failed: nobody knows until a restart.
            _roll_back(connection)
            unknown = ResultUnknown(f"the event store failed while committing: {error}")
            return [result if isinstance(result, SlotTaken) else unknown for result in results]
        return results

    def _insert(self, connection: sqlite3.Connection, commit: Commit) -> None:
        connection.execute("SAVEPOINT one_commit")
        try:
            cursor = connection.execute(
                "INSERT INTO commits (commit_id, first_position, last_position, document) VALUES (?, ?, ?, ?)",
                (
                    commit.id,
                    commit.events[0].log_position if commit.events else None,
                    commit.last_position,
                    _encoder.encode(commit),
                ),
            )
            connection.executemany(
                "INSERT INTO slots (name, version, commit_no) VALUES (?, ?, ?)",
                [(name, version, cursor.lastrowid) for name, version in commit.slots],
            )
        except sqlite3.IntegrityError as error:
            connection.execute("ROLLBACK TO one_commit")
            raise SlotTaken(str(error)) from error
        finally:
            connection.execute("RELEASE one_commit")


def _placed(commit: Commit, after: int) -> Commit:
    events = tuple(
        msgspec.structs.replace(event, log_position=after + number)
        for number, event in enumerate(commit.events, start=1)
    )
    return msgspec.structs.replace(commit, events=events)


def _commit(document: bytes, first_position: int | None) -> Commit:
    commit = _decoder.decode(document)
    if commit.events and commit.events[0].log_position != first_position:
        raise StoreUnavailable(f"commit {commit.id} is damaged: its position differs from its row's")
    return commit


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with _wrapped():
            connection.execute("ROLLBACK")


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the event store can't be used: {error}") from error
