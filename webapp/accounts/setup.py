"""The first start: a one-time code lets whoever can read the server's output make the first account."""

import hmac
import secrets
import sqlite3
from pathlib import Path

from backend_services.settings import Settings, write_private


def announce_setup(settings: Settings) -> None:
    """Print where to go: the board's address, or the one-time link while nobody can sign in."""
    host = settings.host if settings.host not in ("0.0.0.0", "::") else "localhost"  # noqa: S104
    address = settings.base_url or f"http://{host}:{settings.port}"
    if _has_accounts(settings.data_dir):
        print(f"Waybill: {address}", flush=True)
        return
    path = settings.data_dir / "setup_code"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    print(f"Waybill: make the first account at {address}/setup?code={path.read_text().strip()}", flush=True)


def is_setup_code(settings: Settings, code: str) -> bool:
    """Whether this is the one-time code of the data folder."""
    path = settings.data_dir / "setup_code"
    return path.exists() and hmac.compare_digest(path.read_text().strip().encode(), code.encode())


def forget_setup_code(settings: Settings) -> None:
    """The code is used."""
    (settings.data_dir / "setup_code").unlink(missing_ok=True)


def _has_accounts(data_dir: Path) -> bool:
    path = data_dir / "accounts.db"
    if not path.exists():
        return False
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'accounts'").fetchall()
        return bool(tables and connection.execute("SELECT 1 FROM accounts LIMIT 1").fetchone())
