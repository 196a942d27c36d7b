"""What the tracker's window shows of the room's list, whatever strangers have put there."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.room import shown_files
from roles.room.registry_entry import Key
from roles.room.room_list import Owner, RoomList, UnprovedList
from roles.room.share_update import ShareUpdate
from roles.values.content import Content
from roles.values.list_lines import FileLine, FolderLine, decode_line, encode_line
from roles.values.listed_file import ListedFile
from roles.wire.list_wire import TellList
from tests.support import run_to_end

PEER = "fedcba9876543210"
ONE, TWO = "0000000000000001", "0000000000000002"


def file_line(path: str) -> str:
    root = (path.encode() * 32)[:32]
    return encode_line(FileLine(path, 5, Content(root, 5, 256 * 1024)))


class ShownFilesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.room_list = RoomList("00000000")

    def tell(self, share: str, *lines: str) -> None:
        call = TellList(share, "folder", PEER, 12501, True, 0, 1, 0)
        update = ShareUpdate(self.room_list, call, Owner(Key("10.0.0.1", 12501, PEER)))
        for line in lines:
            update.take("+" + line)
        list(update.finish())

    def shown(self, most: int) -> tuple[ListedFile, ...]:
        found, self.steps = run_to_end(shown_files.shown_files(self.room_list, most))
        return found

    def test_files_are_shown_by_name_whoever_offers_them(self) -> None:
        self.tell(ONE, file_line("b"), encode_line(FolderLine("d")), "nonsense", '["f",1]')
        lines = [encode_line(FileLine("a", 7, None))]
        original = UnprovedList("lmk10a00000730d5", Owner(Key("10.0.0.7", 12501)), "", lines)
        self.room_list.put_unproved([original])
        root = b"b" * 32
        self.assertEqual(self.shown(9), (ListedFile("a", 7), ListedFile("b", 5, root, ONE)))
        self.assertEqual(self.shown(1)[0].name, "b")

    def test_copies_of_a_folder_are_one_folder_and_their_files_name_all_shares(self) -> None:
        self.tell(ONE, file_line("a"))
        self.tell(TWO, file_line("a"))
        (folder,) = shown_files.shown_folders(self.room_list, 9)
        self.assertEqual((folder.share, folder.files, folder.size), (ONE, 1, 5))
        (file,) = self.shown(9)
        self.assertEqual((file.share, file.also), (ONE, (TWO,)))

    def test_lines_that_cannot_be_read_are_looked_at_once_a_few_at_a_time(self) -> None:
        """Each costs more than a file that can be read, and a share may have nothing else."""
        self.tell(ONE, *(f'["f",{number}' for number in range(5_000)))
        self.tell(TWO, file_line("a"))
        with mock.patch.object(shown_files, "decode_line", wraps=decode_line) as read:
            self.assertEqual(self.shown(1_000), ())
            looked_at = shown_files.LOOKED_AT_PER_FILE * 1_000
            self.assertEqual(read.call_count, looked_at)
            self.assertEqual(self.steps, looked_at // shown_files.SLICE)
            self.shown(1_000)
            self.assertEqual(read.call_count, looked_at)

    def test_a_list_may_change_while_its_files_are_looked_at(self) -> None:
        self.tell(ONE, *(file_line(f"{number:04}") for number in range(500)))
        steps = shown_files.shown_files(self.room_list, 500)
        next(steps)
        self.room_list.drop(ONE)
        self.tell(TWO, file_line("a"))
        self.assertEqual(len(list(steps)), 3)
        self.assertEqual([file.name for file in self.shown(9)], ["a"])
