"""What happens to routes. Names and fields are exact: they are stored and published for ever. Instants are UTC."""

from datetime import datetime
from typing import ClassVar

from eventstore.codec import Event


class RouteCreated(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "RouteCreated"
    route_id: str
    origin: str
    destination: str
    scheduled_start_time: datetime


class RouteUpdated(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "RouteUpdated"
    route_id: str
    origin: str
    destination: str
    scheduled_start_time: datetime


class RouteStatusChanged(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "RouteStatusChanged"
    route_id: str
    old_status: str
    new_status: str


class CheckpointAdded(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "CheckpointAdded"
    route_id: str
    sequence: int
    location: str
    expected_time: datetime
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None
    service_minutes: int | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    time_zone: str | None = None


class CheckpointUpdated(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "CheckpointUpdated"
    route_id: str
    sequence: int
    location: str
    expected_time: datetime
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None
    service_minutes: int | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    time_zone: str | None = None


class CheckpointRemoved(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "CheckpointRemoved"
    route_id: str
    sequence: int


class RouteScheduledEndTimeUpdated(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "RouteScheduledEndTimeUpdated"
    route_id: str
    scheduled_end_time: datetime


class RouteUsed(Event, frozen=True, kw_only=True):
    """A delivery that isn't finished runs this route from now on."""

    TYPE: ClassVar[str] = "RouteUsed"
    route_id: str
    delivery_id: str


class RouteFreed(Event, frozen=True, kw_only=True):
    """That delivery is finished."""

    TYPE: ClassVar[str] = "RouteFreed"
    route_id: str
    delivery_id: str


EVENTS: list[type[Event]] = [
    RouteCreated,
    RouteUpdated,
    RouteStatusChanged,
    CheckpointAdded,
    CheckpointUpdated,
    CheckpointRemoved,
    RouteScheduledEndTimeUpdated,
    RouteUsed,
    RouteFreed,
]
