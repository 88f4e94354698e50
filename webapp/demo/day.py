"""The plan of a demo day: who, what, where and when, computed from the date and an instant. No I/O."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from webapp.demo.city import SERVICE_MINUTES, Address, leg_minutes, plan_round

Fate = Literal["delivered", "failed", "running", "arriving", "waiting", "planning"]

HELSINKI = ZoneInfo("Europe/Helsinki")
NAMESPACE = UUID("6f0c1f5e-3c52-4d0e-9a55-0c6f4b1d7a10")
MARK = "de300000"

DRIVERS = [
    ("Aino Lehtola", "aino"),
    ("Mikko Rantala", "mikko"),
    ("Sara Wikholm", "sara"),
    ("Juho Kettunen", "juho"),
    ("Leena Saarikko", "leena"),
    ("Omar Haddadi", "omar"),
    ("Petra Sundell", "petra"),
    ("Ville Harjula", "ville"),
]
VISITOR = 6  # this driver's deliveries are left to whoever tries the demo by hand
VEHICLES = [
    ("KLP-482", "Van"),
    ("RTX-917", "Van"),
    ("VNA-305", "Electric van"),
    ("BIKE-01", "Cargo bike"),
    ("BIKE-02", "Cargo bike"),
    ("BIKE-03", "Cargo bike"),
    ("ZEV-660", "Electric truck"),
    ("MOP-214", "Van"),
]


class Wish(NamedTuple):
    """One tour of the day: its start in minutes from now, driver and vehicle by number, how many stops."""

    minutes: int
    driver: int | None
    vehicle: int | None
    stops: int
    fate: Fate


DAY = [
    Wish(-185, 0, 0, 6, "delivered"),
    Wish(-150, 1, 1, 5, "delivered"),
    Wish(-120, 2, 2, 4, "failed"),
    Wish(-95, 3, 3, 5, "delivered"),
    Wish(-6, 0, 0, 7, "running"),
    Wish(-5, 1, 1, 6, "running"),
    Wish(-4, 3, 3, 6, "running"),
    Wish(-10, 2, 2, 4, "arriving"),
    Wish(2, 4, 6, 5, "waiting"),
    Wish(6, 5, 4, 4, "waiting"),
    Wish(45, None, None, 4, "waiting"),
    Wish(70, None, None, 3, "waiting"),
    Wish(180, None, None, 4, "planning"),
]


@dataclass(frozen=True)
class Stop:
    """A checkpoint of a tour."""

    sequence: int
    address: Address
    expected: datetime
    service_minutes: int


@dataclass(frozen=True)
class Tour:
    """A route and its delivery, as planned. `fate` says what has become of it by now."""

    name: str
    depot: Address
    start: datetime
    stops: tuple[Stop, ...]
    driver_id: str | None
    vehicle_id: str | None
    fate: Fate = "waiting"

    @property
    def route_id(self) -> str:
        return demo_id(f"{self.name}/route")

    @property
    def delivery_id(self) -> str:
        return demo_id(f"{self.name}/delivery")


def demo_id(name: str) -> str:
    """The id of something of the demo: the same name has the same id on every run, and the id shows its origin."""
    return MARK + str(uuid5(NAMESPACE, name))[len(MARK) :]


def is_demo_id(text: str) -> bool:
    """Whether the demo made this, rather than a person."""
    return text.startswith(MARK)


def driver_id(number: int) -> str:
    """The id of a demo driver."""
    return demo_id(f"driver/{number}")


def is_simulated(driver: str | None) -> bool:
    """Whether the demo itself acts for this driver; also where there is none yet."""
    return driver is None or (is_demo_id(driver) and driver != driver_id(VISITOR))


def vehicle_id(number: int) -> str:
    """The id of a demo vehicle."""
    return demo_id(f"vehicle/{number}")


def plan_day(anchor: datetime, speed: float = 1.0) -> list[Tour]:
    """The tours around `anchor` (aware, whole minutes); `speed` shortens those that are going on."""
    return list(_planned(anchor, speed))


def _planned(anchor: datetime, speed: float) -> Iterator[Tour]:
    for number, wish in enumerate(DAY):
        is_past = wish.fate in ("delivered", "failed")
        start = anchor + timedelta(minutes=wish.minutes) / (1.0 if is_past else speed)
        driver = None if wish.driver is None else driver_id(wish.driver)
        vehicle = None if wish.vehicle is None else vehicle_id(wish.vehicle)
        name = tour_name(day_of(anchor), number)
        yield plan_tour(name, start, wish.stops, driver, vehicle, speed, wish.fate)


def plan_tour(
    name: str,
    start: datetime,
    count: int,
    driver: str | None,
    vehicle: str | None,
    speed: float = 1.0,
    fate: Fate = "waiting",
) -> Tour:
    """One round of `count` stops through the city; the same name gives the same addresses and times."""
    chance = random.Random(name)  # noqa: S311 - a believable day needs no secrecy
    depot, addresses = plan_round(count, chance)
    minutes, before, service = 0, depot, 0
    stops: list[Stop] = []
    for sequence, address in enumerate(addresses, start=1):
        minutes += leg_minutes(before, address, service)
        before, service = address, chance.choice(SERVICE_MINUTES)
        stops.append(Stop(sequence, address, start + timedelta(minutes=minutes) / speed, service))
    return Tour(name, depot, start, tuple(stops), driver, vehicle, fate)


def tour_name(day: date, number: int) -> str:
    """What a tour of the day's plan is called."""
    return f"{day:%Y-%m-%d}/{number}"


def day_of(instant: datetime) -> date:
    """The date in Helsinki."""
    return instant.astimezone(HELSINKI).date()


def whole_minute(instant: datetime) -> datetime:
    """The instant without seconds, in UTC."""
    return instant.astimezone(UTC).replace(second=0, microsecond=0)
