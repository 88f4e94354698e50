"""The board at a past instant: the same rows as the live board had then, and nothing that could be taken for live."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backend_services.deliveries import commands as deliveries
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from backend_services.settings import load_settings
from eventstore.doors import Doors
from eventstore.execute import Context
from tests.journey.city import zone_where_it_is_noon
from tests.webapp.board.rows import data_of, rows_of
from tests.webapp.noon import PASSWORD, add_driver_account
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene
from webapp import create_app
from webapp.accounts.models import create_account
from webapp.wiring import build

_cell = re.compile(r'<td class="(c-[a-z]+)[^"]*"[^>]*>(.*?)</td>', re.DOTALL)
SAME_CELLS = ("c-delivery", "c-status", "c-progress", "c-next", "c-time", "c-late")
SAME_DATA = ("id", "sort", "facets", "search", "state")


@dataclass
class Clock:
    """The time of the program, which stands still until it is set."""

    now: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(minute=5, second=0, microsecond=0)
    )

    def pass_by(self, minutes: float) -> datetime:
        self.now += timedelta(minutes=minutes)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Iterator[Flask]:
    """An app whose clock the test holds, where it is noon."""
    environ = {
        "WAYBILL_DATA_DIR": str(tmp_path),
        "WAYBILL_RATE_LIMIT": "off",
        "WAYBILL_TIME_ZONE": zone_where_it_is_noon(),
    }
    settings = load_settings(environ)
    running = create_app(settings, build(settings, Doors(now=lambda: clock.now)))
    running.extensions["waybill"].start()
    with running.app_context():
        create_account("dispatcher", PASSWORD, "dispatcher", "Dana Dispatcher")
    yield running
    running.extensions["waybill"].stop()


@pytest.fixture
def scene(app: Flask, clock: Clock) -> Scene:
    scene = Scene(app)
    scene.noon = clock.now
    return scene


@pytest.fixture
def dana(app: Flask) -> Browser:
    browser = Browser(app)
    browser.sign_in("dispatcher", PASSWORD)
    return browser


def past(dana: Browser, at: datetime, **query: str) -> Any:
    return dana.get(
        f"/board?at={at.isoformat().replace('+00:00', 'Z')}{''.join(f'&{k}={v}' for k, v in query.items())}"
    )


def shown(page: str) -> dict[str, dict[str, str]]:
    """What each row says, without links, actions and positions, by delivery id and in the order of the page."""
    found = {}
    for delivery_id, row in rows_of(page).items():
        data = data_of(row)
        texts = {name: " ".join(re.sub(r"<[^>]+>", " ", html).split()) for name, html in _cell.findall(row)}
        found[delivery_id] = {name: data[name] for name in SAME_DATA} | {
            name: texts[name] for name in SAME_CELLS
        }
    return found


def counters(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-counter="(\w+)">(\d+)<', page))


def a_day(scene: Scene, clock: Clock) -> Iterator[datetime]:
    """A day's commands, one after the other; yields the instant after each."""
    ana, ben = scene.add_driver("Ana Aho"), scene.add_driver("Ben Berg")
    van, bike = scene.add_vehicle("VAN-1"), scene.add_vehicle("BIKE-2")
    first = scene.add_delivery(scene.add_route(10, stops=2), ana, van)
    yield clock.now
    clock.pass_by(3)
    loose = scene.add_delivery(scene.add_route(20, destination="Airport"))
    yield clock.now
    clock.pass_by(9)
    scene.move(first, DeliveryStatus.IN_TRANSIT)
    yield clock.now
    clock.pass_by(31)  # late by now
    yield clock.now
    clock.pass_by(0.5)
    scene.add_incident(first)
    yield clock.now
    clock.pass_by(1)
    assign(scene, loose, ben.driver_id)
    yield clock.now
    clock.pass_by(1.25)
    reach(scene, first, 1)
    yield clock.now
    clock.pass_by(4)
    scene.move(scene.delivery(loose.delivery_id), DeliveryStatus.FAILED, reason="no_access")
    yield clock.now
    clock.pass_by(2)
    second = scene.add_delivery(scene.add_route(60), ben, bike)
    scene.move(second, DeliveryStatus.IN_TRANSIT)
    yield clock.now


def assign(scene: Scene, known: DeliveryView, driver_id: str) -> None:
    command = deliveries.AssignDriver(delivery_id=known.delivery_id, driver_id=driver_id)
    scene.do(scene.waybill.deliveries.assign_driver, command)


