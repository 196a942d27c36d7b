"""Ctrl-C in the terminal that the program was started from, and the system's word to end."""

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
from roles.program.profile import Profile
from ui.window import window_start

class Told(window_start.AppWindow):
    def _show_status(self):
        print("open", flush=True)
        super()._show_status()

window_start.AppWindow = Told
folder = Path(sys.argv[1])
sys.exit(window_start.run_window(Profile(folder / "settings.json", folder)))
"""

IN_A_TAB = """
import signal
from ui.window.tracker_field import TrackerField

base = TrackerField.__mro__[1]
make, made = base.__init__, []

def interrupted(field, *words, **named):
    make(field, *words, **named)
    made.append(isinstance(field, TrackerField))
    if sum(made) == 2:  # the Seeder tab's is half made, after the first picture
        signal.raise_signal(signal.SIGINT)

base.__init__ = interrupted
"""


def environment() -> dict[str, str]:
    """Ours now, with the screen of the test, and a tracker: else the network is asked for one."""
    return {**os.environ, "LMK_TRACKER": "127.0.0.1"}


@unittest.skipUnless(os.name == "posix", "Ctrl-C is sent in another way there")
class InterruptTest(LmkTestCase):
    needs_display = True

    def end_by(self, number: int) -> int:
        """Open the window, send the signal; the exit code."""
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.folder)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            self.addCleanup(process.kill)
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), "open\n")
            process.send_signal(number)
            code = process.wait(LIMIT_S)
            self.assertNotIn("Traceback", process.stdout.read())
        return code

    def test_ctrl_c_ends_every_role_and_the_program(self) -> None:
        self.assertEqual(self.end_by(signal.SIGINT), 130)

    def test_ctrl_c_while_a_tab_is_made_lets_it_be_made_first(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", IN_A_TAB + PROGRAM, str(self.folder)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (130, ""))

    def test_the_system_closes_it_in_order(self) -> None:
        self.assertEqual(self.end_by(signal.SIGTERM), 0)
        self.assertTrue((self.folder / "settings.json").is_file())  # where the window stood


@unittest.skipUnless(os.name == "posix", "Ctrl-C is sent in another way there")
class EarlyEndTest(LmkTestCase):
    """What ends the program while it loads ends it without a traceback."""

    def ended_while_loading(self, by: str) -> tuple[int, bytes, bytes]:
        program = (
            "import runpy, signal, sys, threading\n"
            "sys.argv = ['lmktorrent_app.py', '--version']\n"
            "class Ending:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name == 'roles.program.log_file':\n"
            f"            {by}\n"
            "sys.meta_path.insert(0, Ending())\n"
            "runpy.run_path('lmktorrent_app.py', run_name='__main__')"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=LIMIT_S, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_ctrl_c_ends_it_in_silence(self) -> None:
        ended = self.ended_while_loading("signal.raise_signal(signal.SIGINT)")
        self.assertEqual(ended, (130, b"", b""))

    def test_a_lack_of_memory_ends_it_with_a_sentence(self) -> None:
        code, said, error = self.ended_while_loading("raise MemoryError")
        self.assertEqual((code, said), (4, b""))
        self.assertRegex(error, rb"\Almktorrent: .* no memory left\.[^\n]*\n\Z")
