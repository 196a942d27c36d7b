"""Whose chunk comes too slowly: beside what the others bring, not by the clock alone."""

from __future__ import annotations

import threading
import unittest

from roles.swarm.arriving_chunks import LIMITS, ArrivingChunk, ArrivingChunks
from roles.swarm.content_transfer import ContentTransfer
from roles.values.content import MAX_CHUNK_SIZE, MIN_CHUNK_SIZE, Content
from roles.values.errors import StoppedError
from tests.support import LIMIT_S, LmkTestCase, wait_until

BETWEEN = 2 * LIMITS.hopeless
SIZE = MIN_CHUNK_SIZE


def transfer_of(size: int) -> ContentTransfer:
    """One of one chunk."""
    return ContentTransfer(Content(bytes(32), size, MAX_CHUNK_SIZE), "bytes", lambda: None)


TRANSFER = transfer_of(MAX_CHUNK_SIZE)


class ArrivingChunksTest(unittest.TestCase):
    def setUp(self) -> None:
        self.chunks = ArrivingChunks(MAX_CHUNK_SIZE)
        self.chunks._waiting[""] = 1  # somebody

    def chunk(self, rate: float, *, for_s: float = LIMITS.compare_s) -> ArrivingChunk:
        """One that came at this rate from 0.0 on."""
        chunk = ArrivingChunk(TRANSFER, 0, "", bytearray(), 0.0, round(rate * for_s))
        self.chunks._chunks.add(chunk)
        return chunk

    def is_slow(self, chunk: ArrivingChunk) -> bool:
        return self.chunks.is_too_slow(chunk, now=LIMITS.compare_s)

    def test_on_a_slow_line_all_are_slow_and_nobody_is_to_blame(self) -> None:
        chunks = [self.chunk(BETWEEN) for _ in range(12)]
        self.assertEqual([self.is_slow(chunk) for chunk in chunks], [False] * 12)

    def test_who_is_much_slower_than_the_others_is(self) -> None:
        slow = self.chunk(BETWEEN)
        others = [self.chunk(LIMITS.slow_share * BETWEEN + 1_000) for _ in range(3)]
        self.assertTrue(self.is_slow(slow))
        self.assertFalse(any(map(self.is_slow, others)))

    def test_who_is_somewhat_slower_is_not(self) -> None:
        slow = self.chunk(BETWEEN)
        self.chunk(LIMITS.slow_share * BETWEEN - 1_000)
        self.assertFalse(self.is_slow(slow))

    def test_nobody_is_too_slow_who_sends_enough_however_fast_the_others_are(self) -> None:
        slow = self.chunk(LIMITS.enough + 1)
        self.chunk(100 * LIMITS.enough)
        self.assertFalse(self.is_slow(slow))

    def test_who_sends_next_to_nothing_is_though_all_the_others_do_the_same(self) -> None:
        chunks = [self.chunk(LIMITS.hopeless - 1) for _ in range(12)]
        self.assertTrue(all(map(self.is_slow, chunks)))

    def test_only_what_came_since_the_last_look_counts(self) -> None:
        chunk = self.chunk(100 * LIMITS.enough)
        self.assertFalse(self.is_slow(chunk))
        self.assertFalse(
            self.chunks.is_too_slow(chunk, now=LIMITS.compare_s + LIMITS.judge_s - 0.1)
        )
        self.assertTrue(self.chunks.is_too_slow(chunk, now=LIMITS.compare_s + LIMITS.judge_s))

    def test_who_sends_nothing_is_found_out_long_before_who_is_only_slower_than_others(
        self,
    ) -> None:
        silent, slow = self.chunk(LIMITS.hopeless - 1, for_s=LIMITS.judge_s), self.chunk(BETWEEN)
        self.chunk(100 * LIMITS.enough)
        self.assertTrue(self.chunks.is_too_slow(silent, now=LIMITS.judge_s))
        self.assertFalse(self.chunks.is_too_slow(slow, now=LIMITS.judge_s))

    def test_what_is_through_is_compared_with_nothing_any_more(self) -> None:
        slow = self.chunk(BETWEEN)
        fast = self.chunk(100 * LIMITS.enough)
        self.chunks.end(fast)
        self.assertFalse(self.is_slow(slow))

    def test_time_for_which_this_program_itself_held_it_up_does_not_count(self) -> None:
        chunk = self.chunk(LIMITS.enough + 1, for_s=1.0)
        chunk.was_held_up(LIMITS.compare_s - 1.0)
        self.assertFalse(self.is_slow(chunk))
        chunk.received = 0
        self.assertFalse(
            self.chunks.is_too_slow(chunk, now=LIMITS.compare_s - 1.0 + LIMITS.judge_s - 0.1)
        )

    def test_nobody_is_too_slow_while_nobody_waits_for_a_buffer(self) -> None:
        self.chunks._waiting.clear()
        self.assertFalse(self.is_slow(self.chunk(LIMITS.hopeless - 1)))


