"""`python -m e2e.measure_board`: how fast a full board is, on this machine, over the real program.

A day of 1,000 deliveries and 200 drivers with positions: the time to the first byte of the page, and the time from a
press or click in Chromium until the next picture is drawn, with the processor time of the page for it (and for what
comes after it, like the timeline's filter); with the map also while every driver reports a position every 5 s.
Compare within a run only. A folder, if one is named, keeps the day, to be measured again while it is today's.
"""

import itertools
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from playwright.sync_api import CDPSession, Page, sync_playwright

from e2e.conftest import ARGUMENTS, sign_in
from e2e.full_board import fix_of, seed_full_day
from tests.journey.city import zone_where_it_is_noon
from tests.journey.server import Server

DRIVERS, DELIVERIES = 200, 1_000
LOADS, PRESSES = 40, 20
REPORTED_EVERY_S, WATCHED_S = 5.0, 20
LOADED_WITHIN_S = 120  # also where the cores are busy otherwise
VIEWS = {
    "list": "/board?panes=list",
    "list and timeline": "/board?panes=list,timeline",
    "all three panes": "/board?panes=list,map,timeline",
    "late ones, list and timeline": "/board?panes=list,timeline&filter=late",
}
# From just before the press until the second frame after it: the first one that shows its effect is drawn by then.
# Where the effect comes later, it is awaited: other children of an element, or other words the list is searched for.
UNTIL_DRAWN = """async ([kind, what, awaited]) => {
  const drawn = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const seen = awaited && new Promise(done => {
    const watch = new MutationObserver(() => { watch.disconnect(); done(); });
    watch.observe(document.getElementById(awaited), {childList: true, attributeFilter: ["data-words"]});
  });
  const began = performance.now();
  if (kind === 'key') {
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: what, bubbles: true}));
  } else if (kind === 'search') {
    const field = document.getElementById('q');
    field.value = what;
    field.dispatchEvent(new InputEvent('input', {bubbles: true}));
  } else {
    document.querySelector(what).click();
  }
  await seen;
  await drawn();
  return performance.now() - began;
}"""
WATCH_LONG_TASKS = """() => {
  window.longTasks = [];
  new PerformanceObserver((found) => {
    for (const {duration} of found.getEntries()) window.longTasks.push(duration);
  }).observe({type: "longtask"});
}"""
ACTS = {
    "J": ("key", "j", None),
    "K": ("key", "k", None),
    "X": ("key", "x", None),
    "open the drawer": ("click", "tr.is-selected .rowlink", "drawer"),
    "J with the drawer open, the row": ("key", "j", None),
    "J with the drawer open, the drawer": ("key", "j", "drawer"),
    "chip with few rows": ("click", "#chip-late", None),
    "chip off again, all rows": ("click", "#chip-all", None),
    "typing in the search, few rows": ("search", "van-01", "board-list"),
    "search emptied, all rows": ("search", "", "board-list"),
}


def main() -> None:
    """Seed a day, start the program on it and print a line per figure."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "data"
        environ = {"WAYBILL_TIME_ZONE": zone_where_it_is_noon(), "WAYBILL_RATE_LIMIT": "off"}
        if not (kept / "events.db").exists():
            seed_full_day(kept, environ, DELIVERIES, DRIVERS)
        server = Server(kept, **environ).start()
        try:
            measure(server)
        finally:
            server.stop()


def measure(server: Server) -> None:
    """First bytes over plain HTTP, then presses in Chromium."""
    print(f"board with {DELIVERIES} deliveries and {DRIVERS} drivers")
    with httpx.Client(base_url=server.url, headers=server.client.headers, timeout=30) as http:
        past_boards(http)
        for name, path in VIEWS.items():
            first_bytes(http, name, path)
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(base_url=server.url, viewport={"width": 1440, "height": 900})
        sign_in(page, "dana")
        for panes in ("list,timeline", "list,map,timeline"):
            presses(page, panes)
        with Reports(server):
            presses(page, "list,map,timeline", ", while positions come in")
            watching(page)
        browser.close()


class Reports:
    """Every driver's position every 5 seconds, evenly, from a thread, for as long as the block takes."""

    def __init__(self, server: Server) -> None:
        self._http = httpx.Client(base_url=server.url, headers=server.client.headers, timeout=30)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._http.close()

    def _run(self) -> None:
        answer = self._http.get("/api/fleet/drivers", params={"limit": DRIVERS}).json()
        crew = sorted((driver["name"], driver["driverId"]) for driver in answer["items"])
        began = time.monotonic()
        for turn in itertools.count():
            round_, number = divmod(turn, DRIVERS)
            if self._stopping.wait(max(0.0, began + turn * REPORTED_EVERY_S / DRIVERS - time.monotonic())):
                return
            fix = fix_of(number, round_)
            body = {"latitude": fix.latitude, "longitude": fix.longitude, "heading": fix.heading_deg}
            self._http.post(f"/api/drivers/{crew[number][1]}/location", json=body).raise_for_status()


