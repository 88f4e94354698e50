"""Keeps the demo's drivers moving: positions, checkpoints, proofs, now and then an incident, new rounds.

It touches only deliveries that the demo made and drivers that it acts for, and takes every refusal as somebody else's
better idea.
"""

import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from webapp.demo import calls
from webapp.demo.client import ApiClient, ApiRefused
from webapp.demo.day import is_demo_id, is_simulated, plan_tour, whole_minute
from webapp.demo.rounds import Leg, Round, Rounds
from webapp.demo.streets import way_between

TICK_S = 3.0
WISHED_ON_THE_ROAD = 6
MOST_NEW_PER_HOUR = 16  # at speed 1
MOST_NEW_WHEN_FAST = 200
STOPS = (9, 13)
HANDING_OVER = timedelta(seconds=75)
TAKEN_OVER = timedelta(minutes=12)  # so long after its start an unassigned delivery waits for a dispatcher
TROUBLE_CHANCE = 0.04
TROUBLE_MINUTES = (3, 7)  # up to speed 2: long enough to make a driver late
FAILURE_CHANCE = 0.06
TROUBLES = [
    ("Traffic", "Standing still, road works.", "medium"),
    ("Delay", "Waiting for the lift.", "low"),
    ("WeatherDelay", "Black ice, going slowly.", "medium"),
    ("CustomerUnavailable", "Nobody answers the bell yet.", "low"),
    ("Traffic", "Tram stopped across the street.", "high"),
]
FAILURES = [
    ("not_home", "Rang twice, left a note."),
    ("refused", "The customer did not order this."),
    ("no_access", "The door code does not work."),
]
OWN_WORDS = {description for _, description, _ in TROUBLES}


