"""A small client of the public API that waits when the server is away or says so."""

import json
import time
import urllib.error
import urllib.request
from typing import Any


class ApiRefused(Exception):
    """The API answered 4xx; `problem` is its document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem.get('code')}: {problem.get('detail')}")
        self.problem = problem


class ApiClient:
    """JSON over HTTP with a bearer key. Waits up to `patience_s` seconds for a server that is away or busy."""

    def __init__(self, url: str, key: str, patience_s: float = 60.0) -> None:
        self._url = url
        self._key = key
        self._patience_s = patience_s

    def call(self, method: str, path: str, body: Any = None, command_id: str | None = None) -> Any:
        """The answer's JSON. Raises `ApiRefused` for 4xx, OSError when patience is over."""
        bound = time.monotonic() + self._patience_s
        while True:
            try:
                return self._once(method, path, body, command_id)
            except urllib.error.HTTPError as error:
                document = _document(error)
                if error.code not in (409, 429, 503) or "Retry-After" not in error.headers:
                    raise ApiRefused(document) from error
                pause = float(error.headers["Retry-After"] or 1)
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pause = 1.0
            if time.monotonic() + pause > bound:
                raise TimeoutError(f"{method} {path}: the server does not answer")
            time.sleep(min(pause, 10.0))

    def _once(self, method: str, path: str, body: Any, command_id: str | None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        if command_id is not None:
            headers["Idempotency-Key"] = command_id
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=15) as answer:  # noqa: S310
            return json.load(answer)


def _document(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.load(error)
    except ValueError:
        document = {"code": str(error.code), "detail": error.reason}
    return document
