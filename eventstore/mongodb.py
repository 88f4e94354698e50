"""The event store in MongoDB: one document per commit, and one unique multikey index on its slots.

The index appends to several streams atomically, checks each stream's version and makes a command idempotent, without
a multi-document transaction. Positions are given later, by `eventstore.sequencer`.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Collection as Several
from contextlib import contextmanager
from typing import Any

import msgspec
import pymongo
from pymongo import ASCENDING, DESCENDING, MongoClient, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    ConnectionFailure,
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern
from uuid6 import uuid7

from eventstore.ports import ResultUnknown, SlotTaken, StoreUnavailable, StoreUnreachable
from eventstore.records import Commit, RecordedEvent, by_stream

SERVER_SELECTION_S = 3.0
SOCKET_TIMEOUT_S = 5.0
APPEND_TIMEOUT_S = 3.0
"""For all that the driver tries. What isn't answered by then is looked up, and that takes seconds too."""
LOOK_UP_TIMEOUT_S = 2.0
"""Short, since who looks up an unknown result asks again and has promised an answer within seconds."""
MOST_CONNECTIONS = 100
STREAMS_AT_ONCE = 500
TRANSIENT = (ConnectionFailure, CursorNotFound, ExecutionTimeout, WriteConcernError)
TRANSIENT_CODES = frozenset({6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})
"""MongoDB's own list of what may be asked again: hosts and sockets, shutdown, step-down, limits of time."""
VERSION_DIGITS = 10
"""Versions are padded with zeros in the slots, so that one index serves uniqueness and a stream read in order."""

Document = dict[str, Any]


