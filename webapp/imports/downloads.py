"""The CSV files that people take away: templates, and rows that weren't imported with the reason beside them."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta

from webapp.imports.columns import PROBLEM
from webapp.imports.items import Kind
from webapp.imports.models import ItemView
from webapp.imports.planning import COLUMNS
from webapp.presentation import today

WHOLE_OR_NOT = "Another row of this route has a problem; a route is imported whole or not at all."
EXAMPLE_STOPS = (
    ("Market Square", "Market Square 1", "60.1675", "24.9525", "08:20"),
    ("Railway Square", "Railway Square 3", "60.1716", "24.9440", "08:45"),
)


def template_csv(kind: Kind, separator: str) -> bytes:
    """A file with the columns' names and an example, as spreadsheets open it."""
    columns = COLUMNS[kind]
    if kind is not Kind.ROUTES:
        shown = [column for column in columns if column.example]
        return _csv([[column.label for column in shown], [column.example for column in shown]], separator)
    labels = [column.label for column in columns]
    return _csv([labels, *_example_route()], separator)


def rejected_csv(header: Sequence[str], separator: str, items: Iterable[ItemView]) -> bytes:
    """The rows of the items as they stood in the file, by row number, with a column that says why."""
    rows = []
    for item in items:
        for line in item.lines:
            problem = " ".join(line.problems) or item.remark or WHOLE_OR_NOT
            width = max(len(header), len(line.cells))
            cells = [*line.cells, *[""] * (width - len(line.cells))]
            rows.append((line.number, [*cells[: len(header)], problem, *cells[len(header) :]]))
    rows.sort(key=lambda row: row[0])
    said_before = len(header) > 0 and header[-1].strip() == PROBLEM
    if said_before:  # it was downloaded, changed and refused again: one reason is enough
        rows = [(number, [*cells[: len(header) - 1], *cells[len(header) :]]) for number, cells in rows]
    names = [*(header[:-1] if said_before else header), PROBLEM]
    return _csv([names, *(cells for _, cells in rows)], separator)


def _example_route() -> list[list[str]]:
    day = today() + timedelta(days=1)
    rows = []
    for number, (place, address, latitude, longitude, at) in enumerate(EXAMPLE_STOPS, start=1):
        values = {
            "route": "North",
            "origin": "Depot",
            "destination": "Harbour",
            "start": f"{datetime.combine(day, time(8)):%Y-%m-%d %H:%M}",
            "sequence": str(number),
            "location": place,
            "expected": f"{day} {at}",
            "address": address,
            "latitude": latitude,
            "longitude": longitude,
            "service_minutes": "5",
        }
        rows.append([values.get(column.field, "") for column in COLUMNS[Kind.ROUTES]])
    return rows


def _csv(rows: Iterable[Sequence[str]], separator: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")
