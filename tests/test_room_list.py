"""The list of the room: what readers are told of each change, and its limits."""

from __future__ import annotations

import random
import unittest
from collections.abc import Iterable, Mapping
from typing import Any

from roles.room.registry_entry import Key
from roles.room.room_list import (
    Limits,
    ListRefusedError,
    Owner,
    RoomList,
    UnprovedList,
)
from roles.room.share_update import ShareUpdate
from roles.values.content import Content
from roles.values.list_lines import FileLine, FolderLine, TorrentLine, encode_line
from roles.wire.list_wire import ShareGone, ShareOpened, TellList
from roles.wire.tracker_messages import Code
from tests.packing import LineAdded, LineRemoved, decode_entry

PEER = "fedcba9876543210"
ONE, TWO = "0000000000000001", "0000000000000002"
ME, OTHER = (Owner(Key(ip, 12501, PEER), ip) for ip in ("10.0.0.1", "10.0.0.2"))
HERE = Owner(Key("127.0.0.1", 12501, PEER))


def file_line(path: str, *, mtime: int | None = None) -> str:
    root = (path.encode() * 32)[:32]
    return encode_line(FileLine(path, 5, Content(root, 5, 256 * 1024), mtime))


def torrent_line(letter: str) -> str:
    return encode_line(TorrentLine(letter.encode() * 20))


def unproved(files: Mapping[str, int]) -> list[str]:
    """The lines of a list that names no contents."""
    return [encode_line(FileLine(*file, None)) for file in files.items()]


class Reader:
    """Keeps the lines of every share as a leecher would."""

    def __init__(self) -> None:
        self.version = ""
        self.shares: dict[str, set[str]] = {}

    def read(self, version: str, is_whole: bool, texts: Iterable[str]) -> None:
        if is_whole:
            self.shares = {}
        self.version = version
        lines = set[str]()
        for text in texts:
            match decode_entry(text):
                case ShareOpened(share):
                    lines = self.shares.setdefault(share, set())
                case LineAdded(line):
                    lines.add(line)
                case LineRemoved(line):
                    lines.remove(line)
                case ShareGone(share):
                    del self.shares[share]


class RoomListTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.room_list = RoomList("0badcafe")
        self.reader = Reader()

    def begin(
        self,
        share: str,
        owner: Owner = ME,
        *,
        base: int = 0,
        revision: int = 1,
        whole: bool = True,
    ) -> ShareUpdate:
        call = TellList(share, "folder", PEER, 12501, whole, base, revision, 0)
        return ShareUpdate(self.room_list, call, owner)

    def tell(self, share: str, lines: Iterable[str], owner: Owner = ME, **rest: Any) -> None:
        update = self.begin(share, owner, **rest)
        try:
            for line in lines:
                update.take(line)
            for _ in update.finish():
                continue
        finally:
            update.abandon()

    def tell_lmk1(self, number: int, files: Mapping[str, int]) -> str:
        """A list told by LMK/1 from that machine; its share."""
        share, ip = f"lmk10a0000{number:02x}30d5", f"10.0.0.{number}"
        owner = Owner(Key(ip, 12501))
        self.room_list.put_unproved([UnprovedList(share, owner, ip, unproved(files))])
        return share

    def change(self, share: str, lines: Iterable[str], base: int) -> None:
        self.tell(share, lines, base=base, revision=base + 1, whole=False)

    def read(self) -> bool:
        """Let the reader fetch; whether it was told the whole."""
        is_whole, texts = self.room_list.texts_since(self.reader.version)
        self.reader.read(self.room_list.version, is_whole, texts)
        return is_whole

    def assert_refused(self, code: Code, share: str, lines: Iterable[str], **rest: Any) -> None:
        with self.assertRaises(ListRefusedError) as raised:
            self.tell(share, lines, **rest)
        self.assertEqual(raised.exception.code, code)

    def limit(self, **limits: int) -> None:
        """Begin with an empty list that has these limits."""
        self.room_list = RoomList("0badcafe", Limits(**limits))


