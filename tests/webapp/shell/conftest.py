"""A fresh app per test, with a dispatcher and a driver who can sign in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend_services.fleet.commands import AddDriver
from backend_services.settings import load_settings
from eventstore.execute import Context
from webapp import create_app
from webapp.accounts.models import create_account

PASSWORD = "a long password for tests"
KEY = "a-bearer-key-for-tests"
DRIVER_ID = "0196a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
CONTEXT = Context("tester", "test")


class Visitor:
    """A browser: keeps cookies and sends each form's token."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **more: object) -> TestResponse:
        return self.client.get(path, **more)  # type: ignore[arg-type]

    def token(self, path: str = "/sign-in") -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.client.get(path).text)
        assert found is not None
        return found.group(1)

    def post(self, path: str, data: dict[str, str] | None = None, **more: object) -> TestResponse:
        form = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(path, data=form, **more)  # type: ignore[arg-type]

    def sign_in(
        self, username: str = "dana", password: str = PASSWORD, next_page: str | None = None
    ) -> TestResponse:
        query = f"?next={next_page}" if next_page else ""
        return self.post(f"/sign-in{query}", {"username": username, "password": password})


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    environ = {"WAYBILL_DATA_DIR": str(tmp_path), "WAYBILL_RATE_LIMIT": "off", "WAYBILL_API_KEY": KEY}
    made = create_app(load_settings(environ))
    waybill = made.extensions["waybill"]
    waybill.start()
    with made.app_context():
        create_account("dana", PASSWORD, "admin", "Dana")
        create_account("aino", PASSWORD, "driver", "Aino", DRIVER_ID)
    added = waybill.fleet.add_driver(AddDriver(driver_id=DRIVER_ID, name="Aino", driver_license="L"), CONTEXT)
    assert waybill.wait_for(added)
    yield made
    waybill.stop()


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)
