"""The hub: one thread that turns changes of the rows into frames, and hands each frame to every open board.

A frame is JSON {seq, rows: [{id, html}], counters} or {seq, resync: true}; `seq` is the board log's. Each socket has a
bounded mailbox that its own thread empties, so a browser that is stuck holds up nobody; when its mailbox is full it is
told to load the list again.
"""

import logging
import threading
from collections import deque
from datetime import datetime
from typing import Any

import msgspec
from flask import Flask
from sqlalchemy.orm import Session

from backend_services.deliveries.queries import (
    DeliveryView,
    find_deliveries,
    list_day,
    list_unfinished_of,
)
from backend_services.read_models import BoardChange, board_head, list_board_changes
from webapp.live.rows import counters, render_row
from webapp.presentation import day_bounds, today

MOST_FRAMES_WAITING = 64
MOST_CHANGES_AT_ONCE = 500
POLL_S = 2.0
TICK_S = 10.0
HEARTBEAT_S = 15.0

log = logging.getLogger(__name__)


class Mailbox:
    """The frames that wait for one socket, oldest first; a full one is emptied and holds a resync instead."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._changed = threading.Condition()
        self.is_closed = False

    def offer(self, frame: bytes, resync: bytes) -> None:
        """Add a frame; never blocks."""
        with self._changed:
            if len(self._frames) >= MOST_FRAMES_WAITING:
                self._frames.clear()
                frame = resync
            self._frames.append(frame)
            self._changed.notify()

    def take(self, timeout_s: float) -> bytes | None:
        """The oldest frame, as soon as there is one; None after `timeout_s` seconds or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self.is_closed, timeout_s)
            return self._frames.popleft() if self._frames and not self.is_closed else None

    def close(self) -> None:
        """Wake whoever waits, for the last time."""
        with self._changed:
            self.is_closed = True
            self._changed.notify()


class Hub:
    """See the module. `open` and `shut` are called by the sockets' threads."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._waybill = app.extensions["waybill"]
        self._mailboxes: set[Mailbox] = set()
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._seq = 0
        self._last_html: dict[str, str] = {}
        self.most_sockets = max(4, self._waybill.settings.threads - 40)

    def start(self) -> None:
        """Run in a thread until `stop`."""
        with self._waybill.sessions() as session:
            self._seq = board_head(session)
        self._waybill.on_rows_changed(self._wake.set)
        self._thread = threading.Thread(target=self._run, name="board-hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every board's socket and end the thread."""
        self._stopping = True
        self.close_sockets()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def close_sockets(self) -> None:
        """Let every board know that the server goes away."""
        self._stopping = True
        with self._guard:
            for mailbox in self._mailboxes:
                mailbox.close()

    def open(self) -> Mailbox | None:
        """A mailbox for a new socket; None when there are as many as the threads bear."""
        with self._guard:
            if self._stopping or len(self._mailboxes) >= self.most_sockets:
                return None
            mailbox = Mailbox()
            self._mailboxes.add(mailbox)
            return mailbox

    def shut(self, mailbox: Mailbox) -> None:
        """The socket is gone."""
        with self._guard:
            self._mailboxes.discard(mailbox)

    def heartbeat(self) -> bytes:
        """A frame that only says how far the board has come."""
        return msgspec.json.encode({"seq": self._seq, "rows": []})

    def _run(self) -> None:
        ticked = 0.0
        while not self._stopping:
            if not self._wake.wait(POLL_S):
                ticked += POLL_S
            self._wake.clear()
            try:
                self._push_changes()
                if ticked >= TICK_S:
                    ticked = 0.0
                    self._push_what_time_changed()
            except Exception:  # the boards notice by their heartbeat; the next round tries again
                log.exception("the board's hub could not push")

    def _push_changes(self) -> None:
        with self._waybill.sessions() as session:
            if not self._mailboxes:
                self._seq = board_head(session)
                return
            while True:
                changes = list_board_changes(session, self._seq, MOST_CHANGES_AT_ONCE)
                if changes is None:
                    self._seq = board_head(session)
                    self._broadcast({"seq": self._seq, "resync": True})
                    return
                if not changes:
                    return
                self._seq = changes[-1].seq
                with self._app.test_request_context("/board"):
                    self._broadcast(self._frame(session, affected(session, changes), self._seq))

    def _push_what_time_changed(self) -> None:
        """Lateness and the age of positions change without any event."""
        if not self._mailboxes:
            self._last_html.clear()
            return
        with self._app.test_request_context("/board"), self._waybill.sessions() as session:
            open_ones = [view for view in list_day(session, *day_bounds(today())) if not view.is_finished]
            known, now = dict(self._last_html), self._waybill.doors.now()
            fresh = {view.delivery_id: render_row(view, now) for view in open_ones}
            self._last_html = fresh
            changed = [view for view in open_ones if known.get(view.delivery_id) != fresh[view.delivery_id]]
            if changed:
                self._broadcast(self._frame(session, changed, self._seq))

    def _frame(self, session: Session, views: list[DeliveryView], seq: int) -> dict[str, Any]:
        return make_frame(session, views, seq, self._waybill.doors.now())

    def _broadcast(self, frame: dict[str, Any]) -> None:
        encoded = msgspec.json.encode(frame)
        resync = msgspec.json.encode({"seq": frame["seq"], "resync": True})
        with self._guard:
            for mailbox in self._mailboxes:
                mailbox.offer(encoded, resync)


def make_frame(session: Session, views: list[DeliveryView], seq: int, now: datetime) -> dict[str, Any]:
    """The frame for these deliveries; each is rendered once. `inDay` says whether it belongs on today's board."""
    day = list_day(session, *day_bounds(today()))
    in_day = {view.delivery_id for view in day}
    return {
        "seq": seq,
        "rows": [
            {
                "id": view.delivery_id,
                "inDay": view.delivery_id in in_day,
                "html": render_row(view, now),
            }
            for view in views
        ],
        "counters": counters(day, now),
    }


def affected(session: Session, changes: list[BoardChange]) -> list[DeliveryView]:
    """The deliveries whose rows look different after these changes."""
    ids: dict[str, set[str]] = {"delivery": set(), "driver": set(), "vehicle": set(), "route": set()}
    for change in changes:
        ids[change.kind].add(change.subject_id)
    found = find_deliveries(session, list(ids["delivery"]))
    if ids["driver"] or ids["vehicle"]:
        for view in list_unfinished_of(
            session, driver_ids=list(ids["driver"]), vehicle_ids=list(ids["vehicle"])
        ):
            found[view.delivery_id] = view
    return list(found.values())
