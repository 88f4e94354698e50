"""A running app in a zone where it is about noon, so that some hours ago and in some hours are still today."""

from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from backend_services.settings import load_settings
from eventstore.doors import Doors
from tests.journey.city import zone_where_it_is_noon
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene
from webapp import create_app
from webapp.accounts.models import create_account
from webapp.wiring import build

PASSWORD = "a long password for tests"
API_KEY = "a-key-for-tests-0123456789"


def start_app(data_dir: Path, doors: Doors | None = None) -> Flask:
    """A running app where one can sign in as `dispatcher`; `doors` hold its clock."""
    environ = {
        "WAYBILL_DATA_DIR": str(data_dir),
        "WAYBILL_API_KEY": API_KEY,
        "WAYBILL_RATE_LIMIT": "off",
        "WAYBILL_TIME_ZONE": zone_where_it_is_noon(),
    }
    settings = load_settings(environ)
    app = create_app(settings, build(settings, doors))
    app.extensions["waybill"].start()
    with app.app_context():
        create_account("dispatcher", PASSWORD, "dispatcher", "Dana Dispatcher")
    return app


def stop_app(app: Flask) -> None:
    app.extensions["waybill"].stop()


def scene_of_now(app: Flask) -> Scene:
    """Shortcuts over the services; minutes count from now."""
    scene = Scene(app)
    scene.noon = datetime.now(UTC)
    return scene


def sign_in(app: Flask, username: str = "dispatcher") -> Browser:
    """Somebody signed in at a browser without JavaScript."""
    browser = Browser(app)
    browser.sign_in(username, PASSWORD)
    assert browser.get("/").status == 200
    assert browser.get("/").path != "/sign-in"
    return browser


def add_driver_account(app: Flask, scene: Scene, name: str) -> str:
    """A driver who can sign in under the first name; answers the driver's id."""
    driver_id = scene.add_driver(name).driver_id
    with app.app_context():
        create_account(name.split(maxsplit=1)[0].lower(), PASSWORD, "driver", name, driver_id)
    return driver_id
