"""One decorator makes a view an API call: access, parsing, the answer, and its place in the OpenAPI document."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import msgspec
from flask import Blueprint, Response, g
from werkzeug.routing import BaseConverter

from backend_services.read_models import rows_version
from eventstore.execute import Context, Outcome
from webapp.access import dispatcher_only
from webapp.acting import acting, settle, waybill
from webapp.blueprints.api.parsing import idempotency_key, path_id, read_body, read_query
from webapp.database import db


class IdConverter(BaseConverter):
    """A path's id. It leaves `/routes/overview` to that call alone, so that other methods there are 405."""

    regex = r"(?!(?:overview|live-tracking)$)[^/]+"


@dataclass(frozen=True)
class Operation:
    """What the OpenAPI document says of one call. `path` has `{name}` parameters, all of them UUIDs or sequences."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    body: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    answer: type[msgspec.Struct]
    status: int
    roles: frozenset[str]
    takes_key: bool


OPERATIONS: list[Operation] = []


def operation(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    tag: str,
    answer: type[msgspec.Struct],
    body: type[msgspec.Struct] | None = None,
    query: type[msgspec.Struct] | None = None,
    access: Callable[[Callable[..., Any]], Callable[..., Any]] = dispatcher_only,
    status: int = 200,
    is_hot: bool = False,
    takes_key: bool = True,
) -> Callable[[Callable[..., msgspec.Struct]], Callable[..., Response]]:
    """Register a view. It gets its path's ids (canonical), `body` and `query` parsed, and returns an `answer`.

    The view's docstring is the call's description: its first line is the summary. A hot one has the same answer for
    everybody, made from rows alone; it is kept until the rows change. A write takes an Idempotency-Key unless
    `takes_key` says that it is no command.
    """

    def register(view: Callable[..., msgspec.Struct]) -> Callable[..., Response]:
        @wraps(view)
        def run(**path_values: str) -> Response:
            arguments: dict[str, Any] = {name: path_id(name, value) for name, value in path_values.items()}
            if query is not None:
                arguments["query"] = read_query(query)
            if body is not None:
                arguments["body"] = read_body(body)
            if is_hot:
                return _kept(view)
            return respond(view(**arguments), status)

        declared = access(run)
        summary, _, description = (view.__doc__ or "").strip().partition("\n")
        OPERATIONS.append(
            Operation(
                method=method,
                path="/api" + path,
                name=view.__name__,
                tag=tag,
                summary=summary.rstrip("."),
                description=" ".join(description.split()),
                body=body,
                query=query,
                answer=answer,
                status=status,
                roles=getattr(declared, "access", frozenset()),
                takes_key=takes_key and method != "GET",
            )
        )
        rule = path.replace("{", "<id:").replace("}", ">")
        blueprint.add_url_rule(rule, f"{view.__name__}", declared, methods=[method])
        return declared

    return register


def _kept(view: Callable[[], msgspec.Struct]) -> Response:
    cache, version = waybill().read_cache, rows_version(db.session())
    answer = cache.find(view.__name__, version)
    if answer is None:
        answer = msgspec.json.encode(view())
        cache.keep(view.__name__, version, answer)
    return Response(answer, content_type="application/json")


def command_context(occurred_at: Any = None) -> Context:
    """The context of the command that this request sends."""
    return acting(idempotency_key(), occurred_at)


def done(outcome: Outcome) -> dict[str, Any]:
    """Wait until the rows show it; the stored answer."""
    settle(outcome)
    g.replayed = outcome.replayed
    return outcome.result


def respond(answer: msgspec.Struct, status: int) -> Response:
    """The answer as JSON, with a warning for each field of the body that nobody asked for."""
    content = msgspec.to_builtins(answer)
    ignored = g.get("unknown_fields", [])
    if ignored:
        unknown = [
            {"code": "unknown_field", "field": name, "message": "The field is not known and was ignored."}
            for name in ignored
        ]
        content["warnings"] = [*content.get("warnings", []), *unknown]
    response = Response(msgspec.json.encode(content), status, content_type="application/json")
    if g.get("replayed"):
        response.headers["Idempotent-Replayed"] = "true"
    return response
