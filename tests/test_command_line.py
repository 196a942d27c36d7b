"""The command line, as its users and their scripts type it: real processes on loopback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from roles.net.throttle import Throttles
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.events import RoleStarted, TrackerLost
from tests.programs import PROGRAM, ROOT, TIMEOUT_S, RunningCommand, environment, run
from tests.support import LIMIT_S, LmkTestCase, random_file
from ui.terminal.arguments import parse_arguments
from ui.terminal.output import Output
from ui.terminal.session import Session

DATA = ROOT / "data"
CTRL_C = b"\x03"
LISTENING = r"listening on (\S+:\d+)\."


class AloneTest(LmkTestCase):
    def test_the_version_is_one_line(self) -> None:
        result = run("--version", folder=self.folder)
        self.assertRegex(
            result.stdout, r"\Almktorrent \d+\.\d+\.\d+ \(Python 3\.\d+.*LMK/2.*\)\n\Z"
        )
        self.assertEqual(result.returncode, 0)

    def test_help_names_every_command_and_exit_code(self) -> None:
        result = run("--help", folder=self.folder)
        words = ("tracker", "trackers", "seed", "list", "get", "demo", "--profile", "130")
        for word in (*words, "LMK_TRACKER", "LMK_DISCOVER"):
            with self.subTest(word=word):
                self.assertIn(word, result.stdout)
        self.assertEqual(result.returncode, 0)

    def test_no_option_of_another_command_is_meant(self) -> None:
        result = run("tracker", "--slot", "3", folder=self.folder)
        self.assertNotIn("--slots", result.stderr)
        self.assertTrue(result.stderr.startswith("usage: lmktorrent tracker "), result.stderr)

    def test_a_command_that_was_meant_is_named(self) -> None:
        self.assertIn("Did you mean seed?", run("sead", folder=self.folder).stderr)
        for arguments, meant in {
            ("gte", "lesson", "--to", "x"): "get",
            ("--profile", "p", "lits", "get"): "list",
            ("get", "--trakcer", "1.2.3.4"): "--tracker",
            ("tracker", "--port", "12500"): "--bind",
            ("get", "lesson", "--output", "x"): "--to",
        }.items():
            with self.subTest(arguments=arguments):
                code, error = refused(*arguments)
                self.assertIn(f"Did you mean {meant}?", error)
                self.assertEqual(code, 2)

    def test_usage_errors_exit_with_2(self) -> None:
        for word in ("--nonsense", "get", "trackers"):
            with self.subTest(word=word):
                result = run(word, folder=self.folder)
                self.assertEqual(result.returncode, 2)
                self.assertTrue(result.stderr)
        for arguments in (
            ["get", "x", "--existing", "perhaps"],
            ["list", "--tracker", "no such host!"],
            ["list", "--tracker", "10.0.0.1:99999"],
            ["seed", ".", "--slots", "0"],
            ["seed", ".", "--torrent", "--no-door"],
            ["seed", ".", "--up", "fast"],
            ["get", "x", "--down", "1"],
            ["get", "x", "--bind", "no such host!"],
            ["--nonsense"],
            ["sead"],
            [""],
            ["seed", ""],
            ["seed", "  "],
            ["list", ""],
            ["list", "a", "/"],
            ["get", ""],
            ["get", "x", "--to", ""],
            ["get", "x", "--to", "http://pc/"],
            ["get", "x", "--up", ""],
            ["list", "--tracker", ""],
            ["list", "--tracker", "12500"],
            ["tracker", "--bind", ""],
            ["tracker", "--bind", "70000"],
            ["list", "--profile", ""],
        ):
            with self.subTest(arguments=arguments):
                code, error = refused(*arguments)
                self.assertEqual(code, 2)
                self.assertTrue(error)

    def test_a_bad_tracker_in_the_environment_exits_with_2(self) -> None:
        environ = environment(LMK_TRACKER="no such host!")
        for command in ("list", "check"):
            with self.subTest(command=command):
                result = run(command, folder=self.folder, environ=environ)
                self.assertEqual(result.returncode, 2)
                self.assertIn("LMK_TRACKER in the environment: “no such host!”", result.stderr)

    def test_no_tracker_exits_with_3_and_says_what_to_look_at(self) -> None:
        tracker = f"127.0.0.1:{self.free_port('udp')}"
        commands = (["list"], ["get", "--all"], ["get", "--all", "--json"])

        def ask(arguments: list[str]) -> subprocess.CompletedProcess[str]:
            return run(*arguments, "--tracker", tracker, folder=self.folder)

        with ThreadPoolExecutor() as at_once:
            results = list(at_once.map(ask, commands))
        for arguments, result in zip(commands, results, strict=True):
            with self.subTest(arguments=arguments):
                self.assertEqual(result.returncode, 3)
                self.assertIn(f"No tracker at {tracker}", result.stderr)
        self.assertEqual(json.loads(results[-1].stdout)["exit_code"], 3)

    def test_a_missing_folder_exits_with_4(self) -> None:
        result = run("seed", self.folder / "absent", folder=self.folder)
        self.assertEqual(result.returncode, 4)
        self.assertIn("cannot be read", result.stderr)

    def test_an_explicit_port_in_use_exits_with_4(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            result = run("tracker", "--bind", place, folder=self.folder)
        self.assertEqual(result.returncode, 4)
        self.assertIn("in use", result.stderr)

    def test_without_a_display_the_window_says_so_and_names_the_demo(self) -> None:
        for arguments in ([], [str(self.folder)]):
            with self.subTest(arguments=arguments):
                result = run(*arguments, folder=self.folder)
                self.assertIn("No window can open here", result.stderr)
                self.assertIn("no display", result.stderr)
                self.assertIn("lmktorrent demo", result.stderr)
                self.assertEqual(result.returncode, 4)

    def test_the_demo_without_a_display_does_the_whole_job(self) -> None:
        result = run("demo", folder=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        for source in DATA.iterdir():
            with self.subTest(name=source.name):
                copy = self.folder / "tmp" / "data" / source.name
                self.assertEqual(copy.read_bytes(), source.read_bytes())
                self.assertRegex(result.stdout, rf"same  sha256 [0-9a-f]+….*{source.name}")
        self.assertIn(f"The files are in {self.folder / 'tmp' / 'data'}.", result.stdout)

    @unittest.skipUnless(os.name == "posix", "every locale of Windows writes all letters")
    def test_the_demo_compares_names_that_its_locale_cannot_write(self) -> None:
        environ = environment(LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
        result = run("demo", folder=self.folder, environ=environ)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count("same  sha256 "), len(list(DATA.iterdir())))

    def test_a_demo_whose_programs_do_not_reach_each_other_ends_with_the_reason(self) -> None:
        from ui.terminal import demo_command

        reason = TrackerSilentError("No tracker answers.")
        events = iter(
            (RoleStarted(Address("127.0.0.1", 12500)), TrackerLost(Address("a", 1), reason))
        )
        with (
            mock.patch.object(demo_command, "LISTING_S", 0.0),
            mock.patch.object(Session, "start"),
            mock.patch.object(Session, "next_event", lambda _: next(events)),
            self.assertRaisesRegex(TrackerSilentError, "No tracker answers"),
        ):
            demo_command.share_on_loopback(
                self.folder, self.folder, Output(quiet=True), Throttles()
            )

    def test_the_demo_runs_beside_another_tracker_and_seeder(self) -> None:
        with (
            RunningCommand("tracker", folder=self.folder, profile="a") as tracker,
            RunningCommand("seed", DATA, folder=self.folder, profile="b") as seeder,
        ):
            tracker.wait_for(f"{LISTENING}|in use")  # by a test beside: as well for the demo
            seeder.wait_for(LISTENING)
            result = run("demo", folder=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_it_works_with_every_standard_stream_closed(self) -> None:
        closing = "import os, sys; os.closerange(0, 3); os.execv(sys.argv[1], sys.argv[1:])"
        tracker = f"127.0.0.1:{self.free_port('udp')}"
        profile = str(self.folder / "profile")
        command = [sys.executable, "-c", closing, *PROGRAM, "list", "--tracker", tracker]
        result = subprocess.run(
            [*command, "--profile", profile], env=environment(), timeout=TIMEOUT_S, check=False
        )
        self.assertEqual(result.returncode, 3)


def refused(*arguments: str) -> tuple[int | str | None, str]:
    """The exit code and the error message for a command line that is wrong."""
    error = io.StringIO()
    try:
        with contextlib.redirect_stderr(error):
            parse_arguments(arguments)
    except SystemExit as ended:
        return ended.code, error.getvalue()
    raise AssertionError(f"nothing is wrong with {arguments}")


# A user without an entry in the list of users, as containers have.
WITHOUT_PASSWD = """
import pwd, sys
def nobody(_user):
    raise KeyError("no entry")
