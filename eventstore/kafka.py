"""Apache Kafka as the transport of events: topics, an all-or-error producer, and a consumer of envelopes.

Kafka is never the truth: whatever it loses is read from the event store, whatever it repeats is dropped.
"""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from eventstore import envelope
from eventstore.lanes import LANES_PER_TOPIC, Lane, PlacedEvent, lanes_of

DELIVERY_TIMEOUT_S = 10.0
LARGEST_EVENT_BYTES = 4 * 1024 * 1024
"""A command has at most 1 MB; its events with all they repeat stay well below this."""
REQUEST_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class BrokerUnavailable(Exception):
    """Kafka can't be reached or didn't accept something; nothing is lost, it can be sent again."""


class Broker:
    """The broker at `kafka://host:port[,host:port]`. `namespace` is put before the topics' names, unless empty."""

    def __init__(self, url: str, namespace: str = "") -> None:
        self._servers = url.removeprefix("kafka://")
        self._prefix = f"{namespace}." if namespace else ""
        self._partitions: dict[str, int] = {}
        self._asking: AdminClient | None = None

    def check(self, timeout_s: float) -> None:
        """Return when the broker answers within `timeout_s` seconds. Raises `BrokerUnavailable`."""
        if self._asking is None:
            self._asking = AdminClient(self._reaching())
        try:
            self._asking.list_topics(timeout=timeout_s)
        except KafkaException as error:
            raise BrokerUnavailable(f"Kafka can't be reached: {error}") from error

    def ensure_topics(self, topics: Sequence[str]) -> None:
        """Create what is missing, with one partition per lane. Raises `BrokerUnavailable`."""
        admin = AdminClient(self._reaching())
        try:
            known = admin.list_topics(timeout=REQUEST_TIMEOUT_S).topics
            limits = {"max.message.bytes": str(LARGEST_EVENT_BYTES)}
            missing = [NewTopic(self._name(topic), LANES_PER_TOPIC, -1, config=limits) for topic in topics]
            missing = [topic for topic in missing if topic.topic not in known]
            for created in admin.create_topics(missing).values() if missing else ():
                _unless_existing(created)
            known = admin.list_topics(timeout=REQUEST_TIMEOUT_S).topics
        except (KafkaException, TimeoutError) as error:
            raise BrokerUnavailable(f"Kafka can't be reached: {error!r}") from error
        # A topic that was made just now may be unknown yet, or have no partitions: `send` then says so.
        counts = {
            topic: len(known[name].partitions) for topic in topics if (name := self._name(topic)) in known
        }
        self._partitions = {topic: count for topic, count in counts.items() if count}

    def producer(self) -> "EventProducer":
        """A new producer; call `ensure_topics` first. Raises `BrokerUnavailable`."""
        settings = {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 1,
            "message.max.bytes": LARGEST_EVENT_BYTES,
            "delivery.timeout.ms": int(DELIVERY_TIMEOUT_S * 1000),
            "request.timeout.ms": int(REQUEST_TIMEOUT_S * 1000),
        }
        producer = Producer(self._reaching() | settings | {"error_cb": _note_trouble})
        for topic in self._partitions:  # otherwise the first event of each would wait until it is known
            try:
                producer.list_topics(self._name(topic), timeout=REQUEST_TIMEOUT_S)
            except KafkaException as error:
                raise BrokerUnavailable(f"Kafka can't be reached: {error}") from error
        return EventProducer(producer, self._partitions, self._prefix)

    def consumer(self, group: str, topics: Sequence[str]) -> "EventConsumer":
        """A new member of a consumer group; its offsets are only a hint of where to go on.

        Kafka may be away, and the topics missing: they are received from when they are there.
        """
        settings = {
            "group.id": f"{self._prefix}{group}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,
            "fetch.wait.max.ms": 50,
            "allow.auto.create.topics": False,
            "topic.metadata.refresh.interval.ms": 5_000,
        }
        return EventConsumer(
            self._reaching() | settings, [self._name(topic) for topic in topics], frozenset(lanes_of(topics))
        )

    def _name(self, topic: str) -> str:
        return f"{self._prefix}{topic}"

    def _reaching(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._servers,
            "client.id": "waybill",
            "socket.timeout.ms": int(REQUEST_TIMEOUT_S * 1000),
            "reconnect.backoff.max.ms": 1_000,
            "log_level": 2,
        }


