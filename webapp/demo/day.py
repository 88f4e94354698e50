"""The plan of a demo day: who, what, where and when, computed from a seed and an anchor instant. No I/O."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from webapp.demo.city import Address, leg_time, load_addresses, plan_tour

NAMESPACE = UUID("6f0c1f5e-3c52-4d0e-9a55-0c6f4b1d7a10")

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
DEPOT = "Depot Rautatientori"
STOPS_PER_ROUTE = 5

# (minutes from now to the start, driver, vehicle, what has become of it by now)
TOURS: list[tuple[int, int | None, int | None, str]] = [
    (-190, 0, 0, "delivered"),
    (-175, 1, 1, "delivered"),
    (-160, 2, 2, "failed"),
    (-120, 3, 3, "delivered"),
    (-14, 0, 0, "running"),
    (-10, 1, 1, "running"),
    (-18, 3, 3, "running"),
    (-7, 4, 4, "running"),
    (-4, 2, 2, "running"),
    (3, 5, 5, "waiting"),
    (12, 6, 6, "waiting"),
    (25, None, None, "waiting"),
    (40, 5, None, "waiting"),
    (180, None, None, "planning"),
]


@dataclass(frozen=True)
class Stop:
    """A checkpoint of a tour."""

    sequence: int
    address: Address
    expected: datetime


@dataclass(frozen=True)
class Tour:
    """A route and what is to become of its delivery. `fate` is delivered, failed, running, waiting or planning."""

    name: str
    start: datetime
    stops: list[Stop]
    driver: int | None
    vehicle: int | None
    fate: str
    chance: random.Random = field(compare=False, repr=False, default_factory=random.Random)

    @property
    def route_id(self) -> str:
        return demo_id(f"route/{self.name}")

    @property
    def delivery_id(self) -> str:
        return demo_id(f"delivery/{self.name}")

    def lateness(self, sequence: int) -> timedelta:
        """By how much the driver misses the expected time of a stop; the same at each asking."""
        return timedelta(seconds=random.Random(f"{self.name}/{sequence}").randint(-90, 240))  # noqa: S311


def demo_id(name: str) -> str:
    """The id of something of the demo; the same name has the same id on every run."""
    return str(uuid5(NAMESPACE, name))


def plan_day(anchor: datetime) -> list[Tour]:
    """The tours of the day around `anchor` (aware, UTC, whole minutes)."""
    return [
        plan_one(f"{anchor:%Y-%m-%d}/{number}", anchor + timedelta(minutes=minutes), driver, vehicle, fate)
        for number, (minutes, driver, vehicle, fate) in enumerate(TOURS)
    ]


def plan_one(name: str, start: datetime, driver: int | None, vehicle: int | None, fate: str) -> Tour:
    """One tour through the city; the same name gives the same addresses."""
    chance = random.Random(name)  # noqa: S311 - a believable day needs no secrecy
    count = STOPS_PER_ROUTE - (chance.random() < 0.3) + (chance.random() < 0.2)
    stops: list[Stop] = []
    at = start
    for sequence, address in enumerate(plan_tour(load_addresses(), count, chance), start=1):
        at += leg_time(stops[-1].address, address) if stops else timedelta(minutes=3)
        stops.append(Stop(sequence, address, at))
    return Tour(name, start, stops, driver, vehicle, fate, chance)


def whole_minute(instant: datetime) -> datetime:
    """The instant without seconds, in UTC."""
    return instant.astimezone(UTC).replace(second=0, microsecond=0)
