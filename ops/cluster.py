"""Every role of the distributed mode as child processes of this machine, over engines given by their URLs."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.processes import Child, free_port, wait_until

START_BOUND_S = 60.0
SERVICES = ("fleet", "routes", "deliveries")


@dataclass(frozen=True)
class Shape:
    """How many processes of each role. `workers` lists, for each worker process, the services it works for."""

    web: int = 1
    workers: tuple[tuple[str, ...], ...] = (SERVICES,)
    publishers: int = 1
    projectors: int = 1


SMALL = Shape()
FULL = Shape(web=2, workers=tuple((name,) for name in SERVICES for _ in range(2)), publishers=2, projectors=2)
"""Two of everything."""


@dataclass
class Role:
    """One process of the cluster, which can be killed and started again."""

    name: str
    arguments: list[str]
    environ: dict[str, str]
    log: Path
    child: Child | None = field(default=None)

    def start(self) -> None:
        self.child = Child([sys.executable, "-m", *self.arguments], self.log, self.environ)

    def kill(self) -> None:
        if self.child is not None:
            self.child.kill()


class Cluster:
    """The processes of one installation; `environ` holds the engines' URLs and whatever else they need."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], shape: Shape = SMALL, ports: tuple[int, ...] = ()
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.environ = {**os.environ, "WAYBILL_DATA_DIR": str(folder), **environ}
        self.ports = list(ports) or [free_port() for _ in range(shape.web)]
        self.roles: dict[str, Role] = {}
        for number, port in enumerate(self.ports, start=1):
            self._add(f"web-{number}", ["webapp"], folder, PORT=str(port))
        for number, services in enumerate(shape.workers, start=1):
            name = services[0] if len(services) == 1 else "all"
            self._add(f"worker-{name}-{number}", ["backend_services.worker", *services], folder)
        for number in range(1, shape.publishers + 1):
            self._add(f"publisher-{number}", ["backend_services.publisher"], folder)
        for number in range(1, shape.projectors + 1):
            self._add(f"projector-{number}", ["backend_services.projector"], folder)

    @property
    def urls(self) -> list[str]:
        """Where the web processes are."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self) -> "Cluster":
        """Start what doesn't run and wait until every web process is ready."""
        for role in self.roles.values():
            if role.child is None or not role.child.is_running:
                role.start()
        self.await_ready()
        return self

    def await_ready(self) -> None:
        """Wait until every web process says that it is ready."""
        wait_until(self._is_ready, START_BOUND_S, "a ready Waybill")

    def stop(self) -> None:
        """SIGTERM to all, and wait for their ends."""
        running = [role.child for role in self.roles.values() if role.child is not None]
        for child in running:
            child.terminate()
        for child in running:
            child.end(40)

    def kill(self) -> None:
        """kill -9 for all."""
        for role in self.roles.values():
            role.kill()

    def dead(self) -> list[Role]:
        """The roles whose process has ended."""
        return [role for role in self.roles.values() if role.child is not None and not role.child.is_running]

    def _add(self, name: str, arguments: list[str], folder: Path, **environ: str) -> None:
        log = folder / f"{name}.log"
        self.roles[name] = Role(name, arguments, self.environ | environ, log)

    def _is_ready(self) -> bool:
        for role in self.dead():
            assert role.child is not None
            raise AssertionError(f"{role.name} ended while starting: {role.child.tail()}")
        return all(_answers(f"{url}/health/ready") for url in self.urls)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
