"""The list of deliveries, and everything about one of them."""

from datetime import UTC, date, datetime
from urllib.parse import urlsplit

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backend_services.deliveries import queries
from backend_services.deliveries.availability import NO_CHOICES, Choices, driver_choices, vehicle_choices
from backend_services.deliveries.commands import DeliveryStatus, FailureReason
from backend_services.deliveries.queries import DeliveryFilters, DeliveryView
from backend_services.fleet.booking import Request
from backend_services.fleet.queries import (
    find_drivers,
    find_vehicles,
    list_drivers,
    list_vehicles,
)
from backend_services.paging import BadCursor
from backend_services.routes.queries import find_route
from eventstore.execute import Refusal
from eventstore.records import RecordedEvent
from webapp.access import dispatcher_only
from webapp.accounts.models import account_names
from webapp.acting import waybill
from webapp.blobs import is_own_picture
from webapp.blueprints.deliveries import deliveries
from webapp.database import db
from webapp.forms.deliveries import FailForm, IncidentForm, ProofForm
from webapp.fragments import page_or_block, searched_text, shown_or_404
from webapp.live.filters import INCIDENTS, UNASSIGNED
from webapp.presentation import day_bounds

MOST_CHOICES = 1_000
STEPS = (
    DeliveryStatus.PICKED_UP,
    DeliveryStatus.IN_TRANSIT,
    DeliveryStatus.OUT_FOR_DELIVERY,
    DeliveryStatus.DELIVERED,
)


@deliveries.app_template_test("own_picture")
def _is_own_picture(url: str) -> bool:
    return is_own_picture(url)


@deliveries.app_template_filter("destination")
def _destination(delivery_id: str) -> str | None:
    """Where a delivery goes: people know places, not ids. None where no row shows it."""
    view = queries.find_delivery(db.session(), delivery_id)
    return view.destination if view else None


@deliveries.app_template_test("web_address")
def _is_web_address(url: str) -> bool:
    """A link that can be offered: never javascript: or data:."""
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


@deliveries.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """All deliveries, the newest first."""
    status = request.args.get("status")
    status = status if status in set(DeliveryStatus) else None
    session, filters, other = db.session(), _filters(), request.args.get("filter")
    narrower: dict[str, DeliveryFilters] = {
        UNASSIGNED: {**filters, "is_unassigned": True},
        INCIDENTS: {**filters, "has_open_incidents": True},
    }
    chosen, statuses = narrower.get(other or "", filters), [status] if status else []
    try:
        page = queries.list_deliveries(
            session, statuses=statuses, cursor=request.args.get("cursor"), **chosen
        )
    except BadCursor:
        abort(400, "This page of the list is no longer there. Start again from the first one.")
    drivers = list_drivers(session, limit=MOST_CHOICES).items
    vehicles = list_vehicles(session, limit=MOST_CHOICES).items
    return page_or_block(
        "deliveries/index.html",
        "list",
        page=page,
        counts=queries.count_deliveries_by_status(session, **chosen),
        status=status,
        others={key: _count(session, statuses, each) for key, each in narrower.items()},
        drivers=[(driver.driver_id, driver.name) for driver in drivers],
        vehicles=[(vehicle.vehicle_id, vehicle.registration) for vehicle in vehicles],
        route=find_route(session, filters["route_id"]) if filters["route_id"] else None,
    )


@deliveries.get("/<delivery_id>")
@dispatcher_only
def show(delivery_id: str) -> ResponseReturnValue:
    """Everything about one delivery, and the only next steps."""
    return delivery_page(find_delivery_or_404(delivery_id))


@deliveries.get("/<delivery_id>/changed")
@dispatcher_only
def changed(delivery_id: str) -> ResponseReturnValue:
    """Whether the delivery changed after version `?since=`: a note that offers the news, or 204.

    With `?behind=1` the page itself: it was shown before the rows had all that was stored by then.
    """
    view = find_delivery_or_404(delivery_id)
    if request.args.get("since") == str(view.version):
        return "", 204
    if request.args.get("behind"):
        return delivery_page(view), {"HX-Retarget": "#page", "HX-Reswap": "outerHTML show:none"}
    return render_template("deliveries/_changed.html", delivery=view)


def find_delivery_or_404(delivery_id: str) -> DeliveryView:
    """The delivery of an address; 404 where there is none."""
    return shown_or_404("delivery", delivery_id, queries.find_delivery)


