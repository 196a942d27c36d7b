"""The first page of a tracker: what it says of folders and the program, and where its links go."""

from __future__ import annotations

import unittest
from collections.abc import Sequence

from roles.values.addresses import Address
from roles.web.start_page import MAX_FOLDERS, Folder, ProgramFile, start_page
from tests.test_page import HOSTILE, SHOWN
from tests.web_pages import WebPage

SHARE = "00112233445566aa"
TRACKER = Address("10.77.0.1", 12500)
LESSON = Folder(SHARE, "Lesson 1", 310, 51_700_000, 1)
LINUX = ProgramFile("lmktorrent", 10_600_000, "ab" * 32, "Linux (x86_64)", "unix", b"", 0)
WINDOWS = ProgramFile("lmktorrent.exe", 10_600_000, "cd" * 32, "Windows", "windows", b"", 0)
PYZ = ProgramFile("lmktorrent.pyz", 341_000, "ef" * 32, "any system with Python", "pyz", b"", 0)


def shown(
    *folders: Folder, programs: Sequence[ProgramFile] = (), place: str = "teacher", why: str = ""
) -> WebPage:
    room = "2 of 3 done."
    return WebPage(start_page(place, TRACKER, folders, programs, room, no_program=why))


class StartPageTest(unittest.TestCase):
    def test_a_folder_can_be_opened_and_fetched_as_a_zip(self) -> None:
        read = shown(LESSON)
        self.assertIn("310 files, 51.7 MB, at 1 seeder", read.text)
        self.assertEqual(
            read.links,
            [
                f"./s/{SHARE}/Lesson%201/",
                f"./s/{SHARE}/Lesson%201/",
                f"./z/{SHARE}/Lesson%201/Lesson%201.zip",
                "./room",
            ],
        )

    def test_a_folder_with_a_torrent_has_a_link_to_it(self) -> None:
        folder = Folder(SHARE, "a/b", 1, 1, 1, has_torrent=True)
        self.assertIn(f"./t/{SHARE}/a%2Fb.torrent", shown(folder).links)

    def test_a_folder_that_no_browser_can_open_says_why(self) -> None:
        read = shown(Folder(SHARE, "far", 2, 5, 0, "its seeder has left."))
        self.assertIn("Only the program can fetch it: its seeder has left.", read.text)
        self.assertIn("2 files, 5 bytes", read.text)
        self.assertNotIn("at no", read.text)
        self.assertEqual(read.links, ["./room"])

    def test_each_program_can_be_fetched_compared_and_started(self) -> None:
        read = shown(programs=(LINUX, WINDOWS, PYZ))
        for program in (LINUX, WINDOWS, PYZ):
            self.assertIn(f"./program/{program.name}", read.links)
            self.assertIn(program.sha256, read.text)
        for command in (
            "curl -O http://10.77.0.1:12500/program/lmktorrent\nchmod +x lmktorrent\n",
            "./lmktorrent get --all --tracker 10.77.0.1:12500",
            ".\\lmktorrent.exe get --all --tracker 10.77.0.1:12500",
            "python3 lmktorrent.pyz get --all --tracker 10.77.0.1:12500",
        ):
            self.assertIn(command, read.text)
        self.assertIn("10.6 MB, for Linux (x86_64).", read.text)
        self.assertIn("It does not prove who made the program", read.text)

    def test_without_a_program_it_says_why(self) -> None:
        self.assertIn("It runs from source.", shown(why="It runs from source.").text)

    def test_an_empty_room_says_so(self) -> None:
        read = shown()
        self.assertIn("Nothing is shared yet.", read.text)
        self.assertIn("2 of 3 done.", read.text)

    def test_names_from_strangers_are_words(self) -> None:
        read = shown(Folder(SHARE, HOSTILE, 1, 1, 1, has_torrent=True), place=HOSTILE)
        self.assertEqual(read.text.count(SHOWN), 2)
        self.assertIn("(without a name)", shown(Folder(SHARE, "", 1, 1, 1)).text)

    def test_of_very_many_folders_the_first_are_shown(self) -> None:
        many = [Folder(f"{number:016x}", "a", 1, 1, 1) for number in range(MAX_FOLDERS + 2)]
        read = shown(*many)
        self.assertIn("2 more folders", read.text)
        self.assertEqual(len(read.links), 3 * MAX_FOLDERS + 1)
