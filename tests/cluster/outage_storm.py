"""Engines that go away and come back, and web processes that are asked to end, over and over while commands go on.

`python -m tests.cluster.outage_storm` starts engines of its own (MongoDB with three members) and two of every process,
and prints a line of figures for each kind of outage; `--only` names one kind, `--times` how often it happens, and
`--lasts` how many seconds one takes. After each kind everything must agree with the event store; `--plant` then does
some harm on purpose, which the checks must find.

Half of the clients tell whole delivery stories; the others book few drivers over and over at times that overlap.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import redis

from ops.cluster import FULL
from ops.engines import Engine, MongoServer, PostgresServer, RedisServer
from ops.kafka_broker import KafkaBroker
from ops.processes import Child, wait_until
from tests.cluster.kill_storm import CLIENTS, PLANTS, Load, await_agreement, check
from tests.journey.city import soon
from tests.journey.distributed import DistributedServer

BOOKED_DRIVERS, BOOKED_TIMES = 3, 8
MORE, MORE_WITHIN_S = 40, 90.0
"""Commands that are acknowledged between two outages, at least, and how long they may take."""
END_WITHIN_S = 30.0


@dataclass(frozen=True)
class City:
    """A running installation on engines of its own."""

    server: DistributedServer
    mongo: MongoServer
    kafka: KafkaBroker
    redis: RedisServer
    postgres: PostgresServer


class BookingLoad(Load):
    """Stories, and clients that book and cancel, until they are told that it is over."""

    def __init__(self, city: City, seed: int) -> None:
        super().__init__(city.server.cluster.urls, 0)
        self._drivers = [str(uuid4()) for _ in range(BOOKED_DRIVERS)]
        self._routes = [str(uuid4()) for _ in range(BOOKED_TIMES)]
        self._seed = seed
        self.conflicts = 0
        for driver_id in self._drivers:
            self._add_driver(driver_id)
        for number, route_id in enumerate(self._routes):
            self._add_route(route_id, soon(60 + 5 * number))

    def run_until(self, over: threading.Event) -> None:
        """All clients, until it is over."""

        def work(client: int) -> None:
            chance = random.Random(self._seed + client)  # noqa: S311
            while not over.is_set():
                if client % 2:
                    self._tell(client)
                else:
                    self._book(chance)

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(work, range(CLIENTS)))

    def _book(self, chance: random.Random) -> None:
        delivery_id, driver_id = str(uuid4()), chance.choice(self._drivers)
        body = {"id": delivery_id, "routeId": chance.choice(self._routes), "driverId": driver_id}
        answer = self._ask("POST", "/api/deliveries", body)
        if answer.status_code == 200:
            failed = {"status": "Failed", "reason": "cancelled_by_dispatcher"}
            self._send("PATCH", f"/api/deliveries/{delivery_id}/status", failed)
        elif answer.json()["code"] == "booking_conflict":
            self.conflicts += 1
        else:
            self.refused.append(answer.text)


def flush_redis(city: City, _lasts_s: float) -> None:
    """All hints and waiting commands are gone."""
    with redis.Redis.from_url(city.redis.url) as client:
        client.flushall()


def freeze(halted: Callable[[City], Child | PostgresServer | None]) -> Callable[[City, float], None]:
    """It keeps its connections and answers nothing for a while."""

    def freeze_it(city: City, lasts_s: float) -> None:
        engine = halted(city)
        assert engine is not None
        engine.freeze()
        time.sleep(lasts_s)
        engine.thaw()

    return freeze_it


def stop(engine: Callable[[City], Engine]) -> Callable[[City, float], None]:
    """It is away for a while; Redis comes back empty."""

    def stop_it(city: City, lasts_s: float) -> None:
        engine(city).stop()
        time.sleep(lasts_s)
        engine(city).start()

    return stop_it


def step_down(city: City, _lasts_s: float) -> None:
    """MongoDB's primary gives up for two seconds; it may win the next election, too."""
    city.mongo.step_down()


