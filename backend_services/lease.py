"""Who of several like processes works, and whether any does."""

import logging
import threading
from datetime import UTC, datetime, timedelta

from eventstore.doors import new_id
from eventstore.mongodb import MongoEventStore, wrapped

LEASE = timedelta(seconds=3)
LEASES = "leases"
PUBLISHER = "publisher"

log = logging.getLogger(__name__)


class Lease:
    """Who of several may work: a document that its holder renews. Times are the database's."""

    def __init__(self, store: MongoEventStore, name: str) -> None:
        self._leases = store.database[LEASES]
        self._name = name
        self._holder = new_id()
        self.is_held = threading.Event()

    def renew(self) -> bool:
        """Take or keep it; answers whether it is ours. Raises `StoreUnavailable`."""
        until = {"$add": ["$$NOW", int(LEASE.total_seconds() * 1000)]}
        with wrapped():
            taken = self._leases.update_one(
                {
                    "_id": self._name,
                    "$or": [{"holder": self._holder}, {"$expr": {"$lt": ["$until", "$$NOW"]}}],
                },
                [{"$set": {"holder": self._holder, "until": until}}],
            )
            if taken.matched_count == 0:
                # The first one of an installation finds nothing to take.
                free = {"holder": "", "until": datetime.fromtimestamp(0, UTC)}
                self._leases.update_one({"_id": self._name}, {"$setOnInsert": free}, upsert=True)
        if taken.matched_count and not self.is_held.is_set():
            log.info("this process holds the %s lease now", self._name)
            self.is_held.set()
        if not taken.matched_count:
            self.is_held.clear()
        return self.is_held.is_set()

    def give_back(self) -> None:
        """Let another one work at once."""
        self.is_held.clear()
        with wrapped():
            ended = {"$set": {"until": datetime.fromtimestamp(0, UTC)}}
            self._leases.update_one({"_id": self._name, "holder": self._holder}, ended)


def is_leased(store: MongoEventStore, name: str) -> bool:
    """Whether anybody holds the lease now. Raises `StoreUnavailable`."""
    with wrapped():
        is_held = {"_id": name, "$expr": {"$gt": ["$until", "$$NOW"]}}
        return store.database[LEASES].find_one(is_held) is not None
