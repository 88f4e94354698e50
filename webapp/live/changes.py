"""What a board has to do for what changed: pushed by the hub, or asked for by a board that missed something."""

import threading
import time
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from backend_services.read_models import BoardChange, board_head, list_board_changes
from webapp.live.day_views import views_of_day
from webapp.live.filters import count_facets
from webapp.live.frames import Frame
from webapp.live.rows import render_row
from webapp.presentation import today

MOST_CHANGES_AT_ONCE = 500
GOOD_FOR_S = 1.0
"""So long an answer may be given again: lateness passes without any event."""


def change_frame(
    session: Session, changes: Sequence[BoardChange] | None, after: int, seq: int, now: datetime
) -> Frame:
    """What today's board has to do for these changes (None: for more than the log still knows).

    Needs an app context with a request, real or made.
    """
    day = today()
    if changes is None:
        return Frame(after, seq, day.isoformat(), resync=True)
    views = views_of_day(session, day)
    changed: dict[str, set[str]] = {"delivery": set(), "driver": set(), "vehicle": set(), "route": set()}
    for change in changes:
        changed[change.kind].add(change.subject_id)
    rows: dict[str, str | None] = dict.fromkeys(changed["delivery"])
    for view in views:
        of_party = view.driver_id in changed["driver"] or view.vehicle_id in changed["vehicle"]
        if view.delivery_id in rows or (of_party and not view.is_finished):
            rows[view.delivery_id] = render_row(view, now)
    return Frame(after, seq, day.isoformat(), rows, count_facets(views, now))


class CatchingUp:
    """Answers to boards that missed something.

    After a restart all boards come back at once, most of them from the same number: the first makes the answer, those
    who asked meanwhile get the same one.
    """

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._made: Frame | None = None
        self._made_at = 0.0

    def frame_after(self, session: Session, after: int, now: datetime) -> Frame:
        """What changed after the log's number `after`; `resync` where that is no longer known, or too much.

        Needs an app context with a request.
        """
        changes = list_board_changes(session, after, MOST_CHANGES_AT_ONCE)
        if changes == []:
            return Frame(after, after, today().isoformat())
        if changes is None or len(changes) == MOST_CHANGES_AT_ONCE:
            # Loading the list again costs less than so many rows.
            return change_frame(session, None, after, board_head(session), now)
        with self._making:
            made = self._made
            is_fresh = time.monotonic() - self._made_at < GOOD_FOR_S
            if not is_fresh or made is None or made.after != after or made.seq < changes[-1].seq:
                made = self._made = change_frame(session, changes, after, changes[-1].seq, now)
                self._made_at = time.monotonic()
                _ = made.encoded
            return made
