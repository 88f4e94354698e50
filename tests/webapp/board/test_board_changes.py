"""The board at its beginning, on other days, and what it asks for when it missed something."""

from datetime import timedelta

from flask import Flask

from backend_services.deliveries.commands import DeliveryStatus
from tests.webapp.board.rows import rows_of, seq_of
from tests.webapp.noon import PASSWORD, add_driver_account
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene
from webapp.live.frames import Frame


def test_an_empty_system_says_what_to_do_first(dana: Browser) -> None:
    page = dana.get("/board")

    assert "Five steps to the first delivery" in page.text
    for label in ("Add a driver", "Add a vehicle", "Plan a route", "Activate the route", "Create the first"):
        assert dana.get(page.link(label)).status == 200


def test_a_day_without_deliveries_offers_to_create_one(dana: Browser, scene: Scene) -> None:
    route, *_ = scene.add_route(24 * 60), scene.add_driver(), scene.add_vehicle()
    assert "Five steps" in dana.get("/board").text, "the last step is still to be done"
    scene.add_delivery(route)

    page = dana.get("/board")

    assert "Nothing today" in page.text
    assert "Five steps" not in page.text


def test_the_form_carries_the_filters_and_the_day(dana: Browser, scene: Scene) -> None:
    scene.add_delivery()
    page = dana.get("/board?status=PickedUp&date=2030-01-02")

    form = next(form for form in page.forms if form.id == "board-search")

    assert dict(form.values) == {"q": "", "status": "PickedUp", "date": "2030-01-02"}


def test_another_day_shows_what_was_planned_for_it_only(dana: Browser, scene: Scene) -> None:
    running = scene.add_delivery(scene.add_route(-30))
    tomorrow = scene.add_delivery(scene.add_route(24 * 60))
    day = (scene.noon + timedelta(days=1)).date().isoformat()

    page = dana.get(f"/board?date={day}")

    assert list(rows_of(page.html)) == [tomorrow.delivery_id]
    assert list(rows_of(dana.get("/board").html)) == [running.delivery_id]
    assert 'data-live="no"' in page.html


def test_what_people_typed_is_text(dana: Browser, scene: Scene) -> None:
    driver = scene.add_driver('<script>alert("x")</script>')
    scene.add_delivery(scene.add_route(10), driver, scene.add_vehicle('"><b>'))

    page = dana.get("/board")

    assert "<script>alert" not in page.html
    assert 'data-search="' in page.html
    assert '<script>alert("x")</script>' in page.text


def test_rows_asked_for_after_a_gap_are_those_of_the_page(dana: Browser, scene: Scene) -> None:
    started = scene.add_delivery(scene.add_route(10), scene.add_driver(), scene.add_vehicle())
    seq = seq_of(dana.get("/board").html)
    scene.move(started, DeliveryStatus.IN_TRANSIT)
    made = scene.add_delivery(scene.add_route(5))

    frame = dana.client.get(f"/board/rows?after={seq}").get_json()

    page = dana.get("/board")
    assert {row["id"] for row in frame["rows"]} == {started.delivery_id, made.delivery_id}
    for row in frame["rows"]:
        assert row["html"].partition("<template>")[0] == rows_of(page.html)[row["id"]]
    assert (frame["after"], frame["seq"], frame["resync"]) == (seq, seq_of(page.html), False)
    assert frame["counters"]["all"] == 2


def test_boards_that_ask_for_the_same_get_an_answer_that_was_made_once(
    app: Flask, dana: Browser, scene: Scene
) -> None:
    catching_up = app.extensions["board_hub"].catching_up
    waybill = app.extensions["waybill"]
    seq = seq_of(dana.get("/board").html)
    scene.add_delivery(scene.add_route(10))

    def ask(after: int) -> Frame:
        with app.test_request_context("/board"), waybill.sessions() as session:
            frame: Frame = catching_up.frame_after(session, after, waybill.doors.now())
            return frame

    first, second = ask(seq), ask(seq)
    scene.add_delivery(scene.add_route(20))
    third = ask(seq)

    assert second is first
    assert len(third.rows) == len(first.rows) + 1, "what happened since then is never left out"
    assert ask(third.seq).rows == {}


def test_a_driver_who_is_renamed_has_new_rows(dana: Browser, scene: Scene) -> None:
    driver = scene.add_driver("Olga Old")
    view = scene.add_delivery(scene.add_route(10), driver, scene.add_vehicle())
    seq = seq_of(dana.get("/board").html)
    page = dana.get(f"/fleet/drivers/{driver.driver_id}")
    form = next(form for form in page.forms if ("name", "Olga Old") in form.values)
    dana.send(form, name="Nora New")

    frame = dana.client.get(f"/board/rows?after={seq}").get_json()

    [row] = frame["rows"]
    assert row["id"] == view.delivery_id
    assert "Nora New" in row["html"]


def test_a_delivery_of_another_day_is_none_of_todays_rows(dana: Browser, scene: Scene) -> None:
    seq = seq_of(dana.get("/board").html)
    view = scene.add_delivery(scene.add_route(3 * 24 * 60))

    frame = dana.client.get(f"/board/rows?after={seq}").get_json()

    assert frame["rows"] == []
    assert frame["removed"] == [view.delivery_id]


def test_numbers_the_log_does_not_know_ask_for_a_resync(dana: Browser, scene: Scene) -> None:
    scene.add_delivery(scene.add_route(10))

    assert dana.client.get("/board/rows?after=999999").get_json()["resync"]
    for nonsense in ("", "-1", "x", "1e3", "²", "9" * 20):
        assert dana.client.get(f"/board/rows?after={nonsense}").status_code == 400


def test_the_board_is_for_dispatchers(app: Flask, scene: Scene) -> None:
    add_driver_account(app, scene, "Dora Driver")
    dora = Browser(app)
    assert dora.get("/board").path == "/sign-in"

    dora.sign_in("dora", PASSWORD)

    for path in ("/board", "/board/rows?after=0", "/board/deliveries/x/drawer"):
        assert dora.get(path).status == 403
