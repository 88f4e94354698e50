"""The streets of the demo city as a graph, and the ways that vans and bikes take on it. WGS 84 degrees, metres."""

import heapq
import json
import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path

STREETS = Path(__file__).parent / "data" / "streets.json"
DEGREE_M = 111_195.0
EAST = math.cos(math.radians(60.17))
"""How much shorter a degree to the east is in this city."""
NEAR_A_STREET_M = 400.0

Place = tuple[float, float]


@dataclass(frozen=True)
class Way:
    """A way along streets: its corners in order, at least one."""

    places: tuple[Place, ...]

    @cached_property
    def metres(self) -> float:
        return self._after[-1]

    @cached_property
    def _after(self) -> list[float]:
        return list(accumulate((metres(one, other) for one, other in pairwise(self.places)), initial=0.0))

    def at(self, part: float) -> tuple[Place, float]:
        """Where one is after this part of the way (0 to 1), and the heading there in degrees from north."""
        gone = min(max(part, 0.0), 1.0) * self.metres
        for (one, other), (begins, ends) in zip(pairwise(self.places), pairwise(self._after), strict=True):
            if gone <= ends and ends > begins:
                return between(one, other, (gone - begins) / (ends - begins)), heading(one, other)
        return self.places[-1], 0.0


@dataclass(frozen=True)
class Spot:
    """A point on a piece of street, `part` (0 to 1) along it; `away_m` is how far that is from where one asked."""

    edge: int
    part: float
    place: Place
    away_m: float


class Streets:
    """Nodes are places, edges run from node to node; `is_oneway` forbids the other direction."""

    def __init__(self, nodes: list[Place], edges: list[tuple[int, int, float, bool]]) -> None:
        self.nodes = nodes
        self.edges = edges
        self._ahead: list[list[tuple[int, float]]] = [[] for _ in nodes]
        for one, other, length, is_oneway in edges:
            self._ahead[one].append((other, length))
            if not is_oneway:
                self._ahead[other].append((one, length))

    def nearest(self, place: Place) -> Spot:
        """The spot on a street that is nearest to a place."""
        spots = (self._nearest_on(number, place) for number in range(len(self.edges)))
        return min(spots, key=lambda spot: spot.away_m)

    def way(self, start: Spot, end: Spot) -> Way:
        """The shortest way that obeys the one-way streets."""
        direct = self._along_one_edge(start, end)
        if direct is not None:
            return direct
        last = dict(self._into(end))
        best: dict[int, float] = {}
        came_from: dict[int, int] = {}
        waiting = [(length, node, -1) for node, length in self._out_of(start)]
        heapq.heapify(waiting)
        arrival, arrived_by = math.inf, -1
        while waiting:
            gone, node, before = heapq.heappop(waiting)
            if node in best or gone >= arrival:
                continue
            best[node], came_from[node] = gone, before
            if node in last and gone + last[node] < arrival:
                arrival, arrived_by = gone + last[node], node
            for following, length in self._ahead[node]:
                if following not in best:
                    heapq.heappush(waiting, (gone + length, following, node))
        corners = []
        while arrived_by != -1:
            corners.append(self.nodes[arrived_by])
            arrived_by = came_from[arrived_by]
        return Way((start.place, *reversed(corners), end.place))

    def _nearest_on(self, number: int, place: Place) -> Spot:
        one, other = self.nodes[self.edges[number][0]], self.nodes[self.edges[number][1]]
        north, east = other[0] - one[0], (other[1] - one[1]) * EAST
        to_north, to_east = place[0] - one[0], (place[1] - one[1]) * EAST
        part = (to_north * north + to_east * east) / ((north * north + east * east) or 1.0)
        part = min(max(part, 0.0), 1.0)
        spot = between(one, other, part)
        return Spot(number, part, spot, metres(spot, place))

    def _along_one_edge(self, start: Spot, end: Spot) -> Way | None:
        is_oneway = self.edges[start.edge][3]
        if start.edge == end.edge and (not is_oneway or start.part <= end.part):
            return Way((start.place, end.place))
        return None

    def _out_of(self, spot: Spot) -> list[tuple[int, float]]:
        one, other, length, is_oneway = self.edges[spot.edge]
        onwards = [(other, (1 - spot.part) * length)]
        return onwards if is_oneway else [*onwards, (one, spot.part * length)]

    def _into(self, spot: Spot) -> list[tuple[int, float]]:
        one, other, length, is_oneway = self.edges[spot.edge]
        onwards = [(one, spot.part * length)]
        return onwards if is_oneway else [*onwards, (other, (1 - spot.part) * length)]


@lru_cache
def load_streets() -> Streets:
    """The streets of the demo city."""
    content = json.loads(STREETS.read_text(encoding="utf-8"))
    nodes = [(latitude, longitude) for latitude, longitude in content["nodes"]]
    return Streets(
        nodes, [(one, other, length, bool(is_oneway)) for one, other, length, is_oneway in content["edges"]]
    )


@lru_cache(maxsize=4_096)
def parked_at(place: Place) -> Spot:
    """Where one parks for an address: the nearest spot on a street."""
    return load_streets().nearest(place)


@lru_cache(maxsize=4_096)
def way_between(one: Place, other: Place) -> Way:
    """The way by street from one address to another; the straight line where one of them is outside the city."""
    start, end = parked_at(one), parked_at(other)
    if max(start.away_m, end.away_m) > NEAR_A_STREET_M:
        return Way((one, other))
    return load_streets().way(start, end)


def metres(one: Place, other: Place) -> float:
    """As on a flat earth, which is right to the metre within a city."""
    return math.hypot(other[0] - one[0], (other[1] - one[1]) * EAST) * DEGREE_M


def between(one: Place, other: Place, part: float) -> Place:
    """The place after this part (0 to 1) of the straight line."""
    return one[0] + (other[0] - one[0]) * part, one[1] + (other[1] - one[1]) * part


def heading(one: Place, other: Place) -> float:
    """Degrees from north, clockwise, 0 up to 360."""
    return math.degrees(math.atan2((other[1] - one[1]) * EAST, other[0] - one[0])) % 360
