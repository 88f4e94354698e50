"""Loads the demo day through the public API: once a day, however often it is asked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from webapp.demo import calls
from webapp.demo.catching_up import catch_up
from webapp.demo.client import ApiClient, ApiRefused
from webapp.demo.day import (
    DAY,
    DRIVERS,
    VEHICLES,
    Tour,
    day_of,
    demo_id,
    driver_id,
    plan_day,
    tour_name,
    vehicle_id,
    whole_minute,
)
from webapp.demo.rounds import instant
from webapp.demo.simulator import TROUBLES

TROUBLE_AGO = timedelta(minutes=2)
OWN_INCIDENT = ("AddressProblem", "The entrance is on the other side, behind a locked gate.", "medium")


def load_day(api: ApiClient, now: datetime, speed: float = 1.0) -> bool:
    """Load the day around `now` unless it is there, and let yesterday's drivers come home; whether it was new.

    A start that was broken off is taken up where it stopped: the plan is made again around the first one's instant.
    """
    catch_up(api, now)
    today = day_of(now)
    if api.find(f"/api/routes/{demo_id(tour_name(today, len(DAY) - 1) + '/route')}") is not None:
        return False
    first = api.find(f"/api/routes/{demo_id(tour_name(today, 0) + '/route')}")
    anchor = whole_minute(now)
    if first is not None:
        anchor = instant(first["scheduledStartTime"]) - timedelta(minutes=DAY[0].minutes)
    load_fleet(api)
    tours = plan_day(anchor, speed)
    for tour in tours[:-1]:
        _load_tour(api, tour, anchor)
    catch_up(api, anchor - TROUBLE_AGO / speed)
    _load_troubles(api, [tour for tour in tours if tour.fate == "running"], anchor - TROUBLE_AGO / speed)
    catch_up(api, now)
    calls.create_route(api, tours[-1])  # the one in Planning comes last, and says that all is loaded
    return True


def load_fleet(api: ApiClient) -> None:
    """The eight drivers and vehicles; one of each can't be booked. What is there already stays as it is."""
    for number, (name, _) in enumerate(DRIVERS):
        body = {"id": driver_id(number), "name": name, "driverLicense": f"FI-{48_201_337 + number * 7919}"}
        _accept(partial(api.call, "POST", "/api/fleet/drivers", body, demo_id(f"add/driver/{number}")))
    for number, (registration, kind) in enumerate(VEHICLES):
        body = {"id": vehicle_id(number), "registration": registration, "vehicleType": kind}
        _accept(partial(api.call, "POST", "/api/fleet/vehicles", body, demo_id(f"add/vehicle/{number}")))
    for what, subject, status, reason in (
        ("drivers", driver_id(7), "Unavailable", "Sick leave until Monday"),
        ("vehicles", vehicle_id(7), "Maintenance", "Brakes, back tomorrow"),
    ):
        path = f"/api/fleet/{what}/{subject}/status"
        body = {"status": status, "reason": reason}
        _accept(partial(api.call, "PATCH", path, body, demo_id(f"status/{subject}")))


def _load_tour(api: ApiClient, tour: Tour, anchor: datetime) -> None:
    _accept(partial(calls.create_route, api, tour))
    known_since = min(tour.start, anchor) - timedelta(minutes=25)
    _accept(partial(calls.create_delivery, api, tour, known_since))
    if tour.fate == "failed":
        _accept(partial(_fail, api, tour))
    if tour.fate == "arriving":
        _accept(partial(_arrive, api, tour, anchor))


def _fail(api: ApiClient, tour: Tour) -> None:
    """Half of it done, then nobody lets the driver in."""
    delivery = tour.delivery_id
    calls.move(api, delivery, "InTransit", "start", tour.start)
    *done, missed = tour.stops[:3]
    for stop in done:
        _reach(api, tour, stop.sequence, stop.expected + timedelta(seconds=40))
    at = missed.expected + timedelta(minutes=2)
    calls.report(api, delivery, OWN_INCIDENT, "trouble", at)
    at += timedelta(minutes=6)
    calls.move(
        api,
        delivery,
        "Failed",
        "fail",
        at,
        reason="no_access",
        note="Rang three times, the gate stayed shut.",
    )


def _arrive(api: ApiClient, tour: Tour, anchor: datetime) -> None:
    """At the last door right now."""
    calls.move(api, tour.delivery_id, "InTransit", "start", tour.start)
    for stop in tour.stops[:-1]:
        to_go = len(tour.stops) - stop.sequence
        _reach(api, tour, stop.sequence, min(stop.expected, anchor - timedelta(seconds=20 * to_go)))
    _reach(api, tour, len(tour.stops), anchor)


def _load_troubles(api: ApiClient, running: list[Tour], at: datetime) -> None:
    """Something is always going on: one incident is open, two are resolved."""
    for number, (tour, trouble) in enumerate(zip(running, TROUBLES, strict=False)):
        _accept(partial(_trouble, api, tour.delivery_id, trouble, at, number > 0))


def _trouble(
    api: ApiClient, delivery_id: str, trouble: tuple[str, str, str], at: datetime, is_over: bool
) -> None:
    incident = calls.report(api, delivery_id, trouble, "trouble", at)
    if is_over:
        calls.resolve(api, delivery_id, incident)


def _reach(api: ApiClient, tour: Tour, sequence: int, at: datetime) -> None:
    stop = (tour.route_id, sequence, tour.stops[sequence - 1].address.text)
    calls.reach(api, tour.delivery_id, stop, f"reach/{sequence}", at)


def _accept(act: Callable[[], object]) -> None:
    """Take a step of the day. What people did meanwhile may stand against it; that is fine."""
    try:
        act()
    except ApiRefused as refused:
        print(f"demo: {refused}", flush=True)
