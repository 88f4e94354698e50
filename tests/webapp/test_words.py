"""What services say, as people read it, and addresses that keep their filters."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from backend_services.settings import load_settings
from webapp import create_app
from webapp.presentation import here, in_plain_words, period


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An app in Helsinki's time; nothing runs in it."""
    data_dir: Path = tmp_path_factory.mktemp("words")
    return create_app(
        load_settings({"WAYBILL_DATA_DIR": str(data_dir), "WAYBILL_TIME_ZONE": "Europe/Helsinki"})
    )


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (
            "expectedTime must be after 2024-06-01T09:05:00Z.",
            "The expected time must be after Sat 1 Jun 2024 12:05.",
        ),
        ("at 2024-01-01T09:05:00.123456+00:00", "At Mon 1 Jan 2024 11:05"),
        ("Finish 01a1fcad-983b-71bc-97e9-e89109475e41 first.", "Finish 475e41 first."),
        (
            "The delivery is InTransit, not OutForDelivery.",
            "The delivery is “In transit”, not “Out for delivery”.",
        ),
        (
            "Nothing to change here: 2024-06-01, 12:05, Delivered.",
            "Nothing to change here: 2024-06-01, 12:05, Delivered.",
        ),
        ("", ""),
    ],
)
def test_times_ids_fields_and_statuses_become_plain(app: Flask, said: str, read: str) -> None:
    with app.test_request_context("/"):
        assert in_plain_words(said) == read


def test_a_period_names_another_day_only_where_it_is_one(app: Flask) -> None:
    evening = datetime(2024, 6, 1, 18, 0, tzinfo=UTC)
    with app.test_request_context("/"):
        within = period(evening, evening.replace(hour=20)).striptags()
        beyond = period(evening, evening.replace(hour=22)).striptags()
    assert within == "Sat 1 Jun 2024 21:00 – 23:00"
    assert beyond == "Sat 1 Jun 2024 21:00 – Sun 2 Jun 2024 01:00"


def test_an_address_keeps_its_filters_and_starts_from_the_first_page(app: Flask) -> None:
    with app.test_request_context("/routes?q=a+b&status=Active&cursor=xyz&empty="):
        assert here() == "/routes?q=a+b&status=Active"
        assert here(status="Planning") == "/routes?q=a+b&status=Planning"
        assert here(status=None, q=None) == "/routes"
        assert here(q="&<>") == "/routes?q=%26%3C%3E&status=Active"
