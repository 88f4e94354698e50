"""Who could take a delivery in a given time, as the rows say. A hint for choosing: only the command decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from backend_services.fleet.booking import Booking, Request, find_clash
from backend_services.fleet.queries import (
    BookingView,
    find_drivers,
    find_vehicles,
    list_drivers,
    list_vehicles,
)

MOST_READ = 5_000
"""How many drivers or vehicles are looked through for who is free."""
MOST_SHOWN = 1_000


@dataclass(frozen=True)
class Choice:
    """A driver or vehicle: `free`, `busy` with the clashing booking, or `unavailable` by its status."""

    id: str
    label: str
    detail: str
    state: Literal["free", "busy", "unavailable"]
    status: str
    clash: Booking | None


@dataclass(frozen=True)
class Choices:
    """Who or what could be chosen, the free ones first, and how many more there are that `items` has no room for."""

    items: list[Choice]
    left_out: int

    @property
    def has_free(self) -> bool:
        return any(choice.state == "free" for choice in self.items)


NO_CHOICES = Choices([], 0)


def driver_choices(
    session: Session, request: Request, *, q: str = "", keep: str | None = None, limit: int = MOST_SHOWN
) -> Choices:
    """At most `limit` drivers, the free ones first, then by name; with `q` those whose name, licence or id has it.

    The driver `keep` is among them in any case.
    """
    views = {view.driver_id: view for view in list_drivers(session, q=q, limit=MOST_READ).items}
    if keep and keep not in views:
        views |= find_drivers(session, [keep])
    choices = [
        _choice(view.driver_id, view.name, "", view.status, view.bookings, request) for view in views.values()
    ]
    return _shown(choices, keep, limit)


def vehicle_choices(
    session: Session, request: Request, *, q: str = "", keep: str | None = None, limit: int = MOST_SHOWN
) -> Choices:
    """At most `limit` vehicles, the free ones first, then by registration; else like `driver_choices`."""
    views = {view.vehicle_id: view for view in list_vehicles(session, q=q, limit=MOST_READ).items}
    if keep and keep not in views:
        views |= find_vehicles(session, [keep])
    choices = [
        _choice(view.vehicle_id, view.registration, view.vehicle_type, view.status, view.bookings, request)
        for view in views.values()
    ]
    return _shown(choices, keep, limit)


def _choice(
    choice_id: str,
    label: str,
    detail: str,
    status: str,
    bookings: Sequence[BookingView],
    request: Request,
) -> Choice:
    held = [Booking(booking.delivery_id, booking.start_at, booking.end_at) for booking in bookings]
    clash = find_clash(held, request)
    if status not in ("Available", "Assigned"):
        return Choice(choice_id, label, detail, "unavailable", status, None)
    return Choice(choice_id, label, detail, "busy" if clash else "free", status, clash)


def _shown(choices: list[Choice], keep: str | None, limit: int) -> Choices:
    order = {"free": 0, "busy": 1, "unavailable": 2}
    by_state = sorted(choices, key=lambda choice: (order[choice.state], choice.label.casefold()))
    items = by_state[:limit] + [choice for choice in by_state[limit:] if choice.id == keep]
    return Choices(items, len(by_state) - len(items))
