"""Who could take a delivery in a given time, as the rows say. A hint for choosing: only the command decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from backend_services.fleet.booking import Booking, Request, find_clash
from backend_services.fleet.queries import BookingView, list_drivers, list_vehicles

MOST_CHOICES = 200


@dataclass(frozen=True)
class Choice:
    """A driver or vehicle: `free`, `busy` with the clashing booking, or `unavailable` by its status."""

    id: str
    label: str
    detail: str
    state: Literal["free", "busy", "unavailable"]
    status: str
    clash: Booking | None


def driver_choices(session: Session, request: Request, q: str = "") -> list[Choice]:
    """Drivers (200 at most), the free ones first, then by name."""
    views = list_drivers(session, q=q, limit=MOST_CHOICES).items
    return _sorted(
        [_choice(view.driver_id, view.name, "", view.status, view.bookings, request) for view in views]
    )


def vehicle_choices(session: Session, request: Request, q: str = "") -> list[Choice]:
    """Vehicles (200 at most), the free ones first, then by registration."""
    views = list_vehicles(session, q=q, limit=MOST_CHOICES).items
    return _sorted(
        [
            _choice(
                view.vehicle_id, view.registration, view.vehicle_type, view.status, view.bookings, request
            )
            for view in views
        ]
    )


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


def _sorted(choices: list[Choice]) -> list[Choice]:
    order = {"free": 0, "busy": 1, "unavailable": 2}
    return sorted(choices, key=lambda choice: order[choice.state])
