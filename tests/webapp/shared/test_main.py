"""The program as it is started several times over the real engines."""

import os
import sys
from pathlib import Path

from ops.processes import Child, free_port, wait_until


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


def program(environ: dict[str, str], log: Path) -> Child:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAYBILL_")}
    return Child([sys.executable, "-m", "webapp"], log, inherited | environ | {"PORT": str(free_port())})


def link_of(child: Child) -> str:
    """The code in the link; nothing before it is printed."""
    head, _, rest = child.log.read_text().partition("/setup?code=")
    return rest.splitlines()[0] if head and rest.endswith("\n") else ""