pwd.getpwuid = nobody
sys.path.insert(0, sys.argv[1])
import lmktorrent_app
sys.exit(lmktorrent_app.main(sys.argv[2:]))
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and its two streams."""

    code: int
    out: str
    error: str


@dataclass(frozen=True)
class Room:
    """A tracker and a seeder that run, each in a process of its own."""

    shared: Path
    place: str  # the tracker's
    tracker: RunningCommand
    seeder: RunningCommand


@contextlib.contextmanager
def open_room(folder: Path) -> Iterator[Room]:
    """A room that offers what is in the folder's sub-folder "shared"."""
    shared = folder / "shared"
    bind = f"127.0.0.1:{LmkTestCase.free_port('udp')}"
    with RunningCommand("tracker", "--bind", bind, folder=folder, profile="tracker") as tracker:
        place = tracker.wait_for(LISTENING)[1]
        with RunningCommand(
            *("seed", shared, "--tracker", place, "--bind", "127.0.0.1:0"),
            folder=folder,
            profile="seeder",
        ) as seeder:
            files = sum(path.is_file() for path in shared.rglob("*"))
            seeder.wait_for(rf"^{files} files?, ")  # all of them are listed
            yield Room(shared, place, tracker, seeder)


class RoomTestCase(LmkTestCase):
    """Each test has a room of its own."""

    def setUp(self) -> None:
        super().setUp()
        room = self.find_room()
        self.shared, self.place = room.shared, room.place
        self.tracker, self.seeder = room.tracker, room.seeder
        self.target = self.folder / "target"
        self.arrived = self.target / "shared"  # where the folder of the room comes to

    def find_room(self) -> Room:
        self.fill(self.folder)
        return self.enterContext(open_room(self.folder))

    @staticmethod
    def fill(folder: Path) -> None:
        """Make the sub-folder "shared"."""
        shared = folder / "shared"
        shared.mkdir()
        random_file(shared / "big one.bin", 2_000_000, seed=1)
        random_file(shared / "été.txt", 6_000, seed=2)
        (shared / "empty").touch()

    def get(self, *arguments: str) -> tuple[int, str, str]:
        result = run(
            *("get", *arguments, "--tracker", self.place, "--to", str(self.target)),
            folder=self.folder,
        )
        return result.returncode, result.stdout, result.stderr

    def assert_same(self, folder: Path, *names: str) -> None:
        for name in names:
            with self.subTest(name=name):
                copy = (folder / name).read_bytes()
                self.assertEqual(copy, (self.shared / name).read_bytes())


