"""A delivery as a row of the board at a past instant: the live board's row, without positions and actions."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from flask import current_app, g
from markupsafe import escape

from backend_services.deliveries.past import Fact
from backend_services.deliveries.past_days import PastDay, PastDelivery
from webapp.live.filters import Wanted, facets, search_text, sort_key
from webapp.live.rows import BoardRow

MOST_ROWS = 10_000
MOST_BOARDS = 8
ADDRESS_HERE = "/board?here"
"""Stands in a kept row for the address of the board that shows it, which is another one at each instant."""


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


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
        """Everything on which the rendered row depends, but the day that is shown."""
        view, minute = self.delivery, timedelta(minutes=1)
        late = self.delay // minute
        predicted = (self.due_at + self.delay).replace(second=0, microsecond=0) if late else None
        names = (view.driver_name, view.vehicle_registration)
        return (view.delivery_id, view.version, *names, late, predicted, self.is_late, self.unheard)


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
        booked_until=None,
        url=f"{ADDRESS_HERE}&delivery={view.delivery_id}",
        unheard_facts=past.unheard,
    )


class PastRows:
    """The rows of the last boards and their markup, kept in the memory of this process: most rows are the same at the
    next instant, and the board that a step leaves was asked for just before."""

    def __init__(self) -> None:
        self._boards: OrderedDict[tuple[PastDay, datetime], list[PastRow]] = OrderedDict()
        self._rendered: OrderedDict[Hashable, str] = OrderedDict()
        self._guard = Lock()

    def board(self, day: PastDay, at: datetime) -> list[PastRow]:
        """The whole board as it was at `at`, in the order of the list."""
        return self._kept(self._boards, (day, at), MOST_BOARDS, lambda: _board(day, at))

    def render(self, rows: Sequence[PastRow], address: str) -> dict[str, str]:
        """The table rows by delivery id; `address` is that of the board they stand on. Needs a request's
        context, and in its `g.shown_day` the day that is shown."""
        # The template's module is made once; importing it for each row would cost more than the row itself.
        module: Any = current_app.jinja_env.get_template("board/_row.html").module
        here = str(escape(address))
        found = {}
        for row in rows:
            make = partial(_render, module, row)
            html = self._kept(self._rendered, (g.shown_day, row.content), MOST_ROWS, make)
            found[row.delivery.delivery_id] = html.replace(ADDRESS_HERE, here)
        return found

    def _kept(self, kept: OrderedDict[Key, Value], key: Key, most: int, make: Callable[[], Value]) -> Value:
        with self._guard:
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        value = make()  # two threads may make the same one at the same time
        with self._guard:
            kept[key] = value
            while len(kept) > most:
                kept.popitem(last=False)
        return value


def _board(day: PastDay, at: datetime) -> list[PastRow]:
    return sorted((past_row(each, at) for each in day.board_at(at)), key=lambda row: row.sort_key)


def _render(module: Any, row: PastRow) -> str:
    return str(module.row(row)).strip()
