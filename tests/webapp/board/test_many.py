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
    clashing = scene.add_delivery(scene.add_route(20))

    form = choose(dana, "Assign a driver", early, clashing, late).form("Assign")
    page = dana.send(form, driver=anna.driver_id)

    assert results(page) == {
        early.delivery_id: "done", late.delivery_id: "done", clashing.delivery_id: "refused"
    }  # fmt: skip
    assert "2 of 3 done" in page.text
    assert "1 refused" in page.text
    assert f"/deliveries/{clashing.delivery_id}" in page.link("Open the delivery")
    for view in (early, late):
        assert scene.delivery(view.delivery_id).driver_id == anna.driver_id
    assert scene.delivery(clashing.delivery_id).driver_id is None


def test_a_clash_offers_somebody_else_as_a_button(dana: Browser, scene: Scene) -> None:
    busy, free = scene.add_driver("Busy Berta"), scene.add_driver("Free Frida")
    scene.add_delivery(scene.add_route(10), busy)
    view = scene.add_delivery(scene.add_route(10))
    refused = dana.send(choose(dana, "Assign a driver", view).form("Assign"), driver=busy.driver_id)

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
    anna, olga = scene.add_driver(), scene.add_driver("Olga Oja")
    hers = scene.add_delivery(scene.add_route(10), olga)
    nobodys = scene.add_delivery(scene.add_route(120))
    done = dana.send(choose(dana, "Assign a driver", hers, nobodys).form("Assign"), driver=anna.driver_id)

    page = dana.send(done.form("Undo all 2"))

    assert set(results(page).values()) == {"done"}
    assert "Given back to Olga Oja." in page.text
    assert "Nobody again." in page.text
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
    assert again.has_form("Undo it")
    assert scene.count_events() == events


def test_a_vehicle_goes_the_same_way(dana: Browser, scene: Scene) -> None:
    van, view = scene.add_vehicle("VAN-1"), scene.add_delivery(scene.add_route(10))

    page = dana.send(choose(dana, "Assign a vehicle", view).form("Assign"), vehicle=van.vehicle_id)

    assert results(page) == {view.delivery_id: "done"}
    assert scene.delivery(view.delivery_id).vehicle_id == van.vehicle_id


def test_several_fail_for_one_reason(dana: Browser, scene: Scene) -> None:
    running = scene.add_running_delivery()

    form = choose(dana, "Mark as failed", running).form("Mark as failed")
    page = dana.send(form, reason="vehicle_breakdown", note="Flat tyre")

    assert results(page) == {running.delivery_id: "done"}
    now = scene.delivery(running.delivery_id)
    assert (now.status, now.failure_reason, now.failure_note) == ("Failed", "vehicle_breakdown", "Flat tyre")
    assert not page.has_form("Undo"), "what was on the road can't be put back there, only tried again"


def test_no_reason_is_taken_for_granted_where_several_fail(dana: Browser, scene: Scene) -> None:
    view = scene.add_delivery()
    form = choose(dana, "Mark as failed", view).form("Mark as failed")
    assert dict(form.values)["reason"] == ""

    page = dana.send(form)

    assert page.status == 422
    assert ("div", {"class": "error", "id": "many-reason-error"}) in page.tags
    assert scene.delivery(view.delivery_id).status == "PickedUp"
    assert results(dana.send(page.form("Mark as failed"), reason="other")) == {view.delivery_id: "done"}


def test_several_failures_are_taken_back_with_driver_and_vehicle(dana: Browser, scene: Scene) -> None:
    anna, van = scene.add_driver("Anna Aalto"), scene.add_vehicle("VAN-1")
    hers, nobodys = scene.add_delivery(scene.add_route(10), anna, van), scene.add_delivery()
    running = scene.add_running_delivery()
    form = choose(dana, "Mark as failed", hers, nobodys, running).form("Mark as failed")
    failed = dana.send(form, reason="other")
    assert set(results(failed).values()) == {"done"}

    page = dana.send(failed.form("Undo all 2"))

    assert results(page) == {hers.delivery_id: "done", nobodys.delivery_id: "done"}
    assert "Picked up again, with Anna Aalto and VAN-1." in page.text
    now = scene.delivery(hers.delivery_id)
    assert (now.status, now.driver_id, now.vehicle_id) == ("PickedUp", anna.driver_id, van.vehicle_id)
    assert scene.delivery(running.delivery_id).status == "Failed"


