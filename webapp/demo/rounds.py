"""The unfinished deliveries of the simulated drivers as the API shows them, and how fast their drivers get on.

Nothing is remembered here that a restart would lose: when a driver arrives follows from the plan and from what was
reached so far.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from webapp.demo.city import DEPOTS
from webapp.demo.client import ApiClient
from webapp.demo.day import is_demo_id, is_simulated
from webapp.demo.streets import Place

LONGEST_WAIT = timedelta(minutes=8)
FASTEST, SLOWEST = 0.8, 1.25  # of a leg's planned time
UNFINISHED = ("PickedUp", "InTransit", "OutForDelivery")


@dataclass(frozen=True)
class Incident:
    """Something that went wrong; `until` is None while it is open."""

    id: str
    description: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Leg:
    """A checkpoint and the way to it. `before` and `place` are None where the route has no coordinates."""

    sequence: int
    location: str
    expected: datetime
    planned: timedelta
    stop: timedelta
    before: Place | None
    place: Place | None
    reached_at: datetime | None


@dataclass(frozen=True)
class Round:
    """One unfinished delivery of the demo."""

    delivery_id: str
    route_id: str
    status: str
    version: int
    driver_id: str | None
    vehicle_id: str | None
    start: datetime
    legs: tuple[Leg, ...]
    incidents: tuple[Incident, ...]

    @property
    def is_assigned(self) -> bool:
        """Whether it has both a driver and a vehicle."""
        return self.driver_id is not None and self.vehicle_id is not None

    @property
    def next_leg(self) -> Leg | None:
        """The way to the first outstanding checkpoint."""
        return next((leg for leg in self.legs if leg.reached_at is None), None)

    @property
    def last_reached_at(self) -> datetime | None:
        """When a checkpoint was reached last."""
        return max((leg.reached_at for leg in self.legs if leg.reached_at), default=None)

    def step(self, name: str) -> str:
        """The name of a step that can be taken once at this version of the delivery."""
        return f"{name}@{self.version}"

    def left_at(self, leg: Leg, now: datetime) -> datetime:
        """When the driver set out on a leg; where nothing tells, just so long ago that even a slow one is there."""
        return self.last_reached_at or max(self.start, now - leg.planned * SLOWEST)

    def arrival(self, leg: Leg, now: datetime) -> datetime:
        """When the driver gets there, with some luck, some hurry when late, and waiting out what goes wrong."""
        left_at = self.left_at(leg, now)
        late = left_at + leg.planned - leg.expected
        pace = self._luck(leg.sequence, FASTEST, SLOWEST)
        if abs(late) > timedelta(minutes=1):
            pace = FASTEST if late > timedelta(0) else SLOWEST
        return left_at + leg.planned * pace + self.held_up(left_at, now)

    def held_up(self, since: datetime, now: datetime) -> timedelta:
        """How long incidents have kept the driver from moving since an instant; nobody waits for ever."""
        waits = ((incident.until or now) - max(incident.since, since) for incident in self.incidents)
        return sum((min(max(wait, timedelta(0)), LONGEST_WAIT) for wait in waits), timedelta(0))

    def as_planned(self, leg: Leg) -> datetime:
        """When the driver will have been there if nobody watched: about the expected time, later after troubles."""
        troubles = timedelta(minutes=4) * sum(incident.until is None for incident in self.incidents)
        drift = timedelta(seconds=self._luck(0, -60, 170)) * leg.sequence / len(self.legs)
        return leg.expected + drift + troubles

    def _luck(self, sequence: int, least: float, most: float) -> float:
        return random.Random(f"{self.delivery_id}/{sequence}").uniform(least, most)  # noqa: S311


class Rounds:
    """Reads the demo's unfinished deliveries; asks for details only of those that changed."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._known: dict[str, Round] = {}
        self._routes: dict[str, Any] = {}

    def read(self) -> list[Round]:
        """All of them as they are now, by planned start."""
        found: dict[str, Round] = {}
        for item in self._unfinished():
            known = self._known.get(item["id"])
            same = known is not None and known.version == item["version"]
            found[item["id"]] = known if known is not None and same else self._details(item)
        self._known = found
        routes = {known.route_id for known in found.values()}
        self._routes = {route_id: route for route_id, route in self._routes.items() if route_id in routes}
        return sorted(found.values(), key=lambda known: known.start)

    def _unfinished(self) -> Iterator[dict[str, Any]]:
        for status in UNFINISHED:
            for item in self._api.items(f"/api/deliveries?status={status}&limit=200"):
                if is_demo_id(item["id"]) and is_simulated(item["driverId"]):
                    yield item

    def _details(self, item: dict[str, Any]) -> Round:
        delivery = self._api.call("GET", f"/api/deliveries/{item['id']}")
        if item["routeId"] not in self._routes:
            self._routes[item["routeId"]] = self._api.call("GET", f"/api/routes/{item['routeId']}")
        route = self._routes[item["routeId"]]
        return Round(
            delivery_id=delivery["id"],
            route_id=delivery["routeId"],
            status=delivery["status"],
            version=delivery["version"],
            driver_id=delivery["driverId"],
            vehicle_id=delivery["vehicleId"],
            start=instant(route["scheduledStartTime"]),
            legs=tuple(_legs(route, delivery)),
            incidents=tuple(
                Incident(
                    incident["id"],
                    incident["description"],
                    instant(incident["reportedTimestamp"]),
                    instant(incident["resolvedTimestamp"]) if incident["resolved"] else None,
                )
                for incident in delivery["incidents"]
            ),
        )


def instant(text: str) -> datetime:
    """An instant of the API, aware."""
    return datetime.fromisoformat(text)


def _legs(route: dict[str, Any], delivery: dict[str, Any]) -> Iterator[Leg]:
    reached = {stop["sequence"]: stop["reachedAt"] for stop in delivery["checkpoints"]}
    depots = {depot.text: (depot.latitude, depot.longitude) for depot in DEPOTS}
    before, left_at = depots.get(route["origin"]), instant(route["scheduledStartTime"])
    for number, stop in enumerate(route["checkpoints"]):
        place = None if stop["latitude"] is None else (stop["latitude"], stop["longitude"])
        expected = instant(stop["expectedTime"])
        planned = max(expected - left_at, timedelta(seconds=1))
        served = route["checkpoints"][number - 1]["serviceMinutes"] if number else 0
        reached_at = reached.get(stop["sequence"])
        yield Leg(
            sequence=stop["sequence"],
            location=stop["location"],
            expected=expected,
            planned=planned,
            stop=min(timedelta(minutes=served or 0), planned / 2),
            before=before,
            place=place,
            reached_at=instant(reached_at) if reached_at else None,
        )
        before, left_at = place or before, expected
