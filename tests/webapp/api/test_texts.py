"""What a program is told of its mistakes: in words that need no Python, and with what would be right."""

from typing import Any

import pytest

from tests.webapp.api.conftest import Program
from tests.webapp.pages.scene import Scene

NOBODY = "00000000-0000-4000-8000-000000000000"
ROUTE = {"origin": "A", "destination": "B", "scheduledStartTime": "2026-05-04T12:00:00Z"}
INSTANT = "must be an instant such as 2026-05-04T12:00:00Z"


@pytest.mark.parametrize(
    ("path", "body", "field", "words"),
    [
        ("/fleet/drivers", {"name": 7, "driverLicense": "L"}, "name", "must be text"),
        (
            "/fleet/drivers",
            {"name": "x" * 201, "driverLicense": "L"},
            "name",
            "may have 200 characters at most",
        ),
        ("/fleet/drivers", {"name": "", "driverLicense": "L"}, "name", "must not be empty"),
        ("/fleet/drivers", {"name": " ", "driverLicense": "L"}, "name", "must not be blank"),
        ("/fleet/drivers", {"id": "x", "name": "A", "driverLicense": "L"}, "id", "must be a UUID"),
        ("/fleet/drivers", {"id": 7, "name": "A", "driverLicense": "L"}, "id", "must be a UUID"),
        ("/routes", ROUTE | {"scheduledStartTime": 7}, "scheduledStartTime", INSTANT),
        ("/routes", ROUTE | {"scheduledStartTime": "soon"}, "scheduledStartTime", INSTANT),
        ("/routes", ROUTE | {"checkpoints": {}}, "checkpoints", "must be a list"),
        ("/routes", ROUTE | {"checkpoints": [7]}, "checkpoints[0]", "must be an object"),
        (
            "/routes",
            ROUTE | {"checkpoints": [{"sequence": 1.5}]},
            "checkpoints[0].sequence",
            "must be a whole number",
        ),
        (
            "/routes",
            ROUTE | {"checkpoints": [{"sequence": 0}]},
            "checkpoints[0].sequence",
            "must be 1 or more",
        ),
        (
            f"/deliveries/{NOBODY}/incidents",
            {"type": "Traffic", "description": "x", "latitude": "60"},
            "latitude",
            "must be a number",
        ),
        (
            f"/deliveries/{NOBODY}/incidents",
            {"type": "Traffic", "description": "x", "latitude": 91},
            "latitude",
            "must be 90 or less",
        ),
        (
            f"/deliveries/{NOBODY}/incidents",
            {"type": "Traffic", "description": "x", "severity": 1},
            "severity",
            "must be one of low, medium, high, critical",
        ),
        (f"/drivers/{NOBODY}/location", {"positions": []}, "positions", "must not be empty"),
    ],
)
def test_a_wrong_value_is_named_in_plain_words(
    program: Program, path: str, body: dict[str, Any], field: str, words: str
) -> None:
    assert program.refused(program.post(path, body), field).startswith(words)


def test_a_status_that_there_is_not_is_answered_with_those_that_there_are(program: Program) -> None:
    words = "must be one of Available, Assigned, Unavailable, Suspended"
    answer = program.ask("PATCH", f"/api/fleet/drivers/{NOBODY}/status", json={"status": "Nope"})
    assert program.refused(answer, "status") == words
    assert program.refused(program.get("/fleet/drivers?status=Nope"), "status") == words


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "The body is empty; send a JSON object."),
        (b" \n", "The body is empty; send a JSON object."),
        (b'{"name": "\xff\xfe"}', "The body must be UTF-8."),
    ],
)
def test_a_body_that_can_not_be_read_is_told_why(program: Program, sent: bytes, words: str) -> None:
    answer = program.ask("POST", "/api/fleet/drivers", data=sent, content_type="application/json")
    assert (answer.status_code, answer.get_json()["detail"]) == (400, words)


def test_a_wrong_method_is_answered_with_the_right_ones(program: Program) -> None:
    answer = program.ask("DELETE", "/api/fleet/drivers")
    assert answer.status_code == 405
    assert answer.get_json()["detail"] == "DELETE can't be used here, only GET, HEAD, OPTIONS, POST."


def test_a_plus_that_became_a_space_gets_a_hint(program: Program) -> None:
    answer = program.get("/deliveries?from=2026-05-04T12:00:00+02:00")
    assert "%2B" in program.refused(answer, "from")
    assert program.get("/deliveries?from=2026-05-04T12:00:00%2B02:00").status_code == 200
    assert "%2B" not in program.refused(program.get("/deliveries?from=2026-05-04T12:00:00"), "from")


@pytest.mark.parametrize("number", ["1700000000", "1700000000.5", "-1"])
def test_a_number_is_no_instant_in_a_query_either(program: Program, number: str) -> None:
    assert program.refused(program.get(f"/deliveries?from={number}"), "from").startswith(INSTANT)


@pytest.mark.parametrize("types", [",,", "Nope", "DriverAdded,Nope", " "])
def test_event_types_that_there_are_not_are_answered_with_those_that_there_are(
    program: Program, types: str
) -> None:
    assert "DriverAdded" in program.refused(program.get(f"/events?types={types}"), "types")


def test_the_cursor_of_another_list_is_refused(program: Program, scene: Scene) -> None:
    for _ in range(2):
        scene.add_driver()
        scene.add_vehicle()
    cursors = {
        name: program.get(f"/fleet/{name}?limit=1").get_json()["nextCursor"]
        for name in ("drivers", "vehicles")
    }
    for name, other in (("drivers", "vehicles"), ("vehicles", "drivers")):
        assert program.get(f"/fleet/{name}?limit=1&cursor={cursors[name]}").status_code == 200
        program.refused(program.get(f"/fleet/{name}?limit=1&cursor={cursors[other]}"), "cursor")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/fleet/drivers", "The body is too large: 1 MB at most."),
        ("/import/drivers", "The file is too large: 2 MB at most. Split it and import the parts."),
        ("/fleet/drivers/new", "What was sent is too large: 10 MB at most, pictures included."),
    ],
)
def test_what_is_too_large_is_told_the_limit_of_its_address(program: Program, path: str, words: str) -> None:
    is_api = path.startswith("/api")
    kind = "application/json" if is_api else "application/x-www-form-urlencoded"
    answer = program.ask("POST", path, data=b"x" * 11_000_000, content_type=kind)
    assert answer.status_code == 413
    assert words in answer.text
