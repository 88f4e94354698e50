"""Rules that every service shares."""

from datetime import datetime, timedelta

from eventstore.execute import Refusal

MAX_TEXT_LENGTH = 200
OLDEST_CLAIM = timedelta(days=7)
NEWEST_CLAIM = timedelta(minutes=5)


def require_text(limit: int = MAX_TEXT_LENGTH, **fields: str) -> None:
    """Refuse empty or absurdly long texts, naming each field (given in camelCase, as the client knows it)."""
    errors = {}
    for name, text in fields.items():
        if not text.strip():
            errors[name] = "must not be empty"
        elif len(text) > limit:
            errors[name] = f"must be at most {limit} characters"
    if errors:
        raise Refusal(
            "invalid_fields",
            "; ".join(f"{name} {problem}" for name, problem in errors.items()) + ".",
            errors=errors,
        )


def check_claimed_time(occurred_at: datetime | None, now: datetime) -> None:
    """Refuse a claimed instant (aware) more than 7 days before or 5 minutes after `now`."""
    if occurred_at is None:
        return
    if not now - OLDEST_CLAIM <= occurred_at <= now + NEWEST_CLAIM:
        raise Refusal(
            "occurred_at_out_of_range",
            "occurredAt must lie between 7 days ago and 5 minutes from now; check the clock of the device.",
            errors={"occurredAt": "must lie between 7 days ago and 5 minutes from now"},
        )


def iso(instant: datetime) -> str:
    """An aware UTC instant as it is written in answers: ISO-8601 with `Z`."""
    return instant.isoformat().replace("+00:00", "Z")
