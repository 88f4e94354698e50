"""A shift on the phone, in plain forms."""

import io

import pytest
from flask import Flask

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import list_incidents_of
from tests.webapp.driver.conftest import Phone
from tests.webapp.driver.pictures import signature, upload
from tests.webapp.noon import sign_in


def test_today_shows_the_next_delivery_then_the_others_then_what_is_done(aino: Phone) -> None:
    later = aino.add_delivery(120)
    done = aino.add_delivery(200)
    aino.scene.move(done, DeliveryStatus.FAILED, reason="refused")
    running = aino.add_started(10, reached=1)

    page = aino.browser.get("/driver")

    assert "2 to do, 1 done" in page.text
    order = [href for _, href in page.links if href.startswith("/driver/deliveries/")]
    assert order == [f"/driver/deliveries/{view.delivery_id}" for view in (running, later, done)]
    assert "Stop 2" in page.text
    assert "Stop 1" not in page.text
    assert "Refused by the receiver" in page.text


def test_a_day_without_work_says_so(aino: Phone) -> None:
    assert "Nothing to do yet" in aino.browser.get("/driver").text


def test_the_whole_delivery_goes_by_one_button_after_the_other(aino: Phone) -> None:
    view = aino.add_delivery()
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}")

    for label in ("Start", "Reached Stop 1", "Reached Stop 2"):
        page = aino.browser.send(page.form(label))
        assert page.status == 200
    page = aino.browser.get(page.link("Proof of delivery"))
    page = aino.browser.send(
        page.form("Delivered"),
        receiver_name="Kaisa Aalto",
        delivered_to="Neighbour",
        signature=signature(),
        photos=[upload("red"), upload("blue")],
        note="Second floor",
    )

    assert page.path == "/driver"
    assert "Delivered to Kaisa Aalto" in page.text
    delivered = aino.scene.delivery(view.delivery_id)
    assert (delivered.status, delivered.receiver_name) == ("Delivered", "Kaisa Aalto")
    assert delivered.proof is not None
    assert delivered.proof["deliveredTo"] == "Neighbour"
    assert len(set(delivered.proof["photoUrls"])) == 2
    shown = aino.browser.get(f"/driver/deliveries/{view.delivery_id}")
    assert "Delivered to Kaisa Aalto (neighbour)" in shown.text
    assert not shown.has_form("Reached")


def test_there_is_one_next_step_and_what_is_missing_is_listed(aino: Phone) -> None:
    view = aino.add_started(stops=3, reached=1)

    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}")

    assert "Still to do: 2 checkpoints, then the proof of delivery" in page.text
    assert page.html.count("data-step") == 1
    assert not page.has_form("Start")
    early = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/proof")
    missing = early.text.partition("still missing")[2]
    assert "Stop 1" not in missing
    assert missing.index("Stop 2") < missing.index("Stop 3")


def test_a_delivery_without_a_vehicle_cannot_start_and_says_why(aino: Phone) -> None:
    view = aino.add_delivery(vehicle=False)

    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}")

    assert "A vehicle is missing" in page.text
    assert not page.has_form("Start")


def test_a_checkpoint_can_be_reached_out_of_order(aino: Phone) -> None:
    view = aino.add_started(stops=3)
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}")

    page = aino.browser.send(page.form("Reached Stop 3"))

    assert "out of order" in page.text
    stops = aino.scene.delivery(view.delivery_id).stops
    assert [stop.reached_at is not None for stop in stops] == [False, False, True]


def test_a_form_that_is_sent_twice_is_one_command(aino: Phone) -> None:
    view = aino.add_started()
    incident = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/incident").form("Report")
    step = aino.browser.get(f"/driver/deliveries/{view.delivery_id}").form("Reached Stop 1")
    aino.browser.send(incident, type="Traffic", photo=upload())
    aino.browser.send(step)
    before = aino.scene.count_events()

    again = aino.browser.send(incident, type="Traffic", photo=upload())
    aino.browser.send(step)

    assert again.path == f"/driver/deliveries/{view.delivery_id}"
    assert aino.scene.count_events() == before


