"""What was downloaded is read anew: the same, damaged, edited or missing; and fetched again."""

from __future__ import annotations

import os
import unittest
from pathlib import Path
from unittest import mock

from roles.disk.target_folder import TargetFolder
from roles.downloads.download import Download
from roles.leecher import Leecher
from roles.values.events import DownloadState, FilesListed, HashingChanged, Verified, Warned
from roles.values.settings import Existing
from tests.disks import some_bytes
from tests.role_test import RoomTest, Running, list_now, wait_for_end

FILES = {
    "a.bin": some_bytes(700_000, 1),
    "notes.txt": b"as it was told",
    "d/b.bin": some_bytes(300_000, 2),
    "d/gone.txt": b"here for now",
}


class VerificationTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        room = self.tracker().address
        source = self.make_folder("source")
        (source / "d").mkdir()
        for name, data in FILES.items():
            (source / name).write_bytes(data)
            os.utime(source / name, (1_600_000_000, 1_600_000_000))
        seeder = self.seeder(source, room)
        seeder.log.wait_for(HashingChanged, where=lambda event: event.hashed == event.size > 0)
        self.target = self.make_folder("target")
        self.leecher_ = self.leecher(self.target, room)
        list_now(self.leecher_, *FILES)
        self.key = self.leecher_.log.of(FilesListed)[-1].folders[0].key
        self.leecher_.role.download([self.key], Existing.SKIP)
        self.assertIs(wait_for_end(self.leecher_, self.key).state, DownloadState.DONE)

    def verified(self, path: str = "") -> Verified:
        running: Running[Leecher] = self.leecher_
        running.log.clear()
        running.role.verify(self.key, path)
        return running.log.wait_for(Verified, where=lambda event: event.is_over)

    def change(self, name: str, data: bytes, *, mtime: int | None = None) -> None:
        path = self.target / name
        path.write_bytes(data)
        if mtime is not None:
            os.utime(path, (mtime, mtime))

    def test_what_nobody_touched_is_the_same(self) -> None:
        found = self.verified()
        self.assertEqual((found.files, found.files_read), (4, 4))
        self.assertEqual(found.size_read, sum(map(len, FILES.values())))
        self.assertEqual((found.damaged, found.edited, found.missing), ((), (), ()))

    def test_damaged_edited_and_missing_files_are_told_apart_and_nothing_is_changed(self) -> None:
        damaged = b"x" + FILES["a.bin"][1:]
        self.change("a.bin", damaged, mtime=1_600_000_000)
        self.change("notes.txt", b"my own words")
        (self.target / "d/gone.txt").unlink()
        found = self.verified()
        self.assertEqual(found.damaged, ("a.bin",))
        self.assertEqual(found.edited, ("notes.txt",))
        self.assertEqual(found.missing, ("d/gone.txt",))
        self.assertEqual((self.target / "a.bin").read_bytes(), damaged)
        self.assertEqual((self.target / "notes.txt").read_bytes(), b"my own words")

    def test_fetching_again_loses_nothing_and_mends_what_was_damaged(self) -> None:
        damaged = FILES["a.bin"][:-1] + b"x"
        self.change("a.bin", damaged, mtime=1_600_000_000)
        self.change("notes.txt", b"my own words")
        (self.target / "d/gone.txt").unlink()
        found = self.verified()
        self.leecher_.log.clear()
        self.leecher_.role.fetch_again(self.key, found.damaged)
        self.assertIs(wait_for_end(self.leecher_, self.key).state, DownloadState.DONE)
        kept = {
            "a.bin": FILES["a.bin"],
            "a (2).bin": damaged,
            "notes.txt": b"my own words",
            "notes (2).txt": FILES["notes.txt"],
            "d/b.bin": FILES["d/b.bin"],
            "d/gone.txt": FILES["d/gone.txt"],
        }
        for name, data in kept.items():
            with self.subTest(name=name):
                self.assertTrue((self.target / name).read_bytes() == data)
        again = self.verified()
        self.assertEqual((again.damaged, again.edited, again.missing), ((), (), ()))

    def test_fetching_again_keeps_the_order_of_the_files(self) -> None:
        running = self.leecher_
        running.role.put_files_in_order(self.key, ["d/"])
        (self.target / "d/gone.txt").unlink()
        running.log.clear()
        running.role.fetch_again(self.key, ())
        self.assertIs(wait_for_end(running, self.key).state, DownloadState.DONE)
        (download,) = running.role._queue.chosen([self.key])
        assert isinstance(download, Download)
        self.assertEqual(download.order.first, ("d/",))

    def test_a_file_that_was_edited_meanwhile_is_not_set_aside(self) -> None:
        self.change("a.bin", b"x" * len(FILES["a.bin"]), mtime=1_600_000_000)
        found = self.verified()
        self.change("a.bin", b"edited after the look")
        self.leecher_.log.clear()
        self.leecher_.role.fetch_again(self.key, found.damaged)
        self.assertIs(wait_for_end(self.leecher_, self.key).state, DownloadState.DONE)
        self.assertEqual((self.target / "a.bin").read_bytes(), b"edited after the look")
        self.assertTrue((self.target / "a (2).bin").read_bytes() == FILES["a.bin"])

    def test_what_nobody_shares_any_more_is_not_set_aside(self) -> None:
        damaged = b"x" + FILES["a.bin"][1:]
        self.change("a.bin", damaged, mtime=1_600_000_000)
        found = self.verified()
        running = self.leecher_
        # When its seeder leaves, it stays listed if the tracker knows already that we have it.
        with mock.patch.object(running.role._room_reader, "select", return_value=None):
            running.role.fetch_again(self.key, found.damaged)
            said = running.log.wait_for(Warned).sentence
        self.assertIn("not shared now", said)
        self.assertEqual((self.target / "a.bin").read_bytes(), damaged)

    def test_one_file_or_folder_can_be_meant(self) -> None:
        self.change("a.bin", b"edited")
        self.assertEqual(self.verified("d/").files, 2)
        self.assertEqual(self.verified("d/").edited, ())
        self.assertEqual(
            (self.verified("a.bin").files, self.verified("a.bin").edited), (1, ("a.bin",))
        )

    def test_it_can_be_stopped_and_others_wait_their_turn(self) -> None:
        find, role, log = TargetFolder.find, self.leecher_.role, self.leecher_.log

        def stop_at_once(target: TargetFolder, *file: object) -> Path | None:
            role.stop_verifying()
            target.stopping.wait()
            return find(target, *file)  # type: ignore[arg-type]

        log.clear()
        with mock.patch.object(TargetFolder, "find", stop_at_once):
            role.verify(self.key)
            role.verify(self.key, "a.bin")
            end = log.wait_for(Verified, where=lambda event: event.is_over)
        self.assertEqual((end.files, end.files_read), (4, 0))
        self.assertEqual(self.verified("a.bin").files, 1)

    def test_a_stop_of_the_role_does_not_wait_for_it(self) -> None:
        self.leecher_.role.verify(self.key)
        self.leecher_.stop()

    def test_what_is_not_known_or_still_runs_is_left_alone(self) -> None:
        self.leecher_.role.verify("share:nobody")
        self.assertEqual(self.verified().files, 4)

    @unittest.skipUnless(hasattr(os, "posix_fadvise"), "the system does not let us choose")
    def test_it_is_read_from_the_disk_and_not_from_memory(self) -> None:
        with mock.patch("os.posix_fadvise", wraps=os.posix_fadvise) as asked:
            self.verified()
        self.assertEqual(asked.call_count, 4)
