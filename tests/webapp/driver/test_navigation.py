"""The link that opens the phone's map."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from backend_services.deliveries.queries import StopView
from webapp.navigation import navigation_link

STOP = StopView(
    sequence=1,
    location="Café (rear) & Co",
    expected_time=datetime(2026, 1, 1, tzinfo=UTC),
    address="Kauppatori 1, Helsinki",
    latitude=60.1675,
    longitude=24.9525,
    time_zone=None,
    reached_at=None,
    out_of_order=False,
)
NO_POINT = replace(STOP, latitude=None, longitude=None)
NAME_ONLY = replace(NO_POINT, address=None)


def test_an_android_phone_opens_whatever_map_it_has_at_the_point() -> None:
    link = navigation_link(STOP, "Mozilla/5.0 (Linux; Android 14)")

    assert link == "geo:60.1675,24.9525?q=60.1675,24.9525(Caf%C3%A9%20rear%20%26%20Co)"


def test_without_a_point_android_looks_for_the_address() -> None:
    assert navigation_link(NO_POINT, "Android") == "geo:0,0?q=Kauppatori%201%2C%20Helsinki"


@pytest.mark.parametrize(
    ("agent", "host", "parameter"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)", "maps.apple.com", "daddr"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "www.openstreetmap.org", "query"),
        ("", "www.openstreetmap.org", "query"),
    ],
)
def test_other_systems_get_a_web_address(agent: str, host: str, parameter: str) -> None:
    link = urlsplit(navigation_link(NAME_ONLY, agent))

    assert link.hostname == host
    assert parse_qs(link.query) == {parameter: ["Café (rear) & Co"]}


def test_on_a_desk_the_way_there_is_shown() -> None:
    link = urlsplit(navigation_link(STOP, "Mozilla/5.0 (Windows NT 10.0)"))

    assert link.path == "/directions"
    assert parse_qs(link.query) == {"to": ["60.1675,24.9525"]}