class StandingRoomTestCase(RoomTestCase):
    """All tests that begin with the same files are in one room, which they leave as it was."""

    def find_room(self) -> Room:
        return standing_room(self.fill)


@cache
def standing_room(fill: Callable[[Path], None]) -> Room:
    folder = Path(unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="lmk-test-")))
    fill(folder)
    return unittest.enterModuleContext(open_room(folder))


class RoomTest(StandingRoomTestCase):
    def test_list_shows_names_and_sizes(self) -> None:
        result = run("list", "--files", "--tracker", self.place, folder=self.folder)
        self.assertRegex(result.stdout, r"2\.0 MB  big one\.bin\n")
        self.assertRegex(result.stdout, r"(?m)^3 files")
        self.assertEqual(result.returncode, 0)

    def test_list_of_a_name_shows_that_alone(self) -> None:
        result = run("list", "empty", "--tracker", self.place, folder=self.folder)
        self.assertEqual((result.returncode, result.stdout), (0, "   0 bytes  empty\n"))
        result = run("list", "absent", "--tracker", self.place, folder=self.folder)
        self.assertEqual((result.returncode, result.stdout), (1, ""))

    def test_list_as_json_is_one_object_a_line(self) -> None:
        result = run("list", "--json", "--tracker", self.place, folder=self.folder)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        names = {line["name"] for line in lines if line["event"] == "file"}
        self.assertEqual(names, {"big one.bin", "été.txt", "empty"})
        self.assertEqual(lines[-1]["files"], 3)

    def test_the_tracker_of_the_environment_is_asked(self) -> None:
        environ = environment(LMK_TRACKER=self.place)
        result = run("list", "--files", folder=self.folder, environ=environ)
        self.assertIn("big one.bin", result.stdout)

    def test_get_all_brings_the_same_bytes(self) -> None:
        code, out, _ = self.get("--all")
        self.assertEqual(code, 0)
        self.assertIn("3 files downloaded and checked.", out)
        self.assert_same(self.arrived, "big one.bin", "été.txt", "empty")
        self.assertEqual(len(list(self.arrived.iterdir())), 3)
        self.assertEqual(list(self.target.iterdir()), [self.arrived])

    def test_flat_puts_the_files_straight_into_the_folder_that_was_named(self) -> None:
        code, _, _ = self.get("--all", "--flat")
        self.assertEqual(code, 0)
        self.assert_same(self.target, "big one.bin", "été.txt", "empty")
        self.assertEqual(len(list(self.target.iterdir())), 3)
        code, out, _ = self.get("--all")  # what is there already stays there
        self.assertIn("3 files already here and identical", out)
        self.assertEqual(len(list(self.target.iterdir())), 3)

    def test_get_by_name_brings_only_that(self) -> None:
        code, _, _ = self.get("été.txt")
        self.assertEqual(code, 0)
        self.assertEqual([path.name for path in self.target.iterdir()], ["été.txt"])

    def test_a_name_that_nobody_offers_exits_with_1_and_the_others_come(self) -> None:
        code, _, error = self.get("absent", "empty")
        self.assertEqual(code, 1)
        self.assertIn("Cannot get “absent”: nobody offers it.", error)
        self.assert_same(self.target, "empty")

    def test_in_json_a_name_that_nobody_offers_has_all_keys(self) -> None:
        _, out, _ = self.get("absent", "--json")
        self.assertEqual(
            json.loads(out.splitlines()[0]),
            {
                "event": "file",
                "download": None,
                "name": "absent",
                "state": "failed",
                "size": None,
                "path": None,
                "renamed": False,
                "error": "nobody offers it",
            },
        )

    def test_a_different_file_of_that_name_is_kept_beside_the_new_one(self) -> None:
        self.target.mkdir()
        (self.target / "empty").write_text("mine")
        code, _, _ = self.get("empty")
        self.assertEqual(code, 0)
        self.assertEqual((self.target / "empty").read_text(), "mine")
        self.assertEqual((self.target / "empty (2)").read_bytes(), b"")

    def test_replace_replaces(self) -> None:
        self.target.mkdir()
        (self.target / "empty").write_text("mine")
        self.get("empty", "--existing", "replace")
        self.assertEqual([path.name for path in self.target.iterdir()], ["empty"])
        self.assert_same(self.target, "empty")

    def test_json_says_where_each_file_is(self) -> None:
        code, out, _ = self.get("--all", "--json")
        lines = [json.loads(line) for line in out.splitlines()]
        paths = {line["path"] for line in lines if line["event"] == "file"}
        self.assertEqual(paths, {str(path) for path in self.arrived.iterdir()})
        folder = next(line for line in lines if line["event"] == "folder")
        self.assertEqual(folder["path"], str(self.arrived))
        counts = {"done": 3, "skipped": 0, "failed": 0, "renamed": 0}
        last = {"event": "ended", **counts, "exit_code": code}
        self.assertEqual(lines[-1], last)

    def test_quiet_says_nothing_when_all_is_well(self) -> None:
        self.assertEqual(self.get("--all", "-q"), (0, "", ""))

    def test_a_target_that_is_a_file_exits_with_4(self) -> None:
        self.target.write_text("a file")
        code, _, error = self.get("empty")
        self.assertEqual(code, 4)
        self.assertIn("Failed", error)


