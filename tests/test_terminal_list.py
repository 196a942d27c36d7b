"""What `list` and `trackers` print, and which tracker is asked."""

from __future__ import annotations

import unittest
from collections.abc import Mapping, Sequence
from typing import Any

from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError, UserInputError
from roles.values.events import FoundTracker, ListedFile
from roles.values.settings import Follow
from tests.terminals import Printed, folder_of, printed, room
from ui.exit_codes import ExitCode
from ui.terminal.list_command import tell_list
from ui.terminal.output import Output
from ui.terminal.tracker_choice import ChosenTracker, tracker_for
from ui.terminal.trackers_command import run_trackers, tell_trackers

LESSON = folder_of("a" * 16, "lesson", "intro.txt", "slides/1.png", size=40_000)
LARGE = folder_of("b" * 16, "data", *(f"{number}.txt" for number in range(1200)))
OLD = ListedFile("old.bin", 5)
ROOM = room(LESSON, LARGE, loose=(OLD,))


class ListTest(unittest.TestCase):
    def list(self, *names: str, with_files: bool = False, as_json: bool = False) -> Printed:
        def work(output: Output) -> ExitCode:
            return tell_list(ROOM, names, output, with_files=with_files)

        return printed(work, as_json=as_json)

    def test_a_folder_is_one_line_and_a_file_of_none_another(self) -> None:
        self.assertEqual(
            self.list().out,
            "lesson/  2 files  80 kB\n"
            "data/    1,200 files  12 kB\n"
            "   5 bytes  old.bin\n"
            "1,203 files in 2 folders from 1 seeder (10.0.0.7:12501).\n",
        )

    def test_the_files_of_all_folders_or_of_one_are_shown_when_asked_for(self) -> None:
        self.assertIn("     40 kB  slides/1.png\n", self.list(with_files=True).out)
        self.assertEqual(
            self.list("lesson").out,
            "lesson/  2 files  80 kB\n     40 kB  intro.txt\n     40 kB  slides/1.png\n",
        )
        self.assertEqual(self.list("old.bin").out, "   5 bytes  old.bin\n")

    def test_a_name_that_is_not_listed_exits_with_1(self) -> None:
        seen = self.list("absent", "old.bin")
        self.assertEqual((seen.result, seen.out), (ExitCode.SOME_FAILED, "   5 bytes  old.bin\n"))
        self.assertIn("“absent”: nobody offers it", seen.err)

    def test_twins_are_shown_with_their_digits(self) -> None:
        twin = ListedFile("a.txt", 5, b"r" * 32, "", "0f3a")
        seen = printed(lambda out: tell_list(room(loose=(twin,)), [], out, with_files=False))
        self.assertIn("   5 bytes  a.txt [0f3a]\n", seen.out)

    def test_json_has_every_folder_and_every_file(self) -> None:
        events = self.list(as_json=True).events
        self.assertEqual(len(events), 2 + 1203 + 1)
        self.assertEqual(
            events[0],
            {"event": "folder", "share": "a" * 16, "name": "lesson", "files": 2, "size": 80_000},
        )
        self.assertEqual(
            events[1],
            {
                "event": "file",
                "name": "intro.txt",
                "size": 40_000,
                "root": "00" * 32,
                "share": "a" * 16,
                "key": "intro.txt",
            },
        )
        self.assertEqual((events[-2]["root"], events[-2]["share"]), (None, None))
        self.assertEqual((events[-1]["files"], events[-1]["folders"]), (1203, 2))


OURS = FoundTracker(Address("192.168.1.5", 12500), "lab-pc-01", False)
OTHER = FoundTracker(Address("192.168.1.4", 12500), "lab-pc-02", False)
ORIGINAL = FoundTracker(Address("192.168.1.3", 12500), "", True)