class ReadersTest(RoomListTestCase):
    def test_a_room_without_shares_is_an_empty_whole_list(self) -> None:
        self.assertTrue(self.read())
        self.assertEqual(self.reader.shares, {})
        self.assertFalse(self.read())

    def test_a_reader_is_told_the_whole_and_then_what_changed(self) -> None:
        self.tell(ONE, ["+a", "+b"])
        self.assertTrue(self.read())
        self.change(ONE, ["-a", "+c"], base=1)
        self.tell(TWO, ["+a"], OTHER)
        self.assertFalse(self.read())
        self.assertEqual(self.reader.shares, {ONE: {"b", "c"}, TWO: {"a"}})
        self.room_list.drop(ONE)
        self.assertFalse(self.read())
        self.assertEqual(self.reader.shares, {TWO: {"a"}})

    def test_a_list_that_is_told_again_changes_only_what_is_other(self) -> None:
        self.tell(ONE, ["+a", "+b"])
        version = self.room_list.version
        self.tell(ONE, ["+b", "+a"], revision=7)
        self.assertEqual(self.room_list.version, version)
        self.tell(ONE, ["+b", "+c"], revision=8)
        _, texts = self.room_list.texts_since(version)
        self.assertEqual(list(texts), [f'S["{ONE}","folder"]', "-a", "+c"])

    def test_readers_who_know_any_version_all_get_the_same_list(self) -> None:
        rng, readers = random.Random(5), [Reader() for _ in range(6)]
        self.limit(logged=40)
        truth: dict[str, set[str]] = {}
        revisions = {ONE: 0, TWO: 0}
        for _ in range(300):
            share = rng.choice((ONE, TWO))
            if rng.random() < 0.1:
                self.room_list.drop(share)
                truth.pop(share, None)
            elif share in truth and rng.random() < 0.7:
                lines = {rng.choice("abcdefgh") for _ in range(3)}
                self.change(
                    share,
                    [("-" if line in truth[share] else "+") + line for line in sorted(lines)],
                    revisions[share],
                )
                truth[share] ^= lines
                revisions[share] += 1
            else:
                truth[share] = {rng.choice("abcdefgh") for _ in range(4)}
                revisions[share] += 1
                self.tell(share, ["+" + line for line in truth[share]], revision=revisions[share])
            for self.reader in rng.sample(readers, 2):
                self.read()
                self.assertEqual(self.reader.shares, truth)

    def test_who_knows_a_version_of_another_run_gets_the_whole(self) -> None:
        self.tell(ONE, ["+a"])
        for version in ("", "deadbeef-0", "0badcafe-9", "0badcafe--1", "0badcafe-x", "0badcafe"):
            self.assertTrue(self.room_list.texts_since(version)[0], version)

    def test_a_list_stays_as_it_was_while_somebody_takes_it(self) -> None:
        self.tell(ONE, [f"+{number}" for number in range(100)])
        _, texts = self.room_list.texts_since("")
        next(texts)
        self.change(ONE, [f"-{number}" for number in range(100)], base=1)
        self.assertEqual(len(list(texts)), 100)


