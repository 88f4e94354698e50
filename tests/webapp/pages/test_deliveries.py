"""The list of deliveries and one delivery's page: its steps, its people, its history."""

import io
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from backend_services.deliveries import commands
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from eventstore.execute import Context
from ops.processes import wait_until
from tests.webapp.pages.browser import Browser, Page
from tests.webapp.pages.conftest import PASSWORD, make_app
from tests.webapp.pages.scene import Scene


def open_page(dana: Browser, delivery: DeliveryView, **more: Any) -> Page:
    return dana.get(f"/deliveries/{delivery.delivery_id}", **more)


def picture() -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(output, "PNG")
    return output.getvalue()


class TestTheList:
    def test_an_empty_list_says_what_a_delivery_is(self, fresh_dana: Browser) -> None:
        page = fresh_dana.get("/deliveries")
        assert "No deliveries yet" in page.text
        assert page.link("Create the first delivery") == "/deliveries/new"

    def test_filters_by_status_driver_vehicle_route_and_word(self, dana: Browser, scene: Scene) -> None:
        driver, vehicle = scene.add_driver("Filtered Aino"), scene.add_vehicle("FLT-1")
        route = scene.add_route(origin="Filterstreet")
        scene.add_delivery(route, driver, vehicle)
        scene.add_delivery(scene.add_route(origin="Otherstreet"))
        for query in (
            f"driver={driver.driver_id}",
            f"vehicle={vehicle.vehicle_id}",
            f"route={route.route_id}",
            "q=filterstreet",
            "q=filtered+aino",
            "q=flt-1",
            f"status=PickedUp&driver={driver.driver_id}",
        ):
            page = dana.get(f"/deliveries?{query}")
            assert "Filterstreet" in page.text, query
            assert "Otherstreet" not in page.text, query
        assert "No delivery matches" in dana.get(f"/deliveries?status=Failed&driver={driver.driver_id}").text

    def test_the_filter_by_route_can_be_taken_away(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(origin="Chipstreet")
        page = dana.get(f"/deliveries?route={route.route_id}&q=chip")
        assert page.link("Only the route Chipstreet → Harbour") == "/deliveries?q=chip"

    def test_days_bound_when_it_was_created_the_last_one_included(self, dana: Browser, scene: Scene) -> None:
        scene.add_delivery(scene.add_route(origin="Daystreet"))
        today = (scene.noon - timedelta(days=1)).date()
        assert "Daystreet" in dana.get(f"/deliveries?q=daystreet&to={today + timedelta(days=1)}").text
        assert "Daystreet" not in dana.get(f"/deliveries?q=daystreet&to={today - timedelta(days=2)}").text
        assert "Daystreet" not in dana.get(f"/deliveries?q=daystreet&from={today + timedelta(days=2)}").text
        assert "Daystreet" in dana.get("/deliveries?q=daystreet&from=never&to=9999-12-31").text

    def test_days_bound_when_it_is_planned(self, dana: Browser, scene: Scene) -> None:
        scene.add_delivery(scene.add_route(start=-3 * 24 * 60, origin="Planstreet"))
        planned = (scene.noon - timedelta(days=3)).date()
        before, after = planned - timedelta(days=2), planned + timedelta(days=2)
        for query, is_found in (
            (f"planned_from={before}&planned_to={after}", True),
            (f"planned_from={after}", False),
            (f"planned_to={before}", False),
        ):
            found = dana.get(f"/deliveries?q=planstreet&{query}").text
            assert ("Planstreet" in found) is is_found, query

    def test_what_needs_somebody_is_found_by_a_chip(self, dana: Browser, scene: Scene) -> None:
        scene.add_delivery(scene.add_route(origin="Needstreet loose"))
        busy = scene.add_delivery(
            scene.add_route(origin="Needstreet busy"), scene.add_driver(), scene.add_vehicle()
        )
        scene.move(busy, DeliveryStatus.IN_TRANSIT)
        scene.add_incident(busy)

        page = dana.get("/deliveries?q=needstreet")

        assert "Unassigned 1 Open incidents 1" in page.text
        for chip, there, gone in (("Unassigned 1", "loose", "busy"), ("Open incidents 1", "busy", "loose")):
            found = dana.get(page.link(chip)).text
            assert f"Needstreet {there}" in found
            assert f"Needstreet {gone}" not in found

    def test_the_chips_count_what_the_search_finds(self, dana: Browser, scene: Scene) -> None:
        scene.add_delivery(scene.add_route(origin="Countstreet"))
        page = dana.get("/deliveries?q=countstreet")
        assert "All 1 Picked up 1 In transit 0" in page.text


class TestTheNextStep:
    def test_without_driver_and_vehicle_it_says_what_is_missing(self, dana: Browser, scene: Scene) -> None:
        page = open_page(dana, scene.add_delivery())
        assert "It can start as soon as it has a driver and a vehicle" in page.text
        assert not page.has_form("Start: in transit")
        assert page.link("a driver") == "#assign-driver"

    def test_from_the_start_to_the_proof_only_legal_steps_are_offered(
        self, dana: Browser, scene: Scene
    ) -> None:
        delivery = scene.add_delivery(scene.add_route(stops=2), scene.add_driver(), scene.add_vehicle())
        page = open_page(dana, delivery)
        assert not page.has_form("Mark reached")
        assert not page.has_form("Delivered")
        page = dana.send(page.form("Start: in transit"))
        assert "In transit" in page.text
        assert not page.has_form("Start: in transit")
        assert not page.has_form("Out for delivery")
        page = dana.send(page.form("Stop 2: Mark reached"))
        assert "out of order" in page.text
        page = dana.send(page.form("Stop 1: Mark reached"))
        assert scene.delivery(delivery.delivery_id).status == "OutForDelivery"
        page = dana.send(
            page.form("Delivered"),
            receiver_name="Receiver Rautio",
            signature_file=(io.BytesIO(picture()), "s.png"),
        )
        done = scene.delivery(delivery.delivery_id)
        assert (done.status, done.receiver_name) == ("Delivered", "Receiver Rautio")
        assert f'src="{done.signature_url}"' in page.html
        assert dana.client.get(str(done.signature_url)).status_code == 200
        assert not page.has_form("Mark as failed")

    def test_a_route_without_checkpoints_goes_out_by_a_button(self, dana: Browser, scene: Scene) -> None:
        page = open_page(dana, scene.add_running_delivery(stops=0))
        page = dana.send(page.form("Out for delivery"))
        assert page.has_form("Delivered")

    def test_differences_between_expected_and_actual_are_shown(self, dana: Browser, scene: Scene) -> None:
        page = open_page(dana, scene.add_running_delivery(stops=2, reached=1))
        assert "earlier" in page.text.split("Difference")[1]

    def test_what_changed_meanwhile_is_refused_with_what_is_now(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_delivery(scene.add_route(), scene.add_driver(), scene.add_vehicle())
        start = open_page(dana, delivery).form("Start: in transit")
        scene.move(delivery, DeliveryStatus.FAILED)
        page = dana.send(start)
        assert page.status == 422
        assert "The delivery is Failed, not “Picked up”." in page.text
        assert page.has_form("Try again"), "what is allowed next is there"

    def test_a_double_click_is_one_step(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery(stops=2)
        form = open_page(dana, delivery).form("Stop 1: Mark reached")
        dana.send(form)
        before = scene.count_events()
        assert dana.send(form).status == 200
        assert scene.count_events() == before

    @pytest.mark.parametrize(("name", "value"), [("status", "Teleported"), ("expected", "")])
    def test_a_forged_status_is_a_bad_request(
        self, dana: Browser, scene: Scene, name: str, value: str
    ) -> None:
        delivery = scene.add_delivery(scene.add_route(), scene.add_driver(), scene.add_vehicle())
        form = open_page(dana, delivery).form("Start: in transit")
        assert dana.send(form, **{name: value}).status == 400
        assert scene.delivery(delivery.delivery_id).status == "PickedUp"

    def test_delivered_is_never_reached_without_proof(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery(stops=1)
        form = open_page(dana, delivery).form("Stop 1: Mark reached")
        dana.send(form)
        form.action = f"/deliveries/{delivery.delivery_id}/status"
        page = dana.send(form, status="Delivered", expected="OutForDelivery", command_id="")
        assert page.status == 422
        assert "A delivery becomes Delivered with its proof" in page.text


class TestFailing:
    def test_reason_and_note_are_kept_and_everything_is_free(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery()
        page = open_page(dana, delivery)
        page = dana.send(page.form("Mark as failed"), reason="no_access", note="The gate is locked")
        failed = scene.delivery(delivery.delivery_id)
        assert (failed.status, failed.failure_reason) == ("Failed", "no_access")
        assert "No access: The gate is locked" in page.text
        assert scene.driver(str(delivery.driver_id)).status == "Available"

    def test_before_the_start_it_is_called_cancelling(self, dana: Browser, scene: Scene) -> None:
        page = open_page(dana, scene.add_delivery())
        assert page.value("Mark as failed", "reason") == "cancelled_by_dispatcher"
        assert "Cancel it" in page.text

    def test_what_was_cancelled_comes_back_by_undo_with_driver_and_vehicle(
        self, dana: Browser, scene: Scene
    ) -> None:
        planned = scene.add_delivery(scene.add_route(), scene.add_driver(), scene.add_vehicle())
        page = dana.send(open_page(dana, planned).form("Mark as failed"))
        assert scene.delivery(planned.delivery_id).status == "Failed"
        dana.send(page.form("Undo"))
        again = scene.delivery(planned.delivery_id)
        assert (again.status, again.driver_id, again.vehicle_id) == (
            "PickedUp", planned.driver_id, planned.vehicle_id,
        )  # fmt: skip

    def test_one_that_started_meanwhile_is_not_cancelled_by_an_old_page(
        self, dana: Browser, scene: Scene
    ) -> None:
        planned = scene.add_delivery(scene.add_route(), scene.add_driver(), scene.add_vehicle())
        old = open_page(dana, planned)
        scene.move(planned, DeliveryStatus.IN_TRANSIT)
        page = dana.send(old.form("Mark as failed"))
        assert page.status == 422
        assert "In transit" in page.text
        assert scene.delivery(planned.delivery_id).status == "InTransit"

    def test_who_is_second_is_told_that_the_note_was_not_kept(self, dana: Browser, scene: Scene) -> None:
        planned = scene.add_delivery()
        old = open_page(dana, planned)
        scene.move(planned, DeliveryStatus.FAILED, reason="damaged")
        page = dana.send(old.form("Mark as failed"), note="The customer rang")
        assert "your reason and note weren't kept" in page.text
        assert scene.delivery(planned.delivery_id).failure_reason == "damaged"

    def test_a_second_try_says_when_it_would_begin_in_the_past(self, dana: Browser, scene: Scene) -> None:
        over, ahead = scene.add_delivery(scene.add_route(start=-2880)), scene.add_delivery(scene.add_route())
        for view in (over, ahead):
            scene.move(view, DeliveryStatus.FAILED, reason="damaged")
        assert "late from the start" in open_page(dana, over).text
        assert open_page(dana, over).link("Plan it anew").startswith(f"/routes/{over.route_id}/duplicate")
        assert "late from the start" not in open_page(dana, ahead).text

    def test_the_way_ends_where_it_failed(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery()
        scene.move(delivery, DeliveryStatus.FAILED, reason="damaged")
        page = open_page(dana, delivery)
        way = page.html.split('class="stepper"')[1].split("</ol>")[0]
        assert "In transit" in way
        assert "Out for delivery" not in way
        assert "Failed: Goods damaged" in way

    def test_a_made_up_reason_is_an_error_at_the_field(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_delivery()
        page = dana.send(open_page(dana, delivery).form("Mark as failed"), reason="bored")
        assert page.status == 422
        assert "fail-reason-error" in page.ids
        assert scene.delivery(delivery.delivery_id).status == "PickedUp"

    def test_a_retry_takes_others_when_they_are_named(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery()
        scene.move(delivery, DeliveryStatus.FAILED)
        ana = scene.add_driver("Retry Ana")
        page = dana.send(open_page(dana, delivery).form("Try again"), driver=ana.driver_id)
        again = scene.delivery(delivery.delivery_id)
        assert (again.status, again.driver_id) == ("PickedUp", ana.driver_id)
        assert again.vehicle_id == delivery.vehicle_id
        assert "Retry Ana" in page.text

    def test_a_retry_that_clashes_shows_the_card_and_keeps_the_other_choice(
        self, fresh_dana: Browser
    ) -> None:
        scene = Scene(fresh_dana.client.application)
        driver, ana = scene.add_driver("Busy Bo"), scene.add_driver("Ana Anttila")
        van, bike = scene.add_vehicle("VAN-1"), scene.add_vehicle("BIKE-2")
        delivery = scene.add_delivery(scene.add_route(), driver, van)
        scene.move(delivery, DeliveryStatus.FAILED)
        scene.add_delivery(scene.add_route(), driver)
        page = open_page(fresh_dana, delivery)
        page = fresh_dana.send(page.form("Try again"), driver=driver.driver_id, vehicle=bike.vehicle_id)
        assert page.status == 422
        assert "The driver is booked in that time" in page.text
        fresh_dana.send(page.form("Use Ana Anttila instead"))
        again = scene.delivery(delivery.delivery_id)
        assert (again.status, again.driver_id, again.vehicle_id) == (
            "PickedUp",
            ana.driver_id,
            bike.vehicle_id,
        )


class TestProof:
    def test_what_is_missing_is_said_at_its_field_and_the_form_stays_open(
        self, dana: Browser, scene: Scene
    ) -> None:
        delivery = scene.add_running_delivery(stops=1, reached=1)
        page = dana.send(open_page(dana, delivery).form("Delivered"), receiver_name="")
        assert page.status == 422
        assert "Please fill this in." in page.text
        page = dana.send(page.form("Delivered"), receiver_name="Somebody")
        assert "Please have it signed" in page.text
        assert scene.delivery(delivery.delivery_id).status == "OutForDelivery"

    def test_a_file_that_is_no_picture_is_refused(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery(stops=1, reached=1)
        page = dana.send(
            open_page(dana, delivery).form("Delivered"),
            receiver_name="Somebody",
            signature_file=(io.BytesIO(b"<svg onload=alert(1)>"), "s.png"),
        )
        assert page.status == 422
        assert "not a PNG, JPEG or WebP picture" in page.text

    @pytest.mark.parametrize(
        ("url", "is_link", "is_picture"),
        [
            ("https://example.org/s.png", True, False),
            ("javascript:alert(1)", False, False),
            ("data:text/html,<script>alert(1)</script>", False, False),
            ("//evil.example/s.png", False, False),
            ("/blobs/../people", False, False),
            ("https://[broken", False, False),
        ],
    )
    def test_a_foreign_signature_is_a_link_at_most(
        self, dana: Browser, scene: Scene, url: str, is_link: bool, is_picture: bool
    ) -> None:
        delivery = scene.add_running_delivery(stops=1, reached=1)
        proof = commands.CaptureProof(
            delivery_id=delivery.delivery_id, receiver_name="Somebody", signature_url=url, photo_urls=(url,)
        )
        scene.do(scene.waybill.deliveries.capture_proof, proof)
        page = open_page(dana, delivery)
        assert any(href == url for _, href in page.links) == is_link
        assert any(given.get("src") == url for tag, given in page.tags if tag == "img") == is_picture
        assert url in page.text


class TestIncidents:
    def test_reported_and_resolved_on_the_page(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery()
        page = dana.send(
            open_page(dana, delivery).form("Report"),
            type="DamagedGoods",
            severity="high",
            description="A box is wet",
            photo=(io.BytesIO(picture()), "box.png"),
        )
        assert "Damaged goods" in page.text
        assert "A box is wet" in page.text
        assert 'alt="Photo of the incident"' in page.html
        page = dana.send(page.form("Resolve"))
        assert scene.open_incidents(delivery) == 0
        assert not page.has_form("Resolve")

    def test_without_a_description_nothing_is_reported(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery()
        page = dana.send(open_page(dana, delivery).form("Report"), description="  ")
        assert page.status == 422
        assert "A few words, please." in page.text
        assert scene.open_incidents(delivery) == 0

    def test_resolved_by_somebody_else_meanwhile_is_said(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery()
        incident_id = scene.add_incident(delivery)
        form = open_page(dana, delivery).form("Resolve")
        resolve = commands.ResolveIncident(delivery_id=delivery.delivery_id, incident_id=incident_id)
        scene.do(scene.waybill.deliveries.resolve_incident, resolve)
        page = dana.send(form)
        assert page.status == 422
        assert "resolved already" in page.text

    def test_an_incident_of_another_delivery_is_not_there(self, dana: Browser, scene: Scene) -> None:
        delivery, other = scene.add_running_delivery(), scene.add_running_delivery()
        scene.add_incident(delivery)
        incident_id = scene.add_incident(other)
        form = open_page(dana, delivery).form("Resolve")
        form.action = f"/deliveries/{delivery.delivery_id}/incidents/{incident_id}/resolve"
        assert dana.send(form).status == 404


class TestTheHistory:
    def test_it_says_what_happened_who_did_it_and_when(self, dana: Browser, scene: Scene) -> None:
        driver = scene.add_driver("Historic Helmi")
        delivery = scene.add_delivery()
        page = dana.send(open_page(dana, delivery).form("Assign"), driver=driver.driver_id)
        history = page.text.split("History")[1]
        assert "Driver Historic Helmi assigned Dana Dispatcher" in history
        assert "Created, nobody assigned yet" in history
        assert "Waybill itself" in history, "the scene is set by no account"

    def test_a_claimed_time_is_shown_with_the_time_it_was_recorded(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery(stops=2)
        stop = delivery.stops[0]
        reach = commands.ReachCheckpoint(
            delivery_id=delivery.delivery_id,
            route_id=delivery.route_id,
            sequence=stop.sequence,
            location=stop.location,
        )
        claimed = scene.waybill.doors.now() - timedelta(hours=2)
        context = Context(actor="api-key:abcd", correlation_id="test", occurred_at=claimed)
        scene.waybill.wait_for(scene.waybill.deliveries.reach_checkpoint(reach, context))
        entry = open_page(dana, delivery).text.split("History")[1].split("Picked up")[0]
        assert "Reached 1. Stop 1" in entry
        assert "API key · recorded" in entry


class TestNews:
    def test_an_open_page_learns_that_something_changed(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery(stops=2)
        path = f"/deliveries/{delivery.delivery_id}/changed?since={delivery.version}"
        assert dana.get(path, htmx=True).status == 204
        scene.add_incident(delivery)
        assert "Something has changed" in dana.get(path, htmx=True).text

    def test_a_page_that_was_shown_before_its_rows_had_all_is_shown_anew_by_itself(
        self, tmp_path: Path
    ) -> None:
        app = make_app(tmp_path)
        scene, dana = Scene(app), Browser(app)
        dana.sign_in("dispatcher", PASSWORD)
        form = open_page(dana, scene.add_running_delivery(stops=2)).form("Stop 1: Mark reached")
        with closing(sqlite3.connect(tmp_path / "read_models.db", isolation_level=None)) as holding:
            holding.execute("BEGIN IMMEDIATE")  # no row can be written meanwhile
            page = dana.send(form, htmx=True)
            asks = next(given["hx-get"] for _, given in page.tags if given.get("hx-trigger") == "every 2s")
            assert dana.get(asks, htmx=True).status == 204

        assert "Saved. The lists are still catching up." in page.text
        anew = wait_until(
            lambda: (found := dana.get(asks, htmx=True)).status == 200 and found, what="the page"
        )
        assert anew.response.headers["HX-Retarget"] == "#page"
        assert anew.has_form("Stop 2: Mark reached")
        assert not anew.has_form("Stop 1: Mark reached")
        assert "every 2s" not in anew.html
        scene.waybill.stop()

    def test_the_page_of_a_delivered_one_asks_for_news_too(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery(stops=2, reached=2)
        scene.move(delivery, DeliveryStatus.OUT_FOR_DELIVERY)
        proof = commands.CaptureProof(
            delivery_id=delivery.delivery_id, receiver_name="Rita", signature_url="https://signed.example/1"
        )
        scene.do(scene.waybill.deliveries.capture_proof, proof)
        page = open_page(dana, delivery)
        asks = next(given["hx-get"] for _, given in page.tags if given.get("hx-trigger") == "every 60s")
        assert dana.get(asks, htmx=True).status == 204
        scene.add_incident(delivery)
        assert "Something has changed" in dana.get(asks, htmx=True).text

    def test_an_action_swaps_the_page_and_says_what_was_done(self, dana: Browser, scene: Scene) -> None:
        delivery = scene.add_running_delivery(stops=2)
        form = open_page(dana, delivery).form("Stop 1: Mark reached")
        part = dana.send(form, htmx=True)
        assert part.html.lstrip().startswith('<div id="page"')
        assert 'hx-swap-oob="beforeend:.toasts"' in part.html
        assert "Checkpoint 1 reached." in part.text

    def test_a_refused_action_is_swapped_in_too(self, dana: Browser, scene: Scene, app: Flask) -> None:
        delivery = scene.add_delivery(scene.add_route(), scene.add_driver(), scene.add_vehicle())
        start = open_page(dana, delivery).form("Start: in transit")
        scene.move(delivery, DeliveryStatus.FAILED)
        part = dana.send(start, htmx=True)
        assert part.status == 422
        assert part.html.lstrip().startswith('<div id="page"')
