"""The board's WebSocket as a request: who may watch; the connection then goes to the hub, and the request ends."""

from urllib.parse import urlsplit

from flask import Response, request
from flask_login import current_user

from webapp.access import current_actor
from webapp.live import board_hub
from webapp.live.codes import WRONG_ORIGIN
from webapp.live.handover import shake_hands, take_over
from webapp.live.hub import Refusal
from webapp.live.line import Line


def watch() -> Response:
    """Make a board of this request's connection, until the browser goes, the sign-in ends or the server stops.

    The answer is for nobody: the server's side of the connection has no other end any more.
    """
    hub = board_hub()
    answer = shake_hands(request)
    hello = hub.hello()
    token = current_user.get_id() if current_user.is_authenticated else None
    line = Line(take_over(request.environ), current_actor().event_name, token, hello.seq)
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        hub.refuse(line, answer, Refusal(WRONG_ORIGIN, "wrong origin"))
    else:
        hub.let_in(line, answer, hello)
    return Response(status=204)
