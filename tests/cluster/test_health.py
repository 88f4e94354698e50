"""What /health/ready says when an engine hangs or a role is away, and how soon."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.engines import START, Engine, MongoServer
from ops.processes import wait_until
from tests.engines import engine_url
from tests.journey.city import add_driver, ok
from tests.journey.distributed import DistributedServer

ANSWERED_WITHIN_S = 5.0
NOTICED_WITHIN_S = 20.0
BACK_WITHIN_S = 60.0


class Place:
    """An installation with engines of its own, which may be frozen."""

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self.engines: dict[str, Engine] = {}
        for setting, make in START.items():
            engine = make(folder, False)
            closing.callback(engine.stop)
            engine.start()
            self.engines[setting] = engine
        urls = {setting: engine.url for setting, engine in self.engines.items()}
        self.server = DistributedServer(folder / "data", engines=urls)
        closing.callback(self.server.kill)
        self.server.start()

    def health(self) -> httpx.Response:
        """The answer, which must have come in time."""
        began = time.monotonic()
        answer = httpx.get(f"{self.server.url}/health/ready", timeout=10)
        assert time.monotonic() - began < ANSWERED_WITHIN_S
        return answer

    def part(self, name: str) -> dict[str, Any]:
        """The state of one dependency."""
        found: dict[str, Any] = self.health().json()["dependencies"][name]
        return found

    def await_part(self, name: str, status: str) -> None:
        """Until the dependency has that status."""
        wait_until(lambda: self.part(name)["status"] == status, NOTICED_WITHIN_S, f"{name} that is {status}")

    def await_ready(self) -> None:
        """Until nothing is the matter and nothing on its way."""

        def is_ready() -> bool:
            state = self.health().json()
            parts = state["dependencies"]
            waiting = parts["readModels"].get("eventsBehind"), parts["publisher"].get("eventsUnpublished")
            return state["status"] == "ready" and waiting == (0, 0)

        wait_until(is_ready, BACK_WITHIN_S, "a ready Waybill")

    @contextmanager
    def frozen(self, setting: str) -> Iterator[None]:
        """An engine that answers nothing meanwhile, with all its processes."""
        pids = [pid for root in _roots(self.engines[setting]) for pid in (root, *_children(root))]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def without(self, role: str) -> Iterator[None]:
        """Without one of the processes meanwhile."""
        self.server.cluster.roles[role].kill()
        try:
            yield
        finally:
            self.server.cluster.roles[role].start()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    engine_url("EVENT_STORE_URL")  # where there are no engines, these aren't started either
    folder = tmp_path_factory.mktemp("health")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # PostgreSQL's user must get through
    with ExitStack() as closing:
        yield Place(folder, closing)


@pytest.mark.parametrize(
    ("setting", "part", "code", "status"),
    [
        ("REDIS_URL", "redis", 200, "degraded"),
        ("BROKER_URL", "kafka", 200, "degraded"),
        ("DATABASE_URL", "readModels", 503, "unavailable"),
        ("EVENT_STORE_URL", "eventStore", 503, "unavailable"),
    ],
)
def test_an_engine_that_hangs_is_down_and_the_answer_comes_in_time(
    place: Place, setting: str, part: str, code: int, status: str
) -> None:
    place.await_ready()
    with place.frozen(setting):
        for _ in range(3):
            answer = place.health()
            assert (answer.status_code, answer.json()["status"]) == (code, status)
            assert answer.json()["dependencies"][part]["status"] == "down"
    place.await_ready()


def test_without_workers_commands_wait_and_it_says_for_whom(place: Place) -> None:
    place.await_ready()
    with place.without("worker-all-1"):
        place.await_part("commands", "no_worker")
        everybody = ["fleet", "routes", "deliveries"]
        wait_until(lambda: place.part("commands").get("withoutWorker") == everybody, what="all three named")
        assert place.health().status_code == 200
    place.await_ready()


def test_without_a_publisher_changes_are_kept_and_it_says_how_many_wait(place: Place) -> None:
    place.await_ready()
    with place.without("publisher-1"):
        place.await_part("publisher", "no_publisher")
        add_driver(place.server.client)
        assert place.part("publisher")["commitsUnplaced"] == 1
        assert place.health().status_code == 200
    place.await_ready()
    assert place.part("publisher")["commitsUnplaced"] == 0


def test_without_a_projector_the_rows_are_behind_and_it_says_how_far(place: Place) -> None:
    place.await_ready()
    with place.without("projector-1"):
        driver_id = add_driver(place.server.client)
        place.await_part("readModels", "behind")
        rows = place.part("readModels")
        assert rows["eventsBehind"] == 1
        assert rows["lagSeconds"] > 1
        assert place.health().status_code == 200
        assert "waybill_events_behind 1.0" in place.server.client.get("/metrics").text
    place.await_ready()
    assert ok(place.server.client.get(f"/api/fleet/drivers/{driver_id}"))["driverId"] == driver_id


def test_events_that_wait_for_kafka_are_counted(place: Place) -> None:
    place.await_ready()
    with place.frozen("BROKER_URL"):
        driver_id = add_driver(place.server.client)
        place.await_part("publisher", "behind")
        assert place.part("publisher")["eventsUnpublished"] == 1
        assert ok(place.server.client.get(f"/api/fleet/drivers/{driver_id}"))["driverId"] == driver_id
    place.await_ready()


def _roots(engine: Engine) -> list[int]:
    if isinstance(engine, MongoServer):
        return [child.pid for child in engine.children]
    child: Any = getattr(engine, "child", None) or getattr(engine, "_child", None)
    return [child.pid]


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in found]
