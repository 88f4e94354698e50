"""SQLite keeps the contract, groups commits, and says so when it can't write."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eventstore.factory import open_event_store
from eventstore.group_commit import GroupCommit
from eventstore.ports import EventStore, SlotTaken, StoreUnavailable
from eventstore.records import Commit
from tests.eventstore.contract import EventStoreContract
from tests.eventstore.samples import commit_of


class TestSqliteContract(EventStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, opened: list[EventStore]) -> EventStore:
        opened.append(open_event_store(f"sqlite:///{tmp_path}/events.db"))
        return opened[-1]

    @pytest.fixture
    def reopen(self, tmp_path: Path, opened: list[EventStore]) -> Callable[[], EventStore]:
        def again() -> EventStore:
            opened.pop().close()
            opened.append(open_event_store(f"sqlite:///{tmp_path}/events.db"))
            return opened[-1]

        return again


def test_commits_that_wait_are_written_together() -> None:
    """While one group is being written the next one forms; nobody waits for a timer."""
    release, groups = threading.Event(), []

    def write_together(commits: list[Commit]) -> list[Commit | Exception]:
        groups.append(len(commits))
        assert release.wait(10)
        return list(commits)

    writer = GroupCommit(write_together)
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(writer.submit, commit_of(("a", 1)))
        while not groups:
            pass
        rest = [pool.submit(writer.submit, commit_of((f"s{number}", 1))) for number in range(19)]
        while writer._waiting.qsize() < 19:
            pass
        release.set()
        assert first.result(10)
        assert all(future.result(10) for future in rest)
    assert groups == [1, 19]
    writer.close()
    with pytest.raises(StoreUnavailable):
        writer.submit(commit_of(("b", 1)))


def test_a_bad_commit_in_a_group_fails_alone(tmp_path: Path) -> None:
    store = open_event_store(f"sqlite:///{tmp_path}/events.db")
    store.append(commit_of(("taken", 1)))
    commits = [commit_of((f"s{number}", 1)) for number in range(20)]
    commits[7] = commit_of(("fresh", 1), ("taken", 1))

    def append(commit: Commit) -> bool:
        try:
            store.append(commit)
        except SlotTaken:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert [index for index, stored in enumerate(pool.map(append, commits)) if not stored] == [7]
    assert store.read_stream("fresh") == []
    assert store.head() == 20
    store.close()


def test_a_file_that_is_no_database_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"this is not a database, whatever it is" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_event_store(f"sqlite:///{tmp_path}/events.db")


def test_a_writer_locked_out_answers_unavailable_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.sqlite.BUSY_TIMEOUT_MS", 100)
    store = open_event_store(f"sqlite:///{tmp_path}/events.db")
    other = sqlite3.connect(tmp_path / "events.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="can't write"):
        store.append(commit_of(("a", 1)))
    other.execute("ROLLBACK")
    other.close()
    assert store.append(commit_of(("a", 1))).last_position == 1
    store.close()


FULL_DISK = """
import resource, signal, sys
from eventstore.factory import open_event_store
from eventstore.ports import ResultUnknown, StoreUnavailable
from tests.eventstore.samples import commit_of
store = open_event_store("sqlite:///" + sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
version, failures = 0, 0
while failures < 3:
    try:
        store.append(commit_of(("a", version + 1), data={"amount": 1, "text": "x" * 5_000}))
        version += 1
    except (StoreUnavailable, ResultUnknown):
        failures += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
while True:
    try:
        version = max([event.version for event in store.read_stream("a")], default=0)
        store.append(commit_of(("a", version + 1)))
        break
    except (StoreUnavailable, ResultUnknown):
        pass
print(version + 1)
"""


def test_a_full_disk_is_an_error_and_never_a_phantom(tmp_path: Path) -> None:
    """The file may not grow: appends fail, nothing that was acknowledged is lost, and it goes on when it may again."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    path = tmp_path / "events.db"
    child = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert child.returncode == 0, child.stderr
    acknowledged = int(child.stdout)
    assert acknowledged > 3
    store = open_event_store(f"sqlite:///{path}")
    assert [event.version for event in store.read_stream("a")] == list(range(1, acknowledged + 1))
    store.close()


APPEND_FOR_EVER = """
import sys
from eventstore.factory import open_event_store
from tests.eventstore.samples import commit_of
store = open_event_store("sqlite:///" + sys.argv[1])
version = max([event.version for event in store.read_stream("a")], default=0)
while True:
    version += 1
    store.append(commit_of(("a", version), ("b", version), command_id=f"c{version}"))
    print(version, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", APPEND_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(60)]
            os.kill(child.pid, signal.SIGKILL)
            lines += child.stdout.readlines()
        acknowledged = max(int(line) for line in lines if line.endswith("\n"))
        store = open_event_store(f"sqlite:///{path}")
        versions = [event.version for event in store.read_stream("a")]
        assert versions == list(range(1, len(versions) + 1))
        assert len(versions) >= acknowledged
        assert len(store.read_stream("b")) == len(versions)
        assert store.head() == 2 * len(versions)
        store.close()
