"""The parts of a web process over the real engines: the command bus, rows written elsewhere, shared positions."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

from backend_services.command_bus import CommandBus, RemoteService
from backend_services.fleet.shared_positions import SharedPositions
from backend_services.guarded import GuardedStore, connect_redis, open_locks
from backend_services.pokes import Pokes
from backend_services.read_cache import SharedReadCache
from backend_services.services import NAMES, build_services
from backend_services.shared_rows import SharedRows
from eventstore.execute import Executor
from eventstore.kafka import Broker
from eventstore.mongodb import MongoEventStore
from eventstore.sequencer import PlacedLog
from webapp.engine_health import EngineHealth
from webapp.set_aside import SetAside

if TYPE_CHECKING:
    from webapp.wiring import Waybill


class Distributed:
    """What `Waybill` uses in the distributed mode. Nothing is connected yet when it is made."""

    def __init__(self, waybill: "Waybill") -> None:
        settings = waybill.settings
        self._store = MongoEventStore(settings.event_store_url)
        self.store = GuardedStore(self._store)
        self._redis = connect_redis(settings, max_connections=settings.threads + 50)
        listening = connect_redis(settings, guarded=False)
        self.bus = CommandBus(self._redis, listening, settings.namespace, waybill.doors)
        pokes = Pokes(self._redis, settings.namespace)
        self.rows = SharedRows(settings, waybill.engine, PlacedLog(self._store), pokes)
        self.set_aside = SetAside(self._store, waybill.engine, pokes)
        self.read_cache = SharedReadCache(self._redis, settings.namespace)
        self.positions = SharedPositions(
            self._redis,
            self._store.client,
            settings.namespace,
            settings.positions_kept,
            waybill.now,
        )
        executor = Executor(self.store, waybill.codec, waybill.doors)
        local = build_services(settings, executor, open_locks(settings), waybill.sessions)
        self.services = SimpleNamespace(
            **{name: RemoteService(name, getattr(local, name), self.bus) for name in NAMES}
        )
        broker = Broker(settings.broker_url, settings.topic_prefix)
        self.health = EngineHealth(self.store, waybill.engine, self.rows, self._redis, self.bus, broker)
