"""What `list` prints."""

from __future__ import annotations

import unittest

from roles.values.listed_file import ListedFile
from tests.terminals import Printed, folder_of, printed, room
from ui.exit_codes import ExitCode
from ui.terminal.list_command import print_list
from ui.terminal.output import Output

LESSON = folder_of("a" * 16, "lesson", "intro.txt", "slides/1.png", size=40_000)
LARGE = folder_of("b" * 16, "data", *(f"{number}.txt" for number in range(1200)))
OLD = ListedFile("old.bin", 5)
ROOM = room(LESSON, LARGE, loose=(OLD,))


class ListTest(unittest.TestCase):
    def list(self, *names: str, with_files: bool = False, as_json: bool = False) -> Printed:
        def work(output: Output) -> ExitCode:
            return print_list(ROOM, names, output, with_files=with_files)

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
        seen = printed(lambda out: print_list(room(loose=(twin,)), [], out, with_files=False))
        self.assertIn("   5 bytes  a.txt [0f3a]\n", seen.out)

    def test_json_has_every_folder_and_every_file(self) -> None:
        events = self.list(as_json=True).events
        self.assertEqual(len(events), 2 + 1203 + 1)
        self.assertEqual(
            events[0],
            {
                "event": "folder",
                "share": "a" * 16,
                "name": "lesson",
                "files": 2,
                "size": 80_000,
                "torrent": None,
                "web": False,
            },
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
