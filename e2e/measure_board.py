"""`python -m e2e.measure_board`: how fast a full board is, on this machine, over the real program.

A day of 1,000 deliveries and 200 drivers: the time to the first byte of the page, and the time from a press or click
in Chromium until the next picture is drawn, with the processor time of the page for it (and for what comes after it,
like the timeline's filter). Compare within a run only.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from playwright.sync_api import CDPSession, Page, sync_playwright

from e2e.conftest import ARGUMENTS, sign_in
from e2e.full_board import seed_full_day
from tests.journey.server import Server
from tests.webapp.noon import zone_where_it_is_noon

DRIVERS, DELIVERIES = 200, 1_000
LOADS, PRESSES = 40, 20
VIEWS = {
    "list": "/board?panes=list",
    "list and timeline": "/board?panes=list,timeline",
    "all three panes": "/board?panes=list,map,timeline",
    "late ones, list and timeline": "/board?panes=list,timeline&filter=late",
}
# From just before the press until the second frame after it: the first one that shows its effect is drawn by then.
UNTIL_DRAWN = """async (act) => {
  const drawn = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const began = performance.now();
  if (act.startsWith('key:')) {
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: act.slice(4), bubbles: true}));
  } else {
    const [what, awaited] = act.split(' => ');
    const swapped = awaited && new Promise(done => {
      const watch = new MutationObserver(() => { watch.disconnect(); done(); });
      watch.observe(document.getElementById(awaited), {childList: true});
    });
    document.querySelector(what).click();
    await swapped;
  }
  await drawn();
  return performance.now() - began;
}"""
ACTS = {
    "J": ["key:j"],
    "K": ["key:k"],
    "X": ["key:x"],
    "open the drawer": ["tr.is-selected .rowlink => drawer"],
    "chip with few rows": ["#chip-late"],
    "chip off again, all rows": ["#chip-all"],
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
        browser.close()


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


def presses(page: Page, panes: str) -> None:
    page.goto(f"/board?panes={panes}")
    page.locator("[data-pill][data-state=live]").wait_for()
    if "map" in panes:
        page.locator("#map[data-ready]").wait_for()
    print(f"  with {panes.replace(',', ', ')}:")
    samples: dict[str, list[float]] = {name: [] for name in ACTS}
    busy: dict[str, list[float]] = {name: [] for name in ACTS}
    inspector = page.context.new_cdp_session(page)
    inspector.send("Performance.enable", {"timeDomain": "threadTicks"})
    for _ in range(PRESSES):
        for name, steps in ACTS.items():
            for step in steps:
                if name == "open the drawer" and not page.locator("tr.is-selected").count():
                    page.evaluate(UNTIL_DRAWN, "key:j")
                before = processor_s(inspector)
                samples[name].append(page.evaluate(UNTIL_DRAWN, step) / 1000)
                busy[name].append(processor_s(inspector) - before)
        page.keyboard.press("Escape")
    for name, times in samples.items():
        print(f"    press to picture, {name}: {percentiles(times)}; processor {percentiles(busy[name])}")


def processor_s(inspector: CDPSession) -> float:
    """The page's main thread: seconds of processor time so far."""
    found = inspector.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in found if metric["name"] == "TaskDuration"))


def percentiles(times: list[float]) -> str:
    found = sorted(time * 1000 for time in times)
    return f"p50 {statistics.median(found):.0f} ms, p95 {found[int(len(found) * 0.95) - 1]:.0f} ms"


if __name__ == "__main__":
    main()