def test_an_incident_needs_no_words(aino: Phone) -> None:
    view = aino.add_started()
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/incident")

    page = aino.browser.send(page.form("Report"), type="VehicleBreakdown", severity="high")

    assert "Reported" in page.text
    [incident] = incidents_of(aino, view.delivery_id)
    assert (incident.type, incident.severity, incident.description) == (
        "VehicleBreakdown",
        "high",
        "Vehicle breakdown.",
    )


def test_an_incident_needs_a_type(aino: Phone) -> None:
    view = aino.add_started()
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/incident")

    page = aino.browser.send(page.form("Report"))

    assert page.status == 422
    assert "Please choose one" in page.text
    assert incidents_of(aino, view.delivery_id) == []


def test_what_cannot_be_delivered_fails_with_a_reason_and_its_photo(aino: Phone) -> None:
    view = aino.add_started()
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/fail")
    assert "cancelled_by_dispatcher" not in page.html

    page = aino.browser.send(
        page.form("Mark as failed"), reason="no_access", note="The gate is shut", photo=upload()
    )

    assert page.path == "/driver"
    failed = aino.scene.delivery(view.delivery_id)
    assert (failed.status, failed.failure_reason, failed.failure_note) == (
        "Failed",
        "no_access",
        "The gate is shut",
    )
    [incident] = incidents_of(aino, view.delivery_id)
    assert incident.type == "AddressProblem"
    assert aino.browser.client.get(incident.photo_url or "").status_code == 200


def test_a_step_that_the_dispatcher_was_first_to_take_is_refused_plainly(aino: Phone) -> None:
    view = aino.add_delivery()
    form = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/fail").form("Mark as failed")
    aino.scene.move(view, DeliveryStatus.IN_TRANSIT)

    page = aino.browser.send(form, reason="other")

    assert page.status == 422
    assert "“In transit”, not “Picked up”" in page.text
    assert aino.scene.delivery(view.delivery_id).status == "InTransit"


@pytest.mark.parametrize("to_somebody", [True, False])
def test_a_delivery_given_away_meanwhile_is_said_to_be(aino: Phone, mikko: Phone, to_somebody: bool) -> None:
    view = aino.add_delivery()
    form = aino.browser.get(f"/driver/deliveries/{view.delivery_id}").form("Start")
    aino.give_away(view, mikko.driver_id if to_somebody else None)

    page = aino.browser.send(form)

    said = "given to somebody else" if to_somebody else "taken from your list"
    assert page.status == 404
    assert said in page.text
    assert "was not recorded" in page.text
    assert aino.scene.delivery(view.delivery_id).status == "PickedUp"


def test_anothers_delivery_does_not_exist(aino: Phone, mikko: Phone) -> None:
    view = mikko.add_started()
    base = f"/driver/deliveries/{view.delivery_id}"
    form = mikko.browser.get(base).form("Reached Stop 1")
    token = dict(aino.browser.get("/driver").form("Sign out").values)["csrf_token"]
    form.values = [("csrf_token", token) if pair[0] == "csrf_token" else pair for pair in form.values]

    pages = [aino.browser.get(path) for path in (base, f"{base}/proof", f"{base}/fail", f"{base}/incident")]
    pages += [aino.browser.send(form), aino.browser.get("/driver/deliveries/nonsense")]

    assert {page.status for page in pages} == {404}
    assert all("There is no such delivery on your list" in page.text for page in pages)
    assert aino.scene.delivery(view.delivery_id).reached_count == 0


def test_a_proof_without_a_signature_is_not_sent_on(aino: Phone) -> None:
    view = aino.add_started(reached=2)
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/proof")

    page = aino.browser.send(page.form("Delivered"), receiver_name="Kaisa Aalto")

    assert page.status == 422
    assert "Please have it signed" in page.text
    assert page.value("Delivered", "receiver_name") == "Kaisa Aalto", "what was typed is kept"
    assert aino.scene.delivery(view.delivery_id).status == "OutForDelivery"