def reach(scene: Scene, known: DeliveryView, number: int, claimed: datetime | None = None) -> None:
    command = deliveries.ReachCheckpoint(
        delivery_id=known.delivery_id, route_id=known.route_id, sequence=number, location=f"Stop {number}"
    )
    outcome = scene.waybill.deliveries.reach_checkpoint(
        command, Context("system:scene", "c", occurred_at=claimed)
    )
    assert scene.waybill.wait_for(outcome)


def test_the_board_at_each_instant_is_the_board_that_was_live_then(
    dana: Browser, scene: Scene, clock: Clock
) -> None:
    filters = (
        "",
        "status=InTransit",
        "filter=late",
        "filter=unassigned",
        "q=airport",
        "q=ben",
        "filter=incidents",
    )
    remembered = {}
    for at in a_day(scene, clock):
        for query in filters:
            live = dana.get(f"/board?{query}")
            remembered[at, query] = (shown(live.html), counters(live.html))

    assert len({tuple(rows) for rows, _ in remembered.values()}) > 5
    for (at, query), (rows, counts) in remembered.items():
        page = past(dana, at, **dict([query.split("=")] if query else []))
        assert shown(page.html) == rows, (at, query)
        assert list(shown(page.html)) == list(rows)
        assert counters(page.html) == counts


def test_it_cannot_be_mistaken_for_the_live_board(dana: Browser, scene: Scene, clock: Clock) -> None:
    for _ in a_day(scene, clock):
        pass
    page = past(dana, clock.now)

    assert 'data-state="history"' in page.html
    assert "history 12:" in page.text
    assert page.link("Back to live") == "/board"
    scripts = [
        given["src"] for tag, given in page.tags if tag == "script" and "board" in given.get("src", "")
    ]
    assert ["history-board" in source for source in scripts] == [True], (
        "nothing that listens to the live board"
    )
    assert "Assign" not in page.text
    assert not [form for form in page.forms if form.method == "post" and "sign-out" not in form.action]
    assert "data-fix-at" not in page.html


def test_rows_lead_to_the_same_instant_and_the_drawer_shows_the_state_of_then(
    dana: Browser, scene: Scene, clock: Clock
) -> None:
    instants = list(a_day(scene, clock))
    page = past(dana, instants[3])

    drawer = dana.get(page.link("Harbour"))

    assert 'data-state="history"' in drawer.html
    assert "In transit" in drawer.text
    assert "What was known by" in drawer.text
    assert "Picked up → In transit" in drawer.text
    assert "Incident" not in drawer.text.split("What was known by")[1], "that came later"
    assert "Open it as it is now" in drawer.text


def test_what_was_sent_late_is_marked_where_it_was_missing(dana: Browser, scene: Scene, clock: Clock) -> None:
    first = scene.add_delivery(scene.add_route(5), scene.add_driver("Ana Aho"), scene.add_vehicle())
    scene.move(first, DeliveryStatus.IN_TRANSIT)
    happened, asked = clock.pass_by(10), clock.pass_by(5)
    clock.pass_by(20)
    reach(scene, first, 1, claimed=happened)

    then = past(dana, asked, delivery=first.delivery_id)
    later = past(dana, clock.now, delivery=first.delivery_id)

    assert "0/2" in rows_of(then.html)[first.delivery_id]
    assert "1 not sent yet" in " ".join(
        re.sub(r"<[^>]+>", " ", rows_of(then.html)[first.delivery_id]).split()
    )
    assert "1 thing had happened by then, but reached Waybill later" in then.text
    assert "Not known yet at" in then.text
    assert "1/2" in rows_of(later.html)[first.delivery_id]
    assert "sent 25 min late" in later.text


def test_the_forms_work_without_javascript_and_keep_the_filters(
    dana: Browser, scene: Scene, clock: Clock
) -> None:
    for _ in a_day(scene, clock):
        pass
    page = past(dana, clock.now, status="Failed")
    slider = next(form for form in page.forms if form.id == "history-slider")
    minute = dict(slider.values)["minute"]

    sent = [dana.send(slider, minute=str(int(minute) - 1)), dana.send(page.form("Go"), time="00:00:30")]
    moved, typed = (dana.get(answer.response.location) for answer in sent)

    assert 'aria-current="true"><b data-counter="Failed"' in moved.html
    assert "Before the first record" in typed.text
    back = dana.get(typed.link("Go to the first record"))
    assert back.status == 200


