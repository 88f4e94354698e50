"""Made-up deliveries, choices, refusals and events for the style page. Nothing here is stored anywhere."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend_services.deliveries.availability import Choice, Choices
from backend_services.deliveries.queries import DeliveryView, IncidentView, StopView
from backend_services.fleet.booking import Booking
from backend_services.fleet.positions import Fix
from eventstore.execute import Refusal
from webapp.forms.fleet import DriverForm
from webapp.live.rows import BoardRow
from webapp.presentation import iso_text

STREETS = ("Aleksanterinkatu 1", "Bulevardi 12", "Mannerheimintie 30")
PLACES = ((60.1690, 24.9520), (60.1649, 24.9380), (60.1726, 24.9330))


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


NAMES = {_id(71): "Sample driver", _id(72): "ABC-123"}
CHOSEN = {"route": _id(70), "driver": _id(71), "vehicle": _id(72)}


@dataclass(frozen=True)
class SampleEvent:
    """As much of an event as a history shows."""

    type: str
    data: dict[str, Any]
    occurred_at: datetime


def board_rows(now: datetime) -> list[BoardRow]:
    """A delivery in every status, and each of: nobody assigned, late, with incidents, seen just now and long ago."""
    fresh, fading, old = (_fix(now, seconds) for seconds in (10, 150, 1_500))
    return [
        _row(_view(now, 1, "PickedUp", "Nobody has this one", driver=False)),
        _row(_view(now, 2, "PickedUp", "Kamppi", reached=0), fix=fresh),
        _row(_view(now, 3, "InTransit", "Late to Kallio", reached=1, incidents=2), 25, fix=fading),
        _row(_view(now, 4, "OutForDelivery", "Kruununhaka", reached=3), fix=old),
        _row(_view(now, 5, "Delivered", "Punavuori", reached=3)),
        _row(_view(now, 6, "Failed", "Töölö", reached=2)),
    ]


def count_by_status(rows: list[BoardRow]) -> dict[str, int]:
    """How many rows there are of each status."""
    return dict(Counter(row.delivery.status for row in rows))


def _view(
    now: datetime,
    number: int,
    status: str,
    destination: str,
    *,
    reached: int = 0,
    driver: bool = True,
    incidents: int = 0,
) -> DeliveryView:
    start = now - timedelta(minutes=40)
    stops = tuple(
        StopView(
            sequence=index + 1,
            location=street,
            expected_time=start + timedelta(minutes=20 * (index + 1)),
            address=None,
            latitude=place[0],
            longitude=place[1],
            time_zone=None,
            reached_at=start + timedelta(minutes=20 * index + 17) if index < reached else None,
            out_of_order=False,
        )
        for index, (street, place) in enumerate(zip(STREETS, PLACES, strict=True))
    )
    return DeliveryView(
        delivery_id=_id(number),
        route_id=_id(70),
        driver_id=_id(71) if driver else None,
        driver_name="Sample driver" if driver else None,
        vehicle_id=_id(72) if driver else None,
        vehicle_registration="ABC-123" if driver else None,
        status=status,
        origin="Depot",
        destination=destination,
        scheduled_start_at=start,
        scheduled_end_at=start + timedelta(minutes=80),
        created_at=start,
        status_changed_at=now,
        delivered_at=now if status == "Delivered" else None,
        failed_at=now if status == "Failed" else None,
        failure_reason="no_access" if status == "Failed" else None,
        failure_note=None,
        receiver_name="Sample receiver" if status == "Delivered" else None,
        signature_url=None,
        proof=None,
        open_incidents=incidents,
        search_text="",
        stops=stops,
        version=1,
    )


def _row(view: DeliveryView, late_minutes: int = 0, fix: Fix | None = None) -> BoardRow:
    marks = ["unassigned"] if view.is_unassigned else []
    return BoardRow(view, marks, "", "", timedelta(minutes=late_minutes), fix, None)


def _fix(now: datetime, seconds_ago: int) -> Fix:
    return Fix(*PLACES[0], now - timedelta(seconds=seconds_ago), 5.0, 8.0, 90.0)


def choices(now: datetime) -> Choices:
    """A driver of each state of availability."""
    clash = Booking(_id(4), now, now + timedelta(hours=1))
    items = [
        Choice(_id(71), "Sample driver", "", "free", "Available", None),
        Choice(_id(73), "Busy driver", "", "busy", "Assigned", clash),
        Choice(_id(74), "Driver on leave", "", "unavailable", "Unavailable", None),
    ]
    return Choices(items, left_out=0)


def conflict(now: datetime) -> Refusal:
    """What booking a busy driver is answered with."""
    end = now + timedelta(hours=1)
    return Refusal(
        "booking_conflict",
        "The driver is booked.",
        conflict={
            "resource": "driver",
            "resourceId": _id(73),
            "deliveryId": _id(4),
            "start": iso_text(now),
            "end": iso_text(end),
            "wantedStart": iso_text(now + timedelta(minutes=30)),
            "wantedEnd": iso_text(end + timedelta(minutes=30)),
            "overlapMinutes": 30,
            "alternatives": [
                {"kind": "driver", "driverId": _id(71), "name": "Sample driver"},
                {"kind": "time", "start": iso_text(end), "end": iso_text(end + timedelta(hours=1))},
            ],
        },
    )


def missing_checkpoints() -> Refusal:
    """A refusal that names what is missing, and where to go."""
    missing = [{"sequence": number, "location": street} for number, street in enumerate(STREETS[1:], start=2)]
    return Refusal(
        "checkpoints_missing",
        "Two checkpoints are still to be reached before the delivery can be OutForDelivery.",
        missingCheckpoints=missing,
        deliveryId=_id(3),
    )


def open_incidents(now: datetime) -> list[IncidentView]:
    """What is open at the late delivery."""
    return [
        IncidentView(
            incident_id=_id(81),
            delivery_id=_id(3),
            type="WeatherDelay",
            description="Slippery roads",
            severity="medium",
            reported_at=now - timedelta(minutes=9),
            resolved_at=None,
            photo_url=None,
            latitude=None,
            longitude=None,
            origin="Depot",
            destination="Late to Kallio",
            driver_name="Sample driver",
        )
    ]


def empty_form() -> DriverForm:
    """A form as it is opened."""
    return DriverForm(formdata=None)


def refused_form() -> DriverForm:
    """The same form when it comes back."""
    form = DriverForm(formdata=None)
    form.name.errors = ["Please fill this in."]
    form.driver_license.errors = ["Field cannot be longer than 200 characters."]
    return form


def events(now: datetime) -> list[SampleEvent]:
    """An event of every kind that a delivery's history tells."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("DeliveryCreated", {"driverId": None, "vehicleId": None}),
        ("DriverAssigned", {"driverId": _id(71)}),
        ("VehicleAssigned", {"vehicleId": _id(72)}),
        ("DeliveryStatusChanged", {"oldStatus": "PickedUp", "newStatus": "InTransit"}),
        ("CheckpointReached", {"sequence": 2, "location": STREETS[1], "outOfOrder": True}),
        ("IncidentReported", {"type": "WeatherDelay", "description": "Slippery roads"}),
        ("IncidentResolved", {}),
        ("VehicleUnassigned", {"vehicleId": _id(72)}),
        ("DriverUnassigned", {"driverId": _id(71)}),
        ("ProofOfDeliveryCaptured", {"receiverName": "Sample receiver", "deliveredTo": "door"}),
    ]
    return [
        SampleEvent(kind, data, now - timedelta(minutes=len(told) - number))
        for number, (kind, data) in enumerate(told)
    ]
