"""A seeder's folder, offered by content."""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
import unittest
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from roles.disk.holding import ChunkSource, Holding
from roles.sharing import folder_library, written_files
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.folder_tree import scan_tree
from roles.sharing.hashing import Reading
from roles.sharing.holdings import PackHolding
from roles.sharing.pack_plan import is_packed
from roles.values.content import MIN_CHUNK_SIZE, Content, content_of
from roles.values.errors import FileChangedError, ShortageError
from roles.values.events import HashingChanged, Skipped, SkipReason
from roles.values.list_lines import (
    FileLine,
    FolderLine,
    PackLine,
    ReadingLine,
    TorrentLine,
    decode_line,
    encode_line,
    sort_key,
)
from roles.values.settings import LOOK_S
from roles.worker import run_guarded
from tests.connections import over
from tests.support import NEVER, PROMPT_S, STOPPED, EventLog, LmkTestCase, wait_until
from tests.test_hashing import chunk_digests

IS_POSIX = os.name == "posix"
LONG_AGO_S = 1_000_000_000


def content_of_bytes(data: bytes) -> Content:
    return content_of(len(data), chunk_digests(data))


class LibraryTestCase(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shared = self.folder / "shared"
        self.shared.mkdir()
        self.cache_file = self.folder / "state" / "digests"
        self.log = EventLog()

    def file(self, path: str, content: bytes = b"content", *, mtime_s: float = LONG_AGO_S) -> Path:
        target = self.shared / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, (mtime_s, mtime_s))
        return target

    def never_settled(self) -> ExitStack:
        """What is written now counts as just written until this is closed, however slow we are."""
        long_ns = 10**9 * 3_600
        patches = self.enterContext(ExitStack())
        patches.enter_context(mock.patch.object(written_files, "SETTLED_NS", long_ns))
        return patches

    def started(self, look_s: float = LOOK_S) -> FolderLibrary:
        """A library at work until the test ends, or until stopped()."""
        self.log.clear()
        self.stopping = stopping = threading.Event()
        library = FolderLibrary(self.shared, self.cache_file, self.log, stopping, look_s)
        failures = list[object]()
        self.thread = threading.Thread(
            target=lambda: failures.append(run_guarded(library.run)), name="lmk-hasher"
        )
        self.thread.start()
        self.addCleanup(self.assertEqual, failures, [None])
        self.addCleanup(self.thread.join, PROMPT_S)
        self.addCleanup(library.wake)
        self.addCleanup(stopping.set)
        self.library = library
        return library

    def stop(self) -> None:
        self.stopping.set()
        self.library.wake()
        self.thread.join(PROMPT_S)
        self.assertFalse(self.thread.is_alive())

    def ready(self, look_s: float = LOOK_S) -> FolderLibrary:
        """A library that has read all."""
        library = self.started(look_s)
        self.log.wait_for(HashingChanged, where=lambda event: event.hashed == event.size)
        return library

    def lines(self, library: FolderLibrary) -> dict[str, FileLine]:
        decoded = [decode_line(text) for text in library.snapshot.lines]
        return {line.path: line for line in decoded if isinstance(line, FileLine)}

    def packs(self, library: FolderLibrary) -> list[PackLine]:
        decoded = [decode_line(text) for text in library.snapshot.lines]
        return [line for line in decoded if isinstance(line, PackLine)]

    def root(self, library: FolderLibrary, path: str) -> bytes:
        content = self.lines(library)[path].content
        assert content is not None
        return content.root

    def holding(self, library: FolderLibrary, path: str) -> Holding:
        holding = library.find(self.root(library, path))
        assert holding is not None
        return holding

    def after_look(self, library: FolderLibrary, condition: Callable[[], bool]) -> None:
        library.wake()
        wait_until(condition)

    def sent(self, source: ChunkSource, offset: int, length: int) -> bytes:
        """What arrives when these bytes are sent over a small connection."""
        left, right = socket.socketpair()
        connection = over(left)
        received = bytearray()

        def receive() -> None:
            while data := right.recv(10_000):
                received.extend(data)

        with left, right:
            connection.limit(5)
            left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
            receiver = threading.Thread(target=receive)
            receiver.start()
            try:
                end = offset + length
                while offset < end:
                    offset += source.send(connection, offset, end - offset)
            finally:
                left.shutdown(socket.SHUT_RDWR)
                receiver.join()
        return bytes(received)


