"""The deliveries' rows: deliveries, their checkpoints and their incidents. Each is written from its own stream only."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend_services.deliveries import events
from backend_services.deliveries.events import Plan
from backend_services.read_models import ReadModel, note_board_change
from backend_services.searching import fold
from eventstore.codec import Event
from eventstore.records import RecordedEvent


class DeliveryRow(ReadModel):
    __tablename__ = "deliveries"

    delivery_id: Mapped[str] = mapped_column(primary_key=True)
    route_id: Mapped[str] = mapped_column(index=True)
    driver_id: Mapped[str | None] = mapped_column(index=True)
    vehicle_id: Mapped[str | None] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(index=True)
    origin: Mapped[str]
    destination: Mapped[str]
    scheduled_start_at: Mapped[datetime] = mapped_column(index=True)
    scheduled_end_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(index=True)
    status_changed_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure_reason: Mapped[str | None]
    failure_note: Mapped[str | None]
    receiver_name: Mapped[str | None]
    signature_url: Mapped[str | None]
    proof: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    open_incidents: Mapped[int]
    search_text: Mapped[str]
    last_recorded_at: Mapped[datetime] = mapped_column(index=True)
    version: Mapped[int]


class DeliveryCheckpointRow(ReadModel):
    __tablename__ = "delivery_checkpoints"

    delivery_id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    location: Mapped[str]
    expected_time: Mapped[datetime]
    address: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    time_zone: Mapped[str | None]
    reached_at: Mapped[datetime | None]
    out_of_order: Mapped[bool]


class IncidentRow(ReadModel):
    __tablename__ = "incidents"

    incident_id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(index=True)
    type: Mapped[str]
    description: Mapped[str]
    search_text: Mapped[str]
    severity: Mapped[str]
    reported_at: Mapped[datetime] = mapped_column(index=True)
    resolved_at: Mapped[datetime | None]
    photo_url: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class DeliveryProjection:
    """Folds the deliveries' events into their rows."""

    name = "deliveries"
    event_types: ClassVar[frozenset[str]] = frozenset(cls.TYPE for cls in events.EVENTS)

    def apply(self, session: Session, recorded: RecordedEvent, event: Event) -> None:
        """One event of a delivery's stream."""
        delivery_id = recorded.stream.split("-", 1)[1]
        if isinstance(event, events.DeliveryCreated):
            row = _new_row(event, recorded.version)
            _write_plan(session, row, event.plan)
            session.add(row)
        else:
            row = session.get_one(DeliveryRow, delivery_id)
        _apply_to_delivery(session, row, event)
        _apply_to_incidents(session, row, event)
        row.version = recorded.version
        row.last_recorded_at = recorded.recorded_at
        note_board_change(session, "delivery", delivery_id, recorded.recorded_at)


def proof_shown(event: events.ProofOfDeliveryCaptured) -> dict[str, Any]:
    """What is shown of a proof beside receiver and signature, as JSON."""
    return {
        "capturedAt": event.captured_at.isoformat(),
        "photoUrls": list(event.photo_urls),
        "note": event.note,
        "deliveredTo": event.delivered_to,
        "latitude": event.latitude,
        "longitude": event.longitude,
    }


def _new_row(event: events.DeliveryCreated, version: int) -> DeliveryRow:
    return DeliveryRow(
        delivery_id=event.delivery_id,
        route_id=event.route_id,
        driver_id=event.driver_id,
        vehicle_id=event.vehicle_id,
        status="PickedUp",
        created_at=event.created_at,
        status_changed_at=event.created_at,
        open_incidents=0,
        version=version,
    )


def _apply_to_delivery(session: Session, row: DeliveryRow, event: Event) -> None:
    match event:
        case events.DeliveryStatusChanged():
            _change_status(session, row, event)
        case events.CheckpointReached():
            stop = session.get_one(DeliveryCheckpointRow, (row.delivery_id, event.sequence))
            stop.reached_at, stop.out_of_order = event.reached_at, event.out_of_order
        case events.ProofOfDeliveryCaptured():
            row.receiver_name, row.signature_url = event.receiver_name, event.signature_url
            row.proof = proof_shown(event)
        case events.DriverAssigned():
            row.driver_id = event.driver_id
        case events.DriverUnassigned():
            row.driver_id = None
        case events.VehicleAssigned():
            row.vehicle_id = event.vehicle_id
        case events.VehicleUnassigned():
            row.vehicle_id = None


def _change_status(session: Session, row: DeliveryRow, event: events.DeliveryStatusChanged) -> None:
    row.status, row.status_changed_at = event.new_status, event.changed_at
    if event.new_status == "Delivered":
        row.delivered_at = event.changed_at
    failed = event.new_status == "Failed"
    if failed or event.old_status == "Failed":
        row.failed_at = event.changed_at if failed else None
        row.failure_reason = event.reason if failed else None
        row.failure_note = event.note if failed else None
    if event.plan is not None:
        _write_plan(session, row, event.plan)


def _apply_to_incidents(session: Session, row: DeliveryRow, event: Event) -> None:
    match event:
        case events.IncidentReported():
            incident = IncidentRow(
                incident_id=event.incident_id,
                delivery_id=event.delivery_id,
                type=event.incident_type,
                description=event.description,
                search_text=fold(event.description),
                severity=event.severity,
                reported_at=event.reported_at,
                photo_url=event.photo_url,
                latitude=event.latitude,
                longitude=event.longitude,
            )
            session.add(incident)
            row.open_incidents += 1
        case events.IncidentResolved():
            session.get_one(IncidentRow, event.incident_id).resolved_at = event.resolved_at
            row.open_incidents -= 1


def _write_plan(session: Session, row: DeliveryRow, plan: Plan) -> None:
    """The delivery's copy of the plan; what was reached stays reached where the place is still on it."""
    row.origin, row.destination = plan.origin, plan.destination
    row.scheduled_start_at, row.scheduled_end_at = plan.scheduled_start_time, plan.scheduled_end_time
    places = [stop.location for stop in plan.checkpoints]
    row.search_text = fold("\n".join([row.delivery_id, row.route_id, plan.origin, plan.destination, *places]))
    of_delivery = DeliveryCheckpointRow.delivery_id == row.delivery_id
    reached = {
        (stop.sequence, stop.location): (stop.reached_at, stop.out_of_order)
        for stop in session.scalars(select(DeliveryCheckpointRow).where(of_delivery))
    }
    session.execute(delete(DeliveryCheckpointRow).where(of_delivery))
    for stop in plan.checkpoints:
        reached_at, out_of_order = reached.get((stop.sequence, stop.location), (None, False))
        session.add(
            DeliveryCheckpointRow(
                delivery_id=row.delivery_id,
                sequence=stop.sequence,
                location=stop.location,
                expected_time=stop.expected_time,
                address=stop.address,
                latitude=stop.latitude,
                longitude=stop.longitude,
                time_zone=stop.time_zone,
                reached_at=reached_at,
                out_of_order=out_of_order,
            )
        )
