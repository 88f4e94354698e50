"""`make bench`: figures of this machine, from one run of the real store and server. Compare within a run."""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import websocket

from eventstore.factory import open_event_store
from tests.eventstore.samples import add, executor
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, ok
from tests.journey.server import Server

COMMITS = 2_000
REQUESTS = 600


def main() -> None:
    """Print one line per figure."""
    with tempfile.TemporaryDirectory() as folder:
        commits(Path(folder))
        http(Path(folder))


def commits(folder: Path) -> None:
    """Durable commits per second: one thread syncs each alone, many share a sync."""
    store = open_event_store(f"sqlite:///{folder}/events.db")
    runner = executor(store)
    alone = rate(1, lambda number: add(runner, f"alone-{number}"), COMMITS)
    shared = rate(32, lambda number: add(runner, f"shared-{number}"), COMMITS)
    print(f"durable commits/s: 1 thread {alone:.0f}, 32 threads {shared:.0f}, ratio {shared / alone:.1f}")
    store.close()


def http(folder: Path) -> None:
    """Round trips of the JSON API, and the time until a change is in the rows and on a board's socket."""
    server = Server(folder / "server").start()
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
        board(server)
    finally:
        server.stop()


def board(server: Server) -> None:
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
    """p50 and p95 in milliseconds."""
    cuts = statistics.quantiles(times, n=20)
    return f"p50 {statistics.median(times) * 1000:.1f} ms, p95 {cuts[18] * 1000:.1f} ms"


if __name__ == "__main__":
    main()
