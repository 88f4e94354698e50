"""`make up-local`: the engines and every role on this machine, in the foreground; Ctrl-C stops all of it."""

import os
import secrets
import signal
import sys
import threading
from pathlib import Path

from ops.cluster import FULL, Cluster
from ops.engines import Engines, EngineUnavailable
from ops.kafka_broker import KafkaUnavailable
from ops.processes import is_listening

PORTS = (8001, 8002)
KEPT_IN = Path("var/up-local")
RESTART_AFTER_S = 2.0


def main() -> int:
    """Run until Ctrl-C; a role that ends by itself is started again. Answers the exit code."""
    taken = [port for port in PORTS if is_listening(port)]
    if taken:
        print(f"Port {taken[0]} is in use; make up-local needs 8001 and 8002.", file=sys.stderr)
        return 1
    folder = KEPT_IN.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with Engines(folder / "engines") as engines:
            print(
                *engines.notes, *(f"{name}={url}" for name, url in engines.urls.items()), sep="\n", flush=True
            )
            return _run_roles(folder, engines.urls, stopping)
    except (EngineUnavailable, KafkaUnavailable, AssertionError) as error:
        print(error, file=sys.stderr)
        return 1


def _run_roles(folder: Path, urls: dict[str, str], stopping: threading.Event) -> int:
    environ = {
        "SECRET_KEY": os.environ.get("SECRET_KEY") or _kept_secret(folder),
        "WAYBILL_DEVELOPMENT": os.environ.get("WAYBILL_DEVELOPMENT") or "on",
        **urls,
    }
    cluster = Cluster(folder / "logs", environ, FULL, PORTS)
    try:
        cluster.start()
        print(f"Waybill: {' and '.join(cluster.urls)} (logs in {folder / 'logs'})", flush=True)
        for line in (folder / "logs" / "web-1.log").read_text().splitlines():
            if "/setup?code=" in line:
                print(line, flush=True)
        while not stopping.wait(RESTART_AFTER_S):
            for role in cluster.dead():
                print(f"{role.name} has ended and is started again; see {role.log}", file=sys.stderr)
                role.start()
        return 0
    finally:
        cluster.stop()


def _kept_secret(folder: Path) -> str:
    path = folder / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


if __name__ == "__main__":
    sys.exit(main())