@unittest.skipUnless(os.name == "posix", "homes, pipes and current folders as POSIX has them")
class RefusingSystemTest(StandingRoomTestCase):
    def lmk(self, *arguments: str, out: int = subprocess.PIPE, **changes: Any) -> Ended:
        """Run a command at the room's tracker."""
        return self.ran(*PROGRAM, *arguments, out=out, **changes)

    def ran(self, *command: str, out: int = subprocess.PIPE, **changes: Any) -> Ended:
        """`changes` are for subprocess.run()."""
        options = {"env": environment(), "cwd": self.folder, **changes}
        done = subprocess.run(
            [*command, "--tracker", self.place],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            **options,
        )
        self.assertNotIn("Traceback", done.stderr)
        self.assertNotIn("fault in the program", done.stderr)
        return Ended(done.returncode, done.stdout or "", done.stderr)

    def test_a_tilde_that_no_shell_replaced_is_the_home(self) -> None:
        home = self.folder / "home"
        home.mkdir()
        done = self.lmk("get", "empty", "--to=~/lesson", env=environment(HOME=str(home)))
        self.assertEqual(done.code, 0, done.error)
        self.assertTrue((home / "lesson" / "empty").exists())
        self.assertFalse((self.folder / "~").exists())
        (home / "code").write_text("123 456 789")
        code = self.lmk("list", "--code-file=~/code", env=environment(HOME=str(home)))
        self.assertIn("is open: it needs no code", code.error)

    def test_a_user_without_a_home_lists_and_downloads_and_is_told_that_nothing_is_remembered(
        self,
    ) -> None:
        environ = environment()
        del environ["HOME"]
        for arguments, code in (
            (["list"], 0),
            (["get", "empty", "--to", str(self.target)], 0),
            (["get", "empty"], 2),
            (["check"], 1),
        ):
            with self.subTest(arguments=arguments):
                homeless = [sys.executable, "-c", WITHOUT_PASSWD, str(ROOT), *arguments]
                done = self.ran(*homeless, env=environ)
                self.assertEqual(done.code, code, done.error)
                said = done.error + done.out
                self.assertIn("no home folder", said)
                self.assertEqual("--to FOLDER" in said, code != 0)

    def test_a_current_folder_that_is_gone_is_said_and_whole_paths_go_on(self) -> None:
        gone = 'cd gone && rmdir ../gone && exec "$0" "$@"'
        for arguments, code in (
            (["get", "empty", "--to", "out"], 4),
            (["seed", "."], 4),
            (["list"], 0),
            (["get", "empty", "--to", str(self.target)], 0),
        ):
            with self.subTest(arguments=arguments):
                (self.folder / "gone").mkdir()
                profile = ["--profile", str(self.folder / "profile")]
                done = self.ran("sh", "-c", gone, *PROGRAM, *profile, *arguments)
                self.assertEqual(done.code, code, done.error)
                self.assertEqual(done.error.count("begins at the current folder"), int(code != 0))

    @unittest.skipUnless(Path("/dev/full").exists(), "needs /dev/full")
    def test_a_list_that_cannot_be_written_is_an_error_and_a_download_is_made_all_the_same(
        self,
    ) -> None:
        with Path("/dev/full").open("wb") as full:
            for arguments in (["list"], ["list", "--json"], ["get", "empty", "--to", "target"]):
                with self.subTest(arguments=arguments):
                    done = self.lmk(*arguments, "--profile", "profile", out=full.fileno())
                    self.assertEqual(done.code, 4)
                    self.assertIn("The output cannot be written (No space left", done.error)
        self.assert_same(self.target, "empty")

    def test_a_reader_who_left_is_told_by_the_exit_code_alone(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        for arguments in (["list", "--json"], ["status", "--watch"]):
            with self.subTest(arguments=arguments):
                done = self.lmk(*arguments, "--profile", "profile", out=writer)
                self.assertEqual(done, Ended(141, "", ""))

    def test_a_locale_without_its_letters_shows_a_list_all_the_same(self) -> None:
        environ = environment(LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
        done = self.lmk("list", "--files", "--profile", "profile", env=environ)
        self.assertEqual(done.code, 0, done.error)
        self.assertIn("\\xe9t\\xe9.txt", done.out)

    @unittest.skipUnless(sys.platform == "linux", "elsewhere arguments are Unicode")
    def test_a_locale_without_its_letters_takes_a_code_all_the_same(self) -> None:
        environ = environment(LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
        for arguments, named in ((["--code", "žluťoučký"], ""), ([], "žluťoučký")):
            with self.subTest(arguments=arguments):
                environ["LMK_CODE"] = named
                done = self.lmk("list", *arguments, "--profile", "profile", env=environ)
                self.assertIn("is open: it needs no code", done.error)

    @unittest.skipUnless(sys.platform == "linux", "elsewhere the names of files are UTF-8")
    def test_a_locale_without_its_letters_names_a_path_all_the_same(self) -> None:
        environ = environment(LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
        done = self.lmk("seed", "été", "--profile", "profile", env=environ)
        self.assertEqual(done.code, 4, done.error)
        self.assertRegex(done.out, r"Seeding .*/\\xe9t\\xe9\n")
        self.assertIn("/\\xe9t\\xe9 cannot be read", done.error)
        got = self.lmk("get", "empty", "--json", "--to", "été", "--profile", "profile", env=environ)
        self.assertEqual(got.code, 0, got.error)
        paths = [json.loads(line).get("path") for line in got.out.splitlines()]
        self.assertIn(str(self.folder / "été" / "empty"), paths)

    def test_whatever_call_the_system_refuses_it_is_never_a_fault_of_the_program(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "tests.refusals", "11", "list", "--tracker", self.place],
            env=environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        whole, *runs = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(whole["code"], 0, done.stderr)
        self.assertGreater(len(runs), 5)
        for attempt in runs:
            with self.subTest(refused=attempt["refused"], error=attempt["error"]):
                self.assertIn(attempt["code"], (0, 3, 4), attempt["said"])
                for word in ("Traceback", "A fault in the program"):
                    self.assertNotIn(word, attempt["said"])

    def test_a_closed_terminal_ends_a_tracker_in_order(self) -> None:
        with RunningCommand("tracker", "--bind", "127.0.0.1:0", folder=self.folder) as tracker:
            tracker.wait_for(LISTENING)
            self.assertEqual(tracker.signal(signal.SIGHUP), 130)


class ChangingRoomTest(RoomTestCase):
    @staticmethod
    def fill(folder: Path) -> None:
        """No empty file: one that is new may soon be filled, and is listed seconds later."""
        (folder / "shared").mkdir()
        for number in range(3):
            random_file(folder / "shared" / f"{number}", 6_000, seed=number)

    def test_ctrl_c_ends_a_seeder_with_130_and_nobody_who_has_the_files_exits_with_3(self) -> None:
        self.assertEqual(self.seeder.signal(signal.SIGINT), 130)
        self.tracker.wait_for("has left")
        for chosen in ("--all", "1"):
            with self.subTest(chosen=chosen):
                code, _, error = self.get(chosen)
                self.assertEqual(code, 3)
                self.assertIn("lists no files", error)

    def test_keep_seeding_offers_the_download_folder_until_ctrl_c(self) -> None:
        with RunningCommand(
            *("get", "--all", "--keep-seeding", "--tracker", self.place, "--to", self.target),
            folder=self.folder,
        ) as leecher:
            port = leecher.wait_for(r"Seeder listening on \S+:(\d+)\.|Sharing what was downloaded")[
                1
            ]
            if port is None:  # a leecher of a swarm gives on what it has by itself
                self.tracker.wait_for("joined")
            else:
                self.tracker.wait_for(rf"port {port} offers 3 files")
            self.assertEqual(leecher.signal(signal.SIGINT), 130)
            self.tracker.wait_for(rf"port {port or ''}.* has left")

    def test_sigterm_ends_a_tracker_with_0_and_the_next_one_is_told_again(self) -> None:
        self.assertEqual(self.tracker.signal(signal.SIGTERM), 0)
        (self.folder / "tracker" / "tracker.json").unlink(missing_ok=True)
        with RunningCommand(
            "tracker", "--bind", self.place, folder=self.folder, profile="tracker"
        ) as new:
            new.wait_for(LISTENING)
            host, port = self.seeder.wait_for(LISTENING)[1].split(":")
            with socket.create_connection((host, int(port)), LIMIT_S) as leecher:
                # A change of its state is told within 2 s, and nothing else for up to 15 s.
                leecher.sendall(b"request_connection")
                new.wait_for("offers 3 files")


class LongDownloadTest(StandingRoomTestCase):
    @staticmethod
    def fill(folder: Path) -> None:
        (folder / "shared").mkdir()
        with (folder / "shared" / "long.bin").open("wb") as file:
            file.truncate(60_000_000)

    def test_ctrl_c_exits_with_130_and_leaves_nothing_half_named(self) -> None:
        with RunningCommand(
            *("get", "long.bin", "--json", "--down", "2M", "--tracker", self.place),
            *("--to", self.target),
            folder=self.folder,
        ) as leecher:
            leecher.wait_for('"state": "downloading"')
            self.assertEqual(leecher.signal(signal.SIGINT), 130)
        self.assertFalse((self.target / "long.bin").exists())

    def test_a_limit_is_kept_to(self) -> None:
        began = time.monotonic()
        with RunningCommand(
            *("get", "long.bin", "--json", "--down", "2M", "--tracker", self.place),
            *("--to", self.target),
            folder=self.folder,
        ) as leecher:
            have = leecher.wait_for(r'"have": ([3-9]\d{6}|\d{8,}),')[1]
            self.assertLess(int(have), 2_000_000 * (time.monotonic() - began + 1))
            leecher.signal(signal.SIGINT)


@unittest.skipIf(sys.platform == "win32", "Windows has no pseudo-terminal")
class AskingTest(StandingRoomTestCase):
    """What a person at a terminal is asked."""

    def talk(self, *arguments: str, answers: dict[str, str]) -> tuple[int, str]:
        """Run `get` on a pseudo-terminal and answer each question once; Ctrl-C needs no Enter, and
        is pressed again where it came just before Python began to read.
        """
        import pty

        child, terminal = pty.fork()
        if child == 0:  # pragma: no cover  # the other process
            os.chdir(self.folder)
            command = [*PROGRAM, "get", *arguments, "--tracker", self.place, "--to"]
            command += [str(self.target), "--profile", str(self.folder / "asking")]
            os.execve(sys.executable, command, environment(TERM="xterm"))
        shown, waiting = b"", dict(answers)
        deadline = time.monotonic() + TIMEOUT_S
        with os.fdopen(terminal, "r+b", buffering=0) as link:
            answer = b""
            while time.monotonic() < deadline:
                try:
                    if answer == CTRL_C and not select.select([link], [], [], 1.0)[0]:
                        link.write(CTRL_C)
                    shown += link.read(4096)
                except OSError:  # Linux says so when the other side is gone
                    break
                screen = shown.decode(errors="replace")  # it may end within a letter
                for question in [question for question in waiting if question in screen]:
                    answer = waiting.pop(question).encode()
                    link.write(answer)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()

    def test_get_without_a_name_shows_numbers_and_asks(self) -> None:
        code, screen = self.talk(answers={"a for all: ": "1 3\n"})
        self.assertEqual(code, 0, screen)
        self.assertRegex(screen, r"1 +2\.0 MB  big one\.bin")
        self.assertRegex(screen, r"3 +6 kB  été\.txt")
        self.assert_same(self.target, "big one.bin", "été.txt")
        self.assertFalse((self.target / "empty").exists())

    def test_a_means_all(self) -> None:
        code, screen = self.talk(answers={"a for all: ": "a\n"})
        self.assertEqual(code, 0, screen)
        self.assert_same(self.arrived, "big one.bin", "été.txt", "empty")

    def test_another_answer_exits_with_2(self) -> None:
        code, screen = self.talk(answers={"a for all: ": "7\n"})
        self.assertEqual(code, 2)
        self.assertIn("is not a choice", screen)

    def test_ctrl_c_at_the_question_exits_with_130(self) -> None:
        code, _ = self.talk(answers={"a for all: ": CTRL_C.decode()})
        self.assertEqual(code, 130)

    def test_what_exists_is_asked_about_once(self) -> None:
        self.talk("--all", answers={})  # nothing is there yet, so nothing is asked
        for arguments, folder in ((("empty",), self.target), (("--all",), self.arrived)):
            with self.subTest(arguments=arguments):
                (folder / "empty").write_text("mine")
                code, screen = self.talk(*arguments, answers={"(r)eplace? ": "k\n"})
                self.assertEqual(code, 0, screen)
                self.assertEqual((folder / "empty").read_text(), "mine")
                self.assertTrue((folder / "empty (2)").exists())


class FolderArgumentTest(LmkTestCase):
    def test_a_folder_as_the_only_argument_is_for_the_window(self) -> None:
        chosen = parse_arguments([str(self.folder), "--profile", "p"])
        self.assertEqual((chosen.command, chosen.folder), ("window", self.folder))
        self.assertEqual(chosen.profile, Path("p").absolute())

    def test_what_else_is_dropped_on_the_program_is_said_in_the_window(self) -> None:
        file, folder = self.folder / "notes.pdf", self.folder / "lesson"
        file.touch()
        folder.mkdir()
        for paths, expected, words in (
            ([file], None, "“notes.pdf” is a file."),
            ([file, folder], folder, "“notes.pdf” is a file."),
            ([folder, self.folder], folder, "Of 2 folders, “lesson” is chosen."),
        ):
            with self.subTest(paths=paths):
                chosen = parse_arguments(["--profile", "p", *map(str, paths)])
                self.assertEqual((chosen.command, chosen.folder), ("window", expected))
                self.assertIn(words, " ".join(chosen.notices))

    def test_without_a_display_it_is_said_in_the_terminal(self) -> None:
        (self.folder / "notes.pdf").touch()
        result = run("notes.pdf", folder=self.folder)
        self.assertIn("“notes.pdf” is a file.", result.stderr)
        self.assertEqual(result.returncode, 4)

    def test_a_folder_is_remembered_by_its_whole_path(self) -> None:
        self.assertTrue(parse_arguments(["."]).folder.is_absolute())

    def test_a_log_that_cannot_be_kept_is_said(self) -> None:
        (self.folder / "profile").write_text("a file where the folder should be")
        result = run("list", "--tracker", "127.0.0.1:9", folder=self.folder)
        self.assertIn("No log is kept", result.stderr)
        self.assertEqual(result.returncode, 3)

    def test_common_options_stand_before_or_after_the_command(self) -> None:
        for arguments in (["--profile", "p", "-q", "list"], ["list", "--profile", "p", "-q"]):
            with self.subTest(arguments=arguments):
                chosen = parse_arguments(arguments)
                self.assertEqual((chosen.profile, chosen.quiet), (Path("p").absolute(), True))

    def test_a_name_in_utf_8_is_understood_where_the_locale_has_none(self) -> None:
        typed = "é.txt".encode().decode("ascii", "surrogateescape")
        undecodable = os.fsdecode(b"\xff")
        chosen = parse_arguments(["get", typed, undecodable])
        self.assertEqual(chosen.names, ["é.txt", undecodable])

    def test_limits_are_bytes_per_second_and_nothing_is_no_limit(self) -> None:
        for arguments in (["seed"], ["get", "x"], ["demo"]):
            with self.subTest(arguments=arguments):
                chosen = parse_arguments([*arguments, "--up", "2.5 MB/s", "--down", "0"])
                self.assertEqual((chosen.up, chosen.down), (2_500_000, None))
                self.assertIsNone(parse_arguments(arguments).up)

    def test_a_torrent_is_private_unless_its_user_says_public(self) -> None:
        for words, kind, folder in (
            ([], "none", None),
            (["--torrent"], "private", None),
            (["--torrent", "private", "."], "private", "."),
            (["--torrent=public"], "public", None),
            (["--torrent", "public", "."], "public", "."),
            ([".", "--torrent"], "private", "."),
            (["--torrent", "."], "private", "."),
            (["--torrent", "--slots", "3"], "private", None),
        ):
            with self.subTest(words=words):
                chosen = parse_arguments(["seed", *words])
                self.assertEqual(chosen.torrent, kind)
                self.assertEqual(chosen.folder, folder and Path(folder).absolute())

    def test_get_says_where_others_take_from_it(self) -> None:
        chosen = parse_arguments(["get", "x", "--bind", "127.0.0.1"])
        self.assertEqual(chosen.bind, ("127.0.0.1", 12501))
