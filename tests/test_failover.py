"""A folder's download follows the list: what its seeder reads, changes and removes meanwhile."""

from __future__ import annotations

import hashlib
import os
import unittest
from collections.abc import Iterable, Mapping
from pathlib import Path
from unittest import mock

from roles.disk.stored_names import StoredNames
from roles.downloads.download_scope import (
    GONE_S,
    READING_S,
    FollowedScope,
    NewestScope,
    Scope,
    identity_of,
)
from roles.joining.list_copy import Selection
from roles.joining.list_upload import ListUpload
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.leecher import Leecher
from roles.net.throttle import Throttle, Throttles
from roles.sharing.offers import LibrarySnapshot
from roles.values.addresses import Address
from roles.values.content import Content, chunk_size_for, root_of
from roles.values.errors import NoSeederError
from roles.values.events import DownloadChanged, DownloadState, FileEnded, FilesEnded, FilesListed
from roles.values.list_lines import FileLine, PackLine, ReadingLine, encode_line, sort_key
from roles.values.listed_file import ListedFolder
from roles.values.settings import Existing
from roles.wire.tracker_messages import Register
from tests.role_test import (
    LeecherTest,
    Running,
    content_of,
    list_now,
    lose_patience,
    wait_for_cause,
    wait_for_end,
    wait_for_state,
)
from tests.support import wait_until
from tests.tracker_requests import Own

SHARE = "5" * 16
KEY = f"share:{SHARE}"


def content(data: bytes) -> Content:
    step = chunk_size_for(len(data))
    parts = (data[start : start + step] for start in range(0, len(data), step))
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return Content(root_of(len(data), step, digests), len(data), step)


def file(path: str, data: bytes = b"content") -> FileLine:
    return FileLine(path, len(data), content(data))


def pack(files: Mapping[str, bytes]) -> PackLine:
    first, *_ = ordered = sorted(files, key=sort_key)
    return PackLine(content(b"".join(files[path] for path in ordered)), first, len(files))


def wanted(*files: FileLine, files_left: int = 0) -> Selection:
    return Selection("maps", files, (), (SHARE,), files_left=files_left)


class NewestScopeTest(unittest.TestCase):
    """Names in the target folder."""

    def setUp(self) -> None:
        self.names = StoredNames(windows=False)

    def stored(self, scope: Scope) -> dict[str, object]:
        return {file.path: scope.stored[identity_of(file)] for file in scope.wanted.files}

    def test_what_comes_later_gets_a_name_and_what_was_there_keeps_its_own(self) -> None:
        newest = NewestScope(wanted(file("A")), (), self.names)
        newest.follow(wanted(file("A"), file("a"), file("b")), ())
        self.assertEqual(self.stored(newest.scope), {"A": ("A",), "a": ("a (2)",), "b": ("b",)})
        self.assertEqual(newest.collision_keys, {"a", "a (2)", "b"})

    def test_a_content_in_the_place_of_another_has_its_name(self) -> None:
        newest = NewestScope(wanted(file("a", b"1")), (), self.names)
        newest.follow(wanted(), ())  # it is read again
        newest.follow(wanted(file("a", b"2")), ())
        self.assertEqual(self.stored(newest.scope), {"a": ("a",)})
        newest.follow(wanted(file("a", b"1")), ())
        self.assertEqual(self.stored(newest.scope), {"a": ("a",)})

    def test_two_contents_under_one_path_keep_their_names_while_one_is_replaced(self) -> None:
        newest = NewestScope(wanted(file("a", b"1"), file("a", b"2")), (), self.names)
        newest.follow(wanted(file("a", b"2"), file("a", b"3")), ())
        stored = newest.scope.stored
        self.assertEqual(stored[identity_of(file("a", b"2"))], ("a (2)",))
        self.assertEqual(stored[identity_of(file("a", b"3"))], ("a",))

    def test_a_list_without_it_changes_nothing_but_says_so(self) -> None:
        newest = NewestScope(wanted(file("a")), (), self.names)
        newest.lose()
        self.assertFalse(newest.scope.is_listed)
        self.assertEqual(newest.scope.wanted, wanted(file("a")))

    def test_the_names_of_files_that_come_are_known_before(self) -> None:
        newest = NewestScope(wanted(file("a", b"1")), (), self.names)
        names = newest.names_of_others(wanted(file("a", b"2"), file("B")))
        self.assertEqual(names, {"b"})


