"""A process of which one part fails ends whole, so that its supervisor starts it again."""

import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from uuid import uuid4

import pytest

from backend_services.lease import LEASES, PUBLISHER
from eventstore.mongodb import MongoEventStore
from eventstore.relay import CHECKPOINTS, KAFKA
from ops.processes import Child, free_port, wait_until
from tests.engines import engine_url, own_database

NOTHING, NO_CLAIMS, NO_MEMBERS = b"*-1\r\n", b"*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n", b"*0\r\n"


class SenselessForFleet(StreamRequestHandler):
    """A Redis without any commands, which answers whatever concerns the fleet with a number."""

    def handle(self) -> None:
        while head := self.rfile.readline():
            words = []
            for _ in range(int(head[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2])
            self.wfile.write(self._answer(words))

    def _answer(self, words: list[bytes]) -> bytes:
        if words[0] == b"PING":
            return b"+PONG\r\n"
        if any(b"fleet" in word for word in words):
            return b":1\r\n"
        if words[0] == b"XREADGROUP":
            time.sleep(0.05)  # as a Redis that has been asked to wait
            return NOTHING
        return {b"XAUTOCLAIM": NO_CLAIMS, b"XINFO": NO_MEMBERS}.get(words[0], b"+OK\r\n")


@pytest.fixture
def senseless_redis() -> Iterator[str]:
    with ThreadingTCPServer(("127.0.0.1", 0), SenselessForFleet) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()


@pytest.fixture
def store() -> Iterator[MongoEventStore]:
    opened = MongoEventStore(own_database(engine_url("EVENT_STORE_URL")))
    assert opened.store_id
    yield opened
    opened.client.drop_database(opened.database.name)
    opened.close()


def environ_of(store: MongoEventStore, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAYBILL_")}
    event_store = engine_url("EVENT_STORE_URL").replace("/waybill?", f"/{store.database.name}?")
    own = {
        "EVENT_STORE_URL": event_store,
        "DATABASE_URL": engine_url("DATABASE_URL"),
        "REDIS_URL": engine_url("REDIS_URL"),
        "BROKER_URL": f"kafka://127.0.0.1:{free_port()}",  # away
        "SECRET_KEY": "for-tests-only-for-tests-only-for-tests",
        "WAYBILL_NAMESPACE": f"t{uuid4().hex}",
    }
    return inherited | own | more


def ended(child: Child) -> int | None:
    """The exit code of a process that must end by itself."""
    try:
        wait_until(lambda: not child.is_running, 40, "the end of the process")
    finally:
        child.kill()
    return child.exit_code


def test_a_publisher_that_cannot_keep_its_lease_gives_it_back_and_ends(
    store: MongoEventStore, tmp_path: Path
) -> None:
    free = {"_id": PUBLISHER, "holder": "", "until": datetime.fromtimestamp(0, UTC)}
    store.database[LEASES].insert_one(free)
    store.database[CHECKPOINTS].insert_one({"_id": KAFKA, "position": "no number"})
    child = Child([sys.executable, "-m", "backend_services.publisher"], tmp_path / "log", environ_of(store))
    assert ended(child) == 1
    assert "the lease failed; this publisher ends" in child.log.read_text()
    lease = store.database[LEASES].find_one({"_id": PUBLISHER}) or {}
    assert lease["holder"]
    assert lease["until"] == free["until"]


def test_a_worker_that_cannot_go_on_for_one_of_its_services_ends(
    store: MongoEventStore, senseless_redis: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "backend_services.worker", "routes", "fleet"]
    child = Child(command, tmp_path / "log", environ_of(store, REDIS_URL=senseless_redis))
    assert ended(child) == 1
    said = child.log.read_text()
    assert said.count("fleet commands can't be received any more; this worker ends") == 1
    assert "routes commands can't be received" not in said  # nothing was wrong with them
