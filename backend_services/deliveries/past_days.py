"""A day's board at any of its instants, from the event log.

The rows say which deliveries can have concerned the day; the states come from those deliveries' own streams. What was
folded is kept per delivery and read again only when the delivery has newer events.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from backend_services.deliveries.delivery import UNFINISHED
from backend_services.deliveries.past import DeliveryPast, Fact, changed, fold_past
from backend_services.deliveries.projections import DeliveryRow
from backend_services.deliveries.queries import DeliveryView
from backend_services.fleet.queries import read_past_names
from backend_services.read_models import rows_version
from eventstore.codec import Codec
from eventstore.ports import EventStore

DELIVERIES_KEPT = 6_000
DAYS_KEPT = 4
MOST_SHOWN = 2_000
CLAIMED_AHEAD = timedelta(minutes=10)
"""An actor may claim that something happens a few minutes from now (5 are accepted)."""


@dataclass(frozen=True, slots=True)
class PastDelivery:
    """A delivery as it was known at an instant, with the names of that time; `unheard` came to light later only."""

    view: DeliveryView
    unheard: tuple[Fact, ...]


class PastNames:
    """The names of drivers and vehicles at any instant."""

    def __init__(self, names: dict[str, list[tuple[datetime, str]]]) -> None:
        self._names = names

    def find(self, subject_id: str | None, at: datetime) -> str | None:
        """The name at `at`; the first one where none was recorded yet (two clocks may differ), None for nobody."""
        known = self._names.get(subject_id or "")
        if not known:
            return None
        if len(known) == 1:
            return known[0][1]
        return known[max(0, bisect_right(known, at, key=lambda entry: entry[0]) - 1)][1]


class PastDay:
    """One day [start, end), in UTC: its board at each instant, and when something changed."""

    def __init__(
        self, start: datetime, end: datetime, pasts: Sequence[DeliveryPast], names: PastNames
    ) -> None:
        self.start, self.end = start, end
        self.names = names
        self._named_views: dict[tuple[str, int, str | None, str | None], DeliveryView] = {}
        self._pasts = {past.delivery_id: past for past in pasts}
        facts = [fact for past in pasts for fact in past.facts if start <= fact.known_at < end]
        self.facts = sorted(facts, key=lambda fact: fact.known_at)
        """What was recorded on this day, in that order."""
        self.instants = sorted({fact.known_at for fact in facts})

    def board_at(self, at: datetime) -> list[PastDelivery]:
        """What concerned the day as it was known at `at`, by scheduled start: the same choice as `list_day`."""
        found = []
        for past in self._pasts.values():
            fact = past.last_fact(at)
            if fact is not None and self._concerns(fact.view):
                found.append(PastDelivery(self._named(fact.view, at), past.unheard(at)))
        if len(found) > MOST_SHOWN:
            found.sort(key=lambda each: (each.view.scheduled_start_at, each.view.delivery_id))
        return found[:MOST_SHOWN]

    def find(self, delivery_id: str, at: datetime) -> tuple[PastDelivery, list[Fact]] | None:
        """A delivery as it was known at `at`, and the facts that were; None where it wasn't known."""
        past = self._pasts.get(delivery_id)
        fact = past.last_fact(at) if past else None
        if past is None or fact is None:
            return None
        facts = [each for each in past.facts if each.known_at <= at]
        return PastDelivery(self._named(fact.view, at), past.unheard(at)), facts

    def last_fact(self, at: datetime) -> Fact | None:
        """What was recorded last on this day, by `at`."""
        number = bisect_right(self.facts, at, key=lambda fact: fact.known_at)
        return self.facts[number - 1] if number else None

    def change_before(self, at: datetime) -> datetime | None:
        """The last instant before `at` at which something was recorded."""
        number = bisect_left(self.instants, at)
        return self.instants[number - 1] if number else None

    def change_after(self, at: datetime) -> datetime | None:
        """The first instant after `at` at which something was recorded."""
        number = bisect_right(self.instants, at)
        return self.instants[number] if number < len(self.instants) else None

    def _concerns(self, view: DeliveryView) -> bool:
        in_day = any(
            instant is not None and self.start <= instant < self.end
            for instant in (view.scheduled_start_at, view.delivered_at, view.failed_at)
        )
        return in_day or (not view.is_finished and view.scheduled_start_at < self.end)

    def _named(self, view: DeliveryView, at: datetime) -> DeliveryView:
        """The view with the names of that time; made once, since most instants show the same ones."""
        driver, vehicle = self.names.find(view.driver_id, at), self.names.find(view.vehicle_id, at)
        key = (view.delivery_id, view.version, driver, vehicle)
        named = self._named_views.get(key)
        if named is None:
            named = changed(view, driver_name=driver, vehicle_registration=vehicle)
            self._named_views[key] = named
        return named


