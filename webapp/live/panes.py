"""Which panes of the board are shown, in which order of importance, and how far the timeline is zoomed.

Pure. The address says it; a cookie remembers it. The order matters where there is room for fewer: the first two are
shown on a small desktop, the first alone on a phone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LIST, MAP, TIMELINE = "list", "map", "timeline"
PANES = (LIST, MAP, TIMELINE)
ZOOMS = ("day", "hours", "now")
"""The timeline shows the whole day, the working hours, or two hours before and after now."""
PANES_COOKIE, ZOOM_COOKIE = "board_panes", "board_zoom"
DEFAULT_ORDER = (LIST, TIMELINE, MAP)


@dataclass(frozen=True)
class Shown:
    """The panes that are shown, the most important first."""

    panes: tuple[str, ...]
    zoom: str = "hours"

    @property
    def text(self) -> str:
        """As in the address: `list,timeline`."""
        return ",".join(self.panes)

    def without(self, pane: str) -> str:
        """The address's text without a pane; the last one stays."""
        return ",".join(other for other in self.panes if other != pane) or pane

    def first(self, pane: str) -> str:
        """The address's text with a pane as the most important one."""
        return ",".join((pane, *(other for other in self.panes if other != pane)))

    def place(self, pane: str) -> int:
        """1 for the most important one; 0 for one that isn't shown."""
        return self.panes.index(pane) + 1 if pane in self.panes else 0


def shown_by(args: Mapping[str, str], cookies: Mapping[str, str]) -> Shown:
    """What the address asks for, else what the cookie remembers, else all; what makes no sense is left out."""
    asked = _panes(args.get("panes", "")) or _panes(cookies.get(PANES_COOKIE, ""))
    zoom = next((text for text in (args.get("zoom"), cookies.get(ZOOM_COOKIE)) if text in ZOOMS), "hours")
    return Shown(asked or DEFAULT_ORDER, str(zoom))


def _panes(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in text.split(",")[:9] if name in PANES))
