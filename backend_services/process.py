"""What the processes beside the web have in common: settings, logs, metrics, and a clean stop."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

from prometheus_client import start_http_server

from backend_services.settings import Settings, SettingsError, load_settings

log = logging.getLogger(__name__)


def run_role(role: str, work: Callable[[Settings, threading.Event], None]) -> int:
    """Load the settings and do `work` until SIGTERM or Ctrl-C sets its event; answers the exit code.

    `/metrics` and `/health/live` are served at WAYBILL_METRICS_PORT.
    """
    settings = _settings_of(role)
    if settings is None:
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, settings.host)
    log.info("the %s starts", role)
    work(settings, stopping)
    log.info("the %s has stopped", role)
    return 0


def run_command(name: str, work: Callable[[Settings], int], trouble: tuple[type[Exception], ...]) -> int:
    """Load the settings and do `work` once; answers its exit code, 1 when there is `trouble`, 130 after Ctrl-C."""
    settings = _settings_of(name)
    if settings is None:
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return work(settings)
    except trouble as error:
        first_line = str(error).split("\n", maxsplit=1)[0]
        print(f"The {name} needs an engine that can't be used now: {first_line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _settings_of(role: str) -> Settings | None:
    """The settings, with logging set up by them; None, and a sentence for each problem, when they are wrong."""
    try:
        settings = load_settings(os.environ, serves_pages=False)
        if not settings.is_distributed:
            raise SettingsError(
                [f"The {role} is for the real engines; set EVENT_STORE_URL and the others (see README.md)."]
            )
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return None
    configure_logging(settings)
    return settings


def configure_logging(settings: Settings) -> None:
    """One line per record, with the process, to stderr."""
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s",
    )
    logging.getLogger("pymongo").setLevel(logging.WARNING)


def keep_trying(
    work: Callable[[], bool],
    trouble: tuple[type[Exception], ...],
    stopping: threading.Event,
    what: str,
    idle_s: float,
) -> None:
    """Call `work` until told to stop: again at once while it answers True, after `idle_s` when there was nothing to
    do, after a growing pause (5 s at most) when there is `trouble`, which is said once."""
    pause_s, said = 0.1, ""
    while not stopping.is_set():
        try:
            if not work():
                stopping.wait(idle_s)
            if said:
                log.info("%s: goes on", what)
            pause_s, said = 0.1, ""
        except trouble as error:
            if type(error).__name__ != said:
                log.warning("%s: %s; trying again until it works", what, error)
            said = type(error).__name__
            stopping.wait(pause_s)
            pause_s = min(2 * pause_s, 5.0)


def wait_for(
    ask: Callable[[], object], trouble: tuple[type[Exception], ...], stopping: threading.Event, what: str
) -> bool:
    """Ask until it doesn't fail any more; False when told to stop before that."""
    pause_s = 0.1
    while not stopping.is_set():
        try:
            ask()
            return True
        except trouble as error:
            log.warning("%s: %s; waiting for it", what, error)
            stopping.wait(pause_s)
            pause_s = min(2 * pause_s, 5.0)
    return False
