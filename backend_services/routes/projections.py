"""The routes' rows: routes, their checkpoints, and which deliveries used them."""

from datetime import datetime
from typing import ClassVar

import msgspec
from sqlalchemy import delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend_services.read_models import ReadModel, note_board_change
from backend_services.routes import events
from backend_services.searching import fold
from eventstore.codec import Event
from eventstore.records import RecordedEvent


class RouteRow(ReadModel):
    __tablename__ = "routes"

    route_id: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[str]
    destination: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    scheduled_start_at: Mapped[datetime] = mapped_column(index=True)
    scheduled_end_at: Mapped[datetime]
    created_at: Mapped[datetime]
    search_text: Mapped[str]
    version: Mapped[int]


class CheckpointRow(ReadModel):
    __tablename__ = "checkpoints_of_routes"

    route_id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    location: Mapped[str]
    search_text: Mapped[str]
    expected_time: Mapped[datetime]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    address: Mapped[str | None]
    service_minutes: Mapped[int | None]
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    time_zone: Mapped[str | None]


class RouteUseRow(ReadModel):
    """An unfinished delivery that uses a route."""

    __tablename__ = "route_uses"

    route_id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(primary_key=True)


class RouteProjection:
    """Folds the routes' events into their rows."""

    name = "routes"
    event_types: ClassVar[frozenset[str]] = frozenset(cls.TYPE for cls in events.EVENTS)

    def apply(self, session: Session, recorded: RecordedEvent, event: Event) -> None:
        """One event of a route's stream."""
        route_id = recorded.stream.split("-", 1)[1]
        if isinstance(event, events.RouteCreated):
            row = RouteRow(
                route_id=route_id,
                status="Planning",
                scheduled_end_at=event.scheduled_start_time,
                created_at=recorded.recorded_at,
            )
            session.add(row)
        else:
            row = session.get_one(RouteRow, route_id)
        _apply_to_route(row, event)
        _apply_to_parts(session, route_id, event)
        row.version = recorded.version
        note_board_change(session, "route", route_id, recorded.recorded_at)


def _apply_to_route(row: RouteRow, event: Event) -> None:
    match event:
        case events.RouteCreated() | events.RouteUpdated():
            row.origin, row.destination = event.origin, event.destination
            row.scheduled_start_at = event.scheduled_start_time
            row.search_text = fold(f"{event.origin}\n{event.destination}\n{event.route_id}")
        case events.RouteStatusChanged():
            row.status = event.new_status
        case events.RouteScheduledEndTimeUpdated():
            row.scheduled_end_at = event.scheduled_end_time


def _apply_to_parts(session: Session, route_id: str, event: Event) -> None:
    match event:
        case events.CheckpointAdded() | events.CheckpointUpdated():
            fields = msgspec.structs.asdict(event)
            session.merge(CheckpointRow(**fields, search_text=fold(event.location)))
        case events.CheckpointRemoved():
            session.execute(
                delete(CheckpointRow).where(
                    CheckpointRow.route_id == route_id, CheckpointRow.sequence == event.sequence
                )
            )
        case events.RouteUsed():
            session.add(RouteUseRow(route_id=route_id, delivery_id=event.delivery_id))
        case events.RouteFreed():
            session.execute(
                delete(RouteUseRow).where(
                    RouteUseRow.route_id == route_id, RouteUseRow.delivery_id == event.delivery_id
                )
            )