class FollowedScopeTest(unittest.TestCase):
    def followed(self, *files: FileLine, files_left: int = 0) -> FollowedScope:
        return FollowedScope(self.scope(*files, files_left=files_left))

    def scope(self, *files: FileLine, files_left: int = 0, is_listed: bool = True) -> Scope:
        return Scope(wanted(*files, files_left=files_left), (), {}, is_listed)

    def pending(self, *files: FileLine) -> set[tuple[str, Content]]:
        return {identity_of(file) for file in files}

    def test_new_files_are_fetched_too(self) -> None:
        followed = self.followed(file("b"))
        change = followed.follow(self.scope(file("a"), file("b")), set(), now=0.0)
        self.assertEqual((change.fresh, change.replaced), ((file("a"),), frozenset()))
        self.assertEqual(followed.wanted.files, (file("a"), file("b")))

    def test_a_changed_file_that_has_not_come_is_replaced(self) -> None:
        old, new = file("a", b"1"), file("a", b"2")
        followed = self.followed(old)
        change = followed.follow(self.scope(new), self.pending(old), now=0.0)
        self.assertEqual((change.fresh, change.replaced), ((new,), self.pending(old)))
        self.assertEqual((followed.wanted.files, followed.lost), ((new,), 0))

    def test_a_changed_file_that_was_read_again_first_is_replaced(self) -> None:
        old, new = file("a", b"1"), file("a", b"2")
        followed = self.followed(old)
        change = followed.follow(self.scope(files_left=1), self.pending(old), now=0.0)
        self.assertEqual((change.fresh, change.replaced), ((), frozenset()))
        self.assertEqual((followed.wanted.files, followed.lost), ((old,), 1))
        change = followed.follow(self.scope(new), self.pending(old), now=1.0)
        self.assertEqual((change.fresh, change.replaced), ((new,), self.pending(old)))
        self.assertEqual(followed.lost, 0)

    def test_a_file_that_came_is_never_touched(self) -> None:
        old, new = file("a", b"1"), file("a", b"2")
        followed = self.followed(old)
        for _ in range(2):
            change = followed.follow(self.scope(new), set(), now=0.0)
            self.assertEqual((change.fresh, change.replaced), ((), frozenset()))
            self.assertEqual(followed.wanted.files, (old,))

    def test_of_two_contents_under_one_path_the_one_that_is_missing_is_replaced(self) -> None:
        here, missing, new = file("a", b"1"), file("a", b"2"), file("a", b"3")
        followed = self.followed(here, missing)
        change = followed.follow(self.scope(new), self.pending(missing), now=0.0)
        self.assertEqual((change.fresh, change.replaced), ((new,), self.pending(missing)))

    def test_what_is_not_listed_any_more_is_given_up_after_a_while(self) -> None:
        followed = self.followed(file("a"), file("b"))
        pending = self.pending(file("a"))
        followed.follow(self.scope(), pending, now=5.0)
        self.assertEqual(followed.given_up(pending, now=4.9 + GONE_S), set())
        self.assertEqual(followed.given_up(pending, now=5.0 + GONE_S), pending)
        self.assertEqual(followed.given_up(pending, now=6.0 + GONE_S), set())
        self.assertEqual(followed.wanted.files, (file("a"), file("b")))

    def test_what_came_after_all_is_not_given_up(self) -> None:
        followed = self.followed(file("a"))
        followed.follow(self.scope(), self.pending(file("a")), now=5.0)
        self.assertEqual(followed.given_up(set(), now=99.0), set())

    def test_while_the_folder_is_read_nothing_is_given_up(self) -> None:
        followed, pending = self.followed(file("a")), self.pending(file("a"))
        followed.follow(self.scope(files_left=1), pending, now=0.0)
        self.assertEqual(followed.given_up(pending, now=99.0), set())
        followed.follow(self.scope(), pending, now=99.0)
        self.assertEqual(followed.given_up(pending, now=98.0 + GONE_S), set())
        self.assertEqual(followed.given_up(pending, now=99.0 + GONE_S), pending)

    def test_a_seeder_that_reads_without_a_new_list_is_not_awaited_for_ever(self) -> None:
        followed = self.followed(file("a"), files_left=3)
        self.assertEqual(followed.files_left(now=0.0), 3)
        self.assertEqual(followed.files_left(now=READING_S - 1), 3)
        self.assertEqual(followed.files_left(now=READING_S), 0)
        followed.follow(self.scope(file("a"), files_left=2), set(), now=READING_S)
        self.assertEqual(followed.files_left(now=2 * READING_S - 1), 2)
        self.assertEqual(followed.files_left(now=2 * READING_S), 0)

    def test_without_its_share_all_stays_and_no_more_files_are_expected_after_a_while(self) -> None:
        followed = self.followed(file("a"), files_left=3)
        gone = self.scope(file("a"), files_left=3, is_listed=False)
        change = followed.follow(gone, self.pending(file("a")), now=1.0)
        self.assertEqual((change.fresh, change.replaced, followed.lost), ((), frozenset(), 0))
        self.assertEqual(followed.files_left(now=0.9 + GONE_S), 3)
        self.assertEqual(followed.files_left(now=1.0 + GONE_S), 0)
        followed.follow(self.scope(file("a"), files_left=2), set(), now=50.0)
        self.assertEqual(followed.files_left(now=99.0), 2)

    def test_one_that_goes_on_without_its_share_hears_so(self) -> None:
        gone = self.scope(file("a"), files_left=3, is_listed=False)
        self.assertTrue(FollowedScope(gone).is_behind(gone))
        listed = self.scope(file("a"))
        self.assertFalse(FollowedScope(listed).is_behind(listed))


