"""What a leecher hears of files of LMK/1 and of their seeders, from trackers of both kinds."""

from __future__ import annotations

from roles.values.addresses import Address
from roles.values.listed_file import ListedFile
from tests.scripted_tracker import ScriptedTracker
from tests.support import wait_until
from tests.test_room_reader import CONTENT, FIRST, HOST, SECOND, RoomReaderTest
from tests.tracker_requests import ask, list_as_lmk2, register


class OurTrackerTest(RoomReaderTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address

    def test_every_original_with_the_file_is_named_and_later_ones_too(self) -> None:
        register(self.room, FIRST, {"a": 7, "b": 1})
        register(self.room, SECOND, {"a": 7})
        register(self.room, (HOST, 5_003), {"a": 8})
        reader = self.reader(self.room)
        listed = self.listed(reader)
        file = next(file for file in listed.files if file.name == "a" and file.size == 7)
        self.sought_files = (file,)
        wait_until(lambda: set(self.finder.seeders(file)) == {FIRST, SECOND})
        register(self.room, (HOST, 5_004), {"a": 7})
        wait_until(lambda: (HOST, 5_004) in self.finder.seeders(file))
        self.assertNotIn((HOST, 5_003), self.finder.seeders(file))
        self.assertEqual(self.peers, set())

    def test_a_seeder_of_lmk2_that_comes_later_is_named_for_what_began_by_lmk1(self) -> None:
        register(self.room, FIRST, {"a": len(CONTENT)})
        reader = self.reader(self.room)
        (file,) = self.listed(reader).files
        self.sought_files = (file,)
        list_as_lmk2(self.room, SECOND, {"a": CONTENT})
        wait_until(lambda: SECOND in self.finder.seeders(file))


class OriginalTrackerTest(RoomReaderTest):
    def setUp(self) -> None:
        super().setUp()
        self.old = self.original_tracker()
        self.room = self.old.address

    def test_files_and_seeders_are_listed_and_nothing_is_said_that_it_keeps(self) -> None:
        register(self.room, FIRST, {"b": 1, "a": 2, "../c": 3})
        reader = self.reader(self.room)
        listed = self.listed(reader)
        self.assertEqual(listed.files, (ListedFile("a", 2), ListedFile("b", 1)))
        self.assertEqual((listed.seeders, listed.folders), ((Address(*FIRST),), ()))
        self.assertEqual(len(listed.refused), 1)
        self.assertEqual(self.finder.seeders(listed.files[0]), (Address(*FIRST),))
        self.assertIsNone(reader.select("a"))
        self.old.wait_for("tracker heard request_seeder_list")  # what it says comes later
        heard = {line.removeprefix("tracker heard ") for line in self.old.lines[1:]}
        allowed = {"add_seeder", "upload_file_list", "request_file_list", "request_seeder_list"}
        self.assertLessEqual(heard, allowed)
        self.assertEqual(sum("add_seeder" in line for line in self.old.lines), 1)

    def test_seeders_that_come_later_are_named(self) -> None:
        register(self.room, FIRST, {"a": 2})
        reader = self.reader(self.room)
        (file,) = self.listed(reader).files
        self.sought_files = (file,)
        register(self.room, SECOND, {"a": 2})
        wait_until(lambda: set(self.finder.seeders(file)) == {FIRST, SECOND})

    def test_loopback_and_everywhere_are_the_trackers_machine(self) -> None:
        ask(self.room, b'add_seeder\n["0.0.0.0", 5001]')
        ask(self.room, b'upload_file_list\n{"a": 1}')
        reader = self.reader(self.room)
        self.assertEqual(self.listed(reader).seeders, (Address(*FIRST),))

    def test_only_those_that_can_be_seeders_are_passed_on(self) -> None:
        seeders = b'[["10.0.0.9",25],["10.0.0.9",9100],["239.0.0.1",12501],["pc",80],["pc",12501]]'
        tracker = ScriptedTracker(
            lambda datagram, _: [b'{"a":1}' if b"file" in datagram else seeders, b"success"]
        )
        self.addCleanup(tracker.close)
        listed = self.listed(self.reader(tracker.address))
        self.assertEqual(listed.seeders, (Address("pc", 12501),))
