"""The board as a page: what it lists, in which order, and how it is filtered. One believable day for all tests."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from tests.webapp.board.rows import data_of, rows_of
from tests.webapp.noon import scene_of_now, sign_in, start_app, stop_app
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One app for all: no test here changes anything."""
    running = start_app(tmp_path_factory.mktemp("board"))
    yield running
    stop_app(running)


@pytest.fixture(scope="module")
def dana(app: Flask) -> Browser:
    return sign_in(app)


@pytest.fixture(scope="module")
def scene(app: Flask) -> Scene:
    return scene_of_now(app)


def ids(*views: DeliveryView) -> list[str]:
    return [view.delivery_id for view in views]


@pytest.fixture(scope="module")
def day(scene: Scene) -> dict[str, DeliveryView]:
    """A believable day: one of each kind, by name."""
    soon, later = scene.add_route(10), scene.add_route(90, destination="Airport")
    zoe, adam, mona = (
        scene.add_driver("Zoe Zeder"),
        scene.add_driver("Adam Aho"),
        scene.add_driver("Mona Mäki"),
    )
    van, truck, bike = scene.add_vehicle("VAN-1"), scene.add_vehicle("TRUCK-2"), scene.add_vehicle("BIKE-3")
    views = {
        "nobody": scene.add_delivery(soon),
        "zoe": scene.add_delivery(soon, zoe, van),
        "adam later": scene.add_delivery(later, adam, truck),
        "adam": scene.add_delivery(soon, adam, truck),
        "failed": scene.add_delivery(soon, mona, bike),
    }
    scene.move(views["zoe"], DeliveryStatus.IN_TRANSIT)
    scene.add_incident(views["zoe"])
    scene.move(views["failed"], DeliveryStatus.FAILED, reason="no_access")
    views["late"] = scene.add_delivery(scene.add_route(-60), mona, bike)
    return {name: scene.delivery(view.delivery_id) for name, view in views.items()}


def test_unassigned_come_first_then_drivers_by_name_and_start_and_finished_last(
    dana: Browser, day: dict[str, DeliveryView]
) -> None:
    page = dana.get("/board")

    order = ("nobody", "adam", "adam later", "late", "zoe", "failed")
    assert list(rows_of(page.html)) == ids(*(day[name] for name in order))


def test_a_row_says_what_a_dispatcher_needs(dana: Browser, day: dict[str, DeliveryView]) -> None:
    row = rows_of(dana.get("/board").html)[day["zoe"].delivery_id]

    for said in ("Zoe Zeder", "VAN-1", "In transit", "0/2", "Stop 1", "open incident", "Harbour"):
        assert said in row


