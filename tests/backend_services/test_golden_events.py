"""One JSON per event type and version, kept for ever: what was stored once can be read for ever.

A new version adds a file `<Type>.v<version>.json`; a file is never changed or removed.
"""

import json
from pathlib import Path

import msgspec
import pytest

from backend_services.projecting import build_codec

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))
CODEC = build_codec()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stored_event_is_still_read(path: Path) -> None:
    type_name, _, version = path.stem.partition(".v")
    for data in json.loads(path.read_text()):
        event = CODEC.decode(type_name, int(version), data)
        _, written_version, encoded = CODEC.encode(event)
        written = json.loads(msgspec.json.encode(encoded))
        if written_version == int(version):
            assert {key: value for key, value in written.items() if value is not None} == {
                key: value for key, value in data.items() if value is not None
            }
        assert CODEC.decode(type_name, written_version, written) == event


def test_every_version_of_every_event_has_its_file() -> None:
    wanted = {
        f"{name}.v{version}" for name, cls in CODEC.classes.items() for version in range(1, cls.VERSION + 1)
    }
    assert {path.stem for path in FILES} == wanted
