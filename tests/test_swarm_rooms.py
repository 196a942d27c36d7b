"""Whole rooms on loopback: a tracker, seeders and leechers of ours, some of which lie or go."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from roles.disk.file_source import FileSource
from roles.disk.holding import ChunkSource, Holding
from roles.leecher import Leecher
from roles.net.throttle import Throttle
from roles.seeder import Seeder
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.holdings import FileHolding
from roles.values.errors import ContentError
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FilesListed,
    HashingChanged,
    UploadsChanged,
)
from roles.values.settings import Existing
from tests.disks import DiskTestCase, needs_a_small_disk, some_bytes
from tests.role_test import NEVER_S, RoomTest, Running, list_now, wait_for_end, wait_for_state
from tests.support import LIMIT_S, POLL_S, wait_until

MIB = 1 << 20
BIG = some_bytes(8 * MIB + 77)
MTIME = 1_500_000_000
OWNER_MAY_RUN = 0o100


def fill(folder: Path) -> dict[str, bytes | None]:
    """A folder with something of everything; returns what is in it, None for folders."""
    tree: dict[str, bytes | None] = {"big.bin": BIG, "deep/er/second.bin": some_bytes(3 * MIB, 2)}
    tree |= {f"many/{n % 7}/small {n}.txt": some_bytes(500 * n + 1, n) for n in range(60)}
    tree |= {"empty.txt": b"", "many/run.sh": b"#!/bin/sh\n", "deep/nothing in it": None}
    for path, data in tree.items():
        place = folder / path
        if data is None:
            place.mkdir(parents=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            os.utime(place, (MTIME, MTIME))
    (folder / "many/run.sh").chmod(0o755)
    return tree


class Liar:
    """A Holding that gives something else than what it says. Says so in `count`."""

    def __init__(
        self, honest: Holding, lie: Callable[[bytes, int], bytes], test: LyingTest
    ) -> None:
        self._honest = honest
        self._lie = lie
        self._test = test
        self.content, self.title = honest.content, honest.title

    def digests(self) -> bytes | None:
        digests = self._honest.digests()
        return digests[::-1] if digests and self._test.has_wrong_digests else digests

    def have(self) -> int:
        return self._honest.have()

    def open(self) -> ChunkSource:
        source = self._honest.open()
        assert isinstance(source, FileSource)
        return LyingSource(source, self._lie, self._test)


class LyingSource:
    """A ChunkSource."""

    def __init__(
        self, honest: FileSource, lie: Callable[[bytes, int], bytes], test: LyingTest
    ) -> None:
        self._honest = honest
        self._lie = lie
        self._test = test

    def send(self, link: object, offset: int, length: int) -> int:
        data = self._lie(self._honest.read(offset, length), offset)
        self._test.lies += 1
        return link.send(data)  # type: ignore[attr-defined, no-any-return]

    def check(self) -> None:
        self._honest.check()

    def close(self) -> None:
        self._honest.close()


class Tap(Throttle):
    """Lets as many bytes pass as it was told to, so that no machine is too slow or too fast."""

    def __init__(self) -> None:
        super().__init__(1 << 30)
        self._left = 0
        self._changed = threading.Condition()  # protects _left

    def let(self, count: int) -> None:
        with self._changed:
            self._left += count
            self._changed.notify_all()

    def wait(
        self,
        count: int,
        stopping: threading.Event,
        *,
        most_s: float = float("inf"),  # noqa: ARG002
    ) -> float:
        began = time.monotonic()
        with self._changed:
            while self._left < count and not stopping.is_set():
                self._changed.wait(POLL_S)
            self._left -= count
        return time.monotonic() - began


class SwarmRoomTest(RoomTest):
    """A tracker of ours, and what is asked of a room of LMK/2."""

    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address

    def taking(self, name: str, *, down: int | None = None) -> Running[Leecher]:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        running = self.leecher(folder, self.room)
        if down is not None:
            running.role._throttles.down.set_limit(down)
        return running

    def target(self, leecher: Running[Leecher]) -> Path:
        return leecher.role._settings.folder

    def folder_key(self, leecher: Running[Leecher], files: int) -> str:
        """The key of the folder that is listed with so many files."""
        keys = list[str]()

        def is_there() -> bool:
            leecher.role.refresh()
            for listed in leecher.log.of(FilesListed)[-1:]:
                keys[:] = [folder.key for folder in listed.folders if folder.files == files]
            return bool(keys)

        wait_until(is_there, LIMIT_S, f"no folder of {files} files is listed")
        return keys[0]

    def slow_seeder(self, folder: Path, rate: int) -> Running[Seeder]:
        running = self.seeder(folder, self.room)
        running.role._throttles.up.set_limit(rate)
        return running

    def wait_for_hashing(self, seeder: Running[Seeder]) -> None:
        seeder.log.wait_for(HashingChanged, where=lambda event: event.hashed == event.size > 0)

    def start(self, leecher: Running[Leecher], key: str) -> None:
        leecher.role.download([key], Existing.SKIP)

    def wait_for_bytes(self, leecher: Running[Leecher], key: str, least: int) -> None:
        leecher.log.wait_for(
            DownloadChanged, LIMIT_S, where=lambda event: event.name == key and event.have >= least
        )

    def wait_until_done(self, leecher: Running[Leecher], key: str) -> None:
        end = wait_for_end(leecher, key)
        self.assertIs(end.state, DownloadState.DONE, end)

    def sent_by(self, one: Running[Leecher] | Running[Seeder]) -> int:
        """So much it has told of by now; it may have sent more."""
        return max((told.sent_total for told in one.log.of(UploadsChanged)), default=0)

    def sent_in_all(self, one: Running[Leecher] | Running[Seeder]) -> int:
        """Ends it."""
        one.stop()
        return one.log.of(UploadsChanged)[-1].sent_total

    def assert_tree(self, folder: Path, tree: dict[str, bytes | None]) -> None:
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
        parents = {parent.as_posix() for path in tree for parent in Path(path).parents} - {"."}
        self.assertEqual(sorted(found), sorted({*tree, *parents}))
        for path, data in tree.items():
            if data is None:
                self.assertTrue(found[path].is_dir(), path)
            else:
                self.assertTrue(found[path].read_bytes() == data, f"{path} is not the same")
                self.assertEqual(int(found[path].stat().st_mtime), MTIME, path)
        self.assertTrue(found["many/run.sh"].stat().st_mode & OWNER_MAY_RUN)
        self.assertFalse(found["big.bin"].stat().st_mode & OWNER_MAY_RUN)


class FolderTest(SwarmRoomTest):
    def test_three_leechers_get_a_folder_and_each_has_given_some_of_it_on(self) -> None:
        source = self.make_folder("source")
        tree = fill(source)
        seeder = self.slow_seeder(source, MIB // 10)  # until all of them are at it
        self.wait_for_hashing(seeder)
        leechers = [self.taking(f"target {number}") for number in range(3)]
        files = sum(data is not None for data in tree.values())
        keys = [self.folder_key(leecher, files) for leecher in leechers]
        for leecher, key in zip(leechers, keys, strict=True):
            self.start(leecher, key)
        for leecher, key in zip(leechers, keys, strict=True):
            wait_for_state(leecher, key, DownloadState.DOWNLOADING)
        seeder.role._throttles.up.set_limit(12 * MIB)
        for leecher, key in zip(leechers, keys, strict=True):
            self.wait_until_done(leecher, key)
            self.assert_tree(self.target(leecher), tree)
        for leecher in leechers:
            wait_until(lambda leecher=leecher: self.sent_by(leecher) > 0, LIMIT_S)  # type: ignore[misc]
        everything = sum(len(data or b"") for data in tree.values())
        self.assertLess(self.sent_in_all(seeder), 2.5 * everything)

    def test_what_was_sent_is_told_to_the_last_byte(self) -> None:
        self.constant("seeder", "REPORT_S", NEVER_S)
        self.constant("downloads.swarm_peer", "REPORT_S", NEVER_S)
        seeder = self.slow_seeder(self.make_folder("source", {"big.bin": BIG}), 8 * MIB)
        self.wait_for_hashing(seeder)
        leechers = [self.taking(name) for name in ("one", "another")]
        for leecher in leechers:
            list_now(leecher, "big.bin")
            self.start(leecher, "big.bin")
        for leecher in leechers:
            self.wait_until_done(leecher, "big.bin")
        sent = sum(self.sent_in_all(leecher) for leecher in leechers)
        self.assertGreaterEqual(sent + self.sent_in_all(seeder), 2 * len(BIG))

    def test_what_is_there_already_is_not_fetched(self) -> None:
        source = self.make_folder("source")
        tree = fill(source)
        seeder = self.seeder(source, self.room)
        self.wait_for_hashing(seeder)
        leecher = self.taking("target")
        fill(self.target(leecher))
        key = self.folder_key(leecher, sum(data is not None for data in tree.values()))
        self.start(leecher, key)
        self.assertIs(wait_for_end(leecher, key).state, DownloadState.SKIPPED)
        self.assertEqual(self.sent_by(seeder), 0)
        self.assert_tree(self.target(leecher), tree)

    def test_two_contents_under_one_name_are_both_kept(self) -> None:
        other = some_bytes(2 * MIB, 9)
        for name, data in (("one", BIG), ("two", other)):
            self.wait_for_hashing(self.seeder(self.make_folder(name, {"a.bin": data}), self.room))
        leecher = self.taking("target")
        wait_until(lambda: len(self.listed(leecher)) == 2)
        keys = self.listed(leecher)
        leecher.role.download(keys, Existing.SKIP)
        for key in keys:
            self.wait_until_done(leecher, key)
        found = [path.read_bytes() for path in self.target(leecher).iterdir()]
        self.assertEqual(len(found), 2)
        self.assertTrue(BIG in found and other in found)

    def listed(self, leecher: Running[Leecher]) -> list[str]:
        leecher.role.refresh()
        files = [listed.files for listed in leecher.log.of(FilesListed)[-1:]]
        return [file.key for some in files for file in some if file.root]


class ComingAndGoingTest(SwarmRoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.source = self.make_folder("source", {"big.bin": BIG})

    def begun(self, *names: str, rate: int | Tap = 6 * MIB) -> list[Running[Leecher]]:
        self.seeding = self.seeder(self.source, self.room, up=rate)
        self.wait_for_hashing(self.seeding)
        leechers = [self.taking(name) for name in names]
        for leecher in leechers:
            list_now(leecher, "big.bin")
            self.start(leecher, "big.bin")
        return leechers

    def held_together(self, leechers: list[Running[Leecher]]) -> int:
        """The bitmap of what these have."""
        together = 0
        for leecher in leechers:
            for download in leecher.role._queue.all():
                for transfer in download._queue.transfers:  # type: ignore[attr-defined]
                    together |= transfer.plan.had
        return together

    def test_the_room_finishes_when_the_seeder_goes_and_the_leechers_have_it_together(self) -> None:
        leechers = self.begun("a", "b", "c", rate=4 * MIB)
        wait_until(
            lambda: (
                self.held_together(leechers).bit_count() == 33
                or any(self.is_done(leecher) for leecher in leechers)
            ),
        )
        self.seeding.stop()
        for leecher in leechers:
            self.wait_until_done(leecher, "big.bin")
            self.assertTrue((self.target(leecher) / "big.bin").read_bytes() == BIG)

    def is_done(self, leecher: Running[Leecher]) -> bool:
        return any(event.state is DownloadState.DONE for event in leecher.log.of(DownloadChanged))

    def test_a_leecher_that_starts_again_fetches_only_what_it_lacks(self) -> None:
        tap = Tap()
        [first] = self.begun("target", rate=tap)
        tap.let(5 * MIB)
        self.wait_for_bytes(first, "big.bin", 3 * MIB)
        first.stop()
        had = max(told.have for told in first.log.of(DownloadChanged))
        self.assertGreaterEqual(had, 3 * MIB)
        part = self.folder / "target" / "big.bin.lmkpart"
        self.assertTrue(part.exists())
        self.seeding.stop()
        seeding = self.seeder(self.source, self.room)
        second = self.taking("target")
        list_now(second, "big.bin")
        self.start(second, "big.bin")
        self.wait_until_done(second, "big.bin")
        self.assertTrue((self.target(second) / "big.bin").read_bytes() == BIG)
        self.assertFalse(part.exists())
        self.assertLess(self.sent_in_all(seeding), len(BIG) - had + MIB)

    def test_a_paused_download_goes_on_where_it_was(self) -> None:
        tap = Tap()
        [leecher] = self.begun("target", rate=tap)
        # Each of four connections has a chunk of 256 KiB in part, loses it at a pause, and may
        # still take the next part of it from the tap.
        for least, let_go in ((2 * MIB, 4 * MIB), (4 * MIB, 7 * MIB // 2)):
            tap.let(let_go)
            self.wait_for_bytes(leecher, "big.bin", least)
            leecher.log.clear()
            leecher.role.pause(["big.bin"])
            paused = wait_for_state(leecher, "big.bin", DownloadState.PAUSED)
            self.assertGreaterEqual(paused.have, least)
            leecher.role.resume(["big.bin"])
        tap.let(2 * len(BIG))
        self.wait_until_done(leecher, "big.bin")
        self.assertTrue((self.target(leecher) / "big.bin").read_bytes() == BIG)
        self.assertLessEqual(self.sent_in_all(self.seeding), len(BIG) + 2 * MIB)

    def test_a_cancelled_download_leaves_nothing_and_the_seeder_serves_on(self) -> None:
        tap = Tap()
        cancelled, other = self.begun("a", "b", rate=tap)
        tap.let(4 * MIB)
        self.wait_for_bytes(cancelled, "big.bin", MIB)
        cancelled.role.cancel(["big.bin"])
        wait_for_state(cancelled, "big.bin", DownloadState.CANCELLED)
        wait_until(lambda: not list(self.target(cancelled).iterdir()))
        tap.let(2 * len(BIG))
        self.wait_until_done(other, "big.bin")

    def test_a_leecher_ends_in_the_middle_of_it_all(self) -> None:
        leechers = self.begun("a", "b", "c")
        self.wait_for_bytes(leechers[0], "big.bin", MIB)
        for leecher in leechers:
            leecher.stop()

    def test_a_file_that_changes_is_never_half_old_and_half_new(self) -> None:
        new = some_bytes(len(BIG), 77)
        [leecher] = self.begun("target", rate=5 * MIB)
        self.wait_for_bytes(leecher, "big.bin", 3 * MIB)
        (self.source / "big.bin").write_bytes(new)
        leecher.log.wait_for(
            DownloadChanged,
            LIMIT_S,
            where=lambda event: event.state is not DownloadState.DOWNLOADING,
        )
        wait_until(lambda: self.seeding.log.of(HashingChanged)[-1].files_left == 0)
        for path in self.target(leecher).iterdir():
            if not path.name.endswith(".lmkpart"):
                self.assertIn(path.read_bytes(), (BIG, new))


class LyingTest(SwarmRoomTest):
    """An honest seeder and one that lies."""

    def setUp(self) -> None:
        super().setUp()
        self.lies = 0
        self.has_wrong_digests = False
        self.over = threading.Event()

    def tearDown(self) -> None:
        self.over.set()  # before the seeders are stopped
        super().tearDown()

    def seeders(
        self, lie: Callable[[bytes, int], bytes], *, honest: bool = True, data: bytes = BIG
    ) -> Running[Leecher]:
        """The room, with a leecher that has its list."""
        test = self
        find = FolderLibrary.find

        def lying_find(library: FolderLibrary, root: bytes) -> Holding | None:
            holding = find(library, root)
            if not isinstance(holding, FileHolding) or holding._folder.name != "liar":
                return holding
            return Liar(holding, lie, test)

        self.enterContext(mock.patch.object(FolderLibrary, "find", lying_find))
        for name in ("liar", "honest")[: 1 + honest]:
            seeder = self.slow_seeder(self.make_folder(name, {"big.bin": data}), 8 * MIB)
            self.wait_for_hashing(seeder)
        leecher = self.taking("target")
        list_now(leecher, "big.bin")
        return leecher

    def assert_gets_it(self, leecher: Running[Leecher], data: bytes = BIG) -> None:
        self.start(leecher, "big.bin")
        self.wait_until_done(leecher, "big.bin")
        self.assertTrue((self.target(leecher) / "big.bin").read_bytes() == data)
        self.assertEqual([path.name for path in self.target(leecher).iterdir()], ["big.bin"])

    def hold(self, data: bytes, seconds: float) -> bytes:
        self.over.wait(seconds)
        return data

    def test_wrong_bytes_in_every_chunk(self) -> None:
        leecher = self.seeders(lambda data, _: bytes(len(data)))
        self.assert_gets_it(leecher)
        self.assertLessEqual(self.lies, 40)  # few chunks, of up to four connections

    def test_right_bytes_of_another_chunk(self) -> None:
        self.assert_gets_it(self.seeders(lambda data, at: BIG[at // 2 :][: len(data)]))

    def test_wrong_digests(self) -> None:
        self.has_wrong_digests = True
        self.assert_gets_it(self.seeders(lambda data, _: data))

    def test_every_chunk_stops_at_99_percent(self) -> None:
        def lie(data: bytes, _: int) -> bytes:
            return data[: len(data) * 99 // 100] if len(data) > 10_000 else self.hold(data, 60)

        self.assert_gets_it(self.seeders(lie))

    def test_one_byte_a_second(self) -> None:
        self.assert_gets_it(self.seeders(lambda data, _: self.hold(data[:1], 1.0)))

    def test_a_small_file_that_comes_wrong_comes_from_the_other(self) -> None:
        small = some_bytes(100_000, 5)
        leecher = self.seeders(lambda data, _: bytes(len(data)), data=small)
        self.assert_gets_it(leecher, small)

    def test_a_small_file_that_never_comes_comes_from_the_other(self) -> None:
        self.constant("swarm.single_chunks", "LATE_S", 0.5)
        small = some_bytes(100_000, 5)
        leecher = self.seeders(lambda data, _: self.hold(data[:1], 1.0), data=small)
        self.assert_gets_it(leecher, small)

    def assert_finds_out(self, leecher: Running[Leecher]) -> None:
        self.constant("swarm.chunk_plan", "LEAST_TRIES", 8)
        self.constant("swarm.chunk_plan", "MAX_WASTE", 0)
        self.constant("swarm.peer_book", "AGAIN_S", 0.1)
        self.constant("downloads.content_queue", "LIED_S", 0.5)
        self.constant("downloads.download", "MOVING_S", 0.2)
        self.start(leecher, "big.bin")
        end = wait_for_end(leecher, "big.bin")
        self.assertIs(end.state, DownloadState.FAILED, end)
        self.assertIsInstance(end.failure, ContentError)
        self.assertRegex(str(end.failure), r"^Everyone who has big\.bin sent damaged content\. ")
        self.assertFalse((self.target(leecher) / "big.bin").exists())

    def test_nobody_but_a_liar(self) -> None:
        self.assert_finds_out(self.seeders(lambda data, _: bytes(len(data)), honest=False))

    def test_nobody_but_a_liar_about_a_small_file(self) -> None:
        small = some_bytes(100_000, 5)
        lie = self.seeders(lambda data, _: bytes(len(data)), honest=False, data=small)
        self.assert_finds_out(lie)

    def test_nobody_but_a_liar_about_digests(self) -> None:
        self.has_wrong_digests = True
        self.assert_finds_out(self.seeders(lambda data, _: data, honest=False))


@needs_a_small_disk
class SmallDiskTest(SwarmRoomTest):
    def test_a_full_disk_is_waited_for_and_the_download_goes_on_when_there_is_room(self) -> None:
        disk = DiskTestCase.small_disk(self, "12m")  # type: ignore[arg-type]
        seeder = self.slow_seeder(self.make_folder("source", {"big.bin": BIG}), 8 * MIB)
        self.wait_for_hashing(seeder)
        leecher = self.leecher(disk, self.room, space_again_s=0.2)
        list_now(leecher, "big.bin")
        self.start(leecher, "big.bin")
        self.wait_for_bytes(leecher, "big.bin", MIB)
        hog = disk / "hog"
        with contextlib.suppress(OSError), hog.open("wb", buffering=0) as file:
            for _ in range(200):
                file.write(bytes(1 << 16))
        waiting = wait_for_state(leecher, "big.bin", DownloadState.WAITING_FOR_SPACE)
        self.assertIn("is full", waiting.cause)
        leecher.log.clear()
        hog.unlink()
        self.wait_until_done(leecher, "big.bin")
        self.assertTrue((disk / "big.bin").read_bytes() == BIG)
