"""Settings from the environment, checked all at once before anything starts."""

import difflib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from limits import parse_many

T = TypeVar("T")

KNOWN = {
    "WAYBILL_HOST",
    "WAYBILL_DATA_DIR",
    "WAYBILL_API_KEY",
    "WAYBILL_RATE_LIMIT",
    "WAYBILL_TIME_ZONE",
    "WAYBILL_BOOKING_MINIMUM_MINUTES",
    "WAYBILL_BOOKING_BUFFER_MINUTES",
    "WAYBILL_POSITIONS_KEPT_HOURS",
    "WAYBILL_THREADS",
    "WAYBILL_SOCKETS",
    "WAYBILL_BASE_URL",
    "WAYBILL_PROXIES",
    "WAYBILL_DEMO_SPEED",
    "WAYBILL_NAMESPACE",
    "WAYBILL_METRICS_PORT",
    "WAYBILL_LOG_LEVEL",
    "WAYBILL_MAP_STYLE_URL",
    "WAYBILL_DEVELOPMENT",
}
IN_MEMORY = "memory://"
ENGINES = {
    "EVENT_STORE_URL": "mongodb://",
    "BROKER_URL": "kafka://",
    "REDIS_URL": "redis://",
    "DATABASE_URL": "postgresql://",
}
"""What makes the distributed mode: all four of them, or none (one process on SQLite)."""


class SettingsError(Exception):
    """Some settings are wrong; `problems` holds one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Settings:
    """The settings of one run; the README's table says what each means."""

    port: int
    host: str
    data_dir: Path
    api_key: str | None
    secret_key: str
    rate_limit: str | None
    event_store_url: str
    database_url: str
    broker_url: str
    redis_url: str
    time_zone: ZoneInfo
    booking_minimum: timedelta
    booking_buffer: timedelta
    positions_kept: timedelta
    threads: int
    sockets: int
    base_url: str | None
    proxies: int
    namespace: str
    metrics_port: int | None
    log_level: str
    map_style_url: str | None
    is_development: bool

    @property
    def is_distributed(self) -> bool:
        """Whether this process is one of several over real engines, not the only one on SQLite."""
        return self.redis_url != IN_MEMORY

    @property
    def topic_prefix(self) -> str:
        """What Kafka's topics are prefixed with: nothing, unless several installations share the broker."""
        return "" if self.namespace == "waybill" else self.namespace

    @property
    def is_https(self) -> bool:
        """Whether browsers reach us over TLS, so that cookies must be Secure."""
        return self.base_url is not None and self.base_url.startswith("https://")


def load_settings(environ: Mapping[str, str], *, serves_pages: bool = True) -> Settings:
    """The settings in `environ`; makes the data folder and a secret key where needed. Raises `SettingsError`.

    A process that serves no pages (a worker) needs no secret key.
    """
    problems: list[str] = _unknown(environ)

    def read(name: str, default: str, parse: Callable[[str, str], T]) -> T | None:
        try:
            return parse(name, environ.get(name, "") or default)
        except ValueError as error:
            problems.append(str(error))
            return None

    distributed = _is_distributed(environ, problems)
    data_dir = read("WAYBILL_DATA_DIR", "./var", _path if distributed else _folder)
    values = {
        "port": read("PORT", "8000", _whole(1, 65_535)),
        "host": environ.get("WAYBILL_HOST", "") or "127.0.0.1",
        "data_dir": data_dir,
        "api_key": read("WAYBILL_API_KEY", "", _secret(16)),
        "rate_limit": read("WAYBILL_RATE_LIMIT", "100 per 10 seconds", _rate),
        "event_store_url": read("EVENT_STORE_URL", f"sqlite:///{data_dir}/events.db", _engine),
        "database_url": read("DATABASE_URL", f"sqlite:///{data_dir}/read_models.db", _database),
        "broker_url": read("BROKER_URL", IN_MEMORY, _engine),
        "redis_url": read("REDIS_URL", IN_MEMORY, _engine),
        "time_zone": read("WAYBILL_TIME_ZONE", "UTC", _zone),
        "booking_minimum": read("WAYBILL_BOOKING_MINIMUM_MINUTES", "30", _minutes(1)),
        "booking_buffer": read("WAYBILL_BOOKING_BUFFER_MINUTES", "0", _minutes(0)),
        "positions_kept": read("WAYBILL_POSITIONS_KEPT_HOURS", "24", _hours),
        "threads": read("WAYBILL_THREADS", "200", _whole(8, 5_000)),
        "sockets": read("WAYBILL_SOCKETS", "2000", _whole(1, 50_000)),
        "base_url": read("WAYBILL_BASE_URL", "", _web_address),
        "proxies": read("WAYBILL_PROXIES", "0", _whole(0, 10)),
        "namespace": read("WAYBILL_NAMESPACE", "waybill", _name),
        "metrics_port": read("WAYBILL_METRICS_PORT", "0", _whole(0, 65_535)) or None,
        "log_level": read("WAYBILL_LOG_LEVEL", "INFO", _log_level),
        "map_style_url": read("WAYBILL_MAP_STYLE_URL", "", _map_style),
        "is_development": read("WAYBILL_DEVELOPMENT", "off", _switch),
    }
    given_secret = read("SECRET_KEY", "", _secret(32))
    if distributed and not problems and serves_pages and not environ.get("SECRET_KEY"):
        problems.append(
            "SECRET_KEY must be set, the same for every web process, when the real engines are used."
        )
    if problems or data_dir is None:
        raise SettingsError(problems)
    if not given_secret:
        given_secret = "" if distributed else _kept_secret(data_dir)
    return Settings(**values, secret_key=given_secret)  # type: ignore[arg-type]


