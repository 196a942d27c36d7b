"""What a room says of computers is true: each state with its real cause, in processes of their own,
compared with what is on the disk.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tests.programs import ROOT, RunningCommand, run
from tests.support import LmkTestCase, wait_until

LISTENING = r"listening on (\S+)\."
SIZE = 3_000_000
SLOW = "300KB"  # a second: the download takes 10 s
# A window that was opened and not touched: its leecher role, without the window.
IDLE = (
    "import sys, pathlib, threading; from roles.leecher import Leecher;"
    "from roles.values.settings import LeecherSettings; from roles.values.addresses import Address;"
    "folder = pathlib.Path(sys.argv[2]);"
    "tracker = Address('127.0.0.1', int(sys.argv[1]));"
    "settings = LeecherSettings(folder, tracker, state_folder=folder);"
    "Leecher(settings, lambda event: None).start(); threading.Event().wait()"
)
Computer = dict[str, Any]


class ParticipantStatesTest(LmkTestCase):
    """Each program has a profile of its own, and so counts as a computer of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.programs = self.enterContext(ExitStack())
        self.tracker = self.start("tracker", "--bind", "127.0.0.1:0", profile="tracker")
        self.place = self.tracker.wait_for(LISTENING)[1]
        watch = ("status", "--watch", "--json", "--tracker", self.place)
        self.shown = self.start(*watch, profile="status")
        self.shown.wait_for('"room"')
        self.shared = self.folder / "lesson"
        self.shared.mkdir()
        (self.shared / "big").write_bytes(os.urandom(SIZE))

    def start(self, *arguments: str, profile: str) -> RunningCommand:
        return self.programs.enter_context(
            RunningCommand(*arguments, folder=self.folder, profile=profile)
        )

    def seed(self) -> RunningCommand:
        seeder = self.start("seed", str(self.shared), "--tracker", self.place, profile="seeder")
        seeder.wait_for("1 file,")
        return seeder

    def get(self, target: str, *more: str) -> RunningCommand:
        arguments = ("get", "--all", "--tracker", self.place, "--to", target, *more)
        return self.start(*arguments, profile=target)

    def status(self) -> list[dict[str, Any]]:
        """What was shown last: the members, and the room."""
        lines = [json.loads(line) for line in list(self.shown.lines)]
        *before, end = (at for at, line in enumerate(lines, 1) if line["event"] == "room")
        return lines[before[-1] if before else 0 : end]

    def member(self, where: Callable[[Computer], bool]) -> Computer:
        """The only member like this, as soon as there is one."""
        found = list[Computer]()
        seen = 0

        def is_there() -> bool:
            nonlocal seen
            if len(self.shown.lines) > seen:
                seen = len(self.shown.lines)
                found[:] = filter(where, self.status()[:-1])
            return bool(found)

        wait_until(is_there)
        (member,) = found
        return member

    def on_disk(self, target: str) -> int:
        return sum(path.stat().st_size for path in (self.folder / target).rglob("big"))

    def test_who_only_gives_is_no_member_that_counts(self) -> None:
        self.seed()
        member = self.member(lambda one: bool(one["files"]))
        self.assertEqual((member["state"], member["of"], member["files"]), ("giving", 0, 1))
        self.assertEqual(self.status()[-1]["members"], 0)

    def test_a_download_moves_and_is_done_only_when_its_file_is_there(self) -> None:
        self.seed()
        self.get("a", "--down", SLOW)
        moving = self.member(lambda one: one["state"] == "downloading" and one["have"] > 0)
        self.assertEqual((moving["of"], moving["title"]), (SIZE, "lesson/"))
        self.assertLess(moving["have"], SIZE)
        self.assertEqual(self.on_disk("a"), 0)
        done = self.member(lambda one: one["state"] == "done")
        self.assertEqual(self.on_disk("a"), SIZE)
        self.assertEqual((done["have"], done["of"], done["title"]), (SIZE, SIZE, "lesson/"))
        left = self.member(lambda one: one["left"])
        self.assertEqual((left["state"], left["have"], left["down"]), ("done", SIZE, 0))
        giving = self.member(lambda one: one["given"] >= SIZE)
        self.assertEqual(giving["state"], "giving")
        room = self.status()[-1]
        self.assertEqual((room["members"], room["done"]), (1, 1))

    def test_who_cannot_get_the_rest_waits_and_says_why(self) -> None:
        seeder = self.seed()
        self.get("a", "--down", SLOW)
        self.member(lambda one: one["have"] > 0)
        seeder.signal(signal.SIGKILL)
        waiting = self.member(lambda one: one["state"] == "waiting")
        self.assertTrue(waiting["reason"])
        self.assertLess(waiting["have"], SIZE)
        self.assertEqual(self.on_disk("a"), 0)

    def test_what_failed_says_why_though_the_rest_came(self) -> None:
        (self.shared / "sub").mkdir()
        (self.shared / "sub" / "small").write_bytes(b"x")
        self.start("seed", str(self.shared), "--tracker", self.place, profile="seeder").wait_for(
            "2 files,"
        )
        target = self.folder / "a"
        target.mkdir()
        (target / "sub").write_text("a file where a folder belongs")
        self.get("a", "--flat")
        failed = self.member(lambda one: one["state"] == "failed")
        self.assertIn("sub", failed["reason"])
        self.assertEqual(self.on_disk("a"), SIZE)
        self.assertEqual(self.status()[-1]["problems"], 1)

    def test_a_program_that_stands_still_grows_silent_and_one_that_is_killed_too(self) -> None:
        self.seed()
        leecher = self.get("a", "--down", SLOW)
        self.member(lambda one: one["have"] > 0)
        os.kill(leecher.process_id, signal.SIGSTOP)
        self.addCleanup(os.kill, leecher.process_id, signal.SIGCONT)
        silent = self.member(lambda one: one["silent_s"] > 6.0)
        self.assertFalse(silent["left"])
        self.assertLess(silent["have"], SIZE)

    def test_who_has_asked_for_nothing_is_idle(self) -> None:
        port = self.place.rpartition(":")[2]
        program = (sys.executable, "-c", IDLE, port, str(self.folder / "idle"))
        (self.folder / "idle").mkdir()
        self.programs.enter_context(
            RunningCommand(folder=ROOT, profile=str(self.folder / "unused"), program=program)
        )
        idle = self.member(lambda one: not one["files"])
        self.assertEqual((idle["state"], idle["have"], idle["of"]), ("idle", 0, 0))
        room = self.status()[-1]
        self.assertEqual((room["members"], room["done"], room["problems"]), (1, 0, 0))


class NoTrackerTest(LmkTestCase):
    def test_without_a_tracker_the_exit_code_is_3(self) -> None:
        done = run("status", "--tracker", f"127.0.0.1:{self.free_port('udp')}", folder=self.folder)
        self.assertEqual(done.returncode, 3)
        self.assertIn("No tracker", done.stderr)
