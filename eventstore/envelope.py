"""How an event travels: JSON with everything a reader needs, described in docs/event-envelope.schema.json."""

import hashlib
import re
from datetime import datetime
from typing import Any

import msgspec

from eventstore.lanes import Lane, PlacedEvent
from eventstore.records import RecordedEvent

_trace_id = re.compile(r"(?!0{32})[0-9a-f]{32}")


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One event on its way. Instants are aware UTC.

    `log_position` is its place in the whole log, `pseq` its place in the lane `partition` of its topic, contiguous
    from 1: that is what readers drop duplicates and notice losses by.
    """

    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    data: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    correlation_id: str
    causation_id: str
    actor: str
    log_position: int
    topic: str
    partition: int
    pseq: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)


def encode(placed: PlacedEvent) -> bytes:
    """The envelope of an event as JSON."""
    fields = msgspec.structs.asdict(placed.event)
    lane = placed.lane
    return _encoder.encode(Envelope(**fields, topic=lane.topic, partition=lane.number, pseq=placed.pseq))


def decode(content: bytes) -> PlacedEvent:
    """The event in an envelope. Raises msgspec.DecodeError for anything else."""
    envelope = _decoder.decode(content)
    fields = {name: getattr(envelope, name) for name in RecordedEvent.__struct_fields__}
    return PlacedEvent(RecordedEvent(**fields), Lane(envelope.topic, envelope.partition), envelope.pseq)


def headers(placed: PlacedEvent) -> dict[str, str | bytes | None]:
    """What brokers and tools may look at without reading the content."""
    event = placed.event
    return {
        "event_id": event.event_id,
        "type": event.type,
        "schema_version": str(event.schema_version),
        "log_position": str(event.log_position),
        "correlation_id": event.correlation_id,
        "traceparent": traceparent(event.correlation_id, event.event_id),
    }


def traceparent(correlation_id: str, span: str) -> str:
    """A W3C trace context: one trace per correlation id, which is itself the trace id when it has that form."""
    plain = correlation_id.replace("-", "").lower()
    trace = plain if _trace_id.fullmatch(plain) else hashlib.sha256(correlation_id.encode()).hexdigest()[:32]
    return f"00-{trace}-{hashlib.sha256(span.encode()).hexdigest()[:16]}-01"
