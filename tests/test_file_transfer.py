"""One content of a download: what an earlier run left of it, and what it leaves itself."""

from __future__ import annotations

import errno
import logging
import os
import unittest
from pathlib import Path
from unittest import mock

from roles.disk.arriving_file import ArrivingFile
from roles.disk.leftovers import pack_stored
from roles.disk.target_folder import TargetFolder
from roles.downloads.file_transfer import FileTransfer, Lasting
from roles.downloads.wanted import WantedContent, WantedFile, WantedPack
from roles.swarm.shared_swarm import SharedSwarm
from roles.swarm.swarm_library import SwarmLibrary
from roles.values.content import MIN_CHUNK_SIZE
from roles.values.errors import DiskFullError, FileChangedError
from roles.values.events import DownloadState
from tests.disks import DiskTestCase, described, some_bytes

CHUNK = MIN_CHUNK_SIZE
DATA = some_bytes(4 * CHUNK)
CONTENT, DIGESTS = described(DATA)
WHOLE = WantedFile("d/a", ("d", "a"), CONTENT)


class FileTransferTest(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.swarm = SharedSwarm(lambda _root, _chunks: None)
        self.library = SwarmLibrary()
        self.woken = 0

    def transfer(self, wanted: WantedContent = WHOLE) -> FileTransfer:
        def wake() -> None:
            self.woken += 1

        transfer = FileTransfer(wanted, TargetFolder(self.folder), self.swarm, self.library, wake)
        self.addCleanup(transfer.close)
        return transfer

    def needed(self, wanted: WantedContent) -> int:
        return wanted.needed(TargetFolder(self.folder).taken_by(wanted.stored))

    def left(self, data: bytes) -> Path:
        """An earlier run left this."""
        path = self.folder / "d" / "a.lmkpart"
        path.parent.mkdir()
        path.write_bytes(data)
        return path

    def test_nothing_is_asked_for_before_the_digests_are_here(self) -> None:
        transfer = self.transfer()
        transfer.go_on()
        self.assertFalse(transfer.is_asking)
        transfer.learn(DIGESTS)
        transfer.go_on()
        self.assertTrue(transfer.is_asking)

    def test_a_content_of_one_chunk_needs_no_digests(self) -> None:
        transfer = self.transfer(WantedFile("b", ("b",), described(b"small")[0]))
        transfer.go_on()
        self.assertTrue(transfer.is_asking)

    def test_of_what_an_earlier_run_left_only_what_is_right_is_kept(self) -> None:
        self.left(DATA[: 2 * CHUNK] + bytes(CHUNK))
        transfer = self.transfer()
        self.assertEqual((transfer.bytes_here, transfer.have()), (0, 0))  # nothing is checked yet
        transfer.learn(DIGESTS)
        transfer.go_on()
        self.assertEqual((transfer.plan.had, transfer.have()), (0b0011, 0b0011))
        self.assertEqual(transfer.bytes_here, 2 * CHUNK)

    def test_what_is_here_already_is_not_asked_for_and_gets_its_name(self) -> None:
        self.left(DATA)
        transfer = self.transfer()
        transfer.learn(DIGESTS)
        self.assertFalse(transfer.is_whole)
        transfer.go_on()
        self.assertEqual((transfer.is_whole, transfer.is_asking, self.woken), (True, False, 1))
        [ended] = transfer.finish()
        self.assertEqual((ended.name, ended.state), ("d/a", DownloadState.DONE))
        self.assertTrue(transfer.is_through)
        self.assert_tree(self.folder, {"d": None, "d/a": DATA})

    def test_what_a_full_disk_lost_when_it_was_synced_is_asked_for_again(self) -> None:
        self.left(DATA)
        transfer = self.transfer()
        transfer.learn(DIGESTS)
        transfer.go_on()
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with mock.patch("roles.disk.disk_calls.sync", side_effect=full):
            self.assertRaises(DiskFullError, list, transfer.finish())
        transfer.stand_still()
        transfer.resume()
        with self.assertLogs(level=logging.WARNING):
            self.assertEqual(list(transfer.finish()), [])  # the next sync would tell nothing
        with mock.patch.object(ArrivingFile, "recheck", return_value=0b1101):
            transfer.go_on()
        self.assertEqual(transfer.plan.wanted, 0b0010)

    def test_it_can_be_uploaded_from_its_beginning_to_its_end(self) -> None:
        self.left(DATA)
        transfer = self.transfer()
        self.assertIs(self.library.find(CONTENT.root), transfer)
        with self.assertRaises(FileChangedError):
            transfer.open()
        transfer.learn(DIGESTS)
        transfer.go_on()
        list(transfer.finish())
        transfer.close()
        self.assertIs(self.library.find(CONTENT.root), transfer)
        transfer.open().close()

    def test_when_it_is_closed_what_came_stays_and_an_empty_file_goes(self) -> None:
        part = self.left(DATA[:CHUNK])
        for is_kept in (True, False):
            self.transfer().close()
            self.assertIs(part.exists(), is_kept)
            self.assertIsNone(self.library.find(CONTENT.root))
            if is_kept:
                part.write_bytes(b"")

    def test_what_is_on_the_disk_already_needs_no_more_room(self) -> None:
        self.assertEqual(self.needed(WHOLE), 4 * CHUNK)
        self.left(DATA[:CHUNK])
        self.assertEqual(self.needed(WHOLE), 3 * CHUNK)
        self.assertEqual(self.transfer().bytes_needed, 3 * CHUNK)

    def test_a_pack_needs_room_for_its_files_too(self) -> None:
        pack = WantedPack(CONTENT, (WantedFile("x", ("x",), described(bytes(100))[0]),))
        self.assertEqual(self.needed(pack), 4 * CHUNK + 100)
        (name,) = pack_stored(CONTENT)
        (self.folder / f"{name}.lmkpart").write_bytes(DATA[:CHUNK])
        self.assertEqual(TargetFolder(self.folder).taken_by((name,)), CHUNK)
        self.assertEqual(self.transfer(pack).bytes_needed, 3 * CHUNK + 100)

    def test_a_file_of_a_pack_that_is_replaced_is_wanted_no_more(self) -> None:
        files = [WantedFile(name, (name,), described(name.encode())[0]) for name in "xyz"]
        transfer = self.transfer(WantedPack(CONTENT, tuple(files)))
        transfer.drop_files({files[1].identity})
        self.assertEqual([file.path for file in transfer.wanted.files], ["x", "z"])


class LastingTest(unittest.TestCase):
    def test_it_counts_from_the_first_time_that_something_is_so(self) -> None:
        lasting = Lasting()
        seconds = [
            lasting.note(is_so, now=now) for now, is_so in enumerate(map(bool, (0, 1, 1, 1, 0, 1)))
        ]
        self.assertEqual(seconds, [0, 0, 1, 2, 0, 0])
