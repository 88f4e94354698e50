"""Race harness: processes book few drivers over many overlapping times and are stopped between decision and write.

    python -m tests.eventstore.race --seed 7 --workers 4 --seconds 5 [--plant no-version-check] [--store mongodb://…]

An oracle folds the commits naively: no driver may ever hold two overlapping bookings. `--plant` puts in an adapter
that takes whatever version is free instead of refusing, which must make the oracle find overlaps. `--store` names an
empty event store; without one it is a SQLite file of the harness's own.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from backend_services.fleet.booking import Request
from backend_services.fleet.commands import AddDriver
from backend_services.fleet.driver import DRIVER, add_driver, book_driver, release_driver
from backend_services.projecting import build_codec
from backend_services.topics import TOPICS
from eventstore.execute import Contention, Context, Decision, Executor, Refusal, Streams
from eventstore.factory import open_event_store
from eventstore.mongodb import MongoEventStore
from eventstore.ports import EventStore
from eventstore.records import Commit
from tests.eventstore.samples import place_all

DRIVERS = 3
STOP_CHANCE = 0.08
STOPPED_S = 0.15
DAY = datetime(2026, 5, 4, tzinfo=UTC)
CONTEXT = Context("racer", "race")


class Book(msgspec.Struct, frozen=True):
    driver_id: str
    delivery_id: str


class NoVersionCheck:
    """The planted bug: what was decided on old state is written behind whatever came meanwhile."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def append(self, commit: Commit) -> Commit:
        events = []
        for event in commit.events:
            taken = self._store.read_stream(event.stream)
            version = (taken[-1].version if taken else 0) + 1
            events.append(msgspec.structs.replace(event, version=version))
        return self._store.append(msgspec.structs.replace(commit, events=tuple(events)))


def work(url: str, seed: int, seconds: float, plant: str | None) -> None:
    """One worker: books and releases until its time is over; prints a line for each conflict."""
    chance = random.Random(seed)  # noqa: S311 - a replayable race
    store: EventStore = open_event_store(url)
    if plant == "no-version-check":
        store = NoVersionCheck(store)  # type: ignore[assignment]
    runner = Executor(store, build_codec())
    held: list[tuple[str, str]] = []
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        try:
            if len(held) > 6 and chance.random() < 0.7:
                driver_id, delivery_id = held.pop(chance.randrange(len(held)))
                _release(runner, driver_id, delivery_id)
            else:
                driver_id, delivery_id = f"d{chance.randrange(DRIVERS)}", f"w{seed}-{number}"
                _book(runner, chance, driver_id, delivery_id)
                held.append((driver_id, delivery_id))
        except (Refusal, Contention):
            print("conflict", flush=True)


def _book(runner: Executor, chance: random.Random, driver_id: str, delivery_id: str) -> None:
    start = DAY + timedelta(minutes=chance.randrange(0, 1440, 10))
    request = Request(delivery_id, start, start + timedelta(minutes=chance.choice([30, 60, 120])))

    def decide(streams: Streams) -> Decision:
        events = book_driver(streams.load(DRIVER, driver_id), driver_id, request)
        if chance.random() < STOP_CHANCE:
            os.kill(os.getpid(), signal.SIGSTOP)  # the parent lets us go on later
        return Decision({}, [(DRIVER.stream(driver_id), event) for event in events])

    runner.execute(Book(driver_id, delivery_id), CONTEXT, decide)


def _release(runner: Executor, driver_id: str, delivery_id: str) -> None:
    def decide(streams: Streams) -> Decision:
        events = release_driver(streams.load(DRIVER, driver_id), delivery_id)
        return Decision({}, [(DRIVER.stream(driver_id), event) for event in events])

    runner.execute(Book(driver_id, delivery_id), CONTEXT, decide)


@dataclass
class Figures:
    """What a run counted."""

    commits: int = 0
    conflicts: int = 0
    stops: int = 0
    overlaps: int = 0


def race(
    seed: int, workers: int, seconds: float, plant: str | None = None, store_url: str | None = None
) -> Figures:
    """Run the race and judge it."""
    with tempfile.TemporaryDirectory() as folder:
        url = store_url or f"sqlite:///{Path(folder) / 'events.db'}"
        _add_drivers(url)
        arguments = ["--work", url, "--seconds", str(seconds), *(["--plant", plant] if plant else [])]
        racers = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.eventstore.race",
                    *arguments,
                    "--seed",
                    str(seed * 100 + number),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(workers)
        ]
        figures = Figures(stops=_let_go_on({racer.pid for racer in racers}))
        for racer in racers:
            with racer:
                figures.conflicts += racer.stdout.read().count("conflict") if racer.stdout else 0
        figures.commits, figures.overlaps = judge(url)
    return figures


def judge(url: str) -> tuple[int, int]:
    """The number of events, and of overlaps ever held, by a naive fold of the log."""
    store = open_event_store(url)
    if isinstance(store, MongoEventStore):
        place_all(store, TOPICS)
    held: dict[str, dict[str, tuple[str, str]]] = {}
    overlaps = 0
    events = store.read_events(0, 10_000_000)
    for event in events:
        bookings = held.setdefault(event.stream, {})
        if event.type == "DriverBooked":
            start, end = event.data["from"], event.data["to"]
            overlaps += sum(
                start < other_end and other_start < end for other_start, other_end in bookings.values()
            )
            bookings[event.data["deliveryId"]] = (start, end)
        elif event.type == "DriverReleased":
            bookings.pop(event.data["deliveryId"], None)
    store.close()
    return len(events), overlaps


def _add_drivers(url: str) -> None:
    store = open_event_store(url)
    assert store.store_id
    runner = Executor(store, build_codec())
    for number in range(DRIVERS):
        command = AddDriver(driver_id=f"d{number}", name=f"D{number}", driver_license="L")

        def decide(streams: Streams, command: AddDriver = command) -> Decision:
            driver_id = command.driver_id or ""
            events = add_driver(streams.load(DRIVER, driver_id), command, driver_id)
            return Decision({}, [(DRIVER.stream(driver_id), event) for event in events])

        runner.execute(command, CONTEXT, decide)
    store.close()


def _let_go_on(racers: set[int]) -> int:
    """Continue every stopped racer a while after it stopped, until all have ended; the number of stops."""
    stops, waiting = 0, dict[int, float]()
    while racers:
        for pid in list(racers):
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if found and os.WIFSTOPPED(status):
                stops += 1
                waiting[pid] = time.monotonic() + STOPPED_S
            elif found:
                racers.discard(pid)
                waiting.pop(pid, None)
        for pid, due in list(waiting.items()):
            if time.monotonic() >= due:
                del waiting[pid]
                os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
    return stops


def main() -> int:
    """Run from the command line; 1 when there were overlaps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--plant", choices=["no-version-check"])
    parser.add_argument("--store")
    parser.add_argument("--work")
    given = parser.parse_args()
    if given.work:
        work(given.work, given.seed, given.seconds, given.plant)
        return 0
    figures = race(given.seed, given.workers, given.seconds, given.plant, given.store)
    print(
        f"race seed={given.seed} workers={given.workers} events={figures.commits} conflicts={figures.conflicts}"
        f" stops={figures.stops} overlaps={figures.overlaps}"
    )
    return 1 if figures.overlaps else 0


if __name__ == "__main__":
    sys.exit(main())
