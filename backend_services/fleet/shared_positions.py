"""Where drivers were last seen, for several processes: in Redis."""

import logging
from dataclasses import asdict
from datetime import datetime

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from backend_services.fleet.positions import KEPT, Fix

log = logging.getLogger(__name__)


class _StoredFix(msgspec.Struct, frozen=True):
    latitude: float
    longitude: float
    recorded_at: datetime
    accuracy_m: float | None
    speed_mps: float | None
    heading_deg: float | None


KEEP_NEWER = """
local known = redis.call('HGET', KEYS[1], 'at')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'at', ARGV[1], 'fix', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


class SharedPositions:
    """The newest fix per driver, in Redis, for all web processes. Without Redis there are none."""

    def __init__(self, redis: "Redis", namespace: str) -> None:
        self._redis = redis
        self._prefix = f"{namespace}:position:"
        self._keep_newer = redis.register_script(KEEP_NEWER)

    def report(self, driver_id: str, fixes: list[Fix]) -> bool:
        """Keep the newest fix by its own time, whatever the order of arrival; whether it is a newer one."""
        newest = max(fixes, key=lambda fix: fix.recorded_at)
        arguments: list[str | bytes | float | int] = [
            newest.recorded_at.timestamp(),
            msgspec.json.encode(asdict(newest)),
            int(KEPT.total_seconds()),
        ]
        try:
            return bool(self._keep_newer(keys=[f"{self._prefix}{driver_id}"], args=arguments))
        except RedisError as error:
            log.warning("a position is not kept: %s", error)
            return False

    def find(self, driver_id: str, now: datetime) -> Fix | None:
        """The driver's newest fix that isn't older than a day at `now`."""
        try:
            content = self._redis.hget(f"{self._prefix}{driver_id}", "fix")
        except RedisError:
            return None
        if content is None:
            return None
        fix = Fix(**msgspec.structs.asdict(msgspec.json.decode(content, type=_StoredFix)))
        return fix if fix.recorded_at >= now - KEPT else None
