"""Small files out of a pack: each checked, none half under its name, nothing overwritten."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

from roles.disk import final_name, partial_file
from roles.disk.arriving_file import ArrivingFile
from roles.disk.leftovers import pack_stored
from roles.disk.open_folder import OpenFolder
from roles.disk.target_folder import TargetFolder
from roles.downloads import unpacking as unpacking_module
from roles.downloads.unpacking import Unpacking
from roles.downloads.wanted import WantedFile, WantedPack
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.errors import DiskFullError, StorageError
from roles.values.events import DownloadState, FileEnded
from roles.values.settings import Existing
from tests.disks import DiskTestCase, described, needs_a_small_disk, needs_posix, some_bytes
from tests.support import NEVER, STOPPED

MTIME = 1_234_567_890
CHUNK = MIN_CHUNK_SIZE
SIZE = CHUNK // 2  # of each file: two in each chunk
DATA = some_bytes(8 * SIZE)
CONTENT, DIGESTS = described(DATA)
DONE, SKIPPED, FAILED = DownloadState.DONE, DownloadState.SKIPPED, DownloadState.FAILED

# Unpacks what it is given and names each file that has its final name, until it is killed.
UNPACKER = """
import sys
from pathlib import Path
from tests.test_unpacking import described, NEVER, packed, pack_stored, some_bytes
from tests.test_unpacking import ArrivingFile, Existing, unpack
target = Path(sys.argv[1])
data, members = packed({f"d{n % 9}/n{n}": some_bytes(1000 + n, n) for n in range(1000)})
content, _ = described(data)
source = ArrivingFile(target, pack_stored(content), content)
source.write(0, memoryview(data))
for end in unpack(source, members, target, Existing.SKIP, NEVER):
    sys.stdout.write(end.name + "\\n")
    sys.stdout.flush()
"""


class SetAfter(threading.Event):
    """Is set once somebody has looked at it so many times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._left = looks

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0


def packed(files: dict[str, bytes]) -> tuple[bytes, list[WantedFile]]:
    """The bytes of a pack of these files, and its members."""
    members, offset = list[WantedFile](), 0
    for path, data in files.items():
        content, _ = described(data)
        members.append(WantedFile(path, tuple(path.split("/")), content, MTIME, offset=offset))
        offset += len(data)
    return b"".join(files.values()), members


def unpack(
    source: ArrivingFile,
    members: Sequence[WantedFile],
    target: Path,
    existing: Existing,
    stopping: threading.Event,
) -> Generator[FileEnded, None, None]:
    wanted = WantedPack(source.content, tuple(members))
    return Unpacking(wanted, source, TargetFolder(target, existing, stopping)).rest(
        source.content.all_chunks
    )


