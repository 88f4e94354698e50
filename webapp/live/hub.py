"""The hub: one thread per process that turns changes of the rows into frames and offers each to every open board.

A row is rendered once, however many boards there are. Each board has a bounded mailbox that its socket's own thread
empties, so a browser that is stuck holds up nobody.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy.orm import Session

from backend_services.deliveries.queries import DeliveryView, list_day
from backend_services.read_models import BoardChange, board_head, list_board_changes
from webapp.live.filters import count_facets
from webapp.live.frames import Frame, Mailbox
from webapp.live.rows import render_row
from webapp.presentation import day_bounds, iso_text, today

if TYPE_CHECKING:
    from webapp.wiring import Waybill

MOST_CHANGES_AT_ONCE = 500
LEAST_GAP_S = 0.1
"""What changes within it becomes one frame, so that a storm of events costs ten frames a second, not a thousand."""
MOST_BUSY = 1 / 3
"""The share of the time that the hub may work; a day of thousands of deliveries is pushed less often."""
POLL_S = 2.0
TICK_S = 5.0
BEHIND_FROM_S = 2.0
THREADS_LEFT_FOR_REQUESTS = 40

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Shown:
    """What the boards show that changes with time alone."""

    minutes_late: dict[str, int] = field(default_factory=dict)
    fixes: dict[str, str] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def is_later(self, view: DeliveryView, known: "_Shown") -> bool:
        id_ = view.delivery_id
        return self.minutes_late.get(id_, 0) != known.minutes_late.get(id_, 0)


class Hub:
    """See the module. `open` and `shut` are called by the sockets' threads."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._waybill: Waybill = app.extensions["waybill"]
        self._mailboxes: set[Mailbox] = set()
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._seq = 0
        self._shown = _Shown()
        self._trouble = ""
        self.most_sockets = max(4, self._waybill.settings.threads - THREADS_LEFT_FOR_REQUESTS)

    def start(self) -> None:
        """Run in a thread until `stop`."""
        with self._waybill.sessions() as session:
            self._seq = board_head(session)
        self._waybill.rows.on_change(self._wake.set)
        self._thread = threading.Thread(target=self._run, name="board-hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every board's socket and end the thread."""
        self.close_sockets()
        if self._thread is not None:
            self._thread.join()

    def close_sockets(self) -> None:
        """Let every board know that the server goes away; no new one gets in."""
        self._stopping.set()
        self._wake.set()
        with self._guard:
            for mailbox in self._mailboxes:
                mailbox.close()

    def open(self) -> Mailbox | None:
        """A mailbox for a new socket; None when there are as many as the threads bear, or the server goes away."""
        with self._guard:
            if self._stopping.is_set() or len(self._mailboxes) >= self.most_sockets:
                return None
            mailbox = Mailbox()
            self._mailboxes.add(mailbox)
            return mailbox

    def shut(self, mailbox: Mailbox) -> None:
        """The socket is gone."""
        with self._guard:
            self._mailboxes.discard(mailbox)

    def hello(self) -> Frame:
        """The first frame of a socket: how far the log is. Call it within an app context.

        A board that shows less has to ask for the rest; one that shows more was made from another log.
        """
        with self._waybill.sessions() as session:
            head = board_head(session)
        return Frame(after=head, seq=head, day=today().isoformat())

    def heartbeat(self) -> Frame:
        """A frame that only says how far the boards have been told. Call it within an app context."""
        is_behind = self._waybill.rows.lag_s > BEHIND_FROM_S
        return Frame(after=self._seq, seq=self._seq, day=today().isoformat(), is_behind=is_behind)

    def _run(self) -> None:
        next_tick = time.monotonic() + TICK_S
        while not self._stopping.is_set():
            self._wake.wait(max(0.0, min(POLL_S, next_tick - time.monotonic())))
            self._wake.clear()
            began = time.monotonic()
            try:
                self._push_changes()
                if time.monotonic() >= next_tick:
                    next_tick = time.monotonic() + TICK_S
                    self._push_what_time_changed()
                self._trouble = ""
            except Exception as error:
                if type(error).__name__ != self._trouble:  # said once, not at each of the tries
                    log.exception("the board's hub can't push; it tries again until it works")
                self._trouble = type(error).__name__
            worked_s = time.monotonic() - began
            self._stopping.wait(max(LEAST_GAP_S, worked_s * (1 / MOST_BUSY - 1)))

    def _push_changes(self) -> None:
        with self._waybill.sessions() as session:
            if not self._mailboxes:
                self._seq = board_head(session)
                return
            after = self._seq
            changes = list_board_changes(session, after, MOST_CHANGES_AT_ONCE)
            if changes == []:
                return
            seq = changes[-1].seq if changes else board_head(session)
            try:
                with self._app.test_request_context("/board"):
                    self._offer(change_frame(session, changes, after, seq, self._waybill.doors.now()))
            finally:
                self._seq = seq  # also after trouble: what isn't sent is a gap, which the boards see and fill
            if changes and len(changes) == MOST_CHANGES_AT_ONCE:
                self._wake.set()

    def _push_what_time_changed(self) -> None:
        """Lateness and the drivers' last positions change without any event on the board."""
        if not self._mailboxes:
            self._shown = _Shown()
            return
        with self._app.test_request_context("/board"), self._waybill.sessions() as session:
            now, day = self._waybill.doors.now(), today()
            views = list_day(session, *day_bounds(day))
            known = self._shown
            self._shown = shown = self._shown_at(views, now)
            later = [view for view in views if shown.is_later(view, known)]
            fixes = {id_: at for id_, at in shown.fixes.items() if known.fixes.get(id_) != at}
            if not later and not fixes and shown.counters == known.counters:
                return
            rows = {view.delivery_id: render_row(view, now) for view in later}
            frame = Frame(self._seq, self._seq, day.isoformat(), rows, shown.counters, fixes)
        self._offer(frame)

    def _shown_at(self, views: Sequence[DeliveryView], now: datetime) -> _Shown:
        late = {view.delivery_id: int(view.predicted_delay(now).total_seconds() // 60) for view in views}
        drivers = {view.driver_id for view in views if view.driver_id and not view.is_finished}
        found = ((driver_id, self._waybill.positions.find(driver_id, now)) for driver_id in drivers)
        fixes = {driver_id: iso_text(fix.recorded_at) for driver_id, fix in found if fix is not None}
        return _Shown(late, fixes, count_facets(views, now))

    def _offer(self, frame: Frame) -> None:
        _ = frame.encoded  # here, once; the sockets' threads share it
        with self._guard:
            for mailbox in self._mailboxes:
                mailbox.offer(frame)


def change_frame(
    session: Session, changes: Sequence[BoardChange] | None, after: int, seq: int, now: datetime
) -> Frame:
    """What today's board has to do for these changes (None: for more than the log still knows).

    Needs an app context with a request, real or made.
    """
    day = today()
    if changes is None:
        return Frame(after, seq, day.isoformat(), resync=True)
    views = list_day(session, *day_bounds(day))
    changed: dict[str, set[str]] = {"delivery": set(), "driver": set(), "vehicle": set(), "route": set()}
    for change in changes:
        changed[change.kind].add(change.subject_id)
    rows: dict[str, str | None] = dict.fromkeys(changed["delivery"])
    for view in views:
        of_party = view.driver_id in changed["driver"] or view.vehicle_id in changed["vehicle"]
        if view.delivery_id in rows or (of_party and not view.is_finished):
            rows[view.delivery_id] = render_row(view, now)
    return Frame(after, seq, day.isoformat(), rows, count_facets(views, now))
