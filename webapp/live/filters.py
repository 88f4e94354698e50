"""Which deliveries a board shows, and in which order.

Pure, and the only place that knows: the page is filtered by it, and the browser decides by the attributes that are
computed here, so that both always agree. What is typed is made comparable there by `fold.js`, here by `fold`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from backend_services.searching import fold

UNASSIGNED, LATE, INCIDENTS = "unassigned", "late", "incidents"
OTHER_FACETS = (UNASSIGNED, LATE, INCIDENTS)
LONGEST_SEARCH = 200
_LAST_SECOND = 10**11


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to see: deliveries with every one of `facets` in whose text every one of `words` is."""

    status: str | None = None
    other: str | None = None
    q: str = ""

    @property
    def facets(self) -> list[str]:
        return [facet for facet in (self.status, self.other) if facet]

    @property
    def words(self) -> list[str]:
        return fold(self.q).split()

    @property
    def is_everything(self) -> bool:
        return not self.facets and not self.words

    def includes(self, found: Collection[str], text: str) -> bool:
        """Whether a delivery with these facets and this search text is to be shown."""
        return all(facet in found for facet in self.facets) and all(word in text for word in self.words)


def wanted_by(args: Mapping[str, str]) -> Wanted:
    """What an address asks for by `status`, `filter` and `q`; what makes no sense there is left out."""
    status, other = args.get("status"), args.get("filter")
    return Wanted(
        status if status in set(DeliveryStatus) else None,
        other if other in OTHER_FACETS else None,
        " ".join(args.get("q", "")[:LONGEST_SEARCH].split()),
    )


def facets(view: DeliveryView, now: datetime) -> list[str]:
    """The filters under which a delivery is found at `now`."""
    found = [view.status]
    if view.is_unassigned:
        found.append(UNASSIGNED)
    if view.is_late(now):
        found.append(LATE)
    if view.open_incidents:
        found.append(INCIDENTS)
    return found


def sort_key(view: DeliveryView) -> str:
    """A text by which to sort: unassigned first, then by driver and start; the finished last, the latest on top."""
    if view.is_finished:
        finished_at = view.delivered_at or view.failed_at or view.status_changed_at
        return f"2 {_LAST_SECOND - int(finished_at.timestamp())} {view.delivery_id}"
    group = "0" if view.is_unassigned else "1"
    return f"{group} {(view.driver_name or '').casefold()} {view.scheduled_start_at:%Y%m%d%H%M} {view.delivery_id}"


def search_text(view: DeliveryView) -> str:
    """The text in which is searched: ids, places, driver, plate; as `fold` makes them."""
    names = fold(f"{view.driver_name or ''} {view.vehicle_registration or ''}")
    return " ".join(f"{view.search_text} {names}".split())


def count_facets(views: Sequence[DeliveryView], now: datetime) -> dict[str, int]:
    """How many of these deliveries fall under each filter, and `all` of them."""
    return count_found(facets(view, now) for view in views)


def count_found(facets_of_each: Iterable[Sequence[str]]) -> dict[str, int]:
    """How many deliveries fall under each filter, from the facets of each, and `all` of them."""
    found = {"all": 0, **dict.fromkeys((*(status.value for status in DeliveryStatus), *OTHER_FACETS), 0)}
    for facets_of_one in facets_of_each:
        for facet in ("all", *facets_of_one):
            found[facet] += 1
    return found