class ListedShare:
    """A share whose list a test writes; whoever calls finds nobody at its port."""

    def __init__(self, tracker: Address, port: int) -> None:
        self._port, locator = port, TrackerLocator(tracker)
        self._own = Own(SHARE, "maps", LibrarySnapshot())
        self._teller = ListUpload(self._own, "f" * 16, locator)
        self._now = 0.0
        address = Address("127.0.0.1", port)
        with RoomClient(locator) as client:
            me = Register("", address, "f" * 16, "pc", is_leecher=False, shares=(SHARE,))
            assert client.register(me)

    def tell(self, lines: Iterable[FileLine | PackLine | ReadingLine]) -> None:
        texts = tuple(sorted(encode_line(line) for line in lines))
        self._own.snapshot = LibrarySnapshot(self._own.snapshot.revision + 1, texts)
        self._now += 100.0
        assert self._teller.tell(self._port, now=self._now)


class FollowCase(LeecherTest):
    def setUp(self) -> None:
        super().setUp()
        self.constant("downloads.download_scope", "GONE_S", 0.5)

    def listed(self, *lines: FileLine | PackLine | ReadingLine) -> ListedShare:
        share = ListedShare(self.room, self.free_port("tcp"))
        share.tell(lines)
        return share

    def begin(self, leecher: Running[Leecher], key: str = KEY) -> None:
        """Ask for all of it as soon as it is listed."""

        def is_listed() -> bool:
            leecher.role.refresh()
            lists = leecher.log.of(FilesListed)
            return bool(lists) and any(folder.key == key for folder in lists[-1].folders)

        wait_until(is_listed)
        leecher.role.download([key], Existing.SKIP)

    def slow_leecher(self, rate: int) -> Running[Leecher]:
        return self.leecher(self.taken, self.room, throttles=Throttles(down=Throttle(rate)))

    def ended(self, leecher: Running[Leecher]) -> dict[str, FileEnded]:
        told = [file for event in leecher.log.of(FilesEnded) for file in event.files]
        files = {file.name: file for file in told}
        self.assertEqual(len(files), len(told), "a file was told of twice")
        return files

    def assert_done(self, leecher: Running[Leecher], files: Mapping[str, bytes]) -> None:
        end = wait_for_end(leecher, KEY)
        self.assertIs(end.state, DownloadState.DONE, end)
        self.assertEqual((end.files, end.files_ended), (len(files), len(files)))
        self.assertEqual(end.size, sum(map(len, files.values())))
        self.assertEqual(end.have, end.size)
        self.assert_same_files(self.taken, files)
        self.assertEqual(self.ended(leecher).keys(), files.keys())

    def wait_for_folders(self, leecher: Running[Leecher], *files: int) -> None:
        """Until the folders of the room have so many files."""

        def is_so() -> bool:
            leecher.role.refresh()
            lists = leecher.log.of(FilesListed)
            folders = lists[-1].folders if lists else ()
            return sorted(folder.files for folder in folders) == sorted(files)

        wait_until(is_so)


