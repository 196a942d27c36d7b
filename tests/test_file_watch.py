"""Another program writes to what arrives: it is noticed, and nothing wrong gets a final name."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from roles.disk import disk_calls, file_watch
from roles.disk.arriving_file import ArrivingFile
from roles.disk.file_watch import FileWatch
from roles.disk.partial_file import FinalFile, PartialFile
from roles.downloads import download
from roles.swarm.content_transfer import ContentTransfer
from roles.values.content import MIN_CHUNK_SIZE
from roles.values.errors import FileChangedError, FileTouchedError, LmkError, StorageError
from roles.values.events import DownloadState
from roles.values.settings import Existing
from tests.disks import DiskTestCase, described, needs_posix, some_bytes
from tests.last_steps import LocalDownload
from tests.support import NEVER

DATA = some_bytes(3 * MIN_CHUNK_SIZE + 1000)
Harm = Callable[[Path], object]


def write(path: Path, at: int = 5) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"theirs")


def write_and_hide(path: Path) -> None:
    """As tools do that keep the time of a file."""
    before = path.stat()
    write(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def write_in_memory(path: Path) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[5:11] = b"theirs"


def cut(path: Path) -> None:
    os.truncate(path, 300_000)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"theirs")


def replace(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.write_bytes(DATA)


HARM: tuple[Harm, ...] = (write, write_and_hide, write_in_memory, cut, append)


class FileWatchTest(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "a"
        self.path.write_bytes(DATA)
        self.descriptor = os.open(self.path, os.O_RDWR)
        self.addCleanup(os.close, self.descriptor)
        self.watch = FileWatch(self.descriptor)

    @needs_posix
    def test_own_writes_are_trusted(self) -> None:
        for offset in range(10):
            self.watch.look()
            os.pwrite(self.descriptor, b"ours", offset)
            self.watch.trust()
        self.watch.look()
        self.assertFalse(self.watch.is_touched)

    @needs_posix
    def test_every_way_to_change_a_file_is_noticed(self) -> None:
        for harm in HARM:
            with self.subTest(harm=harm.__name__):
                self.watch.begin()
                self.watch.look()
                self.assertFalse(self.watch.is_touched)
                harm(self.path)
                self.watch.look()
                self.assertTrue(self.watch.is_touched)

    @needs_posix
    def test_what_may_have_changed_is_checked_on_the_disk_and_not_in_memory(self) -> None:
        """After a sync that failed, memory may still have what the disk lost."""
        with mock.patch("roles.disk.disk_calls.drop_cached") as dropped:
            self.watch.begin()
            dropped.assert_not_called()
            self.watch.is_touched = True
            self.watch.begin()
            dropped.assert_called_once_with(self.descriptor)

    @needs_posix
    def test_a_write_within_one_tick_of_a_coarse_clock_is_noticed(self) -> None:
        """The times of a file stand still for 4 ms on older systems."""
        frozen = mock.patch.object(
            file_watch, "_state", lambda status: (status.st_mtime_ns // 10**10, 0, status.st_size)
        )
        with frozen:
            self.watch.trust()
            write(self.path)
            self.watch.look()
        self.assertTrue(self.watch.is_touched)

    def test_reading_is_no_harm(self) -> None:
        self.path.read_bytes()
        self.path.stat()
        self.watch.look()
        self.assertFalse(self.watch.is_touched)

    def test_network_drives_are_found_in_the_list_of_mounts(self) -> None:
        mounts = self.folder / "mountinfo"
        mounts.write_text(
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
            "90 22 0:52 / /home rw shared:9 - nfs4 server:/home rw,vers=4.2\n"
            "91 22 0:53 / /mnt/x\\040y rw - fuse.sshfs me@there: rw\n"
            "92 22 0:54 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw\n"
        )
        with mock.patch.object(file_watch, "_MOUNTS", mounts):
            for device, expected in (
                (os.makedev(8, 1), False),
                (os.makedev(0, 52), True),
                (os.makedev(0, 53), True),
                (os.makedev(0, 54), False),
                (os.makedev(0, 99), False),
            ):
                self.assertIs(file_watch._is_remote.__wrapped__(device), expected)


class ForeignWriterTest(DiskTestCase):
    """A whole download, in the midst of which another program does something."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(download, "TICK_S", 0.0))
        self.lesson = LocalDownload({"a": DATA}, {})
        self.part, self.final = self.folder / "a.lmkpart", self.folder / "a"

    def run_with(self, harm: Harm, after: int, times: int = 1) -> LmkError | None:
        """`harm` is done after so many chunks, as often as it is told to."""
        count, left = 0, times

        def came(_transfer: ContentTransfer, _index: int) -> None:
            nonlocal count, left
            count += 1
            if count >= after and left:
                left -= 1
                harm(self.part)

        self.lesson.came = came
        with self.assertNoLogs(level="ERROR"):
            return self.lesson.run(self.folder)

    def check_right(self) -> None:
        self.assert_tree(self.folder, {"a": DATA})
        self.assertEqual(self.lesson.changes[-1].state, DownloadState.DONE)

    @needs_posix
    def test_what_was_damaged_is_fetched_again(self) -> None:
        for harm in HARM:
            for after in (1, 2, 4):
                with self.subTest(harm=harm.__name__, after=after):
                    self.final.unlink(missing_ok=True)
                    self.assertIsNone(self.run_with(harm, after))
                    self.check_right()
                    self.assertLess(self.lesson.asked, 8, "what fits is kept")

    @needs_posix
    def test_a_file_of_one_chunk_is_no_exception(self) -> None:
        self.lesson = LocalDownload({"a": DATA[:1000]}, {})
        self.assertIsNone(self.run_with(write, 1))
        self.assertTrue(self.final.read_bytes() == DATA[:1000])

    @needs_posix
    def test_whoever_writes_again_and_again_gets_a_sentence_and_the_file_no_name(self) -> None:
        failure = self.run_with(write, 4, times=1_000)
        self.assertIsInstance(failure, StorageError)
        self.assertRegex(str(failure), "Another program keeps writing to .*a.lmkpart. Close it")
        self.assertFalse(self.final.exists())
        self.lesson.came = lambda _transfer, _index: None
        self.assertIsNone(self.lesson.run(self.folder))
        self.check_right()

    @needs_posix
    def test_a_write_between_the_last_look_and_the_name_is_noticed(self) -> None:
        for name in ("link", "unlink", "sync"):
            for harm in (write, append, cut):
                with self.subTest(name=name, harm=harm.__name__):
                    self.final.unlink(missing_ok=True)
                    real, left = getattr(disk_calls, name), [1]

                    def call(
                        *arguments: object,
                        real: Callable[..., None] = real,
                        left: list[int] = left,
                        harm: Harm = harm,
                        **options: object,
                    ) -> None:
                        if left[0]:
                            left[0] -= 1
                            harm(self.part)
                        real(*arguments, **options)

                    with mock.patch.object(disk_calls, name, call):
                        self.assertIsNone(self.run_with(go_nowhere, 1))
                    self.check_right()

    @needs_posix
    def test_what_was_put_in_its_place_stays_and_is_never_called_ours(self) -> None:
        failure = self.run_with(replace, 2)
        self.assertRegex(str(failure), "Another program replaced or removed")
        self.assertTrue(self.part.read_bytes() == DATA)
        self.assertFalse(self.final.exists())

    @needs_posix
    def test_a_partial_file_that_was_removed_is_missed_at_the_next_chunk(self) -> None:
        failure = self.run_with(Path.unlink, 1)
        self.assertRegex(str(failure), "Another program replaced or removed")
        self.assertEqual(self.lesson.asked, 1)
        self.assertEqual(self.tree(self.folder), {})

    @needs_posix
    def test_rights_and_links_that_others_change_cost_a_look_and_nothing_else(self) -> None:
        self.assertIsNone(self.run_with(lambda path: path.chmod(0o600), 2))
        self.check_right()
        self.assertEqual(self.lesson.asked, 4)

    @needs_posix
    def test_on_a_network_drive_all_is_read_again_instead(self) -> None:
        with mock.patch.object(file_watch, "_is_remote", lambda _device: True):
            self.assertIsNone(self.run_with(write, 4))
        self.check_right()
        self.assertEqual(self.lesson.asked, 5)

    @needs_posix
    def test_a_member_of_a_pack_that_was_written_to_is_fetched_alone(self) -> None:
        files = {f"d/{number}": some_bytes(1_000 + number, number) for number in range(30)}
        lesson = LocalDownload(files, {}, [[*files]])
        harmed = list[str]()

        def sync_all() -> None:
            for path in sorted((self.folder / "d").glob(".lmk-*"))[:3]:
                harmed.append(path.name)
                write(path)

        with mock.patch.object(disk_calls, "sync_all", sync_all):
            self.assertIsNone(lesson.run(self.folder))
        self.assertEqual(len(harmed), 3)
        folders = {path: None for path, data in self.tree(self.folder).items() if data is None}
        self.assert_tree(self.folder, {**files, **folders})
        self.assertEqual({file.state for file in lesson.ended}, {DownloadState.DONE})

    def test_it_has_the_time_of_its_share_or_of_now_and_never_that_of_the_watch(self) -> None:
        for mtime in (1_400_000_000, 0, -5, None):
            LocalDownload({"a": DATA}, {}, mtime=mtime).run(self.folder)
            time = self.final.stat().st_mtime_ns
            self.assertNotEqual(time, file_watch.ARRIVING_NS)
            if mtime is not None:
                self.assertEqual(time, mtime * 10**9)
            self.final.unlink()


