"""Downloads that change places, and files that are fetched first or once more."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from unittest import mock

from roles.disk.stored_names import StoredPath
from roles.disk.target_folder import TargetFolder
from roles.leecher import Leecher
from roles.seeder import Seeder
from roles.values.content import Content
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FileEnded,
    FilesEnded,
    FilesListed,
    HashingChanged,
    QueueChanged,
)
from roles.values.settings import Existing
from tests.disks import some_bytes
from tests.role_test import RoomTest, Running, list_now, wait_for_end, wait_for_state
from tests.support import LIMIT_S, wait_until

SIZE = 800_000
SLOW = 40_000  # bytes per second: nothing ends before the test has said what it has to say


class DownloadsTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address
        self.target = self.make_folder("target")

    def seeding(self, files: dict[str, bytes], rate: int | None = None) -> Running[Seeder]:
        folder = self.make_folder("source")
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        seeder = self.seeder(folder, self.room, up=rate)
        seeder.log.wait_for(HashingChanged, where=lambda event: event.hashed == event.size > 0)
        return seeder

    def taking(self, *names: str, **settings: Any) -> Running[Leecher]:
        running = self.leecher(
            self.target, self.room, state_folder=self.folder / "state", **settings
        )
        list_now(running, *names)
        return running

    def ends(self, leecher: Running[Leecher]) -> list[str]:
        return [event.name for event in leecher.log.of(DownloadChanged) if event.state.is_final]

    def queue_is(self, leecher: Running[Leecher], *names: str) -> None:
        leecher.log.wait_for(QueueChanged, where=lambda event: event.downloads == names)


class OrderTest(DownloadsTest):
    def test_what_is_pushed_out_while_its_folder_is_looked_at_comes_later(self) -> None:
        files = {"a": b"first", "b": b"second"}
        self.seeding(files)
        leecher = self.taking(*files, downloads_at_once=1)
        looks, is_pushed_out = threading.Event(), threading.Event()
        find = TargetFolder.find

        def find_slowly(target: TargetFolder, stored: StoredPath, content: Content) -> Path | None:
            if stored == ("a",) and not looks.is_set():
                looks.set()
                is_pushed_out.wait(LIMIT_S)
            return find(target, stored, content)

        with mock.patch.object(TargetFolder, "find", find_slowly):
            leecher.role.download(list(files), Existing.SKIP)
            self.assertTrue(looks.wait(LIMIT_S))
            leecher.role.put_in_order(["b", "a"])
            self.queue_is(leecher, "b", "a")
            is_pushed_out.set()
            for name in files:
                self.assertIs(wait_for_end(leecher, name).state, DownloadState.DONE)
        self.assertEqual(self.ends(leecher), ["b", "a"])
        self.assertEqual((self.target / "a").read_bytes(), b"first")

    def test_what_is_put_first_is_started_next_and_pushes_out_what_runs(self) -> None:
        names = ["a", "b", "c"]
        seeder = self.seeding({name: some_bytes(SIZE) + name.encode() for name in names}, SLOW)
        leecher = self.taking(*names, downloads_at_once=1)
        leecher.role.download(names, Existing.SKIP)
        wait_for_state(leecher, "a", DownloadState.DOWNLOADING)
        self.queue_is(leecher, "a", "b", "c")
        leecher.role.put_in_order(["c", "b", "a"])
        self.queue_is(leecher, "c", "b", "a")
        wait_for_state(leecher, "c", DownloadState.DOWNLOADING)
        seeder.role._throttles.up.set_limit(None)
        for name in names:
            self.assertIs(wait_for_end(leecher, name).state, DownloadState.DONE)
        self.assertEqual(self.ends(leecher), ["c", "b", "a"])

    def test_what_runs_within_the_limit_goes_on_running(self) -> None:
        names = ["a", "b", "c"]
        self.seeding({name: some_bytes(SIZE) + name.encode() for name in names}, SLOW)
        leecher = self.taking(*names, downloads_at_once=2)
        leecher.role.download(names, Existing.SKIP)
        for name in "ab":
            wait_for_state(leecher, name, DownloadState.DOWNLOADING)
        leecher.log.clear()
        leecher.role.put_in_order(["c"])
        self.queue_is(leecher, "c", "a", "b")
        wait_for_state(leecher, "b", DownloadState.QUEUED)
        wait_for_state(leecher, "c", DownloadState.CHECKING, DownloadState.DOWNLOADING)
        states = {event.state for event in leecher.log.of(DownloadChanged) if event.name == "a"}
        self.assertNotIn(DownloadState.QUEUED, states)

    def test_the_order_survives_a_restart(self) -> None:
        names = ["a", "b", "c"]
        self.seeding({name: some_bytes(SIZE) + name.encode() for name in names}, SLOW)
        leecher = self.taking(*names)
        leecher.role.download(names, Existing.SKIP)
        leecher.role.put_in_order(["c", "a"])
        self.queue_is(leecher, "c", "a", "b")
        unfinished = leecher.role._unfinished
        wait_until(lambda: [record.key for record in unfinished._saved] == ["c", "a", "b"])
        leecher.stop()
        self.queue_is(self.taking(*names), "c", "a", "b")

    def test_files_of_a_folder_that_were_put_first_come_first_also_after_a_restart(self) -> None:
        names = [f"f{number}" for number in range(10)]
        seeder = self.seeding({name: some_bytes(SIZE) + name.encode() for name in names}, SLOW)
        leecher = self.taking(*names)
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        wait_for_state(leecher, key, DownloadState.DOWNLOADING)
        first = ("f9", "f7")
        leecher.role.put_files_in_order(key, first)
        leecher.log.wait_for(QueueChanged, where=lambda event: event.first == ((key, first),))
        wait_until(lambda: any(record.first for record in leecher.role._unfinished._saved))
        leecher.stop()
        again = self.taking(*names)
        again.log.wait_for(QueueChanged, where=lambda event: event.first == ((key, first),))
        seeder.role._throttles.up.set_limit(4_000_000)
        self.assertIs(wait_for_end(again, key).state, DownloadState.DONE)
        told = [file.name for some in again.log.of(FilesEnded) for file in some.files]
        self.assertEqual(sorted(told), names)
        self.assertLess(max(told.index(name) for name in first), told.index("f5"))
        self.assertLess(told.index("f9"), told.index("f5"))

    def test_small_files_that_come_in_packs_obey_too(self) -> None:
        small = {f"s/{number:03}": some_bytes(900, number) for number in range(300)}
        big = {f"big{number}": some_bytes(SIZE, number) for number in range(3)}
        self.seeding({**small, **big}, 3_000_000)
        leecher = self.taking("big0")
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        leecher.role.put_files_in_order(key, ["big2", "s/"])
        end = wait_for_end(leecher, key)
        self.assertIs(end.state, DownloadState.DONE)
        self.assertEqual(end.files_ended, 303)
        for path, data in {**small, **big}.items():
            self.assertTrue((self.target / path).read_bytes() == data, path)


class RetryTest(DownloadsTest):
    def failed(self, leecher: Running[Leecher], path: str) -> FileEnded:
        def is_it(some: FilesEnded) -> bool:
            return any(file.name == path for file in some.files)

        told = leecher.log.wait_for(FilesEnded, where=is_it)
        return next(file for file in told.files if file.name == path)

    def test_what_failed_is_fetched_once_more_while_the_rest_is_under_way(self) -> None:
        seeder = self.seeding({"big": some_bytes(SIZE * 2), "d/x": some_bytes(400_000)}, 200_000)
        (self.target / "d").write_bytes(b"a file where a folder must be")
        leecher = self.taking("big")
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        self.assertIs(self.failed(leecher, "d/x").state, DownloadState.FAILED)
        (self.target / "d").rename(self.target / "moved away")
        leecher.log.clear()
        leecher.role.retry([key])
        seeder.role._throttles.up.set_limit(None)
        end = wait_for_end(leecher, key)
        self.assertIs(end.state, DownloadState.DONE)
        self.assertEqual((end.files, end.files_ended), (2, 2))
        self.assertTrue((self.target / "d/x").read_bytes() == some_bytes(400_000))
        self.assertTrue((self.target / "moved away").exists())

    def test_what_has_failed_as_a_whole_is_begun_again(self) -> None:
        self.seeding({"big": some_bytes(SIZE), "d/x": b"little"})
        (self.target / "d").write_bytes(b"a file where a folder must be")
        leecher = self.taking("big")
        key = leecher.log.of(FilesListed)[-1].folders[0].key
        leecher.role.download([key], Existing.SKIP)
        self.assertIs(wait_for_end(leecher, key).state, DownloadState.FAILED)
        (self.target / "d").unlink()
        leecher.log.clear()
        leecher.role.retry([key])
        self.assertIs(wait_for_end(leecher, key).state, DownloadState.DONE)
        self.assertEqual((self.target / "d/x").read_bytes(), b"little")
