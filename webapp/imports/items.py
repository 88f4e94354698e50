"""What one row (or one route's rows) of a file would become, before anything is stored."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID, uuid5

import msgspec

from webapp.imports.reading import Row

SPACE = UUID("6c2b2d0e-8f0c-5c3a-9d53-2f4f3f6d7a10")
"""The namespace of the ids of what is imported. Never change it: a file imported again would be made again."""


class Kind(StrEnum):
    """What a file holds; also a part of the pages' addresses."""

    DRIVERS = "drivers"
    VEHICLES = "vehicles"
    ROUTES = "routes"


class State(StrEnum):
    """Before the import an item is one of the first four, after it one of the others or still BAD or THERE."""

    READY = "ready"
    ALIKE = "alike"
    BAD = "bad"
    THERE = "there"
    MADE = "made"
    REFUSED = "refused"
    LEFT_OUT = "left_out"


class Line(msgspec.Struct, frozen=True):
    """A row of the file as it stands there, with what is wrong with it."""

    number: int
    cells: tuple[str, ...]
    problems: tuple[str, ...] = ()


@dataclass
class Item:
    """One thing to make. `shown` are the cells of its row on the page; `command` is None while `state` is BAD."""

    subject_id: str
    shown: tuple[str, ...]
    rows: list[Row]
    command: msgspec.Struct | None = None
    state: State = State.READY
    remark: str = ""
    problems: dict[int, list[str]] = field(default_factory=dict)

    @property
    def is_bad(self) -> bool:
        """Whether something is wrong with a row of it."""
        return self.state is State.BAD

    @property
    def is_ready(self) -> bool:
        """Whether nothing speaks against it so far."""
        return self.state is State.READY

    def refuse(self, row: Row, problem: str) -> None:
        """Say what is wrong with a row; the item can't be imported."""
        self.problems.setdefault(row.number, []).append(problem)
        self.state = State.BAD

    def check_width(self, row: Row, width: int) -> None:
        """Refuse a row with more cells than the header's `width`: a separator in a text has torn it apart."""
        if len(row.cells) > width:
            self.refuse(
                row,
                f"The row has {len(row.cells)} cells and the header {width}: a text with the separator in it must"
                " stand in quotation marks.",
            )

    def warn(self, remark: str) -> None:
        """Say that there seems to be one like it already; it is imported only when that is confirmed."""
        if self.state is State.READY:
            self.state, self.remark = State.ALIKE, remark

    def lines(self) -> list[Line]:
        """The item's rows for keeping."""
        return [Line(row.number, row.cells, tuple(self.problems.get(row.number, ()))) for row in self.rows]


def subject_id(kind: Kind, file_sha256: str, row: int) -> str:
    """The id of what a row becomes: the same file makes the same things, however often it is imported."""
    return str(uuid5(SPACE, f"{kind}:{file_sha256}:{row}"))


def command_id(subject: str, actor: str) -> str:
    """The id of the command that makes it. Somebody else's import of the same file is another command, which finds
    that it exists."""
    return str(uuid5(UUID(subject), actor))
