"""The board as a workplace: one selection over its panes, several deliveries at once, the keyboard, two dispatchers."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.conftest import place_of, sign_in
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok, soon
from tests.journey.server import Server

pytestmark = pytest.mark.usefixtures("dana")


def open_board(page: Page, path: str = "/board?panes=list,timeline") -> Page:
    sign_in(page, "dana")
    page.goto(path)
    expect(page.locator("[data-pill]")).to_have_text(re.compile("^live", re.I))
    return page


def row(page: Page, delivery_id: str) -> Locator:
    return page.locator(f"#d-{delivery_id}")


def bar(page: Page, delivery_id: str) -> Locator:
    return page.locator(f"#b-{delivery_id}")


def top_of(shown: Locator) -> float:
    return place_of(shown)["y"]


def test_what_is_selected_in_one_pane_is_selected_in_the_other(
    open_page: Callable[..., Page], server: Server
) -> None:
    delivery_id = add_delivery(
        server.client, add_route(server.client), add_driver(server.client, "Selected Selma")
    )
    page = open_board(open_page())
    bar(page, delivery_id).locator("a").click()
    expect(row(page, delivery_id)).to_have_class(re.compile("is-selected"))
    expect(page.locator("#glance-title")).to_be_focused()
    expect(page).to_have_url(re.compile(f"selected={delivery_id}"))
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_empty()
    expect(bar(page, delivery_id)).to_have_class(re.compile("is-selected"))
    page.reload()
    expect(row(page, delivery_id)).to_have_class(re.compile("is-selected"))


def test_a_bar_changes_in_its_place_and_moves_to_its_new_driver(
    open_page: Callable[..., Page], server: Server
) -> None:
    http = server.client
    first, second = add_driver(http, "Bar Berta"), add_driver(http, "Bar Boris")
    delivery_id = add_delivery(http, add_route(http), first, add_vehicle(http))
    page = open_board(open_page())
    lane = page.locator(f"[data-lane-of='{second}']")
    expect(lane.locator(".bar")).to_have_count(0)
    ok(http.patch(f"/api/deliveries/{delivery_id}/assign-driver", json={"driverId": second}))
    expect(lane.locator(f"#b-{delivery_id}")).to_be_visible()
    ok(move(http, delivery_id, "InTransit"))
    expect(bar(page, delivery_id)).to_have_class(re.compile("indigo"))


def test_on_a_phone_the_timeline_begins_where_now_can_be_seen(
    open_page: Callable[..., Page], server: Server
) -> None:
    delivery_id = add_delivery(
        server.client, add_route(server.client), add_driver(server.client, "Noon Niina")
    )
    page = open_board(open_page(390, 844), "/board?panes=timeline")
    expect(bar(page, delivery_id).locator(".body")).to_be_in_viewport()
    assert page.locator("[data-scroll]").evaluate("part => part.scrollLeft") > 0


def test_filters_hold_in_both_panes_and_back_takes_them_back(
    open_page: Callable[..., Page], server: Server
) -> None:
    http = server.client
    picked = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    moving = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    ok(move(http, moving, "InTransit"))
    page = open_board(open_page())
    page.locator("#chip-InTransit").click()
    for gone, there in ((row(page, picked), row(page, moving)), (bar(page, picked), bar(page, moving))):
        expect(gone).to_be_hidden()
        expect(there).to_be_visible()
    expect(page).to_have_url(re.compile("status=InTransit"))
    page.go_back()
    expect(row(page, picked)).to_be_visible()
    page.goto("/board?status=InTransit")
    page.locator("#chip-all").click()
    expect(row(page, picked)).to_be_visible()


def test_several_are_assigned_with_a_result_for_each_and_undone(
    open_page: Callable[..., Page], server: Server
) -> None:
    http = server.client
    anna = add_driver(http, "Many Manna")
    fine, clash = add_delivery(http, add_route(http)), add_delivery(http, add_route(http))
    page = open_board(open_page())
    for delivery_id in (fine, clash):
        row(page, delivery_id).get_by_role("checkbox").check()
    page.get_by_role("button", name="Assign a driver").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Driver", exact=True).select_option(anna)
    dialog.get_by_role("button", name="Assign").click()
    expect(dialog).to_contain_text("1 of 2 done")
    expect(dialog.locator(".result.refused")).to_contain_text(re.compile("booked|overlap", re.I))
    dialog.get_by_role("button", name="Undo it").click()
    expect(dialog).to_contain_text("Undo: 1 of 1 done")
    dialog.get_by_role("link", name="Back to the board").click()
    expect(row(page, fine)).not_to_contain_text("Many Manna")


def assign_to_one(page: Page, ids: list[str], driver_id: str) -> Locator:
    """Choose them and give them all to one driver; answers the dialog with the results."""
    for delivery_id in ids:
        row(page, delivery_id).get_by_role("checkbox").check()
    page.get_by_role("button", name="Assign a driver").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Driver", exact=True).select_option(driver_id)
    dialog.get_by_role("button", name="Assign").click()
    expect(dialog.locator(".result")).to_have_count(len(ids))
    return dialog


def test_undo_stays_in_sight_for_ten_seconds_and_under_the_hand(
    open_page: Callable[..., Page], server: Server
) -> None:
    http = server.client
    ids = [add_delivery(http, add_route(http, soon(9))) for _ in range(9)]
    page = open_page()
    page.clock.install()
    page.set_viewport_size({"width": 1440, "height": 600})
    dialog = assign_to_one(open_board(page, "/board?panes=list"), ids, add_driver(http, "Crowded Cora"))
    expect(dialog).to_contain_text("1 of 9 done")
    undo = dialog.get_by_role("button", name="Undo it")
    undo.hover()
    expect(undo).to_contain_text(re.compile(r"Undo it\s*\d+ s"))
    last = dialog.locator(".result").last
    expect(last).not_to_be_in_viewport()
    last.scroll_into_view_if_needed()
    expect(undo).to_be_in_viewport(ratio=1)
    expect(dialog.get_by_role("link", name="Back to the board")).to_be_in_viewport(ratio=1)
    page.clock.run_for(30_000)
    expect(undo).to_be_visible()
    last.hover()
    page.clock.run_for(2_000)
    expect(undo).to_have_count(0)
    expect(dialog.get_by_role("link", name="Back to the board")).to_be_in_viewport(ratio=1)


def test_one_refusal_is_mended_among_the_others(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    add_driver(http, "Free Freya")
    ids = [add_delivery(http, add_route(http, soon(11))) for _ in range(3)]
    page = open_board(open_page(), "/board?panes=list")
    dialog = assign_to_one(page, ids, add_driver(http, "Popular Paula"))
    expect(dialog).to_contain_text("1 of 3 done")
    expect(page.locator("#board-list .c-choose input:checked")).to_have_count(2)
    refused = dialog.locator(".result.refused")
    mended = refused.first.get_attribute("data-result")
    refused.first.get_by_role("button", name=re.compile("^Use .* instead")).first.click()
    expect(dialog).to_contain_text("2 of 3 done")
    expect(dialog.locator(f".result.done[data-result='{mended}']")).to_be_focused()
    expect(dialog.locator(".result")).to_have_count(3)
    expect(refused).to_have_count(1)
    expect(dialog.locator("[data-tally=refused]")).to_have_text("1 refused")
    dialog.get_by_role("button", name="Undo all 2").click()
    expect(dialog).to_contain_text("Undo: 2 of 2 done")
    expect(dialog).to_contain_text("Nobody again.")
    dialog.get_by_role("link", name="Back to the board").click()
    expect(page.locator("#many [data-chosen-count]")).to_have_text("1 chosen")
    for delivery_id in ids:
        expect(row(page, delivery_id).get_by_role("link", name="Assign a driver")).to_be_visible()


def test_the_bar_of_the_chosen_is_one_line_and_covers_no_row(
    open_page: Callable[..., Page], server: Server
) -> None:
    for _ in range(10):
        add_delivery(server.client, add_route(server.client, soon(13)))
    page = open_page()
    page.set_viewport_size({"width": 1440, "height": 600})
    open_board(page, "/board?panes=list")
    page.keyboard.press("k")
    page.keyboard.press("x")
    many, last = page.locator("#many"), page.locator("#board-list tbody tr").last
    expect(many).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("j")
    expect(last).to_have_class(re.compile("is-selected"))
    tops = {place_of(button)["y"] for button in many.get_by_role("button").all()}
    assert len(tops) == 1, "all buttons stand in one line"
    row_box, bar_box = place_of(last), place_of(many)
    assert row_box["y"] + row_box["height"] <= bar_box["y"], "the bar lies over the selected row"


def test_a_delivery_is_assigned_beside_the_list(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    busy, free, van = add_driver(http, "Busy Bruno"), add_driver(http, "Free Fiona"), add_vehicle(http)
    add_delivery(http, add_route(http, soon(5)), busy)
    delivery_id = add_delivery(http, add_route(http, soon(5)))
    page = open_board(open_page(), f"/board?panes=list&selected={delivery_id}")
    drawer = page.locator("#drawer")
    page.keyboard.press("a")
    expect(drawer.get_by_label("Driver", exact=True)).to_be_focused()
    drawer.get_by_label("Driver", exact=True).select_option(busy)
    drawer.get_by_label("Vehicle", exact=True).select_option(van)
    drawer.get_by_role("button", name="Assign").click()
    expect(drawer.get_by_role("alert")).to_be_focused()
    expect(drawer.get_by_role("alert")).to_contain_text("booked in that time")
    drawer.get_by_label("Driver", exact=True).select_option(free)
    drawer.get_by_role("button", name="Assign").click()
    expect(drawer).to_contain_text("Free Fiona")
    expect(drawer.get_by_role("link", name="Reassign")).to_be_visible()
    expect(row(page, delivery_id)).to_contain_text("Free Fiona")
    page.get_by_role("button", name="Undo").click()
    expect(drawer.get_by_role("link", name="Assign", exact=True)).to_be_visible()
    expect(row(page, delivery_id)).not_to_contain_text("Free Fiona")
    expect(page.get_by_role("button", name="Undo")).to_have_count(1)
    expect(page).to_have_url(re.compile("/board"))


def test_a_form_in_the_drawer_is_not_taken_away_while_one_chooses(
    open_page: Callable[..., Page], server: Server
) -> None:
    http = server.client
    mine, theirs = add_driver(http, "Mine Minna"), add_driver(http, "Theirs Tarmo")
    delivery_id = add_delivery(http, add_route(http, soon(5)))
    page = open_board(open_page(), "/board?panes=list")
    drawer = page.locator("#drawer")
    row(page, delivery_id).get_by_role("link", name="Assign a driver").click()
    drawer.get_by_label("Driver", exact=True).select_option(mine)
    ok(http.patch(f"/api/deliveries/{delivery_id}/assign-driver", json={"driverId": theirs}))
    expect(row(page, delivery_id)).to_contain_text("Theirs Tarmo")
    expect(drawer.get_by_label("Driver", exact=True)).to_have_value(mine)
    drawer.get_by_role("button", name="Assign").click()
    expect(drawer.get_by_role("alert")).to_contain_text("It has Theirs Tarmo now")
    drawer.get_by_role("button", name="Back").click()
    expect(drawer.get_by_role("link", name="Theirs Tarmo")).to_be_visible()


def test_the_focus_and_the_box_survive_a_change(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    page = open_board(open_page())
    row(page, delivery_id).get_by_role("checkbox").check()
    row(page, delivery_id).locator(".rowlink").focus()
    ok(move(http, delivery_id, "InTransit"))
    expect(row(page, delivery_id)).to_contain_text("In transit")
    expect(row(page, delivery_id).locator(".rowlink")).to_be_focused()
    expect(row(page, delivery_id).get_by_role("checkbox")).to_be_checked()


def test_rows_wait_while_the_pointer_is_over_the_list(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    here, moved = add_delivery(http, add_route(http)), add_delivery(http, add_route(http))
    page = open_board(open_page(), "/board?panes=list")
    row(page, here).hover()
    ok(move(http, moved, "Failed"))
    button = page.get_by_role("button", name="1 row moved — update order")
    expect(button).to_be_visible()
    box = place_of(button)
    # As a hand moves: over whatever lies between the row and the button, which must not go away meanwhile.
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=25)
    expect(button).to_be_visible()
    button.click()
    expect(button).to_be_hidden()
    expect(page.locator(f"#d-{here} ~ #d-{moved}")).to_be_visible()


def test_bars_stay_under_the_pointer_and_take_their_places_when_it_leaves(
    open_page: Callable[..., Page], server: Server
) -> None:
    http = server.client
    first = add_delivery(http, add_route(http))
    mine = add_delivery(http, add_route(http), add_driver(http, "Pointed Pia"), add_vehicle(http))
    page = open_board(open_page())
    bar(page, mine).locator("rect.body").hover()
    before = top_of(bar(page, mine))
    box = place_of(bar(page, mine))

    others = [add_delivery(http, add_route(http)) for _ in range(3)]
    ok(move(http, first, "Failed"))
    ok(move(http, mine, "InTransit"))
    for number, delivery_id in enumerate(others):
        page.mouse.move(box["x"] + 10 + number, before + 10)  # it doesn't rest there
        expect(row(page, delivery_id)).to_be_visible()
    expect(bar(page, mine)).to_have_class(re.compile("indigo"))
    assert abs(top_of(bar(page, mine)) - before) < 2, "its border may be another one"
    expect(bar(page, others[0])).to_have_count(0)

    page.get_by_role("heading", name="Timeline").hover()
    for delivery_id in others:
        expect(bar(page, delivery_id)).to_be_visible()
    assert top_of(bar(page, mine)) > before + 30, "what waited would have moved it"


def test_rows_move_when_the_pointer_leaves_the_list(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    here, moved = add_delivery(http, add_route(http)), add_delivery(http, add_route(http))
    page = open_board(open_page(), "/board?panes=list")
    row(page, here).hover()
    ok(move(http, moved, "Failed"))
    expect(page.get_by_role("button", name="1 row moved — update order")).to_be_visible()
    page.locator("#chip-all").hover()
    expect(page.locator("[data-moved]")).to_be_hidden()


def test_two_dispatchers_see_what_the_other_does(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    driver, delivery_id = add_driver(http, "Shared Sanna"), add_delivery(http, add_route(http))
    one, other = open_board(open_page()), open_board(open_page())
    row(one, delivery_id).get_by_role("checkbox").check()
    one.get_by_role("button", name="Assign a driver").click()
    one.get_by_role("dialog").get_by_label("Driver", exact=True).select_option(driver)
    one.get_by_role("dialog").get_by_role("button", name="Assign").click()
    expect(one.get_by_role("dialog")).to_contain_text("1 of 1 done")
    for page in (one, other):
        expect(row(page, delivery_id)).to_contain_text("Shared Sanna")
        expect(page.locator(f"[data-lane-of='{driver}'] #b-{delivery_id}")).to_be_attached()


def test_without_javascript_several_are_failed(open_page: Callable[..., Page], server: Server) -> None:
    delivery_id = add_delivery(server.client, add_route(server.client))
    page = open_page(java_script_enabled=False)
    sign_in(page, "dana")
    page.goto("/board?panes=list,timeline")
    expect(bar(page, delivery_id)).to_be_visible()
    row(page, delivery_id).get_by_role("checkbox").check()
    page.get_by_role("button", name="Mark as failed").click()
    page.get_by_label("Reason").select_option("out_of_time")
    page.get_by_role("button", name="Mark as failed").click()
    expect(page.get_by_role("heading", name="1 of 1 done")).to_be_visible()
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_role("heading", name="Undo: 1 of 1 done")).to_be_visible()


def test_without_javascript_one_refusal_is_mended(open_page: Callable[..., Page], server: Server) -> None:
    http = server.client
    busy = add_driver(http, "Busy Bettina")
    add_driver(http, "Free Florian")
    delivery_id = add_delivery(http, add_route(http, soon(7)))
    add_delivery(http, add_route(http, soon(7)), busy)
    page = open_page(java_script_enabled=False)
    sign_in(page, "dana")
    page.goto("/board?panes=list")
    row(page, delivery_id).get_by_role("checkbox").check()
    page.get_by_role("button", name="Assign a driver").click()
    page.get_by_label("Driver", exact=True).select_option(busy)
    page.get_by_role("button", name="Assign").click()
    page.get_by_role("button", name=re.compile("^Use .* instead")).first.click()
    expect(page.get_by_role("heading", name="1 of 1 done")).to_be_visible()
