"""`python -m webapp.demo`: start Waybill, load the demo day, keep it moving until stopped."""

import os
import secrets
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from types import FrameType

from backend_services.settings import Settings, SettingsError, load_settings, write_private
from webapp.data_folder import DataFolderInUse, take_data_folder
from webapp.demo.accounts import ensure_demo_accounts, sign_ins
from webapp.demo.client import ApiClient, ApiRefused
from webapp.demo.seed import load_day
from webapp.demo.simulator import Simulator

START_BOUND_S = 60.0
STOP_BOUND_S = 35.0
DEFAULT_SPEED = "2"  # something changes on the board every few seconds
DEFAULTS = {
    "WAYBILL_TIME_ZONE": "Europe/Helsinki",
    "WAYBILL_RATE_LIMIT": "1000 per 10 seconds",
    "WAYBILL_DEVELOPMENT": "on",
}


def main() -> int:
    """Run the demo; answers the exit code."""
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, _interrupt)
    try:
        environ = DEFAULTS | {name: value for name, value in os.environ.items() if value}
        settings, speed = load_settings(environ), _speed(environ)
        os.close(
            take_data_folder(settings.data_dir)
        )  # the server takes it again; another one is told of here
        password = ensure_demo_accounts(settings)
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    except DataFolderInUse as error:
        print(error, file=sys.stderr)
        return 1
    key = settings.api_key or _kept_key(settings)
    # A session of its own: Ctrl-C comes here only, and the server is then asked to stop in good order.
    server = subprocess.Popen(
        [sys.executable, "-m", "webapp"], env=environ | {"WAYBILL_API_KEY": key}, start_new_session=True
    )
    try:
        return _run(ApiClient(_url(settings), key), server, password, speed)
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(server)


def _run(api: ApiClient, server: subprocess.Popen[bytes], password: str, speed: float) -> int:
    if not _wait_until_ready(api, server):
        print("demo: the server did not start", file=sys.stderr)
        return server.poll() or 1
    try:
        load_day(api, datetime.now(UTC), speed)
    except (ApiRefused, OSError) as error:
        print(f"demo: the day could not be loaded: {error}", file=sys.stderr)
        return 1
    print(
        f"\nWaybill's demo runs at {api.url}\n\n{sign_ins(password)}\n"
        f"API: {api.url}/api/docs, with the bearer key in demo_api_key in the data folder or WAYBILL_API_KEY\n\n"
        "Addresses © OpenStreetMap contributors, ODbL. Stop with Ctrl-C.\n",
        flush=True,
    )
    # Impatient, so that it notices soon when the server has ended; its own loop asks again and again.
    Simulator(ApiClient(api.url, api.key, patience_s=2.0), speed).run(lambda: server.poll() is not None)
    print(f"demo: the server has ended by itself (exit code {server.returncode})", file=sys.stderr)
    return server.returncode or 1


def _speed(environ: dict[str, str]) -> float:
    try:
        speed = float(environ.get("WAYBILL_DEMO_SPEED", DEFAULT_SPEED))
    except ValueError:
        speed = 0.0
    if not 0.5 <= speed <= 100:
        raise SettingsError(["WAYBILL_DEMO_SPEED must be a number from 0.5 to 100."])
    return speed


def _kept_key(settings: Settings) -> str:
    path = settings.data_dir / "demo_api_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


def _url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - only compared
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _wait_until_ready(api: ApiClient, server: subprocess.Popen[bytes]) -> bool:
    """Wait for our own server: one that takes our key. False when it ended, or does not come within the bound."""
    probe = ApiClient(api.url, api.key, patience_s=0.0)
    bound = time.monotonic() + START_BOUND_S
    while server.poll() is None and time.monotonic() < bound:
        try:
            probe.call("GET", "/health/ready")
            probe.call("GET", "/api/fleet/drivers?limit=1")
            return True
        except (ApiRefused, OSError):
            time.sleep(0.1)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, signal.SIG_IGN)  # it is stopping already
    server.terminate()
    try:
        server.wait(STOP_BOUND_S)
    except subprocess.TimeoutExpired:
        server.kill()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
