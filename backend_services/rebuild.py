"""`python -m backend_services.rebuild`: builds the read models anew beside the present ones, then exchanges them.

Pages read the old tables until the moment of the switch, and boards notice it as a resync.
"""

import logging
import sys
from collections.abc import Callable

from sqlalchemy import Connection, Engine, delete, func, text, update
from sqlalchemy.orm import Session

from backend_services.dead_letters import list_dead_letters
from backend_services.guarded import connect_redis
from backend_services.pokes import Pokes
from backend_services.process import run_command
from backend_services.read_database import open_read_models, schema_name
from backend_services.read_models import BoardChange, BoardCounter, board_head
from backend_services.settings import Settings
from backend_services.shared_rows import poke_boards, prepare_shared_rows, rows_projector
from backend_services.topics import TOPICS
from eventstore.lane_projector import TROUBLE, LaneProjector
from eventstore.lanes import parse_lane
from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable

PAGE_SIZE = 500
CLOSE_ENOUGH = 25
"""When no more events than this are missing, or they don't become fewer any more, projectors are held up for the rest
and the switch."""
ONE_AT_A_TIME = 0x57B2

log = logging.getLogger(__name__)


def rebuild(
    settings: Settings,
    store: MongoEventStore,
    report: Callable[[int, int], None] = lambda _done, _all: None,
    is_needed: Callable[[], bool] = lambda: True,
) -> None:
    """Build and exchange; a second one at the same time waits for the first and then does it again, if it `is_needed`
    still.

    `report` is told how many events of how many are done. Raises what the engines raise; the old tables stay then.
    """
    present = schema_name(settings)
    fresh, old = f"{present}_new", f"{present}_old"
    live, building = open_read_models(settings), open_read_models(settings, fresh)
    try:
        prepare_shared_rows(settings, live)
        with live.connect() as guard:
            if not guard.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ONE_AT_A_TIME}):
                log.info("another rebuild is under way; this one waits for its end")
                guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
            if not is_needed():
                return
            _drop(guard, fresh, old)
            prepare_shared_rows(settings, building, fresh)
            projector = rows_projector(store, building, serves=False)
            projector.prepare(TOPICS.lanes)
            done = _follow(projector, store, report)
            with rows_projector(store, live).transaction(alone=True) as session:
                while (head := store.head()) > done:
                    done = _read_page(projector, done)
                    report(done, max(done, head))
                _let_boards_load_again(building, board_head(session))
                session.execute(text(f'ALTER SCHEMA "{present}" RENAME TO "{old}"'))
                session.execute(text(f'ALTER SCHEMA "{fresh}" RENAME TO "{present}"'))
            _drop(guard, old)
        _redrive_what_was_skipped_meanwhile(store, live)
    finally:
        building.dispose()
        live.dispose()


def work(settings: Settings) -> int:
    """Build anew, showing how far it is; answers the exit code."""
    store = MongoEventStore(settings.event_store_url)
    try:
        rebuild(settings, store, _show)
    finally:
        store.close()
    poke_boards(Pokes(connect_redis(settings), settings.namespace), open_read_models(settings))
    print("The read models are built anew and in use.", flush=True)
    return 0


def _follow(projector: LaneProjector, store: MongoEventStore, report: Callable[[int, int], None]) -> int:
    """Apply events until hardly any are missing; answers the log position of the last one."""
    done, head = 0, store.head()
    while (missing := head - done) > CLOSE_ENOUGH:
        done = _read_page(projector, done)
        head = store.head()
        report(done, head)
        if missing <= head - done < PAGE_SIZE:
            break
    return done


def _read_page(projector: LaneProjector, done: int) -> int:
    page = projector.log.read_placed(done, PAGE_SIZE)
    if not page:
        raise StoreUnavailable(f"the log has nothing behind position {done}, though it doesn't end there")
    projector.handle(page)
    return page[-1].event.log_position


def _let_boards_load_again(building: Engine, old_head: int) -> None:
    """Number on far behind what boards have seen, with nothing in between, so that each notices a gap."""
    with Session(building) as session, session.begin():
        session.execute(delete(BoardChange))
        session.execute(update(BoardCounter).values(seq=func.greatest(BoardCounter.seq, old_head) + 1))


def _redrive_what_was_skipped_meanwhile(store: MongoEventStore, live: Engine) -> None:
    """The new tables were built with what was skipped at the beginning."""
    projector = rows_projector(store, live)
    skipped = projector.log.skipped_events()
    with Session(live) as session:
        letters = [letter for letter in list_dead_letters(session) if letter.event_id in skipped]
    for letter in letters:
        projector.redrive(parse_lane(letter.lane), letter.stream)


def _drop(guard: Connection, *schemas: str) -> None:
    for schema in schemas:
        guard.execute(text(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE'))
    guard.commit()


def _show(done: int, head: int) -> None:
    print(f"{done} of {head} events ({100 * done // max(head, 1)} %)", flush=True)


if __name__ == "__main__":
    sys.exit(run_command("rebuild", work, TROUBLE))
