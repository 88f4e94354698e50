"""Reads a board's rows as a browser would."""

import html
import re
from typing import Any

_row = re.compile(r'<tr id="d-([^"]+)".*?</tr>', re.DOTALL)
_attribute = re.compile(r'data-([a-z]+)="([^"]*)"')


def rows_of(page: str) -> dict[str, str]:
    """The rendered rows by delivery id, in the order of the page."""
    return {found.group(1): found.group(0) for found in _row.finditer(page)}


def pushed_rows(frame: dict[str, Any]) -> dict[str, str]:
    """The list's rows of a frame by delivery id, without the timeline's bars that come with them."""
    return {row["id"]: row["html"].partition("<template>")[0] for row in frame["rows"]}


def data_of(row: str) -> dict[str, str]:
    """The data attributes of a row itself."""
    head = row[: row.index(">")]
    return {name: html.unescape(value) for name, value in _attribute.findall(head)}


def seq_of(page: str) -> int:
    """Up to where in the board's log the page shows everything."""
    found = re.search(r'data-seq="(\d+)"', page)
    assert found is not None
    return int(found.group(1))