def test_a_failure_whose_driver_is_busy_by_now_is_not_taken_back(dana: Browser, scene: Scene) -> None:
    anna = scene.add_driver("Anna Aalto")
    hers, nobodys = scene.add_delivery(scene.add_route(10), anna), scene.add_delivery()
    form = choose(dana, "Mark as failed", hers, nobodys).form("Mark as failed")
    failed = dana.send(form, reason="other")
    scene.add_delivery(scene.add_route(10), anna)

    page = dana.send(failed.form("Undo all 2"))

    assert results(page) == {hers.delivery_id: "refused", nobodys.delivery_id: "done"}
    assert scene.delivery(hers.delivery_id).status == "Failed"


def test_what_somebody_moved_on_meanwhile_does_not_fail_unseen(dana: Browser, scene: Scene) -> None:
    moved, still = (
        scene.add_delivery(scene.add_route(at), scene.add_driver(), scene.add_vehicle()) for at in (10, 20)
    )
    form = choose(dana, "Mark as failed", moved, still).form("Mark as failed")
    scene.move(moved, DeliveryStatus.IN_TRANSIT)

    page = dana.send(form, reason="other")

    assert results(page) == {moved.delivery_id: "refused", still.delivery_id: "done"}
    assert "The delivery is “In transit”, not “Picked up”." in page.text
    assert scene.delivery(moved.delivery_id).status == "InTransit"


def test_a_failure_that_somebody_else_was_faster_with_keeps_theirs(dana: Browser, scene: Scene) -> None:
    view = scene.add_delivery()
    form = choose(dana, "Mark as failed", view).form("Mark as failed")
    scene.move(view, DeliveryStatus.FAILED, reason="refused")

    page = dana.send(form, reason="damaged")

    assert results(page) == {view.delivery_id: "same"}
    assert "0 of 1 done" in page.text
    assert "1 failed already" in page.text
    assert not page.has_form("Undo"), "it isn't one's own"
    assert scene.delivery(view.delivery_id).failure_reason == "refused"


@pytest.mark.parametrize("what", ["driver", "vehicle"])
def test_what_somebody_gave_away_meanwhile_is_not_taken_from_them(
    dana: Browser, scene: Scene, what: str
) -> None:
    add = scene.add_driver if what == "driver" else scene.add_vehicle
    mine, theirs = add("Mine"), add("Theirs")
    id_of = f"{what}_id"
    view, other = scene.add_delivery(scene.add_route(10)), scene.add_delivery(scene.add_route(120))
    form = choose(dana, f"Assign a {what}", view, other).form("Assign")
    dana.send(choose(dana, f"Assign a {what}", view).form("Assign"), **{what: getattr(theirs, id_of)})

    page = dana.send(form, **{what: getattr(mine, id_of)})

    assert results(page) == {view.delivery_id: "refused", other.delivery_id: "done"}
    assert "It has Theirs now" in page.text
    assert getattr(scene.delivery(view.delivery_id), id_of) == getattr(theirs, id_of)


def test_who_had_it_already_is_not_counted_as_done(dana: Browser, scene: Scene) -> None:
    anna = scene.add_driver("Anna Aalto")
    hers, nobodys = scene.add_delivery(scene.add_route(10), anna), scene.add_delivery(scene.add_route(120))

    page = dana.send(choose(dana, "Assign a driver", hers, nobodys).form("Assign"), driver=anna.driver_id)

    assert results(page) == {hers.delivery_id: "same", nobodys.delivery_id: "done"}
    assert "1 of 2 done" in page.text
    assert "1 had it already" in page.text
    assert "It had Anna Aalto already." in page.text
    assert page.has_form("Undo it")