def end_web(city: City, _lasts_s: float) -> None:
    """A web process gets SIGTERM, must end in time, and starts again."""
    role = random.choice([city.server.cluster.roles["web-1"], city.server.cluster.roles["web-2"]])  # noqa: S311
    assert role.child is not None
    role.child.terminate()
    assert role.child.wait(END_WITHIN_S) == 0, role.child.tail()
    role.start()
    city.server.cluster.await_ready()


OUTAGES: dict[str, tuple[Callable[[City, float], None], int, float]] = {
    "redis-flushed": (flush_redis, 20, 0),
    "redis-stopped": (stop(lambda city: city.redis), 5, 5),
    "redis-frozen": (freeze(lambda city: city.redis.child), 1, 30),
    "kafka-stopped": (stop(lambda city: city.kafka), 1, 30),
    "postgresql-stopped": (stop(lambda city: city.postgres), 1, 60),
    "postgresql-frozen": (freeze(lambda city: city.postgres), 1, 30),
    "mongodb-stopped": (stop(lambda city: city.mongo), 3, 10),
    "mongodb-steps-down": (step_down, 20, 0),
    "web-ends": (end_web, 50, 0),
}
"""What happens, how often, and how many seconds each time."""


def storm(city: City, name: str, times: int, lasts_s: float, seed: int) -> tuple[str, set[str]]:
    """One kind of outage so many times under load; answers the line of figures and the acknowledged commands' ids.

    Raises AssertionError when something is wrong.
    """
    harm, load, over = OUTAGES[name][0], BookingLoad(city, seed), threading.Event()

    def await_more() -> None:
        wanted = len(load.acknowledged) + MORE
        wait_until(lambda: len(load.acknowledged) >= wanted or running.done(), MORE_WITHIN_S, "more commands")

    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(load.run_until, over)
        try:
            await_more()
            for _ in range(times):
                harm(city, lasts_s)
                await_more()
        finally:
            over.set()
        running.result()
    took_s = time.monotonic() - began
    assert not load.refused, load.refused[:3]
    await_agreement(city.server)
    figures = check(city.server, load.acknowledged)
    parts = ", ".join(f"{key} {value}" for key, value in figures.items())
    line = (
        f"{name} ×{times}, seed {seed}: acknowledged {len(load.acknowledged)} commands in {took_s:.0f} s,"
        f" {load.conflicts} refused as booked, lost 0, booked twice 0; in all {parts}"
    )
    return line, load.acknowledged


@contextmanager
def started_city(folder: Path) -> Iterator[City]:
    """Everything, started; it all ends with the block."""
    with ExitStack() as closing:
        folder.chmod(0o755)  # PostgreSQL's user must get through
        engines = (
            MongoServer(folder / "mongo", members=3),
            KafkaBroker(folder / "kafka", need_apache=False),
            RedisServer(folder / "redis"),
            PostgresServer(folder / "postgres"),
        )
        for engine in engines:
            closing.callback(engine.stop)
            engine.start()
        names = ("EVENT_STORE_URL", "BROKER_URL", "REDIS_URL", "DATABASE_URL")
        urls = {name: engine.url for name, engine in zip(names, engines, strict=True)}
        server = DistributedServer(folder / "city", FULL, urls)
        closing.callback(server.kill)
        yield City(server.start(), *engines)


def main() -> int:
    """Answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(OUTAGES))
    parser.add_argument("--times", type=int)
    parser.add_argument("--lasts", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=sorted(PLANTS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="waybill-outages-") as folder, started_city(Path(folder)) as city:
        for name in [options.only] if options.only else OUTAGES:
            _, times, lasts_s = OUTAGES[name]
            lasts_s = lasts_s if options.lasts is None else options.lasts
            line, acknowledged = storm(city, name, options.times or times, lasts_s, options.seed)
            print(line, flush=True)
            if options.plant:
                PLANTS[options.plant][0](city.server)
                check(city.server, acknowledged)
    return 0


if __name__ == "__main__":
    sys.exit(main())
