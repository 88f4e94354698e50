"""One id ties together a request, the events it caused and the lines it logged."""

import logging
import re

from flask import Flask, Response, g, has_request_context, request

from eventstore.doors import new_id

HEADER = "X-Correlation-Id"
_acceptable = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_traceparent = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def init_correlation(app: Flask) -> None:
    """Take the client's id or make one, for every request; say it in the answer and in the log."""
    app.before_request(_begin)
    app.after_request(_answer)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_add_to_record)


def current_correlation_id() -> str:
    """The id of the current request; a new one outside of any."""
    if not has_request_context():
        return new_id()
    if "correlation_id" not in g:
        _begin()
    return str(g.correlation_id)


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    trace = _traceparent.fullmatch(request.headers.get("traceparent", ""))
    if _acceptable.fullmatch(given):
        g.correlation_id = given
    else:  # a client that traces (W3C Trace Context) finds its trace id again on the events
        g.correlation_id = trace.group(1) if trace else new_id()


def _answer(response: Response) -> Response:
    response.headers[HEADER] = current_correlation_id()
    return response


def _add_to_record(record: logging.LogRecord) -> bool:
    record.correlation_id = current_correlation_id() if has_request_context() else "-"
    return True
