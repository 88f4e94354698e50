"""What a tracker gets that reports positions, and who may read them."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from backend_services.settings import load_settings
from eventstore.doors import Doors
from tests.webapp.noon import API_KEY, add_driver_account, scene_of_now, sign_in, stop_app
from tests.webapp.pages.scene import Scene
from webapp import create_app
from webapp.wiring import build

NOW = datetime.now(UTC).replace(microsecond=0)
"""What the app's clock says all the time, however long after it was read here a test runs."""
DOORS = Doors(now=lambda: NOW)
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def doors() -> Doors:
    return DOORS


@pytest.fixture
def driver(scene: Scene) -> str:
    return str(scene.add_driver().driver_id)


class Tracker:
    """A program with an API key."""

    def __init__(self, app: Flask, driver_id: str) -> None:
        self._client = app.test_client()
        self._path = f"/api/drivers/{driver_id}"

    def post(self, body: Any) -> TestResponse:
        return self._client.post(f"{self._path}/location", json=body, headers=self._headers)

    def get(self, what: str) -> TestResponse:
        return self._client.get(f"{self._path}/{what}", headers=self._headers)

    _headers = {"Authorization": f"Bearer {API_KEY}"}  # noqa: RUF012


@pytest.fixture
def tracker(app: Flask, driver: str) -> Tracker:
    return Tracker(app, driver)


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def fix(minutes_ago: float, **more: Any) -> dict[str, Any]:
    at = iso(NOW - timedelta(minutes=minutes_ago))
    return {"latitude": 60.17 + minutes_ago / 1000, "longitude": 24.94, "recordedAt": at, **more}


def test_a_single_fix_is_what_is_known_then(tracker: Tracker) -> None:
    assert tracker.get("location").status_code == 404
    answer = tracker.post(fix(1, accuracy=4.5, speed=8, heading=271.5))
    assert (answer.status_code, answer.get_json()) == (202, {"accepted": 1})
    assert tracker.get("location").get_json() == {
        "latitude": 60.171,
        "longitude": 24.94,
        "recordedAt": iso(NOW - timedelta(minutes=1)),
        "accuracy": 4.5,
        "speed": 8.0,
        "heading": 271.5,
    }


def test_a_fix_without_a_time_was_taken_now(tracker: Tracker) -> None:
    assert tracker.post({"latitude": 60.17, "longitude": 24.94}).status_code == 202
    assert tracker.get("location").get_json()["recordedAt"] == iso(NOW)


def test_batches_may_come_in_any_order_and_twice(tracker: Tracker) -> None:
    assert tracker.post({"positions": [fix(2), fix(4), fix(1)]}).get_json() == {"accepted": 3}
    assert tracker.post({"positions": [fix(5), fix(3), fix(4)]}).get_json() == {"accepted": 3}
    assert tracker.get("location").get_json()["recordedAt"] == fix(1)["recordedAt"]
    trail = tracker.get("trail").get_json()["positions"]
    assert [one["recordedAt"] for one in trail] == [fix(ago)["recordedAt"] for ago in (5, 4, 3, 2, 1)]


def test_of_a_batch_the_good_ones_are_taken_and_the_others_explained(tracker: Tracker) -> None:
    batch = [
        fix(3),
        fix(2, latitude=91),
        {"latitude": 60.1},
        fix(2, heading="north"),
        fix(-6),
        fix(60 * 24 * 7 + 1),
        fix(1, accuracy=-1),
        fix(1, recordedAt="2026-01-01T10:00:00"),
        "60.1,24.9",
        fix(1),
    ]
    answer = tracker.post({"positions": batch})
    assert answer.status_code == 202
    taken = answer.get_json()
    assert taken["accepted"] == 2
    wrong = {one["index"]: one["errors"] for one in taken["rejected"]}
    assert {number: set(errors) for number, errors in wrong.items()} == {
        1: {"latitude"},
        2: {"longitude"},
        3: {"heading"},
        4: {"recordedAt"},
        5: {"recordedAt"},
        6: {"accuracy"},
        7: {"recordedAt"},
        8: {"body"},
    }
    assert wrong[2] == {"longitude": "is required"}
    assert "5 minutes from now" in wrong[4]["recordedAt"]
    assert len(tracker.get("trail").get_json()["positions"]) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "latitude"),
        ({"latitude": 60.1}, "longitude"),
        ({"latitude": 60.1, "longitude": 180.5}, "longitude"),
        ({"latitude": "60.1", "longitude": 24.9}, "latitude"),
        ({"latitude": 60.1, "longitude": 24.9, "speed": -1}, "speed"),
        ({"latitude": 60.1, "longitude": 24.9, "recordedAt": iso(NOW + timedelta(minutes=7))}, "recordedAt"),
        ({"positions": []}, "positions"),
        ({"positions": [{"latitude": 60.1, "longitude": 24.9}] * 501}, "positions"),
        ({"positions": [7]}, "positions[0]"),
        ({"positions": [{"latitude": 91, "longitude": 24.9}]}, "positions[0].latitude"),
    ],
)
def test_what_cant_be_taken_at_all_is_a_400_that_names_the_field(
    tracker: Tracker, body: dict[str, Any], field: str
) -> None:
    answer = tracker.post(body)
    assert answer.status_code == 400
    assert list(answer.get_json()["errors"]) == [field]
    assert tracker.get("location").status_code == 404


