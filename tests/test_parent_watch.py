"""The second process of the packed program ends with its first, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from tests.programs import is_alive
from tests.support import LIMIT_S, LmkTestCase, wait_until

ROOT = Path(__file__).resolve().parent.parent

# Starts the second one, says its number, and waits to be killed.
FIRST = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
print(child.pid, flush=True)
child.wait()
"""
SECOND = """
import signal, sys, time
from pathlib import Path
from ui.packed.parent_watch import watch_parent
folder = Path(sys.argv[1])

def leave(number, frame):
    (folder / "told").touch()
    if sys.argv[2] == "obedient":
        sys.exit(0)

signal.signal(signal.SIGTERM, leave)
watch_parent(Path(sys.argv[3]))
(folder / "watching").touch()
while True:
    time.sleep(0.05)
"""


@unittest.skipUnless(sys.platform.startswith("linux"), "it is looked at in /proc")
class ParentWatchTest(LmkTestCase):
    def start(self, manner: str, unpack_folder: str = "_MEI") -> tuple[int, int]:
        """The two processes, once the second watches."""
        first = subprocess.Popen(
            [sys.executable, "-c", FIRST, SECOND, str(self.folder), manner, unpack_folder],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        self.addCleanup(first.wait)
        self.addCleanup(first.kill)
        assert first.stdout is not None
        self.addCleanup(first.stdout.close)
        second = int(first.stdout.readline())
        self.addCleanup(end, second)
        wait_until((self.folder / "watching").exists)
        return first.pid, second

    def test_it_is_told_to_leave_and_does(self) -> None:
        first, second = self.start("obedient")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not is_alive(second))
        self.assertTrue((self.folder / "told").exists())

    def test_one_that_does_not_leave_is_ended(self) -> None:
        first, second = self.start("deaf")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not is_alive(second))
        self.assertTrue((self.folder / "told").exists())

    def test_it_lives_as_long_as_the_parent_that_its_folder_names(self) -> None:
        program = (
            "import os, sys, threading; from pathlib import Path\n"
            "from ui.packed.parent_watch import LOOK_S, watch_parent\n"
            "watch_parent(Path(f'/tmp/_MEI{os.getppid():08x}abcXYZ'))\n"
            "threading.Event().wait(3 * LOOK_S); print('alive')"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=LIMIT_S, check=False)
        self.assertEqual(done.stdout, b"alive\n")

    def test_a_parent_that_died_before_we_looked_is_noticed(self) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        program = (
            "import sys, threading; from pathlib import Path\n"
            "from ui.packed.parent_watch import watch_parent\n"
            "watch_parent(Path(sys.argv[1])); threading.Event().wait(600)"
        )
        command = [sys.executable, "-c", program, f"/tmp/_MEI{gone.pid:08x}abcXYZ"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, -signal.SIGTERM)


def end(process: int) -> None:
    if is_alive(process):
        os.kill(process, signal.SIGKILL)
