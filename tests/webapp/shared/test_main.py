"""The program as it is started several times over the real engines."""

import os
import sys
from pathlib import Path

import httpx

from ops.processes import Child, free_port, is_listening, wait_until
from tests.webapp.shared.conftest import KEY


def test_two_processes_start_at_once_print_one_link_and_leave_the_data_folder_alone(
    environ: dict[str, str], tmp_path: Path
) -> None:
    children = [program(environ, tmp_path / f"{number}.log") for number in range(2)]
    try:
        links = [
            wait_until(lambda child=child: link_of(child), 30, "the link to the first account")
            for child in children
        ]
    finally:
        for child in children:
            child.kill()
    assert links[0] == links[1]
    assert len(links[0]) >= 24
    assert not Path(environ["WAYBILL_DATA_DIR"]).exists()


def test_without_its_database_the_program_says_so_and_ends(environ: dict[str, str], tmp_path: Path) -> None:
    child = program(environ | {"DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/x"}, tmp_path / "log")
    wait_until(lambda: not child.is_running, 30, "the end of the program")
    assert child.exit_code == 1
    assert "database doesn't answer" in child.tail()
    assert "Traceback" not in child.tail()


def test_without_the_event_store_the_program_says_so_once_and_ends(
    environ: dict[str, str], tmp_path: Path
) -> None:
    nowhere = f"mongodb://127.0.0.1:{free_port()}/x?replicaSet=rs0"
    child = program(environ | {"EVENT_STORE_URL": nowhere}, tmp_path / "log")
    try:
        wait_until(lambda: not child.is_running, 60, "the end of the program")
    finally:
        child.kill()
    said = child.log.read_text()
    assert child.exit_code == 3
    assert said.count("Waybill can't start, an engine that it needs can't be used now: ") == 1
    assert said.count("Booting worker") == 1
    assert "Traceback" not in said


def test_a_web_process_alone_on_new_engines_shows_an_empty_board(
    environ: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    child = program(environ, tmp_path / "log", port)
    try:
        wait_until(lambda: is_listening(port) or not child.is_running, 30, "the port")
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {KEY}"}, timeout=30
        ) as http:
            board = http.get("/board")
            listed = http.get("/api/deliveries")
        assert board.status_code == 200, child.tail()
        assert '<tr id="d-' not in board.text
        assert listed.json()["items"] == []
        assert child.log.read_text().count("Booting worker") == 1
    finally:
        child.kill()


def program(environ: dict[str, str], log: Path, port: int | None = None) -> Child:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAYBILL_")}
    port = port or free_port()
    return Child([sys.executable, "-m", "webapp"], log, inherited | environ | {"PORT": str(port)})


def link_of(child: Child) -> str:
    """The code in the link; nothing before it is printed."""
    head, _, rest = child.log.read_text().partition("/setup?code=")
    return rest.splitlines()[0] if head and rest.endswith("\n") else ""
