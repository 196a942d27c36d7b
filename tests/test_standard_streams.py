"""Standard streams that were closed before the program started."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

from tests.support import LmkTestCase

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import os, sys
from pathlib import Path
from ui.packed.standard_streams import fill_gaps
fill_gaps()
with open(sys.argv[1], "w") as file:
    file.write(f"{file.fileno()} {sys.stdout} {sys.stderr}")
os.write(2, b"what a library complains of")
"""


@unittest.skipUnless(os.name == "posix", "streams are closed by a shell of POSIX")
class FillGapsTest(LmkTestCase):
    def test_no_file_takes_the_place_of_a_stream(self) -> None:
        written = self.folder / "file"
        command = [sys.executable, "-c", PROGRAM, str(written)]
        shell = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *command]
        subprocess.run(shell, cwd=ROOT, timeout=20, check=True)
        number, *streams = written.read_text().split()
        self.assertGreater(int(number), 2)
        self.assertEqual(streams, ["None", "None"])

    def test_streams_that_are_there_stay(self) -> None:
        command = [sys.executable, "-c", PROGRAM, str(self.folder / "file")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=20, check=True)
        self.assertEqual(done.stderr, b"what a library complains of")
