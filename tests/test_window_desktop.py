"""What the desktop does for us: its file manager."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path
from unittest import mock

from tests.support import LmkTestCase
from ui.window import desktop


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
