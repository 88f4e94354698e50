"""Gives the commits of a MongoDB event store their places in the log, after they were accepted.

Positions are gapless and unique by the store's index, not by any lease: a sequencer that was paused for an hour and
goes on can only fail. Why several at once are harmless: everyone places commits one after the other, each right behind
the ones before. A write that comes late finds its place taken; where it is free, exactly the commits that were meant
to be before it are there, in whatever order, so that even its numbers in the lanes are right.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from eventstore.lanes import Lane, PlacedEvent, Topics, parse_lane
from eventstore.mongodb import Document, MongoEventStore, slot_text, to_commit, wrapped
from eventstore.ports import StoreUnavailable

BATCH_SIZE = 300
MOST_REMEMBERED = 100_000
DUPLICATE_KEY = 11_000

log = logging.getLogger(__name__)


class Sequencer:
    """Places waiting commits; any number may work on one store."""

    def __init__(self, store: MongoEventStore, topics: Topics) -> None:
        self._store = store
        self._topics = topics
        self._placed_versions: dict[str, int] = {}

    def step(self) -> int:
        """Place a batch of waiting commits, oldest first; answers how many. Raises `StoreUnavailable`.

        0 means that none waits or that another sequencer was faster.
        """
        with wrapped(), self._store.client.start_session() as session:
            # The head first, and what waits not older than it: a commit that is placed in between would else count
            # twice, in the head and in the batch, and leave a gap of its size.
            last = self._store.last_positioned(session)
            head = last["log"] if last else {"positions": [0], "heads": {}}
            waiting = list(
                self._store.commits.find({"waiting": True}, session=session)
                .sort("_id", ASCENDING)
                .limit(BATCH_SIZE)
            )
            if not waiting:
                return 0
            ordered = self._in_order(waiting, session)
            try:
                self._store.commits.bulk_write(list(self._placing(ordered, head)), ordered=True)
            except BulkWriteError as error:
                if any(each["code"] != DUPLICATE_KEY for each in error.details["writeErrors"]):
                    raise
                return 0
        self._remember(ordered)
        return len(ordered)

    def _placing(self, ordered: Sequence[Document], head: Document) -> Iterator[UpdateOne]:
        position, heads = head["positions"][-1], dict(head["heads"])
        for document in ordered:
            places = []
            for event in document["events"]:
                lane = str(self._topics.lane_of(event["stream"]))
                heads[lane] = heads.get(lane, 0) + 1
                places.append({"lane": lane, "pseq": heads[lane]})
            positions = list(range(position + 1, position + 1 + len(places)))
            position += len(places)
            placed = {"positions": positions, "places": places, "heads": dict(heads)}
            yield UpdateOne(
                {"_id": document["_id"], "waiting": True},
                {"$set": {"log": placed}, "$unset": {"waiting": ""}},
            )

    def _in_order(self, waiting: list[Document], session: ClientSession) -> list[Document]:
        """The commits such that each comes after those whose streams it continues, fetching what is missing."""
        by_slot = {slot: document for document in waiting for slot in document["slots"]}
        unknown = self._unplaced_predecessors(waiting, by_slot)
        while unknown:
            found = list(self._store.commits.find({"slots": {"$in": sorted(unknown)}}, session=session))
            missing = unknown - {slot for document in found for slot in document["slots"]}
            if missing:
                raise StoreUnavailable(f"the event store is damaged: {sorted(missing)[:3]} are not in it")
            more = [document for document in found if document.get("waiting")]
            by_slot |= {slot: document for document in more for slot in document["slots"]}
            waiting = more + waiting
            unknown = self._unplaced_predecessors(more, by_slot)
        ordered: dict[str, Document] = {}
        for document in waiting:
            _visit(document, by_slot, ordered)
        return list(ordered.values())

    def _unplaced_predecessors(self, documents: Iterable[Document], by_slot: dict[str, Any]) -> set[str]:
        return {
            slot_text(stream, version)
            for document in documents
            for stream, version in _predecessors(document)
            if self._placed_versions.get(stream, 0) < version and slot_text(stream, version) not in by_slot
        }

    def _remember(self, placed: Iterable[Document]) -> None:
        if len(self._placed_versions) > MOST_REMEMBERED:
            self._placed_versions.clear()
        for document in placed:
            for event in document["events"]:
                known = self._placed_versions.get(event["stream"], 0)
                self._placed_versions[event["stream"]] = max(known, event["version"])


class PlacedLog:
    """Reading the log of a MongoDB event store with the lanes' numbers. All raise `StoreUnavailable`."""

    def __init__(self, store: MongoEventStore) -> None:
        self._store = store

    def count_waiting(self) -> int:
        """How many commits have no place yet."""
        with wrapped():
            return self._store.commits.count_documents({"waiting": True})

    def waiting_since(self, relayed: int) -> datetime | None:
        """When the oldest commit was recorded that has no place yet, or is right behind the position `relayed`."""
        unplaced, unsent = {"waiting": True}, {"log.positions": relayed + 1}
        with wrapped():
            oldest = self._store.commits.find_one(unplaced, {"recorded_at": True}, sort=[("_id", ASCENDING)])
            found = [oldest, self._store.commits.find_one(unsent, {"recorded_at": True})]
        return min((datetime.fromisoformat(each["recorded_at"]) for each in found if each), default=None)

    def read_placed(self, after_position: int, limit: int) -> list[PlacedEvent]:
        """At most `limit` events behind a log position, in the log's order."""
        inside = {"$gt": after_position, "$lte": after_position + limit}
        found = self._read({"log.positions": {"$elemMatch": inside}})
        wanted = [
            placed for placed in found if after_position < placed.event.log_position <= after_position + limit
        ]
        return sorted(wanted, key=lambda placed: placed.event.log_position)

    def read_lane(self, lane: Lane, after_pseq: int, to_pseq: int) -> list[PlacedEvent]:
        """The events of a lane with `after_pseq` < pseq ≤ `to_pseq`, in order."""
        inside = {"lane": str(lane), "pseq": {"$gt": after_pseq, "$lte": to_pseq}}
        found = self._read({"log.places": {"$elemMatch": inside}})
        wanted = [placed for placed in found if placed.lane == lane and after_pseq < placed.pseq <= to_pseq]
        return sorted(wanted, key=lambda placed: placed.pseq)

    def read_stream(self, stream: str, after_version: int) -> list[PlacedEvent]:
        """The placed events of one stream with a version above `after_version`, in order."""
        inside = {"$gt": slot_text(stream, after_version), "$lt": f"{stream}@:"}
        found = self._read({"slots": {"$elemMatch": inside}, "log": {"$exists": True}})
        wanted = [
            placed
            for placed in found
            if placed.event.stream == stream and placed.event.version > after_version
        ]
        return sorted(wanted, key=lambda placed: placed.event.version)

    def oldest_behind(self, reached: Mapping[Lane, int]) -> datetime | None:
        """When the oldest event right behind one of these places in the lanes was recorded; None without any."""
        behind = [
            {"log.places": {"$elemMatch": {"lane": str(lane), "pseq": pseq + 1}}}
            for lane, pseq in reached.items()
        ]
        if not behind:
            return None
        with wrapped():
            found = list(self._store.commits.find({"$or": behind}, {"recorded_at": True}))
        return min((datetime.fromisoformat(each["recorded_at"]) for each in found), default=None)

    def skip_event(self, event_id: str, actor: str) -> None:
        """Give up on an event that no projection can apply, for this and every later rebuild."""
        with wrapped():
            self._store.database["skipped_events"].update_one(
                {"_id": event_id},
                {"$setOnInsert": {"actor": actor}, "$currentDate": {"at": True}},
                upsert=True,
            )

    def skipped_events(self) -> set[str]:
        """The ids of the events that were given up on."""
        with wrapped():
            return {
                str(each["_id"]) for each in self._store.database["skipped_events"].find({}, {"_id": True})
            }

    def heads(self) -> dict[Lane, int]:
        """The last `pseq` of every lane that has events."""
        with wrapped():
            last = self._store.last_positioned()
        return {parse_lane(text): pseq for text, pseq in last["log"]["heads"].items()} if last else {}

    def _read(self, query: Document) -> list[PlacedEvent]:
        with wrapped():
            documents = list(self._store.commits.find(query))
        return [
            PlacedEvent(event, parse_lane(place["lane"]), place["pseq"])
            for document in documents
            for event, place in zip(to_commit(document).events, document["log"]["places"], strict=True)
        ]


def _predecessors(document: Document) -> list[tuple[str, int]]:
    """The (stream, version) before the commit's first event of each stream."""
    first: dict[str, int] = {}
    for event in document["events"]:
        first[event["stream"]] = min(event["version"], first.get(event["stream"], event["version"]))
    return [(stream, version - 1) for stream, version in first.items() if version > 1]


def _visit(document: Document, by_slot: dict[str, Document], ordered: dict[str, Document]) -> None:
    """Append the commit to `ordered` after its predecessors; iterative, since a chain may be as long as a batch."""
    path = [document]
    while path:
        current = path[-1]
        before = (by_slot.get(slot_text(*slot)) for slot in _predecessors(current))
        unvisited = [other for other in before if other is not None and other["_id"] not in ordered]
        if unvisited:
            path += unvisited
        else:
            ordered[path.pop()["_id"]] = current
