"""Writing outside Tk's thread: one write at a time, and the newest value last."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any, cast

from roles.values.errors import StorageError
from ui.window.event_pump import EventPump
from ui.window.saving import Saving


class Pump:
    """Keeps the work until the test lets it run."""

    def __init__(self) -> None:
        self.waiting = list[Callable[[], None]]()

    def in_background(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self.waiting.append(lambda: then(work()))


class SavingTest(unittest.TestCase):
    def setUp(self) -> None:
        self.pump, self.written, self.problems = Pump(), list[int](), list[str]()
        self.is_full = False
        self.saving = Saving(cast(EventPump, self.pump), self.write, 0, self.problems.append)

    def write(self, value: int) -> None:
        if self.is_full:
            raise StorageError("The disk is full.")
        self.written.append(value)

    def finish(self) -> None:
        while self.pump.waiting:
            self.pump.waiting.pop(0)()

    def test_what_is_on_the_disk_is_not_written(self) -> None:
        self.saving.save(0)
        self.assertEqual((self.pump.waiting, self.saving.is_writing), ([], False))

    def test_of_what_comes_during_a_write_the_newest_follows(self) -> None:
        for value in (1, 2, 3):
            self.saving.save(value)
        self.assertEqual((len(self.pump.waiting), self.saving.is_writing), (1, True))
        self.finish()
        self.assertEqual((self.written, self.saving.is_writing), ([1, 3], False))

    def test_a_failure_is_told_and_the_next_value_is_tried(self) -> None:
        self.is_full = True
        self.saving.save(1)
        self.finish()
        self.is_full = False
        self.saving.save(2)
        self.finish()
        self.assertEqual((self.problems, self.written), (["The disk is full."], [2]))
