"""The design system's living style page, in development only: what the real pages are made of, in every state."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import public
from webapp.acting import waybill
from webapp.blueprints.design import samples
from webapp.blueprints.design.tokens import read_tokens
from webapp.fragments import offer_undo, page_or_block, searched_text
from webapp.live.timeline import bar_of

design = Blueprint("design", __name__, url_prefix="/design")


@design.get("")
@public
def show() -> ResponseReturnValue:
    """Every component in every state; the list's filters work, as they do on a real page."""
    now = waybill().doors.now()
    rows = samples.board_rows(now)
    bars = [bar for row in rows if (bar := bar_of(row, now - timedelta(hours=3), now + timedelta(hours=3)))]
    status, q = request.args.get("status"), searched_text().casefold()
    return page_or_block(
        "design/show.html",
        "list",
        colours=read_tokens("colours"),
        distances=read_tokens("distances"),
        sizes=read_tokens("sizes"),
        rows=rows,
        row=rows[2],
        incidents=samples.open_incidents(now),
        bars=bars,
        found=[
            row
            for row in rows
            if status in (None, "", row.delivery.status) and q in row.delivery.destination.casefold()
        ],
        counts=samples.count_by_status(rows),
        chosen_status=status,
        delays=[timedelta(minutes=minutes) for minutes in (-7, 0, 3, 12, 75)],
        plain=samples.empty_form(),
        wrong=samples.refused_form(),
        conflict=samples.conflict(now),
        refusal=samples.missing_checkpoints(),
        chosen=samples.CHOSEN,
        choices=samples.choices(now),
        events=samples.events(now),
        names=samples.NAMES,
    )


@design.post("")
@public
def act() -> ResponseReturnValue:
    """What the samples' buttons do: a toast that can be taken back, and its undo."""
    if request.form.get("taken_back"):
        flash("Taken back. Nothing had happened anyway.", "success")
    else:
        offer_undo("The sample was done.", url_for("design.show"), {"taken_back": "yes"})
    return redirect(url_for("design.show", _anchor="toasts"), 303)
