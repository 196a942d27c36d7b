"""Run the tests with a bare Python: python3 -m tests [-v] [PATTERN...].

All of them run in several processes at once. A pattern picks the tests whose name
(module.Class.test) contains it, and they run in this process. Warnings are errors. Without a screen
on Linux, it starts a virtual one, and installs that first if it is missing and we are root. The
last line is always "N passed, N failed, N skipped".
"""

from __future__ import annotations

import argparse
import enum
import faulthandler
import gc
import importlib.util
import os
import signal
import sys
import tempfile
import threading
import time
import unittest
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from unittest import mock

from tests.display import INSTALL_LINE, DisplayError, Xvfb, install_xvfb_if_missing
from tests.parallel import run_all
from tests.support import TKINTER_MISSING, HiddenFailures

TEST_LIMIT_S = 600  # a test that hangs must not hold a build machine for hours
SLOWEST_SHOWN = 5
AFTER_THE_TESTS = "after the tests"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class Outcome(enum.IntEnum):
    """Sorted: if several apply to one test, the greatest counts."""

    PASSED = 0
    SKIPPED = 1
    FAILED = 2


class Tally(unittest.TestResult):
    """Counts each test once, prints it as it ends, and keeps what went wrong."""

    def __init__(self, hidden: HiddenFailures, *, is_verbose: bool) -> None:
        super().__init__()
        self.outcomes: dict[str, Outcome] = {}
        self.durations_s: dict[str, float] = {}
        self.reports: list[tuple[str, str]] = []
        self._hidden = hidden
        self._is_verbose = is_verbose
        self._started_at = 0.0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        faulthandler.dump_traceback_later(TEST_LIMIT_S, exit=True)
        self._started_at = time.perf_counter()

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        duration_s = time.perf_counter() - self._started_at
        faulthandler.cancel_dump_traceback_later()
        self.durations_s[name_of(test)] = duration_s
        self.take_hidden_failures(name_of(test))
        outcome = self.outcomes.get(name_of(test), Outcome.FAILED)
        if self._is_verbose:
            say(f"{outcome.name.lower():7} {duration_s:7.2f} s  {name_of(test)}")
        else:
            sys.stdout.write(".sF"[outcome])
            sys.stdout.flush()

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._mark(test, Outcome.PASSED)

    def addExpectedFailure(self, test: unittest.TestCase, err: ExcInfo) -> None:
        self._mark(test, Outcome.PASSED)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self._mark(test, Outcome.FAILED, "It was expected to fail, and passed.")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self._mark(test, Outcome.SKIPPED, f"Skipped: {reason}")

    def addError(self, test: unittest.TestCase, err: ExcInfo) -> None:
        super().addError(test, err)
        self._mark(test, Outcome.FAILED, self.errors[-1][1])

    def addFailure(self, test: unittest.TestCase, err: ExcInfo) -> None:
        super().addFailure(test, err)
        self._mark(test, Outcome.FAILED, self.failures[-1][1])

    def addSubTest(
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: ExcInfo | None
    ) -> None:
        if err is not None:
            super().addFailure(subtest, err)
            self._mark(subtest, Outcome.FAILED, self.failures[-1][1])

    def take_hidden_failures(self, name: str) -> None:
        for text in self._hidden.take():
            self.mark_failed(name, text)

    def mark_failed(self, name: str, report: str) -> None:
        self.outcomes[name] = Outcome.FAILED
        self.reports.append((name, report))

    def count(self, outcome: Outcome) -> int:
        return sum(one is outcome for one in self.outcomes.values())

    def _mark(self, test: unittest.TestCase, outcome: Outcome, report: str = "") -> None:
        name = name_of(getattr(test, "test_case", test))  # a subtest counts for its test
        self.outcomes[name] = max(outcome, self.outcomes.get(name, outcome))
        if report:
            self.reports.append((name_of(test), report))


def main() -> int:
    arguments = parse_arguments()
    set_strict()
    with shared_bytecode():
        if not arguments.patterns and not arguments.one_by_one:
            passed, failed, skipped = run_all(files_with_tests(), is_verbose=arguments.verbose)
            say(f"{passed} passed, {failed} failed, {skipped} skipped")
            return 0 if passed and not failed else 1
        return run_here(select_tests(arguments.patterns), is_verbose=arguments.verbose)


@contextmanager
def shared_bytecode() -> Iterator[None]:
    """Python may have been told to write no bytecode. Each program that a test starts would then
    compile all of itself, so they share a folder for it, which goes at the end.
    """
    if not sys.dont_write_bytecode:
        yield
        return
    temporary = tempfile.TemporaryDirectory(prefix="lmk-test-", ignore_cleanup_errors=True)
    with temporary as folder, mock.patch.dict(os.environ, PYTHONPYCACHEPREFIX=folder):
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        yield


