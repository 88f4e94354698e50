"""Every page there is, with something on it, and the refusals that a page can answer with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
from playwright.sync_api import Page, expect

from tests.journey.city import (
    add_delivery,
    add_driver,
    add_route,
    add_vehicle,
    iso,
    move,
    ok,
    prove,
    reach,
    soon,
)

Places = dict[str, str]

# What is sent empty on a place, though the browser would have asked for more.
REFUSING_FORMS = {
    "new delivery": "main form",
    "new driver": "main form",
    "new vehicle": "main form",
    "new route": "main form",
    "changed checkpoint": "#edit-form",
    "planned route": "#add-form",
    "duplicate": "main form",
    "people": "main form:has([name=username])",
    "import drivers": "main form",
    "driver": "form[action$=sign-in]",
    "vehicle": "form[action$=status]",
    "waiting": "form[action$=fail]",
    "in transit": "form[action$=incidents]",
    "out for delivery": "form[action$=proof]",
}
UNFOLD = "all => { for (const details of all) details.open = true; }"
SEND_EMPTY = """form => {
  form.noValidate = true;
  for (const field of form.elements) if (field.matches(":not([type=hidden], [type=radio], button)")) field.value = "";
  form.requestSubmit();
}"""


def add_places(http: httpx.Client) -> Places:
    """A small day; the addresses of its pages by name."""
    driver_id, vehicle_id, route_id = add_driver(http), add_vehicle(http), add_route(http)
    done = add_delivery(http, route_id, driver_id, vehicle_id)
    ok(move(http, done, "InTransit"))
    ok(http.post(f"/api/deliveries/{done}/incidents", json={"type": "Delay", "description": "Long queue"}))
    for number in (1, 2):
        ok(reach(http, done, route_id, number))
    ok(prove(http, done))
    waiting = add_delivery(http, add_route(http), driver_id)
    failed = add_delivery(http, add_route(http))
    ok(move(http, failed, "Failed", reason="no_access"))
    planning = add_route(http, active=False)
    somewhere = {"location": "Kiosk", "latitude": 60.1712, "longitude": 24.9415}
    expected = {"sequence": 3, "expectedTime": iso(soon(60))}
    ok(http.post(f"/api/routes/{planning}/checkpoints", json={**expected, **somewhere}))
    moving, door = _add_on_the_road(http, add_driver(http, "Mikko Rinne"))
    now = datetime.now(UTC)
    return {
        "board": "/board?panes=list,map,timeline",
        "board, map first": f"/board?panes=map,timeline,list&selected={waiting}",
        "board, timeline first": f"/board?panes=timeline,map&delivery={waiting}",
        "board, timeline as a table": "/board?panes=timeline&table=yes",
        "board of yesterday": f"/board?panes=list&date={(now - timedelta(days=1)).date()}",
        "map": "/board?panes=map",
        "history": f"/board?at={iso(now)}&delivery={done}",
        "history before all": f"/board?at={iso(now - timedelta(days=400))}",
        "deliveries": "/deliveries",
        "new delivery": f"/deliveries/new?route={route_id}",
        "new delivery, all busy on another day": f"/deliveries/new?route={_add_busy_day(http)}",
        "delivered": f"/deliveries/{done}",
        "waiting": f"/deliveries/{waiting}",
        "failed": f"/deliveries/{failed}",
        "routes": "/routes",
        "new route": "/routes/new",
        "active route": f"/routes/{route_id}",
        "planned route": f"/routes/{planning}",
        "changed checkpoint": f"/routes/{planning}?edit=3",
        "duplicate": f"/routes/{planning}/duplicate",
        "drivers": "/fleet",
        "vehicles": "/fleet?show=vehicles",
        "driver": f"/fleet/drivers/{driver_id}",
        "vehicle": f"/fleet/vehicles/{vehicle_id}",
        "new driver": "/fleet/drivers/new",
        "new vehicle": "/fleet/vehicles/new",
        "incidents": "/incidents",
        "import drivers": "/import/drivers",
        "import vehicles": "/import/vehicles",
        "import routes": "/import/routes",
        "people": "/people",
        "system": "/admin/system",
        "nothing": "/there/is/nothing",
        "reference": "/api/docs",
        "in transit": f"/deliveries/{moving}",
        "out for delivery": f"/deliveries/{door}",
    }


def _add_busy_day(http: httpx.Client) -> str:
    """A route in four days, and a driver with a vehicle who are taken at that time."""
    later = soon(4 * 24 * 60)
    add_delivery(http, add_route(http, later), add_driver(http, "Taken Tarja"), add_vehicle(http))
    return add_route(http, later)


def _add_on_the_road(http: httpx.Client, driver_id: str) -> tuple[str, str]:
    """A delivery in transit, its first checkpoint reached, and one out for delivery."""
    deliveries = []
    for reached in (1, 2):
        route_id = add_route(http, soon(120 * reached))
        deliveries.append(add_delivery(http, route_id, driver_id, add_vehicle(http)))
        ok(move(http, deliveries[-1], "InTransit"))
        for number in range(1, reached + 1):
            ok(reach(http, deliveries[-1], route_id, number))
    return deliveries[0], deliveries[1]


def add_phone_places(http: httpx.Client, driver_id: str) -> Places:
    """The pages of a driver with a delivery that waits, one on the road and one at the door."""
    waiting = add_delivery(http, add_route(http, soon(300)), driver_id, add_vehicle(http))
    moving, door = _add_on_the_road(http, driver_id)
    return {
        "today": "/driver",
        "waiting": f"/driver/deliveries/{waiting}",
        "in transit": f"/driver/deliveries/{moving}",
        "out for delivery": f"/driver/deliveries/{door}",
        "proof": f"/driver/deliveries/{door}/proof",
        "can't deliver": f"/driver/deliveries/{door}/fail",
        "incident": f"/driver/deliveries/{moving}/incident",
    }


def show(page: Page, address: str) -> None:
    """Go there and wait until all of it is drawn."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    # A phone shows one pane, so the board's map may be out of sight.
    for drawn in page.locator("[data-pane=map]:visible [data-map], [data-map]:not([data-pane=map] *)").all():
        expect(drawn).to_have_attribute("data-ready", "yes")


