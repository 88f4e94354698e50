"""Rows and checkpoint move together; nothing is skipped and nothing is applied twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from eventstore.codec import Event
from eventstore.factory import open_event_store
from eventstore.ports import EventStore
from eventstore.projections import Checkpoint, ConsumerRunner, WrongLog
from eventstore.records import RecordedEvent
from ops.processes import wait_until
from tests.eventstore.samples import CODEC, add, executor


class Rows(DeclarativeBase):
    pass


class Total(Rows):
    __tablename__ = "totals"

    stream: Mapped[str] = mapped_column(primary_key=True)
    total: Mapped[int]


class Totals:
    """Adds up; fails at the event that makes a total equal `poison`."""

    name = "totals"
    event_types: ClassVar[frozenset[str]] = frozenset({"Added"})
    poison: int | None = None

    def apply(self, session: Session, recorded: RecordedEvent, event: Event) -> None:
        row = session.get(Total, recorded.stream) or Total(stream=recorded.stream, total=0)
        row.total += event.amount  # type: ignore[attr-defined]
        session.add(row)
        session.flush()
        if row.total == self.poison:
            raise RuntimeError("this event can't be applied")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = open_event_store(f"sqlite:///{tmp_path}/events.db")
    yield opened
    opened.close()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = create_engine(f"sqlite:///{tmp_path}/rows.db")
    Rows.metadata.create_all(made)
    return made


def totals(engine: Engine) -> dict[str, int]:
    with Session(engine) as session:
        return dict(session.execute(select(Total.stream, Total.total)).all())


def runner_of(store: EventStore, engine: Engine, consumer: Totals | None = None) -> ConsumerRunner:
    runner = ConsumerRunner(store, CODEC, engine, [consumer or Totals()])
    runner.prepare()
    return runner


def test_a_restarted_runner_goes_on_at_its_checkpoint(store: EventStore, engine: Engine) -> None:
    for _ in range(3):
        add(executor(store), "n", 2)
        runner = runner_of(store, engine)
        runner.catch_up()
        assert runner.position == store.head()
    assert totals(engine) == {"counter-n": 6}


def test_a_failing_event_leaves_rows_and_checkpoint_as_they_were(store: EventStore, engine: Engine) -> None:
    for _ in range(5):
        add(executor(store), "n")
    consumer = Totals()
    consumer.poison = 3
    runner = runner_of(store, engine, consumer)
    with pytest.raises(RuntimeError):
        runner.catch_up()
    assert totals(engine) == {}
    assert runner.position == 0
    consumer.poison = None
    runner.catch_up()
    assert totals(engine) == {"counter-n": 5}


def test_a_running_one_stands_still_says_why_and_goes_on(store: EventStore, engine: Engine) -> None:
    consumer = Totals()
    consumer.poison = 2
    runner = runner_of(store, engine, consumer)
    runner.start()
    add(executor(store), "n")
    assert runner.wait_until(1, 10)
    last = add(executor(store), "n").last_position
    assert last is not None
    wait_until(lambda: runner.last_error, what="the error")
    assert not runner.wait_until(last, 0.05)
    assert runner.lag_s > 0
    consumer.poison = None
    assert runner.wait_until(last, 10)
    wait_until(lambda: runner.last_error is None, what="the end of the error")
    runner.stop()
    assert totals(engine) == {"counter-n": 2}


def test_rows_of_another_log_are_refused(store: EventStore, engine: Engine, tmp_path: Path) -> None:
    add(executor(store), "n")
    runner_of(store, engine).catch_up()
    other = open_event_store(f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(WrongLog):
        runner_of(other, engine)
    other.close()


def test_rows_ahead_of_a_restored_log_are_refused(store: EventStore, engine: Engine) -> None:
    add(executor(store), "n")
    runner_of(store, engine).catch_up()
    with Session(engine) as session, session.begin():
        session.get_one(Checkpoint, "totals").log_position = 99
    with pytest.raises(WrongLog):
        runner_of(store, engine)


PROJECT = """
import sys
from sqlalchemy import create_engine
from eventstore.factory import open_event_store
from tests.eventstore import test_projections as t
store = open_event_store(f"sqlite:///{sys.argv[1]}/events.db")
class Chatty(t.Totals):
    def apply(self, session, recorded, event):
        super().apply(session, recorded, event)
        print(recorded.log_position, flush=True)
engine = create_engine(f"sqlite:///{sys.argv[1]}/rows.db")
runner = t.runner_of(store, engine, Chatty())
runner.catch_up()
"""


def test_kill_9_in_mid_batch_applies_everything_once(
    store: EventStore, engine: Engine, tmp_path: Path
) -> None:
    for number in range(120):
        add(executor(store), f"n{number % 3}")
    for stop_after in (1, 40, 90):
        with subprocess.Popen(
            [sys.executable, "-c", PROJECT, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(stop_after):
                child.stdout.readline()
            os.kill(child.pid, signal.SIGKILL)
        with Session(engine) as session:
            checkpoint = session.get(Checkpoint, "totals")
        position = checkpoint.log_position if checkpoint else 0
        assert sum(totals(engine).values()) == position
    runner_of(store, engine).catch_up()
    assert totals(engine) == {"counter-n0": 40, "counter-n1": 40, "counter-n2": 40}