def run_here(tests: list[unittest.TestCase], *, is_verbose: bool) -> int:
    """Run them in this process; returns the exit code."""
    gc.freeze()  # each test collects its own garbage, and need not check everything that is loaded
    with HiddenFailures() as hidden:
        tally = Tally(hidden, is_verbose=is_verbose)
        with ExitStack() as stack:
            open_display(stack, any(getattr(test, "needs_display", False) for test in tests))
            try:
                unittest.TestSuite(tests).run(tally)
            except KeyboardInterrupt:
                tally.mark_failed(AFTER_THE_TESTS, "Interrupted; the tests left were not run.")
            tests.clear()
            gc.unfreeze()
            gc.collect()  # while there is a screen, because Tk may talk to it here
            tally.take_hidden_failures(AFTER_THE_TESTS)
    report_threads_left(tally)
    print_reports(tally)
    if is_verbose:
        print_slowest(tally)
    passed, skipped, failed = (tally.count(outcome) for outcome in Outcome)
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests", description="Run the tests.")
    parser.add_argument("-v", "--verbose", action="store_true", help="name each test")
    parser.add_argument(
        "--one-by-one", action="store_true", help="all of them in one process, in order"
    )
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="a part of a test's name")
    return parser.parse_args()


def set_strict() -> None:
    faulthandler.enable()
    warnings.simplefilter("error")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end in the same orderly way
    obey_signals()
    os.environ["LMK_DISCOVER"] = "off"  # no test searches the whole network for trackers


def obey_signals() -> None:
    """Programs that tests start inherit what is ignored: Ctrl-C after `&` in a script, and the end
    of the terminal after `nohup`, by which tests end them.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = getattr(signal, "SIGHUP", None)  # Windows has no such signal
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_IGN:
        signal.signal(hangup, lambda *_: None)


def select_tests(patterns: list[str]) -> list[unittest.TestCase]:
    """Ends the program if one of the patterns is in no name."""
    loader = unittest.TestLoader()
    names = [path.stem for path in files_with_tests()]
    files = {pattern.partition(".")[0] if "." in pattern else "" for pattern in patterns}
    if patterns and files <= set(names):  # nothing in another file has a name like that
        names = sorted(files)
    found: list[unittest.TestCase] = []
    for name in names:
        found += flatten(loader.loadTestsFromName(f"tests.{name}"))
    if not patterns:
        return found
    # A file that cannot be imported is one test with the name of the file.
    tests_by_pattern = {
        pattern: [test for test in found if pattern in f"{name_of(test)}."] for pattern in patterns
    }
    for pattern, tests in tests_by_pattern.items():
        if not tests:
            sys.exit(f"No test has {pattern!r} in its name.")
    chosen = {id(test) for tests in tests_by_pattern.values() for test in tests}
    return [test for test in found if id(test) in chosen]


def files_with_tests() -> list[Path]:
    return sorted(Path(__file__).parent.glob("test_*.py"))


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def name_of(test: unittest.TestCase) -> str:
    return test.id().removeprefix("unittest.loader._FailedTest.").removeprefix("tests.")


def open_display(stack: ExitStack, is_needed: bool) -> None:
    """Give Tk a screen for the life of `stack`; if there is none, print what to type.

    The window tests then fail by themselves, each when it opens its window.
    """
    if importlib.util.find_spec("_tkinter") is None or importlib.util.find_spec("tkinter") is None:
        say(f"{TKINTER_MISSING}\nUntil then every window test fails.")
    if not sys.platform.startswith("linux") or os.environ.get("DISPLAY") or not is_needed:
        return
    why = "Xvfb, which makes a virtual one, is not installed."
    if install_xvfb_if_missing(say):
        try:
            stack.enter_context(Xvfb())
            return
        except DisplayError as exc:
            why = str(exc)
    say(f"There is no screen: {why} Every window test fails. Type:\n{INSTALL_LINE}")


def report_threads_left(tally: Tally) -> None:
    this = threading.current_thread()
    left = [one.name for one in threading.enumerate() if one is not this and not one.daemon]
    if left:
        tally.mark_failed(AFTER_THE_TESTS, f"Threads that never ended: {', '.join(left)}")


def print_reports(tally: Tally) -> None:
    say("")
    for name, report in tally.reports:
        say(f"{'-' * 70}\n{name}\n{report.rstrip()}\n")


def print_slowest(tally: Tally) -> None:
    by_duration = sorted(tally.durations_s.items(), key=lambda entry: -entry[1])
    say("Slowest:")
    for name, duration_s in by_duration[:SLOWEST_SHOWN]:
        say(f"{duration_s:7.2f} s  {name}")


def say(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    exit_code = main()
    sys.stderr.flush()
    # Not sys.exit: Python would wait for threads that never end, and Tk would look for the screen
    # that is gone and complain below the last line.
    os._exit(exit_code)
