"""A running app for one test, with nothing in it yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from eventstore.doors import Doors
from tests.webapp.noon import scene_of_now, start_app, stop_app
from tests.webapp.pages.scene import Scene


@pytest.fixture
def doors() -> Doors | None:
    """The app's clock and dice, where a module holds them."""
    return None


@pytest.fixture
def app(tmp_path: Path, doors: Doors | None) -> Iterator[Flask]:
    running = start_app(tmp_path, doors)
    yield running
    stop_app(running)


@pytest.fixture
def scene(app: Flask) -> Scene:
    return scene_of_now(app)
