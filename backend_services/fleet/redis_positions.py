"""The newest fix per driver, in Redis: one hash of fixes, their times, and a geo index over them."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import cast

import msgspec
from redis import Redis

from backend_services.fleet.positions import Fix, Nearby, kept_since, nearest, whole_ms

FARTHEST_NORTH = 85.05
"""Redis indexes no place nearer to a pole; such fixes are indexed there and measured where they are."""
ROUND_UP = 1.002
"""Redis measures on a slightly larger globe and rounds places to less than a metre."""
KEEP_NEWER = """
local known = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
  redis.call('GEOADD', KEYS[3], ARGV[4], ARGV[5], ARGV[1])
  for number = 1, 3 do redis.call('EXPIRE', KEYS[number], ARGV[6]) end
end
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[7], 'LIMIT', 0, 100)
if #old > 0 then
  redis.call('HDEL', KEYS[1], unpack(old))
  redis.call('ZREM', KEYS[2], unpack(old))
  redis.call('ZREM', KEYS[3], unpack(old))
end
"""


class _StoredFix(msgspec.Struct, frozen=True):
    latitude: float
    longitude: float
    recorded_at: datetime
    accuracy_m: float | None
    speed_mps: float | None
    heading_deg: float | None


class NewestInRedis:
    """What SharedPositions keeps in Redis. Every method raises redis's own errors.

    `is_whole` says whether Redis knows all there is to know: it doesn't after it lost its memory.
    """

    def __init__(self, redis: "Redis", namespace: str, kept: timedelta) -> None:
        self._redis = redis
        self._kept = kept
        self._fixes, self._times, self._places, self._whole = (
            f"{namespace}:positions:{name}" for name in ("newest", "at", "places", "whole")
        )
        self._keep_newer = redis.register_script(KEEP_NEWER)

    def keep(self, driver_id: str, fix: Fix, now: datetime) -> None:
        """Keep the fix unless a newer one is known; drop some that are too old."""
        latitude = max(-FARTHEST_NORTH, min(FARTHEST_NORTH, fix.latitude))
        arguments: list[str | bytes | float | int] = [
            driver_id,
            whole_ms(fix.recorded_at),
            msgspec.json.encode(asdict(fix)),
            fix.longitude,
            latitude,
            int(self._kept.total_seconds()),
            kept_since(now, self._kept),
        ]
        self._keep_newer(keys=[self._fixes, self._times, self._places], args=arguments)

    def is_whole(self) -> bool:
        return bool(self._redis.exists(self._whole))

    def set_whole(self, is_whole: bool) -> None:
        if is_whole:
            self._redis.set(self._whole, 1)
        else:
            self._redis.delete(self._whole)

    def find(self, driver_id: str) -> Fix | None:
        content = self._redis.hget(self._fixes, driver_id)
        return _fix(content) if content else None

    def newest(self) -> dict[str, Fix]:
        """By driver; some may be too old already."""
        known = cast(dict[bytes, bytes], self._redis.hgetall(self._fixes))
        return {driver_id.decode(): _fix(content) for driver_id, content in known.items()}

    def near(
        self, latitude: float, longitude: float, radius_m: float, limit: int, oldest: int
    ) -> list[Nearby]:
        asked_at = max(-FARTHEST_NORTH, min(FARTHEST_NORTH, latitude))
        found = cast(
            list[bytes],
            self._redis.geosearch(
                self._places,
                latitude=asked_at,
                longitude=longitude,
                radius=radius_m * ROUND_UP + 2,
                unit="m",
            ),
        )
        if not found:
            return []
        contents: Iterable[bytes | str | None] = self._redis.hmget(self._fixes, found)
        fixes = [
            (id_.decode(), _fix(content)) for id_, content in zip(found, contents, strict=True) if content
        ]
        recent = [(id_, fix) for id_, fix in fixes if whole_ms(fix.recorded_at) >= oldest]
        return nearest(recent, latitude, longitude, radius_m, limit)

    def forget(self, driver_id: str) -> None:
        self._redis.hdel(self._fixes, driver_id)
        self._redis.zrem(self._times, driver_id)
        self._redis.zrem(self._places, driver_id)


def _fix(content: bytes | str) -> Fix:
    return Fix(**msgspec.structs.asdict(msgspec.json.decode(content, type=_StoredFix)))