class LimitsTest(RoomListTestCase):
    def test_a_host_that_fills_its_part_leaves_the_rest_for_others(self) -> None:
        for limits in ({"lines": 8}, {"size": 8 * 3}):
            with self.subTest(limits):
                self.limit(**limits)
                self.tell(ONE, ["+a", "+b", "+c", "+d"])  # nobody else is there
                self.assert_refused(Code.FULL, ONE, ["+a", "+b", "+c", "+d", "+e"], revision=2)
                self.tell(TWO, ["+e", "+f"], OTHER)
                self.assert_refused(Code.FULL, TWO, ["+e", "+f", "+g"], owner=OTHER, revision=2)
                self.tell("3" * 16, ["+e", "+f"], HERE)
                self.room_list.drop(ONE)
                self.tell(TWO, ["+e", "+f"], OTHER, revision=2)
                self.tell("4" * 16, ["+a", "+b"], ME)

    def test_the_trackers_own_machine_may_fill_the_room(self) -> None:
        self.limit(lines=8)
        lines = [f"+{number}" for number in range(8)]
        self.tell(ONE, lines, HERE)
        self.assertEqual(self.room_list._lines, len(lines))

    def test_what_is_handed_over_counts_for_the_new_owner(self) -> None:
        self.limit(lines=8)
        self.tell(ONE, ["+a", "+b"])
        self.room_list.hand_over(ONE, OTHER)
        self.tell(TWO, ["+a", "+b"], ME)
        self.assert_refused(Code.FULL, "3" * 16, ["+c"], owner=OTHER)
        self.room_list.drop(ONE)
        self.assertEqual(len(self.room_list._host_lines), 1)

    def test_the_room_may_have_so_many_lines_and_bytes(self) -> None:
        for limits in ({"lines": 3}, {"size": 9}):
            with self.subTest(limits):
                self.limit(**limits)
                self.tell(ONE, ["+a", "+b"], HERE)
                self.assert_refused(Code.FULL, TWO, ["+c", "+d"], owner=HERE)
                self.tell(ONE, ["+b", "+c"], HERE)  # what goes and stays is not counted twice
                self.tell(TWO, ["+d"], HERE)

    def test_what_was_given_up_is_counted_back(self) -> None:
        self.limit(lines=6)
        for _ in range(5):
            self.assert_refused(Code.FULL, ONE, ["+a", "+b", "+c", "+d"])
            self.tell(ONE, ["+a", "+b", "+c"])
            self.room_list.drop(ONE)
            self.tell(ONE, ["+d"])
            self.tell(ONE, ["+e", "+f"], revision=2)
            self.change(ONE, ["+g", "-g", "+h", "-e"], base=2)
            self.room_list.drop(ONE)

    def test_the_log_of_changes_is_short(self) -> None:
        self.limit(logged_steps=2)
        self.tell(ONE, ["+a"])
        versions = [self.room_list.version]
        for base in range(1, 4):
            self.change(ONE, [f"+{base}"], base)
            versions.append(self.room_list.version)
        reached = [self.room_list.reaches(version) for version in versions]
        self.assertEqual(reached, [False, True, True, True])


class CountTest(RoomListTestCase):
    def test_files_are_counted(self) -> None:
        folder = encode_line(FolderLine("d"))
        self.tell(ONE, ["+" + line for line in (file_line("b"), folder, "nonsense", '["f",1]')])
        self.tell_lmk1(7, {"a": 7})
        self.assertEqual(self.room_list.file_count, 3)

    def test_two_copies_of_a_folder_count_once(self) -> None:
        self.tell(ONE, ["+" + file_line("a"), "+" + file_line("b")])
        self.tell(TWO, ["+" + file_line("b", mtime=9), "+" + file_line("a")], OTHER)
        self.assertEqual(self.room_list.file_count, 2)
        self.change(ONE, ["-" + file_line("a")], base=1)
        self.assertEqual(self.room_list.file_count, 3)


class TorrentsTest(RoomListTestCase):
    def test_the_torrents_of_the_room_are_those_of_its_shares(self) -> None:
        self.assertEqual(self.room_list.torrents(), {})
        self.tell(ONE, ["+" + file_line("a"), "+" + torrent_line("a")])
        self.tell(TWO, ["+" + torrent_line("b")], OTHER)
        both = {b"a" * 20: "10.0.0.1", b"b" * 20: "10.0.0.2"}
        self.assertEqual(self.room_list.torrents(), both)
        self.assertIs(self.room_list.torrents(), self.room_list.torrents())
        self.room_list.drop(TWO)
        self.assertEqual(self.room_list.torrents(), {b"a" * 20: "10.0.0.1"})

    def test_a_changed_folder_has_its_new_torrent_only(self) -> None:
        self.tell(ONE, ["+" + file_line("a"), "+" + torrent_line("a")])
        self.change(ONE, ["-" + torrent_line("a"), "+" + torrent_line("b")], base=1)
        self.assertEqual(self.room_list.torrents(), {b"b" * 20: "10.0.0.1"})
        self.change(ONE, ["-" + torrent_line("b")], base=2)
        self.assertEqual(self.room_list.torrents(), {})

    def test_a_share_whose_seeder_is_gone_keeps_its_torrent(self) -> None:
        self.tell(ONE, ['+["r",3]', "+" + torrent_line("a")])
        self.room_list.leave(ONE, ME)
        self.assertEqual(self.room_list.torrents(), {b"a" * 20: "10.0.0.1"})

    def test_a_share_has_one_torrent_and_a_line_that_cannot_be_read_is_none(self) -> None:
        self.tell(ONE, ["+" + torrent_line("a"), "+" + torrent_line("b")])
        self.tell(TWO, ['+["t","zz"]', "+" + torrent_line("c")], OTHER)
        self.assertEqual(self.room_list.torrents(), {b"a" * 20: "10.0.0.1"})


