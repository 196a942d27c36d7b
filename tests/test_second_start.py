"""Two windows of one profile: they know of each other."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

from tests.support import LIMIT_S, LmkTestCase
from tests.windows import AppWindowTest, button_texts, is_gone, sentences
from ui.packed.second_start import WindowClaim
from ui.window.window_start import ALREADY_OPEN, meet_others


class WindowClaimTest(LmkTestCase):
    def claim(self, folder: Path | None = None, computer: str = "lab-pc-1") -> WindowClaim:
        return self.enterContext(WindowClaim(folder or self.folder, computer=computer))

    def test_the_second_knows_that_it_is(self) -> None:
        self.assertTrue(self.claim().is_first)
        self.assertFalse(self.claim().is_first)

    def test_the_claim_is_free_again_when_the_first_has_left(self) -> None:
        with WindowClaim(self.folder) as first:
            self.assertTrue(first.is_first)
        with WindowClaim(self.folder) as next_one:
            self.assertTrue(next_one.is_first)

    def test_other_profiles_and_other_computers_of_one_home_do_not_count(self) -> None:
        claims = [self.claim(), self.claim(self.folder / "other"), self.claim(computer="lab-pc-2")]
        self.assertEqual([claim.is_first for claim in claims], [True, True, True])

    def test_the_first_is_called_once_for_each_call(self) -> None:
        called = threading.Semaphore(0)
        first, second = self.claim(), self.claim()
        first.listen(lambda _folder: called.release())
        for _ in range(2):
            self.assertEqual(second.call_first(), "")
            self.assertTrue(called.acquire(timeout=LIMIT_S))
        self.assertFalse(called.acquire(blocking=False))

    def test_a_call_of_before_is_not_answered(self) -> None:
        called = threading.Semaphore(0)
        first, second = self.claim(), self.claim()
        second.call_first()
        first.listen(lambda _folder: called.release())
        second.call_first()
        self.assertTrue(called.acquire(timeout=LIMIT_S))
        self.assertFalse(called.acquire(blocking=False))

    def test_a_call_may_bring_a_folder(self) -> None:
        folders: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        first, second = self.claim(), self.claim()
        first.listen(folders.put)
        lesson = self.folder / "lesson ä"
        lesson.mkdir()
        for folder, given in ((lesson, lesson), (None, None), (lesson / "none", None)):
            second.call_first(folder)
            self.assertEqual(folders.get(timeout=LIMIT_S), given)
        self.assertEqual(list(self.folder.glob("*.call-*")), [])

    def test_where_nothing_can_be_written_everyone_is_first(self) -> None:
        blocked = self.folder / "blocked"
        blocked.touch()
        claims = [self.claim(blocked), self.claim(blocked)]
        self.assertEqual([claim.is_first for claim in claims], [True, True])
        self.assertIn("cannot be called", claims[1].call_first())

    def test_any_name_of_a_computer_makes_a_file_name(self) -> None:
        self.assertTrue(self.claim(computer="../ä/" + "x" * 500).is_first)
        (file,) = self.folder.iterdir()
        self.assertLess(len(file.name), 80)


class SecondWindowTest(AppWindowTest):
    def claim(self) -> WindowClaim:
        return self.enterContext(WindowClaim(self.profile.state_folder))

    def test_the_first_window_says_nothing_and_comes_forward_when_it_is_called(self) -> None:
        first = self.claim()
        window = self.open_window()
        meet_others(window, first)
        self.assertEqual(sentences(window.notices), [])
        self.assertEqual(window.state(), "withdrawn")
        self.claim().call_first()
        self.pump_until(lambda: window.state() == "normal")

    def test_the_second_window_offers_to_show_the_first_and_then_gives_way(self) -> None:
        self.claim()
        window = self.open_window()
        meet_others(window, self.claim())
        self.assertEqual(sentences(window.notices), [ALREADY_OPEN])
        self.assertEqual(button_texts(window.notices), ["Show that window", "Open another window"])
        self.answer(window.notices, "Show that window")
        self.pump_until(lambda: is_gone(window))
        self.assertEqual(len(list(self.profile.state_folder.glob("window-*.call"))), 1)

    def test_the_first_window_takes_the_folder_that_the_second_was_opened_with(self) -> None:
        first = self.claim()
        window = self.open_window()
        meet_others(window, first)
        lesson = self.folder / "lesson"
        lesson.mkdir()
        self.claim().call_first(lesson)
        self.pump_until(lambda: window.tabs.in_front is window.seeder)
        self.assertEqual(window.seeder.form.folder.folder, str(lesson))
        self.assertEqual(window.state(), "normal")

    def test_it_may_be_used_beside_the_first(self) -> None:
        self.claim()
        window = self.open_window()
        meet_others(window, self.claim())
        self.answer(window.notices, "Open another window")
        self.assertFalse(is_gone(window))
        self.assertEqual(sentences(window.notices), [])

    def test_a_first_window_that_cannot_be_called_is_said_and_this_one_stays(self) -> None:
        self.claim()
        window = self.open_window()
        second = self.claim()
        meet_others(window, second)
        second._bell = self.folder / "gone" / "call"
        self.answer(window.notices, "Show that window")
        self.assertIn("cannot be called", sentences(window.notices)[0])
        self.assertFalse(is_gone(window))