def test_what_cannot_be_changed_is_left_out_and_said_before(dana: Browser, scene: Scene) -> None:
    scene.add_driver("Free Frida")
    fine, running, failed = (scene.add_delivery(), scene.add_running_delivery(), scene.add_delivery())
    scene.move(failed, DeliveryStatus.FAILED, reason="refused")

    page = choose(dana, "Assign a driver", fine, running, failed)

    assert "Assign a driver: 1 delivery" in page.text
    assert "2 of 3 can't be changed (1 in transit, 1 failed) and are left out." in page.text
    assert "Free Frida: free for all" in [option.text for option in page.options["driver"]]
    done = dana.send(page.form("Assign"), driver=page.options["driver"][1].value)
    assert results(done) == {fine.delivery_id: "done"}


@pytest.mark.parametrize("button", ["Assign a driver", "Assign a vehicle", "Mark as failed"])
def test_where_none_of_the_chosen_can_be_changed_no_form_asks(
    dana: Browser, scene: Scene, button: str
) -> None:
    failed = scene.move(scene.add_delivery(), DeliveryStatus.FAILED, reason="refused")

    page = choose(dana, button, failed)

    assert f"{button}: none of the chosen can be changed" in page.text
    assert "1 failed." in page.text
    assert not page.has_form("Assign")
    assert not page.has_form("Mark as failed")
    assert page.link("Back to the board")


def test_driver_and_vehicle_go_together_and_are_undone_together(dana: Browser, scene: Scene) -> None:
    anna, van = scene.add_driver("Anna Aalto"), scene.add_vehicle("VAN-1")
    early, late = scene.add_delivery(scene.add_route(10)), scene.add_delivery(scene.add_route(120))
    form = choose(dana, "Assign a driver", early, late).form("Assign")

    done = dana.send(form, driver=anna.driver_id, vehicle=van.vehicle_id)

    assert results(done) == {early.delivery_id: "done", late.delivery_id: "done"}
    for view in (early, late):
        now = scene.delivery(view.delivery_id)
        assert (now.driver_id, now.vehicle_id) == (anna.driver_id, van.vehicle_id)
    undone = dana.send(done.form("Undo all 2"))
    assert results(undone) == {early.delivery_id: "done", late.delivery_id: "done"}
    assert "Nobody again. No vehicle again." in undone.text
    now = scene.delivery(late.delivery_id)
    assert (now.driver_id, now.vehicle_id) == (None, None)


def test_where_only_the_vehicle_is_refused_another_one_completes_it(dana: Browser, scene: Scene) -> None:
    anna = scene.add_driver("Anna Aalto")
    busy, free = scene.add_vehicle("BUSY-1"), scene.add_vehicle("FREE-1")
    scene.add_delivery(scene.add_route(10), None, busy)
    view = scene.add_delivery(scene.add_route(10))
    form = choose(dana, "Assign a driver", view).form("Assign")
    refused = dana.send(form, driver=anna.driver_id, vehicle=busy.vehicle_id)
    assert results(refused) == {view.delivery_id: "refused"}
    assert "Driver assigned. " in refused.text
    assert refused.has_form("Undo it"), "the driver can be taken back"

    page = dana.send(refused.form("Use FREE-1 instead"))

    assert results(page) == {view.delivery_id: "done"}
    now = scene.delivery(view.delivery_id)
    assert (now.driver_id, now.vehicle_id) == (anna.driver_id, free.vehicle_id)


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


@pytest.mark.parametrize("seen", ["", "x", "01a1fea6-fa15-7c17-a224-a57dad18084c=Lost=="])
def test_a_forged_form_is_refused(dana: Browser, scene: Scene, seen: str) -> None:
    form = choose(dana, "Mark as failed", scene.add_delivery()).form("Mark as failed")

    assert dana.send(form, seen=seen, reason="other").status == 400


@pytest.mark.parametrize(
    "taken", ["", "driver", "driver=x=y=z", "name=01a1fea6-fa15-7c17-a224-a57dad18084c=="]
)
def test_only_what_was_given_can_be_taken_back(dana: Browser, scene: Scene, taken: str) -> None:
    view = scene.add_delivery()
    form = choose(dana, "Assign a driver", view).form("Assign")
    done = dana.send(form, driver=scene.add_driver().driver_id)

    assert dana.send(done.form("Undo it"), taken=taken).status == 400
    assert scene.delivery(view.delivery_id).driver_id
