"""Events as JSON: nothing unknown is read, old shapes are brought up one step at a time."""

from typing import Annotated, Any, ClassVar

import pytest

from eventstore.codec import Codec, CodecError, Event, Personal, personal_fields


class Renamed(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "Renamed"
    VERSION: ClassVar[int] = 3
    person_id: str
    full_name: Annotated[str, Personal(subject="person_id")]
    title: str | None = None


def name_to_first_and_last(data: dict[str, Any]) -> dict[str, Any]:
    first, last = data["name"].split(" ")
    return {"personId": data["personId"], "first": first, "last": last}


def first_and_last_to_full(data: dict[str, Any]) -> dict[str, Any]:
    return {"personId": data["personId"], "fullName": f"{data['first']} {data['last']}"}


UPCASTERS = {("Renamed", 1): name_to_first_and_last, ("Renamed", 2): first_and_last_to_full}


def test_an_event_survives_the_round_trip() -> None:
    codec, event = Codec([Renamed], UPCASTERS), Renamed(person_id="p", full_name="Äijä")
    type_name, version, data = codec.encode(event)
    assert (type_name, version, data["fullName"]) == ("Renamed", 3, "Äijä")
    assert codec.decode(type_name, version, data) == event


def test_old_versions_go_through_every_step() -> None:
    codec = Codec([Renamed], UPCASTERS)
    assert codec.decode("Renamed", 1, {"personId": "p", "name": "A B"}) == Renamed(
        person_id="p", full_name="A B"
    )


@pytest.mark.parametrize(
    ("type_name", "version", "data"),
    [
        ("Nonsense", 1, {}),
        ("Renamed", 4, {"personId": "p", "fullName": "A"}),
        ("Renamed", 3, {"personId": "p", "fullName": "A", "more": 1}),
        ("Renamed", 3, {"personId": "p"}),
        ("Renamed", 3, {"personId": 7, "fullName": "A"}),
    ],
)
def test_what_is_unknown_is_an_error(type_name: str, version: int, data: dict[str, Any]) -> None:
    with pytest.raises(CodecError):
        Codec([Renamed], UPCASTERS).decode(type_name, version, data)


def test_a_missing_or_spare_upcaster_is_noticed_at_once() -> None:
    with pytest.raises(CodecError, match="upcasters"):
        Codec([Renamed])
    with pytest.raises(CodecError, match="upcasters"):
        Codec([Renamed], UPCASTERS | {("Renamed", 3): first_and_last_to_full})


def test_two_classes_of_one_name_are_noticed() -> None:
    with pytest.raises(CodecError, match="two event classes"):
        Codec([Renamed, Renamed], UPCASTERS)


def test_personal_fields_name_their_subject() -> None:
    assert personal_fields(Renamed) == {"full_name": "person_id"}


def test_a_personal_field_of_nobody_is_noticed() -> None:
    class Lost(Event, frozen=True, kw_only=True):
        TYPE: ClassVar[str] = "Lost"
        name: Annotated[str, Personal(subject="nobody")]

    with pytest.raises(CodecError, match="unknown subjects"):
        Codec([Lost])
