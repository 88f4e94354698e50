"""From a request to a command and back: who acts, with which command id, and when the rows show it."""

from collections.abc import Callable
from datetime import datetime
from typing import cast
from uuid import UUID, uuid5

from flask import current_app, flash, request

from eventstore.execute import CommandReused, Context, Outcome, Refusal
from webapp.access import current_actor
from webapp.correlation import current_correlation_id
from webapp.database import db
from webapp.wiring import Waybill


def waybill() -> Waybill:
    """The running system of the current app."""
    return cast(Waybill, current_app.extensions["waybill"])


def acting(command_id: str | None = None, occurred_at: datetime | None = None) -> Context:
    """The context of a command sent by the current request's actor.

    `command_id` is the client's own UUID (an Idempotency-Key, a form's hidden field); `occurred_at` its claim of
    when (aware), None for now.
    """
    return Context(
        actor=str(current_actor().event_name),
        correlation_id=current_correlation_id(),
        command_id=command_id,
        occurred_at=occurred_at,
    )


def own_driver_id() -> str | None:
    """The driver on whose own deliveries alone the actor may act; None for actors who may act on all."""
    actor = current_actor()
    return actor.driver_id if actor.role == "driver" else None


def settle(*outcomes: Outcome) -> bool:
    """Wait until the rows show what the commands did; False when they are still catching up (after 2 s).

    What the request read before is forgotten, so that the next query sees the new rows.
    """
    shown = waybill().wait_for(*outcomes)
    db.session.rollback()
    return shown


def settle_or_say(*outcomes: Outcome) -> bool:
    """`settle`, and a message on the page when the rows are still catching up."""
    shown = settle(*outcomes)
    if not shown:
        flash("Saved. The lists are still catching up.", "info")
    return shown


def attempt(
    send: Callable[[Context], Outcome],
    occurred_at: datetime | None = None,
    *,
    step: str = "",
    waits: bool = True,
) -> Outcome | Refusal:
    """Send a page's command with the form's `command_id`, so that a double click is one command.

    A form that makes several commands names each `step`. Answers the outcome, once the rows show it unless told not
    to wait for that, or the service's refusal for the page to explain.
    """
    command_id = parse_uuid(request.form.get("command_id", ""))
    if command_id is not None and step:
        command_id = str(uuid5(UUID(command_id), step))
    try:
        outcome = send(acting(command_id, occurred_at))
    except Refusal as refusal:
        return refusal
    except CommandReused:  # the browser's Back button brings an old form, and its id, back
        return Refusal(
            "form_sent_before",
            "This form was sent already, with other values. Check what is saved now, then send it again.",
        )
    if waits:
        settle_or_say(outcome)
    return outcome


def chosen_ids(name: str) -> list[str]:
    """The ids that the form names under `name`, each once, in its order; what is no id is left out."""
    return list(dict.fromkeys(filter(None, map(parse_uuid, request.form.getlist(name)))))


def parse_uuid(text: str) -> str | None:
    """A UUID's canonical lower-case form; None for any other text."""
    try:
        return str(UUID(text)) if len(text) in (32, 36) and text.isascii() else None
    except ValueError:
        return None
