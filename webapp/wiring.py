"""Which adapters serve which port: the one place where Waybill is put together."""

from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from backend_services.deliveries.booking import BookingRules
from backend_services.deliveries.service import DeliveryService
from backend_services.fleet.positions import LastPositions
from backend_services.fleet.service import FleetService
from backend_services.projecting import all_projections, build_codec, prepare_read_models
from backend_services.routes.service import RouteService
from backend_services.settings import Settings
from eventstore.doors import Doors
from eventstore.execute import Executor, Outcome
from eventstore.factory import open_event_store
from eventstore.locks import InProcessLocks
from eventstore.ports import EventStoreError
from eventstore.projections import ConsumerRunner

READ_YOUR_WRITES_BOUND_S = 2.0


class Companion(Protocol):
    """A thread that lives as long as the process serves."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Waybill:
    """The running system: services to command, sessions to query, and the thread that keeps the rows up to date."""

    def __init__(self, settings: Settings, doors: Doors | None = None) -> None:
        self.settings = settings
        self.doors = doors or Doors()
        self.store = open_event_store(settings.event_store_url)
        self.codec = build_codec()
        self.engine = open_read_models(settings.database_url)
        self.sessions: sessionmaker[Session] = sessionmaker(self.engine)
        self._listeners: list[Callable[[], None]] = []
        self._companions: list[Companion] = []
        self.runner = ConsumerRunner(
            self.store, self.codec, self.engine, all_projections(), self._on_progress
        )
        prepare_read_models(self.engine, self.runner)
        executor, locks = Executor(self.store, self.codec, self.doors), InProcessLocks()
        rules = BookingRules(settings.booking_minimum, settings.booking_buffer)
        self.fleet = FleetService(executor, locks, self.sessions)
        self.routes = RouteService(executor, locks)
        self.deliveries = DeliveryService(executor, locks, self.sessions, rules)
        self.positions = LastPositions()

    def start(self) -> None:
        """Start the threads. Call it after any fork."""
        self.runner.start()
        for companion in self._companions:
            companion.start()

    def stop(self) -> None:
        """Finish what is in hand and stop the threads."""
        for companion in self._companions:
            companion.stop()
        self.runner.stop()
        self.store.close()
        self.engine.dispose()

    def add_companion(self, companion: Companion) -> None:
        """Start and stop something of the process (the board's hub, a reactor) together with the rest."""
        self._companions.append(companion)

    def on_rows_changed(self, listener: Callable[[], None]) -> None:
        """Call `listener` (quickly) whenever the rows may have changed."""
        self._listeners.append(listener)

    def wait_for(self, outcome: Outcome) -> bool:
        """Wait until the rows show what the command did, at most 2 s; False when they are still catching up."""
        if outcome.last_position is None:
            return True
        return self.runner.wait_until(outcome.last_position, READ_YOUR_WRITES_BOUND_S)

    def health(self) -> dict[str, Any]:
        """The state of each dependency, without secrets; `status` is ready, catching_up or unavailable."""
        try:
            head = self.store.head()
        except EventStoreError:
            return {"status": "unavailable", "dependencies": {"eventStore": {"status": "down"}}}
        lag_s = self.runner.lag_s
        behind = head - self.runner.position
        is_behind = not self.runner.has_caught_up or (behind > 0 and lag_s > 1)
        stuck = self.runner.last_error is not None
        projections = {
            "status": "stuck" if stuck else "catching_up" if is_behind else "up",
            "lagSeconds": round(lag_s, 3),
            "eventsBehind": behind,
        }
        ready = projections["status"] == "up"
        return {
            "status": "ready" if ready else "catching_up",
            "dependencies": {
                "eventStore": {"status": "up", "events": head},
                "readModels": projections,
            },
        }

    def _on_progress(self) -> None:
        for listener in self._listeners:
            listener()


def open_read_models(url: str) -> Engine:
    """The engine of the read models. They can be built again, so a SQLite file needn't be synced at each commit."""
    engine = create_engine(url, pool_size=16, max_overflow=-1, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA busy_timeout = 5000")

    return engine


def build(settings: Settings, doors: Doors | None = None) -> Waybill:
    """Put Waybill together for these settings."""
    return Waybill(settings, doors)
