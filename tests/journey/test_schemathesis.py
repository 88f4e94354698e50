"""The running API keeps the promises of its own OpenAPI document, whatever schemathesis makes up."""

import subprocess
import sys
from pathlib import Path

from tests.journey.server import API_KEY, Server

EXAMPLES = 10


def test_schemathesis_finds_nothing(server: Server, tmp_path: Path) -> None:
    """Every check but `positive_data_acceptance`: by contract a well-formed request that breaks a rule is a 400."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{server.url}/api/openapi.json",
        "--header",
        f"Authorization: Bearer {API_KEY}",
        "--exclude-checks",
        "positive_data_acceptance",
        "--max-examples",
        str(EXAMPLES),
        "--generation-deterministic",
        "--no-color",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stdout[-6_000:]
    assert "Tested: 36" in run.stdout
