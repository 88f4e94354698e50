"""What is sent to the boards, and the mailbox in which it waits for one of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from webapp.live.fixes import LiveFix

MOST_ROWS_WAITING = 500


@dataclass(frozen=True)
class Frame:
    """What changed on the board of `day` (ISO date) after the log's number `after`, up to and with `seq`.

    `rows` holds a rendered row per delivery id, or None where it is no longer on that board; `counters` is None when
    nothing was counted; `fixes` holds the newest position per driver id. With `resync` the receiver
    has to load its list again. `is_behind` says that the rows themselves are catching up with the log.
    """

    after: int
    seq: int
    day: str
    rows: Mapping[str, str | None] = field(default_factory=dict)
    counters: Mapping[str, int] | None = None
    fixes: Mapping[str, LiveFix] = field(default_factory=dict)
    resync: bool = False
    is_behind: bool = False

    @cached_property
    def encoded(self) -> str:
        """The frame as JSON: made once, however many boards it goes to."""
        body: dict[str, Any] = {
            "after": self.after,
            "seq": self.seq,
            "day": self.day,
            "rows": [{"id": id_, "html": html} for id_, html in self.rows.items() if html is not None],
            "removed": [id_ for id_, html in self.rows.items() if html is None],
            "counters": self.counters,
            "fixes": self.fixes,
            "resync": self.resync,
            "isBehind": self.is_behind,
        }
        return msgspec.json.encode(body).decode()

    @cached_property
    def on_the_wire(self) -> bytes:
        """The frame as one WebSocket message. A server's messages are unmasked and ours uncompressed, so that these
        very bytes go to every board."""
        return Connection(ConnectionType.SERVER).send(TextMessage(data=self.encoded))

    def followed_by(self, newer: "Frame") -> "Frame":
        """Both frames as one: the newest state per row. It asks for a resync where there would be too many rows."""
        rows = {**self.rows, **newer.rows}
        too_many = len(rows) > MOST_ROWS_WAITING
        resync = self.resync or newer.resync or too_many
        return Frame(
            after=self.after,
            seq=newer.seq,
            day=newer.day,
            rows={} if resync else rows,
            counters=newer.counters if newer.counters is not None else self.counters,
            fixes={**self.fixes, **newer.fixes},
            resync=resync,
            is_behind=newer.is_behind,
        )


class Mailbox:
    """What waits for one board: never more than one frame, which grows by what comes after it."""

    def __init__(self) -> None:
        self._waiting: Frame | None = None

    def offer(self, frame: Frame) -> None:
        """Add a frame."""
        self._waiting = frame if self._waiting is None else self._waiting.followed_by(frame)

    def take(self) -> Frame | None:
        """What waits; None when nothing does."""
        frame, self._waiting = self._waiting, None
        return frame
