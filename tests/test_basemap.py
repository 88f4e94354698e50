"""The offline map: how it is built from OpenStreetMap, and what is shipped."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.geometry import closed_along, joined

SHIPPED = Path("webapp/static/basemap")
BOX = (0.0, 0.0, 10.0, 10.0)
EXTRACT = """<?xml version="1.0"?><osm version="0.6"><bounds minlat="0" minlon="0" maxlat="1" maxlon="1"/>
<node id="1" lon="0.1" lat="0.1"/><node id="2" lon="0.2" lat="0.1"/><node id="3" lon="0.2" lat="0.2"/>
<node id="4" lon="0.3" lat="0.1"/>
<node id="5" lon="0.5" lat="0.5"><tag k="place" v="suburb"/><tag k="name" v="Midtown"/></node>
<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/><tag k="name" v="Long Street"/></way>
<way id="2"><nd ref="2"/><nd ref="4"/><nd ref="99"/>
<tag k="highway" v="residential"/><tag k="name" v="Long Street"/></way>
<way id="3"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="building" v="yes"/></way>
<way id="4"><nd ref="1"/><nd ref="3"/><tag k="highway" v="footway"/><tag k="footway" v="sidewalk"/></way>
<way id="5"><nd ref="1"/><nd ref="3"/><tag k="highway" v="primary"/><tag k="tunnel" v="yes"/></way>
</osm>"""


def test_what_is_drawn_of_an_extract(tmp_path: Path) -> None:
    from ops.basemap import write

    extract, output = tmp_path / "extract.osm", tmp_path / "map.geojson"
    extract.write_text(EXTRACT)

    write(extract, output)
    made = json.loads(output.read_text())

    assert made["bbox"] == [0, 0, 1, 1]
    building, street, suburb = made["features"]
    assert building["properties"] == {"kind": "building"}
    assert len(building["geometry"]["coordinates"][0][0]) == 4
    assert street["properties"] == {"kind": "street", "class": "minor", "name": "Long Street"}
    assert street["geometry"]["coordinates"] == [[0.1, 0.1], [0.2, 0.1], [0.3, 0.1]], "both ways as one line"
    assert suburb["properties"] == {"kind": "place", "class": "suburb", "name": "Midtown"}
    first = output.read_bytes()
    write(extract, output)
    assert output.read_bytes() == first, "the same extract makes the same map"


def test_lines_are_joined_only_where_two_ends_meet() -> None:
    a, b, c, d, e = (0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (2.0, 1.0)

    assert joined([[b, c], [b, a]]) == [[c, b, a]]
    assert joined([[a, b], [b, c], [c, d], [c, e]]) == [[a, b, c], [c, d], [c, e]], "a fork stays one"
    assert joined([[a, b, c, a]]) == [[a, b, c, a]], "so does a ring"


@pytest.mark.parametrize(
    ("run", "corners"),
    [
        ([(4.0, 9.9), (6.0, 6.0), (9.9, 4.0)], [(10, 10)]),
        ([(9.9, 4.0), (6.0, 6.0), (4.0, 9.9)], [(10, 10)]),
        ([(9.9, 3.0), (8.0, 5.0), (9.9, 7.0)], []),
        ([(1.0, 0.1), (2.0, 5.0), (1.0, 9.9)], [(0, 10), (0, 0)]),
    ],
)
def test_water_is_closed_along_the_edge_the_shorter_way(
    run: list[tuple[float, float]], corners: list[tuple[float, float]]
) -> None:
    ring = closed_along(run, BOX)

    assert ring[0] == ring[-1]
    assert [point for point in ring if point in {(0, 0), (10, 0), (10, 10), (0, 10)}] == corners


@pytest.fixture(scope="module")
def shipped() -> Any:
    return json.loads((SHIPPED / "helsinki-centre.geojson").read_text())


def test_the_shipped_map_has_everything_one_looks_for(shipped: Any) -> None:
    kinds = {feature["properties"]["kind"] for feature in shipped["features"]}
    names = {feature["properties"].get("name") for feature in shipped["features"]}

    assert {"street", "building", "water", "green", "rail", "square", "place", "station"} <= kinds
    assert {"Mannerheimintie", "Aleksanterinkatu", "Kaisaniemenlahti", "Kluuvi"} <= names
    assert (SHIPPED / "helsinki-centre.geojson").stat().st_size < 3_000_000


def test_the_shipped_map_names_where_it_is_from(shipped: Any) -> None:
    assert shipped["attribution"] == "© OpenStreetMap contributors"
    assert "Open Database Licence 1.0" in (SHIPPED / "README.md").read_text()
