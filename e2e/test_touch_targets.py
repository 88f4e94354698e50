"""On a phone everything that one taps is at least 44 px high (docs/design-system.md says what is excepted)."""

from collections.abc import Callable
from itertools import chain

import pytest
from playwright.sync_api import Page

from e2e.conftest import sign_in
from e2e.places import Places, walk, walk_refusals

# The markup is the same in both modes.
pytestmark = pytest.mark.parametrize("server", ["embedded"], indirect=True)

# A box that is ticked by its label is as large as both together. What is clipped to a dot is for screen readers.
TOO_LOW = """() => {
  const tapped = "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=slider]";
  const excepted = "#swagger *, .maplibregl-ctrl-attrib *, .bar *";
  const blockOf = (element) => {
    while (getComputedStyle(element).display.startsWith("inline")) element = element.parentElement;
    return element;
  };
  const wordsOf = (elements) => [...elements].map((element) => element.textContent).join("").replace(/\\s/g, "").length;
  const isInText = (element) => {
    if (!element.matches("a, button.linkish") || getComputedStyle(element).display !== "inline") return false;
    const block = blockOf(element);
    return wordsOf([block]) > wordsOf(block.querySelectorAll("a"));
  };
  const heightOf = (element) => {
    const boxes = [element, ...(element.matches("[type=checkbox], [type=radio], [type=file]") ? element.labels : [])];
    return Math.max(...boxes.map((box) => box.getBoundingClientRect().height));
  };
  const isSeen = (element) => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility({ visibilityProperty: true }) && box.width > 1 && box.height > 1 && box.right > 0;
  };
  return [...document.querySelectorAll(tapped)]
    .filter((element) => isSeen(element) && !element.disabled && !element.matches(excepted) && !isInText(element))
    .filter((element) => heightOf(element) < 43.9)
    .map((element) => `${heightOf(element)} px: ${element.outerHTML.replace(/\\s+/g, " ").slice(0, 160)}`);
}"""


def test_everything_on_a_dispatchers_phone_is_high_enough_to_tap(
    open_page: Callable[..., Page], places: Places, dana: str
) -> None:
    phone = open_page(390, 844, reduced_motion="reduce")
    phone.goto("/sign-in")
    found = {"sign-in": phone.evaluate(TOO_LOW)}
    sign_in(phone, dana)
    for name in chain(walk(phone, places), walk_refusals(phone, places)):
        found[name] = phone.evaluate(TOO_LOW)
    lines = [f"{name}: {low}" for name, all_low in found.items() for low in all_low]
    assert not lines, "\n".join(lines)


def test_everything_on_a_drivers_phone_is_high_enough_to_tap(
    open_page: Callable[..., Page], phone_places: Places
) -> None:
    phone = open_page(390, 844, reduced_motion="reduce", has_touch=True)
    sign_in(phone, "aino", to="/driver")
    lines = [f"{name}: {low}" for name in walk(phone, phone_places) for low in phone.evaluate(TOO_LOW)]
    assert not lines, "\n".join(lines)
