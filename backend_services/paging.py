"""Paging by cursor: a page continues after the last row that was seen, whatever was added meanwhile."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, tuple_

Row = TypeVar("Row")


class BadCursor(ValueError):
    """The cursor is not one that this list gave out."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows and the cursor of the next one (None on the last page)."""

    items: list[Row]
    next_cursor: str | None


def encode_cursor(name: str, *keys: Any) -> str:
    """The opaque cursor of the list `name` for a row's sort keys (JSON values or instants)."""
    return base64.urlsafe_b64encode(msgspec.json.encode((name, keys))).decode().rstrip("=")


def decode_cursor(name: str, cursor: str, types: type) -> Any:
    """The sort keys (as the tuple type `types`) of a cursor of the list `name`. Raises `BadCursor`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        of, keys = msgspec.json.decode(raw, type=tuple[str, msgspec.Raw])
        if of != name:
            raise ValueError(f"a cursor of {of}")
        return msgspec.json.decode(keys, type=types)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise BadCursor("is not one that this list gave out") from error


def after_cursor(
    name: str, cursor: str | None, types: type, columns: Sequence[Any], *, descending: bool = False
) -> list[ColumnElement[bool]]:
    """The conditions that make the query of the list `name` continue after `cursor`; none for the first page."""
    if cursor is None:
        return []
    keys = tuple_(*decode_cursor(name, cursor, types))
    return [tuple_(*columns) < keys if descending else tuple_(*columns) > keys]


def page_of(name: str, rows: Sequence[Row], limit: int, keys: Callable[[Row], tuple[Any, ...]]) -> Page[Row]:
    """A page of the list `name` from `limit` + 1 fetched rows: the extra one only tells that there is more."""
    items = list(rows[:limit])
    more = len(rows) > limit
    return Page(items, encode_cursor(name, *keys(items[-1])) if more and items else None)
