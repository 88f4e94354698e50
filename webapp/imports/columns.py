"""Which columns each kind of import has, and the names under which spreadsheets of other programs call them."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webapp.imports.reading import Row, Unreadable

PROBLEM = "Problem"
"""The column that a download of rows that weren't imported adds; uploaded again it says nothing."""


@dataclass(frozen=True)
class Column:
    """A column of the template. `others` are further names; `unless` names fields that do instead of a required one."""

    field: str
    label: str
    others: tuple[str, ...] = ()
    is_required: bool = False
    unless: tuple[str, ...] = ()
    hint: str = ""
    example: str = ""


DRIVERS = (
    Column(
        "name",
        "Name",
        ("Driver", "Driver name", "Full name", "Display name", "Employee", "Worker"),
        is_required=True,
        unless=("first_name", "last_name"),
        hint="Or two columns, First name and Last name.",
        example="Example Driver",
    ),
    Column(
        "driver_license",
        "Licence",
        (
            "License",
            "Driver licence",
            "Driver license",
            "Driver's licence",
            "Driver's license",
            "Driving licence",
            "Driving license",
            "Licence number",
            "License number",
            "Licence no",
            "License no",
            "Driver license number",
            "Driver licence number",
            "DL",
            "DL number",
        ),
        is_required=True,
        hint="Its number.",
        example="L-0001",
    ),
    Column("first_name", "First name", ("Given name", "Forename")),
    Column("last_name", "Last name", ("Surname", "Family name")),
)
VEHICLES = (
    Column(
        "registration",
        "Registration",
        (
            "Registration number",
            "Registration no",
            "Reg",
            "Reg no",
            "Plate",
            "Plate number",
            "Number plate",
            "License plate",
            "Licence plate",
            "Vehicle registration",
            "Vehicle number",
            "Vehicle",
            "VRN",
        ),
        is_required=True,
        hint="The plate, or what is painted on the bike.",
        example="ABC-123",
    ),
    Column(
        "vehicle_type",
        "Type",
        ("Vehicle type", "Category", "Vehicle category", "Class", "Kind", "Body type"),
        is_required=True,
        hint="Van, cargo bike, truck, …",
        example="Van",
    ),
)
ROUTES = (
    Column(
        "route",
        "Route",
        ("Route name", "Route number", "Route no", "Route id", "Tour", "Trip", "Run", "Round"),
        is_required=True,
        hint="The same name or number on every row of one route. It only groups the rows.",
        example="North",
    ),
    Column(
        "origin",
        "From",
        ("Origin", "Depot", "Start location", "Start place", "Start address", "Departure"),
        is_required=True,
        hint="Where the route starts; on its first row is enough.",
        example="Depot",
    ),
    Column(
        "destination",
        "To",
        ("Destination", "End location", "End place", "End address"),
        hint="Empty: the last checkpoint's place.",
        example="Harbour",
    ),
    Column(
        "start",
        "Start",
        ("Start time", "Scheduled start", "Scheduled start time", "Departure time", "Starts at", "Start at"),
        is_required=True,
        hint="Date and time, or the time alone with a Date column; on its first row is enough.",
    ),
    Column("date", "Date", ("Day", "Route date", "Delivery date"), hint="For times without a date."),
    Column(
        "sequence",
        "Sequence",
        (
            "Seq",
            "No",
            "Nr",
            "Number",
            "Stop number",
            "Stop no",
            "Order",
            "Position",
            "Stop order",
            "Sequence number",
        ),
        hint="1, 2, 3, … Without the column: as the rows stand in the file.",
        example="1",
    ),
    Column(
        "location",
        "Place",
        (
            "Location",
            "Checkpoint",
            "Stop",
            "Stop name",
            "Place name",
            "Customer",
            "Recipient",
            "Location name",
        ),
        is_required=True,
        hint="The checkpoint's name.",
        example="Market Square",
    ),
    Column(
        "expected",
        "Expected at",
        (
            "Expected",
            "Expected time",
            "ETA",
            "Arrival",
            "Arrival time",
            "Time",
            "Planned time",
            "Planned arrival",
        ),
        is_required=True,
        hint="Date and time; or the time alone: the next one after the row above.",
    ),
    Column(
        "address",
        "Address",
        ("Street address", "Street", "Full address", "Delivery address"),
        hint="For the driver's navigation, where there are no coordinates.",
        example="Market Square 1",
    ),
    Column(
        "latitude", "Latitude", ("Lat", "Y"), hint="WGS 84 degrees, with its longitude.", example="60.1675"
    ),
    Column(
        "longitude",
        "Longitude",
        ("Lon", "Lng", "Long", "X"),
        hint="Decimal point or comma.",
        example="24.9525",
    ),
    Column(
        "service_minutes",
        "Service minutes",
        ("Service time", "Service duration", "Duration", "Minutes", "Stop duration", "Service"),
        hint="How long the stop takes, 0 to 1440.",
        example="5",
    ),
    Column(
        "window_start",
        "Window from",
        ("Time window start", "Window start", "Earliest", "TW start", "Not before"),
        hint="When the stop may be visited.",
    ),
    Column(
        "window_end",
        "Window to",
        ("Time window end", "Window end", "Latest", "TW end", "Not after", "Deadline"),
    ),
)