class MoreLinesTest(LibraryTestCase):
    LINE = encode_line(TorrentLine(b"t" * 20))

    def test_what_is_told_of_the_share_itself_stands_on_its_list(self) -> None:
        self.file("a")
        library = self.ready()
        before = library.snapshot
        library.add_line(self.LINE)
        library.add_line(self.LINE)
        self.assertEqual(set(library.snapshot.lines), {*before.lines, self.LINE})
        self.assertEqual(library.snapshot.revision, before.revision + 1)
        library.remove_line(self.LINE)
        self.assertEqual(library.snapshot.lines, before.lines)

    def test_a_folder_that_was_not_read_yet_is_not_said_to_be_whole(self) -> None:
        library = FolderLibrary(self.shared, None, self.log, STOPPED)
        library.add_line(self.LINE)
        self.assertEqual((library.snapshot.is_whole, library.snapshot.revision), (False, 0))
        self.assertEqual(library.files(), {})

    def test_all_files_are_given_out_once_all_are_hashed(self) -> None:
        self.file("a/b")
        library = self.ready()
        self.assertEqual(library.files()["a/b"].content.root, self.root(library, "a/b"))


class OfferTest(LibraryTestCase):
    def test_an_empty_folder_offers_nothing_and_says_that_all_is_read(self) -> None:
        library = self.ready()
        self.assertEqual(library.snapshot.lines, ())
        self.assertEqual(self.log.of(HashingChanged), [HashingChanged(0, 0, 0)])
        self.assertEqual(library.name, "shared")

    def test_every_file_folder_and_pack_has_its_line(self) -> None:
        contents = {
            "b/large": random.Random(1).randbytes(MIN_CHUNK_SIZE * 3 + 1),
            "a": b"small",
            "b/c/é": b"other",
            "b/none": b"",
        }
        for path, content in contents.items():
            self.file(path, content)
        (self.shared / "hollow").mkdir()
        library = self.ready()
        snapshot = library.snapshot
        self.assertEqual(list(snapshot.lines), sorted(snapshot.lines))
        self.assertEqual((snapshot.file_count, snapshot.problem, snapshot.skipped), (4, "", ()))
        self.assertEqual(snapshot.size, sum(map(len, contents.values())))
        lines = self.lines(library)
        self.assertEqual(lines.keys(), contents.keys())
        for path, content in contents.items():
            line = lines[path]
            self.assertEqual(line.content, content_of_bytes(content))
            self.assertEqual((line.size, line.mtime), (len(content), LONG_AGO_S))
        folders = [decode_line(text) for text in snapshot.lines if text.startswith('["d"')]
        paths = {line.path for line in folders if isinstance(line, FolderLine)}
        self.assertEqual(paths, {"b", "b/c", "hollow"})
        (pack,) = self.packs(library)
        self.assertEqual((pack.first, pack.count), ("a", 2))
        self.assertEqual(pack.content, content_of_bytes(b"smallother"))

    def test_everything_offered_is_found_and_sent_as_it_is(self) -> None:
        contents = {
            "large": random.Random(2).randbytes(MIN_CHUNK_SIZE * 3 + 77),
            "dir/a": random.Random(3).randbytes(10_000),
            "dir/b": random.Random(4).randbytes(MIN_CHUNK_SIZE - 1),
            "dir/c": random.Random(5).randbytes(100_000),
        }
        for path, content in contents.items():
            self.file(path, content)
        library = self.ready()
        small = sorted((path for path in contents if path != "large"), key=sort_key)
        (pack,) = self.packs(library)
        expected = {self.root(library, path): contents[path] for path in contents}
        expected[pack.content.root] = b"".join(contents[path] for path in small)
        for root, content in expected.items():
            holding = library.find(root)
            assert holding is not None
            self.assertEqual(holding.content, content_of_bytes(content))
            self.assertEqual(holding.digests(), chunk_digests(content))
            self.assertEqual(holding.have(), holding.content.all_chunks)
            self.assertTrue(holding.title)
            source = holding.open()
            self.assertEqual(self.sent(source, 0, len(content)), content)
            middle = len(content) // 3
            self.assertEqual(self.sent(source, middle, 1_000), content[middle : middle + 1_000])
            source.check()
            source.close()
        self.assertIsNone(library.find(b"?" * 32))

    def test_an_empty_file_is_a_content_of_no_chunks(self) -> None:
        self.file("none", b"")
        holding = self.holding(self.ready(), "none")
        self.assertEqual((holding.content.count, holding.digests(), holding.have()), (0, b"", 0))

    def test_many_files_in_several_packs_are_all_offered(self) -> None:
        for number in range(500):
            self.file(f"{number % 7}/{number}", random.Random(number).randbytes(200_000))
        library = self.ready()
        packs = self.packs(library)
        self.assertGreater(len(packs), 1)
        paths = sorted(self.lines(library), key=sort_key)
        for pack in packs:
            first = paths.index(pack.first)
            members = paths[first : first + pack.count]
            joined = b"".join((self.shared / path).read_bytes() for path in members)
            self.assertEqual(pack.content, content_of_bytes(joined))

    @unittest.skipUnless(sys.platform == "linux", "names that are not UTF-8")
    def test_a_name_that_is_not_utf_8_is_told_and_the_rest_offered(self) -> None:
        self.file("good")
        Path(os.fsdecode(os.fsencode(self.shared) + b"/\xff")).touch()
        library = self.ready()
        self.assertEqual(list(self.lines(library)), ["good"])
        self.assertEqual(library.snapshot.skipped, (Skipped(SkipReason.NAME, ("\\udcff",)),))

    def test_a_file_that_cannot_be_read_is_told_and_logged_once(self) -> None:
        self.file("good")
        self.file("secret", b"no")
        real = os.open

        def refuse(path: Any, *arguments: Any, **options: Any) -> int:
            if str(path) == "secret":  # root may read everything, so no mode would do
                raise PermissionError(13, "Permission denied")
            return real(path, *arguments, **options)

        with (
            mock.patch("os.open", refuse),
            self.assertLogs("roles.sharing.folder_library", "INFO") as logs,
        ):
            library = self.ready()
            self.after_look(library, lambda: bool(library.snapshot.skipped))
            library._log_skipped(library.snapshot.skipped)
        unreadable = Skipped(SkipReason.UNREADABLE, ("secret",))
        self.assertEqual(library.snapshot.skipped, (unreadable,))
        self.assertEqual(library.snapshot.file_count, 1)
        told = [line for line in logs.output if "secret" in line]
        self.assertEqual(len(told), 1, logs.output)

    def test_a_link_that_takes_nothing_is_a_timeout(self) -> None:
        self.file("large", bytes(8 << 20))
        self.file("a", bytes(200_000))
        self.file("b", bytes(200_000))
        library = self.ready()
        for root in (self.root(library, "large"), self.packs(library)[0].content.root):
            holding = library.find(root)
            assert holding is not None
            source = holding.open()
            left, right = socket.socketpair()
            with over(left) as connection, right:
                connection.limit(0.05)
                while source.send(connection, 0, 200_000):
                    pass
            source.close()


