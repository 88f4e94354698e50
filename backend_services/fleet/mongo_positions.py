"""Positions in MongoDB, which forgets them by itself: trails as a time series, and the newest fix of each driver."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pymongo import ASCENDING, MongoClient
from pymongo.collection import Collection
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)
from pymongo.write_concern import WriteConcern

from backend_services.fleet.positions import Fix
from backend_services.guarded import POSITIONS
from backend_services.resilience import DependencyDown, Remote
from eventstore.ports import StoreUnavailable

T = TypeVar("T")
Document = dict[str, Any]

TRAILS, NEWEST = "positions", "newest_positions"
EXISTS_ALREADY, OTHER_OPTIONS = 48, 85
UNREACHABLE = (ConnectionFailure, WaitQueueTimeoutError)


class PositionsInMongo:
    """What SharedPositions keeps in MongoDB. Every method raises `StoreUnavailable`.

    Fixes are kept for the time limit by MongoDB's own clock, which deletes with some minutes of delay; queries name
    the oldest instant they want. A batch that is sent again is stored again: readers drop doubles.
    """

    def __init__(self, client: "MongoClient[Document]", kept: timedelta) -> None:
        database = client.get_default_database(write_concern=WriteConcern(w=1, j=True))
        self._database = database
        self._trails: Collection[Document] = database[TRAILS]
        self._newest: Collection[Document] = database[NEWEST]
        self._kept_s = int(kept.total_seconds())
        self._remote = Remote("positions", UNREACHABLE, POSITIONS)
        self._preparing = threading.Lock()
        self._is_prepared = False

    def keep(self, driver_id: str, fixes: Sequence[Fix]) -> None:
        if fixes:
            self._ask(lambda: self._keep(driver_id, fixes))

    def read(self, driver_id: str, since: datetime, until: datetime) -> list[Fix]:
        """The driver's fixes in time order, both bounds included."""
        wanted = {"driver": driver_id, "at": {"$gte": since, "$lte": until}}
        found = self._ask(lambda: list(self._trails.find(wanted, {"_id": 0}).sort("at", ASCENDING)))
        return list({document["at"]: _fix(document) for document in found}.values())

    def find(self, driver_id: str, since: datetime) -> Fix | None:
        """The driver's newest fix."""
        found = self._ask(lambda: self._newest.find_one({"_id": driver_id, "at": {"$gte": since}}))
        return _fix(found) if found else None

    def newest(self, since: datetime) -> dict[str, Fix]:
        """Every driver's newest fix."""
        found = self._ask(lambda: list(self._newest.find({"at": {"$gte": since}})))
        return {document["_id"]: _fix(document) for document in found}

    def forget(self, driver_id: str) -> None:
        self._ask(lambda: self._newest.delete_one({"_id": driver_id}))
        self._ask(lambda: self._trails.delete_many({"driver": driver_id}))

    def _keep(self, driver_id: str, fixes: Sequence[Fix]) -> None:
        newest = _document(driver_id, max(fixes, key=lambda fix: fix.recorded_at))
        newest["_id"] = newest.pop("driver")
        with suppress(DuplicateKeyError):  # a newer one is there
            older = {"_id": driver_id, "at": {"$lt": newest["at"]}}
            self._newest.replace_one(older, newest, upsert=True)
        self._trails.insert_many([_document(driver_id, fix) for fix in fixes], ordered=False)

    def _ask(self, ask: Callable[[], T]) -> T:
        with _wrapped():
            return self._remote.call_once(self._prepared, ask)

    def _prepared(self, ask: Callable[[], T]) -> T:
        if not self._is_prepared:
            with self._preparing:
                self._prepare()
        return ask()

    def _prepare(self) -> None:
        if self._is_prepared:
            return
        series = {"timeField": "at", "metaField": "driver", "granularity": "seconds"}
        expiring: dict[str, Any] = {"expireAfterSeconds": self._kept_s}
        try:
            self._database.create_collection(TRAILS, timeseries=series, check_exists=False, **expiring)
        except OperationFailure as failure:
            if failure.code != EXISTS_ALREADY:
                raise
            self._database.command({"collMod": TRAILS, **expiring})
        self._trails.create_index([("driver", ASCENDING), ("at", ASCENDING)], name="by_driver")
        try:
            self._newest.create_index("at", name="expiry", **expiring)
        except OperationFailure as failure:
            if failure.code != OTHER_OPTIONS:
                raise
            self._database.command({"collMod": NEWEST, "index": {"name": "expiry", **expiring}})
        self._is_prepared = True


@contextmanager
def _wrapped() -> Iterator[None]:
    """Errors without the documents that a driver's message may hold: those are personal."""
    try:
        yield
    except DependencyDown as down:
        raise StoreUnavailable(str(down), down.retry_after_s) from None
    except BulkWriteError as error:
        raise StoreUnavailable(f"MongoDB refused positions with code {error.code}") from None
    except PyMongoError as error:
        raise StoreUnavailable(f"positions can't be used: {type(error).__name__}") from None


def _document(driver_id: str, fix: Fix) -> Document:
    given = {"accuracy": fix.accuracy_m, "speed": fix.speed_mps, "heading": fix.heading_deg}
    return {
        "driver": driver_id,
        "at": fix.recorded_at,
        "latitude": fix.latitude,
        "longitude": fix.longitude,
        **{name: value for name, value in given.items() if value is not None},
    }


def _fix(document: Document) -> Fix:
    return Fix(
        document["latitude"],
        document["longitude"],
        document["at"].astimezone(UTC),
        document.get("accuracy"),
        document.get("speed"),
        document.get("heading"),
    )
