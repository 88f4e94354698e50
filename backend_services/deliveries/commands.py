"""What can be asked of deliveries. Ids are UUID texts; `None` as a new thing's id lets the service make one."""

from enum import StrEnum

import msgspec


class DeliveryStatus(StrEnum):
    """Where a delivery stands; `delivery.TRANSITIONS` lists the only changes."""

    PICKED_UP = "PickedUp"
    IN_TRANSIT = "InTransit"
    OUT_FOR_DELIVERY = "OutForDelivery"
    DELIVERED = "Delivered"
    FAILED = "Failed"


class FailureReason(StrEnum):
    """Why a delivery failed."""

    NOT_HOME = "not_home"
    ADDRESS_NOT_FOUND = "address_not_found"
    REFUSED = "refused"
    DAMAGED = "damaged"
    NO_ACCESS = "no_access"
    VEHICLE_BREAKDOWN = "vehicle_breakdown"
    OUT_OF_TIME = "out_of_time"
    CANCELLED_BY_DISPATCHER = "cancelled_by_dispatcher"
    OTHER = "other"


class IncidentType(StrEnum):
    """What kind of thing went wrong."""

    DELAY = "Delay"
    WEATHER_DELAY = "WeatherDelay"
    TRAFFIC = "Traffic"
    VEHICLE_BREAKDOWN = "VehicleBreakdown"
    ACCIDENT = "Accident"
    ADDRESS_PROBLEM = "AddressProblem"
    CUSTOMER_UNAVAILABLE = "CustomerUnavailable"
    DAMAGED_GOODS = "DamagedGoods"
    SECURITY = "Security"
    OTHER = "Other"


class Severity(StrEnum):
    """How bad an incident is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class CreateDelivery(msgspec.Struct, frozen=True, kw_only=True):
    delivery_id: str | None
    route_id: str
    driver_id: str | None = None
    vehicle_id: str | None = None


class AssignDriver(msgspec.Struct, frozen=True, kw_only=True):
    """Give the delivery to this driver; `None` takes it from the one it has."""

    delivery_id: str
    driver_id: str | None


class AssignVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """Use this vehicle; `None` frees the one it has."""

    delivery_id: str
    vehicle_id: str | None


class ChangeDeliveryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Move on, fail, or retry (`PickedUp`, which may name another driver or vehicle).

    `reason` is a `FailureReason` for Failed and free text otherwise. `expected_status`, when given, must be the
    present one.
    """

    delivery_id: str
    status: DeliveryStatus
    expected_status: DeliveryStatus | None = None
    reason: str | None = None
    note: str | None = None
    driver_id: str | None = None
    vehicle_id: str | None = None


class ReachCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    delivery_id: str
    route_id: str
    sequence: int
    location: str


class ReportIncident(msgspec.Struct, frozen=True, kw_only=True):
    """`photo_url` is a blob's path; `latitude`/`longitude` are WGS 84 degrees."""

    delivery_id: str
    type: IncidentType
    description: str
    severity: Severity = Severity.MEDIUM
    photo_url: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class ResolveIncident(msgspec.Struct, frozen=True, kw_only=True):
    delivery_id: str
    incident_id: str


class CaptureProof(msgspec.Struct, frozen=True, kw_only=True):
    """`signature_url` is a blob's path or the client's own URL; `delivered_to` says to whom in a word."""

    delivery_id: str
    receiver_name: str
    signature_url: str
    photo_urls: tuple[str, ...] = ()
    note: str | None = None
    delivered_to: str | None = None
    latitude: float | None = None
    longitude: float | None = None
