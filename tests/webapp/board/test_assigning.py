"""The drawer's other side: giving a delivery to a driver and a vehicle without leaving the board."""

from tests.webapp.pages.browser import Browser, Page
from tests.webapp.pages.scene import Scene


def open_form(dana: Browser, delivery_id: str) -> Page:
    return dana.get(f"/board/deliveries/{delivery_id}/assign", htmx=True)


def assign(dana: Browser, delivery_id: str, driver_id: str, vehicle_id: str) -> Page:
    """Choose both in the form of now and send it."""
    form = open_form(dana, delivery_id).form("Assign")
    return dana.send(form, htmx=True, driver=driver_id, vehicle=vehicle_id)


def test_driver_and_vehicle_in_one_go_and_back_by_undo(dana: Browser, scene: Scene) -> None:
    ida, van = scene.add_driver("Ida"), scene.add_vehicle()
    delivery_id = scene.add_delivery(scene.add_route(10)).delivery_id

    page = assign(dana, delivery_id, ida.driver_id, van.vehicle_id)

    view = scene.delivery(delivery_id)
    assert (view.driver_id, view.vehicle_id) == (ida.driver_id, van.vehicle_id)
    assert "Ida" in page.text
    assert "<html" not in page.html

    dana.send(page.form("Undo"), htmx=True)
    assert scene.delivery(delivery_id).is_unassigned
    assert scene.delivery(delivery_id).vehicle_id is None


def test_a_clash_offers_others_and_keeps_what_else_was_chosen(dana: Browser, scene: Scene) -> None:
    busy, free, van = scene.add_driver("Busy Berta"), scene.add_driver("Free Frida"), scene.add_vehicle()
    scene.add_delivery(scene.add_route(10), busy)
    delivery_id = scene.add_delivery(scene.add_route(20)).delivery_id

    refused = assign(dana, delivery_id, busy.driver_id, van.vehicle_id)

    assert refused.status == 422
    assert "overlaps by" in refused.text
    assert scene.delivery(delivery_id).vehicle_id is None
    dana.send(refused.form("Use Free Frida instead"), htmx=True)
    view = scene.delivery(delivery_id)
    assert (view.driver_id, view.vehicle_id) == (free.driver_id, van.vehicle_id)


def test_where_only_the_vehicle_clashes_the_driver_stays(dana: Browser, scene: Scene) -> None:
    ida, taken = scene.add_driver("Ida"), scene.add_vehicle()
    scene.add_delivery(scene.add_route(10), None, taken)
    delivery_id = scene.add_delivery(scene.add_route(20)).delivery_id

    refused = assign(dana, delivery_id, ida.driver_id, taken.vehicle_id)

    assert refused.status == 422
    assert "The vehicle is booked in that time" in refused.text
    assert "Driver assigned" in refused.text
    view = scene.delivery(delivery_id)
    assert (view.driver_id, view.vehicle_id) == (ida.driver_id, None)


def test_what_somebody_else_gave_it_meanwhile_is_not_replaced_unseen(dana: Browser, scene: Scene) -> None:
    ida, ben = scene.add_driver("Ida"), scene.add_driver("Ben")
    delivery_id = scene.add_delivery(scene.add_route(10)).delivery_id
    mine, theirs = open_form(dana, delivery_id), open_form(dana, delivery_id)
    dana.send(theirs.form("Assign"), htmx=True, driver=ben.driver_id)

    refused = dana.send(mine.form("Assign"), htmx=True, driver=ida.driver_id)

    assert refused.status == 422
    assert "Somebody has changed the driver since you looked. It has Ben now." in refused.text
    assert scene.delivery(delivery_id).driver_id == ben.driver_id
    dana.send(refused.form("Assign"), htmx=True, driver=ida.driver_id)
    assert scene.delivery(delivery_id).driver_id == ida.driver_id


def test_what_has_started_cannot_be_given_away_and_says_so(dana: Browser, scene: Scene) -> None:
    running = scene.add_running_delivery()

    page = open_form(dana, running.delivery_id)

    assert "only before the start" in page.text
    assert not page.forms


def test_without_the_board_it_is_done_on_the_delivery_s_page(dana: Browser, scene: Scene) -> None:
    delivery_id = scene.add_delivery(scene.add_route(10)).delivery_id

    page = dana.get(f"/board/deliveries/{delivery_id}/assign")

    assert page.response.history[-1].headers["Location"].endswith(f"/deliveries/{delivery_id}#assign")
    assert dana.get("/board/deliveries/nonsense/assign", htmx=True).status == 404
