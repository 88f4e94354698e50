"""Giving a delivery to a driver and a vehicle on its own page."""

from backend_services.deliveries.commands import DeliveryStatus
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene
from tests.webapp.pages.test_deliveries import open_page


class TestDriverAndVehicle:
    def test_assigned_changed_unassigned_and_each_time_undone(self, dana: Browser, scene: Scene) -> None:
        delivery, first, second = scene.add_delivery(), scene.add_driver(), scene.add_driver()

        def driver_now() -> str | None:
            return scene.delivery(delivery.delivery_id).driver_id

        page = dana.send(open_page(dana, delivery).form("Assign"), driver=first.driver_id)
        assert driver_now() == first.driver_id
        page = dana.send(page.form("Change"), driver=second.driver_id)
        assert driver_now() == second.driver_id
        page = dana.send(page.form("Undo"))
        assert driver_now() == first.driver_id
        page = dana.send(page.form("Unassign"))
        assert driver_now() is None
        page = dana.send(page.form("Undo"))
        assert driver_now() == first.driver_id
        assert page.link(first.name) == f"/fleet/drivers/{first.driver_id}"

    def test_what_somebody_else_gave_it_is_replaced_neither_by_an_old_page_nor_by_undo(
        self, dana: Browser, scene: Scene
    ) -> None:
        delivery = scene.add_delivery()
        mine, theirs = scene.add_driver("Mine"), scene.add_driver("Theirs")
        old = open_page(dana, delivery)
        done = dana.send(old.form("Assign"), driver=theirs.driver_id)
        refused = dana.send(old.form("Assign"), driver=mine.driver_id, command_id="")
        assert refused.status == 422
        assert "It has Theirs now" in refused.text
        assert scene.delivery(delivery.delivery_id).driver_id == theirs.driver_id
        dana.send(refused.form("Change"), driver=mine.driver_id)
        assert scene.delivery(delivery.delivery_id).driver_id == mine.driver_id
        undone = dana.send(done.form("Undo"))
        assert "It has Mine now" in undone.text
        assert scene.delivery(delivery.delivery_id).driver_id == mine.driver_id

    def test_a_clash_shows_the_card_and_its_alternatives(self, fresh_dana: Browser) -> None:
        scene = Scene(fresh_dana.client.application)
        van, bike = scene.add_vehicle("VAN-1"), scene.add_vehicle("BIKE-2")
        other = scene.add_delivery(scene.add_route(start=20), None, van)
        delivery = scene.add_delivery(scene.add_route(start=0))
        form = open_page(fresh_dana, delivery).form("Assign", nth=1)
        page = fresh_dana.send(form, vehicle=van.vehicle_id)
        assert page.status == 422
        assert page.link(f"Delivery {other.delivery_id[-6:]}") == f"/deliveries/{other.delivery_id}"
        assert f"vehicle={van.vehicle_id}" in page.link("Start at")
        fresh_dana.send(page.form("Use BIKE-2 instead"))
        assert scene.delivery(delivery.delivery_id).vehicle_id == bike.vehicle_id

    def test_a_double_click_assigns_once(self, dana: Browser, scene: Scene) -> None:
        delivery, driver = scene.add_delivery(), scene.add_driver()
        form = open_page(dana, delivery).form("Assign")
        dana.send(form, driver=driver.driver_id)
        before = scene.count_events()
        assert dana.send(form, driver=driver.driver_id).status == 200
        assert scene.count_events() == before

    def test_after_the_start_they_are_fixed(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_delivery(scene.add_route(), scene.add_driver(), scene.add_vehicle())
        form = open_page(dana, delivery).form("Unassign")
        scene.move(delivery, DeliveryStatus.IN_TRANSIT)
        page = dana.send(form)
        assert page.status == 422
        assert "Driver and vehicle can be changed only while “Picked up”" in page.text
        assert not page.has_form("Unassign")

    def test_a_forged_driver_changes_nothing(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_delivery(scene.add_route(), scene.add_driver())
        form = open_page(dana, delivery).form("Change")
        assert dana.send(form, driver="nobody").status == 400
        assert scene.delivery(delivery.delivery_id).driver_id == delivery.driver_id
