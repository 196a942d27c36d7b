"""What the tests of the leecher's disk share: contents with digests, and small disks to fill."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import unittest
from collections.abc import Mapping
from pathlib import Path

from roles.values.content import MIN_CHUNK_SIZE, Content, root_of
from tests.support import LmkTestCase

IS_POSIX = os.name == "posix"
IS_ROOT = IS_POSIX and os.geteuid() == 0
ROOT = Path(__file__).resolve().parent.parent

needs_a_small_disk = unittest.skipUnless(
    IS_ROOT and sys.platform == "linux", "needs root to mount a small disk"
)
needs_posix = unittest.skipUnless(IS_POSIX, "links, pipes and open files that move are POSIX")


def some_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def described(data: bytes, chunk_size: int = MIN_CHUNK_SIZE) -> tuple[Content, bytes]:
    """The content of these bytes, and the digests of its chunks."""
    pieces = [data[start : start + chunk_size] for start in range(0, len(data), chunk_size)]
    digests = b"".join(hashlib.sha256(piece).digest() for piece in pieces)
    return Content(root_of(len(data), chunk_size, digests), len(data), chunk_size), digests


class DiskTestCase(LmkTestCase):
    """A test that compares folders, and may have a disk and processes of its own."""

    def tree(self, folder: Path) -> dict[str, bytes | None]:
        """Everything below the folder: contents of files, None for folders."""
        return {
            path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
            for path in sorted(folder.rglob("*"))
        }

    def assert_tree(self, folder: Path, expected: Mapping[str, bytes | None]) -> None:
        """Like assertEqual(self.tree(folder), expected), which would take minutes to show how two
        megabytes differ.
        """
        found = self.tree(folder)
        self.assertEqual(list(found), sorted(expected))
        self.assertEqual([path for path in found if found[path] != expected[path]], [])

    def small_disk(self, size: str = "1m") -> Path:
        disk = self.folder / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        return disk

    def make_read_only(self, disk: Path) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

    def process(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Another Python that runs this code, ended with the test at the latest."""
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self._end, process)
        return process

    def line_of(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline()

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()
