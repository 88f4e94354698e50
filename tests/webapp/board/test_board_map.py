"""The board's map: what its endpoint answers, and what the page shows where no map can be drawn."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.fleet import commands as fleet
from backend_services.fleet.commands import DriverStatus
from backend_services.fleet.positions import Fix
from backend_services.routes import commands as routes
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.routes.queries import RouteView
from eventstore.ports import StoreUnavailable
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene

SENATE, STATION, HARBOUR = (60.1695, 24.9525), (60.1712, 24.9415), (60.1671, 24.9530)


def add_located_route(scene: Scene, start: float = 10) -> RouteView:
    """A route by the senate square, a place that nobody has located, and the harbour."""
    places = [("Senate square", SENATE), ("Somewhere", (None, None)), ("Harbour", HARBOUR)]
    checkpoints = tuple(
        Checkpoint(
            sequence=number,
            location=name,
            expected_time=scene.at(start + 20 * number),
            latitude=latitude,
            longitude=longitude,
        )
        for number, (name, (latitude, longitude)) in enumerate(places, 1)
    )
    command = routes.CreateRoute(
        route_id=None,
        origin="Depot",
        destination="Harbour",
        scheduled_start_time=scene.at(start),
        checkpoints=checkpoints,
    )
    route_id = scene.do(scene.waybill.routes.create_route, command)
    activate = routes.ChangeRouteStatus(route_id=route_id, status=RouteStatus.ACTIVE)
    scene.do(scene.waybill.routes.change_route_status, activate)
    return scene.route(route_id)


def report(scene: Scene, driver_id: str, place: tuple[float, float], age_s: float = 0) -> None:
    taken_at = scene.waybill.doors.now() - timedelta(seconds=age_s)
    scene.waybill.positions.report(driver_id, [Fix(*place, taken_at, heading_deg=90.0)])


def map_of(dana: Browser, query: str = "") -> Any:
    return dana.client.get(f"/board/map?{query}").get_json()


def test_the_map_shows_unfinished_deliveries_with_their_located_checkpoints(
    dana: Browser, scene: Scene
) -> None:
    anna = scene.add_driver("Anna Aho")
    view = scene.add_delivery(add_located_route(scene), anna, scene.add_vehicle())
    failed = scene.add_delivery(add_located_route(scene))
    scene.move(failed, DeliveryStatus.FAILED, reason="no_access")

    shown = map_of(dana)

    assert [delivery["id"] for delivery in shown["deliveries"]] == [view.delivery_id]
    (delivery,) = shown["deliveries"]
    assert delivery["driver"] == anna.driver_id
    assert delivery["destination"] == "Harbour"
    assert delivery["onRoad"] is False
    assert [(stop["number"], stop["name"], stop["state"]) for stop in delivery["stops"]] == [
        (1, "Senate square", "next"),
        (3, "Harbour", "open"),
    ]
    assert (delivery["stops"][0]["latitude"], delivery["stops"][0]["longitude"]) == SENATE


def test_the_next_checkpoint_of_a_late_delivery_is_late(dana: Browser, scene: Scene) -> None:
    scene.add_delivery(add_located_route(scene, start=-40))

    (delivery,) = map_of(dana)["deliveries"]

    assert [stop["state"] for stop in delivery["stops"]] == ["late", "open"]


def test_drivers_come_by_name_with_their_newest_position_or_none(dana: Browser, scene: Scene) -> None:
    zoe, adam = scene.add_driver("Zoe Zeder"), scene.add_driver("adam aho")
    scene.add_driver("Unseen Ulla")
    route = add_located_route(scene)
    scene.add_delivery(route, zoe)
    scene.add_delivery(route, adam)
    report(scene, zoe.driver_id, SENATE, age_s=30)
    report(scene, zoe.driver_id, STATION)
    report(scene, zoe.driver_id, HARBOUR, age_s=60)

    drivers = map_of(dana)["drivers"]

    assert [(driver["name"], driver["at"] is not None) for driver in drivers] == [
        ("adam aho", False),
        ("Zoe Zeder", True),
    ]
    assert (drivers[1]["latitude"], drivers[1]["longitude"], drivers[1]["heading"]) == (*STATION, 90.0)


def test_who_has_no_delivery_is_on_the_whole_board_of_today_as_free(dana: Browser, scene: Scene) -> None:
    anna, ilona, otto = (scene.add_driver(name) for name in ("Anna Aho", "Idle Ilona", "Off Otto"))
    delivery_id = scene.add_delivery(add_located_route(scene), anna).delivery_id
    for driver in (anna, ilona, otto):
        report(scene, driver.driver_id, STATION)
    off = fleet.ChangeDriverStatus(
        driver_id=otto.driver_id, status=DriverStatus.UNAVAILABLE, reason="off today"
    )
    scene.do(scene.waybill.fleet.change_driver_status, off)

    def found(query: str) -> list[tuple[str, bool]]:
        return [(driver["name"], driver["isFree"]) for driver in map_of(dana, query)["drivers"]]

    assert found("") == [("Anna Aho", False), ("Idle Ilona", True)]
    assert map_of(dana)["showsFree"] is True
    assert found("q=aho") == [("Anna Aho", False)]
    assert found("filter=late") == []
    assert map_of(dana, "q=aho")["showsFree"] is False
    assert found("date=2020-01-01") == []
    assert found(f"only={delivery_id}") == [("Anna Aho", False)]
    table = dana.get("/board?panes=map").html.split("data-seen>")[1].split("</tbody>")[0]
    assert table.index("Anna Aho") < table.index("data-free hidden") < table.index("Idle Ilona")
    assert table.count("data-free hidden") == 1

    scene.move(scene.delivery(delivery_id), DeliveryStatus.FAILED, reason="no_access")
    assert found("") == [("Anna Aho", True), ("Idle Ilona", True)]


def test_the_map_is_filtered_as_the_list_is_and_can_be_asked_for_a_part(dana: Browser, scene: Scene) -> None:
    route = add_located_route(scene)
    anna, bert = scene.add_driver("Anna Aho"), scene.add_driver("Bert Berg")
    of_anna = scene.add_delivery(route, anna).delivery_id
    of_bert = scene.add_delivery(route, bert).delivery_id

    def found(query: str) -> set[str]:
        return {delivery["id"] for delivery in map_of(dana, query)["deliveries"]}

    assert found("") == {of_anna, of_bert}
    assert found("q=berg") == {of_bert}
    assert found("filter=unassigned&q=aho") == {of_anna}
    assert found("filter=late") == set()
    assert found(f"only={of_anna},nonsense") == {of_anna}
    assert found(f"only={of_anna}&q=berg") == set()
    assert found("date=2020-01-01") == set()
    assert dana.get("/board/map?only=" + ",".join(["x"] * 101)).status == 400


def test_a_trail_is_where_the_driver_was_since_the_delivery_was_created(dana: Browser, scene: Scene) -> None:
    driver = scene.add_driver()
    report(scene, driver.driver_id, HARBOUR, age_s=600)
    view = scene.add_delivery(add_located_route(scene), driver)
    later = scene.waybill.doors.now() + timedelta(minutes=10)
    scene.waybill.doors = replace(scene.waybill.doors, now=lambda: later)
    report(scene, driver.driver_id, STATION, age_s=60)
    report(scene, driver.driver_id, SENATE, age_s=300)

    answer = dana.client.get(f"/board/deliveries/{view.delivery_id}/trail").get_json()["trail"]

    assert [(fix["latitude"], fix["longitude"]) for fix in answer] == [SENATE, STATION]
    unassigned = scene.add_delivery(add_located_route(scene))
    assert dana.client.get(f"/board/deliveries/{unassigned.delivery_id}/trail").get_json() == {"trail": []}
    assert dana.get("/board/deliveries/nonsense/trail").status == 404


def test_where_positions_cannot_be_read_the_map_and_the_board_do_without(
    dana: Browser, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.add_delivery(add_located_route(scene), scene.add_driver("Anna Aho"))

    def fail(*_: object) -> None:
        raise StoreUnavailable("positions are away")

    monkeypatch.setattr(scene.waybill.positions, "newest", fail)

    assert [(driver["name"], driver["at"]) for driver in map_of(dana)["drivers"]] == [("Anna Aho", None)]
    assert dana.get("/board").status == 200


def test_without_a_map_the_page_lists_the_last_positions(dana: Browser, scene: Scene) -> None:
    seen, unseen = scene.add_driver("Seen Saara"), scene.add_driver("Unseen Urho")
    route = add_located_route(scene)
    scene.add_delivery(route, seen)
    scene.add_delivery(route, unseen)
    report(scene, seen.driver_id, STATION)

    table = dana.get("/board?panes=map").html.split("data-seen>")[1].split("</tbody>")[0]

    assert table.index("Seen Saara") < table.index("60.1712, 24.9415") < table.index("Unseen Urho")
    assert "none yet" in table


@pytest.mark.parametrize(
    ("query", "has_list", "has_map"),
    [
        ("", True, True),
        ("panes=map", False, True),
        ("panes=list", True, False),
        ("panes=map,list", True, True),
        ("panes=nonsense", True, True),
    ],
)
def test_the_address_says_which_panes_are_shown(
    dana: Browser, query: str, has_list: bool, has_map: bool
) -> None:
    tags = {given.get("id"): given for _, given in dana.get(f"/board?{query}").tags}

    assert ("list" in tags["board"]["data-panes"].split()) == has_list
    assert ("board-map" in tags) == has_map


def test_filters_and_days_keep_the_panes(dana: Browser) -> None:
    page = dana.get("/board?panes=list")

    days = [url for _, url in page.links if "date=" in url]
    assert [url.endswith("&panes=list") for url in days] == [True, True]
    assert page.link("0 Late") == "/board?filter=late&panes=list"
    assert page.html.count('<input type="hidden" name="panes" value="list">') == 2
    assert page.link("Show the Map") == "/board?panes=map%2Clist"


def test_a_delivery_and_a_route_bring_the_places_of_their_map(dana: Browser, scene: Scene) -> None:
    route = add_located_route(scene)
    view = scene.add_delivery(route)
    nowhere = scene.add_delivery(scene.add_route(20))

    for address in (f"/deliveries/{view.delivery_id}", f"/routes/{route.route_id}"):
        page = dana.get(address).html
        assert page.count("data-small-map") == 1
        assert str(SENATE[0]) in page.split("data-stops=")[1].split(">")[0]
    assert "data-small-map" not in dana.get(f"/deliveries/{nowhere.delivery_id}").html


def test_the_map_is_for_dispatchers(app: Flask) -> None:
    assert app.test_client().get("/board/map").status_code == 302
