"""What msgspec finds wrong with a value, in words for people who don't know Python."""

import re
from collections.abc import Callable

AN_INSTANT = "must be an instant such as 2026-05-04T12:00:00Z or 2026-05-04T14:00:00+02:00 (RFC 3339)"

KINDS = {
    "str": "must be text",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "datetime": AN_INSTANT,
    "uuid": "must be a UUID",
    "object": "must be an object",
    "array": "must be a list",
}

Words = Callable[[re.Match[str]], str]

PATTERNS: list[tuple[re.Pattern[str], Words]] = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"matching regex", lambda _: "must not be blank"),
        (r"`str` of length >= (\d+)", lambda found: _least(found[1], "character")),
        (r"`str` of length <= (\d+)", lambda found: f"may have {found[1]} characters at most"),
        (r"`array` of length >= (\d+)", lambda found: _least(found[1], "item")),
        (r"`array` of length <= (\d+)", lambda found: f"may have {found[1]} items at most"),
        (r"`(?:int|float)` >= (\S+)", lambda found: f"must be {_number(found[1])} or more"),
        (r"`(?:int|float)` <= (\S+)", lambda found: f"must be {_number(found[1])} or less"),
        (r"with a timezone component", lambda _: "must have a UTC offset or Z"),
        (r"Invalid RFC3339", lambda _: AN_INSTANT),
        (r"Invalid UUID", lambda _: KINDS["uuid"]),
        (r"out of range", lambda _: "is out of range"),
        (r"Expected `(\w+)[ |\w]*`, got", lambda found: KINDS.get(found[1], "has the wrong type")),
    )
]


def in_plain_words(text: str, choices: list[str]) -> str:
    """The rest of a sentence that begins with the field's name; `choices` are the words that it takes, if any."""
    if choices:
        return f"must be one of {', '.join(choices)}"
    for pattern, words in PATTERNS:
        if found := pattern.search(text):
            return words(found)
    return "can't be understood"


def _least(count: str, what: str) -> str:
    return "must not be empty" if count == "1" else f"must have {count} {what}s or more"


def _number(text: str) -> str:
    return text.removesuffix(".0")
