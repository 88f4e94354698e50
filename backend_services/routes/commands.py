"""What can be asked of routes. Instants are aware; `None` as a new route's id lets the service make one."""

from datetime import datetime
from enum import StrEnum

import msgspec


class RouteStatus(StrEnum):
    """Planning → Active → Deactivated, and Active again."""

    PLANNING = "Planning"
    ACTIVE = "Active"
    DEACTIVATED = "Deactivated"


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A numbered stop of a route. `latitude`/`longitude` are WGS 84 degrees; `time_zone` is an IANA name;
    the window bounds (aware) say when the stop may be visited."""

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


class CreateRoute(msgspec.Struct, frozen=True, kw_only=True):
    """Plan a route, with or without its checkpoints."""

    route_id: str | None
    origin: str
    destination: str
    scheduled_start_time: datetime
    checkpoints: tuple[Checkpoint, ...] = ()


class UpdateRoute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """With `move_checkpoints` the checkpoints' times move by as much as the start does."""

    route_id: str
    origin: str
    destination: str
    scheduled_start_time: datetime
    move_checkpoints: bool = False


class ChangeRouteStatus(msgspec.Struct, frozen=True, kw_only=True):
    route_id: str
    status: RouteStatus


class AddCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    route_id: str
    checkpoint: Checkpoint


class UpdateCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Change what is at `checkpoint.sequence`."""

    route_id: str
    checkpoint: Checkpoint


class RemoveCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    route_id: str
    sequence: int


class ReorderCheckpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Visit the places in another order: `sequences` lists all present sequences in the wished order.

    Sequence numbers and expected times stay where they are; the places move between them.
    """

    route_id: str
    sequences: tuple[int, ...]
