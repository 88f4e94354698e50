"""Settings are checked all at once, and what can be made is made."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from backend_services.settings import KNOWN, SettingsError, load_settings


def test_the_defaults_work_in_an_empty_folder(tmp_path: Path) -> None:
    settings = load_settings({"WAYBILL_DATA_DIR": str(tmp_path / "new")})
    assert settings.port == 8000
    assert settings.host == "127.0.0.1"
    assert settings.rate_limit == "100 per 10 seconds"
    assert settings.event_store_url == f"sqlite:///{tmp_path}/new/events.db"
    assert settings.booking_minimum == timedelta(minutes=30)
    assert settings.api_key is None


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    environ = {"WAYBILL_DATA_DIR": str(tmp_path)}
    first = load_settings(environ).secret_key
    assert len(first) >= 32
    assert load_settings(environ).secret_key == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert load_settings(environ | {"SECRET_KEY": "x" * 32}).secret_key == "x" * 32


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "0", "from 1 to 65535"),
        ("PORT", "eighty", "whole number"),
        ("WAYBILL_API_KEY", "short", "at least 16"),
        ("SECRET_KEY", "short", "at least 32"),
        ("WAYBILL_RATE_LIMIT", "often", "like '100 per 10 seconds'"),
        ("WAYBILL_TIME_ZONE", "Mars/Base", "IANA"),
        ("WAYBILL_TIME_ZONE", "../etc/passwd", "IANA"),
        ("WAYBILL_BOOKING_MINIMUM_MINUTES", "0", "from 1"),
        ("WAYBILL_BOOKING_BUFFER_MINUTES", "-1", "from 0"),
        ("WAYBILL_THREADS", "1", "from 8"),
        ("WAYBILL_BASE_URL", "waybill.example", "http"),
        ("EVENT_STORE_URL", "mysql://127.0.0.1", "sqlite:/// or mongodb://"),
        ("EVENT_STORE_URL", "sqlite:///", "must name a file"),
        ("DATABASE_URL", "memory://", "sqlite:/// or postgresql://"),
        ("BROKER_URL", "amqp://127.0.0.1", "memory:// or kafka://"),
        ("REDIS_URL", "redis://127.0.0.1", "BROKER_URL (kafka://…), DATABASE_URL"),
        ("WAYBILL_NAMESPACE", "A B", "small letters"),
        ("WAYBILL_LOG_LEVEL", "LOUD", "WARNING"),
        ("WAYBILL_MAP_STYLE_URL", "tiles.example.org", "https://host"),
        ("WAYBILL_MAP_STYLE_URL", "https://a.example/x; script-src *", "https://host"),
        ("WAYBILL_DEVELOPMENT", "yes", "on or off"),
        ("WAYBILL_PROT", "1", "not a setting"),
        ("WAYBILL_DATA_DIR", "/dev/null/x", "can't be made"),
    ],
)
def test_each_wrong_setting_is_one_sentence(tmp_path: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings({"WAYBILL_DATA_DIR": str(tmp_path), name: value})
    assert len(wrong.value.problems) == 1, wrong.value.problems
    assert name in wrong.value.problems[0]
    assert says in wrong.value.problems[0]


def test_all_problems_are_said_together(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings(
            {"WAYBILL_DATA_DIR": str(tmp_path), "PORT": "x", "WAYBILL_THREADS": "x", "WAYBILL_X": "1"}
        )
    assert len(wrong.value.problems) == 3


ENGINES = {
    "EVENT_STORE_URL": "mongodb://127.0.0.1/waybill?replicaSet=rs0",
    "BROKER_URL": "kafka://127.0.0.1:9092",
    "REDIS_URL": "redis://127.0.0.1/0",
    "DATABASE_URL": "postgresql://127.0.0.1/waybill",
}


def test_the_real_engines_need_a_secret_of_their_own_where_pages_are_served(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY must be set"):
        load_settings(ENGINES)
    settings = load_settings(ENGINES | {"WAYBILL_DATA_DIR": str(tmp_path / "unmade")}, serves_pages=False)
    assert settings.is_distributed
    assert settings.database_url == "postgresql+psycopg://127.0.0.1/waybill"
    assert not settings.data_dir.exists()
    assert not load_settings({"WAYBILL_DATA_DIR": str(tmp_path)}).is_distributed


def test_an_event_store_without_a_database_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must name a database"):
        load_settings(ENGINES | {"EVENT_STORE_URL": "mongodb://127.0.0.1"}, serves_pages=False)


def test_the_readme_names_every_setting() -> None:

    table = Path("README.md").read_text()
    for name in [*KNOWN, "PORT", "SECRET_KEY", "EVENT_STORE_URL", "DATABASE_URL", "BROKER_URL", "REDIS_URL"]:
        assert f"`{name}`" in table, name
