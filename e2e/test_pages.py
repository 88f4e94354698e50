"""Every page at three sizes, in light and dark: it renders, nothing complains, nothing runs off its side."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page

from e2e.conftest import sign_in
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok, prove, reach
from tests.journey.server import Server

SIZES = [(1440, 900), (1024, 768), (390, 844)]


@pytest.fixture(scope="module")
def places(server: Server) -> dict[str, str]:
    """A small day; the addresses of its pages by name."""
    http: httpx.Client = server.client
    driver_id, vehicle_id, route_id = add_driver(http), add_vehicle(http), add_route(http)
    done = add_delivery(http, route_id, driver_id, vehicle_id)
    ok(move(http, done, "InTransit"))
    ok(http.post(f"/api/deliveries/{done}/incidents", json={"type": "Delay", "description": "Long queue"}))
    for number in (1, 2):
        ok(reach(http, done, route_id, number))
    ok(prove(http, done))
    waiting = add_delivery(http, route_id, driver_id)
    failed = add_delivery(http, add_route(http))
    ok(move(http, failed, "Failed", reason="no_access"))
    planning = add_route(http, active=False)
    return {
        "board": "/board",
        "deliveries": "/deliveries",
        "new delivery": f"/deliveries/new?route={route_id}",
        "delivered": f"/deliveries/{done}",
        "waiting": f"/deliveries/{waiting}",
        "failed": f"/deliveries/{failed}",
        "routes": "/routes",
        "new route": "/routes/new",
        "active route": f"/routes/{route_id}",
        "planned route": f"/routes/{planning}",
        "duplicate": f"/routes/{planning}/duplicate",
        "drivers": "/fleet",
        "vehicles": "/fleet?show=vehicles",
        "driver": f"/fleet/drivers/{driver_id}",
        "vehicle": f"/fleet/vehicles/{vehicle_id}",
        "new driver": "/fleet/drivers/new",
        "new vehicle": "/fleet/vehicles/new",
        "incidents": "/incidents",
        "people": "/people",
        "system": "/admin/system",
        "nothing": "/there/is/nothing",
        "reference": "/api/docs",
    }


@pytest.mark.parametrize(("size", "scheme"), [(SIZES[0], "light"), (SIZES[1], "dark"), (SIZES[2], "light")])
def test_every_page_renders_and_fits(
    open_page: Callable[..., Page], places: dict[str, str], dana: str, size: tuple[int, int], scheme: str
) -> None:
    page = open_page(*size, color_scheme=scheme)
    sign_in(page, dana)
    for name, address in places.items():
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == (404 if name == "nothing" else 200), name
        assert page.locator("h1, h2").first.is_visible(), name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 1, f"{name} is too wide"
        assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme, name


def test_pages_are_for_dispatchers_only(server: Server, places: dict[str, str], dana: str) -> None:
    with httpx.Client(base_url=server.url) as stranger:
        for name, address in places.items():
            if name not in ("nothing", "reference"):
                answer = stranger.get(address)
                assert answer.status_code == 302, name
                assert answer.headers["Location"].startswith("/sign-in"), name