def test_other_days_and_the_past_are_looked_at_through_the_same_filters(
    dana: Browser, day: dict[str, DeliveryView]
) -> None:
    opened = day["zoe"].delivery_id
    page = dana.get(f"/board?status=InTransit&filter=incidents&q=zoe&delivery={opened}")
    links = {
        name: address
        for address, name in re.findall(r'href="([^"]+)"[^>]*aria-label="(The day [a-z]+)"', page.html)
    }
    kept = "status=InTransit&amp;filter=incidents&amp;q=zoe"

    assert [links[name].endswith(kept) for name in ("The day before", "The day after")] == [True, True]
    assert f'{kept}&amp;delivery={opened}">' in page.html
    for name, value in (("status", "InTransit"), ("filter", "incidents"), ("q", "zoe")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in page.html

    past = dana.get(f"/board?at=2026-01-01T12:00&filter=late&q=dep&delivery={opened}")
    assert f'href="/board?filter=late&amp;q=dep&amp;delivery={opened}"' in past.html


def test_counters_count_the_whole_day_and_lead_to_their_filter(
    dana: Browser, day: dict[str, DeliveryView]
) -> None:
    page = dana.get("/board?q=zoe")

    expected = {
        "6 All": 1, "1 Unassigned": 0, "4 Picked up": 0, "1 In transit": 1, "0 Out for delivery": 0, "1 Late": 0,
        "1 Open incidents": 1, "0 Delivered today": 0, "1 Failed today": 0,
    }  # fmt: skip
    found = {label: len(rows_of(dana.get(page.link(label)).html)) for label in expected}
    assert found == expected, "the words that are searched for stay"


def test_a_filter_that_is_on_leads_back_to_the_board_without_it(
    dana: Browser, day: dict[str, DeliveryView]
) -> None:
    late = dana.get("/board?filter=late&status=PickedUp")

    assert list(rows_of(late.html)) == ids(day["late"])
    assert late.link("1 Late") == "/board?status=PickedUp"


@pytest.mark.parametrize(
    "query",
    [
        "", "q=ZOE", "q=mäki", "q=maki", "q=harbour+aho", "q=truck-2", "q=%20", "q=%3Cscript%3E", "status=PickedUp",
        "status=Failed", "status=nonsense", "filter=unassigned", "filter=late", "filter=incidents", "filter=nonsense",
        "status=InTransit&filter=incidents&q=van", "status=Failed&filter=unassigned",
    ],
)  # fmt: skip
def test_the_attributes_of_a_row_decide_as_the_server_does(
    dana: Browser, day: dict[str, DeliveryView], query: str
) -> None:
    """What the browser does with a row that is pushed: every facet and every word must be there."""
    everything, page = dana.get("/board"), dana.get(f"/board?{query}")
    board = next(given for tag, given in page.tags if given.get("id") == "board-list")
    facets, words = board["data-facets"].split(), board["data-words"].split()

    by_attributes = [
        delivery_id
        for delivery_id, data in ((key, data_of(row)) for key, row in rows_of(everything.html).items())
        if all(facet in data["facets"].split() for facet in facets)
        and all(word in data["search"] for word in words)
    ]

    assert list(rows_of(page.html)) == by_attributes


def test_rows_are_in_the_order_of_their_sort_attribute(dana: Browser, day: dict[str, DeliveryView]) -> None:
    order = [data_of(row)["sort"] for row in rows_of(dana.get("/board").html).values()]

    assert order == sorted(order)


def test_the_page_fetches_the_list_alone_but_history_the_whole_page(
    dana: Browser, day: dict[str, DeliveryView]
) -> None:
    part = dana.get("/board?filter=late&q=%20mona%20", htmx=True)
    whole = dana.get("/board?filter=late", htmx=True, HX_History_Restore_Request="true")

    assert "<html" not in part.html
    assert list(rows_of(part.html)) == ids(day["late"])
    assert "HX-Request" in part.response.headers["Vary"]
    assert "<html" in whole.html


@pytest.mark.parametrize("date", ["nonsense", "0001-01-01", "9999-12-31", "2026-02-30", ""])
def test_a_day_that_makes_no_sense_is_today(dana: Browser, date: str) -> None:
    page = dana.get(f"/board?date={date}")

    assert page.status == 200
    assert "Today" in page.text


def test_the_drawer_shows_a_delivery_and_can_be_part_of_the_address(
    dana: Browser, day: dict[str, DeliveryView]
) -> None:
    delivery_id = day["zoe"].delivery_id
    drawer = dana.get(f"/board/deliveries/{delivery_id}/drawer", htmx=True)
    alone = dana.get(f"/board/deliveries/{delivery_id}/drawer")
    page = dana.get(f"/board?delivery={delivery_id}")

    for said in ("Zoe Zeder", "Stop 2", "Standing in a jam", "Open the delivery"):
        assert said in drawer.text
    assert "<html" not in drawer.html
    assert f'data-glance="{delivery_id}"' in page.html
    assert alone.html.count("data-glance") == 1
    assert "<html" in alone.html
    assert dana.get("/board/deliveries/nonsense/drawer").status == 404
    assert "data-glance" not in dana.get("/board?delivery=nonsense").html


def test_without_javascript_a_row_leads_to_the_delivery(dana: Browser, day: dict[str, DeliveryView]) -> None:
    page = dana.get("/board?q=zoe")

    assert dana.get(page.link("Harbour")).path == f"/deliveries/{day['zoe'].delivery_id}"
