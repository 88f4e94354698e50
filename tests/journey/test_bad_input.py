"""Whatever is sent: a 4xx problem document, and nothing stored. The cases come from the OpenAPI document itself."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.journey.city import add_driver, ok
from tests.journey.server import Server

BAD_BODIES: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("not JSON", b"{name: 1}"),
    ("a list", b"[]"),
    ("a string", b'"x"'),
    ("null", b"null"),
    ("cut off", b'{"name": "A'),
    ("deep", b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("NaN", b'{"name": NaN}'),
    ("infinite", b'{"latitude": 1e999, "longitude": 0}'),
    ("not UTF-8", b'{"name": "\xff\xfe"}'),
    ("half a character", b'{"name": "\\ud800"}'),
]
BAD_VALUES: list[tuple[str, Any]] = [
    ("a number", 7),
    ("a list", ["x"]),
    ("an object", {"x": 1}),
    ("blank", "   "),
    ("NUL", "a\x00b"),
    ("a control character", "a\x1bb"),
    ("absurdly long", "x" * 5_000),
    ("true", True),
]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path with ids that nobody has, the body's JSON Schema) of every call that takes a body."""
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            if "requestBody" in described:
                reference = described["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                schema = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
                filled = path
                for parameter in described["parameters"]:
                    if parameter["in"] == "path":
                        filled = filled.replace("{" + parameter["name"] + "}", str(uuid4()))
                yield method.upper(), filled, schema


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = ok(server.client.get("/api/openapi.json"))
    return found


def head(http: httpx.Client) -> int:
    """How many events are stored."""
    return int(ok(http.get("/health"))["dependencies"]["eventStore"]["events"])


def assert_refused(answer: httpx.Response, what: str) -> None:
    assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json", what
    problem = answer.json()
    assert problem["detail"], what
    assert problem["code"] == problem["code"].lower(), what


def test_bad_bodies_are_refused_by_every_call(http: httpx.Client, document: dict[str, Any]) -> None:
    before = head(http)
    for method, path, _ in operations(document):
        for what, content in BAD_BODIES:
            answer = http.request(method, path, content=content, headers={"Content-Type": "application/json"})
            assert_refused(answer, f"{method} {path}: {what}")
    assert head(http) == before


def test_bad_values_are_refused_in_every_required_field(http: httpx.Client, document: dict[str, Any]) -> None:
    before = head(http)
    tried = 0
    for method, path, schema in operations(document):
        for field in schema.get("required", []):
            for what, value in BAD_VALUES:
                answer = http.request(method, path, json={field: value})
                assert_refused(answer, f"{method} {path}: {field} is {what}")
                tried += 1
            answer = http.request(method, path, json={})
            assert_refused(answer, f"{method} {path}: without {field}")
            assert "is required" in answer.text
    assert head(http) == before
    assert tried > 100


@pytest.mark.parametrize(
    "moment",
    [
        "2026-05-04T12:00:00",
        "2026-05-04",
        "yesterday",
        "1899-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        1_700_000_000,
        "",
    ],
)
def test_times_need_an_offset_and_a_sensible_year(http: httpx.Client, moment: object) -> None:
    before = head(http)
    body = {"origin": "A", "destination": "B", "scheduledStartTime": moment}
    answer = http.post("/api/routes", json=body)
    assert_refused(answer, str(moment))
    assert "scheduledStartTime" in answer.json()["errors"]
    assert head(http) == before


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-05-04T12:00:00.123456789012Z", "2026-05-04T12:00:00.123457Z"),
        ("2026-05-04T12:00:00+03:00", "2026-05-04T09:00:00Z"),
        ("2026-05-04T12:00:00.5-01:30", "2026-05-04T13:30:00.500000Z"),
    ],
)
def test_any_precision_and_offset_is_understood(http: httpx.Client, sent: str, kept: str) -> None:
    body = {"origin": "A", "destination": "B", "scheduledStartTime": sent}
    route_id = ok(http.post("/api/routes", json=body))["id"]
    assert ok(http.get(f"/api/routes/{route_id}"))["scheduledStartTime"] == kept


def test_too_much_is_413_and_not_json_is_415(http: httpx.Client) -> None:
    big = json.dumps({"name": "x" * 1_100_000, "driverLicense": "L"}).encode()
    answer = http.post("/api/fleet/drivers", content=big, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    answer = http.post("/api/fleet/drivers", data={"name": "A"})
    assert answer.status_code == 415
    assert_refused(answer, "a form")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=٣",
        "cursor=!!",
        "cursor=AAAA",
        "status=Sleeping",
        "status=null",
        "status=Failed&status=Failed",
        "status=",
        "driverId=1",
        "from=now",
        "from=2026-01-01T00:00:00",
    ],
)
def test_bad_queries_are_refused(http: httpx.Client, query: str) -> None:
    assert_refused(http.get(f"/api/deliveries?{query}"), query)


@pytest.mark.parametrize(
    "path", ["/api/deliveries/x", "/api/nothing", "/api/routes/1/checkpoints", "/api/events/1"]
)
def test_unknown_paths_are_problem_documents(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code in (404, 405)
    assert_refused(answer, path)


def test_an_endless_address_is_a_problem_document_too(http: httpx.Client) -> None:
    answer = http.get("/api/deliveries", params={"q": "x" * 9_000})
    assert answer.status_code == 414
    assert_refused(answer, "an endless address")


def test_a_wrong_method_says_which_are_right(http: httpx.Client) -> None:
    answer = http.delete("/api/fleet/drivers")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert_refused(answer, "DELETE")


def test_every_write_takes_a_key_but_positions_which_may_be_sent_again_anyway(
    document: dict[str, Any],
) -> None:
    without_key = set()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            names = {parameter["name"] for parameter in described["parameters"]}
            if method != "get" and "Idempotency-Key" not in names:
                without_key.add((path, frozenset({"409", "422"} & set(described["responses"]))))
    assert without_key == {("/api/drivers/{driver_id}/location", frozenset())}


def test_the_rate_limit_answers_429_with_retry_after(tmp_path_factory: pytest.TempPathFactory) -> None:
    limited = Server(tmp_path_factory.mktemp("limited") / "data", WAYBILL_RATE_LIMIT="20 per minute").start()
    try:
        paths = ("/api/deliveries", "/api/fleet/drivers")
        answers = [limited.client.get(paths[number % 2]) for number in range(25)]
        assert [answer.status_code for answer in answers].count(429) == 5
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert_refused(answers[-1], "too many")
        assert limited.client.get("/health/ready").status_code == 200
    finally:
        limited.stop()


def test_unicode_is_kept_as_it_is(http: httpx.Client) -> None:
    name = "Äijä Œuvre 李小龙 🚲"
    driver_id = add_driver(http, name)
    assert ok(http.get(f"/api/fleet/drivers/{driver_id}"))["name"] == name
    found = ok(http.get("/api/fleet/drivers", params={"q": "äijä œuvre"}))["items"]
    assert driver_id in {item["driverId"] for item in found}
