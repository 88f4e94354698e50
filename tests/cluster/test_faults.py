"""Engines and processes that die under load: nothing acknowledged is lost, and everything agrees again afterwards."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ops.cluster import FULL, Role
from ops.kafka_broker import KafkaBroker
from ops.processes import wait_until
from tests.cluster import oracle
from tests.cluster.kill_storm import PLANTS, Load, await_agreement, check, storm
from tests.engines import engine_url
from tests.journey.city import add_driver, ok
from tests.journey.distributed import DistributedServer
from webapp.wiring import READ_YOUR_WRITES_BOUND_S

COMMANDS = 900
"""`make soak` does it with 5,000."""
BROKER_AWAY_COMMANDS = 180


@pytest.fixture
def full(tmp_path: Path) -> Iterator[DistributedServer]:
    server = DistributedServer(tmp_path / "city", FULL)
    yield server.start()
    server.remove()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    """A Kafka of the test's own, to be stopped and wiped."""
    engine_url("BROKER_URL")
    running = KafkaBroker(tmp_path / "kafka", need_apache=False).start()
    yield running
    running.stop()


@pytest.fixture
def with_broker(tmp_path: Path, broker: KafkaBroker) -> Iterator[DistributedServer]:
    server = DistributedServer(tmp_path / "city", engines={"BROKER_URL": broker.url})
    yield server.start()
    if not broker.is_running:
        broker.start()
    server.remove()


def test_kill_9_for_every_role_in_turn_loses_nothing_and_the_checks_would_have_noticed(
    full: DistributedServer,
) -> None:
    line, acknowledged = storm(full, COMMANDS, seed=int(time.time()))
    print(line)
    for harm, says in PLANTS.values():
        harm(full)
        with pytest.raises(AssertionError, match=says):
            check(full, acknowledged)


def test_without_kafka_commands_go_on_and_rows_follow_from_the_event_store(
    with_broker: DistributedServer, broker: KafkaBroker
) -> None:
    http = with_broker.client
    add_driver(http)
    broker.stop()
    load = Load(with_broker.cluster.urls, BROKER_AWAY_COMMANDS)
    load.run()
    assert not load.refused
    late = add_driver(http, "Without Kafka")
    wait_until(lambda: http.get(f"/api/fleet/drivers/{late}").status_code == 200, what="a row without Kafka")
    broker.start()
    await_agreement(with_broker)
    check(with_broker, load.acknowledged)


def test_a_projector_that_starts_without_kafka_follows_as_fast_and_says_each_time_that_it_is_away(
    with_broker: DistributedServer, broker: KafkaBroker
) -> None:
    http, role = with_broker.client, with_broker.cluster.roles["projector-1"]
    role.kill()
    broker.stop()
    away = times_said(
        role, "the event store is read instead"
    )  # said before the topics were made, if it was early
    back = times_said(role, "Kafka is back")
    waiting = add_driver(http, "Before it starts")
    role.start()
    wait_until(lambda: http.get(f"/api/fleet/drivers/{waiting}").status_code == 200, 30, "the first row")
    taken_s = sorted(seconds_until_shown(http) for _ in range(9))
    assert taken_s[4] < READ_YOUR_WRITES_BOUND_S, taken_s
    wait_until(
        lambda: times_said(role, "the event store is read instead") == away + 1, 30, "a line in the log"
    )

    broker.start()
    wait_until(
        lambda: add_driver(http) and times_said(role, "Kafka is back") == back + 1, 60, "an event from Kafka"
    )
    broker.stop()
    wait_until(
        lambda: times_said(role, "the event store is read instead") == away + 2, 30, "another line in the log"
    )


def seconds_until_shown(http: httpx.Client) -> float:
    """How long it takes from sending a command until its row can be read."""
    began = time.monotonic()
    driver_id = add_driver(http)
    wait_until(lambda: http.get(f"/api/fleet/drivers/{driver_id}").status_code == 200, 30, "a row")
    return time.monotonic() - began


def times_said(role: Role, text: str) -> int:
    """How often it is in the role's log."""
    return role.log.read_text(errors="replace").count(text)


def test_a_kafka_that_lost_everything_is_filled_up_from_now_on_and_nothing_is_missing_in_the_rows(
    with_broker: DistributedServer, broker: KafkaBroker
) -> None:
    load = Load(with_broker.cluster.urls, BROKER_AWAY_COMMANDS)
    load.run()
    await_agreement(with_broker)
    broker.stop()
    broker.wipe()
    lost_too = add_driver(with_broker.client, "While it was away")
    broker.start()
    after = add_driver(with_broker.client, "Afterwards")
    await_agreement(with_broker)
    stored = oracle.commits(with_broker)
    assert oracle.rows(with_broker) == oracle.fold(stored)
    for driver_id in (lost_too, after):
        assert ok(with_broker.client.get(f"/api/fleet/drivers/{driver_id}"))["driverId"] == driver_id


def test_projectors_that_start_with_an_empty_kafka_build_the_rows_from_the_event_store(
    with_broker: DistributedServer, broker: KafkaBroker
) -> None:
    load = Load(with_broker.cluster.urls, BROKER_AWAY_COMMANDS)
    load.run()
    await_agreement(with_broker)
    with_broker.stop()
    with_broker.forget_read_models()
    broker.stop()
    broker.wipe()
    broker.start()
    with_broker.start()
    assert oracle.rows(with_broker) == oracle.fold(oracle.commits(with_broker))
