"""What must be true of an installation, computed anew and naively from the commits in its event store."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import pymongo
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from eventstore import envelope
from eventstore.lanes import PlacedEvent
from tests.journey.distributed import DistributedServer

QUIET_S = 10.0


@dataclass
class Fold:
    """The state of everything after all events, from plain dicts."""

    drivers: dict[str, str] = field(default_factory=dict)
    deliveries: dict[str, tuple[str, str | None, str | None, int]] = field(default_factory=dict)
    bookings: set[tuple[str, str, str]] = field(default_factory=set)
    versions: dict[str, int] = field(default_factory=dict)


def commits(server: DistributedServer) -> list[dict[str, Any]]:
    """Every commit in the event store, the placed ones in their order."""
    with pymongo.MongoClient(server.engine_urls["EVENT_STORE_URL"]) as client:
        found = list(client.get_default_database()["commits"].find())
    return sorted(found, key=lambda commit: commit.get("log", {}).get("positions", [0])[0])


def fold(stored: list[dict[str, Any]]) -> Fold:
    """All events of the commits, applied in the order of the log."""
    state = Fold()
    for commit in stored:
        for event in commit["events"]:
            _apply(state, event["type"], event["data"])
            expected = state.versions.get(event["stream"], 0) + 1
            assert event["version"] == expected, f"{event['stream']} has a gap before {event['version']}"
            state.versions[event["stream"]] = expected
    return state


def double_bookings(stored: list[dict[str, Any]]) -> int:
    """How often a driver or vehicle was given to a delivery in a time in which it had another one."""
    held: dict[str, dict[str, tuple[datetime, datetime]]] = defaultdict(dict)
    found = 0
    for event in (event for commit in stored for event in commit["events"]):
        data = event["data"]
        if event["type"] in ("DriverBooked", "VehicleBooked"):
            others = held[data.get("driverId") or data["vehicleId"]]
            start, end = (datetime.fromisoformat(data[name]) for name in ("from", "to"))
            found += sum(start < until and since < end for since, until in others.values())
            others[data["deliveryId"]] = start, end
        elif event["type"] in ("DriverReleased", "VehicleReleased"):
            held[data.get("driverId") or data["vehicleId"]].pop(data["deliveryId"], None)
    return found


def _apply(state: Fold, event_type: str, data: dict[str, Any]) -> None:
    match event_type:
        case "DriverAdded":
            state.drivers[data["driverId"]] = "Available"
        case "DriverStatusChanged":
            state.drivers[data["driverId"]] = data["newStatus"]
        case "DriverBooked":
            state.bookings.add(("driver", data["driverId"], data["deliveryId"]))
        case "DriverReleased":
            state.bookings.discard(("driver", data["driverId"], data["deliveryId"]))
        case "VehicleBooked":
            state.bookings.add(("vehicle", data["vehicleId"], data["deliveryId"]))
        case "VehicleReleased":
            state.bookings.discard(("vehicle", data["vehicleId"], data["deliveryId"]))
        case "DeliveryCreated":
            state.deliveries[data["deliveryId"]] = ("PickedUp", data["driverId"], data["vehicleId"], 0)
        case "DeliveryStatusChanged":
            _, driver_id, vehicle_id, reached = state.deliveries[data["deliveryId"]]
            state.deliveries[data["deliveryId"]] = (data["newStatus"], driver_id, vehicle_id, reached)
        case "CheckpointReached":
            status, driver_id, vehicle_id, reached = state.deliveries[data["deliveryId"]]
            state.deliveries[data["deliveryId"]] = (status, driver_id, vehicle_id, reached + 1)


def rows(server: DistributedServer) -> Fold:
    """The same, as the read models show it."""
    schema = f"{server.name}_read_v%"
    with psycopg.connect(server.engine_urls["DATABASE_URL"]) as connection:

        def query(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()  # type: ignore[arg-type]

        names = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", (schema,)
        ).fetchall()
        assert len(names) == 1, names
        connection.execute(f'SET search_path = "{names[0][0]}"')  # type: ignore[arg-type]
        reached = dict(
            query(
                "SELECT delivery_id, count(*) FROM delivery_checkpoints WHERE reached_at IS NOT NULL GROUP BY 1"
            )
        )
        return Fold(
            drivers=dict(query("SELECT driver_id, set_status FROM drivers")),
            deliveries={
                id_: (status, driver_id, vehicle_id, reached.get(id_, 0))
                for id_, status, driver_id, vehicle_id in query(
                    "SELECT delivery_id, status, driver_id, vehicle_id FROM deliveries"
                )
            },
            bookings={
                ("driver", *pair) for pair in query("SELECT driver_id, delivery_id FROM driver_bookings")
            }  # type: ignore[misc]
            | {("vehicle", *pair) for pair in query("SELECT vehicle_id, delivery_id FROM vehicle_bookings")},
            versions=dict(query("SELECT stream, version FROM stream_versions")),
        )


def in_kafka(server: DistributedServer) -> list[PlacedEvent]:
    """Every message of the installation's topics, in the order of each partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": server.engine_urls["BROKER_URL"].removeprefix("kafka://"),
            "group.id": f"{server.name}-oracle",
            "enable.auto.commit": False,
        }
    )
    found: list[PlacedEvent] = []
    try:
        topics = consumer.list_topics(timeout=QUIET_S).topics
        partitions = [
            TopicPartition(name, number, OFFSET_BEGINNING)
            for name, topic in topics.items()
            if name.startswith(f"{server.name}.")
            for number in topic.partitions
        ]
        ends = {
            (each.topic, each.partition): consumer.get_watermark_offsets(each, timeout=QUIET_S)
            for each in partitions
        }
        open_ends = {place for place, (low, high) in ends.items() if high > low}
        consumer.assign(partitions)
        while open_ends:
            messages = consumer.consume(1_000, QUIET_S if not found else 1.0)
            for message in messages:
                assert message.error() is None, message.error()
                found.append(envelope.decode(message.value() or b""))
                place = (str(message.topic()), int(message.partition() or 0))
                if int(message.offset() or 0) + 1 >= ends[place][1]:
                    open_ends.discard(place)
    finally:
        consumer.close()
    return found


def check_kafka(messages: list[PlacedEvent], stored: list[dict[str, Any]]) -> int:
    """Kafka holds every event, each lane in its order, once duplicates are dropped; answers how many there were."""
    seen: dict[str, int] = defaultdict(int)
    kept: list[str] = []
    for placed in messages:
        lane = str(placed.lane)
        if placed.pseq <= seen[lane]:
            continue
        assert placed.pseq == seen[lane] + 1, f"{lane}: {placed.pseq} came after {seen[lane]}"
        seen[lane] = placed.pseq
        kept.append(placed.event.event_id)
    assert len(set(kept)) == len(kept), "an event is there twice under different numbers"
    wanted = {event["event_id"] for commit in stored for event in commit["events"]}
    assert set(kept) == wanted, f"{len(wanted - set(kept))} events are not in Kafka"
    return len(messages) - len(kept)
