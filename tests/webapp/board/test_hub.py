"""The hub while a board comes: nothing that happens meanwhile is lost on it."""

import socket

import msgspec
import pytest
from flask import Flask
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from ops.processes import wait_until
from tests.webapp.pages.scene import Scene
from webapp.live import hub as board_hub
from webapp.live.line import Line

BOUND_S = 10.0


@pytest.fixture
def silent_but_for_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an app that starts afterwards: no heartbeat and no look at the time that would hide a lost change."""
    monkeypatch.setattr(board_hub, "HEARTBEAT_S", 600.0)
    monkeypatch.setattr(board_hub, "TICK_S", 600.0)


def frames_until(connection: socket.socket, seq: int) -> list[dict[str, object]]:
    """What comes over a board's connection, up to the frame with that number."""
    protocol, frames, text = Connection(ConnectionType.CLIENT), list[dict[str, object]](), ""
    connection.settimeout(BOUND_S)
    while not frames or frames[-1]["seq"] != seq:
        protocol.receive_data(connection.recv(1 << 16))
        for event in protocol.events():
            assert isinstance(event, TextMessage)
            text += event.data
            if event.message_finished:
                frames.append(msgspec.json.decode(text))
                text = ""
    return frames


def test_the_first_board_hears_of_a_change_between_its_greeting_and_its_coming(
    silent_but_for_changes: None, app: Flask, scene: Scene
) -> None:
    hub = app.extensions["board_hub"]
    with app.app_context():
        hello = hub.hello()
    scene.add_delivery(scene.add_route(10))
    wait_until(lambda: hub._seq > hello.seq, BOUND_S, "the hub's look at the change, for nobody")
    ours, theirs = socket.socketpair()

    with theirs:
        hub.let_in(Line(ours, "account:dana", None, hello.seq), b"", hello)
        frames = frames_until(theirs, hub._seq)

    assert frames[0]["seq"] == hello.seq
    assert frames[-1]["after"] == hub._seq, "so that it asks for what is missing"
