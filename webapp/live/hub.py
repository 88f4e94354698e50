"""The hub: one thread per process that turns changes of the rows into frames for every open board.

A row is rendered once and a frame is encoded once, however many boards there are. The wire sends it.
"""

import logging
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Flask

from backend_services.deliveries.queries import DeliveryView
from backend_services.read_models import board_head, list_board_changes
from webapp.accounts.sign_in import sessions_alive
from webapp.live.changes import MOST_CHANGES_AT_ONCE, CatchingUp, change_frame
from webapp.live.codes import FULL, GOING_AWAY, SIGNED_OUT, TOO_MANY
from webapp.live.day_views import views_of_day
from webapp.live.filters import count_facets
from webapp.live.fixes import NewFixes
from webapp.live.frames import Frame
from webapp.live.line import Line
from webapp.live.rows import render_row
from webapp.live.wire import Wire
from webapp.presentation import today

if TYPE_CHECKING:
    from webapp.wiring import Waybill

LEAST_GAP_S = 0.1
"""What changes within it becomes one frame, so that a storm of events costs ten frames a second, not a thousand."""
MOST_BUSY = 1 / 3
"""The share of the time that the hub may work; a day of thousands of deliveries is pushed less often."""
POLL_S = 2.0
TICK_S = 5.0
HEARTBEAT_S = 15.0
BEHIND_FROM_S = 2.0
MOST_PER_ACCOUNT = 20
FILES_FOR_OTHERS = 600
"""File descriptors that are left for requests, databases and engines."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """Why a board isn't let in: a close code and a sentence (at most 123 bytes)."""

    code: int
    reason: str


@dataclass(frozen=True)
class _Shown:
    """What the boards show that changes with time alone."""

    minutes_late: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def is_later(self, view: DeliveryView, known: "_Shown") -> bool:
        id_ = view.delivery_id
        return self.minutes_late.get(id_, 0) != known.minutes_late.get(id_, 0)


