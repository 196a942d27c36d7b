"""One share, line by line: what is taken, what is refused, and what is forgotten again."""

from __future__ import annotations

import hashlib
import unittest
from itertools import count

from roles.joining import listed_share
from roles.joining.listed_share import ListedShare
from roles.values.content import Content
from roles.values.errors import StoppedError
from roles.values.list_lines import (
    FileLine,
    FolderLine,
    Line,
    PackLine,
    ReadingLine,
    TorrentLine,
    encode_line,
)

CHUNK = 262_144
SHARE, ORIGINAL = "1" * 16, "lmk1" + "a" * 12


def content(what: str, size: int = 5) -> Content:
    return Content(hashlib.sha256(what.encode()).digest(), size, CHUNK)


def file(path: str, size: int = 5, what: str = "", mtime: int | None = None) -> str:
    return encode_line(FileLine(path, size, content(what or path, size), mtime))


def share_of(*lines: str | Line, id_: str = SHARE, windows: bool = False) -> ListedShare:
    share = ListedShare(id_, "maps", windows=windows)
    for line in lines:
        share.add(line if isinstance(line, str) else encode_line(line))
    return share


class LinesTest(unittest.TestCase):
    def test_a_file_is_counted_with_its_size_and_the_folders_that_lead_to_it(self) -> None:
        share = ListedShare(SHARE, "maps", windows=False)
        self.assertEqual(share.add(file("a/b/c", 7)), "a/b/c")
        self.assertEqual((share.size, share.count, list(share.files)), (7, 1, ["a/b/c"]))
        self.assertTrue(share.has_folder("a/b"))
        self.assertFalse(share.has_folder("a/b/c"))

    def test_a_line_that_goes_leaves_nothing_behind(self) -> None:
        lines = [file("a/b", 7), encode_line(FolderLine("a/c/d")), encode_line(ReadingLine(3))]
        lines += ["nonsense", encode_line(PackLine(content("p"), "a/b", 2))]
        share = share_of(*lines)
        for line in lines:
            share.remove(line)
        self.assertEqual((share.size, share.count, share.implied, share._inside), (0, 0, 0, {}))
        self.assertTrue(share.is_empty)

    def test_whether_its_seeder_answers_browsers_is_known(self) -> None:
        share = share_of('["w"]')
        self.assertEqual((share.serves_browsers, share.is_empty, share.refused), (True, True, {}))
        share.remove('["w"]')
        self.assertFalse(share.serves_browsers)

    def test_the_torrent_that_its_seeder_made_is_known_until_there_is_another(self) -> None:
        old, new = encode_line(TorrentLine(b"o" * 20)), encode_line(TorrentLine(b"n" * 20))
        share = share_of(old)
        self.assertEqual(share.torrent, b"o" * 20)
        share.add(new)
        share.remove(old)
        self.assertEqual(share.torrent, b"n" * 20)
        share.remove(new)
        self.assertEqual((share.torrent, share.is_empty), (b"", True))

    def test_a_new_line_of_a_file_may_come_before_the_old_one_goes(self) -> None:
        old, new = file("a", 5, "old"), file("a", 6, "new")
        share = share_of(old)
        self.assertEqual(share.add(new), "a")
        self.assertIsNone(share.remove(old))
        self.assertEqual((share.size, share.files["a"].content), (6, content("new", 6)))

    def test_a_folder_brings_what_is_below_it_and_not_what_only_begins_like_it(self) -> None:
        share = share_of(file("a/b"), file("ab"), file("a/c/d"), FolderLine("a/c"), FolderLine("a"))
        files, folders = share.below("a")
        self.assertEqual([file.path for file in files], ["a/b", "a/c/d"])
        self.assertEqual([folder.path for folder in folders], ["a/c", "a"])
        self.assertEqual([file.path for file in share.below("")[0]], ["a/b", "ab", "a/c/d"])


class RefusedTest(unittest.TestCase):
    def test_what_cannot_be_stored_is_refused_by_its_path_and_the_rest_is_taken(self) -> None:
        share = share_of('["f","../x",5]', "garbage", file("good"))
        self.assertEqual(list(share.refused.values()), ["../x", "garbage"])
        self.assertEqual(list(share.files), ["good"])

    def test_only_so_many_refused_lines_are_kept(self) -> None:
        share = share_of(*(f"nonsense {number}" for number in range(1_100)))
        self.assertEqual(len(share.refused), listed_share.MAX_REFUSED)

    def test_an_original_has_files_at_the_top_without_contents_and_ours_with(self) -> None:
        plain = encode_line(FileLine("a", 5, None))
        self.assertEqual(list(share_of(plain, id_=ORIGINAL).files), ["a"])
        for line in (
            file("a"),
            encode_line(FileLine("b/c", 5, None)),
            encode_line(FolderLine("d")),
        ):
            self.assertEqual(share_of(line, id_=ORIGINAL).files, {})
        self.assertEqual(share_of(plain).files, {})


class PacksTest(unittest.TestCase):
    def test_a_pack_has_the_small_files_from_its_first_one_on_by_the_bytes_of_their_paths(
        self,
    ) -> None:
        share = share_of(
            file("b"),
            file("B"),
            file("a"),
            file("big", 1 << 20),
            PackLine(content("p", 10), "a", 2),
        )
        (pack,) = share.packs()
        self.assertEqual([member.path for member in pack.members], ["a", "b"])

    def test_one_that_does_not_add_up_or_begins_in_another_is_none(self) -> None:
        files = [file(name) for name in "abcd"]
        wrong = PackLine(content("p", 11), "a", 2), PackLine(content("p", 45), "a", 9)
        for line in wrong:
            self.assertEqual(share_of(*files, line).packs(), ())
        right, inside = PackLine(content("p", 15), "a", 3), PackLine(content("q", 10), "b", 2)
        self.assertEqual([pack.line for pack in share_of(*files, right, inside).packs()], [right])


class FingerprintTest(unittest.TestCase):
    def test_a_copy_of_a_folder_has_it_too_whatever_its_times_and_order(self) -> None:
        original = share_of(file("a", mtime=1), file("b"), FolderLine("c"))
        copy = share_of(FolderLine("c", 9), file("b"), file("a", mtime=2))
        self.assertEqual(original.fingerprint(), copy.fingerprint())

    def test_another_content_or_files_that_are_still_to_be_read_make_another_one(self) -> None:
        fingerprint = share_of(file("a")).fingerprint()
        for other in (share_of(file("a", what="x")), share_of(file("a"), ReadingLine(1))):
            self.assertNotEqual(fingerprint, other.fingerprint())

    def test_who_stops_does_not_wait_for_a_long_one(self) -> None:
        calls = count()
        share = ListedShare(SHARE, "maps", windows=False, should_stop=lambda: bool(next(calls)))
        for number in range(20_000):
            share.add(file(str(number)))
        with self.assertRaises(StoppedError):
            share.fingerprint()
