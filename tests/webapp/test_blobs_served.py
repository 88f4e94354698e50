"""Pictures as they are served: to whom, and so that they can do nothing. What a driver may see is with the drivers."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.webapp.driver.pictures import picture
from tests.webapp.noon import API_KEY, sign_in, start_app, stop_app
from webapp.blobs import store_image


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    running = start_app(tmp_path_factory.mktemp("blobs"))
    yield running
    stop_app(running)


def stored(app: Flask) -> str:
    with app.app_context():
        return store_image(picture())


def test_a_picture_is_served_so_that_it_can_do_nothing(app: Flask) -> None:
    url = stored(app)

    answer = sign_in(app).client.get(url)

    assert (answer.status_code, answer.content_type) == (200, "image/png")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"].startswith("private")
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_picture_is_for_people_who_are_signed_in(app: Flask) -> None:
    url = stored(app)

    assert app.test_client().get(url).status_code == 302
    by_key = app.test_client().get(url, headers={"Authorization": f"Bearer {API_KEY}"})
    assert by_key.status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "../accounts.db",
        "..%2Faccounts.db",
        "%2e%2e/%2e%2e/etc/passwd",
        "a" * 64 + ".svg",
        "A" * 64 + ".png",
        "a" * 64 + ".png",
        "a" * 64 + ".png%00",
        "a" * 64 + ".png%0a",
        "secret_key",
    ],
)
def test_no_name_leads_anywhere_else(app: Flask, name: str) -> None:
    assert sign_in(app).client.get(f"/blobs/{name}").status_code == 404
