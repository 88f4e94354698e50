"""The demo's client, against a server that is away, busy or of another opinion."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ops.processes import free_port
from webapp.demo.client import ApiClient, ApiRefused

Answer = tuple[int, dict[str, str], str]


@contextmanager
def server_answering(answers: list[Answer]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers one after the other; its address, and the command ids it was sent."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            seen.append(self.headers.get("Idempotency-Key", ""))
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = answers.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}", seen
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


@pytest.mark.parametrize("status", [409, 429, 503])
def test_it_waits_as_long_as_it_is_asked_and_sends_the_same_command_again(status: int) -> None:
    wait = (status, {"Retry-After": "1"}, "{}")
    with server_answering([wait, (200, {}, '{"ok": true}')]) as (url, seen):
        began = time.monotonic()
        assert ApiClient(url, "key").call("PATCH", "/x", {"a": 1}, "command-1") == {"ok": True}
        assert time.monotonic() - began >= 1
    assert seen == ["command-1", "command-1"]


def test_it_gives_up_when_patience_is_over() -> None:
    with server_answering([(429, {"Retry-After": "3600"}, "{}")]) as (url, seen):
        with pytest.raises(TimeoutError):
            ApiClient(url, "key", patience_s=5).call("PATCH", "/x", {})
        assert len(seen) == 1


def test_a_server_that_is_away_is_waited_for_but_not_for_ever() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        ApiClient(f"http://127.0.0.1:{free_port()}", "key", patience_s=1.5).call("GET", "/x")
    assert 0.9 <= time.monotonic() - began < 10


@pytest.mark.parametrize("body", [json.dumps({"code": "driver_booked", "detail": "Busy."}), "<html>", "[1]"])
def test_a_refusal_is_handed_on_at_once(body: str) -> None:
    with server_answering([(400, {}, body)]) as (url, seen), pytest.raises(ApiRefused) as caught:
        ApiClient(url, "key").call("PATCH", "/x", {})
    assert caught.value.status == 400
    assert len(seen) == 1
    if body.startswith("{"):
        assert str(caught.value) == "driver_booked: Busy."


def test_a_conflict_without_a_time_to_wait_is_a_refusal() -> None:
    with server_answering([(409, {}, "{}")]) as (url, _), pytest.raises(ApiRefused):
        ApiClient(url, "key").call("PATCH", "/x", {})
