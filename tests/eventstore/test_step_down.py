"""The primary of a three-member replica set steps down, again and again, while commands and their places go on."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from eventstore.doors import new_id
from eventstore.execute import Contention
from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable
from eventstore.sequencer import Sequencer
from ops.engines import EngineUnavailable, MongoServer
from ops.processes import wait_until
from tests.engines import engine_url
from tests.eventstore.samples import TOPICS, add, executor, place_all
from tests.eventstore.test_sequencer import faults_of

STEP_DOWNS = 3
CLIENTS = 4
BETWEEN = 40
"""Commands that are acknowledged between two step-downs, at least."""


@dataclass
class Figures:
    """What a run counted."""

    acknowledged: list[str] = field(default_factory=list)
    sent_again: int = 0
    step_downs: int = 0

    def __str__(self) -> str:
        return (
            f"step-down: step_downs={self.step_downs} acknowledged={len(self.acknowledged)}"
            f" sent_again={self.sent_again}"
        )


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A set of three."""
    engine_url("EVENT_STORE_URL")  # where no MongoDB can be had, this is skipped as the other tests are
    try:
        server = MongoServer(tmp_path_factory.mktemp("set") / "mongo", members=3)
    except EngineUnavailable as missing:
        pytest.skip(str(missing))
    yield server.start()
    server.stop()


@pytest.fixture(scope="module")
def replica_set(members: MongoServer) -> Iterator[MongoEventStore]:
    """A store on them."""
    store = MongoEventStore(members.url)
    assert store.store_id
    yield store
    store.close()


def await_more(figures: Figures) -> None:
    """Wait until some more commands are acknowledged."""
    wanted = len(figures.acknowledged) + BETWEEN
    wait_until(lambda: len(figures.acknowledged) >= wanted, 60, "more commands")


def run(store: MongoEventStore, members: MongoServer) -> Figures:
    """Clients add, two sequencers place, and the primary steps down, until it did so often enough."""
    figures, over = Figures(), threading.Event()

    def send_many(client: int) -> None:
        runner, number = executor(store), 0
        while not over.is_set():
            number += 1
            command_id = new_id()
            while True:
                try:
                    add(runner, f"{client}" if number % 4 else "shared", 1, command_id)
                    figures.acknowledged.append(command_id)
                    break
                except (StoreUnavailable, Contention):
                    figures.sent_again += 1

    def place() -> None:
        sequencer = Sequencer(store, TOPICS)
        while not over.is_set():
            with suppress(StoreUnavailable):
                if sequencer.step() == 0:
                    over.wait(0.01)

    with ThreadPoolExecutor(CLIENTS + 2) as pool:
        working = [pool.submit(send_many, client) for client in range(CLIENTS)]
        working += [pool.submit(place) for _ in range(2)]
        try:
            await_more(figures)
            for _ in range(STEP_DOWNS):
                members.step_down()
                figures.step_downs += 1
                await_more(figures)
        finally:
            over.set()
        for each in working:
            each.result(30)
    return figures


def lost_or_doubled(store: MongoEventStore, acknowledged: list[str]) -> list[str]:
    """The acknowledged commands that are not stored exactly once, with exactly one event."""
    events = Counter(
        document["command"]["id"] for document in store.commits.find() for _ in document["events"]
    )
    return [command_id for command_id in acknowledged if events[command_id] != 1]


def test_nothing_acknowledged_is_lost_while_the_primary_steps_down(
    replica_set: MongoEventStore, members: MongoServer
) -> None:
    figures = run(replica_set, members)
    place_all(replica_set)
    print(figures)
    assert figures.step_downs == STEP_DOWNS
    assert lost_or_doubled(replica_set, figures.acknowledged) == []
    assert faults_of(replica_set) == []
    assert replica_set.head() == replica_set.commits.count_documents({}) >= len(figures.acknowledged)

    # The oracle would notice.
    lost = figures.acknowledged[0]
    replica_set.commits.delete_one({"command.id": lost})
    assert lost_or_doubled(replica_set, figures.acknowledged) == [lost]
    assert faults_of(replica_set)
