"""The Log tab: what happens, and what is copied for a report."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from roles.values.errors import StorageError
from tests.support import widget_texts
from tests.windows import AppWindowTest, sentences
from ui.about import version_line
from ui.window.app_window import AppWindow


class LogTabTest(AppWindowTest):
    def setUp(self) -> None:
        super().setUp()
        self.log = logging.getLogger("tests.window_log")
        self.log.setLevel(logging.DEBUG)
        self.open_window()

    def shown(self) -> str:
        return self.window.log.text.get("1.0", "end-1c")

    def test_it_shows_a_line_for_what_happens(self) -> None:
        self.log.info("Somebody took %s.", "a file")
        self.pump_until(lambda: "Somebody took a file." in self.shown())
        self.assertRegex(self.shown(), r"(?m)^\d\d:\d\d:\d\d Somebody took a file\.$")

    def test_what_a_stranger_named_cannot_add_lines(self) -> None:
        self.log.warning("refused %s", "a\nb")
        self.pump_until(lambda: "refused a\\u000ab" in self.shown())

    def test_details_stay_in_the_file(self) -> None:
        self.log.debug("a detail")
        self.log.info("the end")
        self.pump_until(lambda: "the end" in self.shown())
        self.assertNotIn("a detail", self.shown())

    def test_the_same_again_is_one_line(self) -> None:
        for _ in range(5):
            self.log.warning("No tracker.")
        self.log.info("the end")
        self.pump_until(lambda: "the end" in self.shown())
        self.assertEqual(self.shown().count("No tracker."), 1)

    def test_it_forgets_the_oldest_lines(self) -> None:
        for number in range(2_500):
            self.log.info("line %d", number)
        self.pump_until(lambda: "line 2499" in self.shown())
        self.assertLessEqual(self.shown().count("\n"), 2_300)

    def test_all_can_be_copied_and_nothing_typed_into_it(self) -> None:
        self.log.info("the end")
        self.pump_until(lambda: "the end" in self.shown())
        self.window.log.copy_all()
        self.assertEqual(self.window.clipboard_get(), self.shown())
        self.assertEqual(str(self.window.log.text.cget("state")), "disabled")

    def test_a_report_can_be_copied(self) -> None:
        self.window.log.copy_report()
        self.pump_until(lambda: bool(sentences(self.window.log.notices)))
        self.assertIn("Paste it where", sentences(self.window.log.notices)[-1])
        copied = self.window.clipboard_get()
        self.assertTrue(copied.startswith(f"{version_line()}\nSystem: "), copied)

    def test_what_is_copied_names_no_folder_by_its_whole_path(self) -> None:
        self.log.info("The folder /media/anna/stick/lesson is gone.")
        self.pump_until(lambda: "…/lesson is gone." in self.shown())
        self.window.log.copy_all()
        self.assertNotIn("anna", self.window.clipboard_get())

    def test_what_this_computer_refuses_is_no_fault_of_the_program(self) -> None:
        for error, sentence in (
            (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
            (MemoryError(), "no memory left"),
            (StorageError("The disk is gone."), "The disk is gone."),
        ):
            with self.subTest(error=error):
                AppWindow.report_callback_exception(self.window, type(error), error, None)
                self.assertIn(sentence, sentences(self.window.notices)[-1])
                self.assertNotIn("fault", sentences(self.window.notices)[-1])
        with self.assertLogs("ui.window.app_window", "ERROR"):
            AppWindow.report_callback_exception(self.window, KeyError, KeyError("x"), None)
        self.assertIn("A fault in the program", sentences(self.window.notices)[-1])

    def test_a_folder_that_cannot_be_opened_is_said(self) -> None:
        gone = self.profile.log_file.parent
        self.assertFalse(gone.exists())
        self.window.log.open_log_folder()
        self.pump_until(lambda: "does not exist yet" in widget_texts(self.window.log))
        self.assertIsInstance(gone, Path)
