"""Doing one thing with several deliveries: choose, do, see what came of each, undo.

Each delivery gets a command of its own, whose id is derived from the form's: sending a form again does nothing twice
and answers the same. So the results are the answer to the form itself; loading that page again is harmless.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from backend_services.command_bus import CommandPending
from backend_services.deliveries import commands
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView, find_deliveries
from eventstore.execute import Context, Outcome, Refusal
from webapp.access import dispatcher_only
from webapp.acting import attempt, parse_uuid, settle, waybill
from webapp.assigning import assigned, assigning
from webapp.blueprints.board_choices import choices_for_all
from webapp.database import db
from webapp.forms.deliveries import FailForm
from webapp.forms.fields import renew_command_id
from webapp.fragments import page_or_block

board_many = Blueprint("board_many", __name__, url_prefix="/board/many")

MOST_AT_ONCE = 200
ACTS = ("driver", "vehicle", "fail")
Send = Callable[[DeliveryView, Context], Outcome]


@dataclass(frozen=True)
class Result:
    """What came of one delivery: `refusal` None where it was done; `delivery` is as it was before."""

    delivery: DeliveryView
    refusal: Refusal | None
    message: str
    is_waiting: bool = False
    outcome: Outcome | None = None

    @property
    def is_done(self) -> bool:
        return self.refusal is None and not self.is_waiting


@board_many.post("")
@dispatcher_only
def choose() -> ResponseReturnValue:
    """The chosen deliveries, and what is to be done with them: `act` is driver, vehicle or fail."""
    return _choosing(_chosen(), _act(), FailForm(formdata=None))


@board_many.post("/do")
@dispatcher_only
def do() -> ResponseReturnValue:
    """Do it, one delivery after the other, and list what came of each."""
    views, act, form = _chosen(), _act(), FailForm()
    if act == "fail":
        if not form.validate():
            renew_command_id(form)
            return _choosing(views, act, form), 422
        return _results(act, [_do_one(view, _failing(form)) for view in views])
    chosen = parse_uuid(request.form.get(act, ""))
    if chosen is None:
        return _choosing(views, act, form, problem=f"Please choose a {act}."), 422
    results = [_do_one(view, _assigning(act, chosen)) for view in views]
    taken = [_taken(result.delivery, act, chosen) for result in results if result.is_done]
    return _results(act, results, taken=[text for text in taken if text])


@board_many.post("/undo")
@dispatcher_only
def undo() -> ResponseReturnValue:
    """Give each delivery back to whom it had, unless somebody has changed it since."""
    act, results = _act("driver", "vehicle"), []
    parts = [text.split("=") for text in request.form.get("taken", "").split()[:MOST_AT_ONCE]]
    found = find_deliveries(db.session(), [part[0] for part in parts])
    for delivery_id, given, before in (part for part in parts if len(part) == 3 and part[0] in found):
        view = found[delivery_id]
        if assigned(view, act) != given:
            changed = Refusal("changed_since", "Somebody has changed it since. It stays as it is now.")
            results.append(Result(view, changed, changed.message))
        else:
            results.append(_do_one(view, _assigning(act, parse_uuid(before))))
    if not results:
        abort(400, "There is nothing to undo.")
    return _results(act, results, is_undone=True)


def _chosen() -> list[DeliveryView]:
    """The deliveries that the form names, in its order. Unknown ones are left out."""
    ids = list(dict.fromkeys(filter(None, map(parse_uuid, request.form.getlist("delivery")))))
    found = find_deliveries(db.session(), ids[: MOST_AT_ONCE + 1])
    return [found[id_] for id_ in ids if id_ in found]


def _act(*allowed: str) -> str:
    act = request.form.get("act", "")
    if act not in (allowed or ACTS):
        abort(400, "Choose what to do with them.")
    return act


def _choosing(views: list[DeliveryView], act: str, form: FailForm, problem: str | None = None) -> str:
    too_many = len(views) > MOST_AT_ONCE
    kind = act if act != "fail" and not too_many else None
    return page_or_block(
        "board/many.html",
        "many",
        views=views,
        act=act,
        form=form,
        problem=problem,
        choices=choices_for_all(db.session(), kind, views) if kind else [],
        most=MOST_AT_ONCE,
        too_many=too_many,
        results=None,
    )


def _results(act: str, results: list[Result], taken: list[str] | None = None, is_undone: bool = False) -> str:
    settle(*(result.outcome for result in results if result.outcome))
    return page_or_block(
        "board/many.html", "many", act=act, results=results, taken=taken or [], is_undone=is_undone
    )


def _do_one(view: DeliveryView, send: Send) -> Result:
    """Send the delivery's own command. Whether the rows show it is waited for once, for all together."""
    try:
        outcome = attempt(lambda context: send(view, context), step=view.delivery_id, waits=False)
    except CommandPending:
        return Result(
            view, None, "It is still on its way; the board shows it as soon as it is done.", is_waiting=True
        )
    if isinstance(outcome, Refusal):
        return Result(view, outcome, outcome.message)
    return Result(view, None, str(outcome.result["message"]), outcome=outcome)


def _assigning(act: str, chosen: str | None) -> Send:
    return lambda view, context: assigning(view.delivery_id, act, chosen)(context)


def _failing(form: FailForm) -> Send:
    service = waybill().deliveries
    return lambda view, context: service.change_status(
        commands.ChangeDeliveryStatus(
            delivery_id=view.delivery_id,
            status=DeliveryStatus.FAILED,
            reason=form.reason.data,
            note=form.note.data or None,
        ),
        context,
    )


def _taken(view: DeliveryView, act: str, given: str) -> str | None:
    """What an undo needs: delivery=given=before; None where nothing was changed."""
    before = assigned(view, act)
    return None if before == given else f"{view.delivery_id}={given}={before or ''}"
