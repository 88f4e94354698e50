"""Events to JSON and back: declared type names, integer schema versions, upcasters on dicts, personal fields marked.

Type names are strings chosen by hand, never class paths, so that code can move without touching stored events.
Unknown types, versions and fields are errors: an event that is skipped silently is a fact that is lost.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import msgspec

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class CodecError(Exception):
    """A stored event can't be read (unknown type, version or field) or an event class is declared wrongly."""


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The root of all events. A subclass declares its name and the version of its shape:

    class DriverAdded(Event, tag=False): TYPE = "DriverAdded"; VERSION = 1
    """

    TYPE: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True)
class Personal:
    """Marks a field as personal data of the subject whose id is in the event's field `subject`.

    Used as `name: Annotated[str, Personal(subject="driver_id")]`.
    """

    subject: str


class Codec:
    """Encodes and decodes the events of the given classes.

    `upcasters` maps (type, schema version) to the one step that turns such data into the next version's.
    """

    def __init__(
        self, events: Iterable[type[Event]], upcasters: dict[tuple[str, int], Upcaster] | None = None
    ) -> None:
        self._classes: dict[str, type[Event]] = {}
        self._upcasters = dict(upcasters or {})
        for cls in events:
            self._register(cls)
        self._check_upcasters()

    @property
    def classes(self) -> dict[str, type[Event]]:
        """Every known event class by its type name."""
        return dict(self._classes)

    def encode(self, event: Event) -> tuple[str, int, dict[str, Any]]:
        """The type name, schema version and JSON object (instants as ISO-8601 text in UTC) of an event."""
        if self._classes.get(event.TYPE) is not type(event):
            raise CodecError(f"{type(event).__name__} is not an event of this codec")
        data: dict[str, Any] = _in_utc(msgspec.to_builtins(event, builtin_types=(datetime,)))
        return event.TYPE, event.VERSION, data

    def decode(self, type_name: str, schema_version: int, data: dict[str, Any]) -> Event:
        """The event, brought to its current version. Raises `CodecError` for anything it doesn't know."""
        cls = self._classes.get(type_name)
        if cls is None:
            raise CodecError(f"unknown event type {type_name!r}")
        if schema_version > cls.VERSION:
            raise CodecError(
                f"{type_name} version {schema_version} is newer than this program's {cls.VERSION}"
            )
        for version in range(schema_version, cls.VERSION):
            data = self._upcasters[type_name, version](data)
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            raise CodecError(f"{type_name} version {schema_version} can't be read: {error}") from error

    def _register(self, cls: type[Event]) -> None:
        if not cls.TYPE or cls.VERSION < 1:
            raise CodecError(f"{cls.__name__} declares no TYPE or a VERSION below 1")
        if cls.TYPE in self._classes:
            raise CodecError(f"two event classes are called {cls.TYPE!r}")
        unknown = {
            subject for subject in personal_fields(cls).values() if subject not in cls.__struct_fields__
        }
        if unknown:
            raise CodecError(f"{cls.TYPE} has personal fields of unknown subjects: {sorted(unknown)}")
        self._classes[cls.TYPE] = cls

    def _check_upcasters(self) -> None:
        wanted = {(cls.TYPE, version) for cls in self._classes.values() for version in range(1, cls.VERSION)}
        if wanted != set(self._upcasters):
            raise CodecError(f"upcasters wanted for {sorted(wanted)}, given for {sorted(self._upcasters)}")


def _in_utc(value: Any) -> Any:
    """Builtins with every instant as text in UTC, whatever offset the client gave it."""
    match value:
        case datetime():
            return msgspec.to_builtins(value.astimezone(UTC) if value.tzinfo else value)
        case dict():
            return {name: _in_utc(part) for name, part in value.items()}
        case list() | tuple():
            return [_in_utc(part) for part in value]
    return value


def personal_fields(cls: type[Event]) -> dict[str, str]:
    """The personal fields of an event class: field name → name of the field that holds the subject's id."""
    found: dict[str, str] = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if get_origin(hint) is Annotated:
            for mark in get_args(hint)[1:]:
                if isinstance(mark, Personal):
                    found[name] = mark.subject
    return found
