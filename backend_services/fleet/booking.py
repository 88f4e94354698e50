"""Bookings of a driver or vehicle: half-open intervals [start, end) in aware UTC, each for one delivery."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from backend_services.rules import iso
from eventstore.execute import Refusal


class Booking(msgspec.Struct, frozen=True):
    """The unreleased claim of one delivery on a driver or vehicle."""

    delivery_id: str
    start: datetime
    end: datetime


class Request(msgspec.Struct, frozen=True):
    """A wish to book: the interval, and the buffer that must stay free on both sides of it."""

    delivery_id: str
    start: datetime
    end: datetime
    buffer: timedelta = timedelta(0)


def find_clash(bookings: Iterable[Booking], request: Request) -> Booking | None:
    """The earliest booking of another delivery that overlaps the request lengthened by its buffer."""
    start, end = request.start - request.buffer, request.end + request.buffer
    clashes = [
        booking
        for booking in bookings
        if booking.delivery_id != request.delivery_id and booking.start < end and start < booking.end
    ]
    return min(clashes, key=lambda booking: (booking.start, booking.delivery_id), default=None)


def first_free_start(bookings: Iterable[Booking], request: Request) -> datetime:
    """The earliest start, not before the requested one, at which the request would fit."""
    start, length = request.start, request.end - request.start
    for booking in sorted(bookings, key=lambda booking: booking.start):
        if booking.delivery_id == request.delivery_id or booking.end + request.buffer <= start:
            continue
        if start + length + request.buffer <= booking.start:
            break
        start = booking.end + request.buffer
    return start


def refuse_clash(
    resource: str, resource_id: str, shown_as: str, bookings: Iterable[Booking], request: Request
) -> None:
    """Raise the refusal `booking_conflict` when the request overlaps a booking.

    Its detail `conflict` holds resource ("driver" or "vehicle"), resourceId, deliveryId, start, end (of the other
    booking), overlapMinutes, wantedStart, wantedEnd and `alternatives`: here only the first time this one is free,
    the service adds others.
    """
    bookings = list(bookings)
    clash = find_clash(bookings, request)
    if clash is None:
        return
    start, end = request.start - request.buffer, request.end + request.buffer
    overlap = min(end, clash.end) - max(start, clash.start)
    free_start = first_free_start(bookings, request)
    conflict: dict[str, Any] = {
        "resource": resource,
        "resourceId": resource_id,
        "deliveryId": clash.delivery_id,
        "start": iso(clash.start),
        "end": iso(clash.end),
        "wantedStart": iso(request.start),
        "wantedEnd": iso(request.end),
        "overlapMinutes": -(-int(overlap.total_seconds()) // 60),
        "alternatives": [
            {
                "kind": "time",
                "start": iso(free_start),
                "end": iso(free_start + (request.end - request.start)),
            }
        ],
    }
    raise Refusal(
        "booking_conflict",
        f"The {resource} {shown_as} is booked for delivery {clash.delivery_id} from {iso(clash.start)} to"
        f" {iso(clash.end)}, which overlaps by {conflict['overlapMinutes']} minutes. Choose another {resource}"
        " or another time.",
        conflict=conflict,
    )
