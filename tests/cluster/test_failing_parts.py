"""A process of which one part fails ends whole, so that its supervisor starts it again."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from backend_services.lease import LEASES, PUBLISHER
from eventstore.mongodb import MongoEventStore
from eventstore.relay import CHECKPOINTS, KAFKA
from ops.processes import Child, free_port, wait_until
from tests.engines import engine_url, own_database


@pytest.fixture
def store() -> Iterator[MongoEventStore]:
    opened = MongoEventStore(own_database(engine_url("EVENT_STORE_URL")))
    assert opened.store_id
    yield opened
    opened.client.drop_database(opened.database.name)
    opened.close()


def environ_of(store: MongoEventStore) -> dict[str, str]:
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
    return inherited | own


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