class ScriptedListTest(FollowCase):
    def test_what_is_read_later_comes_too(self) -> None:
        files = {name: content_of(400_000, seed) for seed, name in enumerate("abc")}
        self.offering(files, "store")
        lines = [file(name, data) for name, data in files.items()]
        share = self.listed(lines[0], ReadingLine(2))
        leecher = self.taking()
        self.wait_for_folders(leecher, 1, 3)
        self.begin(leecher)
        cause = "the seeder is still reading its folder, 2 files left"
        wait_for_cause(leecher, cause)
        lose_patience(leecher, 0.5)
        wait_until(lambda: sum(e.cause == cause for e in leecher.log.of(DownloadChanged)) > 4)
        share.tell([*lines[:2], ReadingLine(1)])
        wait_for_cause(leecher, "the seeder is still reading its folder, 1 file left")
        share.tell(lines)
        self.assert_done(leecher, files)

    def test_with_nobody_there_it_never_says_that_it_downloads(self) -> None:
        self.listed(file("a", content_of(400_000)))
        leecher = self.taking(give_up_after_s=0.5)
        self.begin(leecher)
        self.assert_fails(leecher, KEY, NoSeederError)
        states = {event.state for event in leecher.log.of(DownloadChanged)}
        self.assertIn(DownloadState.LOOKING, states)
        self.assertNotIn(DownloadState.DOWNLOADING, states)

    def test_a_seeder_that_says_for_ever_that_it_reads_ends_nothing(self) -> None:
        self.constant("downloads.download_scope", "READING_S", 0.5)
        self.listed(ReadingLine(5))
        leecher = self.taking(give_up_after_s=0.5)
        self.begin(leecher)
        self.assertTrue(wait_for_end(leecher, KEY).state.is_final)

    def test_a_folder_of_which_nothing_is_read_yet_can_be_asked_for(self) -> None:
        files = {name: content_of(1_000, seed) for seed, name in enumerate("abc")}
        self.offering(files, "store")
        share = self.listed(ReadingLine(3))
        leecher = self.taking()
        self.begin(leecher)
        self.assertEqual(
            leecher.log.of(FilesListed)[-1].folders[:1], (ListedFolder(SHARE, "maps", 0, 0, 3),)
        )
        wait_for_state(leecher, KEY, DownloadState.LOOKING)
        share.tell([*(file(name, data) for name, data in files.items()), pack(files)])
        self.assert_done(leecher, files)

    def test_a_file_that_is_listed_later_and_is_here_already_is_not_fetched(self) -> None:
        files = {"a": content_of(300_000, 1), "b": content_of(300_000, 2)}
        self.offering({"a": files["a"]}, "store")
        share = self.listed(file("a", files["a"]), ReadingLine(1))
        (self.taken / "b").write_bytes(files["b"])
        leecher = self.taking()
        self.begin(leecher)
        wait_for_cause(leecher, "1 file left")
        share.tell([file(name, data) for name, data in files.items()])
        self.assert_done(leecher, files)
        self.assertIs(self.ended(leecher)["b"].state, DownloadState.SKIPPED)

    def test_a_file_that_changed_is_fetched_as_it_is_now(self) -> None:
        old, new, other = (content_of(600_000, seed) for seed in range(3))
        self.offering({"a": new, "b": other}, "store")
        share = self.listed(file("a", old), file("b", other))
        leecher = self.taking()
        self.begin(leecher)
        wait_until(lambda: "b" in self.ended(leecher))
        self.assertTrue((self.taken / "a.lmkpart").exists())
        share.tell([file("b", other), ReadingLine(1)])
        wait_for_cause(leecher, "1 file left")
        share.tell([file("a", new), file("b", other)])
        self.assert_done(leecher, {"a": new, "b": other})

    def test_what_is_here_stays_as_it_came(self) -> None:
        old, new, other = (content_of(300_000, seed) for seed in range(3))
        self.offering({"a": old, "x": new, "b": other}, "store")
        share = self.listed(file("a", old), ReadingLine(1))
        leecher = self.taking()
        self.begin(leecher)
        wait_until(lambda: "a" in self.ended(leecher))
        share.tell([file("a", new), file("b", other)])
        self.assert_done(leecher, {"a": old, "b": other})

    def test_what_nobody_offers_any_more_fails_and_the_rest_comes(self) -> None:
        gone, other = content_of(600_000, 1), content_of(600_000, 2)
        self.offering({"b": other}, "store")
        share = self.listed(file("a", gone), file("b", other))
        leecher = self.taking()
        self.begin(leecher)
        wait_until(lambda: "b" in self.ended(leecher))
        share.tell([file("b", other)])
        end = self.assert_fails(leecher, KEY, NoSeederError)
        self.assertIn("a is no longer shared", str(end.failure))
        self.assertEqual((end.files, end.files_ended), (2, 2))
        self.assertEqual((self.taken / "b").read_bytes(), other)

    def test_the_rest_of_a_pack_that_is_gone_comes_in_another_one(self) -> None:
        files = {f"{number:02}": content_of(100_000, number) for number in range(12)}
        before = files | {"05": content_of(90_000, 99)}
        folder = self.make_folder("store", files)
        for path in folder.iterdir():
            os.utime(path, (1_000_000_000, 1_000_000_000))
        self.seeder(folder, self.room)
        share = self.listed(*(file(name, data) for name, data in before.items()), pack(before))
        leecher = self.taking()
        self.begin(leecher)
        wait_until(lambda: any(self.taken.glob(".lmk-*")))
        share.tell([*(file(name, data) for name, data in files.items()), pack(files)])
        self.assert_done(leecher, files)

    def test_a_new_file_that_another_download_fetches_is_left_to_that(self) -> None:
        files = {"a": content_of(300_000, 1), "b": content_of(1_500_000, 2)}
        self.offering(files, "store")
        share = self.listed(file("a", files["a"]), ReadingLine(1))
        leecher = self.slow_leecher(1_000_000)
        self.wait_for_folders(leecher, 1, 2)
        self.begin(leecher)
        wait_for_cause(leecher, "1 file left")
        leecher.role.download(["b"], Existing.SKIP)
        wait_for_state(leecher, "b", DownloadState.DOWNLOADING)
        share.tell(file(name, data) for name, data in files.items())
        self.assertIs(wait_for_end(leecher, "b").state, DownloadState.DONE)
        self.assert_done(leecher, files)

    def test_without_the_seeder_what_was_listed_is_all(self) -> None:
        data = content_of(300_000)
        self.offering({"a": data}, "store")
        share = self.listed(file("a", data), ReadingLine(1))
        leecher = self.taking()
        self.begin(leecher)
        wait_for_cause(leecher, "1 file left")
        share.tell([])
        self.assert_done(leecher, {"a": data})


