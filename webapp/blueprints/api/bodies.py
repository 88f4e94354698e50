"""What clients send. Instants need an offset or Z; ids are UUIDs; unknown fields are ignored with a warning."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from backend_services.deliveries.commands import DeliveryStatus, IncidentType, Severity
from backend_services.fleet.commands import DriverStatus, VehicleStatus
from backend_services.routes.commands import RouteStatus

Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", description="1 to 200 characters")]
LongText = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"\S")]
Note = Annotated[str, Meta(max_length=2000)]
Instant = Annotated[
    datetime, Meta(tz=True, description="ISO-8601 with Z or an offset, in the years 2000 to 2099")
]
Claim = Annotated[
    datetime,
    Meta(tz=True, description="When it happened, as the actor says: 7 days ago to 5 minutes from now"),
]
Sequence = Annotated[int, Meta(ge=1, le=1_000_000)]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="WGS 84 degrees")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="WGS 84 degrees")]
Picture = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=900_000,
        pattern=r"\S",
        description=(
            "An http(s) address without a user name (2000 characters at most), the address of a picture kept here"
            " (/blobs/…), or a data: URL of a base64 PNG, JPEG or WebP picture, which is kept here"
        ),
        examples=["https://example.org/picture.png"],
    ),
]


class DriverBody(Struct, rename="camel", kw_only=True):
    name: Text
    driver_license: Text


class NewDriverBody(DriverBody, rename="camel", kw_only=True):
    id: UUID | None = None


class VehicleBody(Struct, rename="camel", kw_only=True):
    registration: Text
    vehicle_type: Text


class NewVehicleBody(VehicleBody, rename="camel", kw_only=True):
    id: UUID | None = None


class DriverStatusBody(Struct, rename="camel", kw_only=True):
    status: DriverStatus
    reason: Note | None = None


class VehicleStatusBody(Struct, rename="camel", kw_only=True):
    status: VehicleStatus
    reason: Note | None = None


class CheckpointBody(Struct, rename="camel", kw_only=True):
    sequence: Sequence
    location: Text
    expected_time: Instant
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    address: Annotated[str, Meta(max_length=200)] | None = None
    service_minutes: Annotated[int, Meta(ge=0, le=1440)] | None = None
    window_start: Instant | None = None
    window_end: Instant | None = None
    time_zone: Annotated[str, Meta(max_length=64, description="IANA name")] | None = None


class RouteBody(Struct, rename="camel", kw_only=True):
    origin: Text
    destination: Text
    scheduled_start_time: Instant


class ChangedRouteBody(RouteBody, rename="camel", kw_only=True):
    move_checkpoints: bool = False


class NewRouteBody(RouteBody, rename="camel", kw_only=True):
    id: UUID | None = None
    checkpoints: Annotated[tuple[CheckpointBody, ...], Meta(max_length=200)] = ()


class RouteStatusBody(Struct, rename="camel", kw_only=True):
    status: RouteStatus


class NewDeliveryBody(Struct, rename="camel", kw_only=True):
    route_id: UUID
    id: UUID | None = None
    driver_id: UUID | None = None
    vehicle_id: UUID | None = None
    occurred_at: Claim | None = None


class DeliveryStatusBody(Struct, rename="camel", kw_only=True):
    """`reason` is a failure's code for Failed. A retry (PickedUp after Failed) may name another driver or vehicle."""

    status: DeliveryStatus
    expected_status: DeliveryStatus | None = None
    reason: Annotated[str, Meta(max_length=200)] | None = None
    note: Note | None = None
    driver_id: UUID | None = None
    vehicle_id: UUID | None = None
    occurred_at: Claim | None = None


class ReachedBody(Struct, rename="camel", kw_only=True):
    route_id: UUID
    sequence: Sequence
    location: Text
    occurred_at: Claim | None = None


class IncidentBody(Struct, rename="camel", kw_only=True):
    type: IncidentType
    description: LongText
    severity: Severity = Severity.MEDIUM
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    occurred_at: Claim | None = None


class ProofBody(Struct, rename="camel", kw_only=True):
    receiver_name: Text
    signature_url: Picture
    photo_urls: Annotated[tuple[Picture, ...], Meta(max_length=10)] = ()
    note: Note | None = None
    delivered_to: Annotated[str, Meta(max_length=200)] | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    occurred_at: Claim | None = None


class DriverChoiceBody(Struct, rename="camel", kw_only=True):
    """`null` takes the delivery from the driver it has."""

    driver_id: UUID | None
    occurred_at: Claim | None = None


class VehicleChoiceBody(Struct, rename="camel", kw_only=True):
    """`null` frees the vehicle it has."""

    vehicle_id: UUID | None
    occurred_at: Claim | None = None


class FixBody(Struct, rename="camel", kw_only=True):
    """One GPS fix: accuracy in metres, speed in m/s, heading in degrees from north."""

    latitude: Latitude
    longitude: Longitude
    accuracy: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    recorded_at: Instant | None = None
    speed: Annotated[float, Meta(ge=0, le=1_000)] | None = None
    heading: Annotated[float, Meta(ge=0, le=360)] | None = None


# Each is judged by itself: one that is no object at all is rejected like one without a latitude.
BatchItem = Annotated[Any, Meta(extra_json_schema={"type": "object"})]


class LocationBody(Struct, rename="camel", kw_only=True):
    """One fix, or a batch of 1 to 500 of them in `positions`: objects with the fields that a single one has here."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    accuracy: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    recorded_at: Instant | None = None
    speed: Annotated[float, Meta(ge=0, le=1_000)] | None = None
    heading: Annotated[float, Meta(ge=0, le=360)] | None = None
    positions: Annotated[tuple[BatchItem, ...], Meta(min_length=1, max_length=500)] | None = None


class TrailQuery(Struct, rename="camel", kw_only=True):
    since: Instant | None = None
    until: Instant | None = None
    limit: Annotated[int, Meta(ge=2, le=2_000)] = 500


Limit = Annotated[int, Meta(ge=1, le=200)]
Cursor = Annotated[str, Meta(max_length=500)]
Search = Annotated[str, Meta(max_length=200)]


class DriversQuery(Struct, rename="camel", kw_only=True):
    status: DriverStatus | None = None
    q: Search = ""
    limit: Limit = 50
    cursor: Cursor | None = None


class VehiclesQuery(Struct, rename="camel", kw_only=True):
    status: VehicleStatus | None = None
    q: Search = ""
    limit: Limit = 50
    cursor: Cursor | None = None


class DeliveriesQuery(
    Struct,
    kw_only=True,
    rename={"from_": "from", "driver_id": "driverId", "vehicle_id": "vehicleId", "route_id": "routeId"},
):
    """`from` and `to` bound the creation, [from, to)."""

    status: DeliveryStatus | None = None
    driver_id: UUID | None = None
    vehicle_id: UUID | None = None
    route_id: UUID | None = None
    from_: Instant | None = None
    to: Instant | None = None
    q: Search = ""
    limit: Limit = 50
    cursor: Cursor | None = None


class EventsQuery(Struct, rename="camel", kw_only=True):
    """`types` is a comma-separated list of event types."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    types: Annotated[str, Meta(max_length=1000)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