def walk(page: Page, places: Places) -> Iterator[str]:
    """Show one place after the other with everything unfolded; says which it is now."""
    for name, address in places.items():
        show(page, address)
        page.locator("main details:not(#swagger *)").evaluate_all(UNFOLD)
        yield name


def walk_refusals(page: Page, places: Places) -> Iterator[str]:
    """Bring about one refusal after the other; says which it is now. The browser would catch some before the server."""
    for name, form in REFUSING_FORMS.items():
        page.goto(places[name])
        page.locator(form).evaluate(SEND_EMPTY)
        expect(page.locator("main .error, main [data-error-summary]").first).to_be_visible()
        # The page goes there by itself, a moment after it shows it.
        expect(page.locator("main :is([data-error-summary], [aria-invalid=true]):focus")).to_be_visible()
        yield f"{name}, refused"
    page.goto(places["new delivery, all busy on another day"])
    page.get_by_role("radio", name="Taken Tarja").first.check(force=True)
    page.get_by_role("button", name="Create the delivery").click()
    expect(page.get_by_role("alert")).to_contain_text("booked in that time")
    yield "new delivery, a clash"
    page.locator(".usermenu summary").click()
    yield "account menu"
    page.get_by_role("link", name="Change password").click()
    expect(page.get_by_role("heading", name="New password")).to_be_visible()
    yield "password"
    page.locator("main form").evaluate(SEND_EMPTY)
    expect(page.locator("main .error")).to_be_visible()
    yield "password, refused"