class Simulator:
    """One simulated city. `speed` shortens what it plans, `chance` makes it repeatable."""

    def __init__(self, api: ApiClient, speed: float = 1.0, chance: random.Random | None = None) -> None:
        self._api = api
        self._speed = speed
        self._rounds = Rounds(api)
        self._chance = chance or random.Random()  # noqa: S311 - a believable city needs no secrecy
        self._said = ""

    def run(self, is_over: Callable[[], bool], tick_s: float = TICK_S) -> None:
        """Tick every `tick_s` seconds until `is_over`, whatever the server answers."""
        while not is_over():
            try:
                self.tick(datetime.now(UTC))
            except (ApiRefused, OSError) as error:
                self._say(str(error))
            time.sleep(tick_s)

    def tick(self, now: datetime) -> None:
        """Let everything happen that is due at `now` (aware)."""
        rounds = self._rounds.read()
        for one in rounds:
            self._or_say(partial(self._advance, one, now))
        self._or_say(partial(self._keep_busy, rounds, now))

    def _advance(self, one: Round, now: datetime) -> None:
        self._settle_incidents(one, now)
        if one.status == "PickedUp":
            if one.is_assigned and now >= one.start:
                calls.move(self._api, one.delivery_id, "InTransit", one.step("start"))
        elif one.status == "InTransit":
            self._drive(one, now)
        else:
            self._hand_over(one, now)

    def _drive(self, one: Round, now: datetime) -> None:
        leg = one.next_leg
        if leg is None:
            return
        arrival, left_at = one.arrival(leg, now), one.left_at(leg, now)
        held = one.held_up(left_at, now)
        driving = max(arrival - held - left_at - leg.stop, timedelta(seconds=1))
        self._show(one, leg, (now - held - left_at - leg.stop) / driving, driving, now)
        if now >= arrival:
            stop = (one.route_id, leg.sequence, leg.location)
            calls.reach(self._api, one.delivery_id, stop, one.step("reach"))
            if leg is not one.legs[-1] and self._chance.random() < TROUBLE_CHANCE:
                trouble = self._chance.choice(TROUBLES)
                calls.report(self._api, one.delivery_id, trouble, one.step("trouble"))

    def _hand_over(self, one: Round, now: datetime) -> None:
        if not one.legs:
            return
        self._show(one, one.legs[-1], 1.0, timedelta(seconds=1), now)
        since = one.last_reached_at or now
        if now - since < HANDING_OVER / self._speed:
            return
        if self._chance.random() < FAILURE_CHANCE:
            reason, note = self._chance.choice(FAILURES)
            calls.move(self._api, one.delivery_id, "Failed", one.step("fail"), reason=reason, note=note)
        else:
            calls.prove(self._api, one.delivery_id, one.legs[-1].place, one.step("prove"))

    def _settle_incidents(self, one: Round, now: datetime) -> None:
        """Resolve, after some minutes, what the simulator itself reported; the rest is a dispatcher's."""
        for incident in one.incidents:
            minutes = random.Random(incident.id).uniform(*TROUBLE_MINUTES)  # noqa: S311
            lasts = timedelta(minutes=minutes) / max(self._speed / 2, 1.0)
            is_own = incident.description in OWN_WORDS
            is_last_call = one.status == "OutForDelivery"
            if is_own and incident.until is None and (is_last_call or now - incident.since >= lasts):
                calls.resolve(self._api, one.delivery_id, incident.id)

    def _show(self, one: Round, leg: Leg, way: float, driving: timedelta, now: datetime) -> None:
        """Report where the driver is, `way` (0 to 1) along the streets of the leg."""
        if one.driver_id is None or leg.place is None:
            return
        streets = way_between(leg.before or leg.place, leg.place)
        (latitude, longitude), heading = streets.at(way)
        is_moving = 0.0 < way < 1.0 and streets.metres > 0
        jitter = (
            0.00002 if is_moving else 0.00001
        )  # degrees: a metre or two of street width, or a parked phone
        fix: dict[str, Any] = {
            "latitude": latitude + self._chance.uniform(-jitter, jitter),
            "longitude": longitude + self._chance.uniform(-jitter, jitter),
            "accuracy": self._chance.choice((5, 6, 8, 12)),
            "recordedAt": calls.iso(now),
            "speed": round(streets.metres / driving.total_seconds(), 1) if is_moving else 0.0,
        }
        if is_moving:  # a parked phone knows no heading
            fix["heading"] = round(heading, 1)
        self._api.call("POST", f"/api/drivers/{one.driver_id}/location", fix)

    def _keep_busy(self, rounds: list[Round], now: datetime) -> None:
        """Take over what nobody assigned, or plan another round; a bounded number an hour, one at a time."""
        unassigned = [one for one in rounds if one.status == "PickedUp" and not one.is_assigned]
        overdue = next((one for one in unassigned if now - one.start >= TAKEN_OVER / self._speed), None)
        if overdue is not None:
            self._take_over(overdue, now)
        busy = sum(one.is_assigned for one in rounds)
        most = min(MOST_NEW_PER_HOUR * self._speed, MOST_NEW_WHEN_FAST)
        if (busy < WISHED_ON_THE_ROAD or not unassigned) and self._made_lately(now) < most:
            if busy < WISHED_ON_THE_ROAD:
                self._send_out(now)
            else:
                start = whole_minute(now) + timedelta(minutes=self._chance.randint(20, 40)) / self._speed
                self._plan(start, None, None)

    def _take_over(self, one: Round, now: datetime) -> None:
        driver, vehicle = self._free()
        driver, vehicle = (None if one.driver_id else driver), (None if one.vehicle_id else vehicle)
        if (driver or one.driver_id) and (vehicle or one.vehicle_id):
            step = f"assign/{now:%H:%M:%S.%f}"
            calls.assign(self._api, one.delivery_id, driver, vehicle, step)

    def _send_out(self, now: datetime) -> None:
        driver, vehicle = self._free()
        if driver is not None and vehicle is not None:
            start = whole_minute(now) + timedelta(minutes=self._chance.randint(2, 5)) / self._speed
            self._plan(start, driver, vehicle)

    def _plan(self, start: datetime, driver: str | None, vehicle: str | None) -> None:
        name = f"round/{start:%Y-%m-%dT%H:%M:%S.%f}/{driver}/{self._chance.random()}"
        tour = plan_tour(name, start, self._chance.randint(*STOPS), driver, vehicle, self._speed)
        calls.create_route(self._api, tour)
        calls.create_delivery(self._api, tour)

    def _made_lately(self, now: datetime) -> int:
        since = calls.iso(now - timedelta(hours=1))
        return sum(
            is_demo_id(item["id"]) for item in self._api.items(f"/api/deliveries?from={since}&limit=200")
        )

    def _free(self) -> tuple[str | None, str | None]:
        """A driver and a vehicle of the demo that nobody has booked."""
        overview = self._api.call("GET", "/api/fleet/overview")

        def pick(items: Iterable[dict[str, Any]], key: str) -> str | None:
            available = [item[key] for item in items if item["status"] == "Available"]
            free = [one for one in available if is_demo_id(one) and is_simulated(one)]
            return self._chance.choice(free) if free else None

        return pick(overview["drivers"], "driverId"), pick(overview["vehicles"], "vehicleId")

    def _or_say(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ApiRefused as refused:
            self._say(str(refused))

    def _say(self, text: str) -> None:
        if text != self._said:
            print(f"demo: {text}", flush=True)
        self._said = text
