"""Drivers and vehicles on the pages."""

from flask import Flask

from tests.webapp.pages.browser import Browser, Page
from tests.webapp.pages.conftest import PASSWORD
from tests.webapp.pages.scene import Scene, clock


def driver_id_of(page: Page) -> str:
    return page.path.rsplit("/", 1)[1]


class TestTheOverview:
    def test_empty_lists_offer_the_first_driver_and_vehicle(self, fresh_dana: Browser) -> None:
        assert "/fleet/drivers/new" in fresh_dana.get("/fleet").link("Add the first driver")
        assert "/fleet/vehicles/new" in fresh_dana.get("/fleet?show=vehicles").link("Add the first vehicle")

    def test_statuses_are_counted_and_are_filters(self, dana: Browser, scene: Scene) -> None:
        booked = scene.add_driver("Counted Aino")
        scene.add_delivery(scene.add_route(), booked)
        page = dana.get("/fleet?q=counted")
        assert "Assigned" in page.text.split("Counted Aino")[1]
        assert "Counted Aino" in dana.get("/fleet?q=counted&status=Assigned").text
        assert "Counted Aino" not in dana.get("/fleet?q=counted&status=Available").text
        assert "No driver matches" in dana.get("/fleet?q=counted&status=Suspended").text

    def test_the_chips_count_what_the_search_finds(self, dana: Browser, scene: Scene) -> None:
        scene.add_driver("Only One Of Us")
        scene.add_vehicle("ONLY-1")
        for path in ("/fleet?q=only one", "/fleet?show=vehicles&q=only-1"):
            page = dana.get(path)
            assert "All 1 Available 1 Assigned 0" in page.text

    def test_the_next_booking_is_not_one_that_is_over(self, dana: Browser, scene: Scene) -> None:
        waits, comes = scene.add_driver("Overdue Oiva"), scene.add_driver("Next Niilo")
        day = 24 * 60
        for driver in (waits, comes):
            scene.add_delivery(scene.add_route(-3 * day), driver)
        coming = scene.add_delivery(scene.add_route(60), comes)

        assert "overdue since" in dana.get("/fleet?q=overdue").text
        page = dana.get("/fleet?q=next niilo")
        assert "overdue" not in page.text
        assert f'href="/deliveries/{coming.delivery_id}"' in page.html

    def test_vehicles_have_their_own_tab_that_the_search_keeps(self, dana: Browser, scene: Scene) -> None:
        scene.add_vehicle("TAB-1")
        page = dana.get("/fleet?show=vehicles")
        assert "TAB-1" in page.text
        found = dana.send(page.form("Filter"), q="tab-1")
        assert "TAB-1" in found.text
        assert "Registration" in found.text


