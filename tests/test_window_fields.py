"""Fields, notices, the log and the file manager: the small parts of the window."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tkinter as tk
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from roles.program.user_folders import folder_named
from roles.values.errors import StorageError, UserInputError
from roles.values.typed_settings import parse_port
from tests.support import LmkTestCase, WindowTestCase, widget_texts
from tests.windows import AppWindowTest, press, sentences
from ui.about import version_line
from ui.existing_files import existing_names, has_any, question
from ui.window import desktop
from ui.window.app_window import AppWindow
from ui.window.fields import FolderField, TextField
from ui.window.notices import Choice, NoticeArea
from ui.window.theme import Theme


class TextFieldTest(WindowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.commits = 0
        self.text = tk.StringVar(self.root)
        self.field = TextField(
            self.root, Theme(self.root), self.text, self.count, placeholder="a port"
        )

    def count(self) -> None:
        self.commits += 1

    def test_what_is_wrong_is_said_and_taken_back(self) -> None:
        self.text.set("x")
        self.assertIsNone(self.field.read(parse_port))
        self.assertIn("must be a number", self.field.problem)
        self.text.set("12500")
        self.assertEqual(self.field.read(parse_port), 12500)
        self.assertEqual(self.field.problem, "")

    def test_the_placeholder_goes_when_something_is_typed(self) -> None:
        self.assertEqual(self.field._placeholder.winfo_manager(), "place")
        self.text.set("1")
        self.assertEqual(self.field._placeholder.winfo_manager(), "")

    def test_other_errors_are_not_swallowed(self) -> None:
        def fail(_text: str) -> int:
            raise ValueError("a bug")

        with self.assertRaises(ValueError):
            self.field.read(fail)
        self.assertFalse(issubclass(ValueError, UserInputError))


class FolderFieldTest(WindowTestCase):
    def setUp(self) -> None:
        super().setUp()
        theme, text = Theme(self.root), tk.StringVar(self.root)
        self.field = FolderField(self.root, theme, text, lambda: None, title="Which one?")

    def read(self, typed: str) -> Path | None:
        self.field.variable.set(typed)
        return self.field.read(folder_named)

    def test_a_folder_is_read_as_a_command_reads_it(self) -> None:
        for typed in ("/a/b", " '/a/b' ", "file:///a/b"):
            with self.subTest(typed=typed):
                self.assertEqual(self.read(typed), Path("/a/b"))
                self.assertEqual(self.field.folder, "/a/b")
                self.assertEqual(self.field.problem, "")
        with mock.patch.dict(os.environ, {"HOME": "/home/me"}):
            self.assertEqual(self.read("~/x"), Path("/home/me/x"))

    def test_what_is_no_folder_is_said_below_the_field(self) -> None:
        for typed in ("", "http://pc:12500/", "~no-such-user/x"):
            with self.subTest(typed=typed):
                self.assertIsNone(self.read(typed))
                self.assertNotEqual(self.field.problem, "")
                self.assertEqual(self.field.folder, typed)

    def test_the_dialog_begins_at_the_folder_that_is_meant(self) -> None:
        starts = list[str]()

        def ask(_title: str, start: str, then: Callable[[str], None]) -> None:
            starts.append(start)
            then("")

        self.field.ask_folder = ask
        for typed in ("file:///a/b", "http://pc/"):
            self.field.variable.set(typed)
            self.field.choose()
        self.assertEqual(starts, ["/a/b", ""])


class NoticeAreaTest(WindowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.area = NoticeArea(self.root, Theme(self.root), row=0)
        self.chosen: list[str] = []

    def ask(self, key: str) -> None:
        choices = [Choice(text, lambda text=text: self.chosen.append(text)) for text in ("A", "B")]  # type: ignore[misc]
        self.area.ask(f"{key}?", choices, key=key)

    def test_an_answer_closes_the_question_and_counts_once(self) -> None:
        self.ask("first")
        press(self.area, "B")
        self.assertEqual(self.chosen, ["B"])
        self.assertEqual(sentences(self.area), [])

    def test_the_same_question_is_asked_once(self) -> None:
        self.ask("first")
        self.ask("first")
        self.assertEqual(sentences(self.area), ["first?"])

    def test_the_newest_is_closed_first_and_without_an_answer(self) -> None:
        self.ask("first")
        self.area.say("Something.")
        self.assertTrue(self.area.close_newest())
        self.assertEqual(sentences(self.area), ["first?"])
        self.assertTrue(self.area.close_newest())
        self.assertFalse(self.area.close_newest())
        self.assertEqual(self.chosen, [])


class ExistingFilesTest(LmkTestCase):
    def test_it_finds_what_is_there_and_dangling_links(self) -> None:
        (self.folder / "a").touch()
        if os.name == "posix":
            (self.folder / "b").symlink_to("nowhere")
        names = existing_names(self.folder, ["a", "b", "c", "../evil"])
        self.assertEqual(names, ["a", "b"] if os.name == "posix" else ["a"])

    def test_a_folder_that_is_not_there_has_nothing(self) -> None:
        self.assertEqual(existing_names(self.folder / "gone", ["a"]), [])

    def test_names_in_folders_are_looked_for_there(self) -> None:
        (self.folder / "sub").mkdir()
        (self.folder / "sub" / "a").touch()
        self.assertTrue(has_any(self.folder, ["b", "sub/a"]))
        self.assertFalse(has_any(self.folder, ["sub/b", "a"]))

    def test_the_question_about_folders_names_them(self) -> None:
        self.assertIn("Some files of “Course/” already exist", question([], ["Course"]))
        self.assertIn("“Course/”, and 2 besides, already exist", question(["a", "b"], ["Course"]))

    def test_the_question_names_a_few(self) -> None:
        self.assertEqual(question(["a"]), "“a” already exists. What should happen to it?")
        self.assertIn("“a”, “b”, “c” and 2 more already exist", question(list("abcde")))


class DesktopTest(LmkTestCase):
    def test_a_folder_that_does_not_exist_is_said(self) -> None:
        self.assertIn("does not exist yet", desktop.open_folder(self.folder / "gone", {}))
        file = self.folder / "file"
        file.touch()
        self.assertIn("is a file, not a folder", desktop.open_folder(file, {}))
        with mock.patch.object(Path, "stat", side_effect=PermissionError(13, "Permission denied")):
            self.assertIn("cannot be opened (Permission", desktop.open_folder(self.folder, {}))

    @unittest.skipUnless(sys.platform.startswith("linux"), "xdg-open is a thing of Linux")
    def test_an_opener_that_fails_is_said_with_the_folder(self) -> None:
        self.assertIn(str(self.folder), self.open_with("exit 3"))

    @unittest.skipUnless(sys.platform.startswith("linux"), "xdg-open is a thing of Linux")
    def test_an_opener_that_works_is_not_mentioned(self) -> None:
        self.assertEqual(self.open_with("exit 0"), "")

    def open_with(self, script: str) -> str:
        opener = self.folder / "xdg-open"
        opener.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        opener.chmod(0o755)
        before = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", before)
        os.environ["PATH"] = f"{self.folder}:{before}"
        return desktop.open_folder(self.folder, {**os.environ})


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
