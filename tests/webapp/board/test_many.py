"""Several deliveries at once, by plain forms: each has its own result."""

import re

import pytest

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from tests.webapp.pages.browser import Browser, Page
from tests.webapp.pages.scene import Scene


def choose(dana: Browser, act: str, *views: DeliveryView) -> Page:
    """Tick the boxes in the list and press the button."""
    form = next(form for form in dana.get("/board").forms if form.id == "many")
    return dana.send(form, act, delivery=[view.delivery_id for view in views])


def results(page: Page) -> dict[str, str]:
    """done or refused by delivery id."""
    return {id_: how for how, id_ in re.findall(r'class="result (\w+)" data-result="([^"]+)"', page.html)}


def test_a_driver_is_assigned_where_that_is_possible_and_the_rest_is_explained(
    dana: Browser, scene: Scene
) -> None:
    anna = scene.add_driver("Anna Aalto")
    early, late = scene.add_delivery(scene.add_route(10)), scene.add_delivery(scene.add_route(120))
    clashing, running = scene.add_delivery(scene.add_route(20)), scene.add_running_delivery()

    form = choose(dana, "Assign a driver", early, clashing, late, running).form("Assign a driver")
    page = dana.send(form, driver=anna.driver_id)

    assert results(page) == {
        early.delivery_id: "done", late.delivery_id: "done",
        clashing.delivery_id: "refused", running.delivery_id: "refused",
    }  # fmt: skip
    assert "2 of 4 done" in page.text
    assert f"/deliveries/{clashing.delivery_id}" in page.link("Open the delivery")
    for view in (early, late):
        assert scene.delivery(view.delivery_id).driver_id == anna.driver_id
    assert scene.delivery(clashing.delivery_id).driver_id is None


def test_a_clash_offers_somebody_else_as_a_button(dana: Browser, scene: Scene) -> None:
    busy, free = scene.add_driver("Busy Berta"), scene.add_driver("Free Frida")
    scene.add_delivery(scene.add_route(10), busy)
    view = scene.add_delivery(scene.add_route(10))
    refused = dana.send(choose(dana, "Assign a driver", view).form("Assign a driver"), driver=busy.driver_id)

    page = dana.send(refused.form("Use Free Frida instead"))

    assert results(page) == {view.delivery_id: "done"}
    assert scene.delivery(view.delivery_id).driver_id == free.driver_id


def test_who_could_take_how_many_is_said_while_choosing(dana: Browser, scene: Scene) -> None:
    scene.add_driver("Free Frida")
    busy = scene.add_driver("Busy Berta")
    scene.add_delivery(scene.add_route(10), busy)
    both = [scene.add_delivery(scene.add_route(10)), scene.add_delivery(scene.add_route(120))]

    options = [option.text for option in choose(dana, "Assign a driver", *both).options["driver"]]

    assert options == ["Choose a driver", "Free Frida: free for all", "Busy Berta: free for 1 of 2"]


def test_undo_gives_each_back_to_whom_it_had(dana: Browser, scene: Scene) -> None:
    anna, olga = scene.add_driver(), scene.add_driver()
    hers = scene.add_delivery(scene.add_route(10), olga)
    nobodys = scene.add_delivery(scene.add_route(120))
    done = dana.send(choose(dana, "Assign a driver", hers, nobodys).form("Assign"), driver=anna.driver_id)

    page = dana.send(done.form("Undo all 2"))

    assert set(results(page).values()) == {"done"}
    assert scene.delivery(hers.delivery_id).driver_id == olga.driver_id
    assert scene.delivery(nobodys.delivery_id).driver_id is None


def test_undo_leaves_alone_what_somebody_changed_since(dana: Browser, scene: Scene) -> None:
    anna, olga = scene.add_driver(), scene.add_driver()
    view = scene.add_delivery(scene.add_route(10))
    done = dana.send(choose(dana, "Assign a driver", view).form("Assign"), driver=anna.driver_id)
    dana.send(choose(dana, "Assign a driver", view).form("Assign"), driver=olga.driver_id)

    page = dana.send(done.form("Undo it"))

    assert results(page) == {view.delivery_id: "refused"}
    assert scene.delivery(view.delivery_id).driver_id == olga.driver_id


def test_a_form_that_is_sent_twice_does_nothing_twice(dana: Browser, scene: Scene) -> None:
    anna, view = scene.add_driver(), scene.add_delivery(scene.add_route(10))
    form = choose(dana, "Assign a driver", view).form("Assign")
    first = dana.send(form, driver=anna.driver_id)
    events = scene.count_events()

    again = dana.send(form, driver=anna.driver_id)

    assert results(again) == results(first) == {view.delivery_id: "done"}
    assert scene.count_events() == events


def test_a_vehicle_goes_the_same_way(dana: Browser, scene: Scene) -> None:
    van, view = scene.add_vehicle("VAN-1"), scene.add_delivery(scene.add_route(10))

    page = dana.send(choose(dana, "Assign a vehicle", view).form("Assign"), vehicle=van.vehicle_id)

    assert results(page) == {view.delivery_id: "done"}
    assert scene.delivery(view.delivery_id).vehicle_id == van.vehicle_id


def test_several_fail_for_one_reason(dana: Browser, scene: Scene) -> None:
    running, failed = scene.add_running_delivery(), scene.add_delivery(scene.add_route(10))
    scene.move(failed, DeliveryStatus.FAILED, reason="refused")
    finished = scene.delivery(failed.delivery_id)

    form = choose(dana, "Mark as failed", running, failed).form("Mark as failed")
    page = dana.send(form, reason="vehicle_breakdown", note="Flat tyre")

    assert results(page)[running.delivery_id] == "done"
    now = scene.delivery(running.delivery_id)
    assert (now.status, now.failure_reason, now.failure_note) == ("Failed", "vehicle_breakdown", "Flat tyre")
    assert scene.delivery(failed.delivery_id).failure_reason == finished.failure_reason
    assert not page.has_form("Undo"), "a failure can't be taken back, only tried again"


def test_nothing_chosen_says_how_to_choose(dana: Browser, scene: Scene) -> None:
    assert "Nothing is chosen" in choose(dana, "Assign a driver").text


def test_a_driver_has_to_be_chosen(dana: Browser, scene: Scene) -> None:
    form = choose(dana, "Assign a driver", scene.add_delivery()).form("Assign")

    page = dana.send(form, driver="")

    assert page.status == 422
    assert "Please choose a driver." in page.text


@pytest.mark.parametrize("act", ["", "delete", "drivers"])
def test_only_what_there_is_can_be_done(dana: Browser, scene: Scene, act: str) -> None:
    form = next(form for form in dana.get("/board").forms if form.id == "many")

    assert dana.send(form, act=act).status == 400
