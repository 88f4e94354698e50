"""The real program as a child process, for tests that speak HTTP with it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from backend_services.settings import ENGINES
from ops.processes import free_port, wait_until
from tests.journey.city import zone_where_it_is_noon

API_KEY = "a-key-for-tests-0123456789"
START_BOUND_S = 30.0


class Server:
    """One Waybill on one data folder; it can be stopped, killed and started again."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environ = environ
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=30
        )

    def environ(self, **more: str) -> dict[str, str]:
        """The environment the program gets."""
        return {
            **clean_environ(),
            "PORT": str(self.port),
            "WAYBILL_DATA_DIR": str(self.data_dir),
            "WAYBILL_API_KEY": API_KEY,
            "WAYBILL_RATE_LIMIT": "off",
            "WAYBILL_TIME_ZONE": zone_where_it_is_noon(),
            **self._environ,
            **more,
        }

    def start(self) -> "Server":
        """Start and wait until it is ready."""
        log = (self.data_dir.parent / f"{self.data_dir.name}.log").open("ab")
        # A group of its own, so that kill() reaches master and worker alike, and nobody else.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "webapp"],
            env=self.environ(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        wait_until(self._is_ready, START_BOUND_S, f"a ready server (see {log.name})")
        return self

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._end(signal.SIGTERM)

    def end_web(self, bound_s: float) -> None:
        """SIGTERM; fails when it needs longer."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(bound_s)

    def setup_code(self) -> str:
        """The code for the first account."""
        return (self.data_dir / "setup_code").read_text().strip()

    def forget_read_models(self) -> None:
        """Delete the read models of the stopped server."""
        for path in self.data_dir.glob("read_models.db*"):
            path.unlink()

    def backup_events(self) -> Any:
        """The event store's content; the server is stopped."""
        return (self.data_dir / "events.db").read_bytes()

    def restore_events(self, backup: Any) -> None:
        """Put a former content in the place of the present one; the server is stopped."""
        for path in self.data_dir.glob("events.db*"):
            path.unlink()
        (self.data_dir / "events.db").write_bytes(backup)

    def remove(self) -> None:
        """Stop it; its folder goes with the test."""
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            if how is signal.SIGKILL:
                os.killpg(self.process.pid, how)
            else:
                self.process.send_signal(how)
            self.process.wait(40)
        self.process = None

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the server ended while starting"
        try:
            return self.client.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False


def clean_environ() -> dict[str, str]:
    """This process's environment without what would change the program's mode or settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("WAYBILL_") and name not in (*ENGINES, "SECRET_KEY")
    }
