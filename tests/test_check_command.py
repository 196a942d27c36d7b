"""`lmktorrent check`, as a script sees it."""

from __future__ import annotations

import json
from typing import Any

from roles.values.addresses import Address
from roles.values.findings import TrackerChecked
from tests.programs import run
from tests.support import LmkTestCase
from tests.terminals import printed
from ui.check_words import check_words
from ui.terminal.check_command import print_line


class CheckCommandTest(LmkTestCase):
    def check(self, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        done = run("check", "--to", "downloads", *arguments, folder=self.folder)
        lines = done.stdout.splitlines() if "--json" in arguments else ()
        return done.returncode, [json.loads(line) for line in lines], done.stdout

    def test_json_has_an_object_for_each_check_and_one_at_the_end(self) -> None:
        code, lines, _ = self.check("--json")
        *checks, end = lines
        self.assertEqual((code, end["event"], end["failed"]), (end["exit_code"], "checked", code))
        names = [line["check"] for line in checks]
        self.assertEqual(set(names[:1]), {"discovery"})
        self.assertEqual(names[-3:], ["folder", "space", "clock"])
        keys = {"event", "check", "outcome", "text", "remedy", "found"}
        self.assertEqual([line.keys() for line in checks], [keys] * len(checks))
        space = checks[-2]["found"]
        self.assertEqual(space["folder"], str(self.folder / "downloads"))
        self.assertIsInstance(space["room"], int)

    def test_a_tracker_that_does_not_answer_is_a_failure(self) -> None:
        silent = f"127.0.0.1:{self.free_port('udp')}"
        code, lines, _ = self.check("--json", "--tracker", silent)
        tracker = next(line for line in lines if line["check"] == "tracker")
        self.assertEqual((code, tracker["outcome"]), (1, "failed"))
        self.assertIn(silent, tracker["found"]["failure"])

    def test_what_was_measured_is_called_as_in_other_commands(self) -> None:
        found = TrackerChecked(Address("10.0.0.5", 12500), is_private=True)
        line = check_words(found, "linux")
        seen = printed(lambda output: print_line(line, found, output), as_json=True)
        measured = json.loads(seen.out)["found"]
        self.assertEqual(measured["private"], True)
        self.assertEqual(measured["original"], False)

    def test_people_read_a_line_for_each_check_and_what_to_do(self) -> None:
        (self.folder / "downloads").write_bytes(b"")
        code, _, text = self.check()
        self.assertEqual(code, 1)
        self.assertIn("FAILED  Download folder: ", text)
        self.assertIn("must be a folder", text)
        self.assertTrue(text.splitlines()[-1].endswith("to be fixed."), text)
