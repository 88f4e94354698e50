"""The main job by hand: from an empty system to a delivered, watched delivery, on a desktop and a phone.

Nobody types an address: what there is to do next is found by the links on the page.
"""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from e2e.conftest import PASSWORD, make_first_account, place_of, row_of, sign_in
from ops.processes import wait_until
from tests.journey.server import Server

CHECKPOINTS = ("Aleksanterinkatu 46", "Unioninkatu 28")


def test_a_new_dispatcher_gets_a_delivery_delivered(open_page: Callable[..., Page], server: Server) -> None:
    desk = open_page()
    make_first_account(desk, server.setup_code())
    add_driver_with_sign_in(desk)
    add_vehicle(desk)
    plan_route(desk)
    activate_route(desk)
    create_delivery(desk)

    board = open_page()
    sign_in(board, "dana", to="/board")
    row = row_of(board, "Aino Virta")
    expect(row).to_contain_text("Picked up")
    expect(board.locator("[data-pill]")).to_have_text(re.compile("live", re.I))
    drive(open_page(390, 844, has_touch=True), row)

    desk.reload()
    expect(desk.get_by_text("Reception").first).to_be_visible()
    picture = desk.get_by_role("img", name=re.compile("Signature")).first
    expect(picture).to_be_visible()
    wait_until(lambda: picture.evaluate("image => image.naturalWidth") > 0, what="the picture itself")


def take_step(desk: Page, number: int, label: str) -> None:
    """The next of the five steps on the empty board; those before it are marked as done, no other is."""
    if number > 1:
        desk.get_by_role("navigation", name="Main").get_by_role("link", name="Board").click()
    expect(desk.get_by_role("heading", name=re.compile("Five steps to the first delivery"))).to_be_visible()
    steps = desk.locator(".firststeps li")
    expect(steps).to_have_count(5)
    expect(desk.locator(".firststeps li.done")).to_have_count(number - 1)
    expect(steps.nth(number - 1)).not_to_contain_text("done")
    steps.nth(number - 1).get_by_role("link", name=label, exact=True).click()


def add_driver_with_sign_in(desk: Page) -> None:
    take_step(desk, 1, "Add a driver")
    desk.get_by_label("Name", exact=True).fill("Aino Virta")
    desk.get_by_label("Driver's licence").fill("FI-1")
    desk.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("heading", name="Aino Virta")).to_be_visible()
    desk.get_by_label("Username").fill("aino")
    desk.get_by_label("First password").fill(PASSWORD)
    desk.get_by_role("button", name=re.compile("sign-in", re.I)).click()
    expect(desk.get_by_text("Aino Virta can sign in as aino now.")).to_be_visible()


def add_vehicle(desk: Page) -> None:
    take_step(desk, 2, "Add a vehicle")
    desk.get_by_label("Registration").fill("KLP-482")
    desk.get_by_label("Type").fill("Van")
    desk.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("heading", name="KLP-482")).to_be_visible()


def plan_route(desk: Page) -> None:
    take_step(desk, 3, "Plan a route with its checkpoints")
    desk.get_by_label("From").fill("Depot")
    desk.get_by_label("To", exact=True).fill("Harbour")
    desk.get_by_label("Place, line 1").fill(CHECKPOINTS[0])
    desk.get_by_role("button", name="Save the plan").click()
    expect(desk.get_by_role("heading", name=re.compile("Depot . Harbour"))).to_be_visible()
    desk.get_by_label("Place", exact=True).fill(CHECKPOINTS[1])
    desk.get_by_role("button", name="Add", exact=True).click()
    for place in CHECKPOINTS:
        expect(desk.get_by_role("link", name=re.compile(f"Change checkpoint .*{place}"))).to_be_visible()


def activate_route(desk: Page) -> None:
    take_step(desk, 4, "Activate the route")
    desk.get_by_role("link", name=re.compile("Depot . Harbour")).click()
    desk.get_by_role("button", name="Activate").click()
    expect(desk.locator(".pagehead")).to_contain_text("Active")


def create_delivery(desk: Page) -> None:
    take_step(desk, 5, "Create the first delivery")
    desk.get_by_label("Route").select_option(index=1)
    desk.get_by_role("radio", name=re.compile("Aino Virta")).check()
    desk.get_by_role("radio", name=re.compile("KLP-482")).check()
    desk.get_by_role("button", name="Create the delivery").click()
    expect(desk.get_by_text("Picked up").first).to_be_visible()


def drive(phone: Page, row: Locator) -> None:
    """The driver's part, up to the proof; the dispatcher's board follows each step."""
    sign_in(phone, "aino", to="/driver")
    phone.get_by_role("link", name=re.compile("Open")).first.click()
    phone.get_by_role("button", name="Start").click()
    expect(row).to_contain_text("In transit")
    phone.get_by_role("button", name=f"Reached {CHECKPOINTS[0]}").click()
    expect(row).to_contain_text("1/2")
    phone.get_by_role("button", name=f"Reached {CHECKPOINTS[1]}").click()
    expect(row).to_contain_text("Out for delivery")
    phone.get_by_role("link", name="Proof of delivery").click()
    phone.get_by_label("Who received it?").fill("Reception")
    sign_on(phone.locator("canvas"), phone)
    phone.get_by_role("button", name="Delivered", exact=True).click()
    expect(row).to_contain_text("Delivered")


def sign_on(canvas: Locator, page: Page) -> None:
    canvas.scroll_into_view_if_needed()
    box = place_of(canvas)
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for step in range(8):
        page.mouse.move(box["x"] + 30 + 25 * step, box["y"] + 40 + 40 * (step % 2))
    page.mouse.up()
