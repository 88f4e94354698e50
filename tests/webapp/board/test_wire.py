"""The one thread that sends to all boards, over real connections with browsers of every temper."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from ops.processes import wait_until
from webapp.live import codes
from webapp.live import line as lines
from webapp.live.frames import Frame
from webapp.live.line import Line
from webapp.live.wire import Wire

BOUND_S = 10.0
SMALL_BUFFER = 8 * 1024


class Far:
    """The browser's end of a line."""

    def __init__(self, line: Line, connection: socket.socket) -> None:
        self.line = line
        self.connection = connection
        self.frames: list[dict[str, object]] = []
        self.events: list[Event] = []
        self._protocol = Connection(ConnectionType.CLIENT)
        self._text = ""

    def read(self) -> bool:
        """Take what comes next; False at the end of the connection. Fails when nothing comes."""
        try:
            data = self.connection.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            return False
        self._protocol.receive_data(data)
        for event in self._protocol.events():
            if (
                isinstance(event, Ping | CloseConnection)
                and self._protocol.state is not ConnectionState.CLOSED
            ):
                self.connection.sendall(self._protocol.send(event.response()))
            if isinstance(event, TextMessage):
                self._text += event.data
                if event.message_finished:
                    self.frames.append(msgspec.json.decode(self._text))
                    self._text = ""
            else:
                self.events.append(event)
        return True

    def read_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            assert self.read(), "the connection ended too soon"

    def read_to_the_end(self) -> int:
        """The code with which the server closed."""
        while self.read():
            pass
        return next(int(event.code) for event in self.events if isinstance(event, CloseConnection))

    def say(self, event: Event) -> None:
        self.connection.sendall(self._protocol.send(event))

    @property
    def seq(self) -> object:
        return self.frames[-1]["seq"] if self.frames else 0


@pytest.fixture
def forgotten() -> list[Line]:
    return []


@pytest.fixture
def wire(forgotten: list[Line]) -> Iterator[Wire]:
    running = Wire(forgotten.append)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def connect(wire: Wire) -> Iterator[Callable[..., Far]]:
    """Makes lines over TCP; `seen` is the number that the first frame told."""
    ends: list[Far] = []

    def connect_one(seen: int = 0) -> Far:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            far = socket.socket()
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            far.settimeout(BOUND_S)
            far.connect(listener.getsockname())
            near, _ = listener.accept()
        line = Line(near, "account:dana", None, seen)
        wire.add(line, b"")
        ends.append(Far(line, far))
        return ends[-1]

    yield connect_one
    for end in ends:
        end.connection.close()


def frame(seq: int, **rows: str | None) -> Frame:
    return Frame(after=seq - 1, seq=seq, day="2026-11-21", rows=rows)


def fill(wire: Wire, board: Far) -> int:
    """Post large frames until the board's connection is full; the number of the last one."""
    seq = 0

    def is_full() -> bool:
        nonlocal seq
        seq += 1
        wire.post(frame(seq, **{f"filling-{seq}": "x" * 50_000}))
        return board.line.has_rest

    wait_until(is_full, BOUND_S, "a full connection")
    return seq


def test_a_board_that_is_stuck_holds_up_nobody(wire: Wire, connect: Callable[..., Far]) -> None:
    stuck, lively = connect(), connect()
    seq = fill(wire, stuck)
    lively.read_until(lambda: lively.seq == seq)

    for number in range(seq + 1, seq + 21):
        began = time.monotonic()
        wire.post(frame(number, row="x" * 50_000))
        lively.read_until(lambda number=number: lively.seq == number)
        assert time.monotonic() - began < BOUND_S / 2

    assert stuck.line.has_rest


def test_a_board_that_stays_stuck_is_dropped(
    wire: Wire, connect: Callable[..., Far], forgotten: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "STUCK_S", 0.3)
    stuck = connect()

    seq = fill(wire, stuck)
    lively = connect(seen=seq)
    wait_until(lambda: forgotten == [stuck.line], BOUND_S, "the end of the stuck board")

    wire.post(frame(seq + 1))
    lively.read_until(lambda: lively.seq == seq + 1)


