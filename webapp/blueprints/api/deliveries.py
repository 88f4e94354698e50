"""Deliveries, from creation to proof."""

from datetime import datetime

import msgspec

from backend_services.deliveries import commands, queries
from backend_services.deliveries.queries import DeliveryView
from backend_services.paging import BadCursor
from eventstore.execute import Refusal
from webapp.access import signed_in
from webapp.acting import own_driver_id, waybill
from webapp.blobs import BlobRefused, kept_address
from webapp.blueprints.api import answers, api, bodies
from webapp.blueprints.api.fleet import accepted, accepted_status, bad_cursor, text_or_none
from webapp.blueprints.api.operations import command_context, done, operation
from webapp.blueprints.api.parsing import Malformed
from webapp.blueprints.api.positions import position_of
from webapp.database import db


@operation(api, "POST", "/deliveries", tag="Deliveries", body=bodies.NewDeliveryBody, answer=answers.Done)
def create_delivery(body: bodies.NewDeliveryBody) -> answers.Done:
    """Start a delivery of an active route, PickedUp.

    Driver and vehicle are booked for the route's time. A clash is refused with `conflict`: the resource, the other
    delivery, its time, the overlap and up to three alternatives.
    """
    command = commands.CreateDelivery(
        delivery_id=text_or_none(body.id),
        route_id=str(body.route_id),
        driver_id=text_or_none(body.driver_id),
        vehicle_id=text_or_none(body.vehicle_id),
    )
    return accepted(done(waybill().deliveries.create_delivery(command, command_context(body.occurred_at))))


@operation(
    api, "GET", "/deliveries", tag="Deliveries", query=bodies.DeliveriesQuery, answer=answers.DeliveryPage
)
def list_deliveries(query: bodies.DeliveriesQuery) -> answers.DeliveryPage:
    """List deliveries, the newest first; `from` and `to` bound the creation."""
    try:
        page = queries.list_deliveries(
            db.session(),
            statuses=[query.status] if query.status else [],
            driver_id=text_or_none(query.driver_id),
            vehicle_id=text_or_none(query.vehicle_id),
            route_id=text_or_none(query.route_id),
            created_from=query.from_,
            created_before=query.to,
            q=query.q,
            limit=query.limit,
            cursor=query.cursor or None,
        )
    except BadCursor as error:
        raise bad_cursor(error) from error
    return answers.DeliveryPage(items=[_item(view) for view in page.items], next_cursor=page.next_cursor)


@operation(api, "GET", "/deliveries/live-tracking", tag="Deliveries", answer=answers.LiveTracking)
def live_tracking() -> answers.LiveTracking:
    """Deliveries on the road: InTransit and OutForDelivery."""
    return answers.LiveTracking(
        active_deliveries=[
            answers.LiveDelivery(
                delivery_id=view.delivery_id,
                status=view.status,
                route_origin=view.origin,
                route_destination=view.destination,
                last_location=view.last_reached_stop.location if view.last_reached_stop else None,
                driver_name=view.driver_name,
                vehicle_no=view.vehicle_registration,
                created_at=view.created_at,
                position=position_of(view.driver_id),
            )
            for view in queries.list_live(db.session())
        ]
    )


@operation(
    api,
    "GET",
    "/deliveries/{delivery_id}",
    tag="Deliveries",
    answer=answers.DeliveryAnswer,
    access=signed_in,
)
def get_delivery(delivery_id: str) -> answers.DeliveryAnswer:
    """Get one delivery with its checkpoints and incidents."""
    view = _visible(delivery_id)
    return answers.DeliveryAnswer(
        id=view.delivery_id,
        route_id=view.route_id,
        driver_id=view.driver_id,
        vehicle_id=view.vehicle_id,
        status=view.status,
        allowed_transitions=view.allowed_transitions,
        created_at=view.created_at,
        delivered_at=view.delivered_at,
        failure_reason=view.failure_reason,
        signature_url=view.signature_url,
        receiver_name=view.receiver_name,
        incidents=_incidents(delivery_id),
        checkpoints=[
            answers.DeliveryCheckpoint(
                sequence=stop.sequence,
                location=stop.location,
                expected_time=stop.expected_time,
                reached_at=stop.reached_at,
                out_of_order=stop.out_of_order,
            )
            for stop in view.stops
        ],
        version=view.version,
    )


