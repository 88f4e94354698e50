"""`make screenshots`: the demo's pages at three sizes, in light and dark, as pictures in var/screenshots.

    python -m e2e.screenshots [--to FOLDER] [--only WORD]

A person looks at them; no test does.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from e2e.conftest import running_browser, sign_in
from e2e.places import Places, show
from ops.processes import Child, free_port, wait_until
from tests.journey.server import clean_environ
from webapp.demo.accounts import FILE, LABEL
from webapp.demo.day import DRIVERS

SIZES = [(1440, 900), (1024, 768), (390, 844)]
SCHEMES = ["light", "dark"]
DISPATCHER, DRIVER = "dispatcher", DRIVERS[0][1]
LOADING_BOUND_S = 180.0

DESK: Places = {
    "board": "/board",
    "board-panes": "/board?panes=list,map,timeline",
    "map": "/board?panes=map",
    "timeline": "/board?panes=timeline",
    "deliveries": "/deliveries",
    "delivery-new": "/deliveries/new",
    "routes": "/routes",
    "route-new": "/routes/new",
    "drivers": "/fleet",
    "driver-new": "/fleet/drivers/new",
    "vehicles": "/fleet?show=vehicles",
    "incidents": "/incidents",
    "import": "/import/routes",
    "people": "/people",
    "system": "/admin/system",
    "design": "/design",
    "api": "/api/docs",
}
PHONE: Places = {"driver-today": "/driver"}
# One of a list, by the first link of a page: where it is, and what it looks like.
FIRST = {
    "delivery-moving": ("/deliveries?status=InTransit", "a.rowlink"),
    "delivery-waiting": ("/deliveries?status=PickedUp", "a.rowlink"),
    "delivery-delivered": ("/deliveries?status=Delivered", "a.rowlink"),
    "route": ("/routes", "a.rowlink"),
    "driver": ("/fleet", "a.rowlink"),
    "vehicle": ("/fleet?show=vehicles", "a.rowlink"),
    "history": ("/board", ".daynav a:has-text('History')"),
}
FIRST_OF_PHONE = {"driver-delivery": ("/driver", "[data-open], a.deliverycard")}


@contextmanager
def running_demo(folder: Path) -> Iterator[tuple[str, str]]:
    """The demo with its day loaded; its address and the password of all its people."""
    port = free_port()
    environ = {**clean_environ(), "PORT": str(port), "WAYBILL_DATA_DIR": str(folder / "data")}
    demo = Child([sys.executable, "-m", "webapp.demo"], folder / "demo.log", environ)
    try:
        wait_until(
            lambda: "demo runs at" in demo.log.read_text(), LOADING_BOUND_S, f"a loaded demo ({demo.log})"
        )
        signs = (folder / "data" / FILE).read_text()
        yield f"http://127.0.0.1:{port}", signs.split(LABEL)[1].splitlines()[0]
    finally:
        demo.stop()


def take_all(browser: Browser, url: str, password: str, folder: Path, only: str) -> int:
    """Every page as every picture; answers how many were taken."""
    taken = 0
    for width, height in SIZES:
        for scheme in SCHEMES:
            for username, home, pages, first in (
                (DISPATCHER, "/board", DESK, FIRST),
                (DRIVER, "/driver", PHONE, FIRST_OF_PHONE),
            ):
                context = browser.new_context(
                    base_url=url,
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,  # type: ignore[arg-type]
                    reduced_motion="reduce",
                )
                page = context.new_page()
                sign_in(page, username, password, home)
                for name, address in _addresses(page, pages, first):
                    if only in name:
                        show(page, address)
                        _take(page, width, height, folder / f"{name}-{width}x{height}-{scheme}.png")
                        taken += 1
                context.close()
            print(f"{width}x{height} {scheme}: {taken} pictures by now", flush=True)
    return taken


def _take(page: Page, width: int, height: int, path: Path) -> None:
    """The whole page, as a window would show it that is high enough: what is fixed to its end stays there."""
    whole = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": max(whole, height)})
    page.screenshot(path=path)
    page.set_viewport_size({"width": width, "height": height})


def _addresses(page: Page, pages: Places, first: dict[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from pages.items()
    for name, (where, what) in first.items():
        show(page, where)
        links = page.locator(what)
        if links.count():
            yield name, links.first.get_attribute("href") or where
        else:
            print(f"{name} is left out: {where} has none at this time of the day")


def main() -> int:
    """Take all pictures; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m e2e.screenshots", description=__doc__)
    parser.add_argument(
        "--to", type=Path, default=Path("var/screenshots"), help="the folder for the pictures"
    )
    parser.add_argument("--only", default="", help="only pages whose name has this in it")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="waybill-screenshots-") as folder,
        running_demo(Path(folder)) as (url, password),
        running_browser() as browser,
    ):
        taken = take_all(browser, url, password, options.to, options.only)
    print(f"{taken} pictures are in {options.to}")
    return 0 if taken else 1


if __name__ == "__main__":
    sys.exit(main())
