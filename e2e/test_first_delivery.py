"""The main job by hand: from an empty system to a delivered, watched delivery, on a desktop and a phone."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e.conftest import PASSWORD, make_first_account, row_of, sign_in
from tests.journey.server import Server


def test_a_new_dispatcher_gets_a_delivery_delivered(  # noqa: PLR0915 - one story, told in one go
    open_page: Callable[..., Page], server: Server
) -> None:
    desk = open_page()
    make_first_account(desk, server.setup_code())

    desk.goto("/fleet/drivers/new")
    desk.get_by_label("Name", exact=True).fill("Aino Virta")
    desk.get_by_label("Driver's licence").fill("FI-1")
    desk.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("heading", name="Aino Virta")).to_be_visible()
    desk.get_by_label("Username").fill("aino")
    desk.get_by_label("First password").fill(PASSWORD)
    desk.get_by_role("button", name=re.compile("sign-in", re.I)).click()

    desk.goto("/fleet/vehicles/new")
    desk.get_by_label("Registration").fill("KLP-482")
    desk.get_by_label("Type").fill("Van")
    desk.get_by_role("button", name="Add").click()
    expect(desk.get_by_role("heading", name="KLP-482")).to_be_visible()

    desk.goto("/routes/new")
    desk.get_by_label("From").fill("Depot")
    desk.get_by_label("To", exact=True).fill("Harbour")
    desk.get_by_role("button", name="Save the plan").click()
    expect(desk.get_by_role("heading", name=re.compile("Depot . Harbour"))).to_be_visible()
    for place in ("Aleksanterinkatu 46", "Unioninkatu 28"):
        desk.get_by_label("Place", exact=True).fill(place)
        desk.get_by_role("button", name="Add", exact=True).click()
        expect(desk.get_by_role("link", name=re.compile(f"Change checkpoint .*{place}"))).to_be_visible()
    desk.get_by_role("button", name="Activate").click()

    desk.get_by_role("link", name="Create a delivery").first.click()
    desk.get_by_role("radio", name=re.compile("Aino Virta")).check()
    desk.get_by_role("radio", name=re.compile("KLP-482")).check()
    desk.get_by_role("button", name="Create the delivery").click()
    expect(desk.get_by_text("Picked up").first).to_be_visible()

    board = open_page()
    sign_in(board, "dana")
    row = row_of(board, "Aino Virta")
    expect(row).to_contain_text("Picked up")
    expect(board.locator("[data-pill]")).to_have_text(re.compile("live", re.I))

    phone = open_page(390, 844, has_touch=True)
    sign_in(phone, "aino")
    phone.get_by_role("link", name=re.compile("Open")).first.click()
    phone.get_by_role("button", name="Start").click()
    expect(row).to_contain_text("In transit")
    phone.get_by_role("button", name="Reached Aleksanterinkatu 46").click()
    expect(row).to_contain_text("1/2")
    phone.get_by_role("button", name="Reached Unioninkatu 28").click()
    expect(row).to_contain_text("Out for delivery")
    phone.get_by_role("link", name="Proof of delivery").click()
    phone.get_by_label("Who received it?").fill("Reception")
    phone.locator("canvas").scroll_into_view_if_needed()
    canvas = phone.locator("canvas").bounding_box()
    assert canvas is not None
    phone.mouse.move(canvas["x"] + 30, canvas["y"] + 40)
    phone.mouse.down()
    for step in range(8):
        phone.mouse.move(canvas["x"] + 30 + 25 * step, canvas["y"] + 40 + 40 * (step % 2))
    phone.mouse.up()
    phone.get_by_role("button", name="Delivered", exact=True).click()
    expect(row).to_contain_text("Delivered")

    row.get_by_role("link").first.click()
    desk.reload()
    expect(desk.get_by_text("Reception").first).to_be_visible()
    picture = desk.get_by_role("img", name=re.compile("Signature")).first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