def test_a_slow_board_gets_the_newest_state_of_each_row_when_it_reads_again(
    wire: Wire, connect: Callable[..., Far]
) -> None:
    slow = connect()
    last = fill(wire, slow)
    quick = connect(seen=last)
    for number, state in enumerate(("picked up", "in transit", "delivered"), start=last + 1):
        wire.post(frame(number, parcel=state))
        quick.read_until(lambda number=number: quick.seq == number)

    slow.read_until(lambda: slow.seq == last + 3)

    said = [row["html"] for sent in slow.frames for row in sent["rows"] if row["id"] == "parcel"]
    assert said == ["delivered"]
    heard = [row["html"] for sent in quick.frames for row in sent["rows"] if row["id"] == "parcel"]
    assert heard == ["picked up", "in transit", "delivered"]
    reached = 0
    for sent in slow.frames:
        assert sent["after"] <= reached, "no gap that the board would have to ask about"
        reached = sent["seq"]


def test_a_board_that_says_nothing_for_long_is_dropped(
    wire: Wire, connect: Callable[..., Far], forgotten: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "SILENT_S", 1.0)
    silent, answering = connect(), connect()

    def is_dropped() -> bool:
        wire.ping()
        answering.read()
        return forgotten == [silent.line]

    wait_until(is_dropped, BOUND_S, "the end of the silent board")


def test_what_was_sent_while_a_board_came_is_announced_to_it(wire: Wire, connect: Callable[..., Far]) -> None:
    wire.post(frame(7, row="<tr>"))

    late, punctual = connect(seen=5), connect(seen=7)

    late.read_until(lambda: late.seq == 7)
    assert (late.frames[0]["after"], late.frames[0]["rows"]) == (7, []), "it has to ask for the row"
    wire.post(frame(8))
    punctual.read_until(lambda: punctual.seq == 8)
    assert [sent["seq"] for sent in punctual.frames] == [8]


def test_a_board_that_the_system_can_not_watch_over_is_dropped_and_no_other(
    wire: Wire, connect: Callable[..., Far], forgotten: list[Line], tmp_path: Path
) -> None:
    lively = connect()
    near, far = socket.socketpair()
    line = Line(near, "account:dana", None, 0)
    with (tmp_path / "file").open("wb") as file:
        os.dup2(
            file.fileno(), near.fileno()
        )  # epoll refuses files, as it refuses whatever is beyond its limit
    wire.add(line, b"")
    wait_until(lambda: forgotten == [line], BOUND_S, "the end of the line")

    wire.post(frame(1))
    lively.read_until(lambda: lively.seq == 1)
    assert near.fileno() == -1
    far.close()


def test_a_browser_that_leaves_is_answered(
    wire: Wire, connect: Callable[..., Far], forgotten: list[Line]
) -> None:
    board = connect()

    board.say(CloseConnection(1000, "bye"))

    assert board.read_to_the_end() == 1000
    wait_until(lambda: forgotten == [board.line], BOUND_S, "the end of the line")


def test_a_ping_is_answered(wire: Wire, connect: Callable[..., Far]) -> None:
    board = connect()

    board.say(Ping(b"there?"))

    board.read_until(lambda: any(isinstance(event, Pong) for event in board.events))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Connection(ConnectionType.CLIENT).send(TextMessage("hello")), codes.LISTENS_ONLY),
        (Connection(ConnectionType.CLIENT).send(BytesMessage(b"\0" * 9)), codes.LISTENS_ONLY),
        (b"\xff" * 64, 1002),
    ],
    ids=["text", "bytes", "no frame at all"],  # a client's frames are masked by chance
)
def test_who_does_not_just_listen_is_sent_away(
    wire: Wire, connect: Callable[..., Far], said: bytes, code: int
) -> None:
    rude, polite = connect(), connect()

    rude.connection.sendall(said)

    assert rude.read_to_the_end() == code
    wire.post(frame(1))
    polite.read_until(lambda: polite.seq == 1)


def test_all_are_told_that_the_server_goes_away_even_if_one_does_not_listen(
    forgotten: list[Line], wire: Wire, connect: Callable[..., Far]
) -> None:
    stuck, lively = connect(), connect()
    seq = fill(wire, stuck)
    lively.read_until(lambda: lively.seq == seq)

    began = time.monotonic()
    wire.end_all(codes.GOING_AWAY, "the server restarts")
    assert lively.read_to_the_end() == codes.GOING_AWAY
    wire.stop()

    assert time.monotonic() - began < 5
    assert set(forgotten) == {stuck.line, lively.line}
