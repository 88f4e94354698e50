"""The board's WebSocket: one thread per browser that empties its mailbox."""

import socket as tcp
import time
from contextlib import suppress
from urllib.parse import urlsplit

from flask import request
from flask_login import current_user
from simple_websocket import ConnectionClosed, Server

from webapp.accounts.sign_in import is_session_alive
from webapp.database import db
from webapp.live import board_hub
from webapp.live.frames import Mailbox

GOING_AWAY, WRONG_ORIGIN, FULL, SIGNED_OUT = 1012, 1008, 1013, 4401
HEARTBEAT_S = 15.0
LOOK_S = 2.0
"""How often a thread that waits looks whether its browser is still there."""
STUCK_MS = 20_000


def watch(socket: Server) -> None:
    """Send every frame to this browser until it goes, the sign-in ends or the server stops."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        socket.close(WRONG_ORIGIN, "wrong origin")
        return
    mailbox = board_hub().open()
    if mailbox is None:
        socket.close(FULL, "too many boards; ask again by polling")
        return
    token = current_user.get_id() if current_user.is_authenticated else None
    db.session.remove()  # a socket lives for hours and must not hold a connection
    _drop_when_stuck(socket.sock)
    try:
        # A browser that is gone or stuck shows as either of the two.
        with suppress(ConnectionClosed, OSError):
            code, reason = _send_all(socket, mailbox, token)
            socket.close(code, reason)
    finally:
        board_hub().shut(mailbox)


def _send_all(socket: Server, mailbox: Mailbox, token: str | None) -> tuple[int, str]:
    """Send until there is a reason to close, which is the answer."""
    hub = board_hub()
    socket.send(hub.hello().encoded)
    next_beat = time.monotonic() + HEARTBEAT_S
    while socket.connected and not mailbox.is_closed:
        if time.monotonic() >= next_beat:
            next_beat = time.monotonic() + HEARTBEAT_S
            if token is not None and not is_session_alive(token):
                return SIGNED_OUT, "signed out"
            socket.send(hub.heartbeat().encoded)
        frame = mailbox.take(LOOK_S)
        if frame is not None:
            socket.send(frame.encoded)
    return GOING_AWAY, "the server restarts"


def _drop_when_stuck(connection: tcp.socket) -> None:
    """Let the system end a connection whose other side has accepted nothing for a while; sending would block."""
    if hasattr(tcp, "TCP_USER_TIMEOUT") and connection.family in (tcp.AF_INET, tcp.AF_INET6):
        connection.setsockopt(tcp.IPPROTO_TCP, tcp.TCP_USER_TIMEOUT, STUCK_MS)
