"""The parts of a web process over the real engines: the command bus, rows written elsewhere, positions in Redis."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from backend_services.command_bus import CommandBus, RemoteService
from backend_services.fleet.shared_positions import SharedPositions
from backend_services.guarded import GuardedStore, connect_redis
from backend_services.pokes import Pokes
from backend_services.read_cache import SharedReadCache
from backend_services.services import NAMES, build_services
from backend_services.shared_rows import SharedRows
from eventstore.execute import Executor
from eventstore.mongodb import MongoEventStore
from eventstore.redis_locks import RedisLocks
from eventstore.sequencer import PlacedLog

if TYPE_CHECKING:
    from webapp.wiring import Waybill


class Distributed:
    """What `Waybill` uses in the distributed mode. Nothing is connected yet when it is made."""

    def __init__(self, waybill: "Waybill") -> None:
        settings = waybill.settings
        self._store = MongoEventStore(settings.event_store_url)
        self.store = GuardedStore(self._store)
        self._redis = connect_redis(settings, max_connections=settings.threads + 50)
        self.bus = CommandBus(self._redis, settings.namespace, waybill.doors)
        self.rows = SharedRows(
            settings, waybill.engine, PlacedLog(self._store), Pokes(self._redis, settings.namespace)
        )
        self.read_cache = SharedReadCache(self._redis, settings.namespace)
        self.positions = SharedPositions(self._redis, settings.namespace)
        locks = RedisLocks(self._redis, settings.namespace)
        executor = Executor(self.store, waybill.codec, waybill.doors)
        local = build_services(settings, executor, locks, waybill.sessions)
        self.services = SimpleNamespace(
            **{name: RemoteService(name, getattr(local, name), self.bus) for name in NAMES}
        )

    def health(self) -> dict[str, Any]:
        """Redis and the publisher: without them everything goes on, only slower."""
        return {"redis": self._redis_health(), "publisher": self._publisher_health()}

    def _redis_health(self) -> dict[str, Any]:
        try:
            return {"status": "up", "commandsWaiting": self.bus.queue_lengths(list(NAMES))}
        except RedisError:
            return {"status": "down"}

    def _publisher_health(self) -> dict[str, Any]:
        try:
            unplaced = self._store.commits.count_documents({"waiting": True})
            relay = self._store.database["relays"].find_one({"_id": "kafka"})
            behind = self._store.head() - int(relay["position"] if relay else 0)
        except PyMongoError:
            return {"status": "unknown"}
        return {"status": "up", "commitsUnplaced": unplaced, "eventsUnpublished": behind}
