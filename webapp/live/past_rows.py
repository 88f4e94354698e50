"""A delivery as a row of the board at a past instant: the live board's row, without positions and actions."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from flask import current_app
from markupsafe import escape

from backend_services.deliveries.past import Fact
from backend_services.deliveries.past_days import PastDelivery
from webapp.live.filters import Wanted, facets, search_text, sort_key
from webapp.live.rows import BoardRow
from webapp.presentation import today

MOST_KEPT = 10_000
ADDRESS_HERE = "/board?here"
"""Stands in a kept row for the address of the board that shows it, which is another one at each instant."""


@dataclass(frozen=True)
class PastRow(BoardRow):
    """`url` opens the delivery on the same board; `unheard_facts` had happened but weren't recorded yet."""

    url: str
    unheard_facts: tuple[Fact, ...]

    @property
    def unheard(self) -> int:
        return len(self.unheard_facts)

    @property
    def content(self) -> Hashable:
        """Everything on which the rendered row depends. Times are shown with the day when it isn't today's."""
        view, minute = self.delivery, timedelta(minutes=1)
        late = self.delay // minute
        predicted = (self.due_at + self.delay).replace(second=0, microsecond=0) if late else None
        names = (view.driver_name, view.vehicle_registration)
        return (view.delivery_id, view.version, *names, late, predicted, self.is_late, self.unheard, today())


def past_rows(day: list[PastDelivery], at: datetime) -> list[PastRow]:
    """The whole board as it was at `at`, in the order of the list."""
    rows = [past_row(each, at) for each in day]
    return sorted(rows, key=lambda row: row.sort_key)


def is_wanted(row: PastRow, wanted: Wanted) -> bool:
    """Whether the row is to be shown; the live board's rule."""
    in_facets = all(facet in row.facets for facet in wanted.facets)
    return in_facets and all(word in row.search_text for word in wanted.words)


def past_row(past: PastDelivery, at: datetime) -> PastRow:
    """One delivery as a row at `at`."""
    view = past.view
    return PastRow(
        delivery=view,
        facets=facets(view, at),
        sort_key=sort_key(view),
        search_text=search_text(view),
        delay=view.predicted_delay(at),
        fix=None,
        url=f"{ADDRESS_HERE}&delivery={view.delivery_id}",
        unheard_facts=past.unheard,
    )


class RenderedRows:
    """Rendered rows by their content, the newest `MOST_KEPT`: most rows are the same at the next instant."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, str] = OrderedDict()
        self._guard = Lock()

    def render(self, row: PastRow, address: str) -> str:
        """The table row; `address` is that of the board it stands on, with a query. Needs a request's context."""
        key = row.content
        with self._guard:
            html = self._kept.get(key)
            if html is not None:
                self._kept.move_to_end(key)
        if html is None:
            # The template's module is made once; importing it for each row would cost more than the row itself.
            module: Any = current_app.jinja_env.get_template("board/_row.html").module
            html = str(module.row(row)).strip()
            with self._guard:
                self._kept[key] = html
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        return html.replace(ADDRESS_HERE, str(escape(address)))
