"""Figures of the live board with many dispatchers: from a change to the last of 2,000 boards of one process."""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from backend_services.settings import load_settings
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, ok
from tests.journey.distributed import DistributedServer
from tests.journey.server import Server
from tests.webapp.board.crowd import Crowd, sign_in_many
from webapp import create_app
from webapp.live.hub import MOST_PER_ACCOUNT

BOARDS = 2_000
CHANGES = 40
APART_S = 0.6
BOUND_S = 20.0


def boards(server: Server | DistributedServer, deliveries: int = 50, count: int = BOARDS) -> None:
    """Print how long a change needs to the last of `count` boards of a day with that many `deliveries`.

    It counts from before the command is sent, and every board is one that has a sign-in of a dispatcher.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cookies = _sign_in(server, -(-count // MOST_PER_ACCOUNT))
    server.start()
    crowd = None
    try:
        http = server.client
        drivers = [add_driver(http, f"Mark-{number:02}-") for number in range(CHANGES)]
        route_id = add_route(http)
        delivery_id = add_delivery(http, route_id, None, add_vehicle(http))
        for _ in range(deliveries - 1):
            add_delivery(http, route_id)
        began = time.perf_counter()
        crowd = Crowd(f"{server.url.replace('http', 'ws')}/board/live", cookies, count)
        opened_s = time.perf_counter() - began
        lasts = [_change(http, crowd, delivery_id, driver_id, count) for driver_id in drivers]
        print(
            f"command sent → frame on the last of {count} boards in one process, a day of {deliveries}: "
            f"{_percentiles(lasts)} (boards opened at {count / opened_s:.0f}/s)"
        )
    finally:
        if crowd is not None:
            crowd.leave()
        server.stop()


def _change(http: httpx.Client, crowd: Crowd, delivery_id: str, driver_id: str, count: int) -> float:
    """Assign a driver; seconds until the last board shows him. Before it, nothing has changed for a while."""
    crowd.arrivals(b"nothing has this mark", APART_S)
    mark = ok(http.get(f"/api/fleet/drivers/{driver_id}"))["name"].encode()
    with ThreadPoolExecutor(1) as pool:
        start = time.perf_counter()
        address, body = f"/api/deliveries/{delivery_id}/assign-driver", {"driverId": driver_id}
        answer = pool.submit(http.patch, address, json=body)
        times = crowd.arrivals(mark, BOUND_S)
        ok(answer.result())
    assert len(times) == count, f"{count - len(times)} boards got nothing"
    return max(times) - start


def _sign_in(server: Server | DistributedServer, accounts: int) -> list[dict[str, str]]:
    environ: Mapping[str, str] = server.environ() if isinstance(server, Server) else server.cluster.environ
    app = create_app(load_settings(environ))
    cookies = sign_in_many(app, accounts)
    app.extensions["waybill"].stop()
    return cookies


def _percentiles(times: list[float]) -> str:
    cuts = [1000 * cut for cut in statistics.quantiles(times, n=100, method="inclusive")]
    return f"p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms, worst {1000 * max(times):.0f} ms"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        boards(Server(Path(folder) / "server"), *(int(number) for number in sys.argv[1:]))
