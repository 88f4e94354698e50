"""What is done with each of several deliveries, what came of it, and how it is taken back.

A form brings along what its reader saw of each delivery (`seen`), so that nobody's change is overwritten unseen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from flask import abort, request

from backend_services.command_bus import CommandPending
from backend_services.deliveries.commands import ChangeDeliveryStatus, DeliveryStatus
from backend_services.deliveries.queries import DeliveryView
from backend_services.fleet.queries import find_driver_names, find_registrations
from eventstore.execute import Context, Outcome, Refusal
from webapp.acting import attempt, parse_uuid, waybill
from webapp.assigning import BOTH, What, assigned, assigned_name, assigning, changed_since
from webapp.database import db
from webapp.forms.deliveries import FailForm
from webapp.proofs import fail_command

MOST_AT_ONCE = 200
STATUS = "status"


@dataclass(frozen=True)
class Seen:
    """A delivery as the form's reader saw it."""

    delivery_id: str
    status: DeliveryStatus
    driver: str | None
    vehicle: str | None

    def had(self, what: What) -> str | None:
        """The id of the driver or vehicle that it had."""
        return self.driver if what == "driver" else self.vehicle


@dataclass(frozen=True)
class Taken:
    """What was given, and what it took the place of: what an undo needs. `what` is driver, vehicle or status."""

    what: str
    delivery_id: str
    given: str
    before: str

    def __str__(self) -> str:
        return f"{self.what}={self.delivery_id}={self.given}={self.before}"


@dataclass(frozen=True)
class Step:
    """One command for one delivery. `stale` is why it must not be sent; `said` and `idle` are what to say when it
    was done and when there was nothing to do."""

    what: str
    send: Callable[[Context], Outcome]
    idle: str
    said: str | None = None
    stale: Refusal | None = None
    taken: Taken | None = None


@dataclass(frozen=True)
class Result:
    """What came of one delivery, which is as it was before. With a refusal, what came before that stays done."""

    delivery: DeliveryView
    kind: Literal["done", "same", "refused", "waiting"]
    message: str
    refusal: Refusal | None = None
    outcomes: tuple[Outcome, ...] = ()
    taken: tuple[Taken, ...] = ()


def seen_text(view: DeliveryView) -> str:
    """A delivery as the form shows it, for its hidden field `seen`."""
    return f"{view.delivery_id}={view.status}={view.driver_id or ''}={view.vehicle_id or ''}"


def seen_in_form() -> dict[str, Seen]:
    """What the form's reader saw, by delivery id, in the form's order."""
    found: dict[str, Seen] = {}
    for text in request.form.getlist("seen")[:MOST_AT_ONCE]:
        delivery_id, status, driver, vehicle = _parts(text)
        if status not in set(DeliveryStatus):
            abort(400, "There is no such status.")
        found[delivery_id] = Seen(
            delivery_id, DeliveryStatus(status), parse_uuid(driver), parse_uuid(vehicle)
        )
    return found


def taken_in_form() -> dict[str, list[Taken]]:
    """What an undo takes back, by delivery id."""
    found: dict[str, list[Taken]] = {}
    for text in request.form.get("taken", "").split()[: len(BOTH) * MOST_AT_ONCE]:
        what, _, rest = text.partition("=")
        delivery_id, given, before = _parts(rest, 3)
        if what not in (*BOTH, STATUS):
            abort(400, "There is nothing to undo.")
        found.setdefault(delivery_id, []).append(Taken(what, delivery_id, given, before))
    return found


def _parts(text: str, count: int = 4) -> list[str]:
    parts = text.split("=")
    delivery_id = parse_uuid(parts[0])
    if len(parts) != count or delivery_id is None:
        abort(400, "Choose the deliveries on the board.")
    return [delivery_id, *parts[1:]]


