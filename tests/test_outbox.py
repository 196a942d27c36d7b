"""Words for peers that do not read, and for those that read late."""

from __future__ import annotations

import socket
import threading
import time

from roles.net.outbox import MAX_KEPT, Outbox
from tests.peers import tcp_pair
from tests.receiving import receive_exactly
from tests.support import LmkTestCase, at_once


class OutboxTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer, self.ours = self.enterContext(tcp_pair())
        for end in (self.peer, self.ours):
            end.settimeout(60.0)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        self.outbox = Outbox(self.ours)

    def fill(self) -> int:
        """Until something is kept; returns how many bytes were said."""
        said = 0
        while self.outbox.is_empty:
            self.outbox.say(bytes([said // 1_000 % 251]) * 1_000)
            said += 1_000
        return said

    def test_who_does_not_read_holds_up_nobody_and_is_given_up(self) -> None:
        with at_once():
            self.fill()
            with self.assertRaises(TimeoutError):
                for _ in range(MAX_KEPT // 1_000 + 1):
                    self.outbox.say(bytes(1_000))

    def test_who_reads_late_gets_all_in_order(self) -> None:
        said = self.fill()
        self.outbox.say(b"last")
        come = bytearray()

        def read() -> None:
            come.extend(receive_exactly(self.peer, said + 4))

        reading = threading.Thread(target=read)
        reading.start()
        deadline = time.monotonic() + 10.0
        while not self.outbox.is_empty and time.monotonic() < deadline:
            self.outbox.flush()
        reading.join()
        expected = b"".join(bytes([n % 251]) * 1_000 for n in range(said // 1_000)) + b"last"
        self.assertTrue(bytes(come) == expected)

    def test_what_is_held_goes_out_together_and_in_order(self) -> None:
        self.outbox.hold()
        self.outbox.say(b"one ")
        self.outbox.say(b"two")
        self.assertFalse(self.outbox.is_empty)
        self.outbox.release()
        self.assertTrue(self.outbox.is_empty)
        self.assertEqual(self.peer.recv(100), b"one two")

    def test_what_has_time_goes_out_ahead_of_the_next_words(self) -> None:
        self.outbox.say_later(b"one ")
        self.assertFalse(self.outbox.is_empty)
        self.outbox.say(b"two")
        self.assertEqual(self.peer.recv(100), b"one two")

    def test_what_has_time_is_not_kept_without_end(self) -> None:
        with self.assertRaises(TimeoutError):
            for _ in range(MAX_KEPT // 1_000 + 1):
                self.outbox.say_later(bytes(1_000))

    def test_words_for_who_is_gone_are_an_error(self) -> None:
        self.ours.close()
        with self.assertRaises(OSError):
            self.outbox.say(b"word")
