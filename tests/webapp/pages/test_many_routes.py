"""Several routes of the list at once: what follows the import of a day."""

from backend_services.deliveries.queries import list_deliveries
from backend_services.routes.commands import ChangeRouteStatus, RouteStatus
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene


def count_deliveries(scene: Scene, route_id: str) -> int:
    with scene.waybill.sessions() as session:
        return len(list_deliveries(session, route_id=route_id).items)


def test_a_delivery_on_each_whether_they_were_active_or_not(dana: Browser, scene: Scene) -> None:
    planned = scene.add_route(active=False, origin="Manyway", destination="One")
    active = scene.add_route(origin="Manyway", destination="Two")
    left_out = scene.add_route(origin="Manyway", destination="Three")
    page = dana.get("/routes?q=manyway")

    chosen = [planned.route_id, active.route_id]
    page = dana.send(page.form("Create a delivery on each"), button="Create a delivery on each", route=chosen)

    assert "2 deliveries created. Nobody drives them yet" in page.text
    assert 'value="manyway"' in page.html, "the search stays"
    assert [count_deliveries(scene, route_id) for route_id in (*chosen, left_out.route_id)] == [1, 1, 0]
    assert scene.route(planned.route_id).status == "Active"


def test_sent_twice_it_makes_nothing_twice(dana: Browser, scene: Scene) -> None:
    route = scene.add_route(active=False, origin="Twiceway", destination="One")
    form = dana.get("/routes?q=twiceway").form("Create a delivery on each")
    for _ in range(2):
        dana.send(form, button="Create a delivery on each", route=[route.route_id])
    assert count_deliveries(scene, route.route_id) == 1


def test_each_has_its_own_result(dana: Browser, scene: Scene) -> None:
    fine = scene.add_route(active=False, origin="Mixedway", destination="Fine")
    gone = scene.add_route(origin="Mixedway", destination="Gone")
    form = dana.get("/routes?q=mixedway").form("Create a delivery on each")
    deactivate = ChangeRouteStatus(route_id=gone.route_id, status=RouteStatus.DEACTIVATED)
    scene.do(scene.waybill.routes.change_route_status, deactivate)

    chosen = [gone.route_id, fine.route_id, "nonsense"]
    page = dana.send(form, button="Create a delivery on each", route=chosen)

    assert "1 delivery created. Nobody drives it yet" in page.text
    assert "Mixedway → Gone: " in page.text
    assert (count_deliveries(scene, fine.route_id), count_deliveries(scene, gone.route_id)) == (1, 0)


def test_nothing_chosen_says_what_to_do(dana: Browser, scene: Scene) -> None:
    scene.add_route(origin="Nothingway")
    page = dana.get("/routes?q=nothingway")
    assert "Choose the routes first." in dana.send(page.form("Activate"), button="Activate").text
