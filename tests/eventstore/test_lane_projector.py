"""Rows are the fold of the log, whatever the transport loses, repeats and reorders, and whoever else projects."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from eventstore.lane_projector import TROUBLE, LaneProjector
from eventstore.lanes import PlacedEvent
from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable
from eventstore.projections import WrongLog
from eventstore.sequencer import PlacedLog
from ops.processes import free_port
from tests.eventstore.projected_rows import (
    Remembering,
    empty,
    fold,
    letters,
    of,
    prepared,
    projector_of,
    rows,
    some_events,
)
from tests.eventstore.samples import CODEC, TOPICS


def test_events_come_into_the_rows_in_the_order_of_their_lane(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    projector = projector_of(mongo, engine)
    projector.handle(events)
    assert rows(engine) == fold(events)
    assert {lane: at for lane, at in projector.checkpoints().items() if at} == PlacedLog(mongo).heads()
    assert projector.filled == 0


def test_what_comes_twice_is_dropped(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    projector = projector_of(mongo, engine)
    for batch in (events[:7], events[:7], events[3:] + events[5:], events):
        projector.handle(batch)
    assert rows(engine) == fold(events)


def test_a_batch_out_of_order_is_put_in_order(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    projector = projector_of(mongo, engine)
    projector.handle(events[::-1])
    assert rows(engine) == fold(events)
    assert projector.filled == 0


def test_what_the_transport_lost_is_read_from_the_store(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    projector = projector_of(mongo, engine)
    projector.handle([*of(events, "a")[:1], of(events, "a")[3]])
    assert rows(engine)["a"] == [1, 2, 3, 4]
    assert projector.filled >= 2
    for lane, head in PlacedLog(mongo).heads().items():
        projector.fill(lane, head)
    assert rows(engine) == fold(events)


def test_a_gap_longer_than_a_page_is_filled(
    mongo: MongoEventStore, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.lane_projector.PAGE_SIZE", 2)
    events = some_events(mongo, 9, ["a"])
    projector_of(mongo, engine).handle(events[-1:])
    assert rows(engine) == fold(events)


def test_a_restarted_projector_goes_on_at_its_checkpoint(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    for start in range(0, len(events), 5):
        projector_of(mongo, engine).handle(events[start : start + 5])
    assert rows(engine) == fold(events)


def test_events_that_the_store_does_not_have_are_waited_for(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo, 3, ["a"])
    projector = projector_of(mongo, engine)
    mongo.commits.delete_one({"events.event_id": events[1].event.event_id})
    with pytest.raises(StoreUnavailable, match="has no event"):
        projector.handle(events[2:])
    assert (rows(engine), letters(engine)) == ({"a": [1]}, {})
    projector.handle(events)
    assert rows(engine) == fold(events)


class Crash(BaseException):
    """The process ends here."""


def test_a_crash_before_the_commit_leaves_rows_and_checkpoint_as_they_were(
    mongo: MongoEventStore, engine: Engine
) -> None:
    events = some_events(mongo)
    projector = projector_of(mongo, engine)
    projector.handle(events[:10])
    before = rows(engine), projector.checkpoints()

    @event.listens_for(engine, "commit")
    def crash(_connection: object) -> None:
        raise Crash

    with pytest.raises(Crash):
        projector.handle(events)
    event.remove(engine, "commit", crash)
    assert (rows(engine), projector.checkpoints()) == before
    projector.handle(events)
    assert rows(engine) == fold(events)


def test_a_connection_that_breaks_before_the_commit_is_trouble_and_parks_nothing(
    mongo: MongoEventStore, postgres: Engine
) -> None:
    engine = prepared(postgres)
    events = some_events(mongo)
    consumer = Remembering()
    projector = projector_of(mongo, engine, consumer)
    victim = of(events, "b")[3].event.version

    def break_off(session: Session) -> None:
        if len(consumer.tries) == victim:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    consumer.meanwhile = break_off
    with pytest.raises(OperationalError):
        projector.handle(events)
    assert (rows(engine), letters(engine)) == ({}, {})
    projector.handle(events)
    assert rows(engine) == fold(events)


def test_missing_tables_are_trouble_and_park_nothing(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    projector = projector_of(mongo, engine)
    projector.handle(events[:4])
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE applied RENAME TO elsewhere"))
    with pytest.raises(TROUBLE):
        projector.handle(events)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO applied"))
    assert (rows(engine), letters(engine)) == (fold(events[:4]), {})
    projector.handle(events)
    assert rows(engine) == fold(events)


def test_a_store_that_is_away_is_trouble_only_when_something_is_missing(
    mongo: MongoEventStore, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.mongodb.SERVER_SELECTION_S", 0.2)
    events = some_events(mongo)
    projector = projector_of(mongo, engine)
    away = MongoEventStore(f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true")
    projector.log = PlacedLog(away)
    projector.handle(events[:8])
    with pytest.raises(StoreUnavailable):
        projector.handle(of(events, "a")[4:])
    assert (rows(engine), letters(engine)) == (fold(events[:8]), {})
    away.close()


def test_rows_of_another_store_are_refused(mongo: MongoEventStore, engine: Engine) -> None:
    some_events(mongo)
    projector_of(mongo, engine)
    other = LaneProjector(PlacedLog(mongo), "another", CODEC, engine, [Remembering()])
    with pytest.raises(WrongLog):
        other.prepare(TOPICS.lanes)


def test_rows_newer_than_a_restored_store_are_refused(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    projector_of(mongo, engine).handle(events)
    projector_of(mongo, engine)
    mongo.commits.delete_many({"log.positions": {"$gt": len(events) - 3}})
    with pytest.raises(WrongLog):
        projector_of(mongo, engine)


@given(picks=st.lists(st.lists(st.integers(0, 23), max_size=12), max_size=8))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_batches_with_drops_repeats_and_reorderings_give_the_fold(
    log_of_24: Sequence[PlacedEvent], mongo: MongoEventStore, engine: Engine, picks: list[list[int]]
) -> None:
    empty(engine)
    projector = projector_of(mongo, engine)
    for batch in picks:
        projector.handle([log_of_24[index] for index in batch])
        for stream, versions in rows(engine).items():
            assert versions == list(range(1, len(versions) + 1)), stream
    assert {index for batch in picks for index in batch} <= in_rows(log_of_24, engine)
    for lane, head in projector.log.heads().items():
        projector.fill(lane, head)
    assert rows(engine) == fold(log_of_24)


@pytest.fixture
def log_of_24(mongo: MongoEventStore) -> Sequence[PlacedEvent]:
    """Six events of each of four streams."""
    return some_events(mongo)


def in_rows(events: Sequence[PlacedEvent], engine: Engine) -> set[int]:
    """The indices of the events that are in the rows."""
    reached = rows(engine)
    return {
        index
        for index, placed in enumerate(events)
        if placed.event.version in reached.get(placed.event.stream, [])
    }
