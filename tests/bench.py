"""`make bench`: figures of this machine, from one run of the real store and server. Compare within a run."""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import websocket
from sqlalchemy.orm import sessionmaker

from backend_services.command_bus import CommandBus
from backend_services.fleet.commands import AddDriver
from backend_services.guarded import connect_redis
from backend_services.pokes import Pokes
from backend_services.projecting import build_codec
from backend_services.read_database import open_read_models
from backend_services.services import build_services
from backend_services.settings import load_settings
from backend_services.shared_rows import SharedRows
from eventstore.doors import Doors
from eventstore.execute import Context, Executor
from eventstore.factory import open_event_store
from eventstore.locks import InProcessLocks
from eventstore.mongodb import MongoEventStore
from eventstore.sequencer import PlacedLog
from ops.cluster import FULL
from tests.bench_boards import boards
from tests.engines import engine_url, own_database
from tests.eventstore.samples import add, executor
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, ok
from tests.journey.distributed import DistributedServer
from tests.journey.server import Server

COMMITS = 2_000
REQUESTS = 600
LOAD_PER_S, LOAD_S = 50, 20


def main() -> None:
    """Print one line per figure."""
    with tempfile.TemporaryDirectory() as folder:
        print("embedded: one process on SQLite")
        commits(f"sqlite:///{folder}/events.db")
        http(Server(Path(folder) / "server"))
        boards(Server(Path(folder) / "boards"))
        print("distributed: two of every role over MongoDB, Kafka, Redis and PostgreSQL")
        commits(own_database(engine_url("EVENT_STORE_URL")))
        server = DistributedServer(Path(folder) / "distributed", FULL)
        http(server)
        steady_load(server)
        boards(server)
        server.remove()


def commits(url: str) -> None:
    """Durable commits per second: one thread syncs each alone, many share a sync."""
    store = open_event_store(url)
    assert store.store_id
    runner = executor(store)
    alone = rate(1, lambda number: add(runner, f"alone-{number}"), COMMITS)
    shared = rate(32, lambda number: add(runner, f"shared-{number}"), COMMITS)
    print(f"durable commits/s: 1 thread {alone:.0f}, 32 threads {shared:.0f}, ratio {shared / alone:.1f}")
    store.close()


def http(server: Server | DistributedServer) -> None:
    """Round trips of the JSON API, and the time until a change is in the rows and on a board's socket."""
    server.start()
    try:
        body = {"name": "Bench", "driverLicense": "L"}
        times: list[float] = []

        def post(_: int) -> None:
            start = time.perf_counter()
            ok(server.client.post("/api/fleet/drivers", json=body | {"id": str(uuid4())}))
            times.append(time.perf_counter() - start)

        for threads in (1, 16):
            times.clear()
            per_s = rate(threads, post, REQUESTS)
            print(f"POST with its rows visible, {threads} at once: {per_s:.0f}/s, {percentiles(times)}")
        positions(server)
        board(server)
    finally:
        server.stop()


def positions(server: Server | DistributedServer) -> None:
    """Single fixes of 100 drivers, 16 at once."""
    drivers = [add_driver(server.client) for _ in range(100)]
    times: list[float] = []

    def post(number: int) -> None:
        fix = {"latitude": 60.17 + number / 1e5, "longitude": 24.94, "speed": 5, "heading": 90, "accuracy": 6}
        start = time.perf_counter()
        ok(server.client.post(f"/api/drivers/{drivers[number % 100]}/location", json=fix), 202)
        times.append(time.perf_counter() - start)

    per_s = rate(16, post, 5 * REQUESTS)
    print(f"POST of a position, 16 at once: {per_s:.0f}/s, {percentiles(times)}")


def steady_load(server: DistributedServer) -> None:
    """Commands at a steady rate through the bus: each round trip, and from its commit until its row can be read.

    Times count from when a command was due, so that one that had to queue isn't forgiven.
    """
    server.start()
    settings = load_settings(server.cluster.environ)
    redis, store = connect_redis(settings), MongoEventStore(settings.event_store_url)
    pokes = Pokes(redis, settings.namespace)
    bus = CommandBus(redis, connect_redis(settings, guarded=False), settings.namespace, Doors())
    engine = open_read_models(settings)
    executor = Executor(store, build_codec())
    local = build_services(settings, executor, InProcessLocks(), sessionmaker(engine)).fleet
    rows = SharedRows(settings, engine, PlacedLog(store), pokes)
    for part in (bus, rows):
        part.start()
    round_trips: list[float] = []
    visible: list[float] = []
    unseen: list[str] = []
    context = Context(actor="bench", correlation_id="bench")
    first_due = time.perf_counter() + 0.5

    def send(number: int) -> None:
        due = first_due + number / LOAD_PER_S
        time.sleep(max(0.0, due - time.perf_counter()))
        command = AddDriver(driver_id=None, name=f"Driver {number}", driver_license=f"L-{number}")
        outcome = bus.send("fleet", "add_driver", local, command, context)
        answered = time.perf_counter()
        if not rows.wait_for(outcome, 10):
            unseen.append(outcome.command_id)
        round_trips.append(answered - due)
        visible.append(time.perf_counter() - answered)

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(send, range(LOAD_PER_S * LOAD_S)))
    for part in (rows, bus):
        part.stop()
    print(f"at {LOAD_PER_S} commands/s for {LOAD_S} s: command round trip {percentiles(round_trips)}")
    print(f"  commit → row visible {percentiles(visible)}, never seen {len(unseen)}")


def board(server: Server | DistributedServer) -> None:
    """From sending a command to its frame on an open board."""

    key = {"Authorization": server.client.headers["Authorization"]}
    address = server.url.replace("http", "ws") + "/board/live"
    socket = websocket.create_connection(address, header=key, timeout=10)
    api = server.client
    delivery_id = add_delivery(api, add_route(api), add_driver(api), add_vehicle(api))
    times = []
    for number in range(40):
        mark = f"Mark-{number:02}-"
        driver_id = add_driver(api, mark)
        start = time.perf_counter()
        ok(api.patch(f"/api/deliveries/{delivery_id}/assign-driver", json={"driverId": driver_id}))
        while mark not in socket.recv():
            pass
        times.append(time.perf_counter() - start)
    print(f"command sent → frame on the board: {percentiles(times)}")
    socket.close()


def rate(threads: int, act: Callable[[int], object], count: int) -> float:
    """Acts per second."""
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(act, range(count)))
    return count / (time.perf_counter() - start)


def percentiles(times: list[float]) -> str:
    """p50, p95 and p99 in milliseconds."""
    cuts = [1000 * cut for cut in statistics.quantiles(times, n=100)]
    return f"p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms"


if __name__ == "__main__":
    main()
