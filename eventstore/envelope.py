"""How an event travels: JSON with everything a reader needs, described in docs/event-envelope.schema.json."""

import hashlib
import re
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from eventstore.lanes import Lane, PlacedEvent
from eventstore.records import RecordedEvent

EXAMPLE_ID = "01970f6e-5a2b-7c3d-8e4f-0123456789ab"

_trace_id = re.compile(r"(?!0{32})[0-9a-f]{32}")


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One event on its way. All instants are in UTC."""

    event_id: Annotated[str, Meta(description="The event's own id, a UUID.", examples=[EXAMPLE_ID])]
    stream: Annotated[
        str,
        Meta(
            description="Which thing it happened to: <category>-<id>. The message's key.",
            examples=["driver-7"],
        ),
    ]
    version: Annotated[
        int, Meta(ge=1, description="Its place in the stream, contiguous from 1.", examples=[4])
    ]
    type: Annotated[str, Meta(description="What happened, in the past tense.", examples=["DriverBooked"])]
    schema_version: Annotated[
        int, Meta(ge=1, description="The version of the shape that `data` has for this type.", examples=[1])
    ]
    data: Annotated[dict[str, Any], Meta(description="What the event says; its shape depends on its type.")]
    occurred_at: Annotated[datetime, Meta(tz=True, description="When it happened, as the actor claims.")]
    recorded_at: Annotated[datetime, Meta(tz=True, description="When it was stored, by the server's clock.")]
    correlation_id: Annotated[str, Meta(description="What belongs to one request has one; the trace's id.")]
    causation_id: Annotated[str, Meta(description="The id of the command, or event, that led to it.")]
    actor: Annotated[str, Meta(description="Who did it.", examples=["user:7"])]
    log_position: Annotated[int, Meta(ge=1, description="Its place in the whole log, contiguous from 1.")]
    topic: Annotated[str, Meta(description="The topic, without the installation's namespace.")]
    partition: Annotated[int, Meta(ge=0, description="The lane of the topic that the stream lies in.")]
    pseq: Annotated[
        int,
        Meta(
            ge=1,
            description="Its place in the lane, contiguous from 1: what was seen is a repeat, a jump is a loss.",
            examples=[17],
        ),
    ]


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


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of an envelope."""
    described: dict[str, Any] = msgspec.json.schema(Envelope)["$defs"]["Envelope"]
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:waybill:event-envelope:1",
        "title": "Event envelope",
    }
    return about | {name: part for name, part in described.items() if name != "title"}


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
