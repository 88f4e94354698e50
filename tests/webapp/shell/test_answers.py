"""Headers, errors and access: what every answer keeps."""

import io
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from tests.webapp.shell.conftest import KEY, PASSWORD, Visitor
from webapp.access import check_all_routes_declared, public
from webapp.accounts.models import create_account
from webapp.blobs import MAX_SIDE_PX, BlobRefused, store_data_url, store_image
from webapp.security import CSP, content_security_policy

BEARER = {"Authorization": f"Bearer {KEY}"}


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), **more: object) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", size, "navy").save(output, kind, **more)  # type: ignore[arg-type]
    return output.getvalue()


def test_every_page_is_under_the_strict_policy(visitor: Visitor) -> None:
    answer = visitor.get("/sign-in")
    assert answer.headers["Content-Security-Policy"] == CSP
    assert "unsafe" not in CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert " style=" not in answer.text
    assert " onclick" not in answer.text


def test_the_policy_lets_in_the_map_of_the_settings_and_nothing_else() -> None:
    policy = content_security_policy("https://tiles.example.org:8443/style.json?key=x")
    added = set(policy.split()) - set(CSP.split())
    assert added == {"https://tiles.example.org:8443;", "blob:"}
    assert "img-src 'self' data: blob: https://tiles.example.org:8443;" in policy
    assert "connect-src 'self' https://tiles.example.org:8443;" in policy


def test_static_files_are_cached_for_ever_under_an_address_of_their_content(visitor: Visitor) -> None:
    page = visitor.get("/sign-in").text
    address = page.split('rel="stylesheet" href="')[2].split('"')[0]
    assert "?v=" in address
    assert "immutable" in visitor.get(address).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("given", "kept"), [("order-7:x_y.z", True), ("a b", False), ("x" * 101, False), ("", False)]
)
def test_a_sensible_correlation_id_is_kept(visitor: Visitor, given: str, kept: bool) -> None:
    answer = visitor.get("/health/live", headers={"X-Correlation-Id": given})
    assert (answer.headers["X-Correlation-Id"] == given) is kept
    assert answer.headers["X-Correlation-Id"]


@pytest.mark.parametrize(
    ("traceparent", "kept"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", False),
        ("not a trace", False),
    ],
)
def test_a_trace_of_the_client_becomes_the_correlation_id(
    visitor: Visitor, traceparent: str, kept: bool
) -> None:
    answer = visitor.get("/health/live", headers={"traceparent": traceparent})
    assert (answer.headers["X-Correlation-Id"] == "4bf92f3577b34da6a3ce929d0e0e4736") is kept
    both = visitor.get("/health/live", headers={"traceparent": traceparent, "X-Correlation-Id": "mine"})
    assert both.headers["X-Correlation-Id"] == "mine"


def test_errors_of_the_api_are_problem_documents_and_those_of_pages_are_pages(visitor: Visitor) -> None:
    api, page = visitor.get("/api/nothing"), visitor.get("/nothing")
    assert (api.status_code, api.content_type) == (404, "application/problem+json")
    assert page.status_code == 404
    assert "text/html" in page.content_type
    assert page.headers["X-Correlation-Id"] in page.text


def test_an_unexpected_error_says_nothing_of_the_inside(app: Flask) -> None:
    @public
    def broken() -> str:
        raise RuntimeError("the inside")

    app.add_url_rule("/api/broken", "broken", broken)
    answer = Visitor(app).get("/api/broken")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "inside" not in answer.text
    assert "Traceback" not in answer.text


def test_a_route_that_does_not_say_who_may_call_it_stops_the_start(app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "x")
    with pytest.raises(RuntimeError, match="forgotten"):
        check_all_routes_declared(app)


def test_health_tells_of_each_dependency_without_secrets(visitor: Visitor) -> None:
    answer = visitor.get("/health/ready")
    assert answer.get_json()["dependencies"]["eventStore"]["status"] == "up"
    assert "sqlite" not in answer.text


class TestPictures:
    def test_a_picture_is_kept_once_under_its_content(self, app: Flask, visitor: Visitor) -> None:
        with app.app_context():
            address = store_image(picture())
            assert store_image(picture()) == address
        assert visitor.get(address).status_code == 302
        answer = visitor.get(address, headers=BEARER)
        assert (answer.status_code, answer.content_type) == (200, "image/png")
        assert "sandbox" in answer.headers["Content-Security-Policy"]

    def test_metadata_is_gone_and_long_sides_shrink(self, app: Flask, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x010E] = "secret place"
        with app.app_context():
            store_image(picture("JPEG", (3_000, 10), exif=exif))
        kept = next((tmp_path / "blobs").rglob("*.jpg"))
        assert b"secret place" not in kept.read_bytes()
        assert max(Image.open(kept).size) == MAX_SIDE_PX

    @pytest.mark.parametrize(
        "data", [b"", b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n broken", picture("GIF"), picture()[:60]]
    )
    def test_what_is_no_picture_is_refused(self, app: Flask, data: bytes) -> None:
        with app.app_context(), pytest.raises(BlobRefused):
            store_image(data)

    def test_a_picture_with_too_many_pixels_is_refused(self, app: Flask) -> None:
        with app.app_context(), pytest.raises(BlobRefused):
            store_image(picture(size=(10_000, 5_000)))

    @pytest.mark.parametrize(
        "url", ["data:text/html;base64,PGI+", "data:image/png;base64,???", "data:image/png,x"]
    )
    def test_other_data_urls_are_refused(self, app: Flask, url: str) -> None:
        with app.app_context(), pytest.raises(BlobRefused):
            store_data_url(url)

    @pytest.mark.parametrize("name", ["..%2f..%2fsecret_key", "x.png", "a" * 64 + ".svg", "../secret_key"])
    def test_nothing_else_is_served(self, visitor: Visitor, name: str) -> None:
        assert visitor.get(f"/blobs/{name}", headers=BEARER).status_code == 404


class TestMetrics:
    def test_they_are_for_the_api_key_and_admins(self, app: Flask, visitor: Visitor) -> None:
        answer = visitor.get("/metrics")
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
        assert visitor.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert visitor.get("/metrics", headers=BEARER).status_code == 200
        visitor.sign_in("aino")
        assert visitor.get("/metrics").status_code == 403
        visitor.sign_in("dana")
        assert visitor.get("/metrics").status_code == 200

    def test_a_dispatcher_does_not_see_them(self, app: Flask, visitor: Visitor) -> None:
        with app.app_context():
            create_account("dirk", PASSWORD, "dispatcher", "Dirk")
        visitor.sign_in("dirk")
        assert visitor.get("/metrics").status_code == 403

    def test_they_are_what_prometheus_reads(self, visitor: Visitor) -> None:
        answer = visitor.get("/metrics", headers=BEARER)
        assert answer.content_type.startswith("text/plain; version=")
        families = {family.name for family in text_string_to_metric_families(answer.text)}
        assert {"python_info", "process_cpu_seconds"} <= families
