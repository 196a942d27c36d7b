"""The last steps of every file: ended after each of them, or refused, the next run completes."""

from __future__ import annotations

import errno
import logging
import os
import stat
from pathlib import Path
from unittest import mock

from roles.disk.leftovers import drop_packs
from roles.disk.state_file import StateFile, drop_leftover, write_whole
from roles.downloads import download, unpacking
from roles.values.errors import StorageError
from roles.values.events import DownloadState
from roles.values.settings import Existing
from tests.disks import DiskTestCase, needs_posix, some_bytes
from tests.last_steps import CALLS, DiskCalls, Killed, LocalDownload
from tests.support import LmkTestCase

MTIME = 1_400_000_000
SMALL = {f"d/{number}": some_bytes(1_000 + number, number) for number in range(3)}
MORE = {f"e/f/{number}.sh": some_bytes(2_000 + number, number) for number in range(5)}
FILES = {
    "big": some_bytes(300_000),
    "run.sh": b"#!/bin/sh\n",
    "d/empty": b"",
    "twin": b"theirs",
    **SMALL,
    **MORE,
}
LESSON = LocalDownload(FILES, {"d": MTIME, "e": MTIME, "e/f": MTIME}, [[*SMALL], [*MORE]], MTIME)
OWN = {"twin": b"mine", "d/other": b"mine too", "x.lmkpartial": b"no partial file"}
ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EXDEV, errno.EROFS)

# A process that downloads and kills itself after a call: its name, how often, the folder.
KILLED = """
import os, signal, sys
from pathlib import Path
from roles.disk import disk_calls
from tests.test_last_steps import LESSON
name, left, real = sys.argv[1], [int(sys.argv[2])], getattr(disk_calls, sys.argv[1])
def call(*args, **options):
    real(*args, **options)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(disk_calls, name, call)
LESSON.run(Path(sys.argv[3]))
"""
HOLDING = """
import os, sys
from roles.disk.file_lock import try_lock
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
print(try_lock(descriptor), flush=True)
sys.stdin.read()
"""