class BuffersTest(LmkTestCase):
    def setUp(self) -> None:
        self.use(4 * SIZE)

    def use(self, most: int, *, waits: bool = False) -> None:
        self.chunks = ArrivingChunks(most)
        if not waits:
            self.chunks.stop()

    def begin(self, size: int = SIZE, host: str = "") -> ArrivingChunk:
        return self.chunks.begin(transfer_of(size), 0, host)

    def test_a_buffer_that_was_given_back_is_used_again(self) -> None:
        first = self.begin()
        self.chunks.end(first)
        self.assertIs(self.begin().buffer, first.buffer)
        self.assertIsNot(self.begin().buffer, first.buffer)

    def test_who_finds_none_waits_until_one_is_given_back(self) -> None:
        self.use(2 * SIZE, waits=True)
        first = self.begin()
        self.begin()
        got = list[ArrivingChunk]()
        waiting = threading.Thread(target=lambda: got.append(self.begin()))
        waiting.start()
        waiting.join(0.1)
        self.assertTrue(waiting.is_alive())
        self.chunks.end(first)
        waiting.join(LIMIT_S)
        self.assertEqual(len(got), 1)
        self.assertEqual(len(self.chunks._waiting), 0)

    def test_who_is_told_to_stop_does_not_wait(self) -> None:
        self.use(SIZE)
        self.begin()
        with self.assertRaises(StoppedError):
            self.begin()

    def test_who_waits_when_it_is_told_to_stop_waits_no_longer(self) -> None:
        self.use(SIZE, waits=True)
        self.begin()
        stopped = threading.Event()

        def wait() -> None:
            with self.assertRaises(StoppedError):
                self.begin()
            stopped.set()

        waiting = threading.Thread(target=wait, name="lmk-test")
        waiting.start()
        wait_until(lambda: bool(self.chunks._waiting))
        self.chunks.stop()
        waiting.join(LIMIT_S)
        self.assertTrue(stopped.is_set())

    def test_one_host_does_not_keep_the_others_waiting(self) -> None:
        self.use(12 * MAX_CHUNK_SIZE)
        held = [self.begin(MAX_CHUNK_SIZE, "greedy") for _ in range(6)]
        with self.assertRaises(StoppedError):
            self.begin(MAX_CHUNK_SIZE, "greedy")
        for host in ("second", "second", "third", "third", "fourth"):
            self.begin(MAX_CHUNK_SIZE, host)
        with self.assertRaises(StoppedError):
            self.begin(MAX_CHUNK_SIZE, "third")
        for _ in range(5):
            self.chunks.end(held.pop())
        self.begin(MAX_CHUNK_SIZE, "greedy")
        for _ in range(5):  # this machine's own
            self.begin(MAX_CHUNK_SIZE)

    def test_a_chunk_greater_than_all_buffers_is_received_alone(self) -> None:
        self.use(SIZE)
        big = self.begin(MAX_CHUNK_SIZE)
        with self.assertRaises(StoppedError):
            self.begin(1)
        self.chunks.end(big)
        self.begin(1)

    def test_a_thousand_sizes_leave_nothing_behind(self) -> None:
        self.use(64 * SIZE)
        for size in (*range(1, 3_000), *range(SIZE + 1, SIZE + 200)):
            self.chunks.end(self.begin(size))
        self.assertEqual(self.chunks._kept, [])

    def test_what_is_kept_is_at_most_half_of_it(self) -> None:
        self.use(16 * SIZE)
        for size in (SIZE, 2 * SIZE, 4 * SIZE):
            for chunk in [self.begin(size) for _ in range(3)]:
                self.chunks.end(chunk)
        self.assertLessEqual(sum(map(len, self.chunks._kept)), 8 * SIZE)
        self.assertTrue(self.chunks._kept)

    def test_many_threads_never_have_the_same_buffer_or_too_many_bytes(self) -> None:
        self.use(3 * SIZE, waits=True)
        faults = list[str]()

        def work(mark: int) -> None:
            for turn in range(200):
                chunk = self.begin((SIZE, 2 * SIZE, 1_000)[turn % 3])
                chunk.buffer[0] = chunk.buffer[-1] = mark
                if self.chunks._used > 3 * SIZE:
                    faults.append("too many bytes are out")
                if (chunk.buffer[0], chunk.buffer[-1]) != (mark, mark):
                    faults.append("two threads have one buffer")
                self.chunks.end(chunk)

        threads = [threading.Thread(target=work, args=(mark,)) for mark in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])
        self.assertEqual(self.chunks._used, 0)
