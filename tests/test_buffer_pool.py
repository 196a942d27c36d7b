"""Buffers for chunks: so many bytes and no more, given back once, kept when they are of use."""

from __future__ import annotations

import threading

from roles.swarm.buffer_pool import BufferPool, StoppedError
from roles.values.content import MAX_CHUNK_SIZE, MIN_CHUNK_SIZE
from tests.disks import go_on, stop
from tests.support import LmkTestCase, wait_until

SIZE = MIN_CHUNK_SIZE


class BufferPoolTest(LmkTestCase):
    def test_a_buffer_that_was_given_back_is_used_again(self) -> None:
        pool = BufferPool(4 * SIZE)
        first = pool.take(SIZE, go_on)
        pool.give_back(first)
        self.assertIs(pool.take(SIZE, go_on), first)
        self.assertIsNot(pool.take(SIZE, go_on), first)

    def test_who_finds_none_waits_until_one_is_given_back(self) -> None:
        pool, got = BufferPool(2 * SIZE), list[bytearray]()
        first = pool.take(SIZE, go_on)
        pool.take(SIZE, go_on)
        waiting = threading.Thread(target=lambda: got.append(pool.take(SIZE, go_on)))
        waiting.start()
        waiting.join(0.1)
        self.assertTrue(waiting.is_alive())
        pool.give_back(first)
        waiting.join(5.0)
        self.assertEqual(len(got), 1)

    def test_who_is_told_to_stop_does_not_wait(self) -> None:
        pool = BufferPool(SIZE)
        pool.take(SIZE, stop)
        with self.assertRaises(StoppedError):
            pool.take(SIZE, stop)

    def test_one_host_does_not_keep_the_others_waiting(self) -> None:
        pool = BufferPool(12 * MAX_CHUNK_SIZE)
        held = [pool.take(MAX_CHUNK_SIZE, stop, "greedy") for _ in range(6)]
        with self.assertRaises(StoppedError):
            pool.take(MAX_CHUNK_SIZE, stop, "greedy")
        for host in ("second", "second", "third", "third", "fourth"):
            pool.take(MAX_CHUNK_SIZE, stop, host)
        with self.assertRaises(StoppedError):
            pool.take(MAX_CHUNK_SIZE, stop, "third")
        for _ in range(5):
            pool.give_back(held.pop(), "greedy")
        pool.take(MAX_CHUNK_SIZE, stop, "greedy")
        for _ in range(5):  # this machine's own
            pool.take(MAX_CHUNK_SIZE, stop)

    def test_it_is_known_whether_others_wait(self) -> None:
        pool = BufferPool(2 * SIZE)
        held = pool.take(2 * SIZE, go_on, "a")
        self.assertFalse(pool.is_awaited("a"))
        waiting = threading.Thread(target=lambda: pool.take(SIZE, go_on, "b"))
        waiting.start()
        wait_until(lambda: pool.is_awaited("a"))
        pool.give_back(held, "a")
        waiting.join(5.0)
        self.assertFalse(pool.is_awaited("a"))
        self.assertEqual(len(pool._waiting), 0)

    def test_a_chunk_greater_than_the_pool_is_received_alone(self) -> None:
        pool = BufferPool(SIZE)
        big = pool.take(4 * SIZE, stop)
        with self.assertRaises(StoppedError):
            pool.take(1, stop)
        pool.give_back(big)
        pool.take(1, stop)

    def test_a_thousand_sizes_leave_nothing_behind(self) -> None:
        pool = BufferPool(64 * SIZE)
        for size in (*range(1, 3_000), *range(SIZE + 1, SIZE + 200)):
            pool.give_back(pool.take(size, stop))
        self.assertEqual(sum(map(len, pool._kept.values())), 0)
        self.assertLess(len(pool._kept), 10)

    def test_what_is_kept_is_at_most_half_of_it(self) -> None:
        pool = BufferPool(16 * SIZE)
        for size in (SIZE, 2 * SIZE, 4 * SIZE):
            for buffer in [pool.take(size, stop) for _ in range(3)]:
                pool.give_back(buffer)
        kept = sum(size * len(some) for size, some in pool._kept.items())
        self.assertLessEqual(kept, 8 * SIZE)
        self.assertGreater(kept, 0)

    def test_many_threads_never_have_the_same_buffer_or_too_many_bytes(self) -> None:
        pool, faults = BufferPool(3 * SIZE), list[str]()

        def work(mark: int) -> None:
            for turn in range(200):
                buffer = pool.take((SIZE, 2 * SIZE, 1_000)[turn % 3], go_on)
                buffer[0] = buffer[-1] = mark
                if pool._out > 3 * SIZE:
                    faults.append("too many bytes are out")
                if (buffer[0], buffer[-1]) != (mark, mark):
                    faults.append("two threads have one buffer")
                pool.give_back(buffer)

        threads = [threading.Thread(target=work, args=(mark,)) for mark in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])
        self.assertEqual(pool._out, 0)
