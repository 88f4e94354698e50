"""What clients get. Field names are a contract; instants are in UTC with Z."""

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType


class Message(Struct, rename="camel", kw_only=True):
    message: str


class Done(Struct, rename="camel", kw_only=True):
    """A command was accepted. `warnings` lists what somebody should look at: {code, message, …}."""

    id: str
    result: Message
    warnings: list[dict[str, Any]] | UnsetType = UNSET


class StatusDone(Struct, rename="camel", kw_only=True):
    id: str
    result: Message
    status: str


class IncidentDone(Struct, rename="camel", kw_only=True):
    """`id` is the incident's."""

    id: str
    message: str


class BookingAnswer(Struct, rename="camel", kw_only=True):
    delivery_id: str
    start: datetime
    end: datetime


class DriverAnswer(Struct, rename="camel", kw_only=True):
    driver_id: str
    name: str
    driver_license: str
    status: str
    status_reason: str | None
    bookings: list[BookingAnswer]


class VehicleAnswer(Struct, rename="camel", kw_only=True):
    vehicle_id: str
    registration: str
    vehicle_type: str
    status: str
    status_reason: str | None
    bookings: list[BookingAnswer]


class DriverPage(Struct, rename="camel", kw_only=True):
    items: list[DriverAnswer]
    next_cursor: str | None


class VehiclePage(Struct, rename="camel", kw_only=True):
    items: list[VehicleAnswer]
    next_cursor: str | None


class FleetDriver(Struct, rename="camel", kw_only=True):
    driver_id: str
    name: str
    status: str
    current_delivery_id: str | None


class FleetVehicle(Struct, rename="camel", kw_only=True):
    vehicle_id: str
    registration: str
    vehicle_type: str
    status: str
    current_delivery_id: str | None


class StatusCounts(Struct, rename="camel", kw_only=True):
    drivers: dict[str, int]
    vehicles: dict[str, int]


class FleetOverview(Struct, rename="camel", kw_only=True):
    """The first 1,000 drivers and vehicles; the lists page through all."""

    counts: StatusCounts
    drivers: list[FleetDriver]
    vehicles: list[FleetVehicle]


class OverviewCheckpoint(Struct, rename="camel", kw_only=True):
    """`status` is Reached when the route's newest delivery has reached it, otherwise Pending."""

    sequence: int
    location: str
    expected_time: datetime
    status: str


class OverviewRoute(Struct, rename="camel", kw_only=True):
    route_id: str
    origin: str
    destination: str
    status: str
    checkpoints: list[OverviewCheckpoint]


class RouteOverview(Struct, rename="camel", kw_only=True):
    """The 1,000 routes with the latest start."""

    routes: list[OverviewRoute]


class RouteCheckpoint(Struct, rename="camel", kw_only=True):
    sequence: int
    location: str
    expected_time: datetime
    latitude: float | None
    longitude: float | None
    address: str | None
    service_minutes: int | None
    window_start: datetime | None
    window_end: datetime | None
    time_zone: str | None


class RouteDelivery(Struct, rename="camel", kw_only=True):
    delivery_id: str
    status: str
    created_at: datetime
    delivered_at: datetime | None


class RouteAnswer(Struct, rename="camel", kw_only=True):
    route_id: str
    origin: str
    destination: str
    status: str
    scheduled_start_time: datetime
    scheduled_end_time: datetime
    checkpoints: list[RouteCheckpoint]
    deliveries: list[RouteDelivery]


class IncidentAnswer(Struct, rename="camel", kw_only=True):
    id: str
    type: str
    description: str
    severity: str
    reported_timestamp: datetime
    resolved_timestamp: datetime | None
    resolved: bool


class DeliveryCheckpoint(Struct, rename="camel", kw_only=True):
    """`reachedAt` is null while the checkpoint is outstanding."""

    sequence: int
    location: str
    expected_time: datetime
    reached_at: datetime | None
    out_of_order: bool


