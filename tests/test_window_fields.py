"""Fields that show what is wrong, or what empty means."""

from __future__ import annotations

import os
import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from roles.program.user_folders import folder_named
from roles.values.errors import UserInputError
from roles.values.typed_settings import parse_port
from tests.support import WindowTestCase
from ui.window.fields import FolderField, TextField
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
