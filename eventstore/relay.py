"""From the event store's log to Kafka: in order, and the checkpoint only after every delivery report is good."""

from pymongo import ReturnDocument

from eventstore.kafka import Broker, EventProducer
from eventstore.lanes import Topics
from eventstore.mongodb import MongoEventStore, wrapped
from eventstore.sequencer import PlacedLog

BATCH_SIZE = 500
CHECKPOINTS = "relays"
KAFKA = "kafka"


def relayed_position(store: MongoEventStore, name: str = KAFKA) -> int:
    """The last log position that a relay has got rid of. Raises `StoreUnavailable`."""
    with wrapped():
        found = store.database[CHECKPOINTS].find_one({"_id": name})
    return int(found["position"]) if found else 0


class Relay:
    """Sends what the log holds behind its checkpoint. On any error it begins anew from there.

    Several relays at once only repeat events, which readers drop.
    """

    def __init__(self, store: MongoEventStore, broker: Broker, topics: Topics, name: str = KAFKA) -> None:
        self._store = store
        self._log = PlacedLog(store)
        self._broker = broker
        self._topics = topics
        self._name = name
        self._producer: EventProducer | None = None
        self._checkpoints = store.database[CHECKPOINTS]

    def step(self) -> int:
        """Send one batch; answers how many events. Raises `StoreUnavailable` or `BrokerUnavailable`.

        The first step connects, even with nothing to send: otherwise the first event would wait a second for that.
        """
        if self._producer is None:
            self._broker.ensure_topics(self._topics.names)
            self._producer = self._broker.producer()
        events = self._log.read_placed(self.position(), BATCH_SIZE)
        if not events:
            return 0
        try:
            self._producer.send(events)
        except Exception:
            self.reset()
            raise
        self._move_to(events[-1].event.log_position)
        return len(events)

    def position(self) -> int:
        """The last log position that Kafka has acknowledged."""
        return relayed_position(self._store, self._name)

    def reset(self) -> None:
        """Throw the producer away with all it holds."""
        if self._producer is not None:
            self._producer.discard()
            self._producer = None

    def _move_to(self, position: int) -> None:
        with wrapped():
            self._checkpoints.find_one_and_update(
                {"_id": self._name},
                {"$max": {"position": position}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