class RealFolderTest(FollowCase):
    """A seeder of ours whose folder is read, and changes, while it is downloaded."""

    def setUp(self) -> None:
        super().setUp()
        self.constant("joining.list_upload", "TELL_S", 0.1)

    def shared_key(self, leecher: Running[Leecher]) -> str:
        def folders() -> tuple[ListedFolder, ...]:
            leecher.role.refresh()
            lists = leecher.log.of(FilesListed)
            return lists[-1].folders if lists else ()

        wait_until(lambda: bool(folders()))
        return folders()[0].key

    def test_a_folder_that_is_still_being_read_comes_whole(self) -> None:
        files = {"a": content_of(1_000), "b": content_of(6_000_000, 2)}
        folder = self.make_folder("shared", files)
        self.enterContext(mock.patch("roles.sharing.hashing.BLOCK", 8))  # takes about a second
        self.seeder(folder, self.room, is_announced=False)
        leecher = self.taking()
        key = self.shared_key(leecher)
        listed = leecher.log.of(FilesListed)[-1].folders[0]
        self.assertLess(listed.files, 2)
        self.assertEqual(listed.files + listed.files_left, 2)
        leecher.role.download([key], Existing.SKIP)
        self.assertIs(wait_for_end(leecher, key, 60.0).state, DownloadState.DONE)
        self.assert_same_files(self.taken, files)

    def test_a_file_that_changes_in_the_middle_comes_as_it_is_then(self) -> None:
        small = {f"{number:02}": content_of(3_000, number) for number in range(20)}
        files = {"big": content_of(6_000_000, 77)} | small
        folder = self.make_folder("shared", files)
        self.seeder(folder, self.room, look_s=0.2)
        leecher = self.slow_leecher(1_500_000)
        list_now(leecher, *files)
        key = self.shared_key(leecher)
        leecher.role.download([key], Existing.SKIP)
        leecher.log.wait_for(DownloadChanged, where=lambda event: event.have > 1_000_000)
        files["big"] = content_of(2_000_000, 78)
        replace_file(folder / "big", files["big"])
        end = wait_for_end(leecher, key, 60.0)
        self.assertIs(end.state, DownloadState.DONE, end)
        self.assertEqual((end.files, end.files_ended, end.have), (21, 21, end.size))
        self.assert_same_files(self.taken, files)

    def test_what_came_of_a_pack_is_kept_when_one_of_its_files_changes(self) -> None:
        files = {f"{number:02}": content_of(10_000, number) for number in range(400)}
        folder = self.make_folder("shared", files)
        for path in folder.iterdir():
            os.utime(path, (1_000_000_000, 1_000_000_000))
        self.seeder(folder, self.room, look_s=0.2)
        leecher = self.slow_leecher(800_000)
        list_now(leecher, *files)
        key = self.shared_key(leecher)
        leecher.role.download([key], Existing.SKIP)
        half = leecher.log.wait_for(DownloadChanged, where=lambda event: event.have > 1_000_000)
        self.assertEqual(half.files_ended, 0)  # they come in one pack
        new = content_of(9_000, 999)
        replace_file(folder / "15", new)
        end = wait_for_end(leecher, key, 60.0)
        self.assertIs(end.state, DownloadState.DONE, end)
        self.assertEqual(self.ended(leecher).keys(), files.keys())
        found = (self.taken / "15").read_bytes()
        self.assertIn(found, (files["15"], new))  # as it was, when that had come before
        self.assert_same_files(self.taken, files | {"15": found})
        self.assertGreater(len(leecher.log.of(FilesEnded)), 1)  # some before the rest was asked for


def replace_file(path: Path, data: bytes) -> None:
    fresh = path.parent.with_name("fresh")  # not where a look at the folder could find it
    fresh.write_bytes(data)
    fresh.replace(path)


if __name__ == "__main__":
    unittest.main()
