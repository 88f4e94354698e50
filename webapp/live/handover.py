"""From a request to a WebSocket of our own: the opening handshake, and taking the connection out of the web server's
hands, whose thread is then free for the next request."""

import os
import socket
import ssl
from typing import Any

from flask import Request, abort
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection
from wsproto.utilities import RemoteProtocolError


def shake_hands(request: Request) -> bytes:
    """The answer that opens the WebSocket; aborts with 400 what isn't a proper handshake.

    No extension is agreed to: compressing for each board would cost more than it saves.
    """
    protocol = WSConnection(ConnectionType.SERVER)
    headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in request.headers]
    try:
        protocol.initiate_upgrade_connection(headers, request.path)
        list(protocol.events())  # the request itself
        return protocol.send(AcceptConnection())
    except RemoteProtocolError as error:
        abort(400, f"This is not a WebSocket's opening handshake: {error}.")


def take_over(environ: dict[str, Any]) -> socket.socket:
    """The request's connection, as a socket of our own.

    The server's socket object goes on to work, but on a pair whose other end is closed: whatever the server writes or
    shuts down when the view has returned ends there, as with a client that has left.
    """
    served: socket.socket | None = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if served is None or isinstance(served, ssl.SSLSocket):
        raise RuntimeError("the live board needs the plain connections of gunicorn; let a proxy speak TLS")
    ours = served.dup()
    blind, other = socket.socketpair()
    with blind, other:
        os.dup2(blind.fileno(), served.fileno(), inheritable=False)
    return ours
