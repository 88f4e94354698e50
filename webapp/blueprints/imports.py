"""Importing drivers, vehicles and routes from CSV files: upload, preview, import, and what became of each row."""

from typing import Any
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from backend_services.routes.commands import CreateRoute
from webapp.access import current_actor, dispatcher_only
from webapp.acting import parse_uuid
from webapp.database import db
from webapp.forms.imports import ConfirmForm, RoutesUploadForm, UploadForm
from webapp.fragments import page_or_block, wants_block
from webapp.imports.downloads import rejected_csv, template_csv
from webapp.imports.items import Kind, State
from webapp.imports.models import (
    Import,
    ItemView,
    begin_import,
    count_items,
    find_import,
    forget_import,
    list_imports,
    list_items,
)
from webapp.imports.planning import COLUMNS, preview_upload
from webapp.imports.reading import MOST_BYTES, MOST_ROWS, Unreadable
from webapp.imports.routes import Reading
from webapp.imports.running import run_slice
from webapp.presentation import zone

imports = Blueprint("imports", __name__, url_prefix="/import")

PAGE = 50
REJECTED = (State.BAD, State.REFUSED, State.LEFT_OUT)
GROUPS: dict[str, tuple[State, ...]] = {
    "problems": (State.BAD, State.REFUSED),
    "alike": (State.ALIKE, State.LEFT_OUT),
    "ready": (State.READY,),
    "made": (State.MADE,),
    "there": (State.THERE,),
}
ENCODINGS = {
    "Windows-1252": "It isn't UTF-8, so it was read as Windows-1252: look whether names with accents are right.",
}
SEPARATOR_NAMES = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}


@imports.get("")
@dispatcher_only
def index() -> ResponseReturnValue:
    """What to import is the first choice."""
    return redirect(url_for("imports.upload", kind=Kind.DRIVERS.value))


@imports.route("/<any(drivers, vehicles, routes):kind>", methods=["GET", "POST"])
@dispatcher_only
def upload(kind: str) -> ResponseReturnValue:
    """Choose a file; what is wrong with it as a whole is said here."""
    form, status = RoutesUploadForm() if kind == Kind.ROUTES else UploadForm(), 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                return redirect(url_for("imports.show", import_id=_take(Kind(kind), form)), 303)
            except Unreadable as unreadable:
                form.file.errors = [str(unreadable)]
        form.mark_file()
    page = page_or_block(
        "imports/upload.html",
        "page",
        kind=kind,
        form=form,
        columns=COLUMNS[Kind(kind)],
        recent=list_imports(current_actor().event_name),
        most_rows=MOST_ROWS,
        most_mb=MOST_BYTES // 1024 // 1024,
        zone_name=zone().key,
    )
    return page, status


@imports.get("/<any(drivers, vehicles, routes):kind>/template.csv")
@dispatcher_only
def template(kind: str) -> ResponseReturnValue:
    """The columns' names and an example; `?separator=semicolon` for spreadsheets that expect it."""
    separator = ";" if request.args.get("separator") == "semicolon" else ","
    return _csv_file(template_csv(Kind(kind), separator), f"waybill-{kind}.csv")


@imports.get("/<uuid:import_id>")
@dispatcher_only
def show(import_id: Any) -> ResponseReturnValue:
    """The preview, the progress or the result; `?show=problems` a part of the rows."""
    known = _find(str(import_id))
    if known.phase == "running":
        return _progress(known)
    counts = count_items(known.id)
    group = request.args.get("show", "")
    group = group if group in GROUPS else ""
    items = list_items(known.id, GROUPS.get(group, ()), after=_after(), limit=PAGE + 1)
    return page_or_block(
        "imports/show.html",
        "page",
        known=known,
        form=ConfirmForm(formdata=None),
        counts=counts,
        groups=[(name, sum(counts[state] for state in states)) for name, states in GROUPS.items()],
        group=group,
        items=items[:PAGE],
        next_after=items[PAGE - 1].number if len(items) > PAGE else None,
        stops=_stops(known, items),
        rejected=sum(counts[state] for state in REJECTED),
        unused=msgspec.json.decode(known.unused, type=list[str]),
        separator=SEPARATOR_NAMES.get(known.separator, f"“{known.separator}”"),
        remark=ENCODINGS.get(known.encoding),
    )


@imports.post("/<uuid:import_id>/start")
@dispatcher_only
def start(import_id: Any) -> ResponseReturnValue:
    """Confirm the preview; the work begins on the next page."""
    known, form = _find(str(import_id)), ConfirmForm()
    if form.validate():
        begin_import(known, with_alike=form.with_alike.data, activates=form.activates.data)
    return redirect(url_for("imports.show", import_id=import_id), 303)


@imports.post("/<uuid:import_id>/continue")
@dispatcher_only
def go_on(import_id: Any) -> ResponseReturnValue:
    """Import the next rows, for about a second; the page asks for more as long as there is more."""
    known = _find(str(import_id))
    if known.phase == "running":
        done = run_slice(known)
        if done.is_held_up:
            return _progress(_find(str(import_id)), is_held_up=True), 200
    if wants_block() and _find(str(import_id)).phase == "done":
        return Response(status=200, headers={"HX-Redirect": url_for("imports.show", import_id=import_id)})
    return redirect(url_for("imports.show", import_id=import_id), 303)


@imports.get("/<uuid:import_id>/rejected.csv")
@dispatcher_only
def rejected(import_id: Any) -> ResponseReturnValue:
    """The rows that can't be or weren't imported, with a column that says why."""
    known = _find(str(import_id))
    header = msgspec.json.decode(known.header, type=tuple[str, ...])
    items = list_items(known.id, REJECTED, limit=MOST_ROWS)
    stem = known.file_name.rsplit(".", 1)[0]
    return _csv_file(rejected_csv(header, known.separator, items), f"{stem} - not imported.csv")


@imports.post("/<uuid:import_id>/forget")
@dispatcher_only
def forget(import_id: Any) -> ResponseReturnValue:
    """Throw the upload away; what was imported stays."""
    known = _find(str(import_id))
    kind = known.kind
    forget_import(known.id)
    flash("The upload is deleted.", "success")
    return redirect(url_for("imports.upload", kind=kind), 303)


def _take(kind: Kind, form: UploadForm) -> str:
    file = form.file.data
    reading = Reading(zone(), month_first=kind is Kind.ROUTES and form.dates.data == "month")
    content = file.stream.read(MOST_BYTES + 1)
    owner = current_actor().event_name
    return preview_upload(db.session(), owner, kind, file.filename or "", content, reading)


def _find(import_id: str) -> Import:
    known = find_import(parse_uuid(import_id) or "-", current_actor().event_name)
    if known is None:
        abort(404)
    return known


def _progress(known: Import, is_held_up: bool = False) -> str:
    counts = count_items(known.id)
    finished = counts[State.MADE] + counts[State.REFUSED] + counts[State.THERE]
    return page_or_block(
        "imports/progress.html",
        "progress",
        known=known,
        finished=finished,
        total=finished + counts[State.READY],
        refused=counts[State.REFUSED],
        is_held_up=is_held_up,
    )


def _stops(known: Import, items: list[ItemView]) -> dict[int, CreateRoute]:
    """The plans of the routes on the page, by the item's number."""
    if known.kind != Kind.ROUTES:
        return {}
    return {
        item.number: msgspec.json.decode(item.command, type=CreateRoute)
        for item in items
        if item.command is not None
    }


def _after() -> int:
    text = request.args.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1


def _csv_file(content: bytes, name: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(
        content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition}
    )
