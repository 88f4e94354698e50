"""A TCP proxy in front of an engine that can lose answers or requests: what a network does at its worst."""

import socket
import threading
from contextlib import suppress
from enum import Enum

CHUNK = 65_536


class Fault(Enum):
    """What happens to the next bytes from the client.

    - NONE: they pass.
    - LOSE_ANSWERS: they reach the engine, but its answer doesn't come back and the connection breaks.
    - LOSE_REQUESTS: they reach nobody and the connection breaks.
    - SILENCE: they reach nobody, and the connection stays open without a word.
    """

    NONE = 0
    LOSE_ANSWERS = 1
    LOSE_REQUESTS = 2
    SILENCE = 3


class CuttingProxy:
    """Passes connections on to a loopback port; what meets the fault is what has one of its marks in it."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        self._fault = Fault.NONE
        self._marks: tuple[bytes, ...] = ()
        self._is_once = self._then_close = False
        self.hits = 0
        """How many requests have met the fault."""
        threading.Thread(target=self._accept, daemon=True).start()

    def suffer(self, fault: Fault, *marks: bytes, once: bool = False, then_close: bool = False) -> None:
        """Treat requests with one of the marks (all, without marks) so from now on, or only the next one.

        `then_close` takes no connections after it."""
        self._fault, self._marks, self.hits = fault, marks or (b"",), 0
        self._is_once, self._then_close = once, then_close

    def heal(self) -> None:
        """Let everything pass again."""
        self._fault = Fault.NONE

    def close(self) -> None:
        """Break every connection and accept no more."""
        for each in (self._listener, *self._sockets):
            _break(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                engine = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, engine]
                lost = threading.Event()
                for work in (self._pass_requests, self._pass_answers):
                    threading.Thread(target=work, args=(client, engine, lost), daemon=True).start()

    def _note_hit(self) -> None:
        self.hits += 1
        if self._is_once:
            self.heal()
        if self._then_close:
            _break(self._listener)

    def _pass_requests(self, client: socket.socket, engine: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while content := client.recv(CHUNK):
                if self._fault is Fault.NONE or not any(mark in content for mark in self._marks):
                    engine.sendall(content)
                    continue
                fault = self._fault
                self._note_hit()
                if fault is Fault.SILENCE:
                    continue
                if fault is Fault.LOSE_REQUESTS:
                    break
                lost.set()
                engine.sendall(content)
        if not lost.is_set():
            _break(client)
            _break(engine)

    def _pass_answers(self, client: socket.socket, engine: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while content := engine.recv(CHUNK):
                if lost.is_set():
                    break
                client.sendall(content)
        _break(client)
        _break(engine)


def _break(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