def past_boards(http: httpx.Client) -> None:
    """The board as it was just now, for the first time after the start and at other instants."""
    now, times = datetime.now(UTC), []
    for number in range(LOADS):
        at = (now - timedelta(milliseconds=10 * number)).isoformat().replace("+00:00", "Z")
        began = time.perf_counter()
        answer = http.get("/board", params={"at": at})
        times.append(time.perf_counter() - began)
        assert answer.status_code == 200
        assert answer.text.count("<tr") >= DELIVERIES
    print(f"  past board, the first {times[0] * 1000:.0f} ms, another instant: {percentiles(times[1:])}")


def first_bytes(http: httpx.Client, name: str, path: str) -> None:
    times, size = [], 0
    for _ in range(LOADS):
        began = time.perf_counter()
        with http.stream("GET", path) as answer:
            assert answer.status_code == 200
            times.append(time.perf_counter() - began)
            size = len(answer.read())
    print(f"  first byte, {name} ({size // 1024} KiB): {percentiles(times)}")


def presses(page: Page, panes: str, when: str = "") -> None:
    page.set_default_timeout(LOADED_WITHIN_S * 1000)
    page.goto(f"/board?panes={panes}")
    page.locator("[data-pill][data-state=live]").wait_for()
    if "map" in panes:
        page.locator("#map[data-ready]").wait_for()
        page.locator("#map[data-checkpoints]:not([data-checkpoints='0'])").wait_for()
        shown = page.locator("#map").get_attribute("data-checkpoints")
        print(f"  on the map: {shown} checkpoints, {page.locator('.map-driver').count()} drivers")
    print(f"  with {panes.replace(',', ', ')}{when}:")
    samples: dict[str, list[float]] = {name: [] for name in ACTS}
    busy: dict[str, list[float]] = {name: [] for name in ACTS}
    inspector = inspector_of(page)
    for _ in range(PRESSES):
        for name, step in ACTS.items():
            before = processor_s(inspector)
            samples[name].append(page.evaluate(UNTIL_DRAWN, step) / 1000)
            busy[name].append(processor_s(inspector) - before)
        page.keyboard.press("Escape")
    for name, times in samples.items():
        print(f"    press to picture, {name}: {percentiles(times)}; processor {percentiles(busy[name])}")


def watching(page: Page) -> None:
    """What the pushed positions alone cost a board that nobody touches."""
    page.evaluate(WATCH_LONG_TASKS)
    inspector = inspector_of(page)
    before = processor_s(inspector)
    page.wait_for_timeout(WATCHED_S * 1000)
    busy, tasks = processor_s(inspector) - before, page.evaluate("() => window.longTasks")
    print(
        f"    untouched for {WATCHED_S} s: processor {busy * 1000 / WATCHED_S:.0f} ms a second, "
        f"{len(tasks)} tasks over 50 ms, the longest {max(tasks, default=0):.0f} ms"
    )


def inspector_of(page: Page) -> CDPSession:
    inspector = page.context.new_cdp_session(page)
    inspector.send("Performance.enable", {"timeDomain": "threadTicks"})
    return inspector


def processor_s(inspector: CDPSession) -> float:
    """The page's main thread: seconds of processor time so far."""
    found = inspector.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in found if metric["name"] == "TaskDuration"))


def percentiles(times: list[float]) -> str:
    found = sorted(time * 1000 for time in times)
    return f"p50 {statistics.median(found):.0f} ms, p95 {found[int(len(found) * 0.95) - 1]:.0f} ms"


if __name__ == "__main__":
    main()
