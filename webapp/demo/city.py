"""Addresses of the demo city, and how long a round through some of them takes."""

import csv
import math
import random
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from webapp.demo.streets import Place, way_between

ADDRESSES = Path(__file__).parent / "data" / "addresses.csv"
SPEED_MPS = 7.0  # a van in city traffic, seen over the whole way by street
LEAST_APART_M = 25  # nearer ones are the same building
FARTHEST_M = 700  # a neighbourhood's centre from its depot
SERVICE_MINUTES = (1, 1, 1, 2)

_plain_number = re.compile(r"\d+[A-Za-z]?")


@dataclass(frozen=True)
class Address:
    """A real address; WGS 84 degrees. The postcode is "" where the map has none."""

    text: str
    postcode: str
    latitude: float
    longitude: float

    @property
    def place(self) -> Place:
        """Latitude and longitude."""
        return self.latitude, self.longitude

    @property
    def full(self) -> str:
        """As on an envelope."""
        return f"{self.text}, {self.postcode} Helsinki".replace(",  ", ", ")


DEPOTS = (
    Address("Depot Rautatientori", "00100", 60.17135, 24.94385),
    Address("Depot Hakaniemi", "00530", 60.17885, 24.95085),
    Address("Depot Kauppatori", "00170", 60.16755, 24.95235),
    Address("Depot Kamppi", "00100", 60.16875, 24.93560),
)


@lru_cache
def load_addresses() -> tuple[Address, ...]:
    """The addresses with a plain street and house number, in the order of the file."""
    with ADDRESSES.open(newline="", encoding="utf-8") as file:
        return tuple(
            Address(
                f"{row['street']} {row['housenumber']}",
                row["postcode"],
                float(row["latitude"]),
                float(row["longitude"]),
            )
            for row in csv.DictReader(file)
            if _plain_number.fullmatch(row["housenumber"]) and "," not in row["street"]
        )


def distance_m(one: Address, other: Address) -> float:
    """Metres between two addresses as on a flat earth, which is right to the metre within a city."""
    north = (other.latitude - one.latitude) * 111_320
    east = (other.longitude - one.longitude) * 111_320 * math.cos(math.radians(one.latitude))
    return math.hypot(north, east)


def leg_minutes(one: Address, other: Address, service_minutes: int) -> int:
    """Whole minutes from the arrival at one address to the arrival at the next: the stop, then the way by street."""
    driving = way_between(one.place, other.place).metres / SPEED_MPS / 60
    return max(1, round(service_minutes + driving))


def plan_round(count: int, chance: random.Random) -> tuple[Address, list[Address]]:
    """A depot and `count` addresses of one neighbourhood, each the nearest of those left, from the depot on."""
    depot = chance.choice(DEPOTS)
    around = [address for address in load_addresses() if distance_m(depot, address) < FARTHEST_M]
    centre = chance.choice(around)
    near = sorted(load_addresses(), key=lambda address: distance_m(centre, address))[: count * 6]
    chance.shuffle(near)
    left: list[Address] = []
    for address in near:
        if all(distance_m(address, other) >= LEAST_APART_M for other in left):
            left.append(address)
        if len(left) == count:
            break
    planned = [depot]
    while left:
        following = min(left, key=lambda address: distance_m(planned[-1], address))
        left.remove(following)
        planned.append(following)
    return depot, planned[1:]