class TestAddingADriver:
    def test_added_drivers_can_be_booked_at_once(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/fleet/drivers/new").form("Add")
        page = dana.send(form, name="  Aino Virta ", driver_license="L-1001")
        assert "Aino Virta is added and can be booked." in page.text
        driver = scene.driver(driver_id_of(page))
        assert (driver.name, driver.driver_license, driver.status) == ("Aino Virta", "L-1001", "Available")

    def test_empty_fields_are_marked(self, dana: Browser) -> None:
        page = dana.send(dana.get("/fleet/drivers/new").form("Add"), name="   ", driver_license="")
        assert page.status == 422
        assert page.text.count("Please fill this in.") == 2

    def test_a_namesake_is_shown_before_anything_is_added(self, dana: Browser, scene: Scene) -> None:
        known = scene.add_driver("Veikko Niemi", "L-veikko")
        before = scene.count_events()
        page = dana.send(
            dana.get("/fleet/drivers/new").form("Add"), name="veikko niemi", driver_license="L-other"
        )
        assert page.status == 422
        assert scene.count_events() == before
        assert page.link("Veikko Niemi") == f"/fleet/drivers/{known.driver_id}"
        page = dana.send(page.form("Add anyway"))
        assert page.status == 200
        assert driver_id_of(page) != known.driver_id
        assert scene.driver(driver_id_of(page)).name == "veikko niemi"

    def test_confirming_one_namesake_does_not_confirm_another(self, dana: Browser, scene: Scene) -> None:
        scene.add_driver("First Same", "L-first")
        other = scene.add_driver("Second Same", "L-second")
        page = dana.send(dana.get("/fleet/drivers/new").form("Add"), name="First Same", driver_license="L-x")
        page = dana.send(page.form("Add anyway"), name="Somebody", driver_license="L-second")
        assert page.status == 422
        assert page.link("Second Same") == f"/fleet/drivers/{other.driver_id}"

    def test_sent_twice_it_is_one_driver_and_no_namesake(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/fleet/drivers/new").form("Add")
        first = dana.send(form, name="Double Click", driver_license="L-double")
        before = scene.count_events()
        second = dana.send(form, name="Double Click", driver_license="L-double")
        assert second.path == first.path
        assert scene.count_events() == before


class TestADriver:
    def test_the_page_shows_bookings_and_the_coming_week(self, dana: Browser, scene: Scene) -> None:
        driver = scene.add_driver()
        delivery = scene.add_delivery(scene.add_route(origin="Booked", destination="There"), driver)
        page = dana.get(f"/fleet/drivers/{driver.driver_id}")
        assert page.link("Booked → There") == f"/deliveries/{delivery.delivery_id}"
        bars = [given["aria-label"] for tag, given in page.tags if tag == "svg" and "aria-label" in given]
        assert len(bars) == 7
        assert bars.count(f"booked {clock(scene)} to {clock(scene, 40)}") == 1
        assert bars.count("free") == 6
        assert not page.has_form("Set the status")

    def test_details_are_changed(self, dana: Browser, scene: Scene) -> None:
        driver = scene.add_driver()
        form = dana.get(f"/fleet/drivers/{driver.driver_id}").form("Save details")
        page = dana.send(form, name="Changed Name")
        assert "Details saved." in page.text
        assert scene.driver(driver.driver_id).name == "Changed Name"

    def test_a_change_that_makes_a_namesake_must_be_confirmed(self, dana: Browser, scene: Scene) -> None:
        scene.add_driver("Taken Name")
        driver = scene.add_driver()
        form = dana.get(f"/fleet/drivers/{driver.driver_id}").form("Save details")
        page = dana.send(form, name="Taken Name")
        assert page.status == 422
        assert scene.driver(driver.driver_id).name == driver.name
        dana.send(page.form("Save anyway"))
        assert scene.driver(driver.driver_id).name == "Taken Name"

    def test_a_status_with_its_reason(self, dana: Browser, scene: Scene) -> None:
        driver = scene.add_driver()
        form = dana.get(f"/fleet/drivers/{driver.driver_id}").form("Set the status")
        page = dana.send(form, status="Unavailable", reason="On holiday")
        assert "Unavailable" in page.text
        assert "On holiday" in page.text
        known = scene.driver(driver.driver_id)
        assert (known.status, known.status_reason) == ("Unavailable", "On holiday")

    def test_a_made_up_status_is_an_error_at_the_field(self, dana: Browser, scene: Scene) -> None:
        driver = scene.add_driver()
        form = dana.get(f"/fleet/drivers/{driver.driver_id}").form("Set the status")
        page = dana.send(form, status="Assigned")
        assert page.status == 422
        assert "status-status-error" in page.ids

    def test_a_driver_who_was_booked_meanwhile_is_refused_with_the_delivery(
        self, dana: Browser, scene: Scene
    ) -> None:
        driver = scene.add_driver()
        form = dana.get(f"/fleet/drivers/{driver.driver_id}").form("Set the status")
        delivery = scene.add_delivery(scene.add_route(), driver)
        page = dana.send(form, status="Suspended")
        assert page.status == 422
        assert "so the status can't change" in page.text
        assert page.link("Open delivery") == f"/deliveries/{delivery.delivery_id}"


class TestADriversSignIn:
    def test_it_is_given_used_reset_and_taken_away(self, dana: Browser, scene: Scene, app: Flask) -> None:
        driver = scene.add_driver("Signing Driver")
        path = f"/fleet/drivers/{driver.driver_id}"
        page = dana.send(
            dana.get(path).form("Give a sign-in"), username="signing", password="first password 1"
        )
        assert "can sign in as signing now" in page.text

        phone = Browser(app)
        assert phone.sign_in("signing", "first password 1").status == 303

        page = dana.send(dana.get(path).form("Change the password"), password="second password 2")
        assert "has to sign in again" in page.text
        assert "/sign-in" in phone.get(f"/fleet/drivers/{driver.driver_id}").path, "its sessions have ended"
        assert Browser(app).sign_in("signing", "first password 1").status == 422
        assert Browser(app).sign_in("signing", "second password 2").status == 303

        page = dana.send(page.form("Shut out"))
        assert "can no longer sign in" in page.text
        assert Browser(app).sign_in("signing", "second password 2").status == 422
        dana.send(page.form("Let in again"))
        assert Browser(app).sign_in("signing", "second password 2").status == 303

    def test_a_short_password_and_a_taken_name_are_errors_at_their_fields(
        self, dana: Browser, scene: Scene
    ) -> None:
        path = f"/fleet/drivers/{scene.add_driver().driver_id}"
        page = dana.send(dana.get(path).form("Give a sign-in"), username="somebody", password="short")
        assert page.status == 422
        assert "sign-in-password-error" in page.ids
        page = dana.send(page.form("Give a sign-in"), username="dispatcher", password=PASSWORD)
        assert page.status == 422
        assert "There is a sign-in called dispatcher already" in page.text

    def test_without_a_sign_in_there_is_no_password_to_reset(self, dana: Browser, scene: Scene) -> None:
        path = f"/fleet/drivers/{scene.add_driver().driver_id}"
        form = dana.get(path).form("Give a sign-in")
        form.action = f"{path}/password"
        assert dana.send(form, password=PASSWORD).status == 404


class TestVehicles:
    def test_added_changed_and_taken_out_of_service(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/fleet/vehicles/new").form("Add")
        page = dana.send(form, registration="NEW-1", vehicle_type="Cargo bike")
        vehicle_id = driver_id_of(page)
        page = dana.send(page.form("Save details"), vehicle_type="Van")
        assert scene.vehicle(vehicle_id).vehicle_type == "Van"
        page = dana.send(page.form("Set the status"), status="OutOfService", reason="Sold")
        known = scene.vehicle(vehicle_id)
        assert (known.status, known.status_reason) == ("OutOfService", "Sold")
        assert "Out of service" in page.text

    def test_the_same_plate_must_be_confirmed(self, dana: Browser, scene: Scene) -> None:
        known = scene.add_vehicle("SAME-1")
        page = dana.send(
            dana.get("/fleet/vehicles/new").form("Add"), registration="same-1", vehicle_type="Van"
        )
        assert page.status == 422
        assert page.link("SAME-1") == f"/fleet/vehicles/{known.vehicle_id}"
        assert dana.send(page.form("Add anyway")).status == 200

    def test_a_booked_vehicle_keeps_its_status(self, dana: Browser, scene: Scene) -> None:
        vehicle = scene.add_vehicle()
        form = dana.get(f"/fleet/vehicles/{vehicle.vehicle_id}").form("Set the status")
        scene.add_delivery(scene.add_route(), None, vehicle)
        page = dana.send(form, status="Maintenance")
        assert page.status == 422
        assert "is booked for delivery" in page.text
        assert scene.vehicle(vehicle.vehicle_id).status == "Assigned"

    def test_sent_twice_it_is_one_vehicle(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/fleet/vehicles/new").form("Add")
        first = dana.send(form, registration="ONCE-1", vehicle_type="Van")
        before = scene.count_events()
        assert dana.send(form, registration="ONCE-1", vehicle_type="Van").path == first.path
        assert scene.count_events() == before


def test_a_driver_is_found_without_the_marks_on_the_letters(dana: Browser, scene: Scene) -> None:
    scene.add_driver("Väinö Groß")

    for typed in ("vaino", "GROSS", "väinö groß"):
        assert "Väinö Groß" in dana.get(f"/fleet?q={typed}").text
