"""Events on their way: what is sent is what is described, and nothing else is read.

    python -m tests.eventstore.test_envelope

writes docs/event-envelope.schema.json anew.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from backend_services.topics import TOPICS
from eventstore import envelope
from eventstore.lanes import Lane, PlacedEvent
from eventstore.records import RecordedEvent

DOCS = Path(__file__).parents[2] / "docs"
WRITTEN = DOCS / "event-envelope.schema.json"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
numbers = st.integers(1, 2**53)
instants = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
placed_events = st.builds(
    PlacedEvent,
    event=st.builds(
        RecordedEvent,
        event_id=st.uuids().map(str),
        stream=names,
        version=numbers,
        type=names,
        schema_version=numbers,
        data=st.dictionaries(names, anything, max_size=4),
        occurred_at=instants,
        recorded_at=instants,
        correlation_id=names | st.uuids().map(str),
        causation_id=names,
        actor=names,
        log_position=numbers,
    ),
    lane=st.builds(Lane, names, st.integers(0, 5)),
    pseq=numbers,
)


def as_text() -> str:
    return json.dumps(envelope.schema(), indent=2, ensure_ascii=False) + "\n"


def test_the_written_schema_is_up_to_date_and_a_schema() -> None:
    assert WRITTEN.read_text() == as_text(), "run python -m tests.eventstore.test_envelope"
    Draft202012Validator.check_schema(json.loads(WRITTEN.read_text()))


def test_every_field_is_described() -> None:
    schema = json.loads(WRITTEN.read_text())
    assert all(part.get("description") for part in schema["properties"].values())
    assert set(schema["required"]) == set(schema["properties"])


def test_the_document_shows_a_real_envelope_every_header_and_every_topic() -> None:
    text = (DOCS / "events.md").read_text()
    [example] = re.findall(r"```json\n(.*?)```", text, re.S)
    placed = envelope.decode(example.encode())
    assert json.loads(envelope.encode(placed)) == json.loads(example)
    assert TOPICS.lane_of(placed.event.stream) == placed.lane
    assert [name for name in (*envelope.headers(placed), *TOPICS.names) if f"`{name}`" not in text] == []


@given(placed=placed_events)
def test_what_is_sent_fits_the_schema_and_is_read_back(placed: PlacedEvent) -> None:
    content = envelope.encode(placed)
    plain = json.loads(content)
    Draft202012Validator(json.loads(WRITTEN.read_text())).validate(plain)
    assert INSTANT.fullmatch(plain["occurredAt"])
    assert INSTANT.fullmatch(plain["recordedAt"])
    assert envelope.decode(content) == placed


def without_event_id(plain: dict[str, Any]) -> None:
    del plain["eventId"]


def with_more(plain: dict[str, Any]) -> None:
    plain["more"] = 1


def with_pseq_0(plain: dict[str, Any]) -> None:
    plain["pseq"] = 0


def with_version_as_text(plain: dict[str, Any]) -> None:
    plain["version"] = "1"


@pytest.mark.parametrize("damage", [without_event_id, with_more, with_pseq_0, with_version_as_text])
@given(placed=placed_events)
def test_what_does_not_fit_is_neither_valid_nor_read(
    damage: Callable[[dict[str, Any]], None], placed: PlacedEvent
) -> None:
    plain = json.loads(envelope.encode(placed))
    damage(plain)
    with pytest.raises(ValidationError):
        Draft202012Validator(json.loads(WRITTEN.read_text())).validate(plain)
    with pytest.raises(msgspec.DecodeError):
        envelope.decode(json.dumps(plain).encode())


@given(placed=placed_events)
def test_every_event_has_a_trace_context_as_the_w3c_defines_it(placed: PlacedEvent) -> None:
    event = placed.event
    traceparent = str(envelope.headers(placed)["traceparent"])
    version, trace, span, flags = traceparent.split("-")
    assert re.fullmatch(r"[0-9a-f]{32}", trace)
    assert re.fullmatch(r"[0-9a-f]{16}", span)
    assert (version, flags) == ("00", "01")
    assert int(trace, 16) != 0 != int(span, 16)
    assert envelope.traceparent(event.correlation_id, "another").split("-")[1] == trace


@pytest.mark.parametrize(
    "correlation_id",
    [
        "01970f6e-5a2b-7c3d-8e4f-0123456789ab",
        "01970F6E-5A2B-7C3D-8E4F-0123456789AB",
        "01970f6e5a2b7c3d8e4f0123456789ab",
    ],
)
def test_a_correlation_id_of_that_form_is_the_trace_id(correlation_id: str) -> None:
    assert envelope.traceparent(correlation_id, "e").split("-")[1] == "01970f6e5a2b7c3d8e4f0123456789ab"


def test_a_trace_id_is_never_all_zeros() -> None:
    trace = envelope.traceparent("00000000-0000-0000-0000-000000000000", "e").split("-")[1]
    assert int(trace, 16) != 0


if __name__ == "__main__":
    WRITTEN.write_text(as_text())
