"""Choosing a folder in the desktop's dialog, which is another program, or else in Tk's."""

from __future__ import annotations

import os
import shutil
import sys
import unittest
from pathlib import Path
from unittest import mock

from tests.support import WindowTestCase
from ui.window.folder_dialog import FolderDialog, command_for

NO_SCREEN = "echo 'Gtk-WARNING: cannot open display: :9' >&2; exit 1"


@unittest.skipIf(sys.platform in ("win32", "darwin"), "there Tk shows the system's own")
class FolderDialogTest(WindowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        path = f"{self.programs}{os.pathsep}/usr/bin{os.pathsep}/bin"
        environment = {"PATH": path, "XDG_CURRENT_DESKTOP": "GNOME"}
        self.enterContext(mock.patch.dict(os.environ, environment))
        self.enterContext(mock.patch("ui.window.folder_dialog._found", self.found))
        self.tks = self.enterContext(
            mock.patch("tkinter.filedialog.askdirectory", return_value="/by/tk")
        )
        self.answers = list[str]()
        self.dialog = FolderDialog(self.root)

    def found(self, program: str, _environment: object) -> str | None:
        return shutil.which(program, path=str(self.programs))

    def install(self, script: str, name: str = "zenity") -> Path:
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        return program

    def ask(self) -> str:
        self.dialog.ask("Which folder", "/start", self.answers.append)
        self.pump_until(lambda: bool(self.answers))
        return self.answers[0]

    def test_without_such_a_program_tk_asks(self) -> None:
        self.assertEqual(self.ask(), "/by/tk")
        self.assertEqual(self.tks.call_args.kwargs["initialdir"], "/start")

    def test_the_program_is_told_what_to_ask_and_its_answer_counts(self) -> None:
        told = self.folder / "told"
        self.install(f'printf "%s|" "$@" > "{told}"; echo "/a folder/with  spaces "')
        self.assertEqual(self.ask(), "/a folder/with  spaces ")
        said = told.read_text(encoding="utf-8")
        self.assertEqual(
            said, "--file-selection|--directory|--title=Which folder|--filename=/start/|"
        )
        self.tks.assert_not_called()

    def test_a_dialog_that_is_closed_is_no_failure(self) -> None:
        self.install("echo 'Gtk-Message: no transient parent' >&2; exit 1")
        self.assertEqual(self.ask(), "")
        self.tks.assert_not_called()

    def test_where_the_program_fails_tk_asks(self) -> None:
        for script in (NO_SCREEN, "exit 255", "kill -9 $$", "echo", "echo relative", "exit 0"):
            with self.subTest(script=script):
                self.install(script)
                self.answers.clear()
                self.assertEqual(self.ask(), "/by/tk")

    def test_one_that_cannot_be_started_is_replaced_by_tks(self) -> None:
        self.install("").write_bytes(b"\x7fELF")
        self.assertEqual(self.ask(), "/by/tk")

    def test_the_window_works_on_and_asks_once_at_a_time(self) -> None:
        answered = self.folder / "answered"
        self.install(f'until [ -e "{answered}" ]; do sleep 0.02; done; echo /there')
        for _ in range(2):
            self.dialog.ask("Which folder", "", self.answers.append)
        self.root.update()
        self.assertEqual(self.answers, [])
        answered.touch()
        self.pump_until(lambda: bool(self.answers))
        self.assertEqual(self.answers, ["/there"])

    def test_much_that_it_complains_about_does_not_stop_it(self) -> None:
        self.install("head -c 1000000 /dev/zero >&2; echo /there")
        self.assertEqual(self.ask(), "/there")

    def test_it_ends_with_the_window(self) -> None:
        import tkinter as tk

        frame = tk.Frame(self.root)
        dialog = FolderDialog(frame)
        self.install("exec sleep 600")
        dialog.ask("Which folder", "", self.answers.append)
        process = dialog._process
        assert process is not None
        frame.destroy()
        self.assertNotEqual(process.wait(30.0), 0)

    def test_kdialog_is_preferred_on_its_desktop_and_used_where_it_is_alone(self) -> None:
        kdialog = str(self.install("", "kdialog"))
        self.assertEqual(command_for("T", "", os.environ)[0], kdialog)
        zenity = str(self.install(""))
        self.assertEqual(command_for("T", "", os.environ)[0], zenity)
        plasma = {**os.environ, "XDG_CURRENT_DESKTOP": "KDE"}
        self.assertEqual(
            command_for("T", "/s", plasma),
            [kdialog, "--title", "T", "--getexistingdirectory", "/s"],
        )
