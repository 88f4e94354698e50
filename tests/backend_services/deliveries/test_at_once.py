"""Two who act on one delivery at the same moment: one of them is done, the other is told why not."""

from collections.abc import Callable

import pytest

from backend_services.deliveries.booking import BookingRules
from backend_services.deliveries.commands import CaptureProof, DeliveryStatus
from backend_services.deliveries.service import DeliveryService
from eventstore.execute import Executor, Refusal
from eventstore.locks import InProcessLocks
from eventstore.ports import EventStore
from eventstore.records import RecordedEvent
from tests.backend_services.town import CONTEXT, Town


class Interrupted:
    """A store in which something happens once, just before the first stream of a kind is read."""

    def __init__(self, store: EventStore, category: str, happens: Callable[[], object]) -> None:
        self._store = store
        self._category = category
        self._happens: Callable[[], object] | None = happens

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def read_stream(self, stream: str, after_version: int = 0) -> list[RecordedEvent]:
        if self._happens is not None and stream.startswith(f"{self._category}-"):
            happens, self._happens = self._happens, None
            happens()
        return self._store.read_stream(stream, after_version)


@pytest.mark.parametrize("between", ["route", "driver", "vehicle"])
def test_of_two_proofs_at_once_one_is_taken_and_the_other_told_so(town: Town, between: str) -> None:
    route_id = town.route()
    delivery_id = town.delivery(route_id, town.driver(), town.vehicle())
    town.move(delivery_id, DeliveryStatus.IN_TRANSIT)
    for number in (1, 2):
        town.reach(delivery_id, route_id, number)

    def proof(receiver: str) -> CaptureProof:
        return CaptureProof(delivery_id=delivery_id, receiver_name=receiver, signature_url="https://x.test/s")

    waybill = town.waybill
    store = Interrupted(waybill.store, between, lambda: waybill.deliveries.capture_proof(proof("A"), CONTEXT))
    executor = Executor(store, waybill.codec)  # type: ignore[arg-type]
    rules = BookingRules(waybill.settings.booking_minimum, waybill.settings.booking_buffer)
    slower = DeliveryService(executor, InProcessLocks(), waybill.sessions, rules)
    with pytest.raises(Refusal) as refused:
        slower.capture_proof(proof("B"), CONTEXT)
    assert refused.value.details["currentStatus"] == "Delivered"
    events = waybill.store.read_stream(f"delivery-{delivery_id}")
    assert [event.data["receiverName"] for event in events if event.type == "ProofOfDeliveryCaptured"] == [
        "A"
    ]
