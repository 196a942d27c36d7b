"""The seeders of LMK/1 at a tracker: whom it believes, what it tells, and when it forgets."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from unittest import mock

from roles.lmk1 import seeder_table
from roles.lmk1.readers_list import MAX_LISTED_SEEDERS
from roles.lmk1.seeder_table import (
    MAX_NAMES,
    MAX_SEEDERS,
    ORIGINAL_LIFETIME_S,
    STAYED_S,
    STEP_FILES,
    SeederTable,
)
from roles.lmk1.tracker_wire import encode_file_list
from roles.room import registry
from roles.room.registry import MAX_PER_HOST, Registry
from roles.room.registry_entry import LIFETIME_S, Key, Origin, Reader
from roles.values.addresses import Address
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.values.listed_file import ListedFile
from roles.wire.tracker_messages import Register, TellFiles
from tests.tracker_tables import (
    HERE,
    ID,
    LAN_HERE,
    LOCAL_READER,
    REMOTE_READER,
    ProgramsTest,
    TablesTest,
    pc,
)


def count_of(table: SeederTable) -> int:
    return sum(1 for _ in table.participants())


def table_with(saved: Iterable[object]) -> SeederTable:
    table = SeederTable(Registry())
    table.restore(saved, now=0.0)
    return table


class GroupTest(TablesTest):
    def test_nothing_is_told_of_an_empty_room(self) -> None:
        self.assertEqual((self.files(), self.listed()), ({}, []))

    def test_a_seeder_without_a_list_is_not_told_of(self) -> None:
        self.add(pc(1))
        self.assertEqual((self.files(), self.listed()), ({}, []))

    def test_every_listed_seeder_holds_every_listed_file(self) -> None:
        rng = random.Random(3)
        for _ in range(300):
            self.begin()
            lists: dict[Address, dict[str, int]] = {}
            for number in range(rng.randrange(1, 9)):
                files = {name: rng.choice((1, 2)) for name in "abcde" if rng.random() < 0.6}
                lists[self.seeder(number, files)] = files
            told = self.files()
            seeders = self.listed()
            self.assertEqual(bool(told), bool(seeders))
            for seeder in seeders:
                self.assertLessEqual(told.items(), lists[seeder].items())
            self.assertEqual(len(told), max(len(files) for files in lists.values()))

    def test_the_group_with_most_files_is_told_of_then_the_one_with_most_seeders(self) -> None:
        self.seeder(1, {"a": 1})
        self.seeder(2, {"a": 1})
        self.seeder(3, {"b": 1, "c": 1})
        pair = {self.seeder(4, {"a": 1, "d": 1}), self.seeder(5, {"a": 1, "d": 1})}
        self.assertEqual(self.files(), {"a": 1, "d": 1})
        self.assertEqual(set(self.listed()), pair)

    def test_a_seeder_with_more_files_than_the_list_holds_counts_for_those_that_fit(self) -> None:
        many = {f"{number:03}-{'x' * 60}": number for number in range(100)}
        first = self.seeder(1, many)
        told = self.files()
        self.assertEqual(list(told.items()), list(many.items())[: len(told)])
        self.assertEqual(encode_file_list(told.items())[1], len(told))
        second = self.seeder(2, dict(list(many.items())[:50]))
        self.assertGreater(50, len(told))
        self.assertEqual(set(self.listed()), {first, second})

    def test_the_same_name_with_another_size_is_another_file(self) -> None:
        self.seeder(1, {"a": 1, "b": 1})
        self.seeder(2, {"a": 2})
        self.assertEqual(self.listed(), [Address(pc(1).ip, 12501)])
        self.settled()
        self.assertEqual(self.shown(), (ListedFile("a", 1), ListedFile("a", 2), ListedFile("b", 1)))

    def test_a_new_list_replaces_the_seeders_own_and_nobody_elses(self) -> None:
        self.seeder(1, {"a": 1})
        self.seeder(2, {"b": 1, "c": 2})
        self.table.upload({"d": 4}, pc(1))
        self.assertEqual(self.settled(), ["b", "c", "d"])
        self.table.upload({}, pc(2))
        self.assertEqual(self.files(), {"d": 4})

    def test_at_most_five_seeders_are_told_of_and_each_has_its_turn(self) -> None:
        everyone = {self.seeder(number, {"a": 1}) for number in range(12)}
        seen = [self.listed() for _ in range(12)]
        self.assertEqual({len(turn) for turn in seen}, {MAX_LISTED_SEEDERS})
        self.assertEqual({len(set(turn)) for turn in seen}, {MAX_LISTED_SEEDERS})
        self.assertEqual({seeder for turn in seen for seeder in turn}, everyone)
        self.assertEqual({turn[0] for turn in seen}, everyone)

    def test_a_list_of_thousands_of_seeders_is_made_in_no_time(self) -> None:
        self.fill(MAX_SEEDERS)
        self.assertEqual(len(self.files()), 2)  # comparing them in pairs would take minutes


class WhoseListTest(TablesTest):
    def names(self) -> dict[Address, int]:
        return {seeder.address: seeder.files for seeder in self.seeders()}

    def test_an_upload_belongs_to_the_latest_add_seeder_from_there(self) -> None:
        self.add(pc(1), port=12501)
        self.add(pc(1), port=12502)
        self.table.upload({"a": 1}, pc(1))
        self.assertEqual(list(self.names().values()), [0, 1])

    def test_also_when_that_was_registered_already(self) -> None:
        self.assertTrue(self.add(pc(1), port=12501))
        self.assertTrue(self.add(pc(1), port=12502))
        self.assertFalse(self.add(pc(1), port=12501))
        self.table.upload({"a": 1}, pc(1))
        self.assertEqual(self.names()[Address(pc(1).ip, 12501)], 1)
        self.assertEqual(self.names()[Address(pc(1).ip, 12502)], 0)

    def test_an_unknown_originals_ping_does_not_catch_anothers_upload(self) -> None:
        self.add(pc(1), port=12501)
        self.ping(pc(1), port=12509)
        self.table.upload({"a": 1}, pc(1))
        self.assertEqual(self.names()[Address(pc(1).ip, 12501)], 1)

    def test_an_upload_from_a_machine_without_a_seeder_is_nobodys(self) -> None:
        self.add(pc(1))
        self.assertFalse(self.table.upload({"a": 1}, pc(2)))
        self.assertEqual(self.settled(), [])

    def test_the_list_of_a_seeder_that_was_refused_is_nobodys(self) -> None:
        for port in range(12501, 12501 + MAX_PER_HOST):
            self.add(pc(1), port=port)
        with self.assertRaises(PeerProtocolError):
            self.add(pc(1), port=13000)
        self.assertFalse(self.table.upload({"a": 1}, pc(1)))

    def test_names_that_could_leave_a_leechers_folder_are_not_passed_on(self) -> None:
        self.add(pc(1))
        hostile = (
            "../x",
            "/etc/passwd",
            "a/b",
            "a\\b",
            "C:x",
            "..",
            "",
            "a\0",
            "a\nb",
            "x.lmkpart",
        )
        self.table.upload({**dict.fromkeys(hostile, 1), "good": 2, "con": 3}, pc(1))
        self.assertEqual(self.files(), {"con": 3, "good": 2})
        self.assertEqual(len(self.settled()), 2)


class LifetimeTest(TablesTest):
    def test_an_original_is_forgotten_after_ten_minutes_of_silence(self) -> None:
        self.assertEqual(ORIGINAL_LIFETIME_S, 600)
        self.seeder(1, {"a": 1})
        self.assertFalse(self.expire(600.0))
        self.assertEqual(self.files(), {"a": 1})
        self.assertTrue(self.expire(600.1))
        self.assertEqual((self.files(), self.seeders()), ({}, []))
        self.assertFalse(self.expire(601.0))

    def test_a_ping_keeps_a_seeder(self) -> None:
        self.add(pc(1), now=0.0)
        self.ping(pc(1), now=500.0)
        self.assertFalse(self.expire(1100.0))
        self.assertTrue(self.expire(1100.1))

    def test_registering_again_keeps_a_seeder_with_its_list(self) -> None:
        self.seeder(1, {"a": 1})
        self.assertFalse(self.add(pc(1), now=500.0))
        self.assertFalse(self.expire(1100.0))
        self.assertEqual(self.files(), {"a": 1})

    def test_only_those_are_forgotten_who_were_silent(self) -> None:
        self.seeder(1, {"a": 1})
        self.seeder(2, {"b": 1})
        self.ping(pc(2), now=400.0)
        self.expire(700.0)
        self.assertEqual(self.files(), {"b": 1})

    def test_an_unknown_originals_ping_registers_it(self) -> None:
        self.ping(pc(1), now=5.0)
        self.assertEqual([seeder.is_original for seeder in self.seeders()], [True])
        self.assertFalse(self.add(pc(1)))

    def test_nothing_is_remembered_of_those_who_came_and_went(self) -> None:
        for number in range(1000):
            self.add(pc(number))
        while self.expire(ORIGINAL_LIFETIME_S + 1):
            pass
        self.assertEqual(len(self.table._latest), 0)


class RoomTest(TablesTest):
    def test_one_machine_has_eight_seeders_and_no_more(self) -> None:
        for port in range(12501, 12509):
            self.add(pc(1), port=port)
        with self.assertRaises(PeerProtocolError):
            self.add(pc(1), port=12509)
        with self.assertRaises(PeerProtocolError):
            self.ping(pc(1), port=12509)
        self.assertFalse(self.add(pc(1), port=12501))
        self.assertTrue(self.add(pc(2), port=12509))

    def test_the_trackers_own_machine_is_exempt(self) -> None:
        for port in range(12501, 12531):
            self.add(HERE, port=port)
        self.assertEqual(len(self.seeders()), 30)

    def test_a_full_table_takes_no_more_and_no_more_memory(self) -> None:
        self.fill(MAX_SEEDERS)
        for number in range(MAX_SEEDERS, MAX_SEEDERS + 100):
            with self.assertRaises(PeerProtocolError):
                self.add(pc(number))
        self.assertLessEqual(len(self.table._latest), MAX_SEEDERS)
        self.assertFalse(self.add(pc(0)))

    def test_where_only_the_trackers_computer_offers_others_are_not_listed(self) -> None:
        self.stayed(1, {"a": 1})
        self.registry = Registry(offers_here=True)
        saved, self.table = self.saved(), SeederTable(self.registry)
        self.table.restore(saved, now=0.0)
        self.assertEqual(count_of(self.table), 0)
        for come in (self.add, self.ping):
            with self.assertRaises(PeerProtocolError):
                come(pc(2))
        self.table.upload({"b": 1}, pc(2))
        me = Register(ID, Address(pc(3).ip, 12501), ID, "pc", is_leecher=False)
        self.registry.register(me, pc(3), now=0.0)
        self.assertTrue(self.registry.upload(TellFiles(ID, {"c": 1}, ID, 12501), pc(3)))
        self.assertTrue(self.add(HERE))
        self.table.upload({"d": 1}, HERE)
        self.assertEqual(set(self.table.files_for_readers(is_here=True)), {"d"})
        other = replace(HERE, is_here=False)  # another computer has that address now
        with self.assertRaises(PeerProtocolError):
            self.add(other)
        self.add(HERE)
        self.assertFalse(self.table.upload({"e": 1}, other))
        self.assertEqual(set(self.table.files_for_readers(is_here=True)), {"d"})

    def test_nobody_registers_from_where_nobody_can_be_reached(self) -> None:
        for ip in ("0.0.0.0", "255.255.255.255", "224.0.0.1"):
            with self.subTest(ip=ip), self.assertRaises(PeerProtocolError):
                self.add(Origin(ip, is_here=False), "10.0.0.1")

    def test_nobody_is_sent_to_the_ports_of_other_services_not_even_on_this_machine(self) -> None:
        for port in (1, 22, 80, 1023, 3306, 9100):
            for origin in (pc(1), HERE):
                with self.subTest(port=port), self.assertRaises(PeerProtocolError):
                    self.add(origin, port=port)
        self.assertTrue(self.add(pc(1), port=1024))

    def test_a_state_file_brings_nobody_back_at_the_port_of_another_service(self) -> None:
        self.add(pc(1), port=12501)
        saved = next(iter(self.table._seeders.values())).saved()
        for port, count in ((12501, 1), (9100, 0), (25, 0)):
            table = SeederTable(Registry())
            table.restore([saved | {"named": ["x", port]}], now=0.0)
            self.assertEqual(count_of(table), count)


class AddressTest(TablesTest):
    def told(self, reader: Reader) -> list[Address]:
        return self.listed(reader)

    def register(self, origin: Origin, host: str, *, is_here: bool = False) -> None:
        self.add(origin, host, is_here=is_here)
        self.table.upload({"a": 1}, origin)

    def test_another_machine_is_named_by_the_source_of_its_packets(self) -> None:
        for host in ("10.0.0.99", "8.8.8.8", "127.0.0.1", "0.0.0.0", "localhost", "lab-pc"):
            with self.subTest(host=host):
                self.begin()
                self.register(pc(1), host)
                expected = [Address(pc(1).ip, 12501)]
                self.assertEqual(self.told(REMOTE_READER), expected)
                self.assertEqual(self.told(LOCAL_READER), expected)
                self.assertEqual(self.seeders()[0].address, expected[0])

    def test_the_same_named_address_from_two_machines_is_two_seeders(self) -> None:
        self.register(pc(1), "192.168.0.1")
        self.register(pc(2), "192.168.0.1")
        self.assertEqual(set(self.told(REMOTE_READER)), {Address(pc(n).ip, 12501) for n in (1, 2)})

    def test_two_names_of_one_seeder_are_told_once(self) -> None:
        self.register(pc(1), "0.0.0.0")
        self.register(pc(1), "lab-pc")
        self.assertEqual(self.told(REMOTE_READER), [Address(pc(1).ip, 12501)])

    def test_one_here_on_every_interface_is_where_the_reader_reaches_the_tracker(self) -> None:
        for origin in (HERE, LAN_HERE):
            with self.subTest(origin=origin):
                self.begin()
                self.register(origin, "0.0.0.0")
                self.assertEqual(self.told(REMOTE_READER), [Address("192.168.1.2", 12501)])
                self.assertEqual(self.told(LOCAL_READER), [Address("127.0.0.1", 12501)])

    def test_one_here_on_loopback_only_is_told_to_readers_here_only(self) -> None:
        for host in ("127.0.0.1", "localhost"):
            with self.subTest(host=host):
                self.begin()
                self.register(HERE, host, is_here=True)
                self.assertEqual(self.told(REMOTE_READER), [])
                self.assertEqual(self.told(LOCAL_READER), [Address(host, 12501)])

    def test_readers_elsewhere_are_told_of_no_file_that_only_this_machine_can_fetch(self) -> None:
        self.register(HERE, "127.0.0.1", is_here=True)
        self.table.upload({"a": 1, "b": 2}, HERE)
        self.register(pc(1), pc(1).ip)
        self.table.upload({"c": 3}, pc(1))
        self.assertEqual(self.table.files_for_readers(is_here=False), {"c": 3})
        self.assertEqual(self.told(REMOTE_READER), [Address(pc(1).ip, 12501)])
        self.assertEqual(self.table.files_for_readers(is_here=True), {"a": 1, "b": 2})
        self.assertEqual(self.told(LOCAL_READER), [Address("127.0.0.1", 12501)])

    def test_one_here_on_an_own_address_is_told_by_that_address(self) -> None:
        self.register(HERE, "192.168.1.2", is_here=True)
        for reader in (REMOTE_READER, LOCAL_READER):
            self.assertEqual(self.told(reader), [Address("192.168.1.2", 12501)])

    def test_one_here_cannot_send_readers_to_a_third_party(self) -> None:
        for host in ("8.8.8.8", "victim", "10.0.0.1"):
            with self.subTest(host=host):
                self.begin()
                self.register(HERE, host, is_here=False)
                self.assertEqual(self.told(REMOTE_READER), [Address("192.168.1.2", 12501)])
                self.assertEqual(self.told(LOCAL_READER), [Address("127.0.0.1", 12501)])


class StateFileTest(TablesTest):
    def filled(self) -> list[dict[str, object]]:
        self.stayed(1, {"a": 1, "é": MAX_FILE_SIZE})
        self.add(HERE, "0.0.0.0")
        self.ping(HERE, "0.0.0.0", now=STAYED_S)
        self.table.upload({"a": 1}, HERE)
        self.add(pc(3), "lab-pc", 2000)
        self.ping(pc(3), "lab-pc", 2000, now=STAYED_S)
        return self.saved()

    def test_what_was_saved_comes_back(self) -> None:
        saved = json.loads(json.dumps(self.filled()))
        restored = SeederTable(Registry())
        restored.restore(saved, now=9.0)
        self.assertEqual(count_of(restored), 3)
        self.assertEqual(list(restored.saved()), self.saved())
        self.assertEqual(restored.files_for_readers(is_here=False), self.files())
        for reader in (LOCAL_READER, REMOTE_READER):
            self.assertEqual(restored.seeders_for_readers(reader), self.listed(reader))

    def test_who_comes_back_has_a_whole_lifetime_to_ping(self) -> None:
        saved = self.filled()
        restored = SeederTable(Registry())
        restored.restore(saved, now=1000.0)
        restored.expire(now=1000.0 + ORIGINAL_LIFETIME_S)
        self.assertEqual(len(list(restored.participants())), 3)
        restored.expire(now=1001.0 + ORIGINAL_LIFETIME_S)
        self.assertEqual(len(list(restored.participants())), 0)

    def test_an_upload_after_a_restart_still_finds_its_seeder(self) -> None:
        saved = self.filled()
        restored = SeederTable(Registry())
        restored.restore(saved, now=0.0)
        self.assertTrue(restored.upload({"new": 5, "b": 1, "c": 1}, pc(1)))
        self.assertIn("new", restored.files_for_readers(is_here=False))

    def test_a_state_file_of_any_other_shape_is_nothing(self) -> None:
        others: list[list[object]] = [[], [None, 5, "x", [], {}], [{"a": 1}], [[[]]]]
        for saved in others:
            with self.subTest(saved=saved):
                self.assertEqual(count_of(table_with(saved)), 0)

    def test_a_damaged_entry_is_left_out_and_the_others_come_back(self) -> None:
        saved = self.filled()
        damages: list[tuple[str, object]] = [
            *((key, None) for key in saved[0]),
            ("source", "8.8"),
            ("source", "255.255.255.255"),
            ("source", 5),
            ("named", ["x"]),
            ("named", ["x", "y"]),
            ("named", ["x", 0]),
            ("named", ["x", 65536]),
            ("named", ["x", True]),
            ("named", ["x y", 5]),
            ("named", ["", 5]),
            ("named", ["x\n", 5]),
            ("is_here", 1),
            ("files", []),
        ]
        for key, value in damages:
            with self.subTest(key=key, value=value):
                damaged = [{**saved[0], key: value}, *saved[1:]]
                self.assertEqual(count_of(table_with(damaged)), 2)
        for key in saved[0]:
            damaged = [{k: v for k, v in saved[0].items() if k != key}, *saved[1:]]
            self.assertEqual(count_of(table_with(damaged)), 2)

    def test_files_from_a_state_file_are_checked_as_those_of_an_upload(self) -> None:
        self.stayed(1, {"good": 1})
        (entry,) = self.saved()
        hostile: dict[object, object] = {
            "../x": 1,
            "\ud800": 1,
            "negative": -1,
            "float": 1.5,
            "bool": True,
            "text": "5",
            "huge": 10**30,
            "too large": MAX_FILE_SIZE + 1,
            "good": 1,
        }
        restored = SeederTable(Registry())
        restored.restore([{**entry, "files": hostile}], now=0.0)
        self.assertEqual(restored.files_for_readers(is_here=False), {"good": 1})

    def test_no_more_come_back_than_the_table_holds(self) -> None:
        self.stayed(1, {})
        (entry,) = self.saved()
        many = [{**entry, "source": pc(number).ip} for number in range(MAX_SEEDERS + 10)]
        self.assertEqual(count_of(table_with(many)), MAX_SEEDERS)

    def test_nobody_who_has_not_stayed_is_saved(self) -> None:
        self.seeder(1, {"a": 1})
        self.ping(pc(1), now=STAYED_S - 1)
        self.assertEqual(self.saved(), [])
        state = self.table.changes_saved
        self.ping(pc(1), now=STAYED_S)
        self.assertEqual(len(self.saved()), 1)
        self.assertNotEqual(self.table.changes_saved, state)


class ForgedSourcesTest(ProgramsTest):
    """LMK/1 proves nothing: what it says has entries of its own, fewer of them."""

    def setUp(self) -> None:
        super().setUp()
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        self.registry.upload(TellFiles(ID, {"a": 1}, ID, 12501), pc(1))
        self.here = Address(pc(1).ip, 12501)
        self.program = self.registry.entry(Key(pc(1).ip, 12501, ID))

    def assert_untouched(self) -> None:
        self.assertIs(self.registry.entry(Key(pc(1).ip, 12501, ID)), self.program)
        self.assertIsNotNone(self.registry.room_list.share(self.SHARE))
        self.assertEqual(self.holding(self.SHARE), [pc(1).ip])
        self.assertEqual((self.files(), self.listed()), ({"a": 1}, [self.here]))
        self.assertEqual(self.registry.room_list.share(self.lmk1_share(1)), None)
        self.assertEqual(self.holding(self.lmk1_share(1)), [])
        self.assertEqual([seeder.is_original for seeder in self.seeders()], [False])

    def test_no_word_of_lmk1_changes_or_hides_a_program_of_lmk2(self) -> None:
        for host in ("", "lab-pc", "0.0.0.0", "lab-pc", ""):
            self.add(pc(1), host)
            self.settled()
            self.assert_untouched()
            self.table.upload({"b": 1, "c": 2}, pc(1))
            self.settled()
            self.assert_untouched()
            self.ping(pc(1), host)
            self.settled()
            self.assert_untouched()

    def test_pings_of_lmk1_keep_no_program_of_lmk2(self) -> None:
        self.ping(pc(1), now=LIFETIME_S)
        self.expire(LIFETIME_S + 1)
        self.assertEqual(self.holding(self.SHARE), [])

    def test_what_lmk1_says_of_a_place_is_told_again_when_the_program_of_lmk2_is_gone(self) -> None:
        self.seeder(1, {"b": 1, "c": 2})
        self.assert_untouched()
        self.hear(pc(1), leaving=True)
        self.assertEqual(self.files(), {"b": 1, "c": 2})
        self.assertEqual(self.settled(), ["b", "c"])
        self.assertEqual(self.holding(self.lmk1_share(1)), [pc(1).ip])
        self.register(pc(1), self.SHARE)
        self.assertEqual((self.files(), self.settled()), ({}, []))
        self.assertEqual(self.holding(self.lmk1_share(1)), [])

    def test_eight_forged_programs_of_a_machine_leave_room_for_its_own(self) -> None:
        for port in range(20_000, 20_000 + MAX_PER_HOST):
            self.add(pc(2), port=port)
        self.register(pc(2), self.SHARE)
        self.assertIn(pc(2).ip, self.holding(self.SHARE))

    def test_a_flood_of_registrations_has_a_part_of_the_table_and_leaves_first(self) -> None:
        known = self.stayed(2, {"a": 1})
        for number in range(10, MAX_SEEDERS + 500):
            self.seeder(number, {"b": 1, "c": number}, now=STAYED_S)
        self.assertEqual(len(self.table._seeders), MAX_SEEDERS)
        self.assertEqual((self.files(), set(self.listed())), ({"a": 1}, {known, self.here}))
        self.enterContext(mock.patch.object(registry, "MAX_PROGRAMS", 2))
        self.register(pc(3), self.SHARE)  # the flood takes no room of these
        with self.assertRaises(PeerProtocolError):
            self.register(pc(4), self.SHARE)

    def test_readers_are_told_of_forged_holders_of_a_true_list_only_when_there_is_no_other(
        self,
    ) -> None:
        for number in range(10, 300):
            self.seeder(number, {"a": 1})
        for _ in range(10):
            self.assertEqual(self.listed(), [self.here])
        self.hear(pc(1), leaving=True)
        self.assertEqual(len(self.listed()), MAX_LISTED_SEEDERS)

    def test_forged_lists_have_a_part_of_all_files_and_the_oldest_leave_first(self) -> None:
        self.stayed(2, {"kept": 1})
        self.enterContext(mock.patch.object(seeder_table, "MAX_FILES", 100))
        for number in range(10, 100):
            self.seeder(number, {f"{n}": number for n in range(10)}, now=STAYED_S)
        lists = sorted(seeder.files for seeder in self.seeders() if seeder.is_original)
        self.assertEqual(lists, [1, *[10] * 9])
        self.seeder(200, {}, now=STAYED_S)
        with self.assertRaises(PeerProtocolError):
            self.table.upload({f"{n}": 1 for n in range(101)}, pc(200))

    def test_one_port_of_the_trackers_own_machine_goes_by_few_names(self) -> None:
        for number in range(MAX_NAMES):
            self.add(HERE, f"name-{number}", is_here=True)
        with self.assertRaises(PeerProtocolError):
            self.add(HERE, "one-more", is_here=True)

    def test_lists_that_change_all_the_time_are_few_steps_of_the_list(self) -> None:
        """Or readers who ask a second later would find nothing of what they know in its log."""
        version = self.registry.room_list.version
        for turn in range(1_000):
            self.seeder(10 + turn % 50, {f"{turn}": 1})
            self.table.settle(now=turn / 1_000)
        is_whole, texts = self.registry.room_list.texts_since(version)
        self.assertFalse(is_whole)
        before = int(version.partition("-")[2])
        after = int(self.registry.room_list.version.partition("-")[2])
        self.assertLess(after - before, 20)
        self.assertGreater(len(list(texts)), 50)
        self.assertEqual(len(self.settled()), 50)

    def test_one_step_takes_over_so_many_files_and_the_next_one_goes_on(self) -> None:
        files = {str(number): 1 for number in range(STEP_FILES // 2)}
        for number in range(10, 15):
            self.seeder(number, files)
        self.table.settle(now=0.0)
        taken = [self.registry.room_list.share(self.lmk1_share(number)) for number in range(10, 15)]
        self.assertEqual([share is not None for share in taken], [True] * 2 + [False] * 3)
        self.settled()
        taken = [self.registry.room_list.share(self.lmk1_share(number)) for number in range(10, 15)]
        self.assertNotIn(None, taken)

    def test_nothing_is_left_of_those_who_were_forged_and_went(self) -> None:
        for number in range(10, 300):
            self.seeder(number, {"b": number})
        self.expire(ORIGINAL_LIFETIME_S + 1)
        self.settled()
        table, readers = self.table, self.table._readers
        self.assertEqual(len(table._seeders) + len(table._fresh) + table._files, 0)
        self.assertEqual((table._unsettled, self.registry.by_share._rings), ({}, {}))
        self.assertEqual((readers._groups, readers._list_of), ({}, {}))
        self.assertEqual(self.registry.room_list._unproved_lines, 0)
