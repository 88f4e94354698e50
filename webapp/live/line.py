"""One board's connection: what goes out, what waits, and when to give it up."""

import socket
import struct
import time

from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Message, Ping

from webapp.live.codes import LISTENS_ONLY
from webapp.live.frames import Frame, Mailbox

STUCK_S = 20.0
"""A browser that accepts nothing for so long, though something waits, is dropped; it resyncs when it returns."""
SILENT_S = 50.0
"""So long a connection may say nothing, though each heartbeat asks it to."""
CLOSE_WAIT_S = 2.0
SEND_BUFFER = 128 * 1024
"""Bytes that the system keeps for a slow browser. They can't be taken back, so newer rows have to queue behind."""
RECEIVED_AT_ONCE = 4096
_ABORT = struct.pack("ii", 1, 0)


class Line:
    """A board's WebSocket after its opening handshake. Everything but the constructor is called by the wire's thread
    alone.

    `account` names who watches; `token` is the sign-in with which the board ends, None for an API key; `seen` is the
    number that its first frame told it.
    """

    def __init__(self, connection: socket.socket, account: str, token: str | None, seen: int) -> None:
        self.account = account
        self.token = token
        self.seen = seen
        self.is_over = False
        self._connection = connection
        self._protocol = Connection(ConnectionType.SERVER)
        self._mailbox = Mailbox()
        self._rest = memoryview(b"")
        self._moved_at = self._heard_at = time.monotonic()
        self._ends_by: float | None = None
        connection.setblocking(False)
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def fileno(self) -> int:
        """For selectors."""
        return self._connection.fileno()

    @property
    def has_rest(self) -> bool:
        """Whether something is under way that the browser hasn't accepted yet."""
        return bool(self._rest)

    def post(self, frame: Frame) -> None:
        """Send the frame now, or after what is under way; then as one with whatever else waits."""
        if self._ends_by is not None:
            return
        if self._rest:
            self._mailbox.offer(frame)
        else:
            self.send(frame.on_the_wire)

    def send(self, data: bytes) -> None:
        """Send bytes that make whole WebSocket messages (or the answer to the handshake)."""
        if not self._rest:
            self._moved_at = time.monotonic()
        self._send(memoryview(bytes(self._rest) + data if self._rest else data))

    def go_on(self) -> None:
        """Send what waits, as far as the browser accepts it."""
        self._send(self._rest)
        while not self._rest and (frame := self._mailbox.take()) is not None:
            self.send(frame.on_the_wire)

    def listen(self) -> None:
        """Take what the browser sent: pongs, pings, the end."""
        try:
            received = self._connection.recv(RECEIVED_AT_ONCE)
        except BlockingIOError:
            return
        if not received:
            self.is_over = True
            return
        self._heard_at = time.monotonic()
        self._protocol.receive_data(received)
        for event in self._protocol.events():
            if isinstance(event, CloseConnection):
                if self._ends_by is None and not self._rest:
                    self.send(self._protocol.send(event.response()))
                self.is_over = True
                return
            if isinstance(event, Ping) and self._ends_by is None and not self._rest:
                self.send(self._protocol.send(event.response()))
            elif isinstance(event, Message):
                self.end(LISTENS_ONLY, "a board only listens")

    def end(self, code: int, reason: str) -> None:
        """Say goodbye; the line is over when the browser has answered, or after a moment."""
        if self._ends_by is None and not self.is_over:
            self._ends_by = time.monotonic() + CLOSE_WAIT_S
            self._mailbox.take()
            self.send(self._protocol.send(CloseConnection(code, reason)))

    def is_given_up(self, now: float) -> bool:
        """Whether nothing is to be hoped for (`now` on the monotonic clock)."""
        if self._ends_by is not None:
            return now > self._ends_by
        is_stuck = bool(self._rest) and now - self._moved_at > STUCK_S
        return is_stuck or now - self._heard_at > SILENT_S

    def close(self) -> None:
        """Close the connection. What a stuck browser hasn't accepted is thrown away, not kept by the system."""
        if self._rest:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._connection.close()

    def _send(self, data: memoryview) -> None:
        try:
            taken = self._connection.send(data)
        except BlockingIOError:
            taken = 0
        if taken:
            self._moved_at = time.monotonic()
        self._rest = data[taken:]
