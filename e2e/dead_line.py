"""A TCP proxy that can stand still: its connections stay open, new ones are taken, and nothing comes through any more.

That is what a browser sees when a cable is out or a server is frozen; a killed server says at least goodbye.
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType

READ_AT_ONCE = 1 << 16


class Proxy:
    """Passes on what comes to `url` to the port, and back, except between `cut` and `heal`; then all of it goes on.

    `taken` counts the connections.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.taken = 0
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._flows.set()

    def cut(self) -> None:
        """From now on nothing comes through."""
        self._flows.clear()

    def heal(self) -> None:
        """What was held comes through, as TCP sends again what wasn't acknowledged."""
        self._flows.set()

    def _take(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                self.taken += 1
                far = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(READ_AT_ONCE):
                self._flows.wait()
                target.sendall(data)
            self._flows.wait()
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
