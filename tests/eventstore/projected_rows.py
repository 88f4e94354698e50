"""Rows that tell what was applied, how often and in which order, for the tests of `LaneProjector`."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from eventstore.codec import Event
from eventstore.lane_projector import DeadLetter, LaneModel, LaneProjector, StreamVersion
from eventstore.lanes import PlacedEvent
from eventstore.mongodb import MongoEventStore
from eventstore.records import RecordedEvent
from eventstore.sequencer import PlacedLog
from tests.eventstore.samples import CODEC, TOPICS, commit_of, place_all

STREAMS = ("a", "b", "c", "d")


class Rows(DeclarativeBase):
    pass


class Applied(Rows):
    """One row per stream: the versions that were applied, in the order in which they were."""

    __tablename__ = "applied"

    stream: Mapped[str] = mapped_column(primary_key=True)
    versions: Mapped[str]


class Tally(Rows):
    """A row that every transaction changes, as a board's counter is."""

    __tablename__ = "tally"

    id: Mapped[int] = mapped_column(primary_key=True)
    events: Mapped[int]


class Remembering:
    """Writes down what it applies; can't apply events whose ids are in `poison`. `meanwhile` runs in each apply."""

    name = "remembering"
    event_types: ClassVar[frozenset[str]] = frozenset({"Added"})

    def __init__(self) -> None:
        self.poison: set[str] = set()
        self.tries: list[str] = []
        self.meanwhile: Callable[[Session], None] = lambda _session: None

    def apply(self, session: Session, recorded: RecordedEvent, event: Event) -> None:
        self.tries.append(recorded.event_id)
        row = session.get(Applied, recorded.stream) or Applied(stream=recorded.stream, versions="")
        row.versions += f"{recorded.version} "
        session.add(row)
        session.execute(update(Tally).values(events=Tally.events + 1))
        if recorded.event_id in self.poison:
            raise RuntimeError("this event can't be applied")
        self.meanwhile(session)


def prepared(engine: Engine) -> Engine:
    """The engine with the tables of these tests, empty."""
    for model in (Rows, LaneModel):
        model.metadata.create_all(engine)
    empty(engine)
    return engine


def empty(engine: Engine) -> None:
    """Throw away all rows and checkpoints."""
    with engine.begin() as connection:
        for model in (Rows, LaneModel):
            for table in model.metadata.sorted_tables:
                connection.execute(table.delete())
        connection.execute(insert(Tally).values(id=1, events=0))


def projector_of(
    store: MongoEventStore, engine: Engine, consumer: Remembering | None = None
) -> LaneProjector:
    consumers = [consumer or Remembering()]
    projector = LaneProjector(PlacedLog(store), store.store_id, CODEC, engine, consumers)
    projector.prepare(TOPICS.lanes)
    return projector


def some_events(
    store: MongoEventStore, versions: int = 6, streams: Sequence[str] = STREAMS
) -> list[PlacedEvent]:
    """The log of a few streams that grew in turn."""
    for version in range(1, versions + 1):
        for stream in streams:
            store.append(commit_of((stream, version)))
    place_all(store)
    return PlacedLog(store).read_placed(0, 10_000)


def rows(engine: Engine) -> dict[str, list[int]]:
    with Session(engine) as session:
        found: Sequence[Any] = session.execute(select(Applied.stream, Applied.versions)).all()
        assert session.scalar(select(Tally.events)) == sum(len(versions.split()) for _, versions in found)
    return {stream: [int(version) for version in versions.split()] for stream, versions in found}


def fold(events: Sequence[PlacedEvent], without: Collection[str] = ()) -> dict[str, list[int]]:
    """What the rows must be, naively."""
    found = defaultdict[str, list[int]](list)
    for placed in events:
        if placed.event.event_id not in without:
            found[placed.event.stream].append(placed.event.version)
    return dict(found)


def letters(engine: Engine) -> dict[str, tuple[int, int]]:
    """The version of the poison of each parked stream, and how many events wait behind it."""
    with Session(engine) as session:
        parked = set(session.scalars(select(StreamVersion.stream).where(StreamVersion.is_parked)))
        found = {each.stream: (each.version, each.waiting) for each in session.scalars(select(DeadLetter))}
    assert set(found) == parked
    return found


def of(events: Sequence[PlacedEvent], stream: str) -> list[PlacedEvent]:
    return [placed for placed in events if placed.event.stream == stream]
