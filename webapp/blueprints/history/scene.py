"""What a past board shows: everything its page and each of its steps need, put together once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from flask import current_app, g, request, url_for
from markupsafe import Markup

from backend_services.deliveries.past import Fact, incidents_known
from backend_services.deliveries.past_days import PastDay
from backend_services.deliveries.queries import IncidentView
from webapp.acting import parse_uuid, waybill
from webapp.blueprints.deliveries.pages import actor_names
from webapp.blueprints.history.instants import local_day
from webapp.database import db
from webapp.live.chips import CHIPS
from webapp.live.filters import Wanted, wanted_by
from webapp.live.past_rows import PastRow, PastRows, is_wanted, past_row
from webapp.presentation import day, day_bounds, iso_text, today, zone


@dataclass(frozen=True)
class Opened:
    """The delivery in the drawer: as it was, what was known of it (newest first), and what wasn't yet."""

    row: PastRow
    incidents: list[IncidentView]
    facts: list[Fact]
    unheard: Sequence[Fact]
    names: dict[str, str]
    actors: dict[str, str]


@dataclass(frozen=True)
class Chip:
    """A filter that is a counter, and where it leads."""

    key: str
    label: str
    icon: str
    is_on: bool
    url: str


class Scene:
    """The board at `at`, for the current request's filters."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.now = waybill().doors.now()
        self.date: date = local_day(at)
        g.shown_day = self.date  # times of this day are said without it
        self.wanted: Wanted = wanted_by(request.args)
        self.day: PastDay = waybill().past_days.read(db.session(), *day_bounds(self.date))
        self._past_rows: PastRows = current_app.extensions["past_rows"]
        self.is_to_come = at > self.now
        self.every = self._rows_at(at)
        self.rows = [row for row in self.every if is_wanted(row, self.wanted)]

    everything = Wanted()

    @property
    def zone_name(self) -> str:
        return zone().key

    @property
    def clock(self) -> str:
        """13:40, or 13:40:12 where seconds matter."""
        local = self.at.astimezone(zone())
        return f"{local:%H:%M:%S}" if local.second or local.microsecond else f"{local:%H:%M}"

    @property
    def words(self) -> str:
        """What the pill says: history 13:40, with the day when that isn't today."""
        return f"history {self.clock}" if self.date == today() else f"history {day(self.date)} {self.clock}"

    @cached_property
    def first_at(self) -> datetime | None:
        """When the first thing of all was recorded."""
        first = waybill().store.read_events(0, 1)
        return first[0].recorded_at if first else None

    @property
    def is_before_all(self) -> bool:
        return not self.is_to_come and not self.every and (self.first_at is None or self.at < self.first_at)

    @property
    def counters(self) -> dict[str, int]:
        """How many deliveries fall under each filter, and `all` of them."""
        found: dict[str, int] = {"all": len(self.every)}
        for row in self.every:
            for facet in row.facets:
                found[facet] = found.get(facet, 0) + 1
        return found

    @property
    def last_fact(self) -> Fact | None:
        return None if self.is_to_come else self.day.last_fact(self.at)

    @property
    def change_after(self) -> datetime | None:
        following = self.day.change_after(self.at)
        return following if following is None or following <= self.now else None

    @property
    def unheard(self) -> list[Fact]:
        """What had happened by then and was sent only later, in the order in which it happened."""
        facts = [fact for row in self.every for fact in row.unheard_facts]
        return sorted(facts, key=lambda fact: fact.occurred_at)

    @cached_property
    def opened_id(self) -> str | None:
        return parse_uuid(request.args.get("delivery", ""))

    @cached_property
    def opened(self) -> Opened | None:
        """The delivery that the address says is open; None where it wasn't known."""
        found = self.day.find(self.opened_id, self.at) if self.opened_id and not self.is_to_come else None
        if found is None:
            return None
        past, facts = found
        told = [*facts, *past.unheard]
        incidents = incidents_known(waybill().codec, past.view, facts)
        return Opened(
            row=past_row(past, self.at),
            incidents=[incident for incident in incidents if incident.resolved_at is None],
            facts=facts[::-1],
            unheard=past.unheard,
            names=self.names(told),
            actors=actor_names({fact.recorded.actor for fact in told}),
        )

    def names(self, facts: Iterable[Fact]) -> dict[str, str]:
        """The names, as they were then, of the drivers and vehicles that these facts mention."""
        mentioned = {fact.recorded.data.get(key) for fact in facts for key in ("driverId", "vehicleId")}
        found = {str(each): self.day.names.find(str(each), self.at) for each in mentioned - {None}}
        return {subject_id: name for subject_id, name in found.items() if name}

    def address(
        self, at: datetime | None = None, wanted: Wanted | None = None, delivery: str | None = None
    ) -> str:
        """The past board's address at another instant, with other filters, with a delivery open."""
        return board_address(at or self.at, wanted or self.wanted, delivery)

    @property
    def live_address(self) -> str:
        """The live board's address with the same filters and the same delivery open."""
        return url_for("board.show", **_filters(self.wanted), delivery=self.opened_id)

    @property
    def chips(self) -> list[Chip]:
        """The filters as links; one that is on leads to the board without it."""
        everything = Chip(
            "all", "All", "list", not self.wanted.facets, self.address(wanted=Wanted(q=self.wanted.q))
        )
        return [everything, *(self._chip(*each) for each in CHIPS)]

    def _chip(self, parameter: str, value: str, label: str, icon: str) -> Chip:
        is_on = value in self.wanted.facets
        chosen = None if is_on else value
        changed = (
            replace(self.wanted, status=chosen)
            if parameter == "status"
            else replace(self.wanted, other=chosen)
        )
        return Chip(value, label, icon, is_on, self.address(wanted=changed))

    def render(self, rows: Sequence[PastRow]) -> dict[str, str]:
        """The rendered rows of the list by delivery id, in the given order."""
        return self._past_rows.render(rows, self.address())

    @property
    def rendered_rows(self) -> Markup:
        """The whole list."""
        return Markup("\n".join(self.render(self.rows).values()))  # noqa: S704 - they come from a template

    def rows_since(self, earlier: datetime | None) -> list[PastRow]:
        """The rows that somebody who saw this board at `earlier` doesn't have; all where None."""
        if earlier is None or local_day(earlier) != self.date:
            return self.rows
        known = {row.content for row in self._rows_at(earlier) if is_wanted(row, self.wanted)}
        return [row for row in self.rows if row.content not in known]

    def _rows_at(self, at: datetime) -> list[PastRow]:
        return [] if at > self.now else self._past_rows.board(self.day, at)


def board_address(at: datetime, wanted: Wanted, delivery: str | None = None) -> str:
    """The address of the board at an instant, with these filters and perhaps a delivery in the drawer."""
    return url_for("board.show", at=iso_text(at), **_filters(wanted), delivery=delivery)


def _filters(wanted: Wanted) -> dict[str, Any]:
    return {"status": wanted.status, "filter": wanted.other, "q": wanted.q or None}
