"""From the log to Kafka: in lane order, with what readers need to drop repeats and to notice losses."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from eventstore import envelope
from eventstore.kafka import Broker, BrokerUnavailable
from eventstore.lanes import LANES_PER_TOPIC, Lane, PlacedEvent
from eventstore.mongodb import MongoEventStore
from eventstore.relay import Relay
from eventstore.sequencer import PlacedLog
from ops.kafka_broker import KafkaBroker
from ops.processes import free_port, wait_until
from tests.engines import engine_url
from tests.eventstore.projected_rows import some_events
from tests.eventstore.samples import TOPICS, commit_of, place_all

[TOPIC] = TOPICS.names
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]")


@pytest.fixture
def namespace() -> str:
    """What no other test's topics begin with."""
    return f"t{uuid4().hex[:16]}"


@pytest.fixture
def broker(namespace: str) -> Iterator[Broker]:
    """The shared broker with topics of this test's own."""
    url = engine_url("BROKER_URL")
    yield Broker(url, namespace)
    admin = AdminClient({"bootstrap.servers": url.removeprefix("kafka://"), "log_level": 0})
    ours = [name for name in admin.list_topics(timeout=5).topics if name.startswith(namespace)]
    for deleted in admin.delete_topics(ours).values() if ours else ():
        deleted.result(5)


@pytest.fixture(scope="module")
def stoppable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker of these tests' own; each of them leaves it running."""
    engine_url("BROKER_URL")  # where no broker can be had, this is skipped as the other tests are
    own = KafkaBroker(tmp_path_factory.mktemp("broker") / "kafka", need_apache=False)
    if not own.is_apache:
        pytest.skip("Apache Kafka can't be had here, and the Tansu broker keeps nothing over a stop")
    own.start()
    yield own
    own.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka is given up after two seconds."""
    monkeypatch.setattr("eventstore.kafka.DELIVERY_TIMEOUT_S", 2.0)
    monkeypatch.setattr("eventstore.kafka.REQUEST_TIMEOUT_S", 2.0)


def messages(url: str, namespace: str) -> list[Message]:
    """Everything in the topic; what is in one partition is in Kafka's order."""
    settings = {"bootstrap.servers": url.removeprefix("kafka://"), "group.id": uuid4().hex, "log_level": 0}
    consumer = Consumer(settings | {"enable.auto.commit": False, "fetch.wait.max.ms": 20})
    partitions = [TopicPartition(f"{namespace}.{TOPIC}", number, 0) for number in range(LANES_PER_TOPIC)]
    heads = [consumer.get_watermark_offsets(partition, timeout=10)[1] for partition in partitions]
    consumer.assign(partitions)
    found: list[Message] = []
    while len(found) < sum(heads):
        message = consumer.poll(10)
        assert message is not None
        assert message.error() is None
        found.append(message)
    consumer.close()
    return found


def received(url: str, namespace: str) -> dict[int, list[int]]:
    """The numbers in each partition of a topic, as they arrived."""
    found = defaultdict[int, list[int]](list)
    for message in messages(url, namespace):
        found[message.partition() or 0].append(envelope.decode(message.value() or b"").pseq)
    return dict(found)


def in_order(events: Sequence[PlacedEvent]) -> dict[int, list[int]]:
    """The numbers that must arrive in each partition."""
    found = defaultdict[int, list[int]](list)
    for placed in events:
        found[placed.lane.number].append(placed.pseq)
    return dict(found)


def without_repeats(numbers: Sequence[int]) -> list[int]:
    """What a reader applies: it drops what it has seen, and would notice a gap."""
    applied: list[int] = []
    for number in numbers:
        seen = applied[-1] if applied else 0
        assert number <= seen + 1, "a gap"
        if number == seen + 1:
            applied.append(number)
    return applied


def send_all(relay: Relay) -> int:
    sent = 0
    while step := relay.step():
        sent += step
    return sent