@operation(
    api,
    "GET",
    "/deliveries/{delivery_id}/completed-summary",
    tag="Deliveries",
    answer=answers.Summary,
    access=signed_in,
)
def delivery_summary(delivery_id: str) -> answers.Summary:
    """Everything about one delivery, at any status: timeline, people, times, incidents, proof."""
    view = _visible(delivery_id)
    return answers.Summary(
        delivery_id=view.delivery_id,
        status=view.status,
        timeline=[
            answers.TimelineEntry(
                event_category=queries.TIMELINE_CATEGORIES[event.type],
                event_type=event.type,
                event_data=event.data,
                occurred_at=event.occurred_at,
                recorded_at=event.recorded_at,
                actor=event.actor,
            )
            for event in queries.read_timeline(waybill().store, delivery_id)
        ],
        driver=view.driver_name,
        vehicle=view.vehicle_registration,
        checkpoints=[
            answers.SummaryCheckpoint(
                sequence=stop.sequence,
                location=stop.location,
                expected=stop.expected_time,
                actual=stop.reached_at,
                difference_seconds=None if stop.difference is None else int(stop.difference.total_seconds()),
            )
            for stop in view.stops
        ],
        incidents=_incidents(delivery_id),
        proof=_proof(view),
    )


@operation(
    api,
    "PATCH",
    "/deliveries/{delivery_id}/status",
    tag="Deliveries",
    body=bodies.DeliveryStatusBody,
    answer=answers.StatusDone,
    access=signed_in,
)
def change_delivery_status(delivery_id: str, body: bodies.DeliveryStatusBody) -> answers.StatusDone:
    """Move a delivery on, fail it, or retry it.

    An illegal transition is refused with `allowedTransitions`. Delivered comes with the proof of delivery only.
    """
    command = commands.ChangeDeliveryStatus(
        delivery_id=delivery_id,
        status=body.status,
        expected_status=body.expected_status,
        reason=body.reason,
        note=body.note,
        driver_id=text_or_none(body.driver_id),
        vehicle_id=text_or_none(body.vehicle_id),
    )
    context = command_context(body.occurred_at)
    return accepted_status(done(waybill().deliveries.change_status(command, context, own_driver_id())))


@operation(
    api,
    "PATCH",
    "/deliveries/{delivery_id}/checkpoint",
    tag="Deliveries",
    body=bodies.ReachedBody,
    answer=answers.Done,
    access=signed_in,
)
def reach_checkpoint(delivery_id: str, body: bodies.ReachedBody) -> answers.Done:
    """Say that a checkpoint is reached.

    The last outstanding one also moves the delivery to OutForDelivery. The same one again changes nothing.
    """
    command = commands.ReachCheckpoint(
        delivery_id=delivery_id,
        route_id=str(body.route_id),
        sequence=body.sequence,
        location=body.location,
    )
    context = command_context(body.occurred_at)
    return accepted(done(waybill().deliveries.reach_checkpoint(command, context, own_driver_id())))


@operation(
    api,
    "POST",
    "/deliveries/{delivery_id}/incidents",
    tag="Incidents",
    body=bodies.IncidentBody,
    answer=answers.IncidentDone,
    access=signed_in,
)
def report_incident(delivery_id: str, body: bodies.IncidentBody) -> answers.IncidentDone:
    """Report an incident, in any status."""
    command = commands.ReportIncident(
        delivery_id=delivery_id,
        type=body.type,
        description=body.description,
        severity=body.severity,
        latitude=body.latitude,
        longitude=body.longitude,
    )
    context = command_context(body.occurred_at)
    result = done(waybill().deliveries.report_incident(command, context, own_driver_id()))
    return answers.IncidentDone(id=result["incidentId"], message=result["message"])


@operation(
    api,
    "PATCH",
    "/deliveries/{delivery_id}/incidents/{incident_id}/resolve",
    tag="Incidents",
    answer=answers.Message,
)
def resolve_incident(delivery_id: str, incident_id: str) -> answers.Message:
    """Resolve an incident; a second time is refused."""
    command = commands.ResolveIncident(delivery_id=delivery_id, incident_id=incident_id)
    result = done(waybill().deliveries.resolve_incident(command, command_context()))
    return answers.Message(message=result["message"])


