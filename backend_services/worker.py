"""`python -m backend_services.worker fleet|routes|deliveries …`: does the commands of the named services.

Any number may run for each service, on any machine that reaches the engines.
"""

import argparse
import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy.orm import sessionmaker

from backend_services.command_worker import CommandWorker
from backend_services.guarded import GuardedStore, connect_redis, open_locks
from backend_services.process import run_role, wait_for
from backend_services.projecting import build_codec
from backend_services.read_database import HINT_TIMEOUT_S, open_read_models
from backend_services.services import NAMES, build_services
from backend_services.settings import Settings
from eventstore.doors import Doors
from eventstore.execute import Executor
from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable

log = logging.getLogger(__name__)


def work(names: Sequence[str], settings: Settings, stopping: threading.Event) -> None:
    """Work for the named services until told to stop; commands in hand are finished."""
    store = GuardedStore(MongoEventStore(settings.event_store_url))
    doors, waiting = Doors(), connect_redis(settings, guarded=False)
    engine = open_read_models(settings, answers_within_s=HINT_TIMEOUT_S)
    executor = Executor(store, build_codec(), doors)
    services = build_services(settings, executor, open_locks(settings), sessionmaker(engine))
    if not wait_for(lambda: store.store_id, (StoreUnavailable,), stopping, "event store"):
        return
    name = doors.new_id()
    workers = [
        CommandWorker(waiting, settings.namespace, service, getattr(services, service), name, doors)
        for service in names
    ]
    failure = _run_together(dict(zip(names, workers, strict=True)), stopping)
    engine.dispose()
    store.close()
    if failure is not None:
        raise failure


def _run_together(workers: Mapping[str, CommandWorker], stopping: threading.Event) -> Exception | None:
    """Run each in a thread until told to stop. When one fails, all finish what is in hand and end: a process that
    leaves one of its services undone would be worse than none. Answers what went wrong."""
    failures: list[Exception] = []

    def run(service: str) -> None:
        try:
            workers[service].run(stopping)
        except Exception as error:
            log.exception("%s commands can't be received any more; this worker ends", service)
            failures.append(error)
            stopping.set()

    threads = [threading.Thread(target=run, args=(service,), name=service) for service in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures[0] if failures else None


def main(arguments: Sequence[str]) -> int:
    """Answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m backend_services.worker", description=__doc__)
    parser.add_argument("service", nargs="+", choices=NAMES)
    names = parser.parse_args(arguments).service
    return run_role(f"worker for {', '.join(names)}", partial(work, names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
