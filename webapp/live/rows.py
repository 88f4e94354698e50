"""A delivery as a row of the list and a bar of the timeline, and both rendered. Page and push share them."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from flask import current_app

from backend_services.deliveries.booking import BookingRules
from backend_services.deliveries.queries import LATE_FROM, DeliveryView
from backend_services.fleet.positions import Fix
from webapp.live.filters import LATE, facets, search_text, sort_key
from webapp.live.fixes import newest_fixes
from webapp.live.kept import Kept
from webapp.live.timeline import Bar, bar_of
from webapp.presentation import day_bounds, today

MOST_KEPT = 10_000
_rows: Kept[tuple[Hashable, ...], str] = Kept(MOST_KEPT)


@dataclass(frozen=True)
class BoardRow:
    """One delivery as a board shows it at an instant."""

    delivery: DeliveryView
    facets: list[str]
    sort_key: str
    search_text: str
    delay: timedelta
    fix: Fix | None
    booked_until: datetime | None
    """When driver and vehicle are free again; None while there is neither, and after the end."""

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

    @cached_property
    def drawn_from(self) -> tuple[Hashable, ...]:
        """Everything on which a rendered row depends; times are shown with the day when it isn't today's."""
        view = self.delivery
        return (
            id(current_app.extensions["waybill"]),
            view.delivery_id,
            view.version,
            view.driver_id,
            view.driver_name,
            view.vehicle_registration,
            self.delay // timedelta(minutes=1),
            self.fix.recorded_at if self.fix else None,
            today(),
        )

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
        booked_until=_booked_until(view),
    )


def _booked_until(view: DeliveryView) -> datetime | None:
    if view.is_finished or not (view.driver_id or view.vehicle_id):
        return None
    rules: BookingRules = current_app.extensions["waybill"].deliveries.rules
    return rules.end_of(view.scheduled_start_at, view.scheduled_end_at)


def render_list_row(row: BoardRow) -> str:
    """The rendered table row; needs an app context with a request (for addresses), real or made."""
    return _rows.get((*row.drawn_from, "row"), lambda: str(_module("board/_row.html").row(row)).strip())


def render_bar(bar: Bar, level: int = 0) -> str:
    """The rendered bar of the timeline, a `timeline.Bar`."""
    key = (*bar.row.drawn_from, level, bar.place, bar.width, bar.held)
    return _rows.get(key, lambda: str(_module("board/_bar.html").bar(bar, level)).strip())


def render_row(view: DeliveryView, now: datetime) -> str:
    """What is pushed to the boards of today: the list's row and, in a template element, the timeline's bar."""
    row = board_row(view, now)
    bar = bar_of(row, *day_bounds(today()))
    return render_list_row(row) + (f"<template>{render_bar(bar)}</template>" if bar else "")


def _module(template: str) -> Any:
    # A template's module is made once; importing it for each row would cost more than the row itself.
    return current_app.jinja_env.get_template(template).module
