"""A Waybill of its own for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend_services.town import Town, start
from webapp.wiring import Waybill


@pytest.fixture
def waybill(tmp_path: Path) -> Iterator[Waybill]:
    running = start(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def town(waybill: Waybill) -> Town:
    return Town(waybill)