class LastStepsTest(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.number = 0
        # Both ways to sync, for a few files and for many.
        self.enterContext(mock.patch.object(unpacking, "FEW_FILES", 3))
        self.enterContext(mock.patch.object(download, "TICK_S", 0.0))
        logging.disable(logging.CRITICAL)  # thousands of refusals
        self.addCleanup(logging.disable, logging.NOTSET)

    def target(self) -> Path:
        """A folder with files of the user."""
        self.number += 1
        target = self.folder / f"target-{self.number}"
        for path, data in OWN.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(data)
        return target

    def calls_of_a_run(self, existing: Existing = Existing.SKIP) -> list[str]:
        calls = DiskCalls()
        with calls.patched():
            self.assertIsNone(LESSON.run(self.target(), existing))
        return calls.made

    def check_whole(
        self, target: Path, existing: Existing = Existing.SKIP, *, is_stamped: bool = True
    ) -> None:
        """Everything is there, as it was offered; nothing else; the user's own files too."""
        twin = "twin" if existing is Existing.REPLACE else "twin (2)"
        came = {twin if path == "twin" else path: data for path, data in FILES.items()}
        folders = dict.fromkeys(("d", "e", "e/f"))
        self.assert_tree(target, {**OWN, **came, **folders})
        for path in (*came, *folders):
            status = (target / path).stat()
            self.assertTrue(status.st_nlink == 1 or stat.S_ISDIR(status.st_mode), path)
            if is_stamped:
                self.assertEqual(status.st_mtime, MTIME, path)
            if is_stamped and path.endswith(".sh") and os.name == "posix":
                self.assertTrue(status.st_mode & stat.S_IXUSR, path)

    def run_again(self, target: Path, existing: Existing = Existing.SKIP) -> None:
        with DiskCalls().patched():  # which do not wait for the disk
            self.assertIsNone(LESSON.run(target, existing))

    def test_a_run_that_nothing_disturbs_uses_every_kind_of_call(self) -> None:
        made = set(self.calls_of_a_run()) | set(self.calls_of_a_run(Existing.REPLACE))
        rarely = {"rename", "truncate"}  # where there are no links, and for holes
        if os.name == "posix":
            self.assertEqual(made, set(CALLS) - rarely)

    def test_a_kill_after_any_call_leaves_what_the_next_run_completes(self) -> None:
        for existing in (Existing.SKIP, Existing.REPLACE):
            for number in range(1, len(self.calls_of_a_run(existing)) + 1):
                target, calls = self.target(), DiskCalls()
                calls.kill_after = number
                with self.subTest(number=number, existing=existing):
                    with calls.patched(), self.assertRaises(Killed):
                        LESSON.run(target, existing)
                    for path, data in OWN.items():
                        if path != "twin" or existing is not Existing.REPLACE:
                            self.assertEqual((target / path).read_bytes(), data)
                    self.run_again(target, existing)
                    self.check_whole(target, existing)

    def test_a_call_that_fails_once_leaves_what_the_next_run_completes(self) -> None:
        for number in range(1, len(self.calls_of_a_run()) + 1):
            for code in (errno.EIO, errno.ENOSPC):
                with self.subTest(number=number, code=errno.errorcode[code]):
                    self.refuse(code, first=number, last=number)

    def test_a_call_that_fails_for_ever_leaves_what_the_next_run_completes(self) -> None:
        for name in CALLS:
            for code in ERRORS:
                with self.subTest(name=name, code=errno.errorcode[code]):
                    self.refuse(code, name=name)

    def test_from_any_call_on_all_may_fail(self) -> None:
        for number in range(1, len(self.calls_of_a_run()) + 1):
            with self.subTest(number=number):
                self.refuse(errno.EIO, first=number)

    def test_what_was_fetched_alone_leaves_nothing_when_it_comes_in_a_pack_later(self) -> None:
        alone = LocalDownload(FILES, {"d": MTIME, "e": MTIME, "e/f": MTIME}, mtime=MTIME)
        calls = DiskCalls()
        with calls.patched():
            self.assertIsNone(alone.run(self.target()))
        for number in range(1, len(calls.made) + 1):
            target, calls = self.target(), DiskCalls()
            calls.kill_after = number
            with self.subTest(number=number):
                with calls.patched(), self.assertRaises(Killed):
                    alone.run(target)
                self.run_again(target)
                self.check_whole(target)

    def test_leftovers_that_memory_lacks_for_stay_until_the_next_run(self) -> None:
        for code in (errno.ENOMEM, 0):
            for name in ("unlink", "set_times"):
                with self.subTest(name=name, code=code):
                    self.refuse(code, name=name)

    def refuse(self, code: int, *, name: str = "", first: int = 1, last: int | None = None) -> None:
        """A run in which these calls fail says so in a sentence or ends well; then another.

        The code 0 is Python's own lack of memory.
        """
        target, calls, refused = self.target(), DiskCalls(), set[str]()

        def refuse(number: int, called: str) -> OSError | MemoryError | None:
            is_due = first <= number and (last is None or number <= last)
            # sync_all() has no way to say that it failed.
            if called == "sync_all" or called != (name or called) or not is_due:
                return None
            refused.add(called)
            return OSError(code, "no") if code else MemoryError()

        calls.fail = refuse
        with calls.patched():
            failure = LESSON.run(target)
        if failure is None:
            ended = {file.name: file.state for file in LESSON.ended}
            self.assertEqual(ended.keys(), FILES.keys())
            self.assertEqual(set(ended.values()), {DownloadState.DONE})
        else:
            self.assertIsInstance(failure, StorageError)
        for path, data in OWN.items():
            self.assertEqual((target / path).read_bytes(), data)
        self.run_again(target)
        # A disk that keeps no times and rights is no reason to refuse a file.
        self.check_whole(target, is_stamped=refused.isdisjoint({"set_times", "set_mode"}))


class KillTest(DiskTestCase):
    """The same with a real kill, and a real process after it."""

    @needs_posix
    def test_a_killed_process_leaves_two_names_and_the_next_one_removes_one(self) -> None:
        for number, name in ((2, "link"), (12, "link"), (3, "set_times"), (2, "sync")):
            target = self.folder / f"{name}-{number}"
            target.mkdir()
            with self.subTest(name=name, number=number):
                process = self.process(KILLED, name, str(number), str(target))
                self.assertEqual(process.wait(), -9)
                self.assertTrue(list(target.rglob("*.lmkpart")))
                self.assertIsNone(LESSON.run(target))
                self.assertEqual(
                    {path: data for path, data in self.tree(target).items() if data is not None},
                    FILES,
                )


class LeftoversTest(DiskTestCase):
    """What is removed, and what is not although it looks like it."""

    def run_lesson(self) -> None:
        with mock.patch.object(download, "TICK_S", 0.0):
            self.assertIsNone(LESSON.run(self.folder))

    @needs_posix
    def test_a_name_beside_a_whole_file_goes_and_a_copy_under_another_name_stays(self) -> None:
        self.run_lesson()
        os.link(self.folder / "big", self.folder / "big.lmkpart")
        os.link(self.folder / "d/0", self.folder / "d/.lmk-0123456789abcdef-7.lmkpart")
        os.link(self.folder / "run.sh", self.folder / "my copy")
        (self.folder / "d/mine.lmkpart").write_bytes(FILES["d/0"])
        self.run_lesson()
        names = {path.name for path in self.folder.rglob("*") if path.is_file()}
        own = {"my copy", "mine.lmkpart"}
        self.assertEqual(names, {path.rpartition("/")[2] for path in FILES} | own)

    def test_the_partial_file_of_what_came_otherwise_meanwhile_goes(self) -> None:
        self.run_lesson()
        (self.folder / "big.lmkpart").write_bytes(FILES["big"][:1000])
        self.run_lesson()
        self.assertFalse((self.folder / "big.lmkpart").exists())

    def test_members_and_packs_of_an_earlier_list_go_when_all_is_here(self) -> None:
        pack, member = ".lmk-0123456789abcdef.lmkpart", ".lmk-0123456789abcdef-4096.lmkpart"
        (self.folder / "d").mkdir()
        (self.folder / pack).write_bytes(b"some of it")
        (self.folder / "d" / member).write_bytes(b"a member")
        self.run_lesson()
        self.assertEqual(list(self.folder.rglob("*.lmkpart")), [])

    @needs_posix
    def test_what_a_running_program_works_on_stays(self) -> None:
        pack, member = ".lmk-0123456789abcdef.lmkpart", ".lmk-0123456789abcdef-4096.lmkpart"
        (self.folder / "d").mkdir()
        (self.folder / "d" / member).write_bytes(b"a member")
        holder = self.process(HOLDING, str(self.folder / pack))
        self.line_of(holder)
        self.run_lesson()
        self.assertTrue((self.folder / "d" / member).exists())
        drop_packs(self.folder)
        self.assertTrue((self.folder / pack).exists())

    def test_folders_and_links_of_such_names_stay(self) -> None:
        (self.folder / ".lmk-0123456789abcdef.lmkpart").mkdir()
        (self.folder / "d").mkdir()
        (self.folder / "d" / ".lmk-0123456789abcdef-1.lmkpart").mkdir()
        self.run_lesson()
        self.assertEqual(len(list(self.folder.rglob(".lmk-*"))), 2)


class StateFileTest(LmkTestCase):
    """The same for the files of the profile."""

    def test_a_kill_after_any_call_leaves_the_old_file_or_the_new_one(self) -> None:
        path = self.folder / "state.json"
        for number in range(1, self.calls_made() + 1):
            with self.subTest(number=number):
                path.write_bytes(b'"old"')
                calls = DiskCalls()
                calls.kill_after = number
                with calls.patched(), self.assertRaises(Killed):
                    write_whole(path, b'"new"')
                self.assertIn(StateFile(path).read(), ("old", "new"))
                write_whole(path, b'"newer"')
                self.assertEqual(StateFile(path).read(), "newer")
                self.assertEqual([path.name for path in self.folder.iterdir()], ["state.json"])

    def test_a_call_that_fails_leaves_the_old_file_or_the_new_one(self) -> None:
        path = self.folder / "state.json"
        for number in range(1, self.calls_made() + 1):
            for code in ERRORS:
                for is_once in (True, False):
                    with self.subTest(number=number, code=code, is_once=is_once):
                        self.refuse(path, number, code, is_once=is_once)

    def refuse(self, path: Path, number: int, code: int, *, is_once: bool) -> None:
        path.write_bytes(b'"old"')
        calls = DiskCalls()

        def refuse(count: int, _name: str) -> OSError | None:
            is_due = count == number or (count > number and not is_once)
            return OSError(code, "no") if is_due else None

        calls.fail = refuse
        with calls.patched():
            try:
                write_whole(path, b'"new"')
            except StorageError:
                expected = "old"
            else:
                expected = "new"
        self.assertEqual(StateFile(path).read(), expected)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["state.json"])

    def test_what_a_killed_run_left_goes_when_the_file_is_read(self) -> None:
        path, temporary = self.folder / "state.json", self.folder / "state.json.tmp"
        temporary.write_bytes(b"half")
        drop_leftover(path)
        self.assertFalse(temporary.exists())
        temporary.mkdir()
        drop_leftover(path)
        write_whole(path, b"1")
        self.assertEqual(StateFile(path).read(), 1)
        self.assertTrue(temporary.is_dir())

    def calls_made(self) -> int:
        calls = DiskCalls()
        with calls.patched():
            write_whole(self.folder / "state.json", b"1")
        return len(calls.made)


class RenamedTest(DiskTestCase):
    def test_every_other_name_is_told_counted_and_logged(self) -> None:
        files = {"a\u202eb/1": b"1", "2": b"2", "3": b"3"}
        (self.folder / "2").write_bytes(b"mine")
        lesson = LocalDownload(files, {"a\u202eb": MTIME, "c\u200bd": MTIME})
        with self.assertLogs("roles.downloads.download", "INFO") as logs:
            self.assertIsNone(lesson.run(self.folder))
        renamed = {file.name: file.saved_as for file in lesson.ended if file.is_renamed}
        self.assertEqual(renamed, {"a\u202eb/1": self.folder / "ab/1", "2": self.folder / "2 (2)"})
        folders = {folder.name: folder.saved_as for folder in lesson.folders}
        self.assertEqual(folders, {"a\u202eb": self.folder / "ab", "c\u200bd": self.folder / "cd"})
        self.assertEqual(lesson.changes[-1].renamed, 4)
        self.assertEqual(sum(" is stored as " in line for line in logs.output), 4)
        self.assertNotIn(
            str(self.folder), "".join(line for line in logs.output if "stored" in line)
        )
