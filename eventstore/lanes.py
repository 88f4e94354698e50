"""Lanes: the log cut into independent sequences, so that readers can share the work and notice what they missed.

A stream lies wholly in one lane, so its events keep their order. Each event has a number in its lane, contiguous from
1 (`pseq`); who has seen `pseq` n and next sees n + 2 knows that one is missing.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eventstore.records import RecordedEvent

LANES_PER_TOPIC = 6
"""Fixed for the life of an installation: it decides where a stream's events are."""


@dataclass(frozen=True)
class Lane:
    """One of a topic's sequences. Its text form is `<topic>/<number>`."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


@dataclass(frozen=True)
class PlacedEvent:
    """An event of the log with its lane and its number there, from 1."""

    event: RecordedEvent
    lane: Lane
    pseq: int


class Topics:
    """Which topic a stream belongs to, by its category (the part before the first `-`)."""

    def __init__(self, by_category: Mapping[str, str]) -> None:
        self._by_category = dict(by_category)
        self.names = sorted(set(by_category.values()))
        self.lanes = lanes_of(self.names)

    def lane_of(self, stream: str) -> Lane:
        """The lane of a stream, the same for ever. Raises KeyError for an unknown category."""
        topic = self._by_category[stream.split("-", 1)[0]]
        return Lane(topic, zlib.crc32(stream.encode()) % LANES_PER_TOPIC)


def lanes_of(topics: Iterable[str]) -> list[Lane]:
    """All lanes of these topics."""
    return [Lane(topic, number) for topic in topics for number in range(LANES_PER_TOPIC)]


def parse_lane(text: str) -> Lane:
    """The lane of its text form."""
    topic, _, number = text.rpartition("/")
    return Lane(topic, int(number))
