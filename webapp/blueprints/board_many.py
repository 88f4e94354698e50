"""Doing one thing with several deliveries: choose, do, see what came of each, undo.

Each delivery gets commands of its own, whose ids are derived from the form's: sending a form again does nothing twice
and answers the same. So the results are the answer to the form itself; loading that page again is harmless.
"""

from collections import Counter
from collections.abc import Sequence

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView, find_deliveries
from webapp.access import dispatcher_only
from webapp.acting import chosen_ids, settle
from webapp.assigning import BOTH, What, chosen_in_form
from webapp.blueprints.board_choices import choices_for_all
from webapp.blueprints.board_many_steps import (
    MOST_AT_ONCE,
    Result,
    carry_out,
    seen_in_form,
    seen_text,
    taken_in_form,
    to_assign,
    to_fail,
    to_undo,
)
from webapp.database import db
from webapp.forms.deliveries import FailForm, FailManyForm
from webapp.forms.fields import renew_command_id
from webapp.fragments import page_or_block
from webapp.presentation import words

board_many = Blueprint("board_many", __name__, url_prefix="/board/many")
board_many.add_app_template_filter(seen_text, "seen")

ACTS = (*BOTH, "fail")


@board_many.post("")
@dispatcher_only
def choose() -> ResponseReturnValue:
    """The chosen deliveries, and what is to be done with them: `act` is driver, vehicle or fail."""
    return _choosing(_act(), FailManyForm(formdata=None))


@board_many.post("/do")
@dispatcher_only
def do() -> ResponseReturnValue:
    """Do it, one delivery after the other, and list what came of each."""
    act, seen, form = _act(), seen_in_form(), FailManyForm()
    views = find_deliveries(db.session(), list(seen))
    known = [(views[id_], seen[id_]) for id_ in seen if id_ in views]
    if not known:
        return _choosing(act, form), 422
    if act == "fail":
        if not form.validate():
            renew_command_id(form)
            return _choosing(act, form), 422
        return _results(act, [carry_out(view, to_fail(view, saw, form)) for view, saw in known])
    chosen = _chosen_for(act)
    if act not in chosen:
        return _choosing(act, form, problem=f"Please choose a {act}."), 422
    return _results(act, [carry_out(view, to_assign(view, saw, chosen)) for view, saw in known], chosen)


@board_many.post("/undo")
@dispatcher_only
def undo() -> ResponseReturnValue:
    """Give each delivery back what it had, unless somebody has changed it since."""
    taken = taken_in_form()
    views = find_deliveries(db.session(), list(taken))
    steps = to_undo(views, [part for id_ in taken if id_ in views for part in taken[id_]])
    if not steps:
        abort(400, "There is nothing to undo.")
    return _results("undo", [carry_out(views[id_], steps[id_]) for id_ in steps])


def _act() -> str:
    act = request.form.get("act", "")
    if act not in ACTS:
        abort(400, "Choose what to do with them.")
    return act


def _both(act: str) -> list[What]:
    """Driver and vehicle, the one that is to be chosen first."""
    return sorted(BOTH, key=lambda what: what != act)


def _chosen_for(act: str) -> dict[What, str]:
    """What the form gives to all of them, what it is about first; the other is optional."""
    return {what: chosen for what in _both(act) if (chosen := chosen_in_form(what))}


def _chosen() -> list[DeliveryView]:
    """The deliveries that the form names, in its order. Unknown ones are left out."""
    ids = chosen_ids("delivery")
    found = find_deliveries(db.session(), ids[: MOST_AT_ONCE + 1])
    return [found[id_] for id_ in ids if id_ in found]


def _can(act: str, view: DeliveryView) -> bool:
    """Whether that could be done with it now, as far as its row says."""
    return not view.is_finished if act == "fail" else view.status == DeliveryStatus.PICKED_UP


def _choosing(act: str, form: FailForm, problem: str | None = None) -> str:
    chosen = _chosen()
    too_many = len(chosen) > MOST_AT_ONCE
    views = [view for view in chosen if _can(act, view)]
    left_out = [view for view in chosen if not _can(act, view)]
    whats = _both(act) if act != "fail" and views and not too_many else []
    return page_or_block(
        "board/many.html",
        "many",
        views=views,
        left_out=left_out,
        left_out_are=_how_many_are_what(left_out),
        act=act,
        form=form,
        problem=problem,
        choices={what: choices_for_all(db.session(), what, views) for what in whats},
        most=MOST_AT_ONCE,
        too_many=too_many,
        results=None,
    )


def _how_many_are_what(views: Sequence[DeliveryView]) -> str:
    """5 in transit, 2 delivered"""
    counts = Counter(view.status for view in views)
    order = [status.value for status in DeliveryStatus if status in counts]
    return ", ".join(f"{counts[status]} {words(status).lower()}" for status in order)


def _results(act: str, results: list[Result], chosen: dict[What, str] | None = None) -> str:
    settle(*(outcome for result in results for outcome in result.outcomes))
    return page_or_block(
        "board/many.html",
        "many",
        act=act,
        results=results,
        counts=Counter(result.kind for result in results),
        chosen=chosen or {},
        taken=[part for result in results for part in result.taken],
    )