@dataclass(frozen=True)
class Found:
    """Where a file's header has each field, and the columns that mean nothing here."""

    indexes: Mapping[str, int]
    unused: tuple[str, ...]
    width: int

    def has(self, field: str) -> bool:
        """Whether there is a column for it."""
        return field in self.indexes

    def values(self, row: Row) -> dict[str, str]:
        """A row's texts by field, on one line and without surrounding blanks; empty where there is no column."""
        return {field: " ".join(row.cells[index].split()) for field, index in self.indexes.items()}


def count_known(columns: Sequence[Column], header: Sequence[str]) -> int:
    """How many cells of the header name a column."""
    known = _by_name(columns)
    return sum(_plain(cell) in known for cell in header)


def find_columns(columns: Sequence[Column], header: Sequence[str]) -> Found:
    """Match the header's names. Raises `Unreadable` when a required column is missing or a field has two."""
    known, indexes, unused = _by_name(columns), dict[str, int](), []
    for index, cell in enumerate(header):
        column = known.get(_plain(cell))
        if column is None:
            if cell.strip() and _plain(cell) != _plain(PROBLEM):
                unused.append(" ".join(cell.split())[:60])
        elif column.field in indexes:
            twice = " and ".join(f"“{header[at].strip()[:60]}”" for at in (indexes[column.field], index))
            raise Unreadable(
                f"Two columns mean the same ({column.label}): {twice}. Rename or delete one of them."
            )
        else:
            indexes[column.field] = index
    missing = [column for column in columns if not _is_there(column, indexes)]
    if missing:
        named = ", ".join(f"“{cell.strip()[:40]}”" for cell in header[:12])
        wanted = ", ".join(f"“{column.label}”" for column in missing)
        raise Unreadable(
            f"The first row must name the columns. Missing: {wanted}. It says {named}"
            f"{', …' if len(header) > 12 else ''}. Rename the columns, or start from the template."
        )
    return Found(indexes, tuple(unused), len(header))


def _is_there(column: Column, indexes: Mapping[str, int]) -> bool:
    if not column.is_required or column.field in indexes:
        return True
    return bool(column.unless) and all(other in indexes for other in column.unless)


def _by_name(columns: Sequence[Column]) -> dict[str, Column]:
    names = {}
    for column in columns:
        for name in (column.field, column.label, *column.others):
            names[_plain(name)] = column
    return names


def _plain(name: str) -> str:
    """Without case, accents, blanks and signs: "Driver's Licence-No." is "driverslicenceno"."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in apart if character.isalnum())
