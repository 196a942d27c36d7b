"""A leecher and its folder: what is there already, and disks that refuse."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from collections.abc import Iterator
from contextlib import contextmanager

from roles.values.errors import DiskFullError, StorageError
from roles.values.events import (
    DownloadChanged,
    DownloadState,
)
from roles.values.settings import Existing
from tests.role_test import (
    LINUX_ONLY,
    SOON_S,
    LeecherTest,
    content_of,
    list_now,
    order,
    wait_for_end,
    wait_for_state,
)
from tests.scripted_seeder import CHUNK, Gate, Offer
from tests.support import LIMIT_S
from tests.tracker_requests import register


class ExistingFiles(LeecherTest):
    def take(self, content: bytes, existing: Existing) -> DownloadChanged:
        self.offer(Offer({"a.txt": content}))
        leecher = self.taking()
        order(leecher, "a.txt", existing=existing)
        return wait_for_end(leecher, "a.txt")

    def test_the_same_file_is_skipped(self) -> None:
        (self.taken / "a.txt").write_bytes(b"same")
        end = self.take(b"same", Existing.SKIP)
        self.assertEqual((end.state, end.saved_as), (DownloadState.SKIPPED, self.taken / "a.txt"))
        self.assert_same_files(self.taken, {"a.txt": b"same"})

    def test_another_file_of_that_name_is_kept_beside_it(self) -> None:
        (self.taken / "a.txt").write_bytes(b"mine")
        end = self.take(b"from the room", Existing.SKIP)
        self.assertEqual(end.saved_as, self.taken / "a (2).txt")
        self.assert_same_files(self.taken, {"a.txt": b"mine", "a (2).txt": b"from the room"})

    def test_keeping_both_keeps_even_the_same_file_twice(self) -> None:
        (self.taken / "a.txt").write_bytes(b"same")
        self.take(b"same", Existing.KEEP_BOTH)
        self.assert_same_files(self.taken, {"a.txt": b"same", "a (2).txt": b"same"})

    def test_replacing_replaces(self) -> None:
        (self.taken / "a.txt").write_bytes(b"mine")
        self.take(b"from the room", Existing.REPLACE)
        self.assert_same_files(self.taken, {"a.txt": b"from the room"})


class DisksThatRefuse(LeecherTest):
    CONTENT = content_of(600 * CHUNK)

    def test_a_file_larger_than_the_disk_is_refused_before_it_begins(self) -> None:
        huge = 1 << 40
        if shutil.disk_usage(self.folder).free > huge:
            self.skipTest("this disk holds the largest file that there can be")
        register(self.room, ("127.0.0.1", 12_501), {"a": huge})
        leecher = self.taking(waits_for_space=False)
        order(leecher, "a")
        end = self.assert_fails(leecher, "a", DiskFullError)
        self.assertRegex(str(end.failure), r"Free [0-9,]+ MB for .+ or choose another folder\.")
        self.assert_same_files(self.taken, {})

    def test_in_the_window_it_waits_for_space_and_can_be_cancelled(self) -> None:
        huge = 1 << 40
        if shutil.disk_usage(self.folder).free > huge:
            self.skipTest("this disk holds the largest file that there can be")
        register(self.room, ("127.0.0.1", 12_501), {"a": huge})
        leecher = self.taking()
        order(leecher, "a")
        waiting = wait_for_state(leecher, "a", DownloadState.WAITING_FOR_SPACE)
        self.assertIn("is full", waiting.cause)
        leecher.role.cancel(["a"])
        wait_for_state(leecher, "a", DownloadState.CANCELLED)
        self.assert_same_files(self.taken, {})

    @unittest.skipUnless(os.name == "posix", "there are no such limits on Windows")
    def test_a_write_that_fails_in_the_middle_is_said_and_nothing_is_kept(self) -> None:
        import resource

        self.offer(Offer({"a": self.CONTENT}))
        leecher = self.taking()
        list_now(leecher, "a")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100 * CHUNK, limits[1]))
            leecher.role.download(["a"], Existing.SKIP)
            end = self.assert_fails(leecher, "a", StorageError)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertIn("cannot be written", str(end.failure))
        self.assert_same_files(self.taken, {})
        leecher.log.clear()
        self.assert_takes(leecher, {"a": self.CONTENT})

    @LINUX_ONLY
    def test_a_disk_that_fills_up_is_waited_for_and_nothing_is_taken_twice(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk")
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "lmk", str(self.taken)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            self.skipTest("no disk can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.taken)], check=True)
        gate = Gate(100)
        offer = self.offer(Offer({"a": self.CONTENT}, gate.pack))
        leecher = self.taking(space_again_s=SOON_S)
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        filler = self.taken / "filler"
        filler.write_bytes(bytes(2_500_000))
        gate.open()
        wait_for_state(leecher, "a", DownloadState.WAITING_FOR_SPACE)
        filler.unlink()
        end = wait_for_end(leecher, "a")
        self.assertIs(end.state, DownloadState.DONE)
        self.assertGreaterEqual(offer.requests[1][2], 100 * CHUNK)
        self.assert_same_files(self.taken, {"a": self.CONTENT})
        leecher.stop()

    @contextmanager
    def target_read_only(self) -> Iterator[None]:
        """For this time."""
        is_root = os.geteuid() == 0
        self.taken.chmod(0o555)
        if is_root:  # who may do everything
            os.seteuid(65_534)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)
            self.taken.chmod(0o755)

    @unittest.skipUnless(os.name == "posix", "permissions of POSIX systems")
    def test_a_folder_without_permission_is_said(self) -> None:
        self.offer(Offer({"a": b"1"}))
        leecher = self.taking()
        list_now(leecher, "a")
        with self.target_read_only():
            leecher.role.download(["a"], Existing.SKIP)
            end = self.assert_fails(leecher, "a", StorageError)
        self.assertIn("Choose another folder", str(end.failure))
        self.assert_same_files(self.taken, {})

    @unittest.skipUnless(os.name == "posix", "permissions of POSIX systems")
    def test_a_whole_file_that_cannot_get_its_name_is_kept_and_gets_it_later(self) -> None:
        content = content_of(20 * CHUNK)
        leecher, gate = self.in_the_middle(content, 10)
        with self.target_read_only():
            gate.open()
            end = self.assert_fails(leecher, "a", StorageError)
        self.assertIn("No permission", str(end.failure))
        self.assert_same_files(self.taken, {"a.lmkpart": content})
        leecher.log.clear()
        leecher.role.resume(["a"])
        wait_for_state(leecher, "a", DownloadState.DONE)
        states = {event.state for event in leecher.log.of(DownloadChanged)}
        self.assertNotIn(DownloadState.DOWNLOADING, states, "it was fetched again")
        self.assert_same_files(self.taken, {"a": content})

    def test_a_folder_that_is_a_file_is_said(self) -> None:
        self.offer(Offer({"a": b"1"}))
        (self.folder / "file").write_bytes(b"")
        leecher = self.leecher(self.folder / "file", self.room)
        order(leecher, "a")
        self.assert_fails(leecher, "a", StorageError)

    def test_another_program_at_work_on_the_same_file_is_not_disturbed(self) -> None:
        first, gate = self.in_the_middle(content_of(20 * CHUNK), 10)
        second = self.taking()
        order(second, "a")
        end = self.assert_fails(second, "a", StorageError)
        self.assertIn("Another LMKtorrent", str(end.failure))
        gate.open()
        self.assertIs(wait_for_end(first, "a").state, DownloadState.DONE)
