"""What the timeline's pane shows: lanes of the day's deliveries, filtered as the list is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from flask import request
from markupsafe import Markup
from sqlalchemy.orm import Session

from webapp.live.day_views import drivers_of_timeline
from webapp.live.filters import Wanted
from webapp.live.rows import BoardRow, render_bar
from webapp.live.timeline import Bar, Lane, bar_of, build_lanes, hours_of, now_place
from webapp.presentation import day_bounds, here


@dataclass(frozen=True)
class Timeline:
    """The pane's content; percentages are of the day [day_start, day_end)."""

    lanes: list[Lane]
    wanted_ids: set[str]
    is_filtered: bool
    day_start: datetime
    day_end: datetime
    now: float | None
    as_table: bool

    @cached_property
    def wanted_lanes(self) -> set[str]:
        """The lanes in which there is something that is looked for."""
        return {
            bar.lane
            for lane in self.lanes
            for bar, _ in lane.bars
            if bar.row.delivery.delivery_id in self.wanted_ids
        }

    @property
    def hours(self) -> list[tuple[float, datetime]]:
        return hours_of(self.day_start, self.day_end)

    def render(self, bar: Bar, level: int) -> Markup:
        """The bar's markup; one that isn't looked for is there, but out of sight."""
        markup = render_bar(bar, level)
        if bar.row.delivery.delivery_id not in self.wanted_ids:
            markup = markup.replace('class="bar ', 'class="is-out bar ', 1)
        return Markup(markup)  # noqa: S704 - it comes from a template

    def url(self, zoom: str | None = None, table: str | None = None) -> str:
        """The board with this pane shown otherwise; zooming leaves the table."""
        return here(zoom=zoom or request.args.get("zoom"), table=table)


def build_timeline(
    session: Session, rows: Sequence[BoardRow], wanted: Wanted, wanted_ids: set[str], day: date, now: datetime
) -> Timeline:
    """Every delivery of the day as a bar; the page marks those that aren't looked for, and the browser filters by the
    same marks."""
    start, end = day_bounds(day)
    bars = [bar for row in rows if (bar := bar_of(row, start, end))]
    drivers = drivers_of_timeline(session)
    return Timeline(
        lanes=build_lanes(bars, drivers),
        wanted_ids=wanted_ids,
        is_filtered=not wanted.is_everything,
        day_start=start,
        day_end=end,
        now=now_place(now, start, end),
        as_table="table" in request.args,
    )
