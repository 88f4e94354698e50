"""What holds for every page of the dispatcher: who may see it, what a broken address gets, what is escaped."""

import io
from pathlib import Path

import pytest
from flask import Flask

from backend_services.deliveries import commands
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.paging import encode_cursor
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.conftest import PASSWORD, make_app
from tests.webapp.pages.scene import Scene
from webapp.accounts.models import create_account

LISTS = ["/routes", "/fleet", "/fleet?show=vehicles", "/deliveries", "/incidents"]
LIST_NAMES = dict(zip(LISTS, ["routes", "drivers", "vehicles", "deliveries", "incidents"], strict=True))
NOBODY = "00000000-0000-4000-8000-000000000000"
PROBE = "<img src=x onerror=alert(1)>'\"{{7*7}}"


@pytest.fixture(scope="module")
def paths(scene: Scene) -> list[str]:
    """An address of every kind of page, over things whose every text is a probe."""
    driver, vehicle = scene.add_driver(f"{PROBE} driver", PROBE), scene.add_vehicle(f"{PROBE} plate")
    route = scene.add_route(origin=f"{PROBE} origin", destination=f"{PROBE} destination")
    planned = scene.add_route(origin=f"{PROBE} origin", active=False)
    delivery = scene.add_delivery(route, driver, vehicle)
    scene.add_incident(delivery, f"{PROBE} incident")
    failed = scene.move(
        scene.add_delivery(route), DeliveryStatus.FAILED, reason="other", note=f"{PROBE} note"
    )
    proven = scene.add_running_delivery(stops=1, reached=1)
    proof = commands.CaptureProof(
        delivery_id=proven.delivery_id,
        receiver_name=f"{PROBE} receiver",
        signature_url=PROBE,
        note=f"{PROBE} proof",
        delivered_to=PROBE,
        photo_urls=(PROBE,),
    )
    scene.do(scene.waybill.deliveries.capture_proof, proof)
    return [
        *LISTS,
        "/routes/new",
        f"/routes/{route.route_id}",
        f"/routes/{planned.route_id}?edit=1",
        f"/routes/{route.route_id}/duplicate",
        "/routes/places",
        "/fleet/drivers/new",
        "/fleet/vehicles/new",
        f"/fleet/drivers/{driver.driver_id}",
        f"/fleet/vehicles/{vehicle.vehicle_id}",
        f"/deliveries/new?route={route.route_id}",
        *(f"/deliveries/{one.delivery_id}" for one in (delivery, failed, proven)),
        f"/deliveries/{delivery.delivery_id}/changed?since=0",
    ]


def test_every_page_opens_for_the_dispatcher(dana: Browser, paths: list[str]) -> None:
    for path in paths:
        assert dana.get(path).status == 200, path


def test_no_page_has_an_id_twice_or_an_inline_style_or_script(dana: Browser, paths: list[str]) -> None:
    for path in paths:
        page = dana.get(path)
        assert len(page.ids) == len(set(page.ids)), path
        for tag, given in page.tags:
            assert tag != "style", path
            assert not [name for name in given if name == "style" or name.startswith("on")], (path, tag)
            assert tag != "script" or given.get("src"), path


def test_every_field_has_a_label(dana: Browser, paths: list[str]) -> None:
    for path in paths:
        page = dana.get(path)
        labelled = {given.get("for") for tag, given in page.tags if tag == "label"}
        for tag, given in page.tags:
            is_field = tag in ("input", "select", "textarea") and given.get("type") not in (
                "hidden",
                "radio",
                "checkbox",
            )
            assert not is_field or given.get("id") in labelled, (path, given)


def test_texts_are_escaped_wherever_they_are_shown(dana: Browser, paths: list[str]) -> None:
    seen = 0
    for path in paths:
        for htmx in (False, True):
            html = dana.get(path, htmx=htmx).html
            assert "<img src=x" not in html, path
            assert "49" not in html.split("onerror=alert(1)")[-1][:20], path
            seen += html.count("&lt;img src=x onerror=alert(1)&gt;")
    assert seen > 50, "the probes must be on the pages for this to mean anything"


def test_what_is_typed_into_a_filter_or_form_is_escaped(dana: Browser, scene: Scene) -> None:
    for path in LISTS:
        page = dana.send(dana.get(path).form("Filter"), q=PROBE)
        assert page.status == 200
        assert "<img src=x" not in page.html
    for path, button in (
        ("/routes/new", "Save the plan"),
        ("/fleet/drivers/new", "Add"),
        ("/fleet/vehicles/new", "Add"),
    ):
        form = dana.get(path).form(button)
        filled = {
            name: PROBE for name, _ in form.values if name not in ("csrf_token", "command_id", "confirmed")
        }
        filled |= {"driver_license": "", "vehicle_type": ""}
        page = dana.send(form, **filled)
        assert page.status == 422, path
        assert "<img src=x" not in page.html, path


def test_htmx_gets_a_block_of_the_same_address_and_history_the_whole_page(
    dana: Browser, paths: list[str]
) -> None:
    for path in paths:
        if "/new" in path or "/duplicate" in path or "/places" in path or "/changed" in path:
            continue
        whole, part = dana.get(path), dana.get(path, htmx=True)
        assert "<html" in whole.html, path
        assert "<html" not in part.html, path
        assert 'id="list"' in part.html or 'id="page"' in part.html, path
        assert "HX-Request" in part.response.headers["Vary"], path
        restored = dana.get(path, htmx=True, HX_History_Restore_Request="true")
        assert "<html" in restored.html, path


