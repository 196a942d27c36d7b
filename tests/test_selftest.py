"""What --selftest says, whatever a look finds, its exit codes, and the real thing from source."""

from __future__ import annotations

import re
import unittest
from argparse import Namespace
from pathlib import Path
from unittest import mock

from roles.program.profile import Profile, find_profile
from roles.values.errors import StorageError
from tests.programs import run
from tests.support import LmkTestCase
from tests.terminals import printed
from ui.selftest import selftest
from ui.selftest.check import (
    MAX_REASON,
    Check,
    NothingToLookAtError,
    SelftestError,
    State,
    summary,
)
from ui.selftest.left_out import (
    KEPT_ENCODINGS,
    LEFT_OUT,
    STOOD_IN_FOR,
    TRIED_BY_PYTHON,
    left_out_of,
)
from ui.selftest.program_checks import program_checks

TODO = "Take another copy."


def looked(error: BaseException | None = None, seen: str = "") -> tuple[State, str]:
    def look() -> str:
        if error is not None:
            raise error
        return seen

    return Check("the codecs", look, TODO).run()


class CheckTest(unittest.TestCase):
    def test_what_is_well_says_what_was_seen_and_nothing_to_do(self) -> None:
        self.assertEqual(looked(seen="9 of them"), (State.OK, "ok        the codecs: 9 of them"))

    def test_a_failure_says_what_why_and_what_to_do(self) -> None:
        line = f"FAILED    the codecs: idna is missing. {TODO}"
        self.assertEqual(looked(SelftestError("idna is missing")), (State.FAILED, line))

    def test_an_error_of_a_role_is_a_failure_in_its_own_words(self) -> None:
        _, line = looked(StorageError("The port 5 is in use."))
        self.assertEqual(line, f"FAILED    the codecs: The port 5 is in use. {TODO}")

    def test_what_python_raises_is_a_failure_with_its_kind_and_not_the_end(self) -> None:
        for error in (ImportError("no _ssl"), LookupError("unknown"), OSError(5, "broken")):
            with self.subTest(error=error):
                state, line = looked(error)
                self.assertIs(state, State.FAILED)
                self.assertIn(type(error).__name__, line)

    def test_a_reason_of_many_lines_stays_one_line_of_bounded_length(self) -> None:
        _, line = looked(SelftestError("a\nb" * 1000))
        self.assertNotIn("\n", line)
        self.assertLess(len(line), MAX_REASON + 100)

    def test_what_this_computer_lacks_is_left_out_and_no_failure(self) -> None:
        self.assertEqual(
            looked(NothingToLookAtError("there is no display here.")),
            (State.SKIPPED, "left out  the codecs: there is no display here."),
        )

    def test_one_failure_makes_the_exit_code_1(self) -> None:
        well = Check("well", lambda: "seen", TODO)
        bad = Check("bad", lambda: str(1 / 0), TODO)
        for checks, code in (((well,), 0), ((well, bad, well), 1)):
            with (
                mock.patch.object(selftest, "program_checks", return_value=checks),
                mock.patch.object(selftest, "_window_checks", return_value=()),
                mock.patch.object(selftest, "left_out_check", return_value=checks[0]),
            ):
                seen = printed(lambda out: selftest.run(Namespace(), Profile(Path(), Path()), out))
                self.assertEqual(seen.result, code)

    def test_the_last_line_counts(self) -> None:
        well, bad, left_out = State.OK, State.FAILED, State.SKIPPED
        self.assertEqual(summary([well], 1.23), "1 check passed, in 1.2 s.")
        self.assertEqual(
            summary([well, well, left_out], 2), "2 checks passed, 1 left out, in 2.0 s."
        )
        self.assertEqual(summary([well, bad], 2), "1 of 2 checks failed, in 2.0 s.")

    def test_without_tk_the_windows_are_left_out_where_it_runs_from_source(self) -> None:
        state, _ = selftest.no_window_check("No module named _tkinter").run()
        self.assertIs(state, State.SKIPPED)


class LeftOutTest(unittest.TestCase):
    def test_a_part_of_what_is_left_out_is_left_out(self) -> None:
        loaded = frozenset({"os", "email.message", "emails", "csv", "concurrent.futures.thread"})
        self.assertEqual(left_out_of(loaded), ("csv", "email.message"))

    def test_what_the_program_cannot_do_without_is_kept(self) -> None:
        needed = frozenset({"zipfile", "_hashlib", "ssl", "_ssl", "stringprep", "unicodedata"})
        self.assertEqual(left_out_of(needed), ())
        self.assertLessEqual({"idna", "utf_8", "ascii", "latin_1", "mbcs"}, KEPT_ENCODINGS)

    def test_what_python_only_tries_is_among_what_is_left_out(self) -> None:
        self.assertLessEqual(TRIED_BY_PYTHON, LEFT_OUT)
        self.assertLessEqual(STOOD_IN_FOR, LEFT_OUT)


class PlacesTest(LmkTestCase):
    def ended(self, folder: Path, what: str) -> tuple[State, str]:
        checks = program_checks(Profile(folder / "s.json", folder))
        return next(check for check in checks if check.what == what).run()

    def test_a_folder_that_can_be_written_is_left_as_it_was(self) -> None:
        for what in ("settings", "state and logs", "temporary files"):
            with self.subTest(what=what):
                self.assertIs(self.ended(self.folder, what)[0], State.OK)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_folder_that_is_not_there_yet_is_not_made(self) -> None:
        state, line = self.ended(self.folder / "new" / "profile", "settings")
        self.assertIs(state, State.OK)
        self.assertIn("made on first use", line)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_user_without_a_home_has_no_folders_to_look_at(self) -> None:
        with mock.patch("roles.program.profile.home_folder", return_value=None):
            profile = find_profile(None, environment={}, beside=self.folder)
        for check in program_checks(profile):
            if check.what in ("settings", "state and logs"):
                state, line = check.run()
                self.assertIs(state, State.SKIPPED, line)
                self.assertIn("no home folder", line)

    def test_a_file_in_the_place_of_a_folder_is_no_fault_of_the_look(self) -> None:
        (self.folder / "file").touch()
        state, _ = self.ended(self.folder / "file" / "profile", "settings")
        self.assertIn(state, (State.OK, State.FAILED))


class RunTest(LmkTestCase):
    def test_from_source_without_a_display_all_passes_and_the_windows_are_left_out(self) -> None:
        ran = run("--selftest", folder=self.folder)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        for what in ("text codecs", "hashing", "tracker, seeder and leecher", "window"):
            self.assertRegex(ran.stdout, rf"(?m)^(ok|left out) +{re.escape(what)}")
        self.assertRegex(ran.stdout, r"\d+ checks passed, 4 left out, in")

    def test_it_stands_alone_on_the_command_line(self) -> None:
        for arguments in (("--selftest", "tracker"), ("--selftest", ".")):
            with self.subTest(arguments=arguments):
                ran = run(*arguments, folder=self.folder)
                self.assertEqual(ran.returncode, 2)
                self.assertIn("takes no folder and no command", ran.stderr)