def carry_out(view: DeliveryView, steps: Sequence[Step]) -> Result:
    """Send the delivery's own commands, until one is refused. Whether the rows show them is waited for once, for all
    deliveries together."""
    said: list[str] = []
    outcomes: list[Outcome] = []
    taken: list[Taken] = []

    def result(kind: Literal["done", "same", "refused", "waiting"], refusal: Refusal | None = None) -> Result:
        return Result(view, kind, " ".join(said), refusal, tuple(outcomes), tuple(taken))

    for step in steps:
        try:
            outcome = step.stale or attempt(step.send, step=f"{step.what} {view.delivery_id}", waits=False)
        except CommandPending:
            said.append("It is still on its way; the board shows it as soon as it is done.")
            return result("waiting")
        if isinstance(outcome, Refusal):
            said.append(outcome.message)
            return result("refused", outcome)
        outcomes.append(outcome)
        if not outcome.written:
            said.append(step.idle)
            continue
        said.append(step.said or str(outcome.result["message"]))
        if step.taken:
            taken.append(step.taken)
    return result("done" if any(outcome.written for outcome in outcomes) else "same")


def to_assign(view: DeliveryView, seen: Seen, chosen: Mapping[What, str]) -> list[Step]:
    """Give it the chosen driver, vehicle or both, where it still has those that the reader saw."""
    steps = []
    for what, chosen_id in chosen.items():
        before = seen.had(what)
        name = assigned_name(view, what)
        is_same = assigned(view, what) == chosen_id and name
        steps.append(
            Step(
                what,
                assigning(view.delivery_id, what, chosen_id),
                idle=f"It had {name} already." if is_same else f"It had that {what} already.",
                stale=changed_since(view, what, before, chosen_id),
                taken=Taken(what, view.delivery_id, chosen_id, before or ""),
            )
        )
    return steps


def to_fail(view: DeliveryView, seen: Seen, form: FailForm) -> list[Step]:
    """Mark it as failed, where it still is what the reader saw. What hadn't started yet can be brought back."""
    failed, before = DeliveryStatus.FAILED, seen.status
    command = fail_command(view.delivery_id, form, before)
    taken = Taken(STATUS, view.delivery_id, failed, before)
    return [
        Step(
            STATUS,
            lambda context: waybill().deliveries.change_status(command, context),
            idle="It had failed already: your reason and note weren't kept.",
            taken=taken if before is DeliveryStatus.PICKED_UP else None,
        )
    ]


def to_undo(views: Mapping[str, DeliveryView], taken: Sequence[Taken]) -> dict[str, list[Step]]:
    """Bring back what each had before, by delivery id, where nobody has changed it since."""
    names = find_driver_names(db.session(), [part.before for part in taken if part.what == "driver"])
    names |= find_registrations(db.session(), [part.before for part in taken if part.what == "vehicle"])
    steps: dict[str, list[Step]] = {}
    for part in taken:
        view = views[part.delivery_id]
        step = _undo_failure(view) if part.what == STATUS else _undo_assignment(view, part, names)
        steps.setdefault(part.delivery_id, []).append(step)
    return steps


def _undo_assignment(view: DeliveryView, part: Taken, names: Mapping[str, str]) -> Step:
    what, before = cast(What, part.what), parse_uuid(part.before)
    name = names.get(before or "", "whom it had before")
    said = {
        "driver": f"Given back to {name}." if before else "Nobody again.",
        "vehicle": f"{name} again." if before else "No vehicle again.",
    }[what]
    is_stale = assigned(view, what) not in (part.given, before)
    changed = Refusal("changed_since", "Somebody has changed it since. It stays as it is now.")
    return Step(
        what,
        assigning(view.delivery_id, what, before),
        idle=said,
        said=said,
        stale=changed if is_stale else None,
    )


def _undo_failure(view: DeliveryView) -> Step:
    """A retry, which takes the driver and vehicle it had again."""
    command = ChangeDeliveryStatus(
        delivery_id=view.delivery_id,
        status=DeliveryStatus.PICKED_UP,
        expected_status=DeliveryStatus.FAILED,
    )
    having = " and ".join(filter(None, (view.driver_name, view.vehicle_registration)))
    said = f"Picked up again, with {having}." if having else "Picked up again."
    return Step(
        STATUS,
        lambda context: waybill().deliveries.change_status(command, context),
        idle="It is picked up again already.",
        said=said,
    )
