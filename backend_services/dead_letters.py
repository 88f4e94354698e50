"""`python -m backend_services.dead_letters list|redrive [STREAM]|skip EVENT_ID`: what can't be shown, and what to do
about it.

An event that can't be applied to the rows is set aside, and the later events of its stream wait behind it; all other
streams go on. To redrive a stream is to try it again; to skip an event is to give up on it for good.
"""

import argparse
import getpass
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from backend_services.guarded import connect_redis
from backend_services.pokes import Pokes
from backend_services.process import run_command
from backend_services.read_database import open_read_models
from backend_services.settings import Settings
from backend_services.shared_rows import poke_boards, prepare_shared_rows, rows_projector
from eventstore.lane_projector import TROUBLE, DeadLetter, LaneProjector
from eventstore.lanes import parse_lane
from eventstore.mongodb import MongoEventStore

HEADINGS = ("STREAM", "VERSION", "EVENT TYPE", "SINCE (UTC)", "WAITING BEHIND", "EVENT ID")

audit = logging.getLogger("waybill.audit")


class NotSetAside(Exception):
    """What was named is no dead letter (any more); the message says so."""


@dataclass(frozen=True)
class Redriven:
    """What became of a stream that was tried again: `applied` of its events are in the rows now, and `failed` is the
    one that can't be applied, behind which the later ones go on waiting (None: the stream flows again)."""

    stream: str
    applied: int
    failed: DeadLetter | None


def list_dead_letters(session: Session) -> list[DeadLetter]:
    """One per stream that is set aside, the oldest first."""
    return list(session.scalars(select(DeadLetter).order_by(DeadLetter.failed_at, DeadLetter.stream)))


def count_dead_letters(session: Session) -> int:
    """How many streams are set aside."""
    return session.scalar(select(func.count()).select_from(DeadLetter)) or 0


def find_dead_letter(session: Session, event_id: str) -> DeadLetter | None:
    """The dead letter of an event; None when it isn't set aside."""
    return session.scalars(select(DeadLetter).where(DeadLetter.event_id == event_id)).one_or_none()


def redrive(projector: LaneProjector, stream: str, actor: str) -> Redriven:
    """Try the events of a stream again, oldest first. Raises `NotSetAside` and what the engines raise."""
    with Session(projector.engine) as session:
        letter = session.get(DeadLetter, stream)
    if letter is None:
        raise NotSetAside(f"{stream} is not set aside (any more).")
    audit.info("%s redrives %s, which stands at version %d", actor, stream, letter.version)
    applied = projector.redrive(parse_lane(letter.lane), stream)
    with Session(projector.engine) as session:
        return Redriven(stream, applied, session.get(DeadLetter, stream))


def redrive_all(projector: LaneProjector, actor: str) -> list[Redriven]:
    """Try every stream that is set aside again. Raises what the engines raise."""
    with Session(projector.engine) as session:
        streams = [letter.stream for letter in list_dead_letters(session)]
    done = []
    for stream in streams:
        try:
            done.append(redrive(projector, stream, actor))
        except NotSetAside:  # somebody else was faster
            continue
    return done


def skip(projector: LaneProjector, event_id: str, actor: str) -> Redriven:
    """Give up on an event for good and let its stream go on behind it; `applied` doesn't count the event itself.

    Raises `NotSetAside` and what the engines raise.
    """
    with Session(projector.engine) as session:
        letter = find_dead_letter(session, event_id)
    if letter is None:
        raise NotSetAside(f"No event {event_id} is set aside (any more).")
    audit.warning("%s skips %s %s, %s", actor, letter.type, event_id, _where(letter))
    projector.log.skip_event(event_id, actor)
    redriven = redrive(projector, letter.stream, actor)
    return Redriven(redriven.stream, max(0, redriven.applied - 1), redriven.failed)


def what_is_lost(letter: DeadLetter) -> str:
    """What skipping the event means, in sentences."""
    behind = {
        0: "No later event waits behind it.",
        1: "The later event behind it is applied without it.",
    }.get(letter.waiting, f"The {letter.waiting} later events behind it are applied without it.")
    return (
        f"{letter.type}, {_where(letter)}, stays in the event store, but no list, page or board will ever show what it"
        f" says, also after a rebuild. {behind} This can't be taken back."
    )


def _where(letter: DeadLetter) -> str:
    return f"version {letter.version} of {letter.stream}"


def main(arguments: Sequence[str]) -> int:
    """0: done. 1: something is still set aside, or an engine is away. 2: what was named doesn't exist."""
    parser = argparse.ArgumentParser(prog="python -m backend_services.dead_letters", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="show what is set aside")
    one = verbs.add_parser("redrive", help="try again what is set aside")
    one.add_argument("stream", nargs="?", help="only this one; all of them otherwise")
    gone = verbs.add_parser("skip", help="give up on an event for good and go on behind it")
    gone.add_argument("event_id")
    gone.add_argument("--yes", action="store_true", help="don't ask")
    return run_command("command", partial(_work, parser.parse_args(arguments)), TROUBLE)


def _work(options: argparse.Namespace, settings: Settings) -> int:
    store, engine = MongoEventStore(settings.event_store_url), open_read_models(settings)
    try:
        prepare_shared_rows(settings, engine)
        if options.verb == "list":
            return _list(engine)
        pokes = Pokes(connect_redis(settings), settings.namespace)
        projector = rows_projector(store, engine, partial(poke_boards, pokes, engine))
        actor = f"command-line:{_user()}"
        if options.verb == "skip":
            return _skip(projector, options.event_id, actor, asks=not options.yes)
        if options.stream is not None:
            return _tell([redrive(projector, options.stream, actor)])
        return _tell(redrive_all(projector, actor))
    except NotSetAside as error:
        print(f"{error} `list` shows what is.", file=sys.stderr)
        return 2
    finally:
        engine.dispose()
        store.close()


def _list(engine: Engine) -> int:
    with Session(engine) as session:
        letters = list_dead_letters(session)
    if not letters:
        print("Nothing is set aside.")
        return 0
    rows = [
        (
            letter.stream,
            str(letter.version),
            letter.type,
            f"{letter.failed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            str(letter.waiting),
            letter.event_id,
        )
        for letter in letters
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    print(_line(HEADINGS, widths))
    for row, letter in zip(rows, letters, strict=True):
        print(_line(row, widths))
        print(f"    {' '.join(letter.error.split())[:500]}")
    return 0


def _skip(projector: LaneProjector, event_id: str, actor: str, *, asks: bool) -> int:
    with Session(projector.engine) as session:
        letter = find_dead_letter(session, event_id)
    if letter is None:
        raise NotSetAside(f"No event {event_id} is set aside (any more).")
    print(what_is_lost(letter))
    if asks and not _agrees():
        print("Nothing was skipped.")
        return 1
    return _tell([skip(projector, event_id, actor)])


def _agrees() -> bool:
    try:
        return input("Skip it? Type yes: ").strip().lower() == "yes"
    except EOFError:
        print()
        return False


def _tell(done: Sequence[Redriven]) -> int:
    if not done:
        print("Nothing is set aside.")
    for redriven in done:
        events = f"{redriven.applied} event{'' if redriven.applied == 1 else 's'} applied"
        if redriven.failed is None:
            print(f"{redriven.stream} flows again: {events}.")
        else:
            failed = redriven.failed
            print(f"{redriven.stream}: {events}, then {failed.type} (version {failed.version}) failed:")
            print(f"    {' '.join(failed.error.split())[:500]}")
    return 1 if any(redriven.failed for redriven in done) else 0


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "?"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
