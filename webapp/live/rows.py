"""What a board shows of a delivery: its place in the list, the filters it falls under, the counters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import current_app, render_template

from backend_services.deliveries.queries import DeliveryView

FILTERS = {
    "unassigned": "Unassigned",
    "PickedUp": "Picked up",
    "InTransit": "In transit",
    "OutForDelivery": "Out for delivery",
    "late": "Late",
    "incidents": "Open incidents",
    "Delivered": "Delivered",
    "Failed": "Failed",
}


def facets(view: DeliveryView, now: datetime) -> list[str]:
    """The filters under which a delivery is found at `now`."""
    found = [view.status]
    if view.is_unassigned:
        found.append("unassigned")
    if view.is_late(now):
        found.append("late")
    if view.open_incidents:
        found.append("incidents")
    return found


def sort_key(view: DeliveryView) -> str:
    """Unassigned first, then by driver and start; what is finished comes last."""
    group = "2" if view.is_finished else "0" if view.is_unassigned else "1"
    return f"{group} {(view.driver_name or '').casefold()} {view.scheduled_start_at:%Y%m%d%H%M} {view.delivery_id}"


def search_text(view: DeliveryView) -> str:
    """The text in which the board's search looks: ids, places, driver, plate."""
    return " ".join(
        [view.search_text, (view.driver_name or "").casefold(), (view.vehicle_registration or "").casefold()]
    ).replace("\n", " ")


def is_wanted(view: DeliveryView, wanted: str | None, q: str, now: datetime) -> bool:
    """Whether a delivery falls under the filter and contains the searched text; the browser decides alike."""
    return (wanted is None or wanted in facets(view, now)) and q.casefold().strip() in search_text(view)


def counters(views: Sequence[DeliveryView], now: datetime) -> dict[str, int]:
    """How many deliveries of the day fall under each filter."""
    found = dict.fromkeys(FILTERS, 0)
    for view in views:
        for facet in facets(view, now):
            found[facet] += 1
    return found


def render_row(view: DeliveryView, now: datetime) -> str:
    """The table row, the same for the page and for what is pushed."""
    return render_template("board/_row.html", **row_values(view, now))


def row_values(view: DeliveryView, now: datetime) -> dict[str, Any]:
    """What the row's template needs."""
    positions = current_app.extensions["waybill"].positions
    return {
        "delivery": view,
        "facets": facets(view, now),
        "sort_key": sort_key(view),
        "search": search_text(view),
        "delay": view.predicted_delay(now),
        "fix": positions.find(view.driver_id, now) if view.driver_id and not view.is_finished else None,
    }
