"""What the packed program has in place of `inspect` and `pickle`."""

from __future__ import annotations

import subprocess
import sys
import unittest

PROGRAM = """
import sys

from ui.packed.stand_ins import stand_in

stand_in()

import logging.handlers
from dataclasses import dataclass, field
from functools import wraps

@dataclass(frozen=True, slots=True)
class Base:
    one: int

@dataclass(frozen=True, slots=True)
class Both(Base):
    two: list[int] = field(default_factory=list)

    @property
    @wraps(repr)
    def three(self):
        return super(Both, self).__hash__ is not None

assert Both(1) == Both(1, []) and repr(Both(1, [2])) == "Both(one=1, two=[2])"
assert Both(1).three and not hasattr(Both(1), "__dict__")
print(*sys.modules)
"""
WHOLE = """
import sys

from ui.packed.stand_ins import stand_in

stand_in()

import lmktorrent_app

sys.exit(lmktorrent_app.main())
"""


def ran(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-OO", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class StandInTest(unittest.TestCase):
    def test_classes_and_log_files_are_made_without_the_modules_themselves(self) -> None:
        done = ran(PROGRAM)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        loaded = set(done.stdout.split())
        self.assertLessEqual({"inspect", "pickle"}, loaded)
        self.assertEqual(loaded & {"dis", "_compat_pickle"}, set())

    def test_the_whole_program_works_with_them(self) -> None:
        done = ran(WHOLE, "--selftest")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)


if __name__ == "__main__":
    unittest.main()
