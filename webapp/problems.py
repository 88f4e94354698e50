"""Errors as people and programs need them: problem+json for the API, a page that says what to do for browsers."""

import logging
import math
import threading
import time
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask, Response, current_app, make_response, render_template, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from backend_services.command_bus import CommandPending
from backend_services.resilience import DependencyDown
from eventstore.execute import CommandReused, Contention, Refusal
from eventstore.ports import EventStoreError, StoreUnavailable
from webapp.correlation import current_correlation_id
from webapp.imports.reading import MOST_BYTES

log = logging.getLogger(__name__)

REFUSAL_STATUS = {"rule": 400, "not_found": 404, "exists": 409}
UNAVAILABLE_AT_LEAST_S = 2
TITLES = {400: "Refused", 404: "Not found", 409: "Exists already"}
RESERVED = {"type", "title", "status", "detail", "code", "message", "correlationId"}


def problem(status: int, code: str, title: str, detail: str, **extra: Any) -> Response:
    """An answer that says what went wrong: application/problem+json (RFC 9457) for programs, a page for people.

    `code` is stable snake_case; `message` repeats `detail` for old clients; `extra` are further members.
    """
    if not wants_problem():
        page = render_template("error.html", status=status, title=title, detail=detail, code=code)
        return make_response(page, status)
    body = {
        "type": f"/problems/{code.replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "message": detail,
        "correlationId": current_correlation_id(),
        **{name: value for name, value in extra.items() if name not in RESERVED},
    }
    return Response(msgspec.json.encode(body), status, content_type="application/problem+json")


def refusal_problem(refusal: Refusal) -> Response:
    """A service's refusal as an answer."""
    status = REFUSAL_STATUS[refusal.kind]
    response = problem(status, refusal.code, TITLES[status], refusal.message, **refusal.details)
    if refusal.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def wants_problem() -> bool:
    """Whether this request is a program's: everything under /api and /health, and /metrics."""
    return request.path.startswith(("/api/", "/health", "/metrics")) and request.endpoint != "api.docs"


def register_error_handlers(app: Flask) -> None:
    """Answer every error of the app as `problem` does."""
    app.register_error_handler(Refusal, refusal_problem)
    app.register_error_handler(CommandReused, _command_reused)
    app.register_error_handler(Contention, _contention)
    app.register_error_handler(CommandPending, _pending)
    app.register_error_handler(EventStoreError, _unavailable)
    app.register_error_handler(OperationalError, _unavailable)
    app.register_error_handler(NoConnectionFree, _unavailable)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _command_reused(_error: CommandReused) -> Response:
    detail = (
        "This Idempotency-Key was used before with another method, address or body. Send the first request again as it"
        " was, or this one with a new key."
    )
    return problem(422, "idempotency_key_reused", "Idempotency-Key used before", detail)


def _contention(_error: Contention) -> Response:
    detail = "Others changed the same things at the same moment. Try again."
    return _later(problem(409, "version_contention", "Changed meanwhile", detail), 1)


def _pending(pending: CommandPending) -> Response:
    """202: it will be done, or expire; the address tells which."""
    address = f"/api/commands/{pending.command_id}"
    if not wants_problem():
        detail = (
            "It is taken down but not done yet: there is much to do at the moment. Look again in a minute before you"
            " try it once more."
        )
        page = render_template(
            "error.html", status=202, title="Still working on it", detail=detail, code="pending"
        )
        return _later(make_response(page, 202), 5)
    body = {
        "commandId": pending.command_id,
        "outcome": "pending",
        "message": f"The command waits to be done. Ask {address}, or send it again with the same Idempotency-Key.",
    }
    response = Response(msgspec.json.encode(body), 202, content_type="application/json")
    response.headers["Location"] = address
    return _later(response, 2)


def _unavailable(error: Exception) -> Response:
    _outages.say("a store is unavailable: %s", error)
    seconds = max(UNAVAILABLE_AT_LEAST_S, math.ceil(_known_wait_s(error)))
    detail = (
        f"The data store can't be reached or can't write at the moment. Try again in {seconds} seconds, with the same"
        " Idempotency-Key: a command is never done twice."
    )
    return _later(problem(503, "store_unavailable", "Unavailable", detail), seconds)


def _known_wait_s(error: Exception) -> float:
    """How long the breaker will refuse to ask again, where that is why; otherwise 0."""
    if isinstance(error, StoreUnavailable):
        return error.retry_after_s or 0.0
    cause = error.orig.__cause__ if isinstance(error, OperationalError) and error.orig else None
    return cause.retry_after_s if isinstance(cause, DependencyDown) else 0.0


class Seldom:
    """Errors that many requests meet together, said in the log once in a while and counted meanwhile."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._guard = threading.Lock()
        self._next_at = 0.0
        self._unsaid = 0

    def say(self, text: str, error: Exception) -> None:
        with self._guard:
            now = time.monotonic()
            if now < self._next_at:
                self._unsaid += 1
                return
            more, self._unsaid, self._next_at = self._unsaid, 0, now + self._every_s
        log.error(text + (f" ({more} more since the last time)" if more else ""), error)


_outages = Seldom(every_s=10.0)


def _http_error(error: HTTPException) -> Response:
    if isinstance(error.response, Response):
        return error.response
    status = error.code or 500
    if status == 413:
        _read_away()
    title = HTTPStatus(status).phrase
    response = problem(status, title.lower().replace(" ", "_"), title, _explain(status, error))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    if status in (429, 503) and "Retry-After" not in response.headers:
        response.headers["Retry-After"] = "1"
    return response


def _read_away() -> None:
    """Read what is still being sent (32 MB at most): a client that is cut off while sending sees no answer."""
    stream = request.environ["wsgi.input"]
    for _ in range(512):
        if not stream.read(65_536):
            return


def _explain(status: int, error: HTTPException) -> str:
    if status == 404:
        return "There is nothing at this address."
    if status == 405 and isinstance(error, MethodNotAllowed) and error.valid_methods:
        return f"{request.method} can't be used here, only {', '.join(sorted(error.valid_methods))}."
    if status == 413:
        return _explain_limit()
    if status == 429:
        return f"Too many requests ({error.description}). Wait a moment, then go on."
    return error.description or HTTPStatus(status).description


def _explain_limit() -> str:
    if request.path.startswith("/api/"):
        return "The body is too large: 1 MB at most."
    if request.blueprint == "imports":
        return (
            f"The file is too large: {MOST_BYTES // 1024 // 1024} MB at most. Split it and import the parts."
        )
    return "What was sent is too large: 10 MB at most, pictures included."


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error")
    if current_app.testing and current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    detail = "Something went wrong on our side. It has been logged; the correlation id helps to find it."
    return problem(500, "internal_error", "Internal error", detail)


def _later(response: Response, seconds: int) -> Response:
    response.headers["Retry-After"] = str(seconds)
    return response