@operation(
    api,
    "POST",
    "/deliveries/{delivery_id}/proof-of-delivery",
    tag="Deliveries",
    body=bodies.ProofBody,
    answer=answers.Done,
    access=signed_in,
)
def capture_proof(delivery_id: str, body: bodies.ProofBody) -> answers.Done:
    """Capture the proof of delivery, which makes the delivery Delivered.

    `signatureUrl` and each of `photoUrls` is an http(s) address, or a data: URL of a base64 PNG, JPEG or WebP picture.
    Pictures of data: URLs are kept, and the event carries their addresses (`/blobs/…`); such an address may be given
    again. The whole body is 1 MB at most.
    """
    fields = msgspec.structs.asdict(body) | {
        "signature_url": _picture("signatureUrl", body.signature_url),
        "photo_urls": tuple(
            _picture(f"photoUrls[{number}]", given) for number, given in enumerate(body.photo_urls)
        ),
    }
    del fields["occurred_at"]
    command = commands.CaptureProof(delivery_id=delivery_id, **fields)
    context = command_context(body.occurred_at)
    return accepted(done(waybill().deliveries.capture_proof(command, context, own_driver_id())))


@operation(
    api,
    "PATCH",
    "/deliveries/{delivery_id}/assign-driver",
    tag="Deliveries",
    body=bodies.DriverChoiceBody,
    answer=answers.Done,
)
def assign_driver(delivery_id: str, body: bodies.DriverChoiceBody) -> answers.Done:
    """Give a delivery to a driver, or to none; only while PickedUp."""
    command = commands.AssignDriver(delivery_id=delivery_id, driver_id=text_or_none(body.driver_id))
    return accepted(done(waybill().deliveries.assign_driver(command, command_context(body.occurred_at))))


@operation(
    api,
    "PATCH",
    "/deliveries/{delivery_id}/assign-vehicle",
    tag="Deliveries",
    body=bodies.VehicleChoiceBody,
    answer=answers.Done,
)
def assign_vehicle(delivery_id: str, body: bodies.VehicleChoiceBody) -> answers.Done:
    """Use a vehicle for a delivery, or none; only while PickedUp."""
    command = commands.AssignVehicle(delivery_id=delivery_id, vehicle_id=text_or_none(body.vehicle_id))
    return accepted(done(waybill().deliveries.assign_vehicle(command, command_context(body.occurred_at))))


def _picture(field: str, given: str) -> str:
    try:
        return kept_address(given)
    except BlobRefused as error:
        raise Malformed(f"{field}: {error}", {field: str(error)}) from error


def _visible(delivery_id: str) -> DeliveryView:
    """The delivery, if there is one and the actor may see it."""
    view = queries.find_delivery(db.session(), delivery_id)
    if view is None or own_driver_id() not in (None, view.driver_id):
        raise Refusal("delivery_not_found", f"There is no delivery with the id {delivery_id}.", "not_found")
    return view


def _item(view: DeliveryView) -> answers.DeliveryItem:
    return answers.DeliveryItem(
        id=view.delivery_id,
        route_id=view.route_id,
        origin=view.origin,
        destination=view.destination,
        driver_id=view.driver_id,
        driver_name=view.driver_name,
        vehicle_id=view.vehicle_id,
        vehicle_registration=view.vehicle_registration,
        status=view.status,
        scheduled_start_time=view.scheduled_start_at,
        scheduled_end_time=view.scheduled_end_at,
        created_at=view.created_at,
        delivered_at=view.delivered_at,
        open_incidents=view.open_incidents,
        version=view.version,
    )


def _incidents(delivery_id: str) -> list[answers.IncidentAnswer]:
    return [
        answers.IncidentAnswer(
            id=view.incident_id,
            type=view.type,
            description=view.description,
            severity=view.severity,
            reported_timestamp=view.reported_at,
            resolved_timestamp=view.resolved_at,
            resolved=view.resolved_at is not None,
        )
        for view in queries.list_incidents_of(db.session(), delivery_id)
    ]


def _proof(view: DeliveryView) -> answers.Proof | None:
    if view.proof is None or view.receiver_name is None or view.signature_url is None:
        return None
    return answers.Proof(
        receiver_name=view.receiver_name,
        signature_url=view.signature_url,
        captured_at=msgspec.convert(view.proof["capturedAt"], datetime),
        photo_urls=view.proof["photoUrls"],
        note=view.proof["note"],
        delivered_to=view.proof["deliveredTo"],
        latitude=view.proof["latitude"],
        longitude=view.proof["longitude"],
    )
