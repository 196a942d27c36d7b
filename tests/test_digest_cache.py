"""Digests that are kept across restarts."""

from __future__ import annotations

import logging
import os
import zlib
from pathlib import Path
from unittest import mock

from roles.sharing.digest_cache import DigestCache
from roles.sharing.folder_tree import TreeFile
from roles.sharing.written_files import SETTLED_NS
from tests.support import LmkTestCase

NOW = 1_800_000_000_000_000_000
OLD = NOW - SETTLED_NS - 1
FILE = TreeFile("sub/ä file", 300_000, OLD, 77)
DIGESTS = bytes(range(64))  # of two chunks


class DigestCacheTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "state" / "share.digests"

    def cache(self) -> DigestCache:
        return DigestCache(self.path)

    def filled(self, count: int = 1) -> DigestCache:
        cache = self.cache()
        for number in range(count):
            cache.keep(self.numbered(number), DIGESTS, NOW)
        cache.save([self.numbered(number).path for number in range(count)])
        return cache

    def numbered(self, number: int) -> TreeFile:
        return FILE._replace(path=f"{FILE.path} {number}")

    def test_what_was_kept_is_known_after_a_restart(self) -> None:
        cache = self.cache()
        self.assertIsNone(cache.digests(FILE))
        cache.keep(FILE, DIGESTS, NOW)
        cache.keep_pack(b"k" * 32, DIGESTS)
        cache.save()
        for known in (cache, self.cache()):
            self.assertEqual(known.digests(FILE), DIGESTS)
            self.assertEqual(known.pack_digests(b"k" * 32), DIGESTS)
            self.assertEqual(known.share_id, cache.share_id)

    def test_the_bits_of_a_file_do_not_matter_and_all_else_does(self) -> None:
        cache = self.cache()
        cache.keep(FILE, DIGESTS, NOW)
        self.assertEqual(cache.digests(FILE._replace(is_executable=True)), DIGESTS)
        for other in (
            FILE._replace(path="other"),
            FILE._replace(size=300_001),
            FILE._replace(mtime_ns=OLD - 1),
            FILE._replace(inode=78),
        ):
            self.assertIsNone(cache.digests(other))

    def test_the_id_is_kept_without_any_file(self) -> None:
        cache = self.cache()
        self.assertRegex(cache.share_id, "^[0-9a-f]{16}$")
        cache.save()
        self.assertEqual(self.cache().share_id, cache.share_id)
        self.assertNotEqual(DigestCache(None).share_id, cache.share_id)

    def test_a_file_that_may_have_changed_unseen_is_not_kept(self) -> None:
        for mtime_ns in (NOW - SETTLED_NS, NOW, NOW + SETTLED_NS):
            file = FILE._replace(mtime_ns=mtime_ns)
            cache = self.cache()
            cache.keep(file, DIGESTS, NOW)
            cache.save()
            self.assertIsNone(cache.digests(file))
            self.assertIsNone(self.cache().digests(file))

    def test_what_is_forgotten_stays_so_until_it_is_kept_again(self) -> None:
        cache = self.filled()
        file = self.numbered(0)
        cache.forget(file.path)
        self.assertIsNone(cache.digests(file))
        cache.keep(file, DIGESTS[::-1], NOW)
        cache.save()
        self.assertEqual(self.cache().digests(file), DIGESTS[::-1])

    def test_the_newest_line_counts_and_the_file_is_written_anew_when_most_is_stale(self) -> None:
        cache = self.filled()
        file = self.numbered(0)
        sizes = list[int]()
        for number in range(1_500):
            cache.keep(file, number.to_bytes(64, "big"), NOW)
            cache.save([file.path])
            sizes.append(self.path.stat().st_size)
        self.assertLess(sizes[-1], max(sizes) / 1.5)
        self.assertEqual(self.cache().digests(file), (1_499).to_bytes(64, "big"))

    def test_files_that_are_gone_are_forgotten_only_when_it_is_written_anew(self) -> None:
        cache = self.filled(1_500)
        cache.save()  # a folder that is not mounted today
        self.assertEqual(self.cache().digests(self.numbered(7)), DIGESTS)
        cache.keep(FILE, DIGESTS, NOW)
        cache.save([FILE.path])
        after = self.cache()
        self.assertEqual((after.digests(FILE), after.digests(self.numbered(7))), (DIGESTS, None))
        self.assertEqual(after.share_id, cache.share_id)

    def test_no_damaged_byte_gives_a_wrong_digest(self) -> None:
        cache = self.filled(3)
        cache.keep_pack(b"k" * 32, DIGESTS)
        cache.save()
        whole = self.path.read_bytes()
        logging.disable(logging.WARNING)  # a damaged first line is said each time
        self.addCleanup(logging.disable, logging.NOTSET)
        for index in range(len(whole)):
            for flip in (0x01, 0x80, whole[index] ^ 0x0A):
                damaged = bytearray(whole)
                damaged[index] ^= flip
                self.path.write_bytes(damaged)
                after = self.cache()
                known = [after.digests(self.numbered(number)) for number in range(3)]
                known.append(after.pack_digests(b"k" * 32))
                self.assertLessEqual(set(known), {None, DIGESTS})
                self.assertGreaterEqual(known.count(DIGESTS), 2)
                self.path.with_name(self.path.name + ".damaged").unlink(missing_ok=True)

    def test_a_torn_end_costs_one_line_and_what_follows_is_read(self) -> None:
        self.filled(3)
        whole = self.path.read_bytes()
        for length in range(len(whole) - 120, len(whole)):
            self.path.write_bytes(whole[:length])
            cache = self.cache()
            cache.keep(FILE, DIGESTS, NOW)
            cache.save([FILE.path])
            after = self.cache()
            self.assertEqual(after.digests(FILE), DIGESTS)
            self.assertEqual(after.digests(self.numbered(0)), DIGESTS)
            self.assertEqual(after.share_id, cache.share_id)

    def test_a_file_that_is_something_else_is_no_reason_to_stop(self) -> None:
        self.path.parent.mkdir()
        for content in (b"", b"\n" * 9, b"\x00" * 5_000, b"00000000 \n", os.urandom(5_000)):
            with self.subTest(content=content[:9]):
                self.path.write_bytes(content)
                cache = self.cache()
                cache.save()
                self.assertEqual(self.cache().share_id, cache.share_id)
                kept = self.path.with_name(self.path.name + ".damaged")
                self.assertEqual(kept.exists(), bool(content))
                if content:
                    self.assertIn(kept.name, cache.notice)
                    self.assertEqual(kept.read_bytes(), content)
                    kept.unlink()

    def test_what_cannot_be_read_is_not_written_over(self) -> None:
        before = self.filled()
        text = self.path.read_bytes()
        with (
            mock.patch.object(Path, "open", side_effect=PermissionError(13, "Permission denied")),
            self.assertLogs("roles.sharing.digest_cache", "WARNING"),
        ):
            cache = self.cache()
        self.assertIn("Permission denied", cache.notice)
        cache.keep(FILE, DIGESTS, NOW)
        cache.save()
        self.assertEqual(self.path.read_bytes(), text)
        self.assertEqual(self.cache().share_id, before.share_id)

    def test_lines_of_a_later_version_are_not_used_but_the_id_is(self) -> None:
        before = self.filled()
        later = self.path.read_bytes().splitlines(keepends=True)
        header = b"LMK2-digests 2 " + before.share_id.encode() + b" and more"
        later[0] = b"%08x %s\n" % (zlib.crc32(header), header)
        self.path.write_bytes(b"".join(later))
        after = self.cache()
        self.assertEqual(after.share_id, before.share_id)
        self.assertIsNone(after.digests(self.numbered(0)))
        after.save()
        kept = self.path.with_name(self.path.name + ".newer")
        self.assertEqual(kept.read_bytes(), b"".join(later))

    def test_a_disk_that_refuses_is_logged_and_no_error(self) -> None:
        self.path.parent.write_bytes(b"a file where the folder should be")
        with self.assertLogs("roles.sharing.digest_cache", "WARNING"):
            cache = self.cache()
            cache.keep(FILE, DIGESTS, NOW)
            cache.save()
        self.assertEqual(cache.digests(FILE), DIGESTS)