class DeliveryAnswer(Struct, rename="camel", kw_only=True):
    id: str
    route_id: str
    driver_id: str | None
    vehicle_id: str | None
    status: str
    allowed_transitions: list[str]
    created_at: datetime
    delivered_at: datetime | None
    failure_reason: str | None
    signature_url: str | None
    receiver_name: str | None
    incidents: list[IncidentAnswer]
    checkpoints: list[DeliveryCheckpoint]
    version: int


class DeliveryItem(Struct, rename="camel", kw_only=True):
    id: str
    route_id: str
    origin: str
    destination: str
    driver_id: str | None
    driver_name: str | None
    vehicle_id: str | None
    vehicle_registration: str | None
    status: str
    scheduled_start_time: datetime
    scheduled_end_time: datetime
    created_at: datetime
    delivered_at: datetime | None
    open_incidents: int
    version: int


class DeliveryPage(Struct, rename="camel", kw_only=True):
    items: list[DeliveryItem]
    next_cursor: str | None


class Position(Struct, rename="camel", kw_only=True):
    latitude: float
    longitude: float
    recorded_at: datetime
    accuracy: float | None
    speed: float | None
    heading: float | None


class LiveDelivery(Struct, rename="camel", kw_only=True):
    """`lastLocation` is the last reached checkpoint; `position` the driver's newest fix."""

    delivery_id: str
    status: str
    route_origin: str
    route_destination: str
    last_location: str | None
    driver_name: str | None
    vehicle_no: str | None
    created_at: datetime
    position: Position | None


class LiveTracking(Struct, rename="camel", kw_only=True):
    active_deliveries: list[LiveDelivery]


class TimelineEntry(Struct, rename="camel", kw_only=True):
    event_category: str
    event_type: str
    event_data: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    actor: str


class SummaryCheckpoint(Struct, rename="camel", kw_only=True):
    """`differenceSeconds` is actual minus expected."""

    sequence: int
    location: str
    expected: datetime
    actual: datetime | None
    difference_seconds: int | None


class Proof(Struct, rename="camel", kw_only=True):
    receiver_name: str
    signature_url: str
    captured_at: datetime
    photo_urls: list[str]
    note: str | None
    delivered_to: str | None
    latitude: float | None
    longitude: float | None


class Summary(Struct, rename="camel", kw_only=True):
    delivery_id: str
    status: str
    timeline: list[TimelineEntry]
    driver: str | None
    vehicle: str | None
    checkpoints: list[SummaryCheckpoint]
    incidents: list[IncidentAnswer]
    proof: Proof | None


class RefusedPosition(Struct, rename="camel", kw_only=True):
    """An item of the batch, counted from 0, and what is wrong with which of its fields."""

    index: int
    errors: dict[str, str]


class Accepted(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """How many positions were taken; `rejected` is left out where all were."""

    accepted: int
    rejected: list[RefusedPosition] = []


class Trail(Struct, rename="camel", kw_only=True):
    """Positions of [since, until], oldest first; fewer than were reported where the driver stood or there are many."""

    driver_id: str
    since: datetime
    until: datetime
    positions: list[Position]


class FeedEvent(Struct, rename="camel", kw_only=True):
    position: int
    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    data: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    correlation_id: str
    causation_id: str
    actor: str


class Feed(Struct, rename="camel", kw_only=True):
    """Ask again with `after` = `next`; at the end of the log `next` stays what it is."""

    events: list[FeedEvent]
    next: int


class CommandAnswer(Struct, rename="camel", kw_only=True):
    """`outcome` is accepted or rejected; `result` the answer, or the refusal's code, message and details."""

    command_id: str
    type: str
    outcome: str
    result: dict[str, Any]
    recorded_at: datetime


class PendingCommand(Struct, rename="camel", kw_only=True):
    """The command is taken down but not done yet; `Location` is where to ask."""

    command_id: str
    outcome: Literal["pending"]
    message: str


class Problem(Struct, rename="camel", kw_only=True):
    """RFC 9457. `message` repeats `detail`; `errors` names fields; more members come with some codes."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    message: str
    correlation_id: str
    errors: dict[str, str] | UnsetType = UNSET
    conflict: dict[str, Any] | UnsetType = UNSET
    allowed_transitions: list[str] | UnsetType = UNSET
    missing_checkpoints: list[dict[str, Any]] | UnsetType = UNSET
