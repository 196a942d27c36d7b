"""The report that a user copies and sends."""

from __future__ import annotations

import platform
from pathlib import Path

from roles.program.log_file import hide_folder
from roles.program.problem_report import LINES, problem_report, without_user
from roles.values.addresses import Address
from tests.support import LmkTestCase

ANNA = {"USER": "anna", "HOME": "/home/anna"}


class ReportTest(LmkTestCase):
    def test_it_has_the_program_the_system_the_ports_and_the_end_of_the_log(self) -> None:
        log_file = self.folder / "lmktorrent.log"
        log_file.write_text("".join(f"line {number}\n" for number in range(1_000)))
        lines = problem_report(
            "lmktorrent 1.3.0", log_file, [("Tracker", Address("0.0.0.0", 12500))], ANNA
        ).splitlines()
        self.assertEqual(lines[0], "lmktorrent 1.3.0")
        self.assertEqual(lines[1], f"System: {platform.platform()}")
        self.assertRegex(lines[2], r"^Network: .+")
        self.assertEqual(lines[3], "Listening: Tracker on 0.0.0.0:12500")
        self.assertEqual(lines[5:], [f"line {number}" for number in range(1_000 - LINES, 1_000)])

    def test_it_names_no_user_and_no_whole_path(self) -> None:
        log_file = self.folder / "lmktorrent.log"
        hide_folder(Path("/srv/anna/lesson"))
        log_file.write_text(
            "Seeding /srv/anna/lesson on port 12501.\n"
            "The folder /media/Anna/stick/a is gone.\n"
            "ANNA-PC (10.0.0.7:12501) joined.\n"
            "annabel joined.\n"
        )
        text = problem_report("lmktorrent 1.3.0", log_file, [], ANNA)
        self.assertIn("Listening: no", text)
        self.assertIn("Seeding …/lesson on port", text)
        self.assertIn("USER-PC (10.0.0.7:12501) joined.", text)
        self.assertIn("annabel joined.", text)
        self.assertNotRegex(text, r"(?i)\banna\b|/media|/srv")

    def test_without_a_log_it_says_so(self) -> None:
        self.assertIn(
            "There is no log: No such file", problem_report("", self.folder / "none", [], {})
        )

    def test_without_a_name_the_text_stays(self) -> None:
        self.assertEqual(without_user("root did it", {"HOME": "/"}), "root did it")
