"""Several projectors on the same lanes of one PostgreSQL database apply each event once and don't block each other."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from eventstore.lane_projector import LaneProjector
from eventstore.lanes import Lane, PlacedEvent
from eventstore.mongodb import MongoEventStore
from eventstore.sequencer import PlacedLog
from ops.processes import wait_until
from tests.eventstore.projected_rows import (
    Remembering,
    fold,
    letters,
    of,
    prepared,
    projector_of,
    rows,
    some_events,
)
from tests.eventstore.samples import CODEC, TOPICS, commit_of, place_all


@pytest.fixture
def shared(postgres: Engine) -> Engine:
    """The tables of the projectors."""
    return prepared(postgres)


def is_somebody_blocked(engine: Engine) -> bool:
    """Whether a connection to this test's rows waits for another one's lock."""
    with Session(engine) as session:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND application_name = current_setting('application_name')"
        )
        return bool(session.scalar(waiting))


def until_done_or_blocked(engine: Engine, work: Callable[[], None]) -> threading.Thread:
    """Start the work beside; it has ended, or waits for a lock, when this returns."""
    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: not thread.is_alive() or is_somebody_blocked(engine), what="the work or its lock")
    return thread


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_event_is_applied_once(mongo: MongoEventStore, shared: Engine, seed: int) -> None:
    events = some_events(mongo, 25)
    poison = of(events, "b")[11].event

    def project(number: int) -> LaneProjector:
        consumer = Remembering()
        consumer.poison = {poison.event_id}
        projector = projector_of(mongo, shared, consumer)
        chance = random.Random(100 * seed + number)  # noqa: S311 - to be replayed
        start = 0
        while start < len(events):
            batch = [placed for placed in events[start : start + 12] if chance.random() < 0.8]
            chance.shuffle(batch)
            projector.handle(batch)
            start += chance.randrange(4, 12)
        for lane, head in projector.log.heads().items():
            projector.fill(lane, head)
        return projector

    with ThreadPoolExecutor(3) as pool:
        projectors = list(pool.map(project, range(3)))
    behind_it = {placed.event.event_id for placed in of(events, "b")[11:]}
    assert rows(shared) == fold(events, without=behind_it)
    assert letters(shared) == {"b": (poison.version, len(behind_it) - 1)}
    projectors[0] = projector_of(mongo, shared)
    assert projectors[0].redrive(TOPICS.lane_of("b"), "b") == len(behind_it)
    assert rows(shared) == fold(events)


def test_batches_over_the_same_lanes_do_not_deadlock_over_a_row_that_all_change(
    mongo: MongoEventStore, shared: Engine
) -> None:
    """The first has applied an event of its first lane when the second comes with its second lane only."""
    first, second = two_streams_in_lanes_of_this_order()
    events = some_events(mongo, 1, [first, second])
    consumer = Remembering()
    slow, quick = projector_of(mongo, shared, consumer), projector_of(mongo, shared)
    errors: list[Exception] = []
    others: list[threading.Thread] = []

    def handle_second_lane() -> None:
        try:
            quick.handle(of(events, second))
        except Exception as error:
            errors.append(error)

    def meanwhile(_session: Session) -> None:
        if not others:
            others.append(until_done_or_blocked(shared, handle_second_lane))

    consumer.meanwhile = meanwhile
    slow.handle(events)
    others[0].join(10)
    assert errors == []
    assert rows(shared) == fold(events)


def two_streams_in_lanes_of_this_order() -> tuple[str, str]:
    by_lane: dict[Lane, str] = {TOPICS.lane_of(f"s{number}"): f"s{number}" for number in range(50)}
    ordered = [by_lane[lane] for lane in sorted(by_lane, key=str)]
    return ordered[0], ordered[-1]


def test_a_projector_that_starts_while_others_go_on_does_not_take_their_rows_for_another_logs(
    mongo: MongoEventStore, shared: Engine
) -> None:
    """New events come, and are projected, just when it has asked for the heads of the log."""
    some_events(mongo, 1)
    running = projector_of(mongo, shared)
    others: list[threading.Thread] = []

    def go_on() -> None:
        running.handle(PlacedLog(mongo).read_placed(0, 100))

    class LogThatGrows(PlacedLog):
        def heads(self) -> dict[Lane, int]:
            found = super().heads()
            mongo.append(commit_of(("a", 2)))
            place_all(mongo)
            others.append(until_done_or_blocked(shared, go_on))
            return found

    starting = LaneProjector(LogThatGrows(mongo), mongo.store_id, CODEC, shared, [Remembering()])
    starting.prepare(TOPICS.lanes)
    others[0].join(10)
    assert rows(shared)["a"] == [1, 2]


def test_while_tables_are_exchanged_projectors_wait(mongo: MongoEventStore, shared: Engine) -> None:
    events = some_events(mongo)
    projector = projector_of(mongo, shared)
    with projector.transaction(alone=True):
        waiting = until_done_or_blocked(shared, lambda: projector.handle(events))
        assert waiting.is_alive()
        assert rows(shared) == {}
    waiting.join(10)
    assert rows(shared) == fold(events)


def test_poison_that_another_projector_has_parked_meanwhile_is_parked_once(
    mongo: MongoEventStore, shared: Engine
) -> None:
    events = some_events(mongo)
    consumer, rival_consumer = Remembering(), Remembering()
    consumer.poison = rival_consumer.poison = {of(events, "b")[2].event.event_id}
    rival = projector_of(mongo, shared, rival_consumer)

    class Overtaken(LaneProjector):
        def _set_aside(self, placed: PlacedEvent, error: Exception) -> None:
            rival.handle(events)
            super()._set_aside(placed, error)

    slow = Overtaken(PlacedLog(mongo), mongo.store_id, CODEC, shared, [consumer])
    slow.handle(events)
    assert letters(shared) == {"b": (3, 3)}
    assert rows(shared) == fold(events, without={placed.event.event_id for placed in of(events, "b")[2:]})
