"""The real app on a fresh data folder, a dispatcher at a browser, and shortcuts that set a scene."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from backend_services.settings import load_settings
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene
from webapp import create_app
from webapp.accounts.models import create_account

PASSWORD = "a long password for tests"


def make_app(data_dir: Path, starts: bool = True, **more: str) -> Flask:
    """An app in Helsinki's time with a dispatcher called `dispatcher`; its rows follow the log once it starts."""
    environ = {
        "WAYBILL_DATA_DIR": str(data_dir),
        "WAYBILL_RATE_LIMIT": "off",
        "WAYBILL_TIME_ZONE": "Europe/Helsinki",
    }
    app = create_app(load_settings(environ | more))
    if starts:
        app.extensions["waybill"].start()
    with app.app_context():
        create_account("dispatcher", PASSWORD, "dispatcher", "Dana Dispatcher")
    return app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One running app per module; its tests make their own drivers, routes and deliveries."""
    running = make_app(tmp_path_factory.mktemp("pages"))
    yield running
    running.extensions["waybill"].stop()


@pytest.fixture(scope="module")
def scene(app: Flask) -> Scene:
    """Shortcuts over the services."""
    return Scene(app)


@pytest.fixture(scope="module")
def dana(app: Flask) -> Browser:
    """A dispatcher at a browser without JavaScript."""
    browser = Browser(app)
    assert browser.sign_in("dispatcher", PASSWORD).status == 303
    return browser


@pytest.fixture
def fresh_dana(tmp_path: Path) -> Iterator[Browser]:
    """A dispatcher on an app where there is nothing yet."""
    running = make_app(tmp_path)
    browser = Browser(running)
    browser.sign_in("dispatcher", PASSWORD)
    yield browser
    running.extensions["waybill"].stop()
