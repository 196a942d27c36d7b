"""Closing the window: a question only while someone is served, then everything ends."""

from __future__ import annotations

import sys
import threading

from tests.support import PROMPT_S, wait_until
from tests.windows import AppWindowTest, is_gone, sentences
from ui.window.running_roles import RunState


def role_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lmk-")]


class CloseTest(AppWindowTest):
    def serve(self) -> None:
        """Have somebody connected to a seeder of the window."""
        window = self.open_with_examples()
        address = next(iter(window.seeder.besides)).address
        assert address is not None
        self.occupy(address)
        self.pump_until(lambda: window.seeder.served == 1)

    def test_every_role_ends_in_time_and_unasked_when_nobody_is_served(self) -> None:
        window = self.open_with_examples()
        self.assertTrue(role_threads())
        window.close()
        self.pump_until(lambda: is_gone(window), PROMPT_S)

    def test_it_asks_while_someone_is_served_and_stays(self) -> None:
        self.serve()
        self.window.close()
        self.assertIn("still downloading from you", sentences(self.window.notices)[0])
        self.answer(self.window.notices, "Stay")
        self.assertFalse(is_gone(self.window))
        self.assertFalse(self.window.notices.has("close"))

    def test_it_closes_all_the_same_when_told_so(self) -> None:
        self.serve()
        self.window.close()
        self.answer(self.window.notices, "Close anyway")
        self.pump_until(lambda: is_gone(self.window))

    def test_a_tracker_that_was_to_start_again_does_not(self) -> None:
        window = self.open_window()
        window.tracker.start()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        window.tracker.start_or_stop()
        window.tracker.start()
        window.close()
        self.pump_until(lambda: is_gone(window))
        wait_until(lambda: "lmk-tracker" not in role_threads())

    def test_python_switches_threads_as_before_afterwards(self) -> None:
        usual = sys.getswitchinterval()
        window = self.open_window()
        self.assertLess(sys.getswitchinterval(), usual)
        window.close()
        self.pump_until(lambda: is_gone(window))
        self.assertEqual(sys.getswitchinterval(), usual)

    def test_the_place_of_the_window_is_kept(self) -> None:
        window = self.open_window()
        window.geometry("1010x710")
        self.pump_until(lambda: window.winfo_width() == 1010)
        window.close()
        self.pump_until(lambda: is_gone(window))
        self.assertTrue(str(self.kept()["window"]).startswith("1010x710"))