def test_the_slider_reaches_back_to_before_the_days_first_change(
    dana: Browser, scene: Scene, clock: Clock
) -> None:
    clock.now = clock.now.replace(minute=0, second=20)
    created = clock.now
    delivery = scene.add_delivery(scene.add_route())
    form = next(form for form in past(dana, created).forms if form.id == "history-slider")
    first = re.search(r'id="minute"[^>]* min="(\d+)"', past(dana, created).html)
    assert first is not None

    leftmost = dana.get(dana.send(form, minute=first[1]).response.location)

    assert delivery.delivery_id in rows_of(past(dana, created).html)
    assert delivery.delivery_id not in rows_of(leftmost.html)
    assert int(dict(form.values)["minute"]) > int(first[1])


def test_every_change_is_a_bar_on_the_slider_even_that_of_this_minute(
    dana: Browser, scene: Scene, clock: Clock
) -> None:
    for at in a_day(scene, clock):
        html = past(dana, at).html
        bars = re.findall(r'<rect class="(?:change|trouble)" x="([\d.]+)%" width="([\d.]+)%"', html)
        slider = re.search(r'min="(\d+)" max="(\d+)" step="1" value="(\d+)"', html)

        assert slider is not None
        assert slider[3] == slider[2], "the change came in the last minute"
        assert bars
        assert all(float(place) + float(width) <= 100 for place, width in bars)


def test_previous_and_next_change_walk_through_the_day(dana: Browser, scene: Scene, clock: Clock) -> None:
    instants = list(a_day(scene, clock))
    page = past(dana, instants[-1])
    seen = [rows_of(page.html).keys()]
    while "Previous change" in dict(page.links):
        page = dana.get(page.link("Previous change"))
        seen.append(rows_of(page.html).keys())

    assert len(seen) >= len(instants) - 1
    assert len(seen[0]) == 3
    assert len(seen[-1]) == 1


@pytest.mark.parametrize(
    "at", ["", "nonsense", "2026-13-01T00:00Z", "2026-11-21", "0001-01-01T00:00Z", "9" * 99]
)
def test_an_instant_that_makes_no_sense_is_refused_in_a_sentence(dana: Browser, at: str) -> None:
    for path in (f"/board?at={at}", f"/board/history/step?at={at}"):
        page = dana.get(path)
        assert page.status == 400
        assert "must be an instant like" in page.text
        assert page.link("Open today's board") == "/board"


def test_instants_are_taken_as_people_write_them(dana: Browser, clock: Clock) -> None:
    iso = clock.now.isoformat()
    for text in (iso, iso.replace("+", "%2B"), iso.replace("+00:00", "Z")):
        assert dana.get(f"/board?at={text}").status == 200


def test_the_future_and_what_was_before_everything_are_said(
    dana: Browser, scene: Scene, clock: Clock
) -> None:
    nothing = past(dana, clock.now)
    assert "Waybill has recorded nothing so far" in nothing.text
    scene.add_delivery()

    future = past(dana, clock.now + timedelta(minutes=30))
    before = past(dana, clock.now - timedelta(days=40))

    assert "still to come" in future.text
    assert rows_of(future.html) == {}
    assert "before Waybill’s first record" in before.text


def test_a_step_brings_what_the_page_lacks(dana: Browser, scene: Scene, clock: Clock) -> None:
    instants = [at.isoformat().replace("+00:00", "Z") for at in a_day(scene, clock)]
    for earlier, later in pairwise(instants):
        before, after = (rows_of(dana.get(f"/board?at={at}").html) for at in (earlier, later))
        step = dana.client.get(f"/board/history/step?from={earlier}&at={later}").get_json()
        shown_then = before | step["rows"]
        assert step["order"] == list(after)
        for delivery_id in step["order"]:
            assert data_of(shown_then[delivery_id]) == data_of(after[delivery_id])


def test_history_is_for_dispatchers(app: Flask, scene: Scene) -> None:
    add_driver_account(app, scene, "Dora Driver")
    dora = Browser(app)
    dora.sign_in("dora", PASSWORD)

    for path in ("/board?at=2026-11-21T12:00Z", "/board/history/step?at=2026-11-21T12:00Z", "/board/history"):
        assert dora.get(path).status == 403
