"""Sending CSV files to the pages, and what became of them."""

import csv
import io

from backend_services.fleet.queries import list_drivers
from backend_services.routes.queries import RouteView, list_routes
from tests.webapp.pages.browser import Browser, Page
from tests.webapp.pages.scene import Scene


def send_file(
    browser: Browser, kind: str, content: str | bytes, name: str = "list.csv", **filled: str
) -> Page:
    """Upload a file; the page that follows."""
    raw = content if isinstance(content, bytes) else content.encode()
    form = browser.get(f"/import/{kind}").form("Show the preview")
    return browser.send(form, file=(io.BytesIO(raw), name), **filled)


def carry_out(browser: Browser, preview: Page, **filled: str) -> Page:
    """Confirm a preview and press the button until all is done."""
    page = browser.send(preview.form("Import"), button="Import", **filled)
    for _ in range(100):
        if not page.has_form("Go on"):
            return page
        page = browser.send(page.form("Go on"))
    raise AssertionError("the import doesn't end")


def driver_names(scene: Scene, q: str) -> list[str]:
    with scene.waybill.sessions() as session:
        return [view.name for view in list_drivers(session, q=q).items]


def imported_routes(scene: Scene, q: str) -> list[RouteView]:
    with scene.waybill.sessions() as session:
        return sorted(list_routes(session, q=q).items, key=lambda view: view.scheduled_start_at)


def rows_of(answer: Page, separator: str = ",") -> list[list[str]]:
    text = answer.response.get_data().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
