"""Clients of several web processes that behave as good clients do: they send again, with the same key."""

import threading
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from uuid import uuid4

import httpx

from tests.journey.server import API_KEY

ANSWER_BOUND_S = 120.0


class Alternating(httpx.HTTPTransport):
    """Sends each request to the next of several servers."""

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__(retries=0)
        self._urls: Iterator[httpx.URL] = cycle([httpx.URL(url) for url in urls])
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            target = next(self._urls)
        request.url = request.url.copy_with(host=target.host, port=target.port)
        return super().handle_request(request)


def alternating_client(urls: Sequence[str]) -> httpx.Client:
    """A client whose requests go to the servers in turn."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    return httpx.Client(base_url=urls[0], headers=headers, timeout=30, transport=Alternating(urls))


def send_until_answered(
    http: httpx.Client, method: str, path: str, body: object, key: str | None = None
) -> httpx.Response:
    """Send a command, again with the same key after every failure and every "not yet", until there is an answer."""
    headers = {"Idempotency-Key": key or str(uuid4())}
    bound = time.monotonic() + ANSWER_BOUND_S
    while True:
        try:
            answer = http.request(method, path, json=body, headers=headers)
            if answer.status_code < 500 and answer.status_code not in (202, 409):
                return answer
            what = f"{answer.status_code}: {answer.text[:200]}"
            assert answer.status_code in (202, 409, 503), what
        except httpx.TransportError as error:
            what = repr(error)
        assert time.monotonic() < bound, f"no answer within {ANSWER_BOUND_S} s; the last was {what}"
        time.sleep(0.05)
