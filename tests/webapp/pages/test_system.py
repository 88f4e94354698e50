"""The admins' page about Waybill itself, in one process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from ops.processes import wait_until
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.conftest import PASSWORD, make_app
from tests.webapp.pages.scene import Scene
from webapp.accounts.models import create_account


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path)
    with app.app_context():
        create_account("adam", PASSWORD, "admin", "Adam Admin")
    yield app
    app.extensions["waybill"].stop()


@pytest.fixture
def adam(running: Flask) -> Browser:
    """An admin."""
    browser = Browser(running)
    browser.sign_in("adam", PASSWORD)
    return browser


def test_it_shows_the_stores_and_that_nothing_is_set_aside(adam: Browser) -> None:
    page = adam.get("/admin/system")
    assert page.status == 200
    for words in ("Everything works", "Event store Up", "Read models Up", "Nothing is set aside."):
        assert words in page.text
    assert page.link("System") == "/admin/system"


def test_htmx_gets_the_changing_part_alone(adam: Browser) -> None:
    part = adam.get("/admin/system", htmx=True)
    assert part.html.lstrip().startswith('<div id="state"')
    assert "<h1>" not in part.html


def test_a_projection_that_cannot_go_on_is_said_with_its_error(running: Flask, adam: Browser) -> None:
    scene = Scene(running)
    with scene.waybill.engine.begin() as rows:
        rows.exec_driver_sql(
            "CREATE TRIGGER bug BEFORE INSERT ON drivers BEGIN SELECT RAISE(ABORT, 'a bug'); END"
        )
    adam.send(adam.get("/fleet/drivers/new").form("Add"), name="Stuck", driver_license="L")
    wait_until(lambda: scene.waybill.rows.last_error, what="the projection's error")
    page = adam.get("/admin/system")
    assert "Read models Stands still" in page.text
    assert "a bug" in page.text
    assert adam.get("/health/ready").status == 503
    with scene.waybill.engine.begin() as rows:
        rows.exec_driver_sql("DROP TRIGGER bug")
    wait_until(lambda: "Read models Up" in adam.get("/admin/system").text, what="its going on")


def test_nothing_can_be_tried_again_or_skipped_here(adam: Browser) -> None:
    assert adam.get("/admin/system/skip/some-event").status == 404


def test_only_admins_see_it(running: Flask) -> None:
    scene = Scene(running)
    with running.app_context():
        create_account("drew", PASSWORD, "driver", "Drew", scene.add_driver().driver_id)
    for name in ("dispatcher", "drew"):
        browser = Browser(running)
        browser.sign_in(name, PASSWORD)
        assert browser.get("/admin/system").status == 403
        assert "/admin/system" not in browser.get("/").html
    assert "Sign in" in Browser(running).get("/admin/system").text