def _unknown(environ: Mapping[str, str]) -> list[str]:
    problems = []
    for name in sorted(environ):
        if name.startswith("WAYBILL_") and name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            problems.append(f"{name} is not a setting of Waybill.{hint}")
    return problems


def _folder(name: str, text: str) -> Path:
    path = Path(text).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{name} is {text}, which can't be made: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ValueError(f"{name} is {text}, where this user may not write.")
    return path


def _path(_name: str, text: str) -> Path:
    return Path(text).resolve()


def _whole(least: int, most: int) -> Callable[[str, str], int]:
    def parse(name: str, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
        return int(text)

    return parse


def _minutes(least: int) -> Callable[[str, str], timedelta]:
    def parse(name: str, text: str) -> timedelta:
        return timedelta(minutes=_whole(least, 1_440)(name, text))

    return parse


def _hours(name: str, text: str) -> timedelta:
    return timedelta(hours=_whole(1, 744)(name, text))


def _secret(length: int) -> Callable[[str, str], str | None]:
    def parse(name: str, text: str) -> str | None:
        if text and (len(text) < length or not text.isprintable() or not text.isascii()):
            raise ValueError(f"{name} must have at least {length} printable ASCII characters.")
        return text or None

    return parse


def _rate(name: str, text: str) -> str | None:
    if text == "off":
        return None
    try:
        parse_many(text)
    except ValueError as error:
        raise ValueError(f"{name} must be like '100 per 10 seconds', or 'off', not {text!r}.") from error
    return text


def _is_distributed(environ: Mapping[str, str], problems: list[str]) -> bool:
    """Whether the real engines are asked for; half of them is a mistake."""
    given = {name for name in ENGINES if environ.get(name, "").startswith(ENGINES[name])}
    if given and given != set(ENGINES):
        missing = ", ".join(f"{name} ({ENGINES[name]}…)" for name in ENGINES if name not in given)
        problems.append(f"{', '.join(sorted(given))} is set for the real engines; {missing} is missing.")
    return bool(given)


def _engine(name: str, text: str) -> str:
    default = IN_MEMORY if name in ("BROKER_URL", "REDIS_URL") else "sqlite:///"
    if text.startswith((ENGINES[name], default)):
        return _with_path(name, text)
    raise ValueError(
        f"{name} must begin with {default} or {ENGINES[name]}, not {text.split(':', maxsplit=1)[0]!r}."
    )


def _database(name: str, text: str) -> str:
    """A SQLAlchemy URL; PostgreSQL is spoken to through psycopg 3."""
    if text.startswith(ENGINES[name]):
        return "postgresql+psycopg://" + text.removeprefix(ENGINES[name])
    return _engine(name, text)


def _with_path(name: str, text: str) -> str:
    if text == "sqlite:///":
        raise ValueError(f"{name} must name a file: sqlite:///<path>.")
    if text.startswith("mongodb://") and not urlsplit(text).path.strip("/"):
        raise ValueError(f"{name} must name a database: mongodb://host:27017/waybill?replicaSet=rs0.")
    return text


def _name(name: str, text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", text):
        raise ValueError(f"{name} must be 1 to 40 small letters, digits, - or _, not {text!r}.")
    return text


def _log_level(name: str, text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(f"{name} must be DEBUG, INFO, WARNING or ERROR, not {text!r}.")
    return text.upper()


def _zone(name: str, text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (
        OSError,
        ValueError,
        KeyError,
    ) as error:  # an unknown zone is a KeyError, a folder's name an OSError
        raise ValueError(f"{name} must be an IANA name like Europe/Helsinki, not {text!r}.") from error


def _web_address(name: str, text: str) -> str | None:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError(f"{name} must begin with http:// or https://, not {text!r}.")
    return text.rstrip("/") or None


def _map_style(name: str, text: str) -> str | None:
    """An address whose host can stand in a Content-Security-Policy."""
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+/[^\s;,'\"]*", text):
        raise ValueError(
            f"{name} must be like https://host/style.json or https://host/{{z}}/{{x}}/{{y}}.png."
        )
    return text or None


def _switch(name: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(f"{name} must be on or off, not {text!r}.")
    return text == "on"


def _kept_secret(data_dir: Path) -> str:
    """The secret key of this data folder, made at its first start."""
    path = data_dir / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
