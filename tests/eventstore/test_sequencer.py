"""Places in the log: gapless, each once, predecessors first, whoever gives them and however long they paused."""

import copy
import random
import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable
from eventstore.records import Commit
from eventstore.sequencer import BATCH_SIZE, PlacedLog, Sequencer
from tests.eventstore.samples import TOPICS, commit_of, place_all
from tests.eventstore.turns import Actor, Gate, interleave

SEEDS = range(40)


def faults_of(store: MongoEventStore) -> list[str]:
    """What is wrong with a log, by a naive reading of every commit; nothing when all is well."""
    documents = sorted(
        store.commits.find({"log": {"$exists": True}}), key=lambda each: each["log"]["positions"]
    )
    lanes, streams = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    positions, faults = list[int](), list[str]()
    for document in documents:
        positions += document["log"]["positions"]
        for event, place in zip(document["events"], document["log"]["places"], strict=True):
            lanes[place["lane"]].append(place["pseq"])
            streams[event["stream"]].append(event["version"])
            if place["lane"] != str(TOPICS.lane_of(event["stream"])):
                faults.append(f"{event['stream']} lies in {place['lane']}")
        if document["log"]["heads"] != {lane: numbers[-1] for lane, numbers in lanes.items()}:
            faults.append(f"the heads at {document['log']['positions']} are wrong")
    for name, numbers in [("the log", positions), *lanes.items(), *streams.items()]:
        if numbers != list(range(1, len(numbers) + 1)):
            faults.append(f"{name} has {numbers}")
    return faults


class GatedCommits:
    """The collection with a gate before each request, and before each single write of a bulk, which is not atomic."""

    def __init__(self, commits: Any, gate: Gate) -> None:
        self._commits = commits
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        self._gate()
        return getattr(self._commits, name)

    def bulk_write(self, requests: Sequence[Any], ordered: bool) -> None:
        assert ordered
        for request in requests:
            self._gate()
            self._commits.bulk_write([request])


def gated(store: MongoEventStore, gate: Gate) -> MongoEventStore:
    """The same store, every request of which waits at the gate."""
    through = copy.copy(store)
    through.commits = GatedCommits(store.commits, gate)  # type: ignore[assignment]
    return through


def some_commits(chance: random.Random) -> list[Commit]:
    """Commits over a few streams in an order in which they can be stored; their ids sort in any order."""
    versions, commits = dict[str, int](), []
    for _ in range(8):
        slots = []
        for _ in range(chance.choice([1, 1, 2, 3])):
            stream = chance.choice("abcd")
            versions[stream] = versions.get(stream, 0) + 1
            slots.append((stream, versions[stream]))
        commits.append(commit_of(*slots, commit_id=f"{chance.random():.12f}"))
    return commits


def play(store: MongoEventStore, seed: int) -> list[str]:
    """Two sequencers and an appender, interleaved request by request as the seed says; the faults of the log."""
    store.commits.delete_many({})
    chance = random.Random(seed)  # noqa: S311 - to be replayed

    def append_all(gate: Gate) -> None:
        for commit in some_commits(chance):
            gate()
            store.append(commit)

    def place(gate: Gate) -> None:
        sequencer = Sequencer(gated(store, gate), TOPICS)
        for _ in range(5):
            sequencer.step()

    interleave(seed, [Actor(append_all), Actor(place), Actor(place)])
    place_all(store)
    return faults_of(store)


def test_no_interleaving_of_two_sequencers_spoils_the_log(mongo: MongoEventStore) -> None:
    assert {seed: faults for seed in SEEDS if (faults := play(mongo, seed))} == {}
    assert mongo.head() > 8


def test_without_the_unique_indexes_the_same_interleavings_are_found_out(mongo: MongoEventStore) -> None:
    """The planted bug."""
    mongo.commits.drop_index("positions")
    mongo.commits.drop_index("places")
    assert any(play(mongo, seed) for seed in SEEDS)


def test_two_sequencers_and_four_appenders_at_full_speed_make_one_log(mongo: MongoEventStore) -> None:
    appended = threading.Event()

    def append_many(name: str) -> None:
        for version in range(1, 41):
            mongo.append(commit_of((name, version), (f"{name}-twin", version)))

    def place(_: int) -> int:
        sequencer, placed = Sequencer(mongo, TOPICS), 0
        while not (appended.is_set() and PlacedLog(mongo).count_waiting() == 0):
            placed += sequencer.step()
        return placed

    with ThreadPoolExecutor(6) as pool:
        placing = [pool.submit(place, number) for number in range(2)]
        for appending in [pool.submit(append_many, f"s{number}") for number in range(4)]:
            appending.result(60)
        appended.set()
        assert sum(each.result(60) for each in placing) >= 160  # a write that both report was made by one
    assert faults_of(mongo) == []
    assert mongo.head() == 320


def test_a_stale_sequencer_leaves_neither_gap_nor_overlap(mongo: MongoEventStore) -> None:
    """It stops between reading the head and writing, and goes on when the log is far ahead."""
    for version in range(1, 4):
        mongo.append(commit_of(("a", version), commit_id=f"2-{version}"))
    placed: list[int] = []
    stale = Actor(lambda gate: placed.append(Sequencer(gated(mongo, gate), TOPICS).step()))
    before_writing = 3  # the head, what waits, the first write
    for _ in range(before_writing):
        stale.move()
    for version in range(1, 6):
        mongo.append(commit_of(("b", version), (f"b-{version}", 1), commit_id=f"1-{version}"))
    place_all(mongo)
    mongo.append(commit_of(("a", 4)))
    while stale.is_running:
        stale.move()
    assert stale.error is None
    place_all(mongo)
    assert faults_of(mongo) == []
    assert mongo.head() == 14