def test_everything_arrives_in_the_order_of_its_lane(
    mongo: MongoEventStore, broker: Broker, namespace: str
) -> None:
    events = some_events(mongo, 30, [f"s{number}" for number in range(20)])
    relay = Relay(mongo, broker, TOPICS)
    assert send_all(relay) == len(events) == 600
    assert relay.position() == mongo.head()
    assert received(engine_url("BROKER_URL"), namespace) == in_order(events)


def test_a_message_is_what_the_log_holds_with_the_stream_as_its_key(
    mongo: MongoEventStore, broker: Broker, namespace: str
) -> None:
    events = {placed.event.event_id: placed for placed in some_events(mongo, 3)}
    send_all(Relay(mongo, broker, TOPICS))
    found = messages(engine_url("BROKER_URL"), namespace)
    assert len(found) == len(events)
    for message in found:
        placed = envelope.decode(message.value() or b"")
        assert placed == events.pop(placed.event.event_id)
        assert message.key() == placed.event.stream.encode()
        assert message.partition() == placed.lane.number
        headers = {name: value.decode() for name, value in message.headers()}  # type: ignore[union-attr,str-unpack]
        traceparent = headers.pop("traceparent")
        assert TRACEPARENT.fullmatch(traceparent)
        assert headers == {
            "event_id": placed.event.event_id,
            "type": "Added",
            "schema_version": "1",
            "log_position": str(placed.event.log_position),
            "correlation_id": placed.event.correlation_id,
        }


def test_a_consumer_gets_the_events_and_leaves_out_what_is_none(
    mongo: MongoEventStore, broker: Broker, namespace: str
) -> None:
    events = some_events(mongo, 3)
    relay = Relay(mongo, broker, TOPICS)
    broker.ensure_topics(TOPICS.names)
    rubbish = Producer(
        {"bootstrap.servers": engine_url("BROKER_URL").removeprefix("kafka://"), "log_level": 0}
    )
    astray = [
        envelope.encode(replace(events[0], lane=lane))
        for lane in (Lane(TOPIC, LANES_PER_TOPIC), Lane("other-events", 0))
    ]
    for content in (b"rubbish", b"", b"{}", None, *astray):
        rubbish.produce(f"{namespace}.{TOPIC}", content, partition=events[0].lane.number)
    assert rubbish.flush(10) == 0
    send_all(relay)
    consumer = broker.consumer("readers", TOPICS.names)
    found: list[PlacedEvent] = []

    def has_all() -> bool:
        found.extend(consumer.receive(5, 0.1))
        return len(found) >= len(events)

    wait_until(has_all, 60, "every event")
    assert sorted(found, key=lambda placed: placed.event.log_position) == events
    consumer.commit()
    consumer.close()


def test_topics_are_made_once_with_a_partition_per_lane(broker: Broker, namespace: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: broker.ensure_topics(TOPICS.names), range(2)))
    broker.ensure_topics(TOPICS.names)
    admin = AdminClient(
        {"bootstrap.servers": engine_url("BROKER_URL").removeprefix("kafka://"), "log_level": 0}
    )
    assert len(admin.list_topics(timeout=5).topics[f"{namespace}.{TOPIC}"].partitions) == LANES_PER_TOPIC


def test_two_relays_at_once_only_repeat(mongo: MongoEventStore, broker: Broker, namespace: str) -> None:
    events = some_events(mongo, 60, [f"s{number}" for number in range(10)])
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr("eventstore.relay.BATCH_SIZE", 40)
        sent = sum(pool.map(lambda _: send_all(Relay(mongo, broker, TOPICS)), range(2)))
    assert sent >= len(events)
    arrived = received(engine_url("BROKER_URL"), namespace)
    assert sum(map(len, arrived.values())) == sent
    assert {number: without_repeats(lane) for number, lane in arrived.items()} == in_order(events)


