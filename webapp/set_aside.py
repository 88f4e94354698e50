"""What no projection can apply, for the System page: shown, tried again, or given up, with what came of it in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend_services import dead_letters
from backend_services.dead_letters import NotSetAside, Redriven, what_is_lost
from backend_services.pokes import Pokes
from backend_services.shared_rows import poke_boards, rows_projector
from eventstore.lane_projector import DeadLetter, LaneProjector
from eventstore.mongodb import MongoEventStore

MOST_SHOWN = 100


@dataclass(frozen=True)
class Said:
    """What a page says; `category` is a flash category."""

    category: str
    text: str


class SetAside:
    """The verbs of the page over the engines of this process. All raise what the engines raise."""

    def __init__(self, store: MongoEventStore, engine: Engine, pokes: Pokes) -> None:
        self._store = store
        self._engine = engine
        self._pokes = pokes

    def list(self) -> list[DeadLetter]:
        """One per stream that is set aside, the oldest first, at most 100."""
        with Session(self._engine) as session:
            return dead_letters.list_dead_letters(session)[:MOST_SHOWN]

    def find(self, event_id: str) -> tuple[DeadLetter, str] | None:
        """The dead letter of an event, and what skipping it means; None when it isn't set aside."""
        with Session(self._engine) as session:
            letter = dead_letters.find_dead_letter(session, event_id)
        return (letter, what_is_lost(letter)) if letter else None

    def redrive(self, stream: str, actor: str) -> Said:
        """Try one stream again."""
        try:
            return _told([dead_letters.redrive(self._projector(), stream, actor)])
        except NotSetAside as error:
            return Said("info", str(error))

    def redrive_all(self, actor: str) -> Said:
        """Try every stream again."""
        return _told(dead_letters.redrive_all(self._projector(), actor))

    def skip(self, event_id: str, actor: str) -> Said:
        """Give up on an event for good; its stream goes on behind it."""
        try:
            said = _told([dead_letters.skip(self._projector(), event_id, actor)])
        except NotSetAside as error:
            return Said("info", str(error))
        return Said(said.category, f"Skipped. {said.text}")

    def _projector(self) -> LaneProjector:
        return rows_projector(self._store, self._engine, partial(poke_boards, self._pokes, self._engine))


def _told(done: Sequence[Redriven]) -> Said:
    if not done:
        return Said("info", "Nothing is set aside any more.")
    failed = [redriven.failed for redriven in done if redriven.failed]
    applied = sum(redriven.applied for redriven in done)
    events = f"{applied} event{'' if applied == 1 else 's'} applied"
    if not failed:
        what = done[0].stream if len(done) == 1 else f"All {len(done)} streams"
        return Said("success", f"{what} flow{'s' if len(done) == 1 else ''} again: {events}.")
    first = failed[0]
    stands = f"{first.stream} failed again at version {first.version}, {first.type}"
    more = f", and {len(failed) - 1} other streams as well" if len(failed) > 1 else ""
    return Said("warning", f"{stands}{more}; {events}.")
