"""Which adapters serve which port: the one place where Waybill is put together."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy.orm import Session, sessionmaker

from backend_services.deliveries.past_days import PastDays
from backend_services.deliveries.service import DeliveryService
from backend_services.fleet.positions import Positions
from backend_services.fleet.service import FleetService
from backend_services.fleet.sqlite_positions import SqlitePositions
from backend_services.projecting import all_projections, build_codec, prepare_read_models
from backend_services.read_cache import OwnReadCache, ReadCache
from backend_services.read_database import ANSWER_TIMEOUT_S, open_read_models
from backend_services.routes.service import RouteService
from backend_services.services import Services, build_services
from backend_services.settings import Settings
from eventstore.doors import Doors
from eventstore.execute import Executor, Outcome
from eventstore.factory import open_event_store
from eventstore.locks import InProcessLocks
from eventstore.ports import EventStore, EventStoreError
from eventstore.projections import ConsumerRunner
from webapp.probes import State, summed_up

if TYPE_CHECKING:
    from webapp.set_aside import SetAside

READ_YOUR_WRITES_BOUND_S = 2.0
BEHIND_FROM_S = 1.0


class Companion(Protocol):
    """A thread that lives as long as the process serves."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Rows(Protocol):
    """How the read models stand, whoever writes them: `lag_s` seconds and `events_behind` events behind the log."""

    has_caught_up: bool
    last_error: str | None

    @property
    def lag_s(self) -> float: ...
    @property
    def events_behind(self) -> int: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def on_change(self, listener: Callable[[], None]) -> None: ...
    def wait_for(self, outcome: Outcome, timeout_s: float) -> bool: ...


class Waybill:
    """The running system: services to command, sessions to query, and what keeps the rows up to date.

    Embedded, everything is in this process. Over the real engines the commands go to workers, and projectors write
    the rows.
    """

    def __init__(self, settings: Settings, doors: Doors | None = None) -> None:
        self.settings = settings
        self.doors = doors or Doors()
        self.codec = build_codec()
        self.engine = open_read_models(settings, answers_within_s=ANSWER_TIMEOUT_S)
        self.sessions: sessionmaker[Session] = sessionmaker(self.engine)
        self._companions: list[Companion] = []
        self.store: EventStore
        self.rows: Rows
        self.services: Services
        self.positions: Positions
        self.read_cache: ReadCache
        self.set_aside: SetAside | None = None
        """What no projection can apply; embedded nothing is ever set aside."""
        self._ask: Callable[[], dict[str, State]] = self._ask_stores
        if settings.is_distributed:
            self._distribute()
        else:
            self._embed()
        self.past_days = PastDays(self.store, self.codec)
        self.fleet: FleetService = self.services.fleet
        self.routes: RouteService = self.services.routes
        self.deliveries: DeliveryService = self.services.deliveries

    def start(self) -> None:
        """Start the threads. Call it after any fork."""
        self.rows.start()
        for companion in self._companions:
            companion.start()

    def stop(self) -> None:
        """Finish what is in hand and stop the threads."""
        for companion in reversed(self._companions):
            companion.stop()
        self.rows.stop()
        self.positions.close()
        self.store.close()
        self.engine.dispose()

    def add_companion(self, companion: Companion) -> None:
        """Start and stop something of the process (the board's hub, a reactor) together with the rest."""
        self._companions.append(companion)

    def wait_for(self, *outcomes: Outcome) -> bool:
        """Wait until the rows show what the commands did, at most 2 s; False when they are still catching up."""
        bound = time.monotonic() + READ_YOUR_WRITES_BOUND_S
        return all(self.rows.wait_for(outcome, max(0.0, bound - time.monotonic())) for outcome in outcomes)

    def is_pending(self, command_id: str) -> bool:
        """Whether a command that isn't stored yet may still be waiting for a worker."""
        return self._is_pending(command_id)

    def health(self) -> dict[str, Any]:
        """The state of each dependency, without secrets, in less than 2 s; `status` sums them up."""
        states = self._ask()
        return {"status": summed_up(states), "dependencies": states}

    def _ask_stores(self) -> dict[str, State]:
        """The two that there are in one process."""
        try:
            event_store: State = {"status": "up", "events": self.store.head()}
            behind, lag_s = self.rows.events_behind, self.rows.lag_s
        except EventStoreError:
            return {"eventStore": {"status": "down"}, "readModels": {"status": "unknown"}}
        status = "up"
        if self.rows.last_error:
            status = "stuck"
        elif not self.rows.has_caught_up:
            status = "catching_up"
        elif behind > 0 and lag_s > BEHIND_FROM_S:
            status = "behind"
        read_models = {"status": status, "lagSeconds": round(lag_s, 3), "eventsBehind": behind}
        return {"eventStore": event_store, "readModels": read_models}

    def now(self) -> datetime:
        """The instant (UTC) by this system's clock."""
        return self.doors.now()

    def _embed(self) -> None:
        self.store = open_event_store(self.settings.event_store_url)
        self.runner = ConsumerRunner(self.store, self.codec, self.engine, all_projections())
        prepare_read_models(self.engine, self.runner)
        self.rows = self.runner
        executor = Executor(self.store, self.codec, self.doors)
        self.services = build_services(self.settings, executor, InProcessLocks(), self.sessions)
        self.positions = SqlitePositions(
            self.settings.data_dir / "positions.db", self.settings.positions_kept, self.now
        )
        self.read_cache = OwnReadCache()
        self._is_pending: Callable[[str], bool] = lambda _: False

    def _distribute(self) -> None:
        from webapp.distributed import Distributed

        parts = Distributed(self)
        self.store, self.rows, self.positions = parts.store, parts.rows, parts.positions
        self.read_cache = parts.read_cache
        self.services = cast(Services, parts.services)
        self.set_aside = parts.set_aside
        self._ask, self._is_pending = parts.health.ask, parts.bus.is_pending
        self.add_companion(parts.bus)


def build(settings: Settings, doors: Doors | None = None) -> Waybill:
    """Put Waybill together for these settings."""
    return Waybill(settings, doors)
