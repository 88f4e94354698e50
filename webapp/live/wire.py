"""The wire: one thread that owns the connections of all boards of this process.

Sending the same bytes to every board from one thread is many times faster than waking a thread per board, and a board
costs no thread of the web server.
"""

import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from prometheus_client import Counter, Gauge
from wsproto.connection import Connection, ConnectionType
from wsproto.events import Ping

from webapp.live.codes import GOING_AWAY
from webapp.live.frames import Frame
from webapp.live.line import Line

LOOK_S = 0.5
"""How often is looked for lines to give up."""
PING = Connection(ConnectionType.SERVER).send(Ping())

BOARDS = Gauge("waybill_boards", "Boards that are open in this process")
GIVEN_UP = Counter(
    "waybill_boards_given_up_total", "Boards that were dropped because they were stuck or silent"
)

log = logging.getLogger(__name__)


class Wire:
    """See the module. Its public methods may be called from any thread and never block; the wire does what they ask for
    in that order. `forget` is called when a line is over."""

    def __init__(self, forget: Callable[[Line], None]) -> None:
        self._forget = forget
        self._lines: set[Line] = set()
        self._wanted: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ring = socket.socketpair()
        self._newest: Frame | None = None
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="board-wire", daemon=True)

    def start(self) -> None:
        """Run in a thread until `stop`."""
        for end in (self._bell, self._ring):
            end.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread.start()

    def stop(self) -> None:
        """Close every line and end the thread; the lines have a moment to answer."""
        self.end_all(GOING_AWAY, "the server restarts")
        self._want(self._end)
        if self._thread.is_alive():
            self._thread.join()

    def add(self, line: Line, greeting: bytes) -> None:
        """A new line, and what to say first: the answer to its handshake, its first frame."""
        self._want(partial(self._add, line, greeting))

    def post(self, frame: Frame) -> None:
        """Send the frame to every line."""
        self._want(partial(self._post, frame))

    def ping(self) -> None:
        """Ask every line whether it is still there."""
        self._want(partial(self._to_all, lambda line: None if line.has_rest else line.send(PING)))

    def end(self, line: Line, code: int, reason: str) -> None:
        """Say goodbye to one line."""
        self._want(partial(self._do, line, partial(line.end, code, reason)))

    def end_all(self, code: int, reason: str) -> None:
        """Say goodbye to every line that is open now."""
        self._want(partial(self._to_all, lambda line: line.end(code, reason)))

    def _want(self, act: Callable[[], None]) -> None:
        self._wanted.append(act)
        with suppress(BlockingIOError):  # full: it rings already
            self._ring.send(b"!")

    def _run(self) -> None:
        next_look = 0.0
        while self._lines or not self._is_stopping:
            ready = self._selector.select(LOOK_S)
            with suppress(BlockingIOError):  # before what it rings for: what comes later rings again
                self._bell.recv(4096)
            while self._wanted:
                self._wanted.popleft()()
            for key, _ in ready:
                if self._wanted:
                    break  # news goes before what browsers have to say, which comes again
                if key.data is not None:
                    self._do(key.data, partial(_serve, key.data))
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK_S
                self._look()
        self._selector.close()

    def _add(self, line: Line, greeting: bytes) -> None:
        self._lines.add(line)
        try:
            self._selector.register(line, selectors.EVENT_READ, line)
        except (OSError, ValueError):  # the system watches over no more of them, or it is closed already
            log.exception("a board's connection can't be watched over; it is dropped")
            self._drop(line)
            return
        BOARDS.set(len(self._lines))
        self._do(line, partial(line.send, greeting))
        if self._newest is not None and self._newest.seq > line.seen:
            # Sent to all others after this line's first frame was made: told so, the board asks for it.
            missed = Frame(self._newest.seq, self._newest.seq, self._newest.day)
            self._do(line, partial(line.post, missed))

    def _post(self, frame: Frame) -> None:
        self._newest = frame
        self._to_all(lambda line: line.post(frame))

    def _end(self) -> None:
        self._is_stopping = True

    def _look(self) -> None:
        now = time.monotonic()
        for line in [line for line in self._lines if line.is_given_up(now)]:
            GIVEN_UP.inc()
            self._drop(line)

    def _to_all(self, act: Callable[[Line], None]) -> None:
        for line in list(self._lines):
            self._do(line, partial(act, line))

    def _do(self, line: Line, act: Callable[[], None]) -> None:
        """Do something with a line; what goes wrong with it is the end of it, and of no other."""
        if line not in self._lines:
            return
        had_rest = line.has_rest
        try:
            act()
            if line.has_rest != had_rest and not line.is_over:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.has_rest else 0)
                self._selector.modify(line, wanted, line)
        except OSError:
            line.is_over = True
        except Exception:
            log.exception("a board's connection is given up")
            line.is_over = True
        if line.is_over:
            self._drop(line)

    def _drop(self, line: Line) -> None:
        self._lines.discard(line)
        with suppress(KeyError, ValueError):  # it isn't watched over
            self._selector.unregister(line)
        with suppress(OSError):
            line.close()
        BOARDS.set(len(self._lines))
        self._forget(line)


def _serve(line: Line) -> None:
    if line.has_rest:
        line.go_on()
    line.listen()
