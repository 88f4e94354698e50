"""What the demo's drivers did while nobody simulated them: they went on as planned, and say so with claimed times."""

from datetime import datetime, timedelta

from webapp.demo import calls
from webapp.demo.client import ApiClient, ApiRefused
from webapp.demo.rounds import Round, Rounds

OLDEST = timedelta(days=6)  # claims reach back 7 days
GIVEN_UP = timedelta(hours=3)
HANDING_OVER = timedelta(minutes=2)


def catch_up(api: ApiClient, until: datetime) -> None:
    """Bring every unfinished delivery of the demo to where it would be at `until` (aware, not after now)."""
    for one in Rounds(api).read():
        try:
            _go_on(api, one, until)
        except ApiRefused as refused:
            print(f"demo: {refused}", flush=True)


def _go_on(api: ApiClient, one: Round, until: datetime) -> None:
    if until - one.start > OLDEST:
        note = "Left over from an earlier day."
        calls.move(
            api, one.delivery_id, "Failed", one.step("old"), reason="cancelled_by_dispatcher", note=note
        )
    elif one.status == "PickedUp" and not one.is_assigned:
        at = one.start + GIVEN_UP
        if at <= until:
            calls.move(
                api,
                one.delivery_id,
                "Failed",
                one.step("gone"),
                at,
                reason="out_of_time",
                note="Nobody took it.",
            )
    elif one.start <= until:
        _drive_on(api, one, until)


def _drive_on(api: ApiClient, one: Round, until: datetime) -> None:
    at = one.last_reached_at or one.start
    if one.status == "PickedUp":
        calls.move(api, one.delivery_id, "InTransit", one.step("start"), at)
    for leg in one.legs:
        if leg.reached_at is None:
            at = max(one.as_planned(leg), at + leg.planned / 2)
            if at > until:
                return
            stop = (one.route_id, leg.sequence, leg.location)
            calls.reach(api, one.delivery_id, stop, one.step(f"reach/{leg.sequence}"), at)
    if one.legs and at + HANDING_OVER <= until:
        for incident in one.incidents:
            if incident.until is None:
                calls.resolve(api, one.delivery_id, incident.id)
        place = one.legs[-1].place
        calls.prove(api, one.delivery_id, place, one.step("prove"), at + HANDING_OVER)
