"""The tables of imports, and the verbs on them.

An upload must survive until it is confirmed, and another web process may serve the next request; it is too large for
a cookie or a form field. So it is kept beside the accounts, which all web processes share, for 24 hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
from sqlalchemy import ForeignKey, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from backend_services.read_models import Instant
from eventstore.doors import new_id
from webapp.database import db
from webapp.imports.items import Item, Kind, Line, State

KEPT = timedelta(hours=24)
KEPT_PER_PERSON = 10
"""An eleventh import makes the oldest one be forgotten."""


class Import(db.Model):  # type: ignore[name-defined,misc]
    """One upload. `phase` is preview, running or done; `owner` the actor who sent it. Instants are UTC."""

    __tablename__ = "imports"
    __bind_key__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    phase: Mapped[str]
    file_name: Mapped[str]
    separator: Mapped[str]
    encoding: Mapped[str]
    header: Mapped[str]
    unused: Mapped[str]
    row_count: Mapped[int]
    activates: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class ImportItem(db.Model):  # type: ignore[name-defined,misc]
    """One thing of an upload. `lines`, `shown` and `command` are JSON; `remark` says why it stands as it does."""

    __tablename__ = "import_items"
    __bind_key__ = "accounts"

    import_id: Mapped[str] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    subject_id: Mapped[str]
    shown: Mapped[str]
    lines: Mapped[str]
    command: Mapped[str | None]
    remark: Mapped[str]


@dataclass(frozen=True)
class ItemView:
    """An item as a page shows it; `number` continues a list."""

    number: int
    state: State
    subject_id: str
    shown: tuple[str, ...]
    lines: tuple[Line, ...]
    command: bytes | None
    remark: str


@dataclass(frozen=True)
class Result:
    """What became of one item."""

    number: int
    state: State
    remark: str = ""


@dataclass(frozen=True)
class Upload:
    """What is known of a file beside its items."""

    kind: Kind
    file_name: str
    separator: str
    encoding: str
    header: tuple[str, ...]
    unused: tuple[str, ...]
    row_count: int


def keep_import(owner: str, upload: Upload, items: Sequence[Item]) -> str:
    """Keep an upload for its preview; answers its id."""
    now = datetime.now(UTC)
    import_id = new_id()
    db.session.add(
        Import(
            id=import_id,
            owner=owner,
            kind=upload.kind,
            phase="preview",
            file_name=upload.file_name,
            separator=upload.separator,
            encoding=upload.encoding,
            header=_json(upload.header),
            unused=_json(upload.unused),
            row_count=upload.row_count,
            activates=False,
            created_at=now,
            expires_at=now + KEPT,
        )
    )
    db.session.flush()
    rows = [
        {
            "import_id": import_id,
            "number": number,
            "state": item.state.value,
            "subject_id": item.subject_id,
            "shown": _json(item.shown),
            "lines": _json(item.lines()),
            "command": None if item.command is None else _json(item.command),
            "remark": item.remark,
        }
        for number, item in enumerate(items)
    ]
    db.session.execute(insert(ImportItem), rows)
    too_many = (
        select(Import.id).where(Import.owner == owner).order_by(Import.created_at.desc(), Import.id.desc())
    )
    _delete(db.session.scalars(too_many.offset(KEPT_PER_PERSON)).all())
    db.session.commit()
    return import_id


def find_import(import_id: str, owner: str) -> Import | None:
    """The person's own import, until it is forgotten."""
    query = select(Import).where(Import.id == import_id, Import.owner == owner)
    return cast("Import | None", db.session.scalar(query.where(Import.expires_at > datetime.now(UTC))))


def list_imports(owner: str) -> Sequence[Import]:
    """The person's imports that are still kept, the latest first."""
    query = select(Import).where(Import.owner == owner, Import.expires_at > datetime.now(UTC))
    return db.session.scalars(query.order_by(Import.created_at.desc())).all()


def count_items(import_id: str) -> dict[State, int]:
    """How many items stand where; every state is there."""
    query = select(ImportItem.state, func.count()).where(ImportItem.import_id == import_id)
    counts: dict[str, int] = dict(db.session.execute(query.group_by(ImportItem.state)).all())
    return {state: counts.get(state, 0) for state in State}


def list_items(
    import_id: str, states: Sequence[State], *, after: int = -1, limit: int = 50
) -> list[ItemView]:
    """Items in these states in the file's order, those behind number `after`."""
    query = select(ImportItem).where(ImportItem.import_id == import_id, ImportItem.number > after)
    if states:
        query = query.where(ImportItem.state.in_(states))
    return [_view(item) for item in db.session.scalars(query.order_by(ImportItem.number).limit(limit))]


def begin_import(known: Import, *, with_alike: bool, activates: bool) -> None:
    """Confirm a preview. What seems to be there already is left out unless it is wanted. Does nothing twice."""
    begun = update(Import).where(Import.id == known.id, Import.phase == "preview")
    changed: Any = db.session.execute(begun.values(phase="running", activates=activates))
    if changed.rowcount:
        wanted = State.READY if with_alike else State.LEFT_OUT
        alike = update(ImportItem).where(ImportItem.import_id == known.id, ImportItem.state == State.ALIKE)
        db.session.execute(alike.values(state=wanted))
    db.session.commit()


def keep_results(import_id: str, results: Sequence[Result]) -> None:
    """Say what became of some items; nothing happens where the import was deleted meanwhile."""
    items = cast(Table, ImportItem.__table__)
    one = update(items).where(items.c.import_id == import_id, items.c.number == bindparam("item"))
    rows = [{"item": each.number, "became": each.state.value, "why": each.remark} for each in results]
    if rows:
        db.session.execute(one.values(state=bindparam("became"), remark=bindparam("why")), rows)
    db.session.commit()


def end_import(import_id: str) -> None:
    """Nothing is left to do."""
    db.session.execute(update(Import).where(Import.id == import_id).values(phase="done"))
    db.session.commit()


def forget_import(import_id: str) -> None:
    """Delete an import; what it made stays."""
    _delete([import_id])
    db.session.commit()


def forget_old_imports() -> None:
    """Delete the imports whose 24 hours are over."""
    _delete(db.session.scalars(select(Import.id).where(Import.expires_at <= datetime.now(UTC))).all())
    db.session.commit()


def _delete(import_ids: Sequence[str]) -> None:
    if import_ids:
        db.session.execute(delete(ImportItem).where(ImportItem.import_id.in_(import_ids)))
        db.session.execute(delete(Import).where(Import.id.in_(import_ids)))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _view(item: ImportItem) -> ItemView:
    return ItemView(
        number=item.number,
        state=State(item.state),
        subject_id=item.subject_id,
        shown=msgspec.json.decode(item.shown, type=tuple[str, ...]),
        lines=msgspec.json.decode(item.lines, type=tuple[Line, ...]),
        command=None if item.command is None else item.command.encode(),
        remark=item.remark,
    )