class Lmk1Test(RoomListTestCase):
    """Lists told by LMK/1, whose sources may be forged."""

    def test_one_step_tells_what_came_changed_and_went(self) -> None:
        first, second = self.tell_lmk1(1, {"a": 1}), self.tell_lmk1(2, {"b": 1, "c": 1})
        self.read()
        version = self.room_list.version
        owners = [Owner(Key(f"10.0.0.{number}", 12501)) for number in (1, 2, 3)]
        third = "lmk10a00000330d5"
        self.room_list.put_unproved(
            [
                UnprovedList(first, owners[0], "10.0.0.1", ()),
                UnprovedList(second, owners[1], "10.0.0.2", unproved({"c": 1, "d": 1})),
                UnprovedList(third, owners[2], "10.0.0.3", unproved({"e": 1})),
                UnprovedList("lmk10a00000430d5", owners[2], "nothing", ()),
            ]
        )
        self.assertEqual(self.steps_since(version), 1)
        self.assertFalse(self.read())
        lines = {share: sorted(lines) for share, lines in self.reader.shares.items()}
        self.assertEqual(lines, {second: ['["f","c",1]', '["f","d",1]'], third: ['["f","e",1]']})

    def steps_since(self, version: str) -> int:
        now, then = (text.partition("-")[2] for text in (self.room_list.version, version))
        return int(now) - int(then)

    def test_the_same_list_again_is_no_change(self) -> None:
        self.tell_lmk1(1, {"a": 1})
        version = self.room_list.version
        self.tell_lmk1(1, {"a": 1})
        self.assertEqual(self.room_list.version, version)

    def test_they_have_a_fourth_of_the_room_and_what_is_more_is_left_out(self) -> None:
        for limits in ({"lines": 16}, {"size": 16 * 13}):
            with self.subTest(limits):
                self.limit(**limits)
                for number in range(1, 7):
                    self.tell_lmk1(number, {"a": 1})
                self.assertEqual(len(self.room_list._shares), 4)
                self.tell_lmk1(1, {})
                self.tell_lmk1(9, {"b": 1})
                self.assertEqual(len(self.room_list._shares), 4)

    def test_they_make_room_for_lmk2_and_count_in_nobodys_part(self) -> None:
        for limits in ({"lines": 16}, {"size": 16 * 13}):
            with self.subTest(limits):
                self.limit(**limits)
                for number in range(1, 5):
                    self.tell_lmk1(number, {"a": 1})
                line = '["f","%s",1]'
                self.tell(ONE, [f"+{line % letter}" for letter in "abcdefgh"], ME)
                self.assertEqual(len(self.room_list._shares), 5)
                self.tell(TWO, [f"+{line % letter}" for letter in "abcdefgh"], HERE)
                self.assertEqual(list(self.room_list._shares), [ONE, TWO])
                self.assertEqual(self.room_list._unproved_lines, 0)
                self.read()
                self.assertEqual(set(self.reader.shares), {ONE, TWO})
                self.assert_refused(Code.FULL, "3" * 16, ["+x"], owner=HERE)

    def test_a_list_that_has_no_room_drops_none_of_them(self) -> None:
        self.limit(lines=8)
        self.tell(ONE, ["+a", "+b", "+c", "+d", "+e", "+f"], HERE)
        share = self.tell_lmk1(1, {"a": 1})
        self.tell(TWO, ["+a"], HERE)
        with self.assertRaises(ListRefusedError):
            self.room_list.reserve(2, 2, HERE)
        self.assertIsNotNone(self.room_list.share(share))

    def test_they_take_no_place_of_the_shares_of_lmk2(self) -> None:
        self.limit(shares=3)
        for number in range(1, 5):
            self.tell_lmk1(number, {"a": 1})
        self.assertEqual(len(self.room_list._shares), 3)
        for number in range(3):
            self.tell(f"{number:016}", ["+a"])
        self.assertEqual(list(self.room_list._shares), [f"{number:016}" for number in range(3)])
        self.assert_refused(Code.FULL, "3" * 16, ["+a"])