class UnpackingTestCase(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.folder / "target"
        self.files = {f"d{n % 3}/f{n % 7}/n{n}": some_bytes(10_000 + n, n) for n in range(100)}
        self.files = dict(sorted(self.files.items()))

    def arrived(self, data: bytes, target: Path | None = None) -> tuple[ArrivingFile, Content]:
        content, _ = described(data)
        source = ArrivingFile(target or self.target, pack_stored(content), content)
        self.addCleanup(source.close)
        source.write(0, memoryview(data))
        return source, content

    def unpacked(
        self,
        files: dict[str, bytes],
        existing: Existing = Existing.SKIP,
        members: Sequence[WantedFile] | None = None,
    ) -> dict[str, FileEnded]:
        data, listed = packed(files)
        source, _ = self.arrived(data)
        given = listed if members is None else members
        try:
            return self.by_name(unpack(source, given, self.target, existing, NEVER))
        finally:
            source.discard()

    def by_name(self, ended: Iterable[FileEnded]) -> dict[str, FileEnded]:
        told = list(ended)
        self.assertEqual(len({end.name for end in told}), len(told))
        return {end.name: end for end in told}

    def contents(self, target: Path | None = None) -> dict[str, bytes]:
        found = self.tree(target or self.target)
        return {path: data for path, data in found.items() if data is not None}


class UnpackTest(UnpackingTestCase):
    def test_every_file_gets_its_place_content_and_time(self) -> None:
        ended = self.unpacked(self.files)
        self.assertEqual(self.contents(), self.files)
        for path, end in ended.items():
            self.assertEqual((end.state, end.saved_as), (DONE, self.target / path))
            self.assertEqual(end.size, len(self.files[path]))
            self.assertEqual((self.target / path).stat().st_mtime, MTIME)
        self.assertEqual(set(ended), set(self.files))

    def test_a_few_are_synced_one_by_one(self) -> None:
        files = {"a": b"1", "b/c": b"22"}
        with mock.patch("os.sync", side_effect=AssertionError):
            self.unpacked(files)
        self.assertEqual(self.contents(), files)

    def test_many_are_synced_at_once_before_the_first_has_its_name(self) -> None:
        seen = list[set[str]]()
        with mock.patch("os.sync", side_effect=lambda: seen.append(set(self.contents()))):
            self.unpacked(self.files)
        self.assertTrue(seen)
        self.assertFalse(seen[0] & set(self.files))
        self.assertEqual(len(seen[0]), len(self.files) + 1)

    @needs_posix
    def test_the_executable_bit_is_set(self) -> None:
        _, (member,) = packed({"run": b"#!/bin/sh"})
        self.unpacked({"run": b"#!/bin/sh"}, members=[replace(member, is_executable=True)])
        mode = stat.S_IMODE((self.target / "run").stat().st_mode)
        self.assertEqual(mode & 0o111, (mode & 0o444) >> 2)

    def test_one_whose_root_does_not_fit_is_not_told_and_the_others_are_written(self) -> None:
        _, members = packed(self.files)
        liar = members[50]
        other, _ = described(b"?" * liar.content.size)
        members[50] = replace(liar, content=other)
        ended = self.unpacked(self.files, members=members)
        self.assertNotIn(liar.path, ended)
        del self.files[liar.path]
        self.assertEqual(self.contents(), self.files)

    def test_five_thousand_files_are_synced_all_at_once_and_their_names_too(self) -> None:
        base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else self.folder
        self.target = base / f"lmk-test-{os.getpid()}"
        self.addCleanup(shutil.rmtree, self.target, True)
        data = some_bytes(10_240)
        files = {f"d{n // 100}/n{n}": data for n in range(5_000)}
        whole, members = packed(files)
        source, _ = self.arrived(whole)
        with mock.patch("os.sync") as sync, mock.patch("os.fsync", wraps=os.fsync) as fsync:
            ended = list(unpack(source, members, self.target, Existing.SKIP, NEVER))
        self.assertEqual({end.state for end in ended}, {DONE})
        self.assertEqual((sync.call_count, fsync.call_count), (2, 0))


class ExistingTest(UnpackingTestCase):
    def setUp(self) -> None:
        super().setUp()
        (self.target / "d").mkdir(parents=True)
        self.same, self.mine = self.target / "d" / "same", self.target / "d" / "mine.txt"
        self.same.write_bytes(b"same")
        self.mine.write_bytes(b"mine")
        self.files = {"d/mine.txt": b"room", "d/same": b"same"}

    def names(self, existing: Existing) -> dict[str, tuple[DownloadState, str]]:
        ended = self.unpacked(self.files, existing)
        return {
            path: (end.state, end.saved_as.name if end.saved_as else "")
            for path, end in ended.items()
        }

    def test_the_same_content_is_kept_and_another_gets_a_number(self) -> None:
        inode = self.same.stat().st_ino
        self.assertEqual(
            self.names(Existing.SKIP),
            {"d/mine.txt": (DONE, "mine (2).txt"), "d/same": (SKIPPED, "same")},
        )
        self.assertEqual(self.same.stat().st_ino, inode)
        self.assertEqual(
            self.contents(), {"d/mine.txt": b"mine", "d/mine (2).txt": b"room", "d/same": b"same"}
        )

    def test_keeping_both_keeps_both(self) -> None:
        self.assertEqual(
            self.names(Existing.KEEP_BOTH),
            {"d/mine.txt": (DONE, "mine (2).txt"), "d/same": (DONE, "same (2)")},
        )
        self.assertEqual(self.mine.read_bytes(), b"mine")

    def test_replacing_replaces(self) -> None:
        self.assertEqual(
            self.names(Existing.REPLACE),
            {"d/mine.txt": (DONE, "mine.txt"), "d/same": (DONE, "same")},
        )
        self.assertEqual(self.contents(), {"d/mine.txt": b"room", "d/same": b"same"})

    def test_a_folder_of_that_name_is_kept(self) -> None:
        self.mine.unlink()
        self.mine.mkdir()
        for existing in Existing:
            self.assertIs(self.names(existing)["d/mine.txt"][0], DONE)
        self.assertTrue(self.mine.is_dir())

    @needs_posix
    def test_a_link_of_that_name_is_not_followed(self) -> None:
        outside = self.folder / "outside"
        outside.write_bytes(b"room")
        self.mine.unlink()
        self.mine.symlink_to(outside)
        self.assertEqual(self.names(Existing.SKIP)["d/mine.txt"], (DONE, "mine (2).txt"))
        self.assertEqual(self.names(Existing.REPLACE)["d/mine.txt"], (DONE, "mine.txt"))
        self.assertFalse(self.mine.is_symlink())
        self.assertEqual((outside.read_bytes(), outside.stat().st_nlink), (b"room", 1))

    @needs_posix
    def test_a_pipe_of_that_name_is_not_waited_for(self) -> None:
        self.mine.unlink()
        os.mkfifo(self.mine)
        self.assertEqual(self.names(Existing.SKIP)["d/mine.txt"], (DONE, "mine (2).txt"))


class DisturbedTest(UnpackingTestCase):
    def test_a_file_where_a_folder_must_be_fails_those_below_it_and_no_other(self) -> None:
        self.target.mkdir()
        (self.target / "d1").write_bytes(b"mine")
        ended = self.unpacked(self.files)
        for path, end in ended.items():
            self.assertIs(end.state, FAILED if path.startswith("d1/") else DONE)
            if end.failure is not None:
                self.assertRegex(str(end.failure), "d1 is a file, but must be a folder")
        self.assertEqual((self.target / "d1").read_bytes(), b"mine")

    @needs_posix
    def test_a_link_where_a_folder_must_be_leads_nobody_elsewhere(self) -> None:
        outside = self.folder / "outside"
        outside.mkdir()
        self.target.mkdir()
        (self.target / "d1").symlink_to(outside)
        ended = self.unpacked(self.files)
        self.assertEqual({end.state for end in ended.values()}, {DONE, FAILED})
        self.assertEqual(self.tree(outside), {})

    @needs_posix
    def test_what_lies_in_the_place_of_a_partial_file_is_not_written_through(self) -> None:
        victim = self.folder / "victim"
        victim.write_bytes(b"precious")
        files = {"a": b"one", "b": b"two", "c": b"three"}
        data, members = packed(files)
        source, content = self.arrived(data)
        (prefix,) = pack_stored(content)
        places = [self.target / f"{prefix}-{member.offset}.lmkpart" for member in members]
        places[0].symlink_to(victim)
        places[1].write_bytes(b"left by an earlier run")
        places[2].mkdir()
        ended = self.by_name(unpack(source, members, self.target, Existing.SKIP, NEVER))
        self.assertEqual([ended[name].state for name in "abc"], [DONE, DONE, FAILED])
        self.assertEqual(victim.read_bytes(), b"precious")
        self.assertEqual((self.target / "a").read_bytes(), b"one")
        self.assertFalse((self.target / "a").is_symlink())

    def test_when_told_to_stop_nothing_half_is_left(self) -> None:
        data, members = packed(self.files)
        source, _ = self.arrived(data)
        for after in (0, 1, 50, 99, 100, 101, 150):
            target = self.folder / f"stopped {after}"
            ended = self.by_name(unpack(source, members, target, Existing.SKIP, SetAfter(after)))
            expected = {path: data for path, data in self.files.items() if path in ended}
            self.assertEqual(self.contents(target) if target.exists() else {}, expected)
        self.assertEqual(len(ended), 49)  # one look before the sync
        nothing = unpack(source, members, self.target, Existing.SKIP, STOPPED)
        self.assertEqual(list(nothing), [])

    def test_a_process_killed_while_it_unpacked_leaves_whole_files_only(self) -> None:
        files = {f"d{n % 9}/n{n}": some_bytes(1000 + n, n) for n in range(1000)}
        data, members = packed(files)
        for count in (1, 300, 990):
            with self.subTest(count=count):
                target = self.folder / f"killed {count}"
                process = self.process(UNPACKER, str(target))
                told = {self.line_of(process).strip() for _ in range(count)}
                process.kill()
                process.wait()
                found = self.contents(target)
                named = {path for path in found if not path.endswith(".lmkpart")}
                self.assertLessEqual(told, named)
                self.assertTrue(all(found[path] == files[path] for path in named))
                source, _ = self.arrived(data, target)
                ended = self.by_name(unpack(source, members, target, Existing.SKIP, NEVER))
                states = {path: SKIPPED if path in named else DONE for path in files}
                self.assertEqual({path: end.state for path, end in ended.items()}, states)
                source.discard()
                self.assertEqual(self.contents(target), files)

    def test_whoever_stops_listening_leaves_nothing_half(self) -> None:
        data, members = packed(self.files)
        source, _ = self.arrived(data)
        target = self.folder / "other"
        telling = unpack(source, members, target, Existing.SKIP, NEVER)
        first = next(telling)
        telling.close()
        self.assertEqual(self.contents(target), {first.name: self.files[first.name]})

    @needs_a_small_disk
    def test_a_full_disk_is_told_after_what_found_room_and_the_rest_comes_later(self) -> None:
        disk = self.small_disk("2m")
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(1_500_000))
        data, members = packed(self.files)
        source, _ = self.arrived(data)
        told = list[FileEnded]()
        with self.assertRaisesRegex(DiskFullError, "is full. Free some space"):
            for end in unpack(source, members, disk, Existing.SKIP, NEVER):
                told.append(end)
        ballast.unlink()
        self.assertTrue(0 < len(told) < len(self.files))
        self.assertEqual(self.contents(disk), {file.name: self.files[file.name] for file in told})
        self.by_name(unpack(source, members, disk, Existing.SKIP, NEVER))
        self.assertEqual(self.contents(disk), self.files)

    @needs_a_small_disk
    def test_a_disk_that_may_not_be_written_fails_each_with_a_sentence(self) -> None:
        disk = self.small_disk()
        self.make_read_only(disk)
        data, members = packed({"a": b"1", "b/c": b"2"})
        source, _ = self.arrived(data)
        ended = list(unpack(source, members, disk, Existing.SKIP, NEVER))
        self.assertEqual([end.state for end in ended], [FAILED, FAILED])
        self.assertTrue(all("Read-only file system" in str(end.failure) for end in ended))

    def test_of_a_pack_that_was_closed_each_stays_wanted_so_that_it_is_fetched_alone(self) -> None:
        data, members = packed({"a": b"1"})
        source, _ = self.arrived(data)
        source.close()
        self.assertEqual(list(unpack(source, members, self.target, Existing.SKIP, NEVER)), [])

    @needs_posix
    def test_a_name_that_cannot_be_given_fails_that_one_and_leaves_nothing(self) -> None:
        (self.target / "d1").mkdir(parents=True)
        real = final_name.rename_without_overwriting

        def refuse(folder: OpenFolder, present: str, target: str) -> None:
            if target == "n1":
                raise PermissionError(13, "refused")
            real(folder, present, target)

        with mock.patch.object(final_name, "rename_without_overwriting", refuse):
            ended = self.unpacked(self.files)
        failed = [path for path, end in ended.items() if end.state is FAILED]
        self.assertEqual(failed, ["d1/f1/n1"])
        self.assertIsInstance(ended["d1/f1/n1"].failure, StorageError)
        del self.files["d1/f1/n1"]
        self.assertEqual(self.contents(), self.files)