class EventProducer:
    """Sends events in order. After an error it must be thrown away: what it had sent may still arrive."""

    def __init__(self, producer: Producer, partitions: dict[str, int], prefix: str) -> None:
        self._producer = producer
        self._partitions = partitions
        self._prefix = prefix

    def send(self, events: Sequence[PlacedEvent]) -> None:
        """Return when every event was acknowledged by all in-sync replicas. Raises `BrokerUnavailable`."""
        failed: list[KafkaError] = []
        delivered = 0

        def report(error: KafkaError | None, _message: Message) -> None:
            nonlocal delivered
            if error is None:
                delivered += 1
            else:
                failed.append(error)

        try:
            for placed in events:
                lane = placed.lane
                self._producer.produce(
                    f"{self._prefix}{lane.topic}",
                    key=placed.event.stream.encode(),
                    value=envelope.encode(placed),
                    partition=lane.number % self._partitions[lane.topic],
                    headers=envelope.headers(placed),
                    on_delivery=report,
                )
            self._producer.flush(DELIVERY_TIMEOUT_S + REQUEST_TIMEOUT_S)
        except (KafkaException, BufferError, KeyError) as error:
            raise BrokerUnavailable(f"Kafka accepts no events: {error!r}") from error
        if failed or delivered < len(events):
            reason = failed[0] if failed else "no report in time"
            raise BrokerUnavailable(f"Kafka acknowledged {delivered} of {len(events)} events: {reason}")

    def discard(self) -> None:
        """Forget what is still waiting to be sent."""
        self._producer.purge()
        self._producer.flush(1)


class EventConsumer:
    """Receives envelopes from the partitions that the group gave to this member."""

    def __init__(self, settings: dict[str, Any], topics: list[str], lanes: frozenset[Lane]) -> None:
        self._lanes = lanes
        self._consumer = Consumer(settings | {"error_cb": self._note_if_away})
        self._consumer.subscribe(topics)
        self._is_at_trouble = False

    def receive(self, most: int, timeout_s: float) -> list[PlacedEvent]:
        """At most `most` events, as soon as there are any; none when `timeout_s` is over.

        What is no envelope, or of no lane that there is, is logged and left out: a gap that it leaves is filled from
        the store.
        """
        first = self._consumer.poll(
            timeout_s
        )  # `consume` would wait for the time-out unless it gets all it may
        if first is None:
            return []
        events = []
        for message in (first, *self._consumer.consume(most - 1, 0)):
            error = message.error()
            if error is not None:
                self._note(error)
                continue
            if self._is_at_trouble:
                log.info("Kafka is back")
            self._is_at_trouble = False
            try:
                placed = envelope.decode(message.value() or b"")
            except msgspec.DecodeError as damaged:
                log.error("no envelope at %s/%s: %s", message.topic(), message.offset(), damaged)
                continue
            if placed.lane in self._lanes:
                events.append(placed)
            else:
                log.error("no lane %s, at %s/%s", placed.lane, message.topic(), message.offset())
        return events

    def commit(self) -> None:
        """Note how far this member has read; failing to is harmless."""
        try:
            self._consumer.commit(asynchronous=True)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._NO_OFFSET:
                log.debug("offsets not noted: %s", error)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _note_if_away(self, error: KafkaError) -> None:
        """Told of every connection that fails; away it is when there is none left."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._note(error)

    def _note(self, error: KafkaError) -> None:
        if not self._is_at_trouble:
            log.warning("Kafka: %s; the event store is read instead until it is back", error.str())
        self._is_at_trouble = True


def _note_trouble(error: KafkaError) -> None:
    log.debug("Kafka: %s", error)


def _unless_existing(created: object) -> None:
    try:
        created.result(REQUEST_TIMEOUT_S)  # type: ignore[attr-defined]
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
