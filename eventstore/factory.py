"""Which adapter serves a URL. The only place that imports adapters."""

from pathlib import Path

from eventstore.ports import EventStore
from eventstore.sqlite import SqliteEventStore

SQLITE_PREFIX = "sqlite:///"


def open_event_store(url: str) -> EventStore:
    """The event store at `url`: `sqlite:///<path>` (made when absent). Raises ValueError for any other scheme."""
    if url.startswith(SQLITE_PREFIX):
        return SqliteEventStore(Path(url.removeprefix(SQLITE_PREFIX)))
    raise ValueError(f"no event store serves {url.split(':', 1)[0]!r} URLs; use {SQLITE_PREFIX}<path>")
