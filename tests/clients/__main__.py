"""Programs that others wrote read what we serve: python3 -m tests.clients [-v] [PATTERN...].

curl, wget, aria2, unzip, 7z, bsdtar, busybox, chromium, Transmission, libtorrent, zbarimg. What is
missing is installed first, if we are root on Debian; a client that is still missing fails its
tests. With --small, only small ones are installed, and the tests of those that are missing are
skipped; the last line names them. LMK_PICTURES in the environment names a folder for the pictures
of the pages.
"""

from __future__ import annotations

import argparse
import os
import sys
import unittest
from pathlib import Path

from tests.__main__ import flatten, name_of, run_here, say, set_strict
from tests.clients.client import CLIENTS, Found, install


def main() -> int:
    arguments = parse_arguments()
    set_strict()
    Found.may_be_missing = arguments.small
    install([one for one in CLIENTS.values() if not (arguments.small and one.is_big)], say)
    code = run_here(select_tests(arguments.patterns), is_verbose=arguments.verbose)
    if Found.missing:
        say(f"Missing: {', '.join(sorted(Found.missing))}")
    return code


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.clients", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="name each test")
    parser.add_argument("--small", action="store_true", help="install and demand only small ones")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="a part of a test's name")
    return parser.parse_args()


def select_tests(patterns: list[str]) -> list[unittest.TestCase]:
    found: list[unittest.TestCase] = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        names = unittest.TestLoader().loadTestsFromName(f"tests.clients.{path.stem}")
        found += flatten(names)
    if not patterns:
        return found
    return [test for test in found if any(pattern in name_of(test) for pattern in patterns)]


if __name__ == "__main__":
    exit_code = main()
    sys.stderr.flush()
    os._exit(exit_code)  # as in tests.__main__: Tk would look for a screen that is gone