def test_a_relay_that_died_before_its_checkpoint_repeats_its_batch(
    mongo: MongoEventStore, broker: Broker, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = some_events(mongo)

    class Dying(Relay):
        def _move_to(self, position: int) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        Dying(mongo, broker, TOPICS).step()
    relay = Relay(mongo, broker, TOPICS)
    assert relay.position() == 0
    assert send_all(relay) == len(events)
    arrived = received(engine_url("BROKER_URL"), namespace)
    assert sum(map(len, arrived.values())) == 2 * len(events)
    assert {number: without_repeats(lane) for number, lane in arrived.items()} == in_order(events)


def test_a_late_relay_does_not_move_the_checkpoint_back(mongo: MongoEventStore, broker: Broker) -> None:
    events = some_events(mongo)
    early, late = Relay(mongo, broker, TOPICS), Relay(mongo, broker, TOPICS)

    class Log(PlacedLog):
        def read_placed(self, after_position: int, limit: int) -> list[PlacedEvent]:
            found = super().read_placed(after_position, 5)
            send_all(early)
            return found

    late._log = Log(mongo)
    assert late.step() == 5
    assert late.position() == len(events)


@pytest.mark.usefixtures("impatient")
def test_a_broker_that_is_away_leaves_the_checkpoint_where_it_was(mongo: MongoEventStore) -> None:
    some_events(mongo, 2)
    relay = Relay(mongo, Broker(f"kafka://127.0.0.1:{free_port()}"), TOPICS)
    for _ in range(2):
        with pytest.raises(BrokerUnavailable, match="can't be reached"):
            relay.step()
    assert relay.position() == 0


def test_an_event_too_large_for_kafka_is_never_passed_over(mongo: MongoEventStore, broker: Broker) -> None:
    """Readers fill the gap from the store; the relay stands still and says so."""
    mongo.append(commit_of(("a", 1)))
    mongo.append(commit_of(("a", 2), data={"amount": 1, "text": "x" * 5_000_000}))
    place_all(mongo)
    relay = Relay(mongo, broker, TOPICS)
    with pytest.raises(BrokerUnavailable, match="MSG_SIZE_TOO_LARGE"):
        relay.step()
    assert relay.position() == 0


@pytest.mark.usefixtures("impatient")
def test_a_stopped_broker_is_waited_for_and_nothing_is_missing_afterwards(
    mongo: MongoEventStore, stoppable: KafkaBroker, namespace: str
) -> None:
    events = some_events(mongo, 2)
    relay = Relay(mongo, Broker(stoppable.url, namespace), TOPICS)
    send_all(relay)
    stoppable.stop()
    try:
        for stream in "abcd":
            mongo.append(commit_of((stream, 3)))
        place_all(mongo)
        for _ in range(2):  # with the producer at hand, and with a new one
            with pytest.raises(BrokerUnavailable):
                relay.step()
            assert relay.position() == len(events)
    finally:
        stoppable.start()
    assert send_all(relay) == 4
    arrived = received(stoppable.url, namespace)
    everything = PlacedLog(mongo).read_placed(0, 100)
    assert {number: without_repeats(lane) for number, lane in arrived.items()} == in_order(everything)


@pytest.mark.usefixtures("impatient")
def test_a_broker_that_lost_everything_gets_its_topics_anew_and_what_comes_next(
    mongo: MongoEventStore, stoppable: KafkaBroker, namespace: str
) -> None:
    some_events(mongo, 2)
    relay = Relay(mongo, Broker(stoppable.url, namespace), TOPICS)
    send_all(relay)
    reached = relay.position()
    stoppable.stop()
    stoppable.wipe()
    stoppable.start()
    for stream in "abcd":
        mongo.append(commit_of((stream, 3)))
    place_all(mongo)

    def goes_on() -> bool:
        try:
            return relay.step() > 0
        except BrokerUnavailable:
            assert relay.position() == reached
            return False

    wait_until(goes_on, 30, "a relay that goes on")
    assert relay.position() == mongo.head()
    new = PlacedLog(mongo).read_placed(reached, 100)
    arrived = received(stoppable.url, namespace)
    assert {number: sorted(set(lane)) for number, lane in arrived.items()} == in_order(new)