def delivery_page(
    view: DeliveryView,
    refusal: Refusal | None = None,
    fail_form: FailForm | None = None,
    incident_form: IncidentForm | None = None,
    proof_form: ProofForm | None = None,
) -> str:
    """The page, with what was refused and the forms that were filled in wrongly."""
    session = db.session()
    history = queries.read_timeline(waybill().store, view.delivery_id)
    start, end = _planned(view)
    drivers, vehicles = _choices(view, start, end)
    return page_or_block(
        "deliveries/show.html",
        "page",
        delivery=view,
        is_behind=bool(history) and history[-1].version > view.version,
        history=history,
        names=_names(history),
        actors=actor_names({event.actor for event in history}),
        steps=_steps(view, history),
        incidents=queries.list_incidents_of(session, view.delivery_id),
        drivers=drivers,
        vehicles=vehicles,
        refusal=refusal,
        # A second try of a failed delivery would have to begin in the past.
        retry_is_late=view.status == DeliveryStatus.FAILED and end < datetime.now(UTC),
        fail_form=fail_form or FailForm(formdata=None, reason=_likely_reason(view)),
        incident_form=incident_form or IncidentForm(formdata=None),
        proof_form=proof_form or ProofForm(formdata=None),
        delay=view.predicted_delay(datetime.now(UTC)),
    )


def wish(start: datetime, end: datetime, delivery_id: str = "") -> Request:
    """The booking that a delivery in [start, end) would take."""
    rules = waybill().deliveries.rules
    return Request(delivery_id, start, rules.end_of(start, end), rules.buffer)


def choices_for(view: DeliveryView) -> tuple[Choices, Choices]:
    """Who and what could be chosen, while that is possible."""
    return _choices(view, *_planned(view))


def _choices(view: DeliveryView, start: datetime, end: datetime) -> tuple[Choices, Choices]:
    if view.status not in (DeliveryStatus.PICKED_UP, DeliveryStatus.FAILED):
        return NO_CHOICES, NO_CHOICES
    session, wished = db.session(), wish(start, end, view.delivery_id)
    drivers = driver_choices(session, wished, keep=view.driver_id)
    return drivers, vehicle_choices(session, wished, keep=view.vehicle_id)


def _planned(view: DeliveryView) -> tuple[datetime, datetime]:
    """[start, end) of the delivery; of a failed one that of its next try, which takes the route's times of now."""
    route = find_route(db.session(), view.route_id) if view.status == DeliveryStatus.FAILED else None
    planned = route or view
    return planned.scheduled_start_at, planned.scheduled_end_at


def _names(history: list[RecordedEvent]) -> dict[str, str]:
    """The names of the drivers and vehicles that a history mentions."""
    ids = {event.data.get(key) for event in history for key in ("driverId", "vehicleId")} - {None}
    mentioned = [str(mentioned_id) for mentioned_id in ids]
    session = db.session()
    names = {key: driver.name for key, driver in find_drivers(session, mentioned).items()}
    return names | {key: vehicle.registration for key, vehicle in find_vehicles(session, mentioned).items()}


def actor_names(actors: set[str]) -> dict[str, str]:
    """How a history names who did it; accounts are looked up, all others are said in a word."""
    accounts = {actor.partition(":")[2] for actor in actors if actor.startswith("account:")}
    found = account_names(accounts)
    words = {"account": "a former account", "api-key": "API key", "system": "Waybill itself"}
    return {
        actor: found.get(actor.partition(":")[2], words.get(actor.partition(":")[0], actor.partition(":")[0]))
        for actor in actors
    }


def _steps(view: DeliveryView, history: list[RecordedEvent]) -> list[tuple[str, str]]:
    """The way of a delivery: (status, "done", "now", "failed" or "ahead"). A failure comes where it happened."""
    came_to = DeliveryStatus(view.status)
    if came_to is DeliveryStatus.FAILED:
        failures = [event.data["oldStatus"] for event in history if event.data.get("newStatus") == "Failed"]
        came_to = DeliveryStatus(failures[-1])
    place = STEPS.index(came_to)
    here = "done" if view.is_finished else "now"
    steps = [
        (step.value, "done" if number < place else here if number == place else "ahead")
        for number, step in enumerate(STEPS)
    ]
    if view.status == DeliveryStatus.FAILED:
        return [*steps[: place + 1], (DeliveryStatus.FAILED.value, "failed")]
    return steps


def _likely_reason(view: DeliveryView) -> str:
    started = view.status != DeliveryStatus.PICKED_UP
    return FailureReason.NOT_HOME if started else FailureReason.CANCELLED_BY_DISPATCHER


def _filters() -> DeliveryFilters:
    created, planned = _days("from", "to"), _days("planned_from", "planned_to")
    return {
        "driver_id": request.args.get("driver") or None,
        "vehicle_id": request.args.get("vehicle") or None,
        "route_id": request.args.get("route") or None,
        "created_from": created[0],
        "created_before": created[1],
        "planned_from": planned[0],
        "planned_before": planned[1],
        "q": searched_text(),
    }


def _count(session: Session, statuses: list[str], filters: DeliveryFilters) -> int:
    counts = queries.count_deliveries_by_status(session, **filters)
    return sum(counts[status] for status in statuses or counts)


def _days(first: str, last: str) -> tuple[datetime | None, datetime | None]:
    """[from, before) of the days that the address names by these parameters."""
    found: list[datetime | None] = []
    for name, side in ((first, 0), (last, 1)):
        try:
            found.append(day_bounds(date.fromisoformat(request.args.get(name, "")))[side])
        except (ValueError, OverflowError):
            found.append(None)
    return found[0], found[1]
