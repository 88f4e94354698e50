"""The past board as a page, its steps for the slider, and the forms that choose an instant."""

from datetime import datetime

import msgspec
from flask import Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from webapp.access import dispatcher_only
from webapp.acting import parse_uuid
from webapp.blueprints.history import history
from webapp.blueprints.history.instants import BadInstant, chosen_instant, parse_instant
from webapp.blueprints.history.scene import Scene, board_address
from webapp.blueprints.history.slider import build_slider
from webapp.live.filters import wanted_by
from webapp.presentation import iso_text


def show_past() -> str:
    """The board as it was at `?at=`: a page that nothing changes but its own slider."""
    scene = Scene(_instant("at"))
    return render_template(
        "history/board.html", scene=scene, slider=build_slider(scene.day, scene.at, scene.now)
    )


@history.get("/step")
@dispatcher_only
def step() -> ResponseReturnValue:
    """What the page needs to show `?at=` after it has shown `?from=` (without: nothing yet) with the same filters."""
    scene = Scene(_instant("at"))
    earlier = _instant("from") if "from" in request.args else None
    answer = {
        "at": iso_text(scene.at),
        "words": scene.words,
        "title": render_template("history/_title.html", scene=scene),
        "moment": render_template("history/_moment.html", scene=scene),
        "counters": render_template("history/_counters.html", scene=scene),
        "empty": render_template("history/_empty.html", scene=scene),
        "drawer": render_template("history/_drawer.html", scene=scene),
        "order": [row.delivery.delivery_id for row in scene.rows],
        "rows": scene.render(scene.rows_since(earlier)),
    }
    return Response(msgspec.json.encode(answer), content_type="application/json")


@history.get("")
@dispatcher_only
def choose() -> ResponseReturnValue:
    """The forms of the page lead here: to the board at the `date` and `time` or `minute` that was chosen."""
    try:
        at = chosen_instant(request.args)
    except BadInstant as bad:
        abort(400, str(bad))
    return redirect(board_address(at, wanted_by(request.args), parse_uuid(request.args.get("delivery", ""))))


def _instant(name: str) -> datetime:
    try:
        return parse_instant(request.args.get(name, ""))
    except BadInstant as bad:
        abort(400, str(bad))