def test_a_commit_placed_while_a_batch_is_put_together_is_not_counted_twice(mongo: MongoEventStore) -> None:
    """Another sequencer places it between the two reads of this one, which then must not go on behind a gap."""
    mongo.append(commit_of(("a", 1), commit_id="1"))
    slow = Actor(lambda gate: Sequencer(gated(mongo, gate), TOPICS).step())
    slow.move()
    quick = Actor(lambda gate: Sequencer(gated(mongo, gate), TOPICS).step())
    for _ in range(3):
        quick.move()
    mongo.append(commit_of(("b", 1), commit_id="2"))
    slow.move()  # is between its two reads, and both commits wait
    quick.move()  # places the first only
    for actor in (slow, quick):
        while actor.is_running:
            actor.move()
    place_all(mongo)
    assert faults_of(mongo) == []


def backwards(commits: Sequence[Commit]) -> list[Commit]:
    """The same commits with ids that sort the other way round, as clocks that disagree make them."""
    return [
        msgspec.structs.replace(commit, id=f"{len(commits) - number:010}")
        for number, commit in enumerate(commits)
    ]


def test_predecessors_come_first_though_their_ids_sort_last(mongo: MongoEventStore) -> None:
    slots = [
        [("a", 1)],
        [("b", 1)],
        [("a", 2), ("b", 2)],
        [("c", 1), ("b", 3)],
        [("c", 2), ("a", 3), ("a", 4)],
    ]
    for commit in backwards([commit_of(*each) for each in slots]):
        mongo.append(commit)
    assert Sequencer(mongo, TOPICS).step() == 5
    assert faults_of(mongo) == []


def test_a_chain_longer_than_a_batch_is_placed_from_its_beginning(mongo: MongoEventStore) -> None:
    length = BATCH_SIZE + 20
    for commit in backwards([commit_of(("a", version)) for version in range(1, length + 1)]):
        mongo.append(commit)
    place_all(mongo)
    assert [event.version for event in mongo.read_events(0, length)] == list(range(1, length + 1))


@given(
    shapes=st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1, max_size=12),
    shuffle=st.randoms(use_true_random=False),
    batch_size=st.integers(1, 5),
)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_commits_in_any_order_of_ids_and_batches_of_any_size(
    mongo: MongoEventStore, shapes: list[list[str]], shuffle: random.Random, batch_size: int
) -> None:
    mongo.commits.delete_many({})
    ids = [f"{number:03}" for number in range(len(shapes))]
    shuffle.shuffle(ids)
    versions = dict[str, int]()
    for commit_id, streams in zip(ids, shapes, strict=True):
        slots = []
        for stream in streams:
            versions[stream] = versions.get(stream, 0) + 1
            slots.append((stream, versions[stream]))
        mongo.append(commit_of(*slots, commit_id=commit_id))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eventstore.sequencer.BATCH_SIZE", batch_size)
        place_all(mongo)
    assert faults_of(mongo) == []
    assert mongo.head() == sum(map(len, shapes))


def test_the_placed_log_is_read_by_position_lane_and_stream(mongo: MongoEventStore) -> None:
    for version in range(1, 8):
        mongo.append(commit_of(*((stream, version) for stream in "abcdef"), ("a-twin", version)))
    place_all(mongo)
    log = PlacedLog(mongo)
    everything = log.read_placed(0, 1_000)
    assert [placed.event.log_position for placed in everything] == list(range(1, 50))
    assert log.read_placed(10, 5) == everything[10:15]
    by_lane = {lane: [placed for placed in everything if placed.lane == lane] for lane in TOPICS.lanes}
    assert log.heads() == {lane: len(events) for lane, events in by_lane.items() if events}
    for lane, events in by_lane.items():
        assert log.read_lane(lane, 0, 1_000) == events
        assert log.read_lane(lane, 3, 9) == events[3:9]
    of_a = [placed for placed in everything if placed.event.stream == "a"]
    assert log.read_stream("a", 2) == of_a[2:]
    assert log.read_stream("a", 7) == log.read_stream("nobody", 0) == []


def test_a_log_without_events_has_no_heads(mongo: MongoEventStore) -> None:
    mongo.append(commit_of(outcome="rejected"))
    assert Sequencer(mongo, TOPICS).step() == 0
    assert PlacedLog(mongo).heads() == {}


def test_the_log_is_read_at_its_end_without_going_through_it(mongo: MongoEventStore) -> None:
    for number in range(300):
        mongo.append(commit_of((f"s-{number}", 1)))
    place_all(mongo)
    log = PlacedLog(mongo)
    mongo.database.command("profile", 2)
    assert mongo.head() == 300
    assert sum(log.heads().values()) == 300
    assert len(log.read_placed(299, 10)) == 1
    assert Sequencer(mongo, TOPICS).step() == 0
    mongo.database.command("profile", 0)
    read = list(mongo.database["system.profile"].find({"op": "query", "ns": mongo.commits.full_name}))
    assert len(read) == 5
    assert max(query["keysExamined"] for query in read) < 5


def test_what_continues_nothing_is_not_placed(mongo: MongoEventStore) -> None:
    """A lost predecessor is damage; placing its successor would hide it."""
    mongo.append(commit_of(("a", 2)))
    with pytest.raises(StoreUnavailable, match=r"damaged.*a@0000000001"):
        Sequencer(mongo, TOPICS).step()
    assert mongo.head() == 0
