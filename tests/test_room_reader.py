"""A leecher's view of its tracker: lists, what a key means, and who is named for a download."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from unittest import mock

from roles.joining import room_reader
from roles.joining.list_copy import Limits, ListCopy, Selection
from roles.joining.peer_finder import PeerFinder
from roles.joining.room_reader import RoomReader
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.seeder_finder import SeederFinder
from roles.values.addresses import Address
from roles.values.events import FilesListed, ListFailed
from roles.values.listed_file import ListedFile
from tests.role_test import RoomTest, content_of
from tests.support import EventLog, wait_until
from tests.tracker_requests import list_as_lmk2, register

HOST = "127.0.0.1"
FIRST, SECOND = (HOST, 5_001), (HOST, 5_002)
SHARE, OTHER = "1" * 16, "2" * 16
CONTENT = content_of(600_000)


class RoomReaderTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.log = EventLog()
        self.sought = dict[str, Selection]()
        self.sought_files: tuple[ListedFile, ...] = ()  # by LMK/1
        self.shares: tuple[str, ...] = ()  # of LMK/2, the newest that were found
        self.peers = set[Address]()
        self.lists = 0

    def join(self, shares: Iterable[str]) -> None:
        self.shares = tuple(shares)

    def found(self, peers: Iterable[Address]) -> bool:
        known, self.peers = self.peers, self.peers | set(peers)
        return self.peers != known

    def note_list(self) -> None:
        self.lists += 1

    def reader(self, tracker: tuple[str, int]) -> RoomReader:
        """One that works until the test ends."""
        stopping = threading.Event()
        locator = TrackerLocator(Address(*tracker), stopping=stopping)
        self.finder = SeederFinder(locator, lambda: self.sought_files)
        reader = RoomReader(
            locator,
            self.log,
            self.finder,
            PeerFinder(
                locator,
                self.finder,
                sought=lambda: self.sought,
                join=self.join,
                found=self.found,
            ),
            listed=self.note_list,
        )
        thread = threading.Thread(target=reader.run, name="lmk-reader")
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stopping.set)
        return reader

    def listed(self, reader: RoomReader) -> FilesListed:
        """A fresh list."""
        self.log.wait_for(FilesListed)
        self.log.clear()
        reader.refresh()
        return self.log.wait_for(FilesListed)

    def wanted(self, reader: RoomReader, key: str) -> Selection:
        found = reader.select(key)
        assert found is not None
        return found[0]


class ListsOfOurTracker(RoomReaderTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address

    def test_files_of_both_versions_are_listed_each_under_its_key(self) -> None:
        list_as_lmk2(self.room, FIRST, {"new": CONTENT, "sub/new": CONTENT})
        register(self.room, SECOND, {"old": 7})
        reader = self.reader(self.room)
        listed = self.listed(reader)
        self.assertEqual([file.key for file in listed.files], ["new", "old", "sub/new"])
        self.assertEqual(len(listed.folders), 1)
        self.assertEqual(self.lists, 2)
        old = self.finder.file("old")
        assert old is not None
        self.assertEqual((old.size, old.root), (7, b""))
        self.assertIsNone(reader.select("old") if self.finder.file("new") else None)
        self.assertEqual([file.path for file in self.wanted(reader, "new").files], ["new"])
        below = self.wanted(reader, "folder:sub")
        self.assertEqual([file.path for file in below.files], ["sub/new"])

    def test_lines_without_room_are_left_out_with_a_word_in_the_log(self) -> None:
        short = partial(ListCopy, limits=Limits(share_lines=2))
        self.enterContext(mock.patch.object(room_reader, "ListCopy", short))
        list_as_lmk2(self.room, FIRST, dict.fromkeys("abcd", CONTENT))
        with self.assertLogs("roles.joining.room_reader", "WARNING") as logs:
            reader = self.reader(self.room)
            self.assertEqual(len(self.listed(reader).files), 2)
        self.assertEqual(len(logs.output), 1)
        self.assertIn("2 lines of the tracker's list are left out", logs.output[0])

    def test_what_changed_is_listed_with_the_next_question(self) -> None:
        reader = self.reader(self.room)
        self.assertEqual(self.listed(reader).files, ())
        register(self.room, FIRST, {"a": 1})
        self.assertEqual([file.name for file in self.listed(reader).files], ["a"])
        register(self.room, FIRST, {"b": 1})
        self.assertEqual([file.name for file in self.listed(reader).files], ["b"])

    def test_a_tracker_that_restarted_is_asked_for_everything(self) -> None:
        room = self.tracker(self.free_address())
        list_as_lmk2(room.address, FIRST, {"a": CONTENT})
        reader = self.reader(room.address)
        self.assertEqual(len(self.listed(reader).files), 1)
        address = room.address
        room.stop()
        self.tracker(address)
        self.assertEqual(self.listed(reader).files, ())
        list_as_lmk2(address, FIRST, {"b": CONTENT})
        self.assertEqual([file.name for file in self.listed(reader).files], ["b"])

    def test_a_silent_tracker_is_told_and_asked_again(self) -> None:
        address = Address(HOST, self.free_port("udp"))
        reader = self.reader(address)
        self.assertEqual(self.log.wait_for(ListFailed).tracker, address)
        self.tracker(address)
        reader.refresh()
        self.log.wait_for(FilesListed)

    def test_nobody_is_looked_for_while_nothing_is_sought(self) -> None:
        list_as_lmk2(self.room, FIRST, {"a": CONTENT})
        reader = self.reader(self.room)
        for _ in range(3):
            self.listed(reader)
        self.assertEqual((self.shares, self.peers), ((), set()))


class HoldersAtOurTracker(RoomReaderTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address

    def test_peers_with_the_content_are_found_and_those_that_come_later_too(self) -> None:
        list_as_lmk2(self.room, FIRST, {"a": CONTENT}, share=SHARE)
        reader = self.reader(self.room)
        self.listed(reader)
        self.sought = {"a": self.wanted(reader, "a")}
        wait_until(lambda: self.peers == {Address(*FIRST)})
        list_as_lmk2(self.room, SECOND, {"b": CONTENT}, share=OTHER, peer="e" * 16)
        wait_until(lambda: self.peers == {Address(*FIRST), Address(*SECOND)})
        self.assertEqual(self.shares, (SHARE, OTHER))

    def test_peers_with_another_content_of_that_name_are_not(self) -> None:
        list_as_lmk2(self.room, FIRST, {"a": CONTENT}, share=SHARE)
        list_as_lmk2(self.room, SECOND, {"a": CONTENT[1:]}, share=OTHER, peer="e" * 16)
        reader = self.reader(self.room)
        keys = [file.key for file in self.listed(reader).files]
        self.assertEqual(len(set(keys)), 2)
        selection = next(w for w in map(reader.select, keys) if w and w[0].size == len(CONTENT))[0]
        self.sought = {"a": selection}
        wait_until(lambda: self.peers == {Address(*FIRST)})
        for _ in range(3):
            self.listed(reader)
        self.assertEqual(self.peers, {Address(*FIRST)})

    def test_more_folders_than_one_question_holds_are_all_asked_for(self) -> None:
        ports = range(5_001, 5_013)
        for port in ports:
            list_as_lmk2(
                self.room, (HOST, port), {"a": CONTENT}, share=f"{port:016}", peer=f"{port:016}"
            )
        reader = self.reader(self.room)
        self.listed(reader)
        self.sought = {"a": self.wanted(reader, "a")}
        wait_until(lambda: self.peers == {Address(HOST, port) for port in ports})


class AnOriginalTracker(RoomReaderTest):
    def test_ours_in_its_place_is_noticed_with_the_next_list(self) -> None:
        old = self.original_tracker()
        self.room = old.address
        register(self.room, FIRST, {"a": 2})
        reader = self.reader(self.room)
        self.listed(reader)
        address = Address(*self.room)
        old.close()
        self.tracker(address)
        list_as_lmk2(address, FIRST, {"b": CONTENT})
        self.assertEqual([file.name for file in self.listed(reader).files], ["b"])
        self.assertEqual(len(self.wanted(reader, "b").files), 1)

    def test_its_files_go_with_it_although_the_new_room_is_empty(self) -> None:
        old = self.original_tracker()
        register(old.address, FIRST, {"a": 2})
        reader = self.reader(old.address)
        self.listed(reader)
        self.assertIsNotNone(self.finder.file("a"))
        address = Address(*old.address)
        old.close()
        self.tracker(address)
        self.assertEqual(self.listed(reader).files, ())
        self.assertIsNone(self.finder.file("a"))