@pytest.mark.parametrize("wrong", [NOBODY, "1", "../../etc/passwd", "%00", "x" * 5000, "🚚"])
@pytest.mark.parametrize("path", ["/routes", "/fleet/drivers", "/fleet/vehicles", "/deliveries"])
def test_an_address_of_nothing_is_not_found(dana: Browser, path: str, wrong: str) -> None:
    page = dana.get(f"{path}/{wrong}")
    assert page.status == 404
    assert "Nothing here" in page.text


def test_actions_on_nothing_are_not_found(dana: Browser, scene: Scene) -> None:
    route = scene.add_route(active=False)
    form = dana.get(f"/routes/{route.route_id}").form("Activate")
    for path in (
        f"/routes/{NOBODY}/status",
        f"/routes/{NOBODY}/details",
        f"/routes/{NOBODY}/checkpoints",
        f"/routes/{NOBODY}/checkpoints/1",
        f"/routes/{route.route_id}/checkpoints/77",
        f"/routes/{NOBODY}/checkpoints/1/remove",
        f"/routes/{NOBODY}/order",
        f"/routes/{NOBODY}/duplicate",
        f"/fleet/drivers/{NOBODY}/details",
        f"/fleet/drivers/{NOBODY}/status",
        f"/fleet/drivers/{NOBODY}/sign-in",
        f"/fleet/drivers/{NOBODY}/sign-in/close",
        f"/fleet/drivers/{NOBODY}/password",
        f"/fleet/vehicles/{NOBODY}/details",
        f"/fleet/vehicles/{NOBODY}/status",
        f"/deliveries/{NOBODY}/status",
        f"/deliveries/{NOBODY}/fail",
        f"/deliveries/{NOBODY}/retry",
        f"/deliveries/{NOBODY}/checkpoints/1",
        f"/deliveries/{NOBODY}/driver",
        f"/deliveries/{NOBODY}/vehicle",
        f"/deliveries/{NOBODY}/incidents",
        f"/deliveries/{NOBODY}/incidents/{NOBODY}/resolve",
        f"/deliveries/{NOBODY}/proof",
    ):
        form.action = path
        assert dana.send(form).status == 404, path


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        ("2026-01-01T00:00:00", NOBODY),
        ("0001-01-01T00:00:00+14:00", NOBODY),
        ("9999-12-31T23:59:59-14:00", NOBODY),
        (1, 2),
    ],
)
def test_a_made_up_cursor_is_a_bad_request_or_an_empty_page_never_an_error(
    dana: Browser, path: str, cursor: str | tuple[object, ...]
) -> None:
    given = cursor if isinstance(cursor, str) else encode_cursor(LIST_NAMES[path], *cursor)
    page = dana.get(f"{path}{'&' if '?' in path else '?'}cursor={given}")
    assert page.status in (200, 400)


def test_control_characters_and_endless_texts_are_errors_at_the_field(dana: Browser, scene: Scene) -> None:
    before = scene.count_events()
    for text, words in (("Nul\x00", "can't be stored"), ("x" * 201, "longer than 200")):
        page = dana.send(dana.get("/fleet/drivers/new").form("Add"), name=text, driver_license="L")
        assert page.status == 422
        assert words in page.text
    assert scene.count_events() == before


def test_strangers_are_sent_to_the_sign_in(app: Flask, paths: list[str]) -> None:
    for path in paths:
        answer = app.test_client().get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/sign-in"), path


def test_drivers_see_none_of_it(app: Flask, scene: Scene, paths: list[str]) -> None:
    driver = scene.add_driver()
    with app.app_context():
        create_account("only-driving", PASSWORD, "driver", "Only Driving", driver.driver_id)
    phone = Browser(app)
    phone.sign_in("only-driving", PASSWORD)
    for path in paths:
        assert phone.get(path).status == 403, path


def test_a_form_without_its_token_does_nothing(dana: Browser, scene: Scene) -> None:
    before = scene.count_events()
    form = dana.get("/fleet/drivers/new").form("Add")
    page = dana.send(form, csrf_token="", name="Forged", driver_license="L")
    assert page.status == 403
    assert scene.count_events() == before


def test_a_picture_that_is_too_large_is_said_to_be(dana: Browser, scene: Scene) -> None:
    delivery = scene.add_running_delivery(stops=1, reached=1)
    form = dana.get(f"/deliveries/{delivery.delivery_id}").form("Delivered")
    page = dana.send(
        form, receiver_name="A", signature_file=(io.BytesIO(b"\x89PNG" + b"0" * 11_000_000), "s.png")
    )
    assert page.status == 413


def test_what_is_saved_but_not_shown_yet_is_catching_up_not_missing(tmp_path: Path) -> None:
    app = make_app(tmp_path, starts=False)
    scene, dana = Scene(app), Browser(app)
    dana.sign_in("dispatcher", PASSWORD)
    form = dana.get("/fleet/drivers/new").form("Add")
    page = dana.send(form, name="Behind", driver_license="L-behind")
    assert page.status == 503
    assert "Still catching up" in page.text
    assert page.response.headers["Refresh"] == "2"
    assert "Saved. The lists are still catching up." in page.text
    scene.waybill.runner.catch_up()
    assert dana.get(page.path).status == 200
    assert scene.driver(page.path.rsplit("/", 1)[1]).name == "Behind"
