"""From a request to validated values. Everything that is wrong with it becomes a 400 that names the fields."""

import math
import re
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar, get_args

import msgspec
from flask import g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from webapp.acting import parse_uuid
from webapp.blueprints.api.wording import AN_INSTANT, in_plain_words
from webapp.problems import problem

MAX_BODY_BYTES = 1_000_000
MAX_UNKNOWN_FIELDS = 20
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

Parsed = TypeVar("Parsed", bound=msgspec.Struct)

_controls = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_path = re.compile(r"(?: - at (?:key in )?`\$?\.?(?P<path>[^`]*)`)?$")
_date = re.compile(r"\d{4}-\d\d-\d\d")
_unescaped_plus = re.compile(r"\d\d:\d\d\S* \d\d:?\d\d$")
_missing = re.compile(r"missing required field `([^`]+)`")


class Malformed(HTTPException):
    """The request can't be understood; `errors` says which field and why."""

    code = 400

    def __init__(self, detail: str, errors: dict[str, str] | None = None) -> None:
        self.errors = errors or {}
        more: dict[str, Any] = {"errors": errors} if errors else {}
        super().__init__(
            detail, response=problem(400, "malformed_request", "Malformed request", detail, **more)
        )


def read_body(model: type[Parsed]) -> Parsed:
    """The JSON body as `model`. Unknown fields are remembered in `g.unknown_fields` for the answer's warnings."""
    if not request.is_json:
        raise UnsupportedMediaType("Send the body as JSON with Content-Type: application/json.")
    request.max_content_length = MAX_BODY_BYTES
    raw = request.get_data(cache=False)
    if len(raw) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    if not raw.strip():
        raise Malformed("The body is empty; send a JSON object.")
    try:
        decoded = msgspec.json.decode(raw)
    except RecursionError as error:
        raise Malformed("The body is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise Malformed("The body must be UTF-8.") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"The body is not valid JSON: {error}.") from error
    if not isinstance(decoded, dict):
        raise Malformed("The body must be a JSON object.")
    _check_values(decoded, "")
    known = {field.encode_name for field in msgspec.structs.fields(model)}
    g.unknown_fields = [name[:100] for name in decoded if name not in known][:MAX_UNKNOWN_FIELDS]
    return convert(decoded, model, strict=True)


def read_query(model: type[Parsed]) -> Parsed:
    """The query string as `model`; unknown parameters are ignored, a known one may come once."""
    known = {field.encode_name for field in msgspec.structs.fields(model)}
    values = {name: value for name, value in request.args.items() if name in known}
    for name, value in values.items():
        if len(request.args.getlist(name)) > 1:
            raise Malformed(f"{name}: may be given once only.", {name: "may be given once only"})
        if value.lower() == "null":  # which the lax conversion would take for no value at all
            raise Malformed(f"{name}: must not be null.", {name: "must not be null"})
    _check_values(values, "")
    for field in msgspec.structs.fields(model):
        if field.encode_name in values and datetime in _kinds(field.type):
            _check_instant_text(field.encode_name, values[field.encode_name])
    return convert(values, model, strict=False)


def path_id(name: str, text: str) -> str | int:
    """A path parameter: the sequence number, or a UUID in its canonical form. What is neither is not found."""
    if name == "sequence":
        if text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
    else:
        parsed = parse_uuid(text)
        if parsed is not None:
            return parsed
    detail = f"There is nothing with the {'sequence' if name == 'sequence' else 'id'} {text[:64]!a}."
    raise HTTPException(response=problem(404, "not_found", "Not found", detail))


def idempotency_key() -> str | None:
    """The command id that the client brought, or None."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    parsed = parse_uuid(given)
    if parsed is None:
        raise Malformed("Idempotency-Key must be a UUID.", {"Idempotency-Key": "must be a UUID"})
    return parsed


def convert(values: Any, model: type[Parsed], *, strict: bool) -> Parsed:
    """Values that were checked, as `model`; `strict` takes no text for a number."""
    try:
        parsed = msgspec.convert(values, model, strict=strict)
    except (msgspec.ValidationError, OverflowError) as error:
        text = str(error)
        missing = _missing.search(text)
        where = _path.search(text)
        field = missing.group(1) if missing else (where.group("path") if where else None) or "body"
        what = "is required" if missing else in_plain_words(_path.sub("", text), _choices(model, field))
        raise Malformed(f"{field}: {what}.", {field: what}) from error
    _check_instants(parsed)
    return parsed


def _check_instant_text(name: str, text: str) -> None:
    """A number would be taken for seconds since 1970, which bodies don't take either."""
    if _date.match(text):
        if _unescaped_plus.search(text):
            what = f"{AN_INSTANT}; in an address the + of an offset is written %2B"
            raise Malformed(f"{name}: {what}.", {name: what})
        return
    raise Malformed(f"{name}: {AN_INSTANT}.", {name: AN_INSTANT})


def _choices(model: type[msgspec.Struct], name: str) -> list[str]:
    """What a field takes, where that is a list of words."""
    field = next((one for one in msgspec.structs.fields(model) if one.encode_name == name), None)
    kinds = _kinds(field.type) if field else []
    return [str(choice.value) for kind in kinds if issubclass(kind, Enum) for choice in kind]


def _kinds(hint: Any) -> list[type]:
    """The classes in a type hint such as `Annotated[X, …] | None`."""
    if isinstance(hint, type):
        return [hint]
    return [kind for part in get_args(hint) for kind in _kinds(part)]


def _check_values(value: Any, where: str) -> None:
    """Refuse what no store or screen should have to bear: control characters, half characters, infinite numbers."""
    if isinstance(value, str):
        if _controls.search(value):
            raise Malformed(
                f"{where or 'body'} contains a character that can't be stored.",
                {where or "body": "contains a character that can't be stored"},
            )
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Malformed(f"{where} must be a finite number.", {where: "must be a finite number"})
    elif isinstance(value, dict):
        for name, part in value.items():
            _check_values(name, "a field's name")
            _check_values(part, f"{where}.{name}" if where else name)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _check_values(part, f"{where}[{number}]")


def _check_instants(parsed: msgspec.Struct) -> None:
    for field in msgspec.structs.fields(parsed):
        value = getattr(parsed, field.name)
        if isinstance(value, datetime):
            if value.tzinfo is None:
                text = "must have a UTC offset or Z"
                raise Malformed(f"{field.encode_name}: {text}.", {field.encode_name: text})
            try:
                in_range = EARLIEST <= value < LATEST
            except OverflowError:
                in_range = False
            if not in_range:
                text = "must lie between the years 2000 and 2100"
                raise Malformed(f"{field.encode_name}: {text}.", {field.encode_name: text})
        elif isinstance(value, tuple | list):
            for part in value:
                if isinstance(part, msgspec.Struct):
                    _check_instants(part)
