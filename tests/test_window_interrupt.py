"""Ctrl-C in the terminal that the window was started from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from tests.support import LmkTestCase

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 20.0
PROGRAM = """
import sys
from pathlib import Path
from roles.base.profile import Profile
from ui.window import app_window

class Told(app_window.AppWindow):
    def _show_status(self):
        print("open", flush=True)
        super()._show_status()

app_window.AppWindow = Told
folder = Path(sys.argv[1])
sys.exit(app_window.run_window(Profile(folder / "settings.json", folder)))
"""


@unittest.skipUnless(os.name == "posix", "Ctrl-C is sent in another way there")
class InterruptTest(LmkTestCase):
    needs_display = True

    def test_it_ends_every_role_and_the_program(self) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.folder)],
            cwd=ROOT,
            env={**os.environ, "LMK_TRACKER": "127.0.0.1"},  # or it asked the network for one
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            self.addCleanup(process.kill)
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), "open\n")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(LIMIT_S), 130)
            self.assertNotIn("Traceback", process.stdout.read())