class PastDays:
    """Reads days, and keeps what was read in the memory of this process. Any number of threads may ask."""

    def __init__(self, store: EventStore, codec: Codec) -> None:
        self._store = store
        self._codec = codec
        self._guard = Lock()
        self._days: OrderedDict[datetime, tuple[str, PastDay]] = OrderedDict()
        self._pasts: OrderedDict[str, DeliveryPast] = OrderedDict()
        self._log_id = ""

    def read(self, session: Session, start: datetime, end: datetime) -> PastDay:
        """The day [start, end) with everything that is recorded by now. Raises `StoreUnavailable`."""
        version = rows_version(session)
        with self._guard:  # who asks for the same day meanwhile shall not read it, too
            kept = self._days.get(start)
            if kept is None or kept[0] != version:
                day = PastDay(start, end, self._pasts_of(session, version, start, end), _names(session))
                kept = self._days[start] = (version, day)
            self._days.move_to_end(start)
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
            return kept[1]

    def _pasts_of(self, session: Session, version: str, start: datetime, end: datetime) -> list[DeliveryPast]:
        log_id = version.partition(":")[0]
        if log_id != self._log_id:  # the rows were built anew, perhaps from another log
            self._pasts.clear()
            self._log_id = log_id
        wanted = _candidates(session, start, end)
        stale = [
            delivery_id
            for delivery_id, row_version in wanted.items()
            if delivery_id not in self._pasts or self._pasts[delivery_id].version < row_version
        ]
        streams = [f"delivery-{delivery_id}" for delivery_id in stale]
        for events in self._store.read_streams(streams).values():
            past = fold_past(self._codec, events)
            self._pasts[past.delivery_id] = past
        found = []
        for delivery_id in wanted:
            if delivery_id in self._pasts:
                found.append(self._pasts[delivery_id])
                self._pasts.move_to_end(delivery_id)
        while len(self._pasts) > DELIVERIES_KEPT:
            self._pasts.popitem(last=False)
        return found


def _candidates(session: Session, start: datetime, end: datetime) -> dict[str, int]:
    """Every delivery that can have concerned the day at one of its instants, with its row's version.

    What got no event since the day began was then as it is now. All others that existed by its end may have been on its
    board, wherever they are planned now.
    """
    in_day = [
        and_(column >= start, column < end)
        for column in (DeliveryRow.scheduled_start_at, DeliveryRow.delivered_at, DeliveryRow.failed_at)
    ]
    left_over = and_(DeliveryRow.status.in_(UNFINISHED), DeliveryRow.scheduled_start_at < end)
    changed_since = DeliveryRow.last_recorded_at >= start
    query = select(DeliveryRow.delivery_id, DeliveryRow.version).where(
        DeliveryRow.created_at < end + CLAIMED_AHEAD, or_(*in_day, left_over, changed_since)
    )
    return {row.delivery_id: row.version for row in session.execute(query)}


def _names(session: Session) -> PastNames:
    return PastNames(read_past_names(session))
