"""Creating a delivery: availability, clashes and their alternatives."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backend_services.routes.queries import list_routes_to_drive
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene, clock
from webapp.blueprints.deliveries.creating import MOST_CARDS


def test_without_an_active_route_the_page_says_where_to_get_one(fresh_dana: Browser) -> None:
    page = fresh_dana.get("/deliveries/new")
    assert "No active route" in page.text
    assert page.link("Go to routes") == "/routes"
    assert not page.has_form("Create the delivery")


def test_route_driver_and_vehicle_on_one_page(dana: Browser, scene: Scene) -> None:
    route, driver, vehicle = scene.add_route(), scene.add_driver(), scene.add_vehicle()
    page = dana.get(f"/deliveries/new?route={route.route_id}")
    page = dana.send(
        page.form("Create the delivery"),
        button="Create the delivery",
        driver=driver.driver_id,
        vehicle=vehicle.vehicle_id,
    )
    assert "Delivery created." in page.text
    delivery = scene.delivery(page.path.rsplit("/", 1)[1])
    assert (delivery.driver_id, delivery.vehicle_id) == (driver.driver_id, vehicle.vehicle_id)


def test_without_javascript_a_button_shows_who_is_free(dana: Browser, scene: Scene) -> None:
    route, driver = scene.add_route(), scene.add_driver("Shown Aino")
    page = dana.get(f"/deliveries/new?driver={driver.driver_id}")
    assert "Show availability" in page.html
    assert "Shown Aino" not in page.text
    form = replace(page.form("Create the delivery"), action="/deliveries/new/availability")
    page = dana.send(form, route=route.route_id)
    assert "csrf" not in page.path
    assert "Shown Aino" in page.text
    assert page.value("Create the delivery", "driver") == driver.driver_id, "the choice is kept"


def test_the_free_come_first_then_the_booked_with_their_delivery_then_the_unavailable(
    fresh_dana: Browser,
) -> None:
    scene = Scene(fresh_dana.client.application)
    free, booked = scene.add_driver("Zoe Free"), scene.add_driver("Aaro Booked")
    absent = scene.add_driver("Ahti Absent")
    form = fresh_dana.get(f"/fleet/drivers/{absent.driver_id}").form("Set the status")
    fresh_dana.send(form, status="Unavailable")
    other = scene.add_delivery(scene.add_route(start=30), booked)
    route = scene.add_route(start=0)
    page = fresh_dana.get(f"/deliveries/new?route={route.route_id}")
    assert page.text.index(free.name) < page.text.index(booked.name) < page.text.index(absent.name)
    assert page.link(f"delivery {other.delivery_id[-6:]}") == f"/deliveries/{other.delivery_id}"
    assert absent.driver_id not in page.radios["driver"], "disabled"
    assert booked.driver_id in page.radios["driver"], "looks disabled, but the command decides"


def test_in_a_great_fleet_the_free_are_listed_and_the_rest_is_found_by_name(fresh_dana: Browser) -> None:
    scene = Scene(fresh_dana.client.application)
    booked = scene.add_vehicle("A-BOOKED")
    scene.add_delivery(scene.add_route(start=30), None, booked)
    free = [scene.add_vehicle(f"V-{number:03}") for number in range(MOST_CARDS + 1)]
    address = f"/deliveries/new?route={scene.add_route(start=0).route_id}"

    page = fresh_dana.get(address)
    assert page.radios["vehicle"] == ["", *(vehicle.vehicle_id for vehicle in free[:MOST_CARDS])]
    assert f"{MOST_CARDS} are listed, the free ones first; 2 more are found by name." in page.text

    chosen = free[3].vehicle_id
    found = fresh_dana.get(f"{address}&vehicle={chosen}&find-vehicle=a-boo", htmx=True)
    assert found.radios["vehicle"] == ["", chosen, booked.vehicle_id], "what is chosen stays"
    assert "No vehicle has that in the name" in fresh_dana.get(f"{address}&find-vehicle=nonsense").text


def test_routes_come_the_soonest_first_and_those_whose_time_is_over_last(fresh_dana: Browser) -> None:
    scene = Scene(fresh_dana.client.application)
    late, soon, over = scene.add_route(start=600), scene.add_route(start=0), scene.add_route(start=-2880)
    page = fresh_dana.get("/deliveries/new")
    assert [option.value for option in page.options["route"]] == [
        "", soon.route_id, late.route_id, over.route_id,
    ]  # fmt: skip
    with scene.waybill.sessions() as session:
        ahead, past = list_routes_to_drive(session, datetime.now(UTC), ahead=1, over=0)
    assert ([route.route_id for route in ahead], past) == ([soon.route_id], [])


def test_htmx_gets_the_availability_only(dana: Browser, scene: Scene) -> None:
    route = scene.add_route()
    whole = dana.get(f"/deliveries/new?route={route.route_id}")
    part = dana.get(f"/deliveries/new?route={route.route_id}", htmx=True)
    assert 'id="availability"' in part.html
    assert "<html" not in part.html
    assert "<html" in whole.html


class TestAClash:
    def test_the_card_says_which_delivery_from_when_to_when_and_how_much(
        self, dana: Browser, scene: Scene
    ) -> None:
        driver = scene.add_driver("Clashing Kaisa")
        other = scene.add_delivery(scene.add_route(start=0, stops=3), driver)
        route = scene.add_route(start=45, stops=3)
        page = dana.send(
            dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery"),
            driver=driver.driver_id,
        )
        assert page.status == 422
        assert "The driver is booked in that time" in page.text
        assert page.link(f"Delivery {other.delivery_id[-6:]}") == f"/deliveries/{other.delivery_id}"
        card = page.text.split("The driver is booked in that time")[1].split("Start at")[0]
        assert f"{clock(scene, 0)} to" in card
        assert f"{clock(scene, 60)}. That overlaps by 15 minutes" in card
        assert f"{clock(scene, 45)} – {clock(scene, 105)}" in card
        assert page.value("Create the delivery", "driver") == driver.driver_id, "what was chosen stays chosen"

    def test_another_driver_is_one_click(self, fresh_dana: Browser) -> None:
        scene = Scene(fresh_dana.client.application)
        driver, ana = scene.add_driver("Busy Bo"), scene.add_driver("Ana Anttila")
        vehicle = scene.add_vehicle()
        scene.add_delivery(scene.add_route(), driver)
        route = scene.add_route()
        form = fresh_dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        page = fresh_dana.send(form, driver=driver.driver_id, vehicle=vehicle.vehicle_id)
        page = fresh_dana.send(page.form("Use Ana Anttila instead"))
        delivery = scene.delivery(page.path.rsplit("/", 1)[1])
        assert (delivery.driver_id, delivery.vehicle_id) == (ana.driver_id, vehicle.vehicle_id)

    def test_another_vehicle_is_one_click(self, fresh_dana: Browser) -> None:
        scene = Scene(fresh_dana.client.application)
        van, bike, driver = scene.add_vehicle("VAN-1"), scene.add_vehicle("BIKE-2"), scene.add_driver()
        scene.add_delivery(scene.add_route(), None, van)
        route = scene.add_route()
        form = fresh_dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        page = fresh_dana.send(form, driver=driver.driver_id, vehicle=van.vehicle_id)
        assert "The vehicle is booked in that time" in page.text
        page = fresh_dana.send(page.form("Use BIKE-2 instead"))
        delivery = scene.delivery(page.path.rsplit("/", 1)[1])
        assert (delivery.driver_id, delivery.vehicle_id) == (driver.driver_id, bike.vehicle_id)

    def test_another_time_leads_over_a_copy_of_the_route_to_the_delivery(
        self, dana: Browser, scene: Scene
    ) -> None:
        driver, vehicle = scene.add_driver(), scene.add_vehicle()
        scene.add_delivery(scene.add_route(start=0, stops=3), driver)
        route = scene.add_route(start=30, stops=2)
        form = dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        page = dana.send(form, driver=driver.driver_id, vehicle=vehicle.vehicle_id)
        page = dana.get(page.link("Start at"))
        assert page.value("Duplicate and go on", "start").endswith(f"T{clock(scene, 60)}")
        page = dana.send(page.form("Duplicate and go on"))
        assert page.path == "/deliveries/new"
        assert "The copy is active. Create its delivery now." in page.text
        chosen = dict(page.form("Create the delivery").values)
        assert (chosen["driver"], chosen["vehicle"]) == (driver.driver_id, vehicle.vehicle_id)
        page = dana.send(page.form("Create the delivery"))
        delivery = scene.delivery(page.path.rsplit("/", 1)[1])
        assert delivery.driver_id == driver.driver_id
        assert delivery.scheduled_start_at == scene.at(60)

    def test_when_nobody_else_is_free_the_card_says_so(self, fresh_dana: Browser) -> None:
        scene = Scene(fresh_dana.client.application)
        only = scene.add_driver("Only One")
        scene.add_delivery(scene.add_route(), only)
        route = scene.add_route()
        form = fresh_dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        page = fresh_dana.send(form, driver=only.driver_id)
        assert "No other driver is free then." in page.text


class TestWhatCanGoWrong:
    def test_no_route(self, dana: Browser, scene: Scene) -> None:
        scene.add_route()
        page = dana.send(dana.get("/deliveries/new").form("Create the delivery"), route="")
        assert page.status == 422
        assert "Please choose a route from the list." in page.text

    @pytest.mark.parametrize("name", ["driver", "vehicle"])
    def test_a_forged_id_creates_nothing(self, dana: Browser, scene: Scene, name: str) -> None:
        route = scene.add_route()
        form = dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        before = scene.count_events()
        page = dana.send(form, **{name: "Robert'); DROP TABLE"})
        assert page.status == 422
        assert f"Please choose a {name} from the list." in page.text
        assert scene.count_events() == before

    def test_an_unknown_driver_is_refused_in_words(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route()
        form = dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        page = dana.send(form, driver="00000000-0000-4000-8000-000000000000")
        assert page.status == 422
        assert "There is no driver with the id 000000." in page.text

    def test_where_driver_and_vehicle_clash_no_way_out_is_offered_that_leads_to_the_other_clash(
        self, fresh_dana: Browser
    ) -> None:
        scene = Scene(fresh_dana.client.application)
        mari, van = scene.add_driver("Mari Moilanen"), scene.add_vehicle("VAN-1")
        scene.add_driver("Ben Salo")
        scene.add_delivery(scene.add_route(start=30), mari, van)
        route = scene.add_route(start=0)
        form = fresh_dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        page = fresh_dana.send(form, driver=mari.driver_id, vehicle=van.vehicle_id)
        assert "VAN-1, the vehicle, isn't free then either, and no other vehicle is" in page.text
        assert not page.has_form("instead")
        other = scene.add_vehicle("VAN-2")
        form = fresh_dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        page = fresh_dana.send(form, driver=mari.driver_id, vehicle=van.vehicle_id)
        page = fresh_dana.send(page.form("Use Ben Salo and VAN-2 instead"))
        assert "Delivery created." in page.text
        assert scene.delivery(page.path.rsplit("/", 1)[1]).vehicle_id == other.vehicle_id

    def test_a_driver_who_became_unavailable_is_refused_with_the_status(
        self, dana: Browser, scene: Scene
    ) -> None:
        route, driver = scene.add_route(), scene.add_driver("Gone Gunnar")
        form = dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        status = dana.get(f"/fleet/drivers/{driver.driver_id}").form("Set the status")
        dana.send(status, status="Suspended")
        page = dana.send(form, driver=driver.driver_id)
        assert page.status == 422
        assert "Gone Gunnar is Suspended and can't be booked. Choose another driver." in page.text

    def test_a_route_that_is_still_planned_says_to_activate_it(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False)
        page = dana.get(f"/deliveries/new?route={route.route_id}")
        assert page.link("look at it and activate it") == f"/routes/{route.route_id}"
        page = dana.send(page.form("Create the delivery"), route=route.route_id)
        assert page.status == 422
        assert "activate it first" in page.text

    def test_a_route_whose_time_is_over_is_said_to_be(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(start=-3 * 24 * 60)
        assert "time is over already" in dana.get(f"/deliveries/new?route={route.route_id}").text

    def test_sent_twice_it_is_one_delivery(self, dana: Browser, scene: Scene) -> None:
        route, driver = scene.add_route(), scene.add_driver()
        form = dana.get(f"/deliveries/new?route={route.route_id}").form("Create the delivery")
        first = dana.send(form, driver=driver.driver_id)
        before = scene.count_events()
        second = dana.send(form, driver=driver.driver_id)
        assert first.path == second.path
        assert scene.count_events() == before
