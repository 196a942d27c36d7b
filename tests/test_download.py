"""A download of LMK/2 as a whole: what it says while nothing moves, and how it ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from roles.disk.target_folder import TargetFolder
from roles.leecher import Leecher
from roles.seeder import Seeder
from roles.values.content import chunk_size_for
from roles.values.errors import DiskFullError, NoSeederError, StorageError
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FilesEnded,
    FilesListed,
    HashingChanged,
)
from roles.values.settings import Existing
from roles.values.watched import ALL_HERE, NOT_KNOWN, Watched
from roles.wire import frames
from tests.disks import some_bytes
from tests.memory_contents import MemoryHolding, bitmap
from tests.raw_peer import RawPeer, lying_seeder
from tests.role_test import RoomTest, Running, list_now, lose_patience, wait_for_end, wait_for_state
from tests.support import LIMIT_S, wait_until
from tests.test_equal_names import needs_case
from tests.tracker_requests import list_as_lmk2

DATA = some_bytes(3_000_000)


class DownloadTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address
        self.target = self.make_folder("target")

    def seeding(
        self, name: str, files: dict[str, bytes], rate: int | None = None
    ) -> Running[Seeder]:
        folder = self.make_folder(name)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        seeder = self.seeder(folder, self.room)
        seeder.role._throttles.up.set_limit(rate)
        seeder.log.wait_for(HashingChanged, where=lambda event: event.hashed == event.size > 0)
        return seeder

    def taking(self, *names: str, **settings: Any) -> Running[Leecher]:
        leecher = self.leecher(self.target, self.room, **settings)
        list_now(leecher, *names)
        return leecher

    def test_it_gives_up_when_it_was_told_to_and_keeps_what_came(self) -> None:
        seeder = self.seeding("source", {"a.bin": DATA}, rate=1_000_000)
        leecher = self.taking("a.bin")
        leecher.role.download(["a.bin"], Existing.SKIP)
        leecher.log.wait_for(DownloadChanged, where=lambda event: event.have > 500_000)
        lose_patience(leecher, 0.5)
        seeder.stop()
        end = wait_for_end(leecher, "a.bin")
        self.assertIs(end.state, DownloadState.FAILED)
        self.assertIsInstance(end.failure, NoSeederError)
        self.assertTrue((self.target / "a.bin.lmkpart").exists())
        self.assertFalse((self.target / "a.bin").exists())

    def test_at_its_beginning_it_does_not_say_that_nobody_can_be_reached(self) -> None:
        self.constant("downloads.download", "MOVING_S", LIMIT_S)
        self.seeding("source", {"a.bin": DATA})
        leecher = self.taking("a.bin")
        leecher.role.download(["a.bin"], Existing.SKIP)
        self.assertIs(wait_for_end(leecher, "a.bin").state, DownloadState.DONE)
        self.assertEqual({event.cause for event in leecher.log.of(DownloadChanged)}, {""})

    def test_without_a_limit_it_looks_for_others_and_says_so(self) -> None:
        seeder = self.seeding("source", {"a.bin": DATA}, rate=1_000_000)
        leecher = self.taking("a.bin")
        leecher.role.download(["a.bin"], Existing.SKIP)
        leecher.log.wait_for(DownloadChanged, where=lambda event: event.have > 500_000)
        seeder.stop()
        leecher.log.clear()
        looking = wait_for_state(leecher, "a.bin", DownloadState.LOOKING)
        self.assertTrue(looking.cause)
        self.seeding("another", {"a.bin": DATA})
        self.assertIs(wait_for_end(leecher, "a.bin").state, DownloadState.DONE)
        self.assertTrue((self.target / "a.bin").read_bytes() == DATA)

    def test_a_file_of_another_content_that_is_there_already_is_kept_or_replaced(self) -> None:
        self.seeding("source", {"a.bin": DATA})
        for existing, kept in ((Existing.SKIP, 2), (Existing.REPLACE, 2), (Existing.KEEP_BOTH, 3)):
            (self.target / "a.bin").write_bytes(b"my own")
            leecher = self.taking("a.bin")
            leecher.role.download(["a.bin"], existing)
            end = wait_for_end(leecher, "a.bin")
            self.assertIs(end.state, DownloadState.DONE)
            assert end.saved_as is not None
            self.assertTrue(end.saved_as.read_bytes() == DATA)
            is_replaced = existing is Existing.REPLACE
            self.assertIs((self.target / "a.bin").read_bytes() == b"my own", not is_replaced)
            self.assertEqual(len(list(self.target.iterdir())), kept)
            leecher.stop()

    def test_what_was_kept_beside_another_file_is_not_fetched_again(self) -> None:
        self.seeding("source", {"a.bin": DATA})
        (self.target / "a.bin").write_bytes(b"my own")
        for expected in (DownloadState.DONE, DownloadState.SKIPPED):
            leecher = self.taking("a.bin")
            leecher.role.download(["a.bin"], Existing.SKIP)
            end = wait_for_end(leecher, "a.bin")
            self.assertIs(end.state, expected)
            self.assertEqual(end.saved_as, self.target / "a (2).bin")
            leecher.stop()
        self.assertEqual(len(list(self.target.iterdir())), 2)

    def test_the_pieces_of_a_whole_folder_and_of_one_in_it_are_told(self) -> None:
        small = {f"d/{number:02}": some_bytes(2_000, number) for number in range(30)}
        seeder = self.seeding("source", {"big": DATA, **small}, rate=1_500_000)
        leecher = self.taking("big")
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        wait_for_state(leecher, key, DownloadState.DOWNLOADING)
        leecher.role.watch(key)

        def is_half_here(told: Watched) -> bool:
            folder = told.folder
            return folder is not None and folder.chunks_here > 5 and ALL_HERE in folder.have

        folder = leecher.log.wait_for(Watched, where=is_half_here).folder
        assert folder is not None
        self.assertEqual(folder.chunks, -(-len(DATA) // chunk_size_for(len(DATA))) + 30)
        self.assertTrue(set(folder.holders) - {NOT_KNOWN})
        leecher.role.watch(key, "d/")
        leecher.log.wait_for(
            Watched, where=lambda event: event.folder is not None and event.folder.chunks == 30
        )
        seeder.role._throttles.up.set_limit(None)
        self.assertIs(wait_for_end(leecher, key).state, DownloadState.DONE)

    def test_every_file_of_a_folder_is_told_of_once(self) -> None:
        files = {f"d/{n % 5}/{n:03}": some_bytes(1_000 + n, n) for n in range(100)}
        self.seeding("source", {"big": DATA, **files})
        leecher = self.taking("big")
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        end = wait_for_end(leecher, key)
        self.assertIs(end.state, DownloadState.DONE)
        self.assertEqual((end.files, end.files_ended, end.have), (101, 101, end.size))
        told = [file.name for some in leecher.log.of(FilesEnded) for file in some.files]
        self.assertEqual(sorted(told), sorted(["big", *files]))
        for path, data in files.items():
            self.assertEqual(Path(self.target, path).read_bytes(), data)

    def test_a_folder_that_has_no_place_to_arrive_in_says_why_and_comes_once_it_has(self) -> None:
        self.target.rmdir()
        self.target.write_bytes(b"a file")
        self.seeding("source", {"d/a.bin": DATA})
        leecher = self.leecher(self.target, self.room, own_folders=True)
        list_now(leecher, "d/a.bin")
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        end = wait_for_end(leecher, key)
        self.assertIs(end.state, DownloadState.FAILED)
        self.assertIsInstance(end.failure, StorageError)
        self.assertIn("is a file, but must be a folder", str(end.failure))
        self.target.unlink()
        leecher.log.clear()
        leecher.role.resume([key])
        self.assertIs(wait_for_end(leecher, key).state, DownloadState.DONE)

    def test_a_disk_too_full_for_its_folders_is_waited_for(self) -> None:
        self.seeding("source", {"d/a.bin": DATA})
        leecher = self.taking("d/a.bin", space_again_s=0.05)
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        full = patch.object(TargetFolder, "make_folders", side_effect=DiskFullError("full"))
        with full:
            leecher.role.download([key], Existing.SKIP)
            wait_for_state(leecher, key, DownloadState.WAITING_FOR_SPACE)
        self.assertIs(wait_for_end(leecher, key).state, DownloadState.DONE)
        self.assertTrue((self.target / "d/a.bin").read_bytes() == DATA)

    def test_a_folder_of_one_share_comes_without_that_of_another(self) -> None:
        self.seeding("one", {"slides/1": b"first", "other": b"x"})
        self.seeding("two", {"slides/2": b"second"})
        leecher = self.taking("slides/1", "slides/2")
        by_name = {folder.name: folder for folder in leecher.log.of(FilesListed)[-1].folders}
        key = f"{by_name['two'].key}/slides"
        leecher.role.download([key], Existing.SKIP)
        end = wait_for_end(leecher, key)
        self.assertEqual((end.state, end.title, end.files), (DownloadState.DONE, "slides/", 1))
        came = [path.name for path in self.target.rglob("*") if path.is_file()]
        self.assertEqual(came, ["2"])

    @needs_case
    def test_names_that_differ_by_case_alone_stay_both_where_the_disk_tells_them_apart(
        self,
    ) -> None:
        files = {"A.txt": b"upper", "a.txt": b"lower", "D/x": b"1", "d/x": b"2", "big": DATA}
        self.seeding("source", files)
        leecher = self.taking("big")
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        self.assertIs(wait_for_end(leecher, key).state, DownloadState.DONE)
        for path, data in files.items():
            self.assertEqual((self.target / path).read_bytes(), data)

    def test_progress_never_goes_back_or_beyond_the_size(self) -> None:
        self.seeding("source", {"a.bin": DATA}, rate=4_000_000)
        leecher = self.taking("a.bin")
        leecher.role.download(["a.bin"], Existing.SKIP)
        wait_for_end(leecher, "a.bin")
        have = [event.have for event in leecher.log.of(DownloadChanged)]
        self.assertEqual(have, sorted(have))
        self.assertEqual(have[-1], len(DATA))

    def test_a_download_that_is_cancelled_before_it_began_leaves_nothing(self) -> None:
        self.seeding("source", {"a.bin": DATA}, rate=500_000)
        leecher = self.taking("a.bin")
        leecher.role.download(["a.bin"], Existing.SKIP)
        leecher.role.cancel(["a.bin"])
        wait_for_state(leecher, "a.bin", DownloadState.CANCELLED)
        wait_until(lambda: not list(self.target.iterdir()))

    def test_a_folder_that_is_cancelled_in_the_middle_leaves_what_was_there_and_what_is_whole(
        self,
    ) -> None:
        own = self.target / "own"
        own.mkdir()
        self.seeding("source", {"own/a/b.bin": DATA, "d/e/c.bin": DATA}, rate=500_000)
        leecher = self.taking("own/a/b.bin")
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        leecher.log.wait_for(DownloadChanged, where=lambda event: event.have > 0)
        leecher.role.cancel([key])
        wait_for_state(leecher, key, DownloadState.CANCELLED)
        wait_until(lambda: list(self.target.rglob("*")) == [own])

    def test_a_place_in_a_line_in_which_nothing_moves_is_not_believed_for_ever(self) -> None:
        def wait_in_queue(sender: RawPeer) -> None:
            opening = sender.expect(frames.Open)
            assert isinstance(opening, frames.Open)
            holding = MemoryHolding(DATA, chunk_size=chunk_size_for(len(DATA)))
            content = holding.content
            sender.send(
                frames.File(opening.handle, content.size, content.chunk_size, bitmap(content))
            )
            sender.expect(frames.GetDigests)
            sender.send(frames.Digests(opening.handle, 0, holding.digests() or b""))
            while True:
                sender.send(frames.Place(3))
                time.sleep(0.05)

        liar = self.enterContext(lying_seeder("f" * 16, wait_in_queue))
        list_as_lmk2(self.room, liar.address, {"a.bin": DATA})
        leecher = self.taking("a.bin")
        leecher.role.download(["a.bin"], Existing.SKIP)
        wait_for_state(leecher, "a.bin", DownloadState.IN_QUEUE)
        self.constant("downloads.download", "QUEUED_AT_PEERS_S", 0.0)
        lose_patience(leecher)
        end = wait_for_end(leecher, "a.bin")
        self.assertIsInstance(end.failure, NoSeederError)
