"""The health check of the containers, as the child process that Docker would start."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ops.processes import free_port

ROOT = Path(__file__).parents[1]


class Role(BaseHTTPRequestHandler):
    """Answers /health/live with `status`."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health/live" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(params=[200, 503])
def role(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """The port of a process, and the status that it answers."""
    handler = type("Role", (Role,), {"status": request.param})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, request.param
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("setting", ["PORT", "WAYBILL_METRICS_PORT"])
def test_a_container_is_healthy_when_its_process_says_so(role: tuple[int, int], setting: str) -> None:
    port, status = role
    environ = {"PORT": str(free_port()), setting: str(port), "http_proxy": f"http://127.0.0.1:{free_port()}"}
    assert (health(environ) == 0) == (status == 200)


def test_a_container_whose_process_does_not_answer_is_unhealthy() -> None:
    assert health({"PORT": str(free_port()), "WAYBILL_METRICS_PORT": "0"}) == 1


def health(environ: dict[str, str]) -> int:
    check = [sys.executable, str(ROOT / "docker/healthcheck.py")]
    return subprocess.run(
        check, env={"PATH": os.environ["PATH"], **environ}, check=False, timeout=20
    ).returncode
