"""A running app with a dispatcher at a browser, and nothing else yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.webapp.noon import scene_of_now, sign_in, start_app, stop_app
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    running = start_app(tmp_path)
    yield running
    stop_app(running)


@pytest.fixture
def scene(app: Flask) -> Scene:
    return scene_of_now(app)


@pytest.fixture
def dana(app: Flask) -> Browser:
    return sign_in(app)
