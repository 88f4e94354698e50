"""What only several processes can get wrong: boards elsewhere, and bookings that meet."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import msgspec
import pytest
import redis
import websocket

from tests.cluster.clients import alternating_client, send_until_answered
from tests.cluster.conftest import City
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, move, ok, soon
from tests.journey.server import API_KEY

REQUESTS, DRIVERS = 200, 10


def test_a_change_made_at_one_shows_on_a_board_at_the_other(city: City) -> None:
    http = city.server.client_of(city.urls[0])
    delivery_id = add_delivery(http, add_route(http), add_driver(http), add_vehicle(http))
    address = city.urls[1].replace("http", "ws") + "/board/live"
    board = websocket.create_connection(address, timeout=10, header={"Authorization": f"Bearer {API_KEY}"})
    msgspec.json.decode(board.recv())
    ok(move(http, delivery_id, "InTransit"))
    rows: dict[str, str] = {}
    while "In transit" not in rows.get(delivery_id, ""):
        rows |= {row["id"]: row["html"] for row in msgspec.json.decode(board.recv())["rows"]}
    board.close()
    http.close()


def test_a_position_reported_at_one_shows_on_a_board_at_the_other(city: City) -> None:
    http, other = (city.server.client_of(url) for url in city.urls)
    driver_id = add_driver(http)
    address = city.urls[1].replace("http", "ws") + "/board/live"
    board = websocket.create_connection(address, timeout=10, header={"Authorization": f"Bearer {API_KEY}"})
    msgspec.json.decode(board.recv())
    fix = {"latitude": 60.17, "longitude": 24.94, "heading": 90.0}
    ok(http.post(f"/api/drivers/{driver_id}/location", json=fix), 202)
    assert ok(other.get(f"/api/drivers/{driver_id}/location"))["longitude"] == 24.94
    assert len(ok(other.get(f"/api/drivers/{driver_id}/trail"))["positions"]) == 1
    reported_at, fixes = time.monotonic(), {}
    while driver_id not in fixes:
        fixes |= msgspec.json.decode(board.recv())["fixes"]
    assert time.monotonic() - reported_at < 10
    assert fixes[driver_id]["heading"] == 90.0
    board.close()
    http.close()
    other.close()


def nothing(_city: City) -> None:
    """Redis stays as it is."""


def stop_redis(city: City) -> None:
    city.redis.stop()


def flush_redis(city: City) -> None:
    redis.Redis.from_url(city.redis.url).flushall()


@pytest.mark.parametrize("disturb", [nothing, flush_redis, stop_redis])
def test_of_two_hundred_bookings_one_per_driver_succeeds(city: City, disturb: Callable[[City], None]) -> None:
    start = soon()
    with alternating_client(city.urls) as http:
        drivers = [add_driver(http) for _ in range(DRIVERS)]
        routes = [
            add_route(http, start + timedelta(minutes=number % 5), stops=1)
            for number in range(REQUESTS // DRIVERS)
        ]
        wanted = [(route_id, driver_id) for route_id in routes for driver_id in drivers]
        answered = threading.Semaphore(0)

        def book(pair: tuple[str, str]) -> tuple[str, httpx.Response]:
            body = {"routeId": pair[0], "driverId": pair[1]}
            response = send_until_answered(http, "POST", "/api/deliveries", body)
            answered.release()
            return pair[1], response

        with ThreadPoolExecutor(20) as pool:
            booked = pool.map(book, wanted)
            for _ in range(REQUESTS // 4):
                answered.acquire()
            disturb(city)
            responses = list(booked)
        try:
            won: dict[str, list[str]] = {driver_id: [] for driver_id in drivers}
            for driver_id, response in responses:
                if response.status_code == 200:
                    won[driver_id].append(response.json()["id"])
                else:
                    assert response.json()["code"] == "booking_conflict", response.text
            assert [len(ids) for ids in won.values()] == [1] * DRIVERS
            for driver_id, ids in won.items():
                bookings = ok(http.get(f"/api/fleet/drivers/{driver_id}"))["bookings"]
                assert [booking["deliveryId"] for booking in bookings] == ids
        finally:
            city.redis.stop()
            city.redis.start()
