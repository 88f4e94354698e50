"""What waits for a browser that is slow."""

import msgspec

from webapp.live.frames import MOST_ROWS_WAITING, Frame, Mailbox


def frame(seq: int, after: int | None = None, **rows: str | None) -> Frame:
    return Frame(after=seq - 1 if after is None else after, seq=seq, day="2026-11-21", rows=rows)


def test_a_frame_that_is_taken_at_once_is_the_one_that_was_offered() -> None:
    mailbox, offered = Mailbox(), frame(1, a="<tr>")
    mailbox.offer(offered)

    assert mailbox.take() is offered
    assert mailbox.take() is None


def test_every_board_gets_the_same_text_made_once() -> None:
    offered = frame(1, a="<tr>")

    assert offered.encoded is offered.encoded
    assert offered.on_the_wire is offered.on_the_wire
    assert offered.on_the_wire.endswith(offered.encoded.encode())


def test_a_mailbox_keeps_only_the_newest_state_of_each_row() -> None:
    mailbox = Mailbox()
    mailbox.offer(frame(5, a="old", b="only"))
    mailbox.offer(frame(6, a="newer"))
    mailbox.offer(frame(7, a="newest", c="late"))

    waiting = mailbox.take()

    assert waiting is not None
    assert waiting.rows == {"a": "newest", "b": "only", "c": "late"}
    assert (waiting.after, waiting.seq) == (4, 7), "it covers everything since the oldest"
    assert mailbox.take() is None


def test_a_row_that_was_taken_from_the_board_stays_taken() -> None:
    mailbox = Mailbox()
    mailbox.offer(frame(1, a="there"))
    mailbox.offer(frame(2, a=None))

    waiting = mailbox.take()

    assert waiting is not None
    sent = msgspec.json.decode(waiting.encoded)
    assert (sent["rows"], sent["removed"]) == ([], ["a"])


def test_counters_and_positions_are_the_newest_known() -> None:
    older = Frame(0, 1, "2026-11-21", counters={"late": 1}, fixes={"anna": "10:00", "bert": "10:01"})
    newer = Frame(1, 2, "2026-11-21", fixes={"anna": "10:05"})

    both = older.followed_by(newer)

    assert both.counters == {"late": 1}
    assert both.fixes == {"anna": "10:05", "bert": "10:01"}


def test_a_mailbox_that_would_grow_too_large_asks_for_a_resync_instead() -> None:
    mailbox = Mailbox()
    for seq in range(1, MOST_ROWS_WAITING + 2):
        mailbox.offer(frame(seq, **{f"row-{seq}": "<tr>"}))
    mailbox.offer(frame(MOST_ROWS_WAITING + 2, last="<tr>"))

    waiting = mailbox.take()

    assert waiting is not None
    assert waiting.resync
    assert len(waiting.rows) <= MOST_ROWS_WAITING
