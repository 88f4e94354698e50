"""Positions for several processes: the newest in Redis, trails in MongoDB."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pymongo import MongoClient
from redis import Redis
from redis.exceptions import RedisError

from backend_services.fleet.mongo_positions import PositionsInMongo
from backend_services.fleet.positions import Fix, Nearby, kept_since, nearest, thin, whole_ms
from backend_services.fleet.redis_positions import NewestInRedis
from eventstore.ports import StoreUnavailable

T = TypeVar("T")


class SharedPositions:
    """`Positions` over Redis and MongoDB; nothing is connected before the first use.

    Without Redis everything is answered from MongoDB, only slower, and Redis is filled again when it is back. Without
    MongoDB a report keeps the newest fix in Redis, so that boards go on, and raises: who sends has to send the batch
    again, or the trail would have a hole. `clock` tells the instant (aware) by which old fixes are dropped.
    """

    def __init__(
        self,
        redis: "Redis",
        mongo: "MongoClient[dict[str, Any]]",
        namespace: str,
        kept: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._redis = NewestInRedis(redis, namespace, kept)
        self._mongo = PositionsInMongo(mongo, kept)
        self._kept = kept
        self._clock = clock
        self._owes = False
        """Redis missed a fix that MongoDB has."""

    def report(self, driver_id: str, fixes: Sequence[Fix]) -> None:
        now = self._clock()
        oldest = kept_since(now, self._kept)
        recent = [_in_ms(fix) for fix in fixes if whole_ms(fix.recorded_at) >= oldest]
        if recent:
            self._keep_newest(driver_id, max(recent, key=lambda fix: fix.recorded_at), now)
            self._mongo.keep(driver_id, recent)

    def find(self, driver_id: str, now: datetime) -> Fix | None:
        fix = self._either(
            now,
            lambda: self._redis.find(driver_id),
            lambda: self._mongo.find(driver_id, now - self._kept),
        )
        return fix if fix is not None and self._is_kept(fix, now) else None

    def newest(self, now: datetime) -> dict[str, Fix]:
        found = self._either(now, self._redis.newest, lambda: self._mongo.newest(now - self._kept))
        return {driver_id: fix for driver_id, fix in found.items() if self._is_kept(fix, now)}

    def trail(self, driver_id: str, since: datetime, until: datetime, limit: int) -> list[Fix]:
        oldest = max(since, self._clock() - self._kept)
        return thin(self._mongo.read(driver_id, oldest, until), limit)

    def near(
        self, latitude: float, longitude: float, radius_m: float, limit: int, now: datetime
    ) -> list[Nearby]:
        oldest = kept_since(now, self._kept)

        def from_mongo() -> list[Nearby]:
            newest = self._mongo.newest(now - self._kept)
            return nearest(newest.items(), latitude, longitude, radius_m, limit)

        return self._either(
            now, lambda: self._redis.near(latitude, longitude, radius_m, limit, oldest), from_mongo
        )

    def forget(self, driver_id: str) -> None:
        """MongoDB first, because Redis may be filled from it; without Redis it is to be asked for again."""
        self._mongo.forget(driver_id)
        try:
            self._redis.forget(driver_id)
        except RedisError as error:
            raise StoreUnavailable(f"Redis can't forget a driver: {type(error).__name__}") from error

    def close(self) -> None:
        """Nothing: the connections are whoever's they were given by."""

    def _keep_newest(self, driver_id: str, fix: Fix, now: datetime) -> None:
        try:
            if self._owes:
                self._redis.set_whole(False)
                self._owes = False
            self._redis.keep(driver_id, fix, now)
        except RedisError:  # the breaker in front of it says so in the log
            self._owes = True

    def _either(self, now: datetime, from_redis: Callable[[], T], from_mongo: Callable[[], T]) -> T:
        try:
            if not self._redis.is_whole():
                self._fill(now)
            return from_redis()
        except RedisError:
            return from_mongo()

    def _fill(self, now: datetime) -> None:
        """Give Redis what it has forgotten, or never heard of; without MongoDB what it has must do."""
        try:
            known = self._mongo.newest(now - self._kept)
        except StoreUnavailable:
            return
        for driver_id, fix in known.items():
            self._redis.keep(driver_id, fix, now)
        self._redis.set_whole(True)

    def _is_kept(self, fix: Fix, now: datetime) -> bool:
        return whole_ms(fix.recorded_at) >= kept_since(now, self._kept)


def _in_ms(fix: Fix) -> Fix:
    at = fix.recorded_at.astimezone(UTC)
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return Fix(fix.latitude, fix.longitude, at, fix.accuracy_m, fix.speed_mps, fix.heading_deg)
