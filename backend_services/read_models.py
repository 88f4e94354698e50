"""The SQL side that all services share: the declarative base of the read models, instants, and the board's log."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, Dialect, TypeDecorator, delete, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from eventstore.doors import new_id

READ_MODEL_VERSION = 5
"""Raise it whenever a table or a projection changes: the next start builds the read models anew."""

BOARD_LOG_KEPT = timedelta(hours=24)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant. SQLite keeps no zone, so it is put back when a row is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime can't be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return None


class ReadModel(DeclarativeBase):
    """The base of every read-model table. A row is written from one stream's events only."""

    type_annotation_map = {datetime: Instant()}  # noqa: RUF012 - SQLAlchemy reads it from the class


class BoardCounter(ReadModel):
    """The last `seq` of the board's log. A row, not a sequence: numbers become visible in their order.

    `log_id` tells this life of the log from an earlier one with the same numbers.
    """

    __tablename__ = "board_counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    log_id: Mapped[str]


class BoardChange(ReadModel):
    """One thing that changed on the board: "delivery", "driver", "vehicle" or "route", and its id."""

    __tablename__ = "board_log"

    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject_id: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(index=True)


def note_board_change(session: Session, kind: str, subject_id: str, changed_at: datetime) -> None:
    """Append to the board's log, in the projection's own transaction."""
    next_seq = update(BoardCounter).values(seq=BoardCounter.seq + 1).returning(BoardCounter.seq)
    seq = session.scalar(next_seq)
    if seq is None:
        session.add(BoardCounter(id=1, seq=1, log_id=new_id()))
        session.flush()
        seq = 1
    session.add(BoardChange(seq=seq, kind=kind, subject_id=subject_id, changed_at=changed_at))
    if seq % 1000 == 0:
        session.execute(delete(BoardChange).where(BoardChange.changed_at < changed_at - BOARD_LOG_KEPT))


def board_head(session: Session) -> int:
    """The `seq` of the newest change on the board, 0 before the first."""
    return session.scalar(select(BoardCounter.seq)) or 0


def rows_version(session: Session) -> str:
    """A text that is another one after each event that was applied to any row."""
    found = session.execute(select(BoardCounter.log_id, BoardCounter.seq)).one_or_none()
    return f"{found[0]}:{found[1]}" if found else "none"


def list_board_changes(session: Session, after_seq: int, limit: int) -> list[BoardChange] | None:
    """The changes after `after_seq`, oldest first, at most `limit`; None when some of them are no longer kept."""
    changes = session.scalars(
        select(BoardChange).where(BoardChange.seq > after_seq).order_by(BoardChange.seq).limit(limit)
    ).all()
    gap_at_start = changes[0].seq != after_seq + 1 if changes else board_head(session) != after_seq
    return None if gap_at_start else list(changes)
