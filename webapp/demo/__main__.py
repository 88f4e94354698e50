"""`python -m webapp.demo`: start Waybill, load the demo day, keep it moving until stopped."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from webapp.demo.accounts import ensure_demo_accounts
from webapp.demo.client import ApiClient
from webapp.demo.day import DRIVERS, Tour, plan_day, whole_minute
from webapp.demo.seed import load_fleet, load_incidents, load_tour
from webapp.demo.simulator import Simulator
from webapp.settings import Settings, SettingsError, load_settings, write_private

START_BOUND_S = 60.0


def main() -> int:
    """Run the demo; answers the exit code."""
    try:
        environ, speed = _environ()
        settings = load_settings(environ)
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    password = ensure_demo_accounts(settings)
    environ["WAYBILL_API_KEY"] = key = settings.api_key or _kept_key(settings)
    server = subprocess.Popen([sys.executable, "-m", "webapp"], env=environ)
    signal.signal(signal.SIGTERM, _stop)
    try:
        url = f"http://{'127.0.0.1' if settings.host in ('0.0.0.0', '::') else settings.host}:{settings.port}"  # noqa: S104
        if not _wait_until_ready(url, server):
            return server.wait() or 1
        api = ApiClient(url, key)
        tours = load_day(api, settings)
        _announce(url, key, password)
        Simulator(api, tours, speed).run(lambda: server.poll() is not None)
        print("demo: the server has ended", file=sys.stderr)
        return server.wait() or 1
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    finally:
        server.terminate()
        server.wait()


def load_day(api: ApiClient, settings: Settings) -> list[Tour]:
    """Load today's tours unless they are there; the same tours again on the same day."""
    path = settings.data_dir / "demo_day.json"
    now = whole_minute(datetime.now(UTC))
    known = json.loads(path.read_text()) if path.exists() else {}
    is_new = known.get("day") != f"{now:%Y-%m-%d}"
    anchor = now if is_new else datetime.fromisoformat(known["anchor"])
    tours = plan_day(anchor)
    if is_new or not known.get("loaded"):
        path.write_text(
            json.dumps({"day": f"{anchor:%Y-%m-%d}", "anchor": anchor.isoformat(), "loaded": False})
        )
        load_fleet(api)
        for tour in tours:
            load_tour(api, tour, anchor)
        load_incidents(api, tours, anchor)
        path.write_text(
            json.dumps({"day": f"{anchor:%Y-%m-%d}", "anchor": anchor.isoformat(), "loaded": True})
        )
    return tours


def _environ() -> tuple[dict[str, str], float]:
    defaults = {"WAYBILL_TIME_ZONE": "Europe/Helsinki", "WAYBILL_RATE_LIMIT": "1000 per 10 seconds"}
    environ = defaults | dict(os.environ)
    try:
        speed = float(environ.get("WAYBILL_DEMO_SPEED", "") or 1)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 100:
        raise SettingsError(["WAYBILL_DEMO_SPEED must be a number from 0.1 to 100."])
    return environ, speed


def _kept_key(settings: Settings) -> str:
    path: Path = settings.data_dir / "demo_api_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> bool:
    bound = time.monotonic() + START_BOUND_S
    while server.poll() is None and time.monotonic() < bound:
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=2):  # noqa: S310 - our own server
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _announce(url: str, key: str, password: str) -> None:
    drivers = ", ".join(username for _, username in DRIVERS)
    print(
        f"\nWaybill's demo runs at {url}\n"
        f"  dispatcher  sign in as dispatcher with the password {password}\n"
        f"  drivers     sign in as {drivers} with the same password\n"
        f"  API         {url}/api/docs with the bearer key {key}\n"
        "Map data © OpenStreetMap contributors. Stop with Ctrl-C.\n",
        flush=True,
    )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