def test_five_hundred_at_once_are_taken(tracker: Tracker) -> None:
    batch = [fix(number / 10) for number in range(500)]
    assert tracker.post({"positions": batch}).get_json() == {"accepted": 500}
    assert len(tracker.get("trail?limit=100").get_json()["positions"]) == 100


def test_a_week_old_fix_of_a_phone_that_was_offline_is_taken_and_dropped(tracker: Tracker) -> None:
    assert tracker.post(fix(60 * 24 * 6)).get_json() == {"accepted": 1}
    assert tracker.get("location").get_json()["code"] == "position_not_found"


def test_a_trail_has_bounds(tracker: Tracker) -> None:
    tracker.post({"positions": [fix(minutes) for minutes in (10, 50, 70, 90)]})
    trail = tracker.get("trail").get_json()
    assert [one["recordedAt"] for one in trail["positions"]] == [fix(50)["recordedAt"], fix(10)["recordedAt"]]
    bounds = f"since={fix(90)['recordedAt']}&until={fix(50)['recordedAt']}"
    assert len(tracker.get(f"trail?{bounds}").get_json()["positions"]) == 3
    answer = tracker.get(f"trail?since={fix(10)['recordedAt']}&until={fix(50)['recordedAt']}")
    assert (answer.status_code, list(answer.get_json()["errors"])) == (400, ["since"])
    assert tracker.get("trail?limit=1").status_code == 400


def test_an_unknown_driver_is_not_found(app: Flask) -> None:
    nobody = Tracker(app, UNKNOWN)
    for answer in (nobody.post(fix(1)), nobody.get("location"), nobody.get("trail")):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "driver_not_found")


def test_a_driver_reports_and_reads_only_the_own_position(app: Flask, scene: Scene, driver: str) -> None:
    own = add_driver_account(app, scene, "Dora Driver")
    dora = sign_in(app, "dora")
    token = next(tag["content"] for name, tag in dora.get("/driver/").tags if tag.get("name") == "csrf-token")
    headers = {"X-CSRFToken": token}
    statuses = {}
    for whose, driver_id in (("own", own), ("other", driver)):
        path = f"/api/drivers/{driver_id}"
        statuses[whose] = (
            dora.client.post(f"{path}/location", json=fix(1), headers=headers).status_code,
            dora.client.get(f"{path}/location").status_code,
            dora.client.get(f"{path}/trail").status_code,
        )
    assert statuses == {"own": (202, 200, 200), "other": (404, 404, 404)}


def test_positions_are_in_no_event_and_no_log(
    app: Flask, tracker: Tracker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = app.extensions["waybill"].store.head()
    tracker.post({"positions": [fix(2, latitude=59.123456), fix(1, latitude=91.654321)]})
    assert app.extensions["waybill"].store.head() == before
    assert "59.123456" not in caplog.text
    assert "91.654321" not in caplog.text
    events = sqlite3.connect(tmp_path / "events.db")
    assert not events.execute("SELECT 1 FROM commits WHERE document LIKE '%59.12%'").fetchall()
    events.close()


def test_positions_survive_a_restart(app: Flask, tracker: Tracker, driver: str, tmp_path: Path) -> None:
    tracker.post({"positions": [fix(2), fix(1)]})
    stop_app(app)
    settings = load_settings({"WAYBILL_DATA_DIR": str(tmp_path), "WAYBILL_API_KEY": API_KEY})
    again = create_app(settings, build(settings, DOORS))
    again.extensions["waybill"].start()
    restarted = Tracker(again, driver)
    assert restarted.get("location").get_json()["recordedAt"] == fix(1)["recordedAt"]
    assert len(restarted.get("trail").get_json()["positions"]) == 2
    stop_app(again)


def test_the_rate_limit_of_a_tracker_counts_each_driver(tmp_path: Path) -> None:
    environ = {
        "WAYBILL_DATA_DIR": str(tmp_path),
        "WAYBILL_API_KEY": API_KEY,
        "WAYBILL_RATE_LIMIT": "3 per minute",
    }
    settings = load_settings(environ)
    app = create_app(settings, build(settings, DOORS))
    app.extensions["waybill"].start()
    scene = scene_of_now(app)
    for driver_id in [str(scene.add_driver(f"Driver {number}").driver_id) for number in range(4)]:
        one = Tracker(app, driver_id)
        assert [one.post(fix(number)).status_code for number in range(4)] == [202, 202, 202, 429]
    stop_app(app)
