"""Addresses of the demo city, and how long it takes between them."""

import csv
import math
import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

ADDRESSES = Path(__file__).parent / "data" / "addresses.csv"
SPEED_MPS = 3.2  # a cargo bike or a van in city traffic, seen over a whole leg
STOP_TIME = timedelta(minutes=2)


@dataclass(frozen=True)
class Address:
    """A real address; WGS 84 degrees."""

    text: str
    latitude: float
    longitude: float


def load_addresses() -> list[Address]:
    """The addresses with a plain house number, in the order of the file."""
    with ADDRESSES.open(newline="", encoding="utf-8") as file:
        return [
            Address(f"{row['street']} {row['housenumber']}", float(row["latitude"]), float(row["longitude"]))
            for row in csv.DictReader(file)
            if row["housenumber"].split(" ")[0].isalnum() and len(row["housenumber"]) <= 6
        ]


def distance_m(one: Address, other: Address) -> float:
    """Metres between two addresses, flat-earth, which is right to the metre within a city."""
    north = (other.latitude - one.latitude) * 111_320
    east = (other.longitude - one.longitude) * 111_320 * math.cos(math.radians(one.latitude))
    return math.hypot(north, east)


def leg_time(one: Address, other: Address) -> timedelta:
    """Driving plus the stop, in whole minutes."""
    seconds = distance_m(one, other) * 1.3 / SPEED_MPS + STOP_TIME.total_seconds()
    return timedelta(minutes=max(2, round(seconds / 60)))


def plan_tour(addresses: list[Address], count: int, chance: random.Random) -> list[Address]:
    """`count` addresses not too far from each other, each the nearest of those left (a believable round)."""
    centre = chance.choice(addresses)
    near = sorted(addresses, key=lambda address: distance_m(centre, address))[: count * 12]
    chosen = {address.text: address for address in chance.sample(near, min(len(near), count * 3))}
    left = list(chosen.values())[:count]
    tour = [left.pop(0)]
    while left:
        following = min(left, key=lambda address: distance_m(tour[-1], address))
        left.remove(following)
        tour.append(following)
    return tour
