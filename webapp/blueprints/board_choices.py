"""Who could take several deliveries at once, as the rows say. A hint for choosing: only the commands decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from backend_services.fleet.booking import Booking, Request, find_clash
from backend_services.fleet.queries import BookingView, list_drivers, list_vehicles
from webapp.blueprints.deliveries.pages import wish

MOST_CHOICES = 5_000


@dataclass(frozen=True)
class ManyChoice:
    """A driver or vehicle, and how many of the deliveries fit into its day; `status` where it can take none."""

    id: str
    label: str
    fits: int
    status: str | None


def choices_for_all(session: Session, kind: str, views: Sequence[DeliveryView]) -> list[ManyChoice]:
    """Drivers or vehicles, those that could take most first."""
    wishes = [
        wish(view.scheduled_start_at, view.scheduled_end_at, view.delivery_id)
        for view in sorted(views, key=lambda view: view.scheduled_start_at)
        if view.status == DeliveryStatus.PICKED_UP
    ]
    if kind == "driver":
        drivers = list_drivers(session, limit=MOST_CHOICES).items
        found = [_choice(one.driver_id, one.name, one.status, one.bookings, wishes) for one in drivers]
    else:
        vehicles = list_vehicles(session, limit=MOST_CHOICES).items
        found = [
            _choice(one.vehicle_id, one.registration, one.status, one.bookings, wishes) for one in vehicles
        ]
    return sorted(
        found, key=lambda choice: (choice.status is not None, -choice.fits, choice.label.casefold())
    )


def _choice(
    choice_id: str, label: str, status: str, bookings: Sequence[BookingView], wishes: Sequence[Request]
) -> ManyChoice:
    if status not in ("Available", "Assigned"):
        return ManyChoice(choice_id, label, 0, status)
    held = [Booking(booking.delivery_id, booking.start_at, booking.end_at) for booking in bookings]
    fits = 0
    for wished in wishes:
        if find_clash(held, wished) is None:
            held.append(Booking(wished.delivery_id, wished.start, wished.end))
            fits += 1
    return ManyChoice(choice_id, label, fits, None)