class TrackerChoiceTest(unittest.TestCase):
    def choose(
        self,
        *found: FoundTracker,
        typed: Address | None = None,
        environment: Mapping[str, str] | None = None,
        answer: str | None = None,
    ) -> tuple[Any, str]:
        """The chosen one, and what was said."""

        def search() -> Sequence[FoundTracker]:
            return found

        def work(output: Output) -> ChosenTracker:
            ask = None if answer is None else lambda _: answer
            return tracker_for(typed, output, environment or {}, search, ask)

        seen = printed(work)
        return seen.result, seen.out

    def test_one_that_was_named_is_taken_without_a_search(self) -> None:
        typed = Address("10.0.0.1", 1)
        self.assertEqual(self.choose(OURS, typed=typed), (ChosenTracker(typed, Follow.SAME), ""))
        named = {"LMK_TRACKER": "10.0.0.2:5"}
        expected = ChosenTracker(Address("10.0.0.2", 5), Follow.SAME)
        self.assertEqual(self.choose(OURS, environment=named), (expected, ""))

    def test_without_discovery_it_is_this_computer(self) -> None:
        off, typed = {"LMK_DISCOVER": "off"}, Address("10.0.0.1", 1)
        here = ChosenTracker(Address("127.0.0.1", 12500), Follow.NOWHERE)
        self.assertEqual(self.choose(OURS, environment=off), (here, ""))
        expected = ChosenTracker(typed, Follow.NOWHERE)
        self.assertEqual(self.choose(OURS, typed=typed, environment=off), (expected, ""))

    def test_one_that_is_found_is_taken_and_said(self) -> None:
        said = "Found the tracker lab-pc-01 (192.168.1.5:12500).\n"
        self.assertEqual(self.choose(OURS), (ChosenTracker(OURS.address, Follow.ANY), said))

    def test_without_any_it_is_this_computer_and_that_is_said(self) -> None:
        chosen, said = self.choose()
        self.assertEqual(chosen, ChosenTracker(Address("127.0.0.1", 12500), Follow.ANY))
        self.assertIn("No tracker was found", said)

    def test_of_several_the_first_that_is_ours_is_taken_where_nobody_can_be_asked(self) -> None:
        chosen, said = self.choose(ORIGINAL, OTHER, OURS)
        self.assertEqual(chosen, ChosenTracker(OURS.address, Follow.ANY))
        self.assertIn("Found 3 trackers; using the tracker lab-pc-01", said)

    def test_a_person_is_asked_by_number(self) -> None:
        chosen, said = self.choose(ORIGINAL, OURS, answer="2")
        self.assertEqual(chosen.address, ORIGINAL.address)
        self.assertIn("   2  the original tracker 192.168.1.3:12500\n", said)
        self.assertEqual(self.choose(ORIGINAL, OURS, answer="")[0].address, OURS.address)
        for answer in ("3", "0", "x", "1 2", "1-2"):
            with self.subTest(answer=answer), self.assertRaisesRegex(UserInputError, "1 to 2"):
                self.choose(ORIGINAL, OURS, answer=answer)


class TrackersTest(unittest.TestCase):
    def test_each_has_a_line_ours_first(self) -> None:
        seen = printed(lambda output: tell_trackers([ORIGINAL, OURS], output))
        self.assertEqual(
            seen.out,
            "192.168.1.5:12500      lab-pc-01\n192.168.1.3:12500      (original)\n",
        )

    def test_json_says_which_is_an_original(self) -> None:
        seen = printed(lambda output: tell_trackers([OURS], output), as_json=True)
        place = "192.168.1.5:12500"
        self.assertEqual(
            seen.events,
            [{"event": "tracker", "name": "lab-pc-01", "address": place, "original": False}],
        )

    def test_none_is_an_error(self) -> None:
        with self.assertRaises(TrackerSilentError):
            tell_trackers([], Output())

    def test_it_asks_nobody_when_discovery_is_off(self) -> None:
        with self.assertRaisesRegex(UserInputError, "LMK_DISCOVER"):
            run_trackers(Output(), {"LMK_DISCOVER": "off"})
