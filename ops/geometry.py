"""Lines and boxes on the map, as points of longitude and latitude in degrees."""

import math
from collections.abc import Iterable

Point = tuple[float, float]
Line = list[Point]
Box = tuple[float, float, float, float]
"""West, south, east, north."""


def joined(parts: Iterable[Line]) -> list[Line]:
    """Lines put together where exactly two ends meet, so that a street's name has room.

    Where three or more meet they stay apart; which one goes on there is anybody's guess.
    """
    lines = [list(part) for part in parts]
    ends: dict[Point, int] = {}
    for line in lines:
        for end in (line[0], line[-1]):
            ends[end] = ends.get(end, 0) + 1
    done: list[Line] = []
    while lines:
        line = lines.pop(0)
        while (following := _continuation(line, lines, ends)) is not None:
            lines.remove(following)
            line = _chained(line, following)
        done.append(line)
    return done


def closed_along(run: Line, box: Box) -> Line:
    """A ring from a shore that runs from edge to edge of the box: closed along the edges, the shorter way round.

    For what the extract cuts off at its corners and edges; not for a shore that leaves most of the box under water.
    """
    start, end = _on_edge(run[0], box), _on_edge(run[-1], box)
    return [start[1], *run, end[1], *_corners_between(end[0], start[0], box), start[1]]


def _continuation(line: Line, others: list[Line], ends: dict[Point, int]) -> Line | None:
    for end in (line[-1], line[0]):
        if ends[end] == 2 and line[0] != line[-1]:
            found = next((other for other in others if end in (other[0], other[-1])), None)
            if found is not None:
                return found
    return None


def _chained(line: Line, other: Line) -> Line:
    if line[-1] not in (other[0], other[-1]):
        line = line[::-1]
    if line[-1] != other[0]:
        other = other[::-1]
    return line + other[1:]


def _on_edge(point: Point, box: Box) -> tuple[float, Point]:
    """The nearest point on the box's edge, and how far it is round the box from the south-west, 0 to 4."""
    west, south, east, north = box
    x, y = (point[0] - west) / (east - west), (point[1] - south) / (north - south)
    return min(
        (abs(y), x, (point[0], south)),
        (abs(1 - x), 1 + y, (east, point[1])),
        (abs(1 - y), 3 - x, (point[0], north)),
        (abs(x), 4 - y, (west, point[1])),
    )[1:]


def _corners_between(begin: float, end: float, box: Box) -> Line:
    """The box's corners on the shorter way round from one place on its edge to another."""
    west, south, east, north = box
    corners = [(west, south), (east, south), (east, north), (west, north)]
    ahead = (end - begin) % 4
    if ahead > 2:
        return _corners_between(end, begin, box)[::-1]
    first = math.ceil(begin)
    return [corners[number % 4] for number in range(first, first + 4) if number < begin + ahead]
