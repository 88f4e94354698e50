"""The OpenAPI document, made from the operations and their models, and the reference page over it."""

import re
from functools import lru_cache
from typing import Any

import msgspec
from flask import Response, render_template
from flask.typing import ResponseReturnValue

from webapp.access import public
from webapp.blueprints.api import answers, api
from webapp.blueprints.api.operations import OPERATIONS, Operation

PROBLEMS = {
    "400": "Malformed, or against a rule; `code` says which",
    "401": "No valid key or session",
    "403": "Not allowed to this account",
    "404": "No such thing, or not yours",
    "409": "The id exists already, or others changed the same things at the same moment (Retry-After)",
    "405": "Not a method of this address (Allow)",
    "413": "The body is larger than 1 MB",
    "414": "The address is longer than 8 kB",
    "415": "The body is not JSON",
    "422": "The Idempotency-Key was used with another body",
    "429": "Too many requests (Retry-After)",
    "503": "A store is unavailable (Retry-After); send again with the same Idempotency-Key",
}
COMMAND_PROBLEMS = ("409", "422")
READ_PROBLEMS = ("400", "401", "403", "404", "405", "414", "429", "503")


@api.get("/openapi.json")
@public
def openapi() -> Response:
    """The OpenAPI 3.1 document."""
    return Response(_document(), content_type="application/json")


@api.get("/docs")
@public
def docs() -> ResponseReturnValue:
    """The reference page."""
    return render_template("api_docs.html")


@lru_cache(maxsize=1)
def _document() -> bytes:
    models: list[Any] = [answers.Problem, answers.PendingCommand]
    for operation in OPERATIONS:
        models += [model for model in (operation.body, operation.answer, operation.query) if model]
    schemas, components = msgspec.json.schema_components(models, ref_template="#/components/schemas/{name}")
    references = dict(zip(models, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(
            operation, references, components
        )
    for operation in OPERATIONS:
        if operation.query:
            components.pop(operation.query.__name__, None)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Waybill",
            "version": "1",
            "description": (
                "Deliveries, routes and fleet. Every write but reported positions accepts an Idempotency-Key: the same"
                " key and body get the first answer again. Errors are application/problem+json with a stable `code`."
            ),
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(document)


def _describe(operation: Operation, references: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    writes = operation.method != "GET"
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _access_line(operation) + operation.description,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation, components)],
        "responses": {
            str(operation.status): {
                "description": "Done" if writes else "Found",
                "headers": {"X-Correlation-Id": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": references[operation.answer]}},
            }
        },
    }
    if operation.takes_key:
        described["parameters"].append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A UUID of yours; the same key and body get the first answer again",
                "schema": {"type": "string", "format": "uuid"},
            }
        )
    if operation.body is not None:
        content = {"application/json": {"schema": references[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.status != 202 and (writes or operation.answer is answers.CommandAnswer):
        described["responses"]["202"] = {
            "description": "Taken down, but not done yet (Location, Retry-After)",
            "content": {"application/json": {"schema": references[answers.PendingCommand]}},
        }
    for status in _problems_of(operation):
        described["responses"][status] = {
            "description": PROBLEMS[status],
            "content": {"application/problem+json": {"schema": references[answers.Problem]}},
        }
    return described


def _problems_of(operation: Operation) -> list[str]:
    if operation.method == "GET":
        return list(READ_PROBLEMS)
    return [status for status in PROBLEMS if operation.takes_key or status not in COMMAND_PROBLEMS]


def _access_line(operation: Operation) -> str:
    return "Drivers: own only. " if "driver" in operation.roles else ""


def _path_parameters(path: str) -> list[dict[str, Any]]:
    schema = {"type": "string", "format": "uuid"}
    sequence = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
    return [
        {"name": name, "in": "path", "required": True, "schema": sequence if name == "sequence" else schema}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(operation: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    properties = components[operation.query.__name__]["properties"]
    parameters = []
    for name, schema in properties.items():
        kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
        plain = (
            kinds[0] if len(kinds) == 1 else {key: value for key, value in schema.items() if key != "anyOf"}
        )
        plain.pop("default", None) if plain.get("default", "") is None else None
        parameters.append({"name": name, "in": "query", "required": False, "schema": plain})
    return parameters
