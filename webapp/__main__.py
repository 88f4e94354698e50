"""`python -m webapp`: check the settings, take the data folder, serve."""

import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import msgspec
from flask import Flask
from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from sqlalchemy.exc import OperationalError

from backend_services.process import configure_logging
from backend_services.settings import Settings, SettingsError, load_settings
from eventstore.doors import new_id
from eventstore.ports import EventStoreError
from webapp import create_app
from webapp.accounts.setup import announce_setup
from webapp.data_folder import DataFolderInUse, take_data_folder

GRACEFUL_STOP_S = 20

log = logging.getLogger(__name__)


def write_problem(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """What gunicorn itself refuses (a malformed request, an endless address) is a problem document as well."""
    code = reason.lower().replace(" ", "_")
    problem = {
        "type": f"/problems/{code.replace('_', '-')}",
        "title": reason,
        "status": status,
        "detail": message,
        "code": code,
    }
    body = msgspec.json.encode(problem | {"message": message, "correlationId": new_id()})
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
    util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin1") + body)


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with one worker and many threads; the app is made in the worker, after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        util.write_error = write_problem
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        for name, value in {
            "bind": f"{host}:{self._settings.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": self._settings.threads,
            "worker_connections": self._settings.threads + 1_000,
            "graceful_timeout": GRACEFUL_STOP_S,
            "keepalive": 5,
            "limit_request_line": 8_190,
            "proc_name": "waybill",
            "post_worker_init": _watch,
            "worker_exit": _stop,
            "control_socket_disable": True,
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        try:
            app = create_app(self._settings)
            app.extensions["waybill"].start()
        except (EventStoreError, OperationalError) as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            log.error("Waybill can't start, an engine that it needs can't be used now: %s", reason)
            raise SystemExit(
                Arbiter.WORKER_BOOT_ERROR
            ) from None  # the master then ends too, instead of forking again
        _running.append(app)
        # What is there from the start stays to the end. Looking through it for garbage again and again took a fifth of
        # the time in which a past day of a thousand deliveries is put together.
        gc.collect()
        gc.freeze()
        return app


_running: list[Flask] = []


def _stop(_server: Any, worker: Any) -> None:
    """Everything that must be finished is finished here; then end at once. A request that never ends would otherwise
    hold the process.

    A worker that couldn't be started is left to gunicorn, whose master ends by the exit code of such a one.
    """
    if not worker.booted:
        return
    for app in _running:
        app.extensions["waybill"].stop()
    logging.shutdown()
    os._exit(0)


def _watch(worker: Any) -> None:
    """Close the boards' sockets as soon as the worker is told to stop, not after the requests it waits for."""
    # Ctrl-C reaches the whole process group; told twice, the worker would break off its own stopping.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def close_sockets_at_stop() -> None:
        while worker.alive and os.getppid() == worker.ppid:
            time.sleep(0.2)
        for app in _running:
            app.extensions["board_hub"].close_sockets()
        if os.getppid() != worker.ppid:  # it was killed: whoever comes next wants the port and the folder
            log.error("the master process is gone; ending at once, as it did")
            logging.shutdown()
            os._exit(1)

    threading.Thread(target=close_sockets_at_stop, name="stop-watch", daemon=True).start()


def main() -> int:
    """Serve until stopped; answers the exit code."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    configure_logging(settings)
    if not settings.is_distributed:  # otherwise there may be several of us, and nothing is in the folder
        try:
            os.set_inheritable(take_data_folder(settings.data_dir), True)
        except DataFolderInUse as error:
            print(error, file=sys.stderr)
            return 1
    if not _port_is_free(settings):
        print(f"Port {settings.port} on {settings.host} is in use; set PORT to another.", file=sys.stderr)
        return 1
    try:
        announce_setup(settings)
    except OperationalError as error:
        print(f"The accounts' database doesn't answer: {error.orig}", file=sys.stderr)
        return 1
    _open_many_files()
    Server(settings).run()
    return 0


def _open_many_files() -> None:
    """Each board is an open file; the usual soft limit of 1,024 is there for programs that use select()."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or soft < hard):
        with suppress(ValueError, OSError):  # some systems refuse what they said
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _port_is_free(settings: Settings) -> bool:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