class NoDescriptorsTest(UnpackingTestCase):
    @needs_posix
    def test_it_works_where_no_folder_can_be_held_open(self) -> None:
        with (
            mock.patch("roles.disk.open_folder.HAS_DESCRIPTORS", False),
            mock.patch.object(partial_file, "CLOSES_FIRST", True),
            mock.patch("roles.disk.positioned_file.HAS_POSITIONS", False),
        ):
            self.unpacked(self.files)
            self.assertEqual(self.contents(), self.files)
            self.assertEqual({end.state for end in self.unpacked(self.files).values()}, {SKIPPED})
            (self.folder / "outside").mkdir()
            (self.target / "link").symlink_to(self.folder / "outside")
            ended = self.unpacked({"link/x": b"1", "d1": b"2"})
            self.assertIs(ended["link/x"].state, FAILED)
            self.assertEqual(ended["d1"].saved_as, self.target / "d1 (2)")
        self.assertEqual(self.tree(self.folder / "outside"), {})


class WholePackTest(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stopping = threading.Event()
        self.files = [
            self.file(number, DATA[number * SIZE : (number + 1) * SIZE]) for number in range(8)
        ]
        self.source = ArrivingFile(self.folder, pack_stored(CONTENT), CONTENT)
        self.addCleanup(self.source.discard)
        self.source.write(0, memoryview(DATA))

    def file(self, number: int, data: bytes) -> WantedFile:
        name = f"f{number}"
        return WantedFile(name, (name,), described(data)[0], offset=number * SIZE)

    def unpacking(self, *files: WantedFile) -> Unpacking:
        wanted = WantedPack(CONTENT, files)
        return Unpacking(wanted, self.source, TargetFolder(self.folder, stopping=self.stopping))

    def rest(self, unpacking: Unpacking, had: int) -> list[str]:
        return [end.name for end in unpacking.rest(had)]

    def ahead(self, unpacking: Unpacking, had: int) -> list[FileEnded]:
        return list(unpacking.ahead(had))

    def test_each_file_is_told_once_when_all_of_it_is_here(self) -> None:
        unpacking = self.unpacking(*self.files)
        self.assertEqual(self.rest(unpacking, 0b0101), ["f0", "f1", "f4", "f5"])
        self.assertEqual(self.rest(unpacking, 0b0111), ["f2", "f3"])
        self.assertEqual([file.path for file in unpacking.wanted.files], ["f6", "f7"])
        self.assertEqual((self.folder / "f3").read_bytes(), DATA[3 * SIZE : 4 * SIZE])

    def test_little_is_not_unpacked_ahead(self) -> None:
        self.enterContext(mock.patch.object(unpacking_module, "UNPACK_AT", 2 * CHUNK))
        unpacking = self.unpacking(*self.files)
        self.assertEqual(self.ahead(unpacking, 0b0001), [])
        self.assertEqual(len(self.ahead(unpacking, 0b0011)), 4)
        self.assertEqual(self.ahead(unpacking, 0b0111), [])

    def test_a_slow_disk_is_asked_for_the_rest_at_the_end(self) -> None:
        self.enterContext(mock.patch.object(unpacking_module, "UNPACK_AT", CHUNK))
        self.enterContext(mock.patch.object(unpacking_module, "SLOW_S", -1.0))
        unpacking = self.unpacking(*self.files)
        self.assertEqual(len(self.ahead(unpacking, 0b0001)), 2)
        self.assertEqual(self.ahead(unpacking, 0b0111), [])
        self.assertEqual(len(self.rest(unpacking, 0b1111)), 6)

    def test_what_is_not_as_listed_is_not_told_and_stays_wanted(self) -> None:
        other = self.file(1, bytes(SIZE))
        unpacking = self.unpacking(self.files[0], other, self.files[2])
        self.assertEqual(self.rest(unpacking, 0b1111), ["f0", "f2"])
        self.assertEqual(unpacking.wanted.files, (other,))
        self.assertFalse((self.folder / "f1").exists())

    def test_when_it_is_stopped_everything_stays_wanted_and_is_unpacked_later(self) -> None:
        unpacking = self.unpacking(*self.files)
        self.stopping.set()
        self.assertEqual(self.rest(unpacking, 0b1111), [])
        self.stopping.clear()
        self.assertEqual(len(unpacking.wanted.files), 8)
        self.assertEqual(len(self.rest(unpacking, 0b1111)), 8)

    def test_only_all_of_its_files_can_be_uploaded_as_the_pack(self) -> None:
        unpacking = self.unpacking(*self.files)
        self.rest(unpacking, 0b0111)
        self.assertIsNone(unpacking.holding(DIGESTS))
        self.rest(unpacking, 0b1111)
        holding = unpacking.holding(DIGESTS)
        assert holding is not None
        self.assertEqual((holding.content, holding.digests()), (CONTENT, DIGESTS))
        self.assertEqual(
            [file.path for file in holding.members], [file.path for file in self.files]
        )

    def test_a_pack_of_which_not_all_files_were_wanted_is_not_uploaded(self) -> None:
        unpacking = self.unpacking(*self.files[1:])
        self.rest(unpacking, 0b1111)
        self.assertEqual(unpacking.wanted.files, ())
        self.assertIsNone(unpacking.holding(DIGESTS))