class MongoEventStore:
    """`EventStore` over a MongoDB replica set. Any number of threads and processes may use it.

    `append` returns commits without positions: a publisher gives those shortly afterwards.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # Who reads for a request repeats it himself (backend_services.guarded).
        self.client = connect_mongodb(url, SERVER_SELECTION_S, SOCKET_TIMEOUT_S, retryReads=False)
        self.database = durable_database(self.client)
        self.commits: Collection[Document] = self.database["commits"]
        self._store_id: str | None = None
        self._preparing = threading.Lock()

    @property
    def store_id(self) -> str:
        """Connects at its first use: probes the engine, makes the indexes and the id. Raises `StoreUnavailable`."""
        with self._preparing:
            if self._store_id is None:
                with wrapped():
                    self._store_id = self._prepare()
            return self._store_id

    def append(self, commit: Commit) -> Commit:
        slots = [slot_text(name, version) for name, version in commit.slots]
        if len(set(slots)) < len(slots):  # the index compares documents with each other, not within one
            raise SlotTaken("the commit wants one slot twice")
        document = to_document(commit) | {"slots": slots}
        if commit.events:
            document["waiting"] = True
        try:
            with pymongo.timeout(APPEND_TIMEOUT_S):
                self.commits.insert_one(document)
        except DuplicateKeyError as error:
            raise SlotTaken(str(error.details)) from error
        except ServerSelectionTimeoutError as error:  # the driver says this only when nothing was sent
            raise StoreUnreachable(f"no MongoDB primary can be reached: {_short(error)}") from error
        except PyMongoError as error:
            if not is_transient(error):
                raise StoreUnavailable(f"MongoDB refuses a commit: {_short(error)}") from error
            raise ResultUnknown(
                f"the connection to MongoDB broke while committing: {_short(error)}"
            ) from error
        return commit

    def find_command(self, command_id: str, within_s: float | None = None) -> Commit | None:
        bound_s = LOOK_UP_TIMEOUT_S if within_s is None else min(LOOK_UP_TIMEOUT_S, within_s)
        with wrapped(), pymongo.timeout(bound_s):
            found = self.commits.find_one({"slots": slot_text(f"cmd:{command_id}", 0)})
        return to_commit(found) if found else None

    def read_stream(self, stream: str, after_version: int = 0) -> list[RecordedEvent]:
        inside = {"$gt": slot_text(stream, after_version), "$lt": f"{stream}@:"}
        with wrapped():
            documents = list(self.commits.find({"slots": {"$elemMatch": inside}}))
        events = [
            event
            for document in documents
            for event in to_commit(document).events
            if event.stream == stream and event.version > after_version
        ]
        return sorted(events, key=lambda event: event.version)

    def read_streams(self, streams: Several[str]) -> dict[str, list[RecordedEvent]]:
        wanted = sorted(set(streams))
        events: dict[str, RecordedEvent] = {}  # by id: one commit may be found for several of the streams
        for first in range(0, len(wanted), STREAMS_AT_ONCE):
            # Anchored patterns are ranges of the index: one scan serves them all.
            slots = [re.compile(f"^{re.escape(name)}@") for name in wanted[first : first + STREAMS_AT_ONCE]]
            with wrapped():
                for document in self.commits.find({"slots": {"$in": slots}}):
                    events |= {event.event_id: event for event in to_commit(document).events}
        known = set(wanted)
        return by_stream(event for event in events.values() if event.stream in known)

    def read_events(self, after_position: int, limit: int) -> list[RecordedEvent]:
        inside = {"$gt": after_position, "$lte": after_position + limit}
        with wrapped():
            found = self.commits.find({"log.positions": {"$elemMatch": inside}})
            events = [event for document in found for event in to_commit(document).events]
        wanted = (event for event in events if after_position < event.log_position <= after_position + limit)
        return sorted(wanted, key=lambda event: event.log_position)

    def head(self) -> int:
        with wrapped():
            last = self.last_positioned()
        return int(last["log"]["positions"][-1]) if last else 0

    def wait_for_events(self, after_position: int, timeout_s: float) -> None:
        bound = time.monotonic() + timeout_s
        positioned = [{"$match": {"operationType": "update"}}]
        with (
            wrapped(),
            self.commits.watch(positioned, max_await_time_ms=max(1, int(timeout_s * 1000))) as changes,
        ):
            while self.head() <= after_position and time.monotonic() < bound and changes.alive:
                changes.try_next()

    def close(self) -> None:
        """Close the connections; the store can't be used afterwards."""
        self.client.close()

    @contextmanager
    def watch_inserts(self, wait_s: float) -> Iterator[Callable[[], None]]:
        """What returns when another commit is stored, at the latest after `wait_s` seconds."""
        inserts: list[Document] = [{"$match": {"operationType": "insert"}}, {"$project": {"_id": 1}}]
        with (
            wrapped(),
            self.commits.watch(inserts, max_await_time_ms=int(wait_s * 1000)) as changes,
        ):
            yield lambda: _next(changes)

    def last_positioned(self, session: ClientSession | None = None) -> Document | None:
        """The commit at the head of the log: its `log` only.

        No bound for the positions: with one, an index over arrays isn't read in order but from end to end.
        """
        placed, newest = {"log.positions": {"$exists": True}}, [("log.positions", DESCENDING)]
        return self.commits.find_one(placed, {"log": True}, sort=newest, session=session)

    def _prepare(self) -> str:
        hello = self.client.admin.command("hello")
        if "setName" not in hello:
            raise StoreUnavailable(
                "this MongoDB is not a replica set, so it can't keep what it acknowledges through a failure;"
                " start it with --replSet and run rs.initiate() (one member is enough)"
            )
        probe_slots(self.database["probe"])
        self.commits.create_index([("slots", ASCENDING)], unique=True, name="slots")
        self.commits.create_index([("log.positions", ASCENDING)], unique=True, sparse=True, name="positions")
        places = [("log.places.lane", ASCENDING), ("log.places.pseq", ASCENDING)]
        self.commits.create_index(places, unique=True, sparse=True, name="places")
        self.commits.create_index(
            [("waiting", ASCENDING), ("_id", ASCENDING)],
            partialFilterExpression={"waiting": True},
            name="waiting",
        )
        about: Document | None = self.database["about"].find_one_and_update(
            {"_id": "store_id"},
            {"$setOnInsert": {"value": str(uuid7())}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        if about is None:
            raise StoreUnavailable("MongoDB didn't answer an upsert with its document")
        return str(about["value"])


def connect_mongodb(url: str, selection_s: float, socket_s: float, **more: Any) -> MongoClient[Document]:
    """A client that waits for a server for `selection_s` seconds at most, and for an answer for `socket_s`."""
    selection_ms = int(selection_s * 1000)
    return MongoClient(
        url,
        serverSelectionTimeoutMS=selection_ms,
        connectTimeoutMS=selection_ms,
        waitQueueTimeoutMS=selection_ms,
        socketTimeoutMS=int(socket_s * 1000),
        maxPoolSize=MOST_CONNECTIONS,
        appname="waybill",
        tz_aware=True,
        **more,
    )


def durable_database(client: MongoClient[Document]) -> Database[Document]:
    """The database of the client's URL, in which what is acknowledged outlives a failure, and only that is read."""
    return client.get_default_database(
        # Without `j` a majority write waits for the periodic journal flush: 100 ms each.
        write_concern=WriteConcern(w="majority", j=True),
        read_concern=ReadConcern("majority"),
    )


def probe_slots(collection: Collection[Document]) -> None:
    """Refuse an engine that lets two documents share an element of a unique multikey index; some accept it silently."""
    collection.create_index([("slots", ASCENDING)], unique=True, name="slots")
    refuse_shared_slots(collection)


def refuse_shared_slots(collection: Collection[Document]) -> None:
    """Try to store one slot twice. Raises `StoreUnavailable` when that succeeds."""
    mark = str(uuid7())
    try:
        collection.insert_one({"_id": f"{mark}-1", "slots": [f"{mark}-a", mark]})
        try:
            collection.insert_one({"_id": f"{mark}-2", "slots": [mark, f"{mark}-b"]})
        except DuplicateKeyError:
            return
        raise StoreUnavailable(
            "this server accepts two documents with the same slot, so it can't keep commands from overwriting each"
            " other; use a real MongoDB"
        )
    finally:
        collection.delete_many({"_id": {"$in": [f"{mark}-1", f"{mark}-2"]}})


def slot_text(name: str, version: int) -> str:
    """A slot as it is indexed: `driver-7@0000000018`."""
    return f"{name}@{version:0{VERSION_DIGITS}}"


def to_document(commit: Commit) -> Document:
    """The commit as it is stored: plain JSON values, instants as ISO-8601 text (BSON's would lose microseconds)."""
    document: Document = msgspec.to_builtins(commit)
    document["_id"] = document.pop("id")
    for event in document["events"]:
        del event["log_position"]
    return document


def to_commit(document: Document) -> Commit:
    """The commit of a stored document, with its positions when it has been given them."""
    fields: Document = {name: document[name] for name in ("command", "outcome", "result", "recorded_at")}
    positions: Iterable[int] = document.get("log", {}).get("positions", (0,) * len(document["events"]))
    events = [
        event | {"log_position": place} for event, place in zip(document["events"], positions, strict=True)
    ]
    return msgspec.convert(fields | {"id": document["_id"], "events": events}, Commit)


@contextmanager
def wrapped() -> Iterator[None]:
    """MongoDB's own errors as `StoreUnavailable`, and those that pass as `StoreUnreachable`."""
    try:
        yield
    except PyMongoError as error:
        kind = StoreUnreachable if is_transient(error) else StoreUnavailable
        raise kind(f"MongoDB can't be used: {_short(error)}") from error


def is_transient(error: PyMongoError) -> bool:
    """Whether the same may succeed a moment later. Everything else (no permission, say) is MongoDB's answer."""
    return (
        isinstance(error, TRANSIENT)
        or error.timeout
        or error.has_error_label("RetryableWriteError")
        or getattr(error, "code", None) in TRANSIENT_CODES
    )


def _next(changes: Any) -> None:
    with wrapped():
        changes.try_next()


def _short(error: Exception) -> str:
    return str(error).split(", Timeout:")[0][:300]
