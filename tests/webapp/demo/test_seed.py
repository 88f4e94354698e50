"""Loading the demo day into the real program."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journey.server import API_KEY, Server
from webapp.demo.client import ApiClient
from webapp.demo.day import day_of
from webapp.demo.rounds import instant
from webapp.demo.seed import load_day


class PullsThePlug(ApiClient):
    """A client whose process ends after some writes."""

    def __init__(self, url: str, writes: int) -> None:
        super().__init__(url, API_KEY)
        self._left = writes

    def call(self, method: str, path: str, body: Any = None, command_id: str | None = None) -> Any:
        if method != "GET":
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt
        return super().call(method, path, body, command_id)


def head(api: ApiClient) -> int:
    """How many events there are."""
    position = 0
    while True:
        page = api.call("GET", f"/api/events?after={position}&limit=1000")
        if not page["events"]:
            return position
        position = page["next"]


def deliveries(api: ApiClient) -> list[dict[str, Any]]:
    """Every delivery in full."""
    return [
        item | api.call("GET", f"/api/deliveries/{item['id']}")
        for item in api.items("/api/deliveries?limit=200")
    ]


def test_a_day_is_alive_from_its_first_minute(api: ApiClient, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    assert load_day(api, now)
    assert capsys.readouterr().out == "", "no step was refused"

    found = deliveries(api)
    statuses = Counter(delivery["status"] for delivery in found)
    assert statuses["Delivered"] >= 3
    assert statuses["Failed"] == 1
    assert statuses["InTransit"] + statuses["OutForDelivery"] >= 3
    assert statuses["PickedUp"] >= 3
    assert any(item["driverId"] is None for item in found if item["status"] == "PickedUp")
    incidents = [incident for item in found for incident in item["incidents"]]
    assert Counter(incident["resolved"] for incident in incidents) == {False: 2, True: 2}

    overview = api.call("GET", "/api/fleet/overview")
    assert overview["counts"]["drivers"]["Unavailable"] == overview["counts"]["vehicles"]["Maintenance"] == 1
    routes = api.call("GET", "/api/routes/overview")["routes"]
    assert Counter(route["status"] for route in routes) == {"Active": 12, "Planning": 1}


def test_the_past_of_a_day_is_believable(api: ApiClient) -> None:
    now = datetime.now(UTC)
    load_day(api, now)
    for delivery in deliveries(api):
        reached = [stop for stop in delivery["checkpoints"] if stop["reachedAt"]]
        times = [instant(stop["reachedAt"]) for stop in reached]
        assert times == sorted(times)
        assert not any(stop["outOfOrder"] for stop in reached)
        assert all(instant(delivery["createdAt"]) < time <= now for time in times)
        differences = [instant(stop["reachedAt"]) - instant(stop["expectedTime"]) for stop in reached]
        assert all(timedelta(minutes=-3) < difference < timedelta(minutes=12) for difference in differences)
        if delivery["status"] == "Delivered":
            assert times[-1] < instant(delivery["deliveredAt"]) <= now
            assert delivery["receiverName"]
            assert delivery["signatureUrl"].startswith("/blobs/")


def test_loading_twice_loads_once(api: ApiClient) -> None:
    now = datetime.now(UTC)
    assert load_day(api, now)
    loaded = head(api)
    assert not load_day(api, now)
    assert head(api) == loaded


@pytest.mark.parametrize("writes", [20, 50, 80])  # of about a hundred, which differs by the day
def test_a_start_that_was_broken_off_is_taken_up_where_it_stopped(
    server: Server, api: ApiClient, writes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    with pytest.raises(KeyboardInterrupt):
        load_day(PullsThePlug(server.url, writes), now)
    assert load_day(api, datetime.now(UTC)) == (day_of(datetime.now(UTC)) == day_of(now))
    assert capsys.readouterr().out == "", "no step was refused"
    assert len(deliveries(api)) == 12
    assert len(list(api.items("/api/fleet/drivers?limit=50"))) == 8


def test_another_day_brings_new_tours_to_the_same_fleet_and_yesterdays_drivers_are_home(
    api: ApiClient,
) -> None:
    now = datetime.now(UTC)
    load_day(api, now - timedelta(days=1))
    assert load_day(api, now)
    found = deliveries(api)
    assert len(found) == 24
    assert len(list(api.items("/api/fleet/drivers?limit=50"))) == 8
    yesterdays = [item for item in found if instant(item["scheduledStartTime"]) < now - timedelta(hours=12)]
    assert len(yesterdays) == 12
    assert {item["status"] for item in yesterdays} == {"Delivered", "Failed"}
    in_time = [item for item in yesterdays if item["deliveredAt"]]
    assert all(instant(item["deliveredAt"]) < now - timedelta(hours=12) for item in in_time)
