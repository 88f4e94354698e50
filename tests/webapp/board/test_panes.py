"""Which panes are shown: by address, by memory, by what there is."""

import pytest

from tests.webapp.pages.browser import Browser
from webapp.live.panes import Shown, shown_by


@pytest.mark.parametrize(
    ("address", "remembered", "expected"),
    [
        ("", "", "list,timeline,map"),
        ("timeline,list", "", "timeline,list"),
        ("", "map", "map"),
        ("list", "map", "list"),
        ("nonsense", "map", "map"),
        ("list,list,nonsense", "", "list"),
        (",", "", "list,timeline,map"),
    ],
)
def test_the_address_comes_before_memory_and_all_else_is_left_out(
    address: str, remembered: str, expected: str
) -> None:
    assert shown_by({"panes": address}, {"board_panes": remembered}).text == expected


def test_the_last_pane_stays() -> None:
    assert Shown(("list",)).without("list") == "list"


def test_the_choice_is_remembered_and_has_its_links(dana: Browser) -> None:
    page = dana.get("/board?panes=timeline,list")
    assert 'data-panes="timeline list"' in page.html

    again = dana.get("/board")

    assert 'data-panes="timeline list"' in again.html
    only = dana.get(again.link("Hide the Timeline"))
    assert 'data-panes="list"' in only.html
    assert 'data-panes="timeline list"' in dana.get(only.link("Show the Timeline")).html


def test_filters_keep_the_panes(dana: Browser) -> None:
    page = dana.get("/board?panes=timeline&zoom=day&filter=late")

    assert 'data-panes="timeline"' in dana.get(page.link("Unassigned")).html
    assert "zoom=day" in page.link("Unassigned")
