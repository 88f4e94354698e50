"""From the bytes of an upload to rows of cells: which encoding, which separator, and what isn't a CSV at all."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 5_000
MOST_COLUMNS = 100
SEPARATORS = (";", ",", "\t", "|")

SAVE_AS_CSV = (
    "In Excel choose File → Save As → “CSV UTF-8 (Comma delimited)”, in LibreOffice File → Save As → “Text CSV”;"
    " then upload that file."
)
OTHER_FILES = {
    b"PK\x03\x04": f"This is an Excel or LibreOffice workbook, not a CSV file, whatever its name says. {SAVE_AS_CSV}",
    b"\xd0\xcf\x11\xe0": f"This is an old Excel workbook (.xls), not a CSV file. {SAVE_AS_CSV}",
    b"%PDF": "This is a PDF, not a CSV file. Export the list as CSV from the program that made it.",
}


class Unreadable(ValueError):
    """The file can't be read as a table; the message tells a dispatcher what to do."""


@dataclass(frozen=True)
class Row:
    """One row with its number as spreadsheets count: the header is row 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A file's header and its rows that hold anything."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    separator: str
    encoding: str


def read_sheet(content: bytes, count_known: Callable[[list[str]], int]) -> Sheet:
    """The table in `content`. `count_known` says how many cells of a header it knows; it decides the separator.

    UTF-8 (with BOM or without) and UTF-16 with BOM are recognised; anything else is taken for Windows-1252. Raises
    `Unreadable`.
    """
    text, encoding = _decode(content)
    text, separator = _without_separator_line(text)
    separators = (separator,) if separator else SEPARATORS
    best = max(separators, key=lambda each: _rate(text, each, count_known))
    header: tuple[str, ...] = ()
    rows: list[Row] = []
    for number, cells in enumerate(_records(text, best), start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = tuple(_strip_tail(cells))
            _check_width(header)
        elif len(rows) == MOST_ROWS:
            raise Unreadable(f"The file has more than {MOST_ROWS:,} rows. Split it and import the parts.")
        else:
            rows.append(Row(number, _fitted(cells, len(header))))
    if not header:
        raise Unreadable("The file is empty.")
    if not rows:
        raise Unreadable("There is nothing below the header: the file has no rows to import.")
    return Sheet(header, tuple(rows), best, encoding)


def _decode(content: bytes) -> tuple[str, str]:
    for start, message in OTHER_FILES.items():
        if content.startswith(start):
            raise Unreadable(message)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError:
            raise Unreadable(f"This is not a text file. {SAVE_AS_CSV}") from None
    if b"\x00" in content:
        raise Unreadable(f"This is not a text file. {SAVE_AS_CSV}")
    try:
        text, encoding = content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        try:
            text, encoding = content.decode("cp1252"), "Windows-1252"
        except UnicodeDecodeError:
            raise Unreadable(
                f"The text is neither UTF-8 nor Windows-1252, or the file isn't text. {SAVE_AS_CSV}"
            ) from None
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise Unreadable(f"This is a web page or XML, not a CSV file. {SAVE_AS_CSV}")
    return text, encoding


def _without_separator_line(text: str) -> tuple[str, str | None]:
    """Excel's own first line `sep=;` says the separator; spreadsheets don't count it as a row."""
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first.rstrip("\r")) == 5:
        return rest, first[4]
    return text, None


def _rate(text: str, separator: str, count_known: Callable[[list[str]], int]) -> tuple[int, int]:
    try:
        header = next((cells for cells in _records(text, separator) if any(map(str.strip, cells))), [])
    except Unreadable:
        return 0, 0
    return count_known(header), len(header)


def _records(text: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):  # noqa: B007 - how far it came is said below
            yield cells
    except csv.Error:
        raise Unreadable(
            f"Row {number + 1} can't be read: a quotation mark is never closed, or stands in the middle of a quoted"
            " text (it must be doubled there)."
        ) from None


def _check_width(header: tuple[str, ...]) -> None:
    if len(header) > MOST_COLUMNS:
        raise Unreadable(f"The header has {len(header)} columns; {MOST_COLUMNS} at most.")


def _strip_tail(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _fitted(cells: list[str], width: int) -> tuple[str, ...]:
    """As many cells as the header; more only where they hold something, which is an error of that row."""
    kept = _strip_tail(cells)
    return tuple([*kept, *[""] * (width - len(kept))])
