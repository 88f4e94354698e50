"""A small client of the public API that waits when the server is away or says so."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

AWAY = (429, 502, 503, 504)
CONFLICT = 409  # with Retry-After others were faster; without it the id is taken
MOST_PAGES = 10


class ApiRefused(Exception):
    """The API answered with an error that waiting doesn't heal; `problem` is its document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem.get('code', status)}: {problem.get('detail', '')}")
        self.status = status
        self.problem = problem


class ApiClient:
    """JSON over HTTP with a bearer key. Waits up to `patience_s` seconds for a server that is away or busy."""

    def __init__(self, url: str, key: str, patience_s: float = 60.0) -> None:
        self.url = url
        self.key = key
        self._patience_s = patience_s
        # The server is our own and near: no proxy of the environment may come between.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: Any = None, command_id: str | None = None) -> Any:
        """The answer's JSON. Raises `ApiRefused`, or TimeoutError when patience is over.

        A call is sent again only when the server was away or asked to wait, so a write needs a `command_id`.
        """
        bound = time.monotonic() + self._patience_s
        while True:
            try:
                return self._once(method, path, body, command_id)
            except urllib.error.HTTPError as error:
                document = _document(error)
                retry_after = error.headers.get("Retry-After")
                if error.code not in AWAY and (error.code != CONFLICT or retry_after is None):
                    raise ApiRefused(error.code, document) from error
                pause = _seconds(retry_after)
            except (OSError, http.client.HTTPException):
                pause = 1.0
            if time.monotonic() + pause > bound:
                raise TimeoutError(f"{method} {path}: the server does not answer")
            time.sleep(pause)

    def find(self, path: str) -> Any:
        """The answer's JSON, or None when there is no such thing."""
        try:
            return self.call("GET", path)
        except ApiRefused as refused:
            if refused.status == 404:
                return None
            raise

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page; `path` has a query already."""
        cursor = ""
        for _ in range(MOST_PAGES):
            page = self.call("GET", path + cursor)
            yield from page["items"]
            if page["nextCursor"] is None:
                return
            cursor = f"&cursor={page['nextCursor']}"

    def _once(self, method: str, path: str, body: Any, command_id: str | None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if command_id is not None:
            headers["Idempotency-Key"] = command_id
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - our own server
        with self._opener.open(request, timeout=15) as answer:
            return json.load(answer)


def _document(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        document = json.load(error)
    except (ValueError, OSError):
        document = None
    return document if isinstance(document, dict) else {"code": str(error.code), "detail": str(error.reason)}


def _seconds(retry_after: str | None) -> float:
    """How long to wait; a server that names a date, or nothing, is asked again after a second."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else 1.0
