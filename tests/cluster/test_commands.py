"""Commands on their way: without a worker, with one that dies, with a Redis that forgets, and sent twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import redis

from ops.cluster import Shape
from ops.engines import RedisServer
from ops.processes import wait_until
from tests.engines import engine_url
from tests.journey.city import ok, refused
from tests.journey.distributed import DistributedServer

WORKER = "worker-all-1"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    engine_url("REDIS_URL")
    running = RedisServer(tmp_path / "redis").start()
    yield running
    running.stop()


@pytest.fixture
def server(tmp_path: Path, own_redis: RedisServer) -> Iterator[DistributedServer]:
    running = DistributedServer(tmp_path / "city", Shape(), {"REDIS_URL": own_redis.url})
    yield running.start()
    running.remove()


def add_driver(http: httpx.Client, key: str) -> httpx.Response:
    body = {"name": "Aino", "driverLicense": key}
    return http.post("/api/fleet/drivers", json=body, headers={"Idempotency-Key": key})


def test_without_a_worker_a_command_is_taken_down_and_done_when_one_comes(server: DistributedServer) -> None:
    server.cluster.roles[WORKER].kill()
    key = str(uuid4())
    taken = add_driver(server.client, key)
    assert taken.status_code == 202, taken.text
    assert taken.headers["Location"] == f"/api/commands/{key}"
    assert taken.json()["outcome"] == "pending"
    assert server.client.get(taken.headers["Location"]).status_code == 202
    server.cluster.roles[WORKER].start()
    done = wait_until(
        lambda: (found := server.client.get(taken.headers["Location"])).status_code == 200 and found.json(),
        20,
        "the command",
    )
    assert done["outcome"] == "accepted"
    again = add_driver(server.client, key)
    assert ok(again)["id"] == done["result"]["id"]
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_key_that_waits_is_not_taken_by_another_command(server: DistributedServer) -> None:
    server.cluster.roles[WORKER].kill()
    key = {"Idempotency-Key": str(uuid4())}
    first, other = ({"name": name, "driverLicense": "L"} for name in ("First", "Other"))
    assert server.client.post("/api/fleet/drivers", json=first, headers=key).status_code == 202
    refused(server.client.post("/api/fleet/drivers", json=other, headers=key), 422, "idempotency_key_reused")
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(server.client.post, "/api/fleet/drivers", json=first, headers=key)
        server.cluster.roles[WORKER].start()
        assert again.result(30).status_code == 200
    refused(server.client.post("/api/fleet/drivers", json=other, headers=key), 422, "idempotency_key_reused")
    drivers = ok(server.client.get("/api/fleet/drivers"))["items"]
    assert [driver["name"] for driver in drivers] == ["First"]


def test_what_a_frozen_worker_holds_is_done_by_another(tmp_path: Path, own_redis: RedisServer) -> None:
    shape = Shape(workers=(("fleet",), ("fleet",), ("routes", "deliveries")))
    server = DistributedServer(tmp_path / "city", shape, {"REDIS_URL": own_redis.url}).start()
    frozen = server.cluster.roles["worker-fleet-1"].child
    assert frozen is not None
    try:
        frozen.freeze()
        keys = [str(uuid4()) for _ in range(20)]
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda key: add_driver(server.client, key), keys))
        assert [answer.status_code for answer in answers] == [200] * 20
        frozen.thaw()  # it does them a second time, and finds them done
        wait_until(
            lambda: not redis.Redis.from_url(own_redis.url).xlen(f"{server.name}:commands:fleet"),
            what="an empty stream",
        )
        drivers = ok(server.client.get("/api/fleet/drivers", params={"limit": 100}))["items"]
        assert sorted(driver["driverLicense"] for driver in drivers) == sorted(keys)
    finally:
        server.remove()


def test_a_command_that_redis_forgot_is_done_by_the_web_process(
    server: DistributedServer, own_redis: RedisServer
) -> None:
    server.cluster.roles[WORKER].kill()
    client = redis.Redis.from_url(own_redis.url)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(add_driver, server.client, str(uuid4()))
        wait_until(lambda: client.xlen(f"{server.name}:commands:fleet"), what="the command in its stream")
        client.flushall()
        assert answer.result(30).status_code == 200


def test_without_redis_commands_are_done_by_the_web_process(
    server: DistributedServer, own_redis: RedisServer
) -> None:
    own_redis.stop()
    key = str(uuid4())
    assert add_driver(server.client, key).status_code == 200
    assert add_driver(server.client, key).headers["Idempotent-Replayed"] == "true"
    own_redis.start()
    assert add_driver(server.client, str(uuid4())).status_code == 200


def test_the_same_command_sent_twice_at_once_is_done_once(server: DistributedServer) -> None:
    key = str(uuid4())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: add_driver(server.client, key), range(8)))
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    assert len(ok(server.client.get("/api/fleet/drivers"))["items"]) == 1


def test_a_refusal_is_kept_for_its_key(server: DistributedServer) -> None:
    key, body = str(uuid4()), {"status": "Suspended"}
    path = f"/api/fleet/drivers/{uuid4()}/status"
    first = server.client.patch(path, json=body, headers={"Idempotency-Key": key})
    again = server.client.patch(path, json=body, headers={"Idempotency-Key": key})
    assert (first.status_code, again.status_code) == (404, 404)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = server.client.patch(path, json={"status": "Available"}, headers={"Idempotency-Key": key})
    assert other.status_code == 422