class GivingOnTest(DiskTestCase):
    @needs_posix
    def test_what_another_program_wrote_to_is_not_given_on_until_it_was_checked(self) -> None:
        content, digests = described(DATA)
        file = ArrivingFile(self.folder, ("a",), content)
        self.addCleanup(file.close)
        file.write(0, memoryview(DATA)[:MIN_CHUNK_SIZE])
        source = file.open_source()
        self.addCleanup(source.close)
        source.check()
        write(file.path)
        file.write(MIN_CHUNK_SIZE, memoryview(DATA)[MIN_CHUNK_SIZE : 2 * MIN_CHUNK_SIZE])
        with self.assertRaises(FileChangedError):
            source.check()
        self.assertEqual(file.recheck(digests, NEVER), 0b10)
        source.check()


class Lmk1Test(DiskTestCase):
    """LMK/1 names no content: nobody could say what must be there."""

    @needs_posix
    def test_it_is_refused(self) -> None:
        for harm in (write, append, write_and_hide):
            with self.subTest(harm=harm.__name__):
                partial = PartialFile(self.folder, ("a",), can_be_checked=False)
                self.addCleanup(partial.close)
                partial.write(0, memoryview(b"something long"))
                harm(partial.path)
                with self.assertRaisesRegex(FileTouchedError, "wrote to .* Close it and download"):
                    partial.finish(FinalFile(Existing.SKIP), NEVER)
                partial.discard()
        self.assertEqual(self.tree(self.folder), {})

    @needs_posix
    def test_on_a_network_drive_it_cannot_be_known(self) -> None:
        with mock.patch.object(file_watch, "_is_remote", lambda _device: True):
            partial = PartialFile(self.folder, ("a",), can_be_checked=False)
            partial.write(0, memoryview(b"something"))
            self.assertIsNotNone(partial.finish(FinalFile(Existing.SKIP), NEVER))
        self.assertEqual(self.tree(self.folder), {"a": b"something"})


def go_nowhere(_path: Path) -> None:
    """No harm at all."""
