"""The timeline: lanes, bars, ticks and lateness; as a picture, as a table and as what is pushed."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from flask import Flask

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.fleet import commands as fleet
from backend_services.fleet.commands import DriverStatus
from tests.journey.city import zone_where_it_is_noon
from tests.webapp.board.rows import seq_of
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene

_bar = re.compile(r'<svg class="((?:is-out )?bar [^"]*)" id="b-([^"]+)" (.*?)</a></svg>', re.DOTALL)


def bars_of(html: str) -> dict[str, tuple[str, str]]:
    """The class and the rest of each bar by delivery id."""
    return {found.group(2): (found.group(1), found.group(3)) for found in _bar.finditer(html)}


def number(text: str, name: str) -> float:
    found = re.search(rf'\b{name}="([\d.]+)', text)
    assert found is not None
    return float(found.group(1))


def part_of_day(minutes: float) -> float:
    return 100 * minutes / (24 * 60)


def test_a_booking_is_as_long_as_it_takes(dana: Browser, scene: Scene) -> None:
    known = scene.add_delivery(scene.add_route(30), scene.add_driver(), scene.add_vehicle())

    kind, bar = bars_of(dana.get("/board?panes=timeline").html)[known.delivery_id]

    assert number(bar, "width") == pytest.approx(part_of_day(40), abs=0.01)
    assert "blue" in kind
    assert bar.count('class="expected"') == 2


def test_a_short_run_shows_how_long_driver_and_vehicle_stay_booked(dana: Browser, scene: Scene) -> None:
    driver, zone = scene.add_driver(), ZoneInfo(zone_where_it_is_noon())
    short = scene.add_delivery(scene.add_route(30, stops=1), driver)
    nobodys = scene.add_delivery(scene.add_route(30, stops=1))
    page = dana.get("/board?panes=timeline").html
    bars = {key: bar for key, (_, bar) in bars_of(page).items()}

    assert 'class="held" x="100%" width="50.0%"' in bars[short.delivery_id]
    begins, ends = (f"{scene.at(minutes).astimezone(zone):%H:%M}" for minutes in (30, 60))
    assert f"booked until {ends}" in bars[short.delivery_id]
    assert "held" not in bars[nobodys.delivery_id]
    assert f"{begins} – {ends}" in dana.get(f"/fleet/drivers/{driver.driver_id}").text
    assert f"booked until {ends}" in dana.get("/board?panes=timeline&table=yes").text


def test_what_runs_late_is_red_with_icon_and_word_and_reaches_to_when_it_will_end(
    dana: Browser, scene: Scene
) -> None:
    known = scene.add_delivery(scene.add_route(-60), scene.add_driver(), scene.add_vehicle())

    kind, bar = bars_of(dana.get("/board?panes=timeline").html)[known.delivery_id]

    assert "late" in kind
    assert "#clock" in bar
    assert "40 min late" in bar
    assert number(bar, "width") == pytest.approx(part_of_day(80), abs=0.1)


def test_reached_checkpoints_are_marked_where_they_were_reached(dana: Browser, scene: Scene) -> None:
    known = scene.add_running_delivery(reached=1)

    _, bar = bars_of(dana.get("/board?panes=timeline").html)[known.delivery_id]

    assert bar.count('class="expected"') == 2
    assert bar.count('class="reached') == 1


def test_each_driver_has_a_lane_and_nobody_has_the_first(dana: Browser, scene: Scene) -> None:
    zoe, adam = scene.add_driver("Zoe Zeder"), scene.add_driver("Adam Aho")
    scene.add_delivery()
    html = dana.get("/board?panes=timeline").html

    lanes = re.findall(r'data-lane-of="([^"]+)"', html)
    assert lanes == ["unassigned", adam.driver_id, zoe.driver_id]


def test_a_driver_who_is_off_says_so(dana: Browser, scene: Scene) -> None:
    off = scene.add_driver("Sick Sanna")
    command = fleet.ChangeDriverStatus(driver_id=off.driver_id, status=DriverStatus.UNAVAILABLE, reason="flu")
    scene.run(scene.waybill.fleet.change_driver_status, command)

    assert "Unavailable" in dana.get("/board?panes=timeline").text
    assert "Unavailable flu" in dana.get("/board?panes=timeline&table=yes").text


def test_bookings_of_one_lane_that_overlap_lie_below_each_other(dana: Browser, scene: Scene) -> None:
    first, second = scene.add_delivery(scene.add_route(10)), scene.add_delivery(scene.add_route(20))
    third = scene.add_delivery(scene.add_route(120))

    bars = bars_of(dana.get("/board?panes=timeline").html)

    assert [number(bars[one.delivery_id][1], "y") for one in (first, second, third)] == [3, 33, 3]


def test_the_lists_filters_hold_here_too(dana: Browser, scene: Scene) -> None:
    wanted = scene.add_delivery(scene.add_route(10, destination="Airport"))
    other = scene.add_delivery(scene.add_route(10))

    bars = bars_of(dana.get("/board?panes=timeline&q=airport").html)

    assert "is-out" not in bars[wanted.delivery_id][0]
    assert "is-out" in bars[other.delivery_id][0]


def test_it_can_be_read_as_a_table(dana: Browser, scene: Scene) -> None:
    known = scene.add_delivery(scene.add_route(-60), scene.add_driver("Late Lena"), scene.add_vehicle())
    scene.add_driver("Free Frida")
    page = dana.get("/board?panes=timeline&table=yes")

    for said in ("Late Lena", "40 min late", "Stop 1", "not yet", "Free Frida"):
        assert said in page.text
    assert page.text.count("free all day") == 1
    assert dana.get(page.link("Harbour")).path == f"/deliveries/{known.delivery_id}"


def test_what_began_yesterday_and_isnt_over_begins_with_the_day(dana: Browser, scene: Scene) -> None:
    known = scene.add_delivery(scene.add_route(-24 * 60))

    _, bar = bars_of(dana.get("/board?panes=timeline").html)[known.delivery_id]

    assert number(bar, "x") == 0


def test_another_day_has_no_line_for_now(dana: Browser, scene: Scene) -> None:
    tomorrow = (scene.noon + timedelta(days=1)).date().isoformat()

    assert "data-now-line" in dana.get("/board?panes=timeline").html
    assert "data-now-line" not in dana.get(f"/board?panes=timeline&date={tomorrow}").html


def test_the_pane_alone_is_for_the_page_that_has_it(dana: Browser, scene: Scene) -> None:
    scene.add_delivery()

    assert "<html" not in dana.get("/board/timeline", htmx=True).html
    whole = dana.get("/board/timeline?filter=late")
    assert "<html" in whole.html
    assert "data-timeline" in whole.html


def test_a_changed_row_brings_its_bar(dana: Browser, scene: Scene) -> None:
    known = scene.add_running_delivery()
    seen = seq_of(dana.get("/board").html)
    scene.move(known, DeliveryStatus.FAILED, reason="no_access")

    frame = msgspec.json.decode(dana.get(f"/board/rows?after={seen}").response.get_data())

    html = next(row["html"] for row in frame["rows"] if row["id"] == known.delivery_id)
    assert "failed" in bars_of(html)[known.delivery_id][0]


def test_a_rename_shows_although_rows_are_kept(dana: Browser, scene: Scene, app: Flask) -> None:
    driver = scene.add_driver("Old Olga")
    scene.add_delivery(scene.add_route(10), driver, scene.add_vehicle())
    assert "Old Olga" in dana.get("/board?panes=list,timeline").text
    command = fleet.UpdateDriver(driver_id=driver.driver_id, name="New Nora", driver_license="L-new")
    scene.run(scene.waybill.fleet.update_driver, command)

    text = dana.get("/board?panes=list,timeline").text

    assert "New Nora" in text
    assert "Old Olga" not in text


def test_lateness_grows_although_rows_are_kept(scene: Scene, app: Flask) -> None:
    from webapp.live.rows import render_row

    view, now = scene.add_delivery(scene.add_route(-60)), datetime.now(UTC)
    with app.test_request_context("/board"):
        assert "40 min" in render_row(view, now)
        assert "50 min" in render_row(view, now + timedelta(minutes=10))
