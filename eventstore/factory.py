"""Which adapter serves a URL, for whoever doesn't care which. The roles of the distributed mode open theirs by name
(ADR 15)."""

from pathlib import Path

from eventstore.ports import EventStore

SQLITE_PREFIX = "sqlite:///"
MONGODB_PREFIX = "mongodb://"


def open_event_store(url: str) -> EventStore:
    """The event store at `url`: `sqlite:///<path>` (made when absent) or `mongodb://host/database?replicaSet=…`.

    MongoDB is connected to at the first use. Raises ValueError for any other scheme.
    """
    if url.startswith(SQLITE_PREFIX):
        from eventstore.sqlite import SqliteEventStore

        return SqliteEventStore(Path(url.removeprefix(SQLITE_PREFIX)))
    if url.startswith(MONGODB_PREFIX):
        from eventstore.mongodb import MongoEventStore

        return MongoEventStore(url)
    raise ValueError(
        f"no event store serves {url.split(':', 1)[0]!r} URLs; use {SQLITE_PREFIX}<path> or {MONGODB_PREFIX}…"
    )
