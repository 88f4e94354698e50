"""How far the rows are behind the log; measured in one way, wherever it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from eventstore.lanes import Lane

if TYPE_CHECKING:
    from eventstore.sequencer import PlacedLog

LAG = Gauge(
    "waybill_read_models_lag_seconds", "Age of the oldest event that is in the log but not in the rows"
)
BEHIND = Gauge("waybill_events_behind", "Events that are in the log but not in the rows")


@dataclass(frozen=True)
class Lag:
    """`events` are missing in the rows, the oldest of them for `seconds`; both 0 when nothing is missing."""

    events: int = 0
    seconds: float = 0.0


def lanes_behind(heads: Mapping[Lane, int], reached: Mapping[Lane, int]) -> dict[Lane, int]:
    """The lanes whose rows lack something, with the place that they have `reached`."""
    return {lane: reached.get(lane, 0) for lane, head in heads.items() if reached.get(lane, 0) < head}


def measure_lag(log: "PlacedLog", heads: Mapping[Lane, int], behind: Mapping[Lane, int]) -> Lag:
    """The lag of rows of which these lanes are `behind`. Raises `StoreUnavailable`."""
    if not behind:
        return Lag()
    since = log.oldest_behind(behind) or datetime.now(UTC)
    events = sum(heads[lane] - pseq for lane, pseq in behind.items())
    return Lag(events, max(0.0, (datetime.now(UTC) - since).total_seconds()))
