"""What happens to deliveries. Names and fields are exact: they are stored and published for ever. Instants are UTC.

`changedAt`, `reachedAt`, … are what the actor claims; when we recorded an event is on its envelope.
"""

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from backend_services.routes.commands import Checkpoint
from eventstore.codec import Event, Personal


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The copy of a route's plan that a delivery carries; it can't change while the delivery uses the route."""

    origin: str
    destination: str
    scheduled_start_time: datetime
    scheduled_end_time: datetime
    checkpoints: tuple[Checkpoint, ...]


class DeliveryCreated(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "DeliveryCreated"
    delivery_id: str
    route_id: str
    driver_id: str | None
    vehicle_id: str | None
    created_at: datetime
    plan: Plan


class DeliveryStatusChanged(Event, frozen=True, kw_only=True):
    """`reason` is a failure's code or free text. A retry carries the route's `plan` as it is now."""

    TYPE: ClassVar[str] = "DeliveryStatusChanged"
    delivery_id: str
    old_status: str
    new_status: str
    changed_at: datetime
    reason: str | None = None
    note: Annotated[str | None, Personal(subject="delivery_id")] = None
    plan: Plan | None = None


class CheckpointReached(Event, frozen=True, kw_only=True):
    """`outOfOrder` marks a checkpoint reached before an earlier one."""

    TYPE: ClassVar[str] = "CheckpointReached"
    delivery_id: str
    route_id: str
    sequence: int
    location: str
    reached_at: datetime
    out_of_order: bool = False


class IncidentReported(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "IncidentReported"
    delivery_id: str
    incident_id: str
    incident_type: str = msgspec.field(name="type")
    description: Annotated[str, Personal(subject="delivery_id")]
    severity: str
    reported_at: datetime
    photo_url: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class IncidentResolved(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "IncidentResolved"
    delivery_id: str
    incident_id: str
    resolved_at: datetime


class ProofOfDeliveryCaptured(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "ProofOfDeliveryCaptured"
    delivery_id: str
    receiver_name: Annotated[str, Personal(subject="delivery_id")]
    signature_url: Annotated[str, Personal(subject="delivery_id")]
    captured_at: datetime
    photo_urls: tuple[str, ...] = ()
    note: Annotated[str | None, Personal(subject="delivery_id")] = None
    delivered_to: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class DriverAssigned(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "DriverAssigned"
    delivery_id: str
    driver_id: str
    assigned_at: datetime


class DriverUnassigned(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "DriverUnassigned"
    delivery_id: str
    driver_id: str
    unassigned_at: datetime


class VehicleAssigned(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "VehicleAssigned"
    delivery_id: str
    vehicle_id: str
    assigned_at: datetime


class VehicleUnassigned(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "VehicleUnassigned"
    delivery_id: str
    vehicle_id: str
    unassigned_at: datetime


EVENTS: list[type[Event]] = [
    DeliveryCreated,
    DeliveryStatusChanged,
    CheckpointReached,
    IncidentReported,
    IncidentResolved,
    ProofOfDeliveryCaptured,
    DriverAssigned,
    DriverUnassigned,
    VehicleAssigned,
    VehicleUnassigned,
]
