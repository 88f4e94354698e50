"""Incidents over all deliveries, and resolving many at once."""

from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene


def chosen(*pairs: tuple[str, str]) -> list[str]:
    return [f"{delivery_id}/{incident_id}" for delivery_id, incident_id in pairs]


def test_nothing_open_is_good_news(fresh_dana: Browser) -> None:
    page = fresh_dana.get("/incidents")
    assert "No open incidents" in page.text
    assert not page.has_form("Resolve the chosen ones")


def test_open_ones_come_first_and_lead_to_their_delivery(dana: Browser, scene: Scene) -> None:
    delivery = scene.add_running_delivery()
    scene.add_incident(delivery, "A tram stands across")
    page = dana.get("/incidents?q=tram")
    assert "A tram stands across" in page.text
    assert page.link("Depot → Harbour") == f"/deliveries/{delivery.delivery_id}#incidents"


def test_filters_by_state_type_severity_and_word(dana: Browser, scene: Scene) -> None:
    scene.add_incident(scene.add_running_delivery(), "Filtered flood")
    assert "Filtered flood" in dana.get("/incidents?q=flood&type=Traffic&severity=medium").text
    for query in ("q=flood&type=Accident", "q=flood&severity=low", "q=flood&state=resolved", "q=drought"):
        assert "Filtered flood" not in dana.get(f"/incidents?{query}").text, query


def test_many_are_resolved_at_once_and_the_filters_stay(dana: Browser, scene: Scene) -> None:
    deliveries = [scene.add_running_delivery() for _ in range(3)]
    pairs = [(one.delivery_id, scene.add_incident(one, "Bulky")) for one in deliveries]
    page = dana.get("/incidents?q=bulky")
    assert page.text.count("Bulky") >= 3
    page = dana.send(page.form("Resolve the chosen ones"), incident=chosen(*pairs[:2]))
    assert "2 incidents resolved." in page.text
    assert [scene.open_incidents(one) for one in deliveries] == [0, 0, 1]
    assert page.response.request.query_string == b"q=bulky"


def test_each_has_its_own_result(dana: Browser, scene: Scene) -> None:
    first, second = scene.add_running_delivery(), scene.add_running_delivery()
    pairs = [(first.delivery_id, scene.add_incident(first)), (second.delivery_id, scene.add_incident(second))]
    form = dana.get("/incidents").form("Resolve the chosen ones")
    again = dana.get("/incidents").form("Resolve the chosen ones")
    dana.send(form, incident=chosen(pairs[0]))
    page = dana.send(again, incident=[*chosen(*pairs), "neither/nor"])
    assert "1 incident resolved." in page.text
    assert "Traffic, Depot → Harbour: The incident is resolved already." in page.text
    assert "One of the chosen incidents doesn't exist." in page.text
    assert scene.open_incidents(second) == 0


def test_sent_twice_every_incident_is_resolved_once(dana: Browser, scene: Scene) -> None:
    delivery = scene.add_running_delivery()
    pair = (delivery.delivery_id, scene.add_incident(delivery))
    form = dana.get("/incidents").form("Resolve the chosen ones")
    dana.send(form, incident=chosen(pair))
    before = scene.count_events()
    page = dana.send(form, incident=chosen(pair))
    assert "1 incident resolved." in page.text
    assert scene.count_events() == before


def test_nothing_chosen_says_what_to_do(dana: Browser, scene: Scene) -> None:
    scene.add_incident(scene.add_running_delivery())
    page = dana.send(dana.get("/incidents").form("Resolve the chosen ones"))
    assert "Choose the incidents to resolve first." in page.text


def test_the_filters_of_the_address_can_not_bend_the_redirect(dana: Browser, scene: Scene) -> None:
    scene.add_incident(scene.add_running_delivery())
    form = dana.get("/incidents").form("Resolve the chosen ones")
    form.action = "/incidents/resolve?_external=1&_scheme=https&_anchor=x&q=kept"
    answer = dana.send(form, follow=False)
    assert answer.response.headers["Location"] == "/incidents?q=kept"
