"""Rate limits and the sign-in throttle: counted together in Redis, by each process alone while it is away."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from redis import Redis

from ops.engines import RedisServer
from ops.processes import wait_until
from tests.webapp.shared.conftest import Start
from tests.webapp.shell.conftest import PASSWORD, Visitor
from webapp.accounts.models import create_account
from webapp.rate_limits import REDIS_TIMEOUT_S


class TestRateLimit:
    def test_it_is_one_limit_over_all_processes(self, start: Start) -> None:
        first, second = start(WAYBILL_RATE_LIMIT="6 per minute"), start(WAYBILL_RATE_LIMIT="6 per minute")
        assert statuses(first, 4) == [302] * 4
        assert statuses(second, 4) == [302, 302, 429, 429]
        answer = first.test_client().get("/")
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (429, "0")
        assert 50 < int(answer.headers["Retry-After"]) <= 60

    def test_it_counts_all_routes_of_a_client_together(self, start: Start, own_redis: RedisServer) -> None:
        app = start(WAYBILL_RATE_LIMIT="6 per minute", REDIS_URL=own_redis.url)
        routes = ["/", "/sign-in", "/routes", "/board"] * 2
        assert [status == 429 for status in asked(app, routes)] == [False] * 6 + [True] * 2
        assert asked(app, ["/health/live"]) == [200]

        own_redis.stop()  # now this process counts by itself, from the beginning
        assert [status == 429 for status in asked(app, routes)] == [False] * 6 + [True] * 2

    def test_its_keys_begin_with_the_namespace(self, start: Start, environ: dict[str, str]) -> None:
        statuses(start(WAYBILL_RATE_LIMIT="6 per minute"), 1)
        redis = Redis.from_url(environ["REDIS_URL"])
        keys = list(redis.scan_iter(f"{environ['WAYBILL_NAMESPACE']}:limits*"))
        redis.close()
        assert len(keys) == 1

    def test_without_redis_each_process_counts_for_itself_until_it_is_back(
        self, start: Start, own_redis: RedisServer
    ) -> None:
        limit = {"WAYBILL_RATE_LIMIT": "6 per minute", "REDIS_URL": own_redis.url}
        first, second = start(**limit), start(**limit)
        assert statuses(first, 6) == [302] * 6
        assert statuses(second, 1) == [429]

        own_redis.stop()
        assert statuses(first, 8) == [302] * 6 + [429] * 2
        assert statuses(second, 8) == [302] * 6 + [429] * 2

        own_redis.start()  # it kept nothing, so a request that is let in was counted there
        wait_until(lambda: statuses(first, 1) == [302], 40, "the first process to ask Redis")
        wait_until(lambda: statuses(second, 1) == [302], 40, "the second process to ask Redis")
        assert statuses(first, 3) + statuses(second, 3) == [302] * 3 + [302] + [429] * 2

    def test_a_frozen_redis_delays_one_request_a_little_and_the_next_ones_not(
        self, start: Start, own_redis: RedisServer
    ) -> None:
        app = start(WAYBILL_RATE_LIMIT="1000 per minute", REDIS_URL=own_redis.url)
        statuses(app, 3)
        assert own_redis.child is not None
        own_redis.child.freeze()

        began = time.monotonic()
        assert statuses(app, 1) == [302]
        first_s = time.monotonic() - began
        assert statuses(app, 100) == [302] * 100
        rest_s = time.monotonic() - began - first_s

        assert first_s < 10 * REDIS_TIMEOUT_S
        assert rest_s < 100 * REDIS_TIMEOUT_S / 2

    def test_those_who_ask_together_when_redis_freezes_are_all_answered(
        self, start: Start, own_redis: RedisServer
    ) -> None:
        app = start(WAYBILL_RATE_LIMIT="1000 per minute", REDIS_URL=own_redis.url)
        statuses(app, 3)
        assert own_redis.child is not None
        own_redis.child.freeze()
        together = Barrier(20)

        def ask(_number: int) -> int:
            client = app.test_client()
            together.wait(20)
            return client.get("/").status_code

        with ThreadPoolExecutor(20) as pool:
            assert list(pool.map(ask, range(20))) == [302] * 20

    def test_only_who_is_refused_is_told_when_to_come_again(self, start: Start) -> None:
        client = start(WAYBILL_RATE_LIMIT="2 per minute").test_client()
        answers = [client.get(path) for path in ("/", "/api/fleet/drivers", "/")]
        assert [answer.status_code for answer in answers] == [302, 401, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert ["Retry-After" in answer.headers for answer in answers] == [False, False, True]

    def test_it_starts_without_redis(self, start: Start, own_redis: RedisServer) -> None:
        own_redis.stop()
        app = start(WAYBILL_RATE_LIMIT="6 per minute", REDIS_URL=own_redis.url)
        assert statuses(app, 7) == [302] * 6 + [429]


class TestQueue:
    def test_who_comes_a_little_too_often_waits_for_a_turn(self, start: Start) -> None:
        app = start(WAYBILL_RATE_LIMIT="3 per second")
        began = time.monotonic()
        assert statuses(app, 7) == [302] * 7
        assert time.monotonic() - began >= 1.9

    def test_ten_wait_and_the_others_are_told_at_once(self, start: Start) -> None:
        app = start(WAYBILL_RATE_LIMIT="5 per second")
        together = Barrier(25)

        def ask(_number: int) -> tuple[int, float]:
            client = app.test_client()
            together.wait(20)
            began = time.monotonic()
            answer = client.get("/")
            assert answer.status_code == 302 or int(answer.headers["Retry-After"]) >= 1
            return answer.status_code, time.monotonic() - began

        with ThreadPoolExecutor(25) as pool:
            answers = list(pool.map(ask, range(25)))

        refused_at_once = [waited_s for status, waited_s in answers if status == 429 and waited_s < 0.9]
        assert len(refused_at_once) >= 10
        assert sum(status == 302 for status, _ in answers) >= 10
        assert max(waited_s for _, waited_s in answers) < 4


class TestThrottle:
    @pytest.fixture
    def processes(self, start: Start, own_redis: RedisServer) -> tuple[Flask, Flask]:
        first, second = start(REDIS_URL=own_redis.url), start(REDIS_URL=own_redis.url)
        with first.app_context():
            create_account("dana", PASSWORD, "admin", "Dana")
        return first, second

    def test_wrong_tries_at_any_process_count(self, processes: tuple[Flask, Flask]) -> None:
        first, second = processes
        assert wrong_tries(first, 5) + wrong_tries(second, 5) == [422] * 10
        assert Visitor(first).sign_in("dana").status_code == 429
        assert Visitor(second).sign_in("dana").status_code == 429

    def test_losing_redis_opens_no_door_that_was_closed_here(
        self, processes: tuple[Flask, Flask], own_redis: RedisServer
    ) -> None:
        first, second = processes
        assert wrong_tries(first, 10) == [422] * 10
        own_redis.stop()
        assert wrong_tries(first, 1) == [429]
        assert wrong_tries(second, 11) == [422] * 10 + [429]


def statuses(app: Flask, times: int) -> list[int]:
    """The statuses of so many requests, one after the other, of one client."""
    client = app.test_client()
    return [client.get("/").status_code for _ in range(times)]


def asked(app: Flask, paths: list[str]) -> list[int]:
    """The statuses of requests of one client for these addresses, one after the other."""
    client = app.test_client()
    return [client.get(path).status_code for path in paths]


def wrong_tries(app: Flask, times: int) -> list[int]:
    visitor = Visitor(app)
    return [visitor.sign_in("dana", "a wrong password").status_code for _ in range(times)]