class Hub:
    """See the module. `most_sockets` boards are let in, of one account at most 20."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._waybill: Waybill = app.extensions["waybill"]
        self._lines: set[Line] = set()
        self._of_account: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board-hub", daemon=True)
        self._seq = 0
        self._shown = _Shown()
        self._fixes = NewFixes(self._waybill.positions)
        self._troubles: dict[str, str] = {}
        self.wire = Wire(self._forget)
        self.catching_up = CatchingUp()
        self.most_sockets = most_sockets(self._waybill.settings.sockets)

    def start(self) -> None:
        """Run in a thread until `stop`."""
        with self._waybill.sessions() as session:
            self._seq = board_head(session)
        self._waybill.rows.on_change(self._wake.set)
        self.wire.start()
        self._thread.start()

    def stop(self) -> None:
        """Close every board's socket and end the threads."""
        self.close_sockets()
        if self._thread.is_alive():
            self._thread.join()
        self.wire.stop()

    def close_sockets(self) -> None:
        """Let every board know that the server goes away; no new one gets in."""
        with self._guard:
            self._stopping.set()
        self._wake.set()
        self.wire.end_all(GOING_AWAY, "the server restarts")

    def hello(self) -> Frame:
        """The first frame of a socket: how far the log is. Call it within an app context.

        A board that shows less has to ask for the rest; one that shows more was made from another log.
        """
        with self._waybill.sessions() as session:
            head = board_head(session)
        return Frame(after=head, seq=head, day=today().isoformat(), fixes=self._fixes.told)

    def let_in(self, line: Line, answer: bytes, hello: Frame) -> None:
        """Take a new board in, or tell it why not; `answer` is the answer to its handshake, `hello` its first frame."""
        refusal = self._admit(line)
        if refusal is not None:
            self.refuse(line, answer, refusal)
            return
        greeting = answer + hello.on_the_wire
        if self._seq > hello.seq:
            # What happened since `hello` was pushed before this board was there, or to nobody: told so, it asks for it.
            greeting += Frame(self._seq, self._seq, hello.day).on_the_wire
        self.wire.add(line, greeting)

    def refuse(self, line: Line, answer: bytes, refusal: Refusal) -> None:
        """Close a new socket with a reason, of which a browser learns only when the handshake has been answered."""
        self.wire.add(line, answer)
        self.wire.end(line, refusal.code, refusal.reason)

    def _admit(self, line: Line) -> Refusal | None:
        with self._guard:
            if self._stopping.is_set() or len(self._lines) >= self.most_sockets:
                return Refusal(FULL, "this server has as many boards open as it may; ask again by polling")
            if self._of_account[line.account] >= MOST_PER_ACCOUNT:
                return Refusal(
                    TOO_MANY, f"this account has {MOST_PER_ACCOUNT} boards open here; close one of them"
                )
            self._lines.add(line)
            self._of_account[line.account] += 1
            return None

    def _forget(self, line: Line) -> None:
        with self._guard:
            if line in self._lines:
                self._lines.discard(line)
                self._of_account[line.account] -= 1
                if not self._of_account[line.account]:
                    del self._of_account[line.account]

    def _run(self) -> None:
        next_tick, next_beat = time.monotonic() + TICK_S, time.monotonic() + HEARTBEAT_S
        while not self._stopping.is_set():
            self._wake.wait(max(0.0, min(POLL_S, min(next_tick, next_beat) - time.monotonic())))
            self._wake.clear()
            began = time.monotonic()
            self._attempt(self._push_changes)
            self._attempt(self._push_fixes)
            if began >= next_tick:
                next_tick = began + TICK_S
                self._attempt(self._push_what_time_changed)
            if began >= next_beat:
                next_beat = began + HEARTBEAT_S
                self._attempt(self._beat)
            worked_s = time.monotonic() - began
            self._stopping.wait(max(LEAST_GAP_S, worked_s * (1 / MOST_BUSY - 1)))

    def _attempt(self, act: Callable[[], None]) -> None:
        """Do it; trouble is said once, not at each of the tries."""
        try:
            act()
            self._troubles.pop(act.__name__, None)
        except Exception as error:
            if self._troubles.get(act.__name__) != type(error).__name__:
                log.exception("the board's hub can't push; it tries again until it works")
            self._troubles[act.__name__] = type(error).__name__

    def _beat(self) -> None:
        """Say how far the boards have been told, ask whether they are still there, end those of ended sign-ins."""
        is_behind = self._waybill.rows.lag_s > BEHIND_FROM_S or bool(self._troubles)
        with self._app.app_context():
            self.wire.post(Frame(self._seq, self._seq, today().isoformat(), is_behind=is_behind))
            self.wire.ping()
            with self._guard:
                by_token = [(line.token, line) for line in self._lines if line.token is not None]
            alive = sessions_alive({token for token, _ in by_token})
        for token, line in by_token:
            if token not in alive:
                self.wire.end(line, SIGNED_OUT, "signed out")

    def _push_changes(self) -> None:
        with self._waybill.sessions() as session:
            if not self._lines and self._skip_to(board_head(session)):
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

    def _skip_to(self, seq: int) -> bool:
        """Nobody has to be told up to there; False when a board came meanwhile, which would miss it."""
        with self._guard:
            if self._lines:
                return False
            self._seq = seq
            return True

    def _push_fixes(self) -> None:
        """Positions change without any event at all."""
        if self._lines and (fixes := self._fixes.take(self._waybill.doors.now())):
            with self._app.app_context():
                self._offer(Frame(self._seq, self._seq, today().isoformat(), fixes=fixes))

    def _push_what_time_changed(self) -> None:
        """Lateness changes without any event on the board."""
        if not self._lines:
            self._shown = _Shown()
            return
        with self._app.test_request_context("/board"), self._waybill.sessions() as session:
            now, day = self._waybill.doors.now(), today()
            views = views_of_day(session, day)
            known = self._shown
            self._shown = shown = self._shown_at(views, now)
            later = [view for view in views if shown.is_later(view, known)]
            if not later and shown.counters == known.counters:
                return
            rows = {view.delivery_id: render_row(view, now) for view in later}
            frame = Frame(self._seq, self._seq, day.isoformat(), rows, shown.counters)
        self._offer(frame)

    def _shown_at(self, views: Sequence[DeliveryView], now: datetime) -> _Shown:
        late = {view.delivery_id: int(view.predicted_delay(now).total_seconds() // 60) for view in views}
        return _Shown(late, count_facets(views, now))

    def _offer(self, frame: Frame) -> None:
        _ = frame.on_the_wire  # here, once
        self.wire.post(frame)


def most_sockets(wanted: int) -> int:
    """How many boards this process may hold: as many as are wanted, unless the system gives us too few descriptors."""
    most_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most_files == resource.RLIM_INFINITY or most_files - FILES_FOR_OTHERS >= wanted:
        return wanted
    most = max(10, most_files - FILES_FOR_OTHERS)
    log.warning("only %d boards at once: this process may open %d files (ulimit -n)", most, most_files)
    return most