def test_without_javascript_a_picture_of_the_signature_does(aino: Phone) -> None:
    view = aino.add_started(reached=2)
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/proof")

    page = aino.browser.send(page.form("Delivered"), receiver_name="Kaisa", signature_file=upload())

    assert page.path == "/driver"
    assert aino.scene.delivery(view.delivery_id).status == "Delivered"


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        (
            "photos",
            [upload(colour) for colour in ("red", "blue", "lime", "gold", "navy")],
            "At most 4 photos",
        ),
        ("photos", [(io.BytesIO(b"<svg onload=alert(1)>"), "photo.jpg")], "is not a PNG, JPEG or WebP"),
        ("signature_file", [(io.BytesIO(b"\x89PNG nonsense"), "s.png")], "is not a PNG, JPEG or WebP"),
    ],
)
def test_pictures_that_cannot_be_kept_are_refused_at_their_field(
    aino: Phone, field: str, given: list[tuple[io.BytesIO, str]], said: str
) -> None:
    view = aino.add_started(reached=2)
    form = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/proof").form("Delivered")
    more = {} if field == "signature_file" else {"signature": signature()}

    page = aino.browser.send(form, receiver_name="Kaisa", **more, **{field: given})

    assert page.status == 422
    assert said in page.text
    assert aino.scene.delivery(view.delivery_id).status == "OutForDelivery"


@pytest.mark.parametrize("status", ["Delivered", "Failed", "PickedUp", "nonsense", ""])
def test_the_button_takes_no_other_steps(aino: Phone, status: str) -> None:
    view = aino.add_delivery()
    form = aino.browser.get(f"/driver/deliveries/{view.delivery_id}").form("Start")

    page = aino.browser.send(form, status=status)

    assert page.status == 400
    assert aino.scene.delivery(view.delivery_id).status == "PickedUp"


def test_a_route_without_checkpoints_goes_to_the_door_by_its_own_step(aino: Phone) -> None:
    view = aino.add_started(stops=0)
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}")

    aino.browser.send(page.form("Out for delivery"))

    assert aino.scene.delivery(view.delivery_id).status == "OutForDelivery"


def test_pictures_are_for_the_driver_of_the_delivery_and_dispatchers(
    app: Flask, aino: Phone, mikko: Phone
) -> None:
    view = aino.add_started(reached=2)
    page = aino.browser.get(f"/driver/deliveries/{view.delivery_id}/proof")
    aino.browser.send(
        page.form("Delivered"), receiver_name="K", signature=signature(), photos=[upload("teal")]
    )
    delivered = aino.scene.delivery(view.delivery_id)
    assert delivered.proof is not None

    for url in (delivered.signature_url, delivered.proof["photoUrls"][0]):
        assert aino.browser.client.get(url).status_code == 200
        assert sign_in(app).client.get(url).status_code == 200
        assert mikko.browser.client.get(url).status_code == 404


def test_positions_are_asked_for_only_on_the_road(aino: Phone) -> None:
    view = aino.add_delivery()
    assert "data-position" not in aino.browser.get("/driver").html

    aino.scene.move(view, DeliveryStatus.IN_TRANSIT)

    page = aino.browser.get("/driver")
    assert f'data-url="/api/drivers/{aino.driver_id}/location"' in page.html
    assert "close it or lock the phone, and it stops" in page.text


def test_the_phones_pages_are_for_drivers(app: Flask, aino: Phone) -> None:
    view = aino.add_delivery()
    dispatcher = sign_in(app)

    for path in ("/driver", f"/driver/deliveries/{view.delivery_id}"):
        assert dispatcher.get(path).status == 403


def incidents_of(phone: Phone, delivery_id: str) -> list:  # type: ignore[type-arg]
    with phone.scene.waybill.sessions() as session:
        return list_incidents_of(session, delivery_id)
