"""Many boards at once: sockets that only wait for something to arrive, and the accounts behind them."""

import select
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import websocket
from flask import Flask

from webapp.accounts.models import Account, SignIn
from webapp.accounts.sign_in import _hash
from webapp.database import db
from webapp.live.hub import MOST_PER_ACCOUNT

CONNECT_BOUND_S = 30.0
PING, PONG = b"\x89\x00", b"\x8a\x80\x00\x00\x00\x00"


class Crowd:
    """`count` open boards; the headers say whose they are, as many boards each as an account may have."""

    def __init__(self, url: str, headers: Sequence[Mapping[str, str]], count: int) -> None:
        def connect(number: int) -> websocket.WebSocket:
            whose = headers[number // MOST_PER_ACCOUNT]
            board = websocket.create_connection(url, timeout=CONNECT_BOUND_S, header=dict(whose))
            board.recv()  # the first frame: from now on everything is pushed
            return board

        with ThreadPoolExecutor(16) as pool:
            self._boards = list(pool.map(connect, range(count)))
        self._sockets: dict[int, socket.socket] = {board.sock.fileno(): board.sock for board in self._boards}
        self._poll = select.epoll()
        for number, sock in self._sockets.items():
            sock.setblocking(False)
            self._poll.register(number, select.EPOLLIN)

    def arrivals(self, mark: bytes, bound_s: float) -> list[float]:
        """When (perf_counter) a frame with the mark was there for each board; fewer when some had to wait longer."""
        times: dict[int, float] = {}
        tails: dict[int, bytes] = {}
        bound = time.perf_counter() + bound_s
        while len(times) < len(self._sockets) and time.perf_counter() < bound:
            for number, _ in self._poll.poll(0.1):
                data = tails.get(number, b"") + self._sockets[number].recv(1 << 18)
                if PING in data:
                    self._sockets[number].send(PONG)
                if mark in data:
                    times.setdefault(number, time.perf_counter())
                tails[number] = data[-len(mark) :]
        return list(times.values())

    def leave(self) -> None:
        """Close all at once, without a word."""
        self._poll.close()
        for sock in self._sockets.values():
            sock.close()


def sign_in_many(app: Flask, count: int) -> list[dict[str, str]]:
    """The cookies of that many dispatchers, each with a sign-in; nobody has a password."""
    cookies = []
    now = datetime.now(UTC)
    signer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    with app.app_context():
        for number in range(count):
            name = f"crowd-{number}"
            account = Account(
                id=name,
                username=name,
                username_key=name,
                password_hash="!",
                role="dispatcher",
                display_name=name,
                created_at=now,
            )
            token = f"token-of-{name}"
            sign_in = SignIn(token_hash=_hash(token), account_id=name, created_at=now, last_seen_at=now)
            db.session.add_all([account, sign_in])
            session = signer.dumps({"_user_id": token, "_fresh": True})
            cookies.append({"Cookie": f"{app.config['SESSION_COOKIE_NAME']}={session}"})
        db.session.commit()
    return cookies
