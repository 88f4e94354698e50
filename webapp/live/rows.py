"""A delivery as a row of the board: what its template needs, and the rendered row. Page and push share both."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app

from backend_services.deliveries.queries import LATE_FROM, DeliveryView
from backend_services.fleet.positions import Fix
from webapp.live.filters import LATE, facets, search_text, sort_key
from webapp.live.fixes import newest_fixes


@dataclass(frozen=True)
class BoardRow:
    """One delivery as a board shows it at an instant."""

    delivery: DeliveryView
    facets: list[str]
    sort_key: str
    search_text: str
    delay: timedelta
    fix: Fix | None

    @property
    def is_late(self) -> bool:
        return self.delay >= LATE_FROM

    @property
    def state(self) -> str:
        """A text that changes when something happened to the delivery, and not when only time went by."""
        view = self.delivery
        return f"{view.version} {view.driver_name} {view.vehicle_registration} {LATE in self.facets}"

    @property
    def due_at(self) -> datetime:
        """When the next checkpoint is expected; the planned end where none is outstanding."""
        stop = self.delivery.next_stop
        return stop.expected_time if stop else self.delivery.scheduled_end_at

    @property
    def finished_at(self) -> datetime | None:
        return self.delivery.delivered_at or self.delivery.failed_at


def board_row(view: DeliveryView, now: datetime) -> BoardRow:
    """The delivery as a row at `now`."""
    fix = newest_fixes().get(view.driver_id) if view.driver_id and not view.is_finished else None
    return BoardRow(
        delivery=view,
        facets=facets(view, now),
        sort_key=sort_key(view),
        search_text=search_text(view),
        delay=view.predicted_delay(now),
        fix=fix,
    )


def render_row(view: DeliveryView, now: datetime) -> str:
    """The rendered table row; needs an app context with a request (for addresses), real or made."""
    # The template's module is made once; importing it for each row would cost more than the row itself.
    module: Any = current_app.jinja_env.get_template("board/_row.html").module
    return str(module.row(board_row(view, now))).strip()