class RestartTest(LibraryTestCase):
    def opened(self, work: Callable[[], object]) -> list[str]:
        """The names of the shared files that `work` opens."""
        with mock.patch("os.open", wraps=os.open) as opens:
            work()
        names = {path.name for path in self.shared.rglob("*") if path.is_file()}
        return [call.args[0] for call in opens.call_args_list if call.args[0] in names]

    def test_a_restart_reads_nothing_and_offers_the_same(self) -> None:
        for number in range(20):
            self.file(f"dir/{number}", bytes([number]) * 1_000)
        self.file("large", bytes(1_000_000))
        before = self.ready()
        self.stop()
        self.assertEqual(len(self.opened(self.ready)), 0)
        self.assertEqual(self.log.of(HashingChanged), [HashingChanged(0, 0, 0)])
        after = self.ready()
        self.assertEqual(after.snapshot.lines, before.snapshot.lines)
        self.assertEqual(after.share_id, before.share_id)

    def test_a_disk_that_syncs_slowly_keeps_no_file_from_being_offered(self) -> None:
        self.file("a")
        with mock.patch("os.fsync", side_effect=AssertionError("waits for the disk")):
            library = self.ready()
            self.stop()
        self.assertEqual(set(self.lines(library)), {"a"})

    def test_a_restart_reads_only_what_changed(self) -> None:
        self.file("same", bytes(1_000_000))
        self.file("changed", bytes(1_000_000))
        self.ready()
        self.stop()
        self.file("changed", bytes(1_000_001))
        self.assertEqual(set(self.opened(self.ready)), {"changed"})

    def test_a_file_written_just_now_is_read_again_after_a_restart(self) -> None:
        self.never_settled()
        self.file("fresh", b"1234567", mtime_s=time.time())
        before = self.ready()
        root = self.root(before, "fresh")
        self.stop()
        status = (self.shared / "fresh").stat()
        (self.shared / "fresh").write_bytes(b"7654321")  # within one tick of a coarse clock
        os.utime(self.shared / "fresh", ns=(status.st_mtime_ns, status.st_mtime_ns))
        self.assertNotEqual(self.root(self.ready(), "fresh"), root)

    def test_a_file_written_just_now_is_read_once_more_when_its_time_can_be_trusted(self) -> None:
        settling = self.never_settled()
        self.file("fresh", b"1234567", mtime_s=time.time())
        library = self.ready()
        root = self.root(library, "fresh")
        status = (self.shared / "fresh").stat()
        (self.shared / "fresh").write_bytes(b"7654321")
        os.utime(self.shared / "fresh", ns=(status.st_mtime_ns, status.st_mtime_ns))
        settling.close()
        wait_until(lambda: self.root(library, "fresh") != root)
        self.assertIsNone(library.find(root))

    def test_a_large_file_that_is_written_is_waited_for_a_while_and_then_said_to_be_left_out(
        self,
    ) -> None:
        self.enterContext(mock.patch.object(written_files, "_LARGE", 1_000))
        self.enterContext(mock.patch.object(written_files, "WRITTEN_S", 3_600.0))
        self.never_settled()
        self.file("small")
        large = self.file("large", bytes(3 * MIN_CHUNK_SIZE), mtime_s=time.time())
        library = self.ready(look_s=0.01)
        self.assertEqual([*self.lines(library)], ["small"])
        self.assertFalse(library.snapshot.is_whole)
        with mock.patch.object(written_files, "WRITTEN_S", -1.0):
            wait_until(lambda: library.snapshot.is_whole)
            written = Skipped(SkipReason.WRITTEN, ("large",))
            self.assertEqual(library.snapshot.skipped, (written,))
        os.utime(large, (LONG_AGO_S, LONG_AGO_S))
        wait_until(lambda: library.snapshot.is_whole and not library.snapshot.skipped)
        self.assertEqual([*self.lines(library)], ["large", "small"])

    def test_a_damaged_cache_is_read_around(self) -> None:
        self.file("a", bytes(300_000))
        self.file("b", bytes(400_000))
        before = self.ready().snapshot.lines
        self.stop()
        whole = self.cache_file.read_bytes()
        for index in (3, len(whole) // 2, len(whole) - 20):
            self.cache_file.write_bytes(whole[:index] + b"#" + whole[index + 1 :])
            self.assertEqual(self.ready().snapshot.lines, before)
            self.stop()


class ChangeTest(LibraryTestCase):
    def test_a_new_file_is_offered_and_a_removed_one_is_not(self) -> None:
        gone = self.file("gone")
        library = self.ready()
        root = self.root(library, "gone")
        revision = library.snapshot.revision
        self.file("sub/new", b"something new")
        gone.unlink()
        library.changed.clear()
        self.after_look(library, lambda: list(self.lines(library)) == ["sub/new"])
        self.assertIsNone(library.find(root))
        self.assertTrue(library.changed.is_set())
        self.assertGreater(library.snapshot.revision, revision)

    def test_a_file_that_is_empty_for_a_moment_is_not_offered_as_an_empty_one(self) -> None:
        path = self.file("saved", b"before")
        library = self.ready()
        before = self.root(library, "saved")
        self.never_settled()
        self.file("saved", b"", mtime_s=time.time())
        self.after_look(library, lambda: "saved" not in self.lines(library))
        self.assertIsNone(library.find(before))
        self.assertIn(encode_line(ReadingLine(1)), library.snapshot.lines)
        path.write_bytes(b"after")
        self.after_look(library, lambda: "saved" in self.lines(library))
        self.assertEqual(self.lines(library)["saved"].content, content_of_bytes(b"after"))

    def test_a_file_that_stays_empty_is_offered_once_nobody_may_be_saving_it(self) -> None:
        settling = self.never_settled()
        path = self.file("none", b"", mtime_s=time.time())
        library = self.ready()
        self.assertNotIn("none", self.lines(library))
        settling.close()
        wait_until(lambda: "none" in self.lines(library))
        later = time.time() + 1
        os.utime(path, (later, later))
        self.after_look(
            library, lambda: [x.mtime for x in self.lines(library).values()] == [int(later)]
        )

    def test_changes_are_found_without_being_asked_to_look(self) -> None:
        library = self.ready()
        self.file("new")
        wait_until(lambda: "new" in self.lines(library))

    def test_a_touched_file_has_its_new_time_and_the_same_root(self) -> None:
        path = self.file("a")
        library = self.ready()
        root = self.root(library, "a")
        os.utime(path, (5, 5))
        self.after_look(library, lambda: {x.mtime for x in self.lines(library).values()} == {5})
        self.assertEqual(self.root(library, "a"), root)
        self.holding(library, "a").open().close()

    def test_a_renamed_file_is_offered_under_its_new_name(self) -> None:
        path = self.file("a")
        library = self.ready()
        root = self.root(library, "a")
        path.rename(self.shared / "b")
        self.after_look(library, lambda: list(self.lines(library)) == ["b"])
        self.assertEqual(self.root(library, "b"), root)
        self.holding(library, "b").open().close()

    @unittest.skipUnless(IS_POSIX, "the executable bit")
    def test_an_executable_bit_is_told_without_reading_the_file(self) -> None:
        path = self.file("tool")
        library = self.ready()
        self.log.clear()
        path.chmod(0o755)
        self.after_look(library, lambda: self.lines(library)["tool"].is_executable)
        self.assertEqual(self.log.events, [])

    @unittest.skipUnless(IS_POSIX, "links and pipes")
    def test_a_file_that_became_something_else_is_refused_and_leaves(self) -> None:
        for name in ("link", "pipe", "folder", "parent/below"):
            self.file(name, name.encode())
        library = self.ready()
        holdings = [self.holding(library, name) for name in self.lines(library)]
        for name in ("link", "pipe", "folder"):
            (self.shared / name).unlink()
        (self.folder / "secret").write_bytes(b"link")
        (self.shared / "link").symlink_to(self.folder / "secret")
        os.mkfifo(self.shared / "pipe")
        (self.shared / "folder").mkdir()
        (self.shared / "parent").rename(self.folder / "elsewhere")
        (self.shared / "parent").symlink_to(self.folder / "elsewhere")
        for holding in holdings:
            with self.assertRaises(FileChangedError):
                holding.open()
        self.after_look(library, lambda: not self.lines(library))

    def test_a_file_that_is_rewritten_while_it_is_sent_is_noticed(self) -> None:
        path = self.file("large", bytes(1_000_000))
        library = self.ready()
        source = self.holding(library, "large").open()
        self.addCleanup(source.close)
        self.sent(source, 0, 1_000)
        source.check()
        path.write_bytes(bytes(999_999))
        with self.assertRaises(FileChangedError):
            source.check()
        with self.assertRaises(FileChangedError):
            self.sent(source, 999_999, 1)

    def test_a_member_that_changes_or_goes_while_its_pack_is_sent_is_noticed(self) -> None:
        for name in ("a", "b", "c"):
            self.file(name, name.encode() * 200_000)
        library = self.ready()
        (pack,) = self.packs(library)
        holding = library.find(pack.content.root)
        assert isinstance(holding, PackHolding)
        source = holding.open()
        self.assertEqual(self.sent(source, 0, 100_000), b"a" * 100_000)
        source.check()
        (self.shared / "c").unlink()
        with self.assertRaises(FileChangedError):
            self.sent(source, 400_000, 200_000)
        self.file("a", b"A" * 200_000, mtime_s=LONG_AGO_S + 1)
        with self.assertRaises(FileChangedError):
            source.check()
        with self.assertRaises(FileChangedError):
            holding.open()

    def test_a_withdrawn_file_leaves_at_once_and_comes_back_when_it_was_read(self) -> None:
        path = self.file("a", b"before!")
        self.file("b", b"stays")
        library = self.ready()
        root, pack = self.root(library, "a"), self.packs(library)[0].content.root
        status = path.stat()
        path.write_bytes(b"after!!")  # as if the disk had changed it: nothing in its status tells
        os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
        library.withdraw(root)
        for gone in (root, pack):
            self.assertIsNone(library.find(gone))
        wait_until(lambda: len(self.packs(library)) == 1)
        self.assertEqual(self.lines(library)["a"].content, content_of_bytes(b"after!!"))
        self.assertEqual(self.packs(library)[0].content, content_of_bytes(b"after!!stays"))
        self.assertIsNone(library.find(root))

    def test_a_withdrawn_pack_leaves_alone_and_comes_back_when_it_was_read(self) -> None:
        for name in ("a", "b"):
            self.file(name, name.encode())
        library = self.ready()
        root = self.packs(library)[0].content.root
        revision = library.snapshot.revision
        library.withdraw(root)
        wait_until(lambda: library.snapshot.revision > revision + 1)
        self.assertIsNotNone(library.find(root))
        self.assertEqual(len(self.lines(library)), 2)

    def test_withdrawing_what_is_not_there_changes_nothing(self) -> None:
        self.file("a")
        library = self.ready()
        before = library.snapshot
        library.withdraw(b"?" * 32)
        self.assertEqual(library.snapshot, before)

    def test_a_file_that_cannot_be_read_spoils_no_pack(self) -> None:
        for name in ("a", "b", "c"):
            self.file(name, name.encode())
        real = os.open

        def refuse(path: str, flags: int, *args: int, dir_fd: int | None = None) -> int:
            if path == "b":  # root may read everything, so no mode would do
                raise PermissionError(13, "Permission denied")
            return real(path, flags, *args, dir_fd=dir_fd)

        with mock.patch("os.open", refuse):
            library = self.ready()
            self.after_look(library, lambda: len(self.packs(library)) == 1)
            self.assertEqual(set(self.lines(library)), {"a", "c"})
        self.after_look(library, lambda: set(self.lines(library)) == {"a", "b", "c"})
        for pack in self.packs(library):  # never the pack of two, which has another file second
            self.assertEqual(pack.content, content_of_bytes(b"abc"))
        self.after_look(library, lambda: [pack.count for pack in self.packs(library)] == [3])

    def test_a_folder_that_vanishes_is_a_sentence_and_it_may_come_back(self) -> None:
        self.file("a")
        library = self.ready()
        with self.assertLogs("roles.sharing.folder_library", "WARNING"):
            self.shared.rename(self.folder / "away")
            self.after_look(library, lambda: library.snapshot.lines == ())
        self.assertIn("Choose another", library.snapshot.problem)
        (self.folder / "away").rename(self.shared)
        self.after_look(library, lambda: list(self.lines(library)) == ["a"])
        self.assertEqual(library.snapshot.problem, "")


class HonestyTest(LibraryTestCase):
    def test_no_pack_and_no_file_is_ever_offered_with_another_content(self) -> None:
        """Files are rewritten all the time; what is sent in between is whole or refused."""
        source = random.Random(9)
        for number in range(12):
            self.file(f"{number:02}", source.randbytes(50_000))
        library = self.ready()
        served = refused = 0
        while served < 400 or not refused:
            name = f"{source.randrange(12):02}"
            changed = source.randrange(LONG_AGO_S)
            self.file(name, source.randbytes(source.randrange(1, 50_000)), mtime_s=changed)
            library.wake()
            for text in library.snapshot.lines:
                line = decode_line(text)
                if isinstance(line, ReadingLine):
                    continue
                assert isinstance(line, FileLine | PackLine) and line.content is not None
                holding = library.find(line.content.root)
                try:
                    if holding is None:
                        continue
                    opened = holding.open()
                    try:
                        sent = self.sent(opened, 0, line.content.size)
                        opened.check()
                    finally:
                        opened.close()
                except FileChangedError:
                    refused += 1
                    continue
                served += 1
                self.assertEqual(content_of_bytes(sent), line.content)

    def test_every_pack_of_a_snapshot_can_be_cut_out_of_its_files(self) -> None:
        """As a reader does it: `count` of the small files from `first` on."""
        source = random.Random(5)
        written = dict[bytes, bytes]()  # every version of every file, by its root

        def write(number: int) -> None:
            content = source.randbytes(source.randrange(1, 3_000))
            written[content_of_bytes(content).root] = content
            mtime_s = source.randrange(LONG_AGO_S)
            self.file(f"{number:02}", content, mtime_s=mtime_s)

        for number in range(30):
            write(number)
        library = self.ready()
        checked = set[bytes]()
        while len(checked) < 10:
            if library.changed.wait(0.02):
                library.changed.clear()
            if source.randrange(3) == 0:
                number = source.randrange(40)
                if number < 30:
                    write(number)
                else:
                    (self.shared / f"{number - 30:02}").unlink(missing_ok=True)
                library.wake()
            lines = [decode_line(text) for text in library.snapshot.lines]
            files = [line for line in lines if isinstance(line, FileLine) and is_packed(line.size)]
            files.sort(key=lambda file: sort_key(file.path))
            for pack in lines:
                if isinstance(pack, PackLine) and pack.content.root not in checked:
                    first = [file.path for file in files].index(pack.first)
                    members = files[first : first + pack.count]
                    joined = b"".join(
                        written[member.content.root] for member in members if member.content
                    )
                    self.assertEqual(pack.content, content_of_bytes(joined))
                    checked.add(pack.content.root)

    def test_a_large_file_is_left_alone_while_it_may_still_be_written(self) -> None:
        (self.shared / "large").touch()
        os.truncate(self.shared / "large", 256 << 20)
        settling = self.never_settled()
        library = self.ready()
        self.assertEqual(self.log.events[-1], HashingChanged(0, 0, 0))
        settling.close()
        wait_until(lambda: "large" in self.lines(library))

    def test_how_many_files_are_left_to_read_is_a_line(self) -> None:
        def left() -> list[ReadingLine]:
            decoded = [decode_line(text) for text in library.snapshot.lines]
            return [line for line in decoded if isinstance(line, ReadingLine)]

        self.file("huge", b"")
        os.truncate(self.shared / "huge", 1 << 40)
        os.utime(self.shared / "huge", (1, 1))
        self.file("small")
        library = self.started()
        wait_until(lambda: "small" in self.lines(library))
        self.assertEqual(left(), [ReadingLine(1)])
        self.assertEqual(list(library.snapshot.lines), sorted(library.snapshot.lines))
        library.withdraw(self.root(library, "small"))
        self.assertEqual(left(), [ReadingLine(2)])
        (self.shared / "huge").unlink()
        self.after_look(library, lambda: left() == [])
        self.assertEqual(list(self.lines(library)), ["small"])

    def test_it_stops_soon_while_it_hashes(self) -> None:
        self.file("huge", b"")
        os.truncate(self.shared / "huge", 1 << 40)
        os.utime(self.shared / "huge", (1, 1))
        self.file("small")
        library = self.started()
        self.log.wait_for(HashingChanged, where=lambda event: event.hashed > 0)
        wait_until(lambda: "small" in self.lines(library))  # it does not wait for the huge one
        self.file("later")
        wait_until(lambda: "later" in self.lines(library))
        self.stop()

    def test_progress_is_told_at_most_four_times_a_second(self) -> None:
        self.file("large", b"")
        os.truncate(self.shared / "large", 1 << 28)
        os.utime(self.shared / "large", (1, 1))
        started = time.monotonic()
        library = self.ready()
        seconds = time.monotonic() - started
        told = self.log.of(HashingChanged)
        self.assertLessEqual(len(told), seconds * 4 + 2)
        self.assertEqual(told[-1], HashingChanged(1 << 28, 1 << 28, 0))
        self.assertEqual([event.hashed for event in told], sorted(event.hashed for event in told))
        self.assertEqual(list(self.lines(library)), ["large"])


class PackHoldingTest(LibraryTestCase):
    def test_a_leecher_can_serve_a_pack_from_what_it_unpacked(self) -> None:
        contents = [b"x" * 100_000, b"y", b"z" * 250_000]
        for number, part in enumerate(contents):
            self.file(f"sub/{number} (2)", part)
        joined = b"".join(contents)
        members = scan_tree(self.shared, NEVER).files
        content = content_of_bytes(joined)
        holding = PackHolding(self.shared, members, content, chunk_digests(joined))
        self.assertEqual(holding.title, "3 small files from sub/0 (2) on")
        source = holding.open()
        self.assertEqual(self.sent(source, 0, len(joined)), joined)
        self.assertEqual(self.sent(source, 99_999, 3), b"xyz")
        source.close()


class ShortageTest(LibraryTestCase):
    def test_what_is_offered_stays_while_the_folder_cannot_be_looked_at(self) -> None:
        self.file("a", b"one")
        library = self.ready(look_s=0.01)
        lines = library.snapshot.lines
        scans = list[int]()

        def refuse(*_: object) -> None:
            scans.append(1)
            raise ShortageError("too many open files")

        with mock.patch.object(folder_library, "scan_tree", refuse):
            library.wake()
            wait_until(lambda: len(scans) > 2)
        self.assertEqual(library.snapshot.lines, lines)
        self.file("b", b"two")
        wait_until(lambda: "b" in self.lines(library))

    def test_a_folder_that_is_a_link_to_itself_makes_a_library_that_says_so(self) -> None:
        self.shared.rmdir()
        self.shared.symlink_to(self.shared.name)
        with self.assertLogs("roles.sharing.folder_library", "WARNING"):
            library = self.ready()
        self.assertEqual(library.name, "shared")
        self.assertIn("cannot be read", library.snapshot.problem)

    def test_a_run_that_ended_for_want_of_memory_goes_on_where_it_was(self) -> None:
        for number in range(5):
            self.file(f"{number}", b"x" * 300_000)
        taken, stopping = FolderLibrary._take, threading.Event()
        failures = [MemoryError()]

        def stumble(library: FolderLibrary, reading: Reading) -> None:
            if failures:
                raise failures.pop()
            taken(library, reading)

        library = FolderLibrary(self.shared, None, self.log, stopping)
        with mock.patch.object(FolderLibrary, "_take", stumble):
            with self.assertLogs("roles.worker", "WARNING"):
                self.assertIsInstance(run_guarded(library.run), ShortageError)
            thread = threading.Thread(target=library.run, name="lmk-hasher")
            thread.start()
            try:
                wait_until(lambda: len(self.lines(library)) == 5)
            finally:
                stopping.set()
                library.wake()
                thread.join()
