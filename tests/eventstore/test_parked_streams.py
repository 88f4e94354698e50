"""An event that can't be applied parks its stream only; a redrive makes good what waited behind it."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from eventstore.lane_projector import TRIES, DeadLetter, LaneProjector
from eventstore.lanes import PlacedEvent
from eventstore.mongodb import MongoEventStore
from tests.eventstore.projected_rows import (
    Applied,
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
from tests.eventstore.samples import TOPICS, commit_of, place_all


def redrive(projector: LaneProjector, stream: str) -> int:
    return projector.redrive(TOPICS.lane_of(stream), stream)


def ids(events: Sequence[PlacedEvent]) -> set[str]:
    return {placed.event.event_id for placed in events}


def test_poison_parks_its_stream_after_three_tries_and_all_others_flow(
    mongo: MongoEventStore, engine: Engine
) -> None:
    events = some_events(mongo)
    consumer = Remembering()
    poison = of(events, "b")[2].event
    consumer.poison = {poison.event_id}
    projector = projector_of(mongo, engine, consumer)
    projector.handle(events[:14])
    assert consumer.tries.count(poison.event_id) == 1 + TRIES  # once within its batch, then alone
    projector.handle(events[14:])
    assert rows(engine) == fold(events, without=ids(of(events, "b")[2:]))
    assert letters(engine) == {"b": (3, 3)}
    assert consumer.tries.count(poison.event_id) == 1 + TRIES
    with Session(engine) as session:
        letter = session.get_one(DeadLetter, "b")
        assert (letter.event_id, letter.type, letter.lane) == (
            poison.event_id,
            "Added",
            str(TOPICS.lane_of("b")),
        )
        assert letter.error == "RuntimeError: this event can't be applied"


def unknown_type(event: dict[str, Any]) -> None:
    event["type"] = "Nonsense"


def unknown_version(event: dict[str, Any]) -> None:
    event["schema_version"] = 99


def unreadable_data(event: dict[str, Any]) -> None:
    event["data"] = {"amount": "a lot"}


@pytest.mark.parametrize("damage", [unknown_type, unknown_version, unreadable_data])
def test_what_can_not_be_read_is_poison_too(
    mongo: MongoEventStore, engine: Engine, damage: Callable[[dict[str, Any]], None]
) -> None:
    for version in (1, 2, 3):
        mongo.append(commit_of(("a", version), ("b", version)))
    document = mongo.commits.find_one({"events.stream": "a", "events.version": 2}) or {}
    damage(next(event for event in document["events"] if event["stream"] == "a"))
    mongo.commits.replace_one({"_id": document["_id"]}, document)
    place_all(mongo)
    projector = projector_of(mongo, engine)
    projector.handle(projector.log.read_placed(0, 100))
    assert rows(engine) == {"a": [1], "b": [1, 2, 3]}
    assert letters(engine) == {"a": (2, 1)}


def test_what_the_database_refuses_is_poison_too(mongo: MongoEventStore, engine: Engine) -> None:
    """The refusal may come as late as the flush."""
    events = some_events(mongo, 3)
    consumer = Remembering()
    victim = of(events, "c")[1].event.event_id

    def write_rubbish(session: Session) -> None:
        if consumer.tries[-1] == victim:
            session.add(Applied(stream="rubbish", versions=None))

    consumer.meanwhile = write_rubbish
    projector_of(mongo, engine, consumer).handle(events)
    assert rows(engine) == fold(events, without=ids(of(events, "c")[1:]))
    assert letters(engine) == {"c": (2, 1)}


def test_what_postgresql_refuses_for_good_is_poison_though_its_class_says_that_it_is_away(
    mongo: MongoEventStore, postgres: Engine
) -> None:
    events = some_events(mongo, 3)
    consumer = Remembering()
    victim = of(events, "c")[1].event.event_id
    endless = secrets.token_hex(20_000)  # longer than an index can hold, however it is packed

    def write_too_much(session: Session) -> None:
        if consumer.tries[-1] == victim:
            session.add(Applied(stream=endless, versions=""))

    consumer.meanwhile = write_too_much
    projector = projector_of(mongo, prepared(postgres), consumer)
    projector.handle(events)
    assert consumer.tries.count(victim) == 1 + TRIES
    assert rows(postgres) == fold(events, without=ids(of(events, "c")[1:]))
    assert letters(postgres) == {"c": (2, 1)}
    assert redrive(projector, "c") == 0  # it is refused again, and set aside again
    assert letters(postgres) == {"c": (2, 1)}
    with Session(postgres) as session:
        assert session.get_one(DeadLetter, "c").error.startswith("OperationalError: ")


def test_a_fault_that_passes_within_three_tries_parks_nothing(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    consumer = Remembering()
    victim = of(events, "b")[2].event.event_id

    def fail_thrice(_session: Session) -> None:
        if consumer.tries[-1] == victim and consumer.tries.count(victim) <= TRIES:
            raise RuntimeError("a moment, please")

    consumer.meanwhile = fail_thrice
    projector_of(mongo, engine, consumer).handle(events)
    assert (rows(engine), letters(engine)) == (fold(events), {})


def test_a_redrive_after_the_cause_is_gone_equals_the_fold(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    consumer = Remembering()
    consumer.poison = {of(events, "b")[2].event.event_id}
    projector = projector_of(mongo, engine, consumer)
    projector.handle(events[:20])
    waited = len(of(events[:20], "b")) - 2
    consumer.poison = set()
    assert redrive(projector, "b") == waited
    assert (rows(engine), letters(engine)) == (fold(events[:20]), {})
    projector.handle(events)
    assert rows(engine) == fold(events)
    assert redrive(projector, "b") == 0


def test_a_redrive_that_fails_again_parks_again_where_it_failed(
    mongo: MongoEventStore, engine: Engine
) -> None:
    events = some_events(mongo)
    consumer = Remembering()
    first, second = (of(events, "b")[index].event.event_id for index in (1, 4))
    consumer.poison = {first, second}
    projector = projector_of(mongo, engine, consumer)
    projector.handle(events)
    assert letters(engine) == {"b": (2, 4)}
    assert redrive(projector, "b") == 0
    assert letters(engine) == {"b": (2, 4)}
    consumer.poison = {second}
    assert redrive(projector, "b") == 3
    assert letters(engine) == {"b": (5, 1)}
    assert rows(engine)["b"] == [1, 2, 3, 4]
    assert redrive(projector, "a") == redrive(projector, "nobody") == 0


def test_two_parked_streams_are_redriven_one_by_one(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    consumer = Remembering()
    consumer.poison = {of(events, "a")[0].event.event_id, of(events, "d")[5].event.event_id}
    projector = projector_of(mongo, engine, consumer)
    projector.handle(events)
    assert letters(engine) == {"a": (1, 5), "d": (6, 0)}
    consumer.poison = set()
    assert redrive(projector, "d") == 1
    assert letters(engine) == {"a": (1, 5)}
    assert redrive(projector, "a") == 6
    assert rows(engine) == fold(events)


def test_a_skipped_event_is_left_out_by_a_redrive_and_by_every_later_rebuild(
    mongo: MongoEventStore, engine: Engine
) -> None:
    events = some_events(mongo)
    consumer = Remembering()
    poison = of(events, "b")[2].event.event_id
    consumer.poison = {poison}
    projector = projector_of(mongo, engine, consumer)
    projector.handle(events)
    projector.log.skip_event(poison, "somebody")
    projector.log.skip_event(poison, "somebody else")  # again does no harm
    assert redrive(projector, "b") == 4
    assert (rows(engine), letters(engine)) == (fold(events, without={poison}), {})
    empty(engine)
    projector_of(mongo, engine, consumer).handle(events)
    assert (rows(engine), letters(engine)) == (fold(events, without={poison}), {})


def test_trouble_during_a_redrive_leaves_the_stream_parked(mongo: MongoEventStore, engine: Engine) -> None:
    events = some_events(mongo)
    consumer = Remembering()
    consumer.poison = {of(events, "b")[2].event.event_id}
    projector = projector_of(mongo, engine, consumer)
    projector.handle(events)
    before = rows(engine), letters(engine)
    consumer.poison = set()

    def read_a_missing_table(session: Session) -> None:
        session.execute(text("SELECT * FROM nowhere"))

    consumer.meanwhile = read_a_missing_table
    with pytest.raises(Exception, match="nowhere"):
        redrive(projector, "b")
    assert (rows(engine), letters(engine)) == before
    consumer.meanwhile = lambda _session: None
    assert redrive(projector, "b") == 4
    assert rows(engine) == fold(events)


class Deliver(msgspec.Struct, frozen=True):
    indices: list[int]


class Poison(msgspec.Struct, frozen=True):
    index: int


class Cure(msgspec.Struct, frozen=True):
    pass


class Redrive(msgspec.Struct, frozen=True):
    stream: str
    skip: bool


steps = st.lists(
    st.one_of(
        st.builds(Deliver, st.lists(st.integers(0, 23), min_size=1, max_size=10)),
        st.builds(Poison, st.integers(0, 23)),
        st.just(Cure()),
        st.builds(Redrive, st.sampled_from("abcd"), st.booleans()),
    ),
    max_size=12,
)


@pytest.fixture
def log_of_24(mongo: MongoEventStore) -> Sequence[PlacedEvent]:
    """Six events of each of four streams."""
    return some_events(mongo)


@given(story=steps)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_is_poisoned_redriven_and_skipped_the_rest_is_the_fold(
    log_of_24: Sequence[PlacedEvent], mongo: MongoEventStore, engine: Engine, story: list[Any]
) -> None:
    empty(engine)
    mongo.database["skipped_events"].delete_many({})
    consumer, skipped = Remembering(), set[str]()
    projector = projector_of(mongo, engine, consumer)
    for step in [*story, Cure(), *(Redrive(stream, False) for stream in "abcd")]:
        match step:
            case Deliver(indices):
                projector.handle([log_of_24[index] for index in indices])
            case Poison(index):
                consumer.poison.add(log_of_24[index].event.event_id)
            case Cure():
                consumer.poison = set()
            case Redrive(stream, skip):
                if skip and stream in letters(engine):
                    with Session(engine) as session:
                        skipped.add(session.get_one(DeadLetter, stream).event_id)
                    for event_id in skipped:
                        projector.log.skip_event(event_id, "somebody")
                redrive(projector, stream)
        check_what_waits(log_of_24, projector, skipped)
    for lane, head in projector.log.heads().items():
        projector.fill(lane, head)
    assert (rows(engine), letters(engine)) == (fold(log_of_24, without=skipped), {})


def check_what_waits(events: Sequence[PlacedEvent], projector: LaneProjector, skipped: set[str]) -> None:
    """Each stream's rows reach to its lane's checkpoint; a parked one's to its poison, and the rest is counted."""
    reached, parked, shown = projector.checkpoints(), letters(projector.engine), rows(projector.engine)
    for stream in "abcd":
        seen = [placed for placed in of(events, stream) if placed.pseq <= reached[placed.lane]]
        if stream in parked:
            poison, waiting = parked[stream]
            assert len(seen) == poison + waiting
            seen = seen[: poison - 1]
        assert shown.get(stream, []) == fold(seen, without=skipped).get(stream, [])
