"""When the next chunk is offered while one goes out."""

from __future__ import annotations

import socket
import unittest
from unittest import mock

from roles.net import send_buffer
from roles.net.connection import Connection
from roles.net.throttle import Throttle
from roles.uploads.part_sender import MAX_KEPT, PartSender
from roles.uploads.part_sizes import MIN_AHEAD
from roles.uploads.upload_scheduler import PIECE, ChosenChunk
from roles.values.addresses import LOOPBACK
from roles.values.content import Content
from roles.wire import frames
from tests.connections import over
from tests.support import LIMIT_S

SIZE = 8 * MIN_AHEAD


class Source:
    """A file that notes what was sent of it: pieces that follow each other as one."""

    def __init__(self) -> None:
        self.sent = list[tuple[int, int] | str]()

    def send(self, _connection: Connection, offset: int, count: int) -> int:
        before = self.sent[-1] if self.sent else ""
        if isinstance(before, tuple) and sum(before) == offset:
            self.sent[-1] = before[0], before[1] + count
        else:
            self.sent.append((offset, count))
        return count

    def check(self) -> None: ...

    def close(self) -> None: ...


class PartSenderTest(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(send_buffer, "WIRE_SEGMENT", 1 << 20))  # as on a wire
        self.enterContext(mock.patch.object(send_buffer, "MIN_SEGMENTS", 0))
        with socket.create_server((LOOPBACK, 0)) as listener:
            self.theirs = self.enterContext(socket.create_connection(listener.getsockname()))
            mine = self.enterContext(listener.accept()[0])
        self.ours = over(mine)
        self.throttle = Throttle()
        self.moved = list[int]()
        self.parts = PartSender(
            self.ours, self.throttle, lambda: False, self.moved.append, frames.PART
        )
        self.source = Source()

    def send(self) -> list[tuple[int, int] | str]:
        """What went out of a chunk, and when the next one was to be offered."""
        self.source.sent.clear()
        content = Content(b"root" * 8, SIZE, SIZE)
        says = self.source.sent.append
        is_whole = self.parts.send(
            ChosenChunk(7, content.root, 0),
            content,
            self.source,
            lambda: says("offer"),
            lambda: True,
        )
        self.assertTrue(is_whole)
        return list(self.source.sent)

    def test_what_is_kept_goes_out_ahead_of_the_next_words_at_once(self) -> None:
        self.parts.keep(b"one ")
        self.parts.keep(b"two ")
        self.ours.send_all(b"three", within_s=LIMIT_S)
        self.assertEqual(self.theirs.recv(100), b"one two three")
        self.parts.keep(b"four")
        self.parts.flush()
        self.parts.flush()
        self.assertEqual(self.theirs.recv(100), b"four")

    def test_what_is_kept_does_not_wait_for_the_limit(self) -> None:
        self.throttle.set_limit(1_000_000)
        self.parts.keep(b"word")
        with mock.patch.object(self.throttle, "wait", side_effect=lambda *_: self.theirs.recv(4)):
            self.theirs.setblocking(False)
            self.parts.await_turn(1_000)
        with self.assertRaises(BlockingIOError):
            self.theirs.recv(4)

    def test_answers_that_would_fill_the_memory_go_out_at_once(self) -> None:
        for _ in range(2):
            self.parts.keep(bytes(MAX_KEPT // 2 + 1))
        self.assertTrue(self.theirs.recv(100))

    def test_before_a_rate_is_known_the_next_offer_goes_ahead_of_the_chunk(self) -> None:
        self.assertEqual(self.send(), ["offer", (0, SIZE)])

    def test_over_a_slow_connection_it_goes_ahead_of_the_end(self) -> None:
        self.parts.fit(SIZE, 60.0, 3)
        late = SIZE - MIN_AHEAD
        self.assertEqual(self.send(), [(0, late), "offer", (late, MIN_AHEAD)])

    def test_a_connection_that_turns_out_to_be_slow_is_noticed_though_chunks_fit_in(self) -> None:
        self.parts.fit(SIZE, 0.001, 3)
        self.parts.fit(SIZE, 60.0, 3)
        self.assertEqual(self.send().index("offer"), 1)

    def test_over_a_fast_one_it_goes_ahead_of_the_chunk(self) -> None:
        self.parts.fit(SIZE, 0.001, 3)
        self.assertEqual(self.send(), ["offer", (0, SIZE)])

    def test_with_a_limit_it_goes_out_once_too(self) -> None:
        self.parts.fit(SIZE, 60.0, 3)
        self.throttle.set_limit(SIZE * 4)
        sent = self.send()
        self.assertEqual(sent.count("offer"), 1)
        before = [part for part in sent[: sent.index("offer")] if not isinstance(part, str)]
        self.assertEqual(sum(count for _, count in before), SIZE - MIN_AHEAD)
        self.assertGreater(len(self.moved), SIZE // PIECE)

    def test_it_is_told_how_much_went_out_while_it_does_but_for_fast_lines(self) -> None:
        for seconds, pieces in ((60.0, 5), (0.001, 1)):
            with self.subTest(seconds=seconds):
                self.moved.clear()
                self.parts._sizes._longest = frames.MAX_PART
                self.parts.fit(SIZE, seconds, 3)
                self.send()
                self.assertEqual(sum(self.moved), SIZE)
                self.assertEqual(len(self.moved), pieces)

    def test_what_the_leecher_hears_is_the_head_of_each_part(self) -> None:
        self.parts.fit(SIZE, 60.0, 3)
        self.send()
        late = SIZE - MIN_AHEAD
        heads = frames.encode_part_head(7, 0, 0, late) + frames.encode_part_head(
            7, 0, late, MIN_AHEAD
        )
        self.assertEqual(self.theirs.recv(1_024), heads)
