"""`python -m webapp.demo`, as `make demo` starts it."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ops.processes import free_port, wait_until
from tests.journey.server import clean_environ
from webapp.demo.client import ApiClient

Demo = subprocess.Popen[bytes]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[Demo, Path]]]:
    """Starts the demo on a port and the test's data folder; answers the process and the file with its output."""
    started: list[Demo] = []

    def run(port: int, **environ: str) -> tuple[Demo, Path]:
        clean = clean_environ()
        clean |= {"PORT": str(port), "WAYBILL_DATA_DIR": str(tmp_path / "data"), **environ}
        output = tmp_path / f"output-{len(started)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "webapp.demo"],
                env=clean,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        started.append(process)
        return process, output

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.wait(40)


def wait_for(output: Path, text: str) -> str:
    """The output, once the text is in it."""
    wait_until(lambda: text in output.read_text(), 30, f"{text!r} in the demo's output")
    return output.read_text()


def password_in(text: str) -> str:
    """The password that the demo printed."""
    return text.split("Password: ")[1].split(maxsplit=1)[0]


def is_listening(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def test_it_prints_where_it_runs_and_who_can_sign_in_and_keeps_that_private(
    start: Callable[..., tuple[Demo, Path]], tmp_path: Path
) -> None:
    port = free_port()
    process, output = start(port)
    said = wait_for(output, "Stop with Ctrl-C")
    assert f"http://127.0.0.1:{port}\n" in said
    assert "Dispatcher: dispatcher" in said
    kept = tmp_path / "data" / "demo_sign_ins.txt"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert password_in(kept.read_text()) == password_in(said)
    key = (tmp_path / "data" / "demo_api_key").read_text().strip()
    first = ApiClient(f"http://127.0.0.1:{port}", key).call("GET", "/api/routes/overview")["routes"]
    assert len(first) >= 13

    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0
    assert not is_listening(port)

    again, output = start(port)
    assert password_in(wait_for(output, "Stop with Ctrl-C")) == password_in(said)
    second = ApiClient(f"http://127.0.0.1:{port}", key).call("GET", "/api/routes/overview")["routes"]
    assert len(second) < len(first) + 3, "the same day is not loaded a second time"
    again.send_signal(signal.SIGINT)
    assert again.wait(40) == 0


def test_it_uses_the_key_it_is_given_minds_its_port_and_ends_when_the_server_dies(
    start: Callable[..., tuple[Demo, Path]], tmp_path: Path
) -> None:
    port = free_port()
    process, output = start(port, WAYBILL_API_KEY="a-key-of-ones-own-123")
    wait_for(output, "Stop with Ctrl-C")
    api = ApiClient(f"http://127.0.0.1:{port}", "a-key-of-ones-own-123")
    assert api.call("GET", "/api/fleet/overview")["drivers"]
    assert not (tmp_path / "data" / "demo_api_key").exists()

    other, said = start(port, WAYBILL_DATA_DIR=str(tmp_path / "other"))
    assert other.wait(40) != 0
    assert f"Port {port}" in said.read_text()
    assert process.poll() is None

    server = int((tmp_path / "data" / "lock").read_text())
    assert server != process.pid
    os.kill(server, signal.SIGTERM)
    assert process.wait(60) != 0
    assert "the server has ended" in output.read_text()


@pytest.mark.parametrize("speed", ["fast", "nan"])
def test_a_wrong_speed_stops_the_start_with_one_sentence(
    start: Callable[..., tuple[Demo, Path]], speed: str
) -> None:
    process, output = start(free_port(), WAYBILL_DEMO_SPEED=speed)
    assert process.wait(30) == 2
    assert output.read_text() == "WAYBILL_DEMO_SPEED must be a number from 0.5 to 100.\n"
