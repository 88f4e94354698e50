"""How the engines and the other processes are, as a web process sees them."""

from datetime import UTC, datetime

from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend_services.command_bus import CommandBus
from backend_services.dead_letters import count_dead_letters
from backend_services.guarded import GuardedStore
from backend_services.lease import PUBLISHER, is_leased
from backend_services.resilience import refusing_breakers
from backend_services.services import NAMES
from backend_services.shared_rows import CAUGHT_UP_S, SharedRows
from eventstore.kafka import Broker
from eventstore.relay import relayed_position
from eventstore.sequencer import PlacedLog
from webapp.probes import Probe, State, ask_all

BEHIND_FROM_S = 5.0
"""Longer than this no event should wait for its place in the log, or for Kafka."""
KAFKA_BOUND_S = 1.2


class EngineHealth:
    """Asks all of them at once; nothing of what is answered is secret."""

    def __init__(
        self,
        store: GuardedStore,
        engine: Engine,
        rows: SharedRows,
        redis: "Redis",
        bus: CommandBus,
        broker: Broker,
    ) -> None:
        self._store = store
        self._engine = engine
        self._rows = rows
        self._redis = redis
        self._bus = bus
        self._broker = broker
        self._probes = {
            "eventStore": Probe(self._event_store),
            "readModels": Probe(self._read_models),
            "redis": Probe(self._ping_redis),
            "kafka": Probe(self._kafka),
            "publisher": Probe(self._publisher),
            "commands": Probe(self._commands),
        }

    def ask(self) -> dict[str, State]:
        """The state of each dependency by its name, in less than 2 s; and the breakers that refuse calls, if any do."""
        states = ask_all(self._probes)
        refused = refusing_breakers()
        return states | {"breakers": {"status": "open", "open": refused}} if refused else states

    def _event_store(self) -> State:
        return {"status": "up", "events": self._store.head()}

    def _read_models(self) -> State:
        with Session(self._engine) as session:
            dead_letters = count_dead_letters(session)
        rows = self._rows
        status = "up"
        if not rows.has_caught_up:
            status = "catching_up"
        elif rows.lag_s > CAUGHT_UP_S:
            status = "behind"
        return {
            "status": status,
            "lagSeconds": round(rows.lag_s, 3),
            "eventsBehind": rows.events_behind,
            "deadLetters": dead_letters,
        }

    def _ping_redis(self) -> State:
        self._redis.ping()
        return {"status": "up"}

    def _kafka(self) -> State:
        self._broker.check(KAFKA_BOUND_S)
        return {"status": "up"}

    def _publisher(self) -> State:
        """Behind when what it should have done has waited for long; absent when none renews the lease."""
        store = self._store.unguarded
        log, relayed = PlacedLog(store), relayed_position(store)
        since, now = log.waiting_since(relayed), datetime.now(UTC)
        waiting_s = max(0.0, (now - (since or now)).total_seconds())
        status = "behind" if waiting_s > BEHIND_FROM_S else "up"
        if not is_leased(store, PUBLISHER):
            status = "no_publisher"
        return {
            "status": status,
            "commitsUnplaced": log.count_waiting(),
            "eventsUnpublished": max(0, store.head() - relayed),
            "waitingSeconds": round(waiting_s, 3),
        }

    def _commands(self) -> State:
        queues = self._bus.queues(NAMES)
        idle = [name for name, queue in queues.items() if not queue.has_worker]
        refused = sorted({breaker for queue in queues.values() for breaker in queue.open_breakers})
        state: State = {
            "status": "no_worker" if idle else "open" if refused else "up",
            "waiting": {name: queue.waiting for name, queue in queues.items()},
        }
        if idle:
            state["withoutWorker"] = idle
        if refused:
            state["openBreakers"] = refused
        return state
