"""From an upload to a kept preview."""

import hashlib
from collections.abc import Sequence
from functools import partial

from sqlalchemy.orm import Session

from webapp.imports.columns import DRIVERS, ROUTES, VEHICLES, Column, count_known, find_columns
from webapp.imports.fleet import plan_drivers, plan_vehicles
from webapp.imports.items import Item, Kind
from webapp.imports.models import Upload, keep_import
from webapp.imports.reading import MOST_BYTES, Unreadable, read_sheet
from webapp.imports.routes import Reading, plan_routes

COLUMNS: dict[Kind, tuple[Column, ...]] = {
    Kind.DRIVERS: DRIVERS,
    Kind.VEHICLES: VEHICLES,
    Kind.ROUTES: ROUTES,
}


def preview_upload(
    session: Session, owner: str, kind: Kind, file_name: str, content: bytes, reading: Reading
) -> str:
    """Read and check a file, and keep what it holds for `owner` to confirm; answers the import's id.

    Raises `Unreadable` when the file as a whole can't be used.
    """
    if len(content) > MOST_BYTES:
        raise Unreadable(
            f"The file is larger than {MOST_BYTES // 1024 // 1024} MB. Split it and import the parts."
        )
    columns = COLUMNS[kind]
    sheet = read_sheet(content, partial(count_known, columns))
    found = find_columns(columns, sheet.header)
    file_sha256 = hashlib.sha256(content).hexdigest()
    items: Sequence[Item]
    if kind is Kind.DRIVERS:
        items = plan_drivers(session, sheet, found, file_sha256)
    elif kind is Kind.VEHICLES:
        items = plan_vehicles(session, sheet, found, file_sha256)
    else:
        items = plan_routes(session, sheet, found, file_sha256, reading)
    upload = Upload(
        kind=kind,
        file_name="".join(filter(str.isprintable, " ".join(file_name.split())))[:100] or "the file",
        separator=sheet.separator,
        encoding=sheet.encoding,
        header=sheet.header,
        unused=found.unused,
        row_count=len(sheet.rows),
    )
    return keep_import(owner, upload, items)
