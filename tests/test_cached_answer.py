"""An answer that is made once for all who ask for it at the same time."""

from __future__ import annotations

import unittest
from collections.abc import Generator
from unittest import mock

from roles.room.cached_answer import KEPT_S, RESTS, CachedAnswer
from tests.support import run_to_end


class CachedAnswerTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        self.enterContext(mock.patch("time.monotonic", lambda: self.now))
        self.made = 0
        self.slice_s = 0.0
        self.failure: Exception | None = None
        self.kept = CachedAnswer(self.make)

    def make(self) -> Generator[None, None, bytes]:
        self.made += 1
        for _ in range(3):
            self.now += self.slice_s
            if self.failure is not None:
                raise self.failure
            yield
        return b"%d" % self.made

    def get(self) -> bytes:
        return run_to_end(self.kept.get())[0]

    def test_whoever_asks_meanwhile_gets_the_same_one(self) -> None:
        first, second = self.kept.get(), self.kept.get()
        next(first)
        next(second)
        self.assertEqual(self.get(), b"1")
        for asking in (first, second):
            with self.assertRaises(StopIteration) as end:
                next(asking)
            self.assertEqual(end.exception.value, b"1")

    def test_it_is_kept_for_a_while_and_then_made_anew(self) -> None:
        self.assertEqual(self.get(), b"1")
        self.now += KEPT_S - 0.01
        self.assertEqual(self.get(), b"1")
        self.now += 0.02
        self.assertEqual(self.get(), b"2")

    def test_what_takes_long_is_kept_longer(self) -> None:
        self.slice_s = 1.0
        self.get()
        self.now += RESTS * 3.0 - 0.01
        self.assertEqual(self.get(), b"1")

    def test_after_a_failure_the_next_one_makes_it_anew(self) -> None:
        self.failure = MemoryError()
        with self.assertRaises(MemoryError):
            self.get()
        self.failure = None
        self.assertEqual(self.get(), b"2")
