"""The filters of the board that are counters at the same time."""

from backend_services.deliveries.commands import DeliveryStatus
from webapp.live.filters import INCIDENTS, LATE, UNASSIGNED

CHIPS = (
    ("filter", UNASSIGNED, "Unassigned", "help"),
    ("status", DeliveryStatus.PICKED_UP.value, "Picked up", "package"),
    ("status", DeliveryStatus.IN_TRANSIT.value, "In transit", "truck"),
    ("status", DeliveryStatus.OUT_FOR_DELIVERY.value, "Out for delivery", "map-pin"),
    ("filter", LATE, "Late", "clock"),
    ("filter", INCIDENTS, "Open incidents", "alert-triangle"),
    ("status", DeliveryStatus.DELIVERED.value, "Delivered", "checks"),
    ("status", DeliveryStatus.FAILED.value, "Failed", "circle-x"),
)
"""The filters that are counters: parameter, value, label, icon."""
