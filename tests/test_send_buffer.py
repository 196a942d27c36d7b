"""How much of what is sent waits in the system's buffer."""

from __future__ import annotations

import random
import socket
import sys
import unittest

from roles.net.send_buffer import (
    ALONE,
    FAST,
    LOCAL_BUFFER,
    MAX_BUFFER,
    MIN_BUFFER,
    SendBuffer,
)
from roles.values.addresses import LOOPBACK
from tests.connections import over


class SendBufferTest(unittest.TestCase):
    def setUp(self) -> None:
        self.link = self.enterContext(socket.socket())
        self.buffer = SendBuffer(over(self.link))

    def test_a_slow_connection_holds_little_back(self) -> None:
        for rate in (0.0, 100e3, MIN_BUFFER):
            self.buffer.fit(rate, 256 * 1024, ALONE + 1)
            self.assertEqual(self.buffer.size, MIN_BUFFER)

    def test_one_that_is_alone_has_room_for_a_line_with_slow_answers(self) -> None:
        self.buffer.fit(10e6, 256 * 1024, ALONE)
        self.assertEqual(self.buffer.size, 200_000)
        self.buffer.fit(10e6, 256 * 1024, ALONE + 1)
        self.assertEqual(self.buffer.size, 50_000)

    def test_a_fast_one_holds_a_chunk_if_its_chunks_are_long(self) -> None:
        self.buffer.fit(50 * FAST, MAX_BUFFER, 10)
        self.assertEqual(self.buffer.size, MAX_BUFFER)

    def test_half_of_a_short_chunk_never_fits_in_so_its_rate_can_be_seen(self) -> None:
        rng = random.Random(5)
        for _ in range(200):
            chunk = rng.randrange(4 * MIN_BUFFER, MAX_BUFFER)
            self.buffer.fit(rng.uniform(0, 0.99 * FAST), chunk, rng.randrange(ALONE + 1, 12))
            self.assertLessEqual(self.buffer.size, chunk // 2)

    def test_it_shrinks_when_a_connection_turns_out_to_be_slow(self) -> None:
        self.buffer.fit(50 * FAST, 256 * 1024, 4)  # the first bytes fill queues on their way
        self.assertEqual(self.buffer.size, MAX_BUFFER)
        self.buffer.fit(0.5e6, 256 * 1024, 4)
        self.assertEqual(self.buffer.size, MIN_BUFFER)

    @unittest.skipIf(sys.platform == "win32", "it does not tell how long its segments are")
    def test_between_programs_of_one_machine_it_stays_in_the_processors_cache(self) -> None:
        with socket.create_server((LOOPBACK, 0)) as listener:
            link = self.enterContext(socket.create_connection(listener.getsockname()))
        buffer = SendBuffer(over(link))
        for rate, sharers in ((0.0, 1), (50 * FAST, 1), (50 * FAST, 12), (1e6, 12)):
            buffer.fit(rate, 1024 * 1024, sharers)
            self.assertEqual(buffer.size, LOCAL_BUFFER)

    def test_the_system_is_told(self) -> None:
        before = self.link.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        self.buffer.fit(50 * FAST, 128 * 1024, 4)
        after = self.link.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        self.assertGreater(after, before)
