"""Two windows of one profile: they know of each other."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.support import LIMIT_S, LmkTestCase
from tests.windows import AppWindowTest, button_texts, is_gone
from ui.packed.second_start import WindowSeat
from ui.window.window_start import ALREADY_OPEN, meet_others


class WindowSeatTest(LmkTestCase):
    def seat(self, folder: Path | None = None, computer: str = "lab-pc-1") -> WindowSeat:
        return self.enterContext(WindowSeat(folder or self.folder, computer=computer))

    def test_the_second_knows_that_it_is(self) -> None:
        self.assertTrue(self.seat().is_first)
        self.assertFalse(self.seat().is_first)

    def test_the_seat_is_free_again_when_the_first_has_left(self) -> None:
        with WindowSeat(self.folder) as first:
            self.assertTrue(first.is_first)
        with WindowSeat(self.folder) as next_one:
            self.assertTrue(next_one.is_first)

    def test_other_profiles_and_other_computers_of_one_home_do_not_count(self) -> None:
        seats = [self.seat(), self.seat(self.folder / "other"), self.seat(computer="lab-pc-2")]
        self.assertEqual([seat.is_first for seat in seats], [True, True, True])

    def test_the_first_is_called_once_for_each_call(self) -> None:
        called = threading.Semaphore(0)
        first, second = self.seat(), self.seat()
        first.listen(called.release)
        for _ in range(2):
            self.assertEqual(second.call_first(), "")
            self.assertTrue(called.acquire(timeout=LIMIT_S))
        self.assertFalse(called.acquire(blocking=False))

    def test_a_call_of_before_is_not_answered(self) -> None:
        called = threading.Semaphore(0)
        first, second = self.seat(), self.seat()
        second.call_first()
        first.listen(called.release)
        second.call_first()
        self.assertTrue(called.acquire(timeout=LIMIT_S))
        self.assertFalse(called.acquire(blocking=False))

    def test_where_nothing_can_be_written_everyone_is_first(self) -> None:
        blocked = self.folder / "blocked"
        blocked.touch()
        seats = [self.seat(blocked), self.seat(blocked)]
        self.assertEqual([seat.is_first for seat in seats], [True, True])
        self.assertIn("cannot be called", seats[1].call_first())

    def test_any_name_of_a_computer_makes_a_file_name(self) -> None:
        self.assertTrue(self.seat(computer="../ä/" + "x" * 500).is_first)
        (file,) = self.folder.iterdir()
        self.assertLess(len(file.name), 80)


class SecondWindowTest(AppWindowTest):
    def seat(self) -> WindowSeat:
        return self.enterContext(WindowSeat(self.profile.state_folder))

    def test_the_first_window_says_nothing_and_comes_forward_when_it_is_called(self) -> None:
        first = self.seat()
        window = self.open_window()
        meet_others(window, first)
        self.assertEqual(window.notices.sentences, [])
        self.assertEqual(window.state(), "withdrawn")
        self.seat().call_first()
        self.pump_until(lambda: window.state() == "normal")

    def test_the_second_window_offers_to_show_the_first_and_then_gives_way(self) -> None:
        self.seat()
        window = self.open_window()
        meet_others(window, self.seat())
        self.assertEqual(window.notices.sentences, [ALREADY_OPEN])
        self.assertEqual(button_texts(window.notices), ["Show that window", "Use this one too"])
        self.answer(window.notices, "Show that window")
        self.pump_until(lambda: is_gone(window))
        self.assertEqual(len(list(self.profile.state_folder.glob("window-*.call"))), 1)

    def test_it_may_be_used_beside_the_first(self) -> None:
        self.seat()
        window = self.open_window()
        meet_others(window, self.seat())
        self.answer(window.notices, "Use this one too")
        self.assertFalse(is_gone(window))
        self.assertEqual(window.notices.sentences, [])

    def test_a_first_window_that_cannot_be_called_is_said_and_this_one_stays(self) -> None:
        self.seat()
        window = self.open_window()
        second = self.seat()
        meet_others(window, second)
        second._bell = self.folder / "gone" / "call"
        self.answer(window.notices, "Show that window")
        self.assertIn("cannot be called", window.notices.sentences[0])
        self.assertFalse(is_gone(window))
