"""The one door each for time, ids and randomness, so that tests can hold all three."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from uuid6 import uuid7


def utc_now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new uuid7 in its canonical lower-case text form; later ids sort after earlier ones."""
    return str(uuid7())


@dataclass(frozen=True)
class Doors:
    """What the outside world gives to the event store.

    `now` answers an aware UTC instant, `new_id` a canonical UUID text, `jitter` a float in [0, 1).
    """

    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = new_id
    jitter: Callable[[], float] = random.random
