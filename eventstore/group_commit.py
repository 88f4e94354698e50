"""Group commit: what waits while one transaction is being synced is written together in the next one."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

from eventstore.ports import StoreUnavailable
from eventstore.records import Commit

MAX_TOGETHER = 128

WriteTogether = Callable[[list[Commit]], list[Commit | Exception]]


class GroupCommit:
    """One writer thread in front of `write_together`, which answers each commit with itself or its error.

    Nobody is kept waiting to fill a group: the first commit is written at once, and those that arrive meanwhile
    form the next group. The thread starts with the first commit, so that a store may be opened before a fork.
    """

    def __init__(self, write_together: WriteTogether) -> None:
        self._write_together = write_together
        self._waiting: SimpleQueue[tuple[Commit, Future[Commit]] | None] = SimpleQueue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, commit: Commit) -> Commit:
        """Write the commit and return it as it was stored; raises what `write_together` answered for it."""
        future: Future[Commit] = Future()
        with self._guard:
            if self._closed:
                raise StoreUnavailable("the event store is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="event-store-writer", daemon=True)
                self._thread.start()
            self._waiting.put((commit, future))
        return future.result()

    def close(self) -> None:
        """Write what waits, then stop the thread."""
        with self._guard:
            self._closed = True
            self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            group: list[tuple[Commit, Future[Commit]]] = []
            item = self._waiting.get()
            while item is not None:
                group.append(item)
                if len(group) == MAX_TOGETHER or self._waiting.empty():
                    break
                item = self._waiting.get()
            if group:
                self._write(group)
            if item is None:
                return

    def _write(self, group: list[tuple[Commit, Future[Commit]]]) -> None:
        results: list[Commit | Exception]
        try:
            results = self._write_together([commit for commit, _ in group])
        except Exception as error:  # whatever it is, nobody may wait for ever
            results = [error] * len(group)
        for (_, future), result in zip(group, results, strict=True):
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
