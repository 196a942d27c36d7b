"""The tracker's table: whom it believes, what it tells, and when it forgets."""

from __future__ import annotations

import ipaddress
import itertools
import json
import random
import unittest
from collections.abc import Mapping
from unittest import mock

from roles.lmk1.tracker_wire import Extras, encode_file_list
from roles.room import registry
from roles.room.offered_shares import LMK1_STEP_FILES
from roles.room.originals_list import MAX_LISTED_SEEDERS
from roles.room.places import Key
from roles.room.registry import (
    EXPIRED_AT_ONCE,
    MAX_LMK1,
    MAX_NAMES,
    MAX_PER_HOST,
    MAX_RUNS,
    Registry,
)
from roles.room.registry_entry import (
    LIFETIME_S,
    ORIGINAL_LIFETIME_S,
    STAYED_S,
    Member,
    Origin,
    Reader,
)
from roles.room.room_catalogue import Owner, Share
from roles.values.addresses import Address
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.values.events import ListedFile, ListedSeeder, SeederState
from roles.wire.tracker_messages import Ping, Register, TellFiles

ID = "0123456789abcdef"
OURS = Extras(ID)
HERE = Origin("127.0.0.1", is_here=True)
LAN_HERE = Origin("192.168.1.2", is_here=True)  # the tracker's machine by its own LAN address
REMOTE_READER = Reader(is_here=False, tracker_host="192.168.1.2")
LOCAL_READER = Reader(is_here=True, tracker_host="127.0.0.1")


def pc(number: int) -> Origin:
    return Origin(f"10.0.{number // 250}.{number % 250 + 1}", is_here=False)


class RegistryTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.registry = Registry()

    def add(
        self,
        origin: Origin,
        host: str = "",
        port: int = 12501,
        *,
        extras: Extras | None = None,
        is_here: bool = False,
        now: float = 0.0,
    ) -> bool:
        named = Address(host or origin.ip, port)
        return self.registry.add(named, origin, extras, named_is_here=is_here, now=now)

    def ping(
        self,
        origin: Origin,
        host: str = "",
        port: int = 12501,
        *,
        extras: Extras | None = None,
        now: float = 0.0,
    ) -> bool:
        named = Address(host or origin.ip, port)
        return self.registry.ping(named, origin, extras, named_is_here=False, now=now)

    def seeder(self, number: int, files: Mapping[str, int], *, now: float = 0.0) -> Address:
        """A registered original with this list, and the address that others get."""
        self.add(pc(number), now=now)
        self.registry.upload(files, pc(number), None)
        return Address(pc(number).ip, 12501)

    def stayed(self, number: int, files: Mapping[str, int]) -> Address:
        """The same, and it came again after a while."""
        address = self.seeder(number, files)
        self.ping(pc(number), now=STAYED_S)
        return address

    def fill(self, count: int) -> None:
        """Many seeders, each with a list of its own."""
        self.stayed(0, {"b": 2})
        (entry,) = self.registry.saved()
        self.registry.restore(
            [{**entry, **self.of_machine(number)} for number in range(count)], now=STAYED_S
        )

    def settled(self) -> list[str]:
        """The names of the files that LMK/2 readers are told of, when all is told."""
        for now in range(100):
            self.registry.settle(now=float(now))
        return [file.name for file in self.shown()]

    def seeders(self, registry: Registry | None = None) -> list[ListedSeeder]:
        """Those of the window."""
        table = registry or self.registry
        return [seeder for seeder in map(table.as_seeder, table.entries()) if seeder is not None]

    def shown(self) -> tuple[ListedFile, ...]:
        """The files of the window."""
        steps = self.registry.files()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                found: tuple[ListedFile, ...] = end.value
                return found

    @staticmethod
    def of_machine(number: int) -> dict[str, object]:
        ip = pc(number).ip
        return {"source": ip, "named": [ip, 12501], "files": {f"{number}": 1, "b": 2}}

    def listed(self, reader: Reader = REMOTE_READER) -> list[Address]:
        return self.registry.seeders_for_originals(reader)

    def files(self) -> dict[str, int]:
        return self.registry.files_for_originals(is_here=False)


class GroupTest(RegistryTestCase):
    def test_nothing_is_told_of_an_empty_room(self) -> None:
        self.assertEqual((self.files(), self.listed()), ({}, []))

    def test_a_seeder_without_a_list_is_not_told_of(self) -> None:
        self.add(pc(1))
        self.assertEqual((self.files(), self.listed()), ({}, []))

    def test_every_listed_seeder_holds_every_listed_file(self) -> None:
        rng = random.Random(3)
        for _ in range(300):
            self.registry = Registry()
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
        self.registry.upload({"d": 4}, pc(1), None)
        self.assertEqual(self.settled(), ["b", "c", "d"])
        self.registry.upload({}, pc(2), None)
        self.assertEqual(self.files(), {"d": 4})

    def test_at_most_five_seeders_are_told_of_and_each_has_its_turn(self) -> None:
        everyone = {self.seeder(number, {"a": 1}) for number in range(12)}
        seen = [self.listed() for _ in range(12)]
        self.assertEqual({len(turn) for turn in seen}, {MAX_LISTED_SEEDERS})
        self.assertEqual({len(set(turn)) for turn in seen}, {MAX_LISTED_SEEDERS})
        self.assertEqual({seeder for turn in seen for seeder in turn}, everyone)
        self.assertEqual({turn[0] for turn in seen}, everyone)

    def test_a_list_of_thousands_of_seeders_is_made_in_no_time(self) -> None:
        self.fill(MAX_LMK1)
        self.assertEqual(len(self.files()), 2)  # comparing them in pairs would take minutes


class WhoseListTest(RegistryTestCase):
    def names(self) -> dict[Address, int]:
        return {seeder.address: seeder.files for seeder in self.seeders()}

    def test_an_upload_belongs_to_the_latest_add_seeder_from_there(self) -> None:
        self.add(pc(1), port=12501)
        self.add(pc(1), port=12502)
        self.registry.upload({"a": 1}, pc(1), None)
        self.assertEqual(list(self.names().values()), [0, 1])

    def test_also_when_that_was_registered_already(self) -> None:
        self.assertTrue(self.add(pc(1), port=12501))
        self.assertTrue(self.add(pc(1), port=12502))
        self.assertFalse(self.add(pc(1), port=12501))
        self.registry.upload({"a": 1}, pc(1), None)
        self.assertEqual(self.names()[Address(pc(1).ip, 12501)], 1)
        self.assertEqual(self.names()[Address(pc(1).ip, 12502)], 0)

    def test_an_unknown_originals_ping_does_not_catch_anothers_upload(self) -> None:
        self.add(pc(1), port=12501)
        self.ping(pc(1), port=12509)
        self.registry.upload({"a": 1}, pc(1), None)
        self.assertEqual(self.names()[Address(pc(1).ip, 12501)], 1)

    def test_an_upload_from_a_machine_without_a_seeder_is_nobodys(self) -> None:
        self.add(pc(1))
        self.assertFalse(self.registry.upload({"a": 1}, pc(2), None))
        self.assertFalse(self.registry.upload({"a": 1}, pc(2), Extras(ID, port=12501)))
        self.assertEqual(self.settled(), [])

    def test_the_list_of_a_seeder_that_was_refused_is_nobodys(self) -> None:
        for port in range(12501, 12501 + MAX_PER_HOST):
            self.add(pc(1), port=port)
        with self.assertRaises(PeerProtocolError):
            self.add(pc(1), port=13000)
        self.assertFalse(self.registry.upload({"a": 1}, pc(1), None))

    def test_an_upload_with_a_port_belongs_to_the_seeder_on_that_port(self) -> None:
        self.add(pc(1), port=12501, extras=OURS)
        self.add(pc(1), port=12502, extras=OURS)
        self.assertTrue(self.registry.upload({"a": 1}, pc(1), Extras(ID, port=12501)))
        self.assertEqual(self.names()[Address(pc(1).ip, 12501)], 1)
        self.assertFalse(self.registry.upload({"a": 1}, pc(1), Extras(ID, port=12503)))

    def test_a_program_that_ended_without_a_word_does_not_get_its_successors_list(self) -> None:
        self.add(pc(1), "0.0.0.0")  # an original, forgotten only after ten minutes
        self.add(pc(1), extras=OURS)
        self.registry.upload({"a": 1}, pc(1), Extras(ID, port=12501))
        self.registry.ping(Address(pc(1).ip, 12501), pc(1), OURS, named_is_here=False, now=650.0)
        self.registry.expire(now=650.0)
        self.assertEqual(self.files(), {"a": 1})

    def test_nor_does_it_when_another_seeder_there_registered_since(self) -> None:
        self.add(pc(1), "old-name", extras=OURS)
        self.add(pc(1), extras=OURS)
        self.add(pc(1), port=12509, extras=OURS)
        self.registry.upload({"a": 1}, pc(1), Extras(ID, port=12501))
        counts = [seeder.files for seeder in self.seeders()]
        self.assertEqual(counts, [0, 1, 0])

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
        self.registry.upload({**dict.fromkeys(hostile, 1), "good": 2, "con": 3}, pc(1), None)
        self.assertEqual(self.files(), {"con": 3, "good": 2})
        self.assertEqual(len(self.settled()), 2)


class LifetimeTest(RegistryTestCase):
    def test_an_original_is_forgotten_after_ten_minutes_of_silence(self) -> None:
        self.assertEqual(ORIGINAL_LIFETIME_S, 600)
        self.seeder(1, {"a": 1})
        self.assertFalse(self.registry.expire(now=600.0))
        self.assertEqual(self.files(), {"a": 1})
        self.assertTrue(self.registry.expire(now=600.1))
        self.assertEqual((self.files(), self.seeders()), ({}, []))
        self.assertFalse(self.registry.expire(now=601.0))

    def test_one_of_ours_is_forgotten_after_fifty_seconds(self) -> None:
        self.assertEqual(LIFETIME_S, 50)
        self.add(pc(1), extras=OURS)
        self.assertFalse(self.registry.expire(now=50.0))
        self.assertTrue(self.registry.expire(now=50.1))

    def test_a_ping_keeps_a_seeder(self) -> None:
        self.add(pc(1), now=0.0)
        self.assertTrue(self.ping(pc(1), now=500.0))
        self.assertFalse(self.registry.expire(now=1100.0))
        self.assertTrue(self.registry.expire(now=1100.1))

    def test_registering_again_keeps_a_seeder_with_its_list(self) -> None:
        self.seeder(1, {"a": 1})
        self.assertFalse(self.add(pc(1), now=500.0))
        self.assertFalse(self.registry.expire(now=1100.0))
        self.assertEqual(self.files(), {"a": 1})

    def test_who_registers_again_as_another_program_lives_as_long_as_that_one(self) -> None:
        self.add(pc(1), now=0.0)
        self.assertFalse(self.add(pc(1), extras=OURS, now=0.0))
        self.assertFalse(self.seeders()[0].is_original)
        self.assertTrue(self.registry.expire(now=51.0))

    def test_only_those_are_forgotten_who_were_silent(self) -> None:
        self.seeder(1, {"a": 1})
        self.seeder(2, {"b": 1})
        self.ping(pc(2), now=400.0)
        self.registry.expire(now=700.0)
        self.assertEqual(self.files(), {"b": 1})

    def test_an_unknown_originals_ping_registers_it(self) -> None:
        self.assertTrue(self.ping(pc(1), now=5.0))
        self.assertEqual([seeder.is_original for seeder in self.seeders()], [True])
        self.assertFalse(self.add(pc(1)))

    def test_an_unknown_one_of_ours_is_told_to_register(self) -> None:
        self.assertFalse(self.ping(pc(1), extras=OURS))
        self.assertFalse(self.ping(pc(1), extras=Extras(ID, leaving=True)))
        self.assertEqual(self.seeders(), [])

    def test_a_ping_is_for_the_seeder_of_the_same_machine_only(self) -> None:
        self.add(pc(1), "lab", extras=OURS)
        self.assertFalse(self.ping(pc(2), "lab", extras=Extras(ID, leaving=True)))
        self.assertEqual(len(self.seeders()), 1)

    def test_who_leaves_is_gone_at_once(self) -> None:
        self.seeder(1, {"a": 1})
        self.add(pc(2), extras=OURS)
        self.registry.upload({"a": 1, "b": 2}, pc(2), Extras(ID, port=12501))
        self.assertEqual(self.files(), {"a": 1, "b": 2})
        self.assertTrue(self.ping(pc(2), extras=Extras(ID, leaving=True)))
        self.assertEqual(self.files(), {"a": 1})
        self.assertFalse(self.registry.upload({"c": 1}, pc(2), None))

    def test_the_state_is_what_the_last_ping_said(self) -> None:
        self.add(pc(1), extras=OURS)
        for text, state in (("away", SeederState.AWAY), (None, None)):
            self.ping(pc(1), extras=Extras(ID, state=text))
            self.assertEqual(self.seeders()[0].state, state)

    def test_nothing_is_remembered_of_those_who_came_and_went(self) -> None:
        for number in range(1000):
            self.add(pc(number), extras=OURS)
            self.ping(pc(number), extras=Extras(ID, leaving=True))
        self.assertEqual(len(self.registry._places.latest), 0)


class RoomTest(RegistryTestCase):
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
        self.fill(MAX_LMK1)
        for number in range(MAX_LMK1, MAX_LMK1 + 100):
            with self.assertRaises(PeerProtocolError):
                self.add(pc(number))
        self.assertLessEqual(len(self.registry._places.latest), MAX_LMK1)
        self.assertFalse(self.add(pc(0)))

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
        saved = next(iter(self.registry.entries())).saved()
        for port, count in ((12501, 1), (9100, 0), (25, 0)):
            registry = Registry()
            self.assertEqual(registry.restore([saved | {"named": ["x", port]}], now=0.0), count)


class AddressTest(RegistryTestCase):
    def told(self, reader: Reader) -> list[Address]:
        return self.listed(reader)

    def register(
        self, origin: Origin, host: str, *, is_here: bool = False, everywhere: bool = False
    ) -> None:
        extras = Extras(ID, everywhere=True) if everywhere else None
        self.add(origin, host, extras=extras, is_here=is_here)
        self.registry.upload({"a": 1}, origin, None)

    def test_another_machine_is_named_by_the_source_of_its_packets(self) -> None:
        for host in ("10.0.0.99", "8.8.8.8", "127.0.0.1", "0.0.0.0", "localhost", "lab-pc"):
            with self.subTest(host=host):
                self.registry = Registry()
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
        for origin, host, everywhere in (
            (HERE, "0.0.0.0", False),
            (HERE, "127.0.0.1", True),
            (LAN_HERE, "192.168.1.2", True),
            (LAN_HERE, "0.0.0.0", False),
        ):
            with self.subTest(origin=origin, host=host):
                self.registry = Registry()
                self.register(origin, host, is_here=host != "0.0.0.0", everywhere=everywhere)
                self.assertEqual(self.told(REMOTE_READER), [Address("192.168.1.2", 12501)])
                self.assertEqual(self.told(LOCAL_READER), [Address("127.0.0.1", 12501)])

    def test_one_here_on_loopback_only_is_told_to_readers_here_only(self) -> None:
        for host in ("127.0.0.1", "localhost"):
            with self.subTest(host=host):
                self.registry = Registry()
                self.register(HERE, host, is_here=True)
                self.assertEqual(self.told(REMOTE_READER), [])
                self.assertEqual(self.told(LOCAL_READER), [Address(host, 12501)])

    def test_readers_elsewhere_are_told_of_no_file_that_only_this_machine_can_fetch(self) -> None:
        self.register(HERE, "127.0.0.1", is_here=True)
        self.registry.upload({"a": 1, "b": 2}, HERE, None)
        self.register(pc(1), pc(1).ip)
        self.registry.upload({"c": 3}, pc(1), None)
        self.assertEqual(self.registry.files_for_originals(is_here=False), {"c": 3})
        self.assertEqual(self.told(REMOTE_READER), [Address(pc(1).ip, 12501)])
        self.assertEqual(self.registry.files_for_originals(is_here=True), {"a": 1, "b": 2})
        self.assertEqual(self.told(LOCAL_READER), [Address("127.0.0.1", 12501)])

    def test_one_here_on_an_own_address_is_told_by_that_address(self) -> None:
        self.register(HERE, "192.168.1.2", is_here=True)
        for reader in (REMOTE_READER, LOCAL_READER):
            self.assertEqual(self.told(reader), [Address("192.168.1.2", 12501)])

    def test_one_here_cannot_send_readers_to_a_third_party(self) -> None:
        for host in ("8.8.8.8", "victim", "10.0.0.1"):
            with self.subTest(host=host):
                self.registry = Registry()
                self.register(HERE, host, is_here=False)
                self.assertEqual(self.told(REMOTE_READER), [Address("192.168.1.2", 12501)])
                self.assertEqual(self.told(LOCAL_READER), [Address("127.0.0.1", 12501)])

    def test_who_registers_again_on_every_interface_is_told_to_everyone(self) -> None:
        self.register(HERE, "127.0.0.1", is_here=True)
        self.assertEqual(self.told(REMOTE_READER), [])
        self.register(HERE, "127.0.0.1", is_here=True, everywhere=True)
        self.assertEqual(self.told(REMOTE_READER), [Address("192.168.1.2", 12501)])


class StateFileTest(RegistryTestCase):
    def filled(self) -> list[dict[str, object]]:
        self.stayed(1, {"a": 1, "é": MAX_FILE_SIZE})
        self.add(HERE, "127.0.0.1", extras=Extras(ID, everywhere=True), is_here=True)
        self.ping(HERE, "127.0.0.1", extras=OURS, now=STAYED_S)
        self.registry.upload({"a": 1}, HERE, Extras(ID, port=12501))
        self.add(pc(3), "lab-pc", 2000)
        self.ping(pc(3), "lab-pc", 2000, now=STAYED_S)
        return list(self.registry.saved())

    def test_what_was_saved_comes_back(self) -> None:
        saved = json.loads(json.dumps(self.filled()))
        restored = Registry()
        self.assertEqual(restored.restore(saved, now=9.0), 3)
        self.assertEqual(list(restored.saved()), list(self.registry.saved()))
        self.assertEqual(restored.files_for_originals(is_here=False), self.files())
        for reader in (LOCAL_READER, REMOTE_READER):
            self.assertEqual(restored.seeders_for_originals(reader), self.listed(reader))

    def test_who_comes_back_has_a_whole_lifetime_to_ping(self) -> None:
        saved = self.filled()
        restored = Registry()
        restored.restore(saved, now=1000.0)
        restored.expire(now=1050.0)
        self.assertEqual(len(self.seeders(restored)), 3)
        restored.expire(now=1600.0)
        self.assertEqual(len(self.seeders(restored)), 2)

    def test_an_upload_after_a_restart_still_finds_its_seeder(self) -> None:
        saved = self.filled()
        restored = Registry()
        restored.restore(saved, now=0.0)
        self.assertTrue(restored.upload({"new": 5, "b": 1, "c": 1}, pc(1), None))
        self.assertIn("new", restored.files_for_originals(is_here=False))

    def test_a_state_file_of_any_other_shape_is_nothing(self) -> None:
        others: list[object] = [None, 5, "x", {}, {"a": 1}, [], [None, 5, "x", [], {}], [[[]]]]
        for saved in others:
            with self.subTest(saved=saved):
                self.assertEqual(Registry().restore(saved, now=0.0), 0)

    def test_a_damaged_entry_is_left_out_and_the_others_come_back(self) -> None:
        saved = self.filled()
        damages: list[tuple[str, object]] = [
            *((key, None) for key in saved[0] if key != "stayed"),
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
            ("original", "yes"),
            ("files", []),
        ]
        for key, value in damages:
            with self.subTest(key=key, value=value):
                damaged = [{**saved[0], key: value}, *saved[1:]]
                self.assertEqual(Registry().restore(damaged, now=0.0), 2)
        for key in saved[0].keys() - {"stayed"}:
            damaged = [{k: v for k, v in saved[0].items() if k != key}, *saved[1:]]
            self.assertEqual(Registry().restore(damaged, now=0.0), 2)

    def test_files_from_a_state_file_are_checked_as_those_of_an_upload(self) -> None:
        self.stayed(1, {"good": 1})
        (entry,) = self.registry.saved()
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
        restored = Registry()
        restored.restore([{**entry, "files": hostile}], now=0.0)
        self.assertEqual(restored.files_for_originals(is_here=False), {"good": 1})

    def test_no_more_come_back_than_the_table_holds(self) -> None:
        self.stayed(1, {})
        (entry,) = self.registry.saved()
        many = [{**entry, "source": pc(number).ip} for number in range(MAX_LMK1 + 10)]
        self.assertEqual(Registry().restore(many, now=0.0), MAX_LMK1)

    def test_nobody_who_has_not_stayed_is_saved(self) -> None:
        self.seeder(1, {"a": 1})
        self.ping(pc(1), now=STAYED_S - 1)
        self.assertEqual(list(self.registry.saved()), [])
        state = self.registry.saved_state
        self.ping(pc(1), now=STAYED_S)
        self.assertEqual(len(list(self.registry.saved())), 1)
        self.assertNotEqual(self.registry.saved_state, state)

    def test_those_of_a_state_file_of_version_1_1_are_the_first_to_go(self) -> None:
        """It kept every LMK/1 seeder, and did not say which had stayed."""
        self.stayed(1, {"a": 1})
        (entry,) = self.registry.saved()
        del entry["stayed"]
        old = [{**entry, "source": pc(number).ip} for number in range(MAX_LMK1)]
        restored = Registry()
        self.assertEqual(restored.restore(old, now=100.0), MAX_LMK1)
        self.assertEqual(list(restored.saved()), [])
        restored.add(Address("new", 12501), pc(5_000), None, named_is_here=False, now=100.0)
        self.assertIsNone(restored.entry(Key.lmk1(pc(0).ip, Address(pc(1).ip, 12501))))


class Lmk2TestCase(RegistryTestCase):
    SHARE, OTHER = "00112233445566aa", "00112233445566bb"

    def register(
        self, origin: Origin, *shares: str, leecher: bool = False, peer: str = ID, now: float = 0.0
    ) -> None:
        named = Address(origin.ip, 12501)
        request = Register(ID, named, peer, "pc", leecher, shares=shares)
        self.registry.register(request, origin, named_is_here=False, now=now)

    def hear(
        self,
        origin: Origin,
        *shares: str,
        leaving: bool = False,
        peer: str = ID,
        now: float = 0.0,
    ) -> Member | None:
        ping = Ping(ID, Address(origin.ip, 12501), peer, "away", shares, leaving=leaving)
        return self.registry.hear(ping, origin.ip, now=now)

    def put(self, share: str, owner: Origin, peer: str = ID) -> None:
        key = Key(owner.ip, 12501, peer)
        self.registry.catalogue.put(share, Share("folder", Owner(key, owner.ip)), [], [])

    @staticmethod
    def lmk1_share(number: int) -> str:
        return f"lmk1{int(ipaddress.IPv4Address(pc(number).ip)):08x}{12501:04x}"

    def holding(self, *shares: str) -> list[str]:
        return [one.address.host for one in self.registry.holders(shares, is_here=False)]


class Lmk2Test(Lmk2TestCase):
    def test_it_is_forgotten_after_50_s_of_silence_and_its_share_is_gone(self) -> None:
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        self.hear(pc(1), self.SHARE, now=30.0)
        self.assertFalse(self.registry.expire(now=30.0 + LIFETIME_S))
        self.assertTrue(self.registry.expire(now=30.1 + LIFETIME_S))
        self.assertIsNone(self.registry.catalogue.share(self.SHARE))
        self.assertEqual(self.holding(self.SHARE), [])
        self.assertIsNone(self.hear(pc(1), self.SHARE))

    def test_those_who_were_heard_later_stay(self) -> None:
        for number in range(9):
            self.register(pc(number))
        for number in (3, 1, 7):
            self.hear(pc(number), now=20.0)
        self.registry.expire(now=LIFETIME_S + 1)
        heard = {entry.origin.ip for entry in self.registry.entries()}
        self.assertEqual(heard, {pc(number).ip for number in (1, 3, 7)})

    def test_a_share_goes_with_who_told_it_though_others_name_it(self) -> None:
        self.register(pc(1), self.SHARE)
        self.register(pc(2), self.SHARE)
        self.register(pc(3), self.SHARE, leecher=True)
        self.put(self.SHARE, pc(1))
        self.hear(pc(2), self.OTHER)
        self.hear(pc(2), self.SHARE)
        self.assertIsNotNone(self.registry.catalogue.share(self.SHARE))
        self.hear(pc(1), self.SHARE, leaving=True)
        self.assertIsNone(self.registry.catalogue.share(self.SHARE))
        self.hear(pc(2), self.SHARE)
        self.assertIsNone(self.registry.catalogue.share(self.SHARE))
        self.assertEqual(self.holding(self.SHARE), [pc(2).ip, pc(3).ip])

    def test_the_list_of_an_original_goes_with_it_though_others_name_it(self) -> None:
        self.seeder(1, {"a": 1})
        share = self.lmk1_share(1)
        self.register(pc(2), share)
        self.assertEqual(self.settled(), ["a"])
        self.registry.expire(now=ORIGINAL_LIFETIME_S + 1)
        self.assertEqual(self.settled(), [])
        self.assertIsNone(self.registry.catalogue.share(share))

    def test_an_original_with_two_names_is_on_the_list_until_both_are_gone(self) -> None:
        self.seeder(1, {"a": 1})
        self.add(pc(1), "lab-pc", now=100.0)
        self.registry.upload({"b": 1}, pc(1), None)
        self.ping(pc(1), now=100.0)
        self.ping(pc(1), now=200.0)
        self.registry.expire(now=101.0 + ORIGINAL_LIFETIME_S)
        self.assertEqual(self.settled(), ["a"])

    def test_a_program_that_registers_again_keeps_its_share_unless_it_is_a_leecher_now(
        self,
    ) -> None:
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        self.register(pc(1), self.SHARE)
        self.assertIsNotNone(self.registry.catalogue.share(self.SHARE))
        self.register(pc(1), self.SHARE, leecher=True)
        self.assertIsNone(self.registry.catalogue.share(self.SHARE))

    def test_another_program_at_the_same_place_changes_nothing_of_the_first_one(self) -> None:
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        self.registry.tell(TellFiles(ID, {"a": 1}, ID, 12501), pc(1))
        for is_leecher in (False, True):
            self.register(pc(1), leecher=is_leecher, peer=self.OTHER)
            self.hear(pc(1), self.OTHER, peer=self.OTHER)
            self.registry.tell(TellFiles(ID, {"b": 1, "c": 1}, self.OTHER, 12501), pc(1))
            self.hear(pc(1), leaving=True, peer=self.OTHER)
            self.assertIsNotNone(self.registry.catalogue.share(self.SHARE))
            self.assertEqual((self.holding(self.SHARE), self.files()), ([pc(1).ip], {"a": 1}))
            self.assertIsNotNone(self.hear(pc(1), self.SHARE))

    def test_a_program_that_started_again_is_named_once_while_the_first_is_not_forgotten(
        self,
    ) -> None:
        self.register(pc(1), self.SHARE)
        self.register(pc(1), self.SHARE, peer=self.OTHER)
        self.assertEqual(self.holding(self.SHARE), [pc(1).ip])
        self.registry.expire(now=LIFETIME_S + 1)
        self.assertEqual(self.holding(self.SHARE), [])

    def test_when_one_of_two_programs_at_a_place_answers_there_the_other_counts_as_silent(
        self,
    ) -> None:
        keys = [Key(pc(1).ip, 12501, peer) for peer in (ID, self.OTHER)]
        for key in keys:
            self.assertFalse(self.registry.is_contested(key))
            self.register(pc(1), self.SHARE, peer=key.peer, now=100.0)
        self.registry.tell(TellFiles(ID, {"old": 1, "older": 1}, ID, 12501), pc(1))
        self.registry.tell(TellFiles(ID, {"new": 1}, self.OTHER, 12501), pc(1))
        self.assertTrue(all(map(self.registry.is_contested, keys)))
        self.registry.note_listening(keys[1], now=101.0)
        heard = [self.registry.is_heard(key, now=101.0) for key in keys]
        self.assertEqual((heard, self.files()), ([False, True], {"new": 1}))
        self.assertIsNotNone(self.hear(pc(1), self.SHARE, now=102.0))
        self.assertTrue(self.registry.is_heard(keys[0], now=102.0))

    def test_one_that_does_not_answer_at_a_place_does_not_have_the_other_told_as_unreachable(
        self,
    ) -> None:
        keys = [Key(pc(1).ip, 12501, peer) for peer in (ID, self.OTHER)]
        for key, is_reachable in zip(keys, (False, True), strict=True):
            self.register(pc(1), self.SHARE, peer=key.peer)
            self.registry.note_reachable(key, is_reachable)
        for _ in range(4):
            (holder,) = self.registry.holders((self.SHARE,), is_here=False)
            self.assertFalse(holder.is_unreachable)
        self.registry.note_reachable(keys[1], False)
        (holder,) = self.registry.holders((self.SHARE,), is_here=False)
        self.assertTrue(holder.is_unreachable)

    def test_a_ping_from_another_named_address_has_to_register_again(self) -> None:
        self.register(HERE, self.SHARE)
        moved = Ping(ID, Address("192.168.1.2", 12501), ID, "away", (self.SHARE,))
        self.assertIsNone(self.registry.hear(moved, HERE.ip, now=0.0))

    def test_leechers_are_registered_like_seeders_and_never_told_to_originals(self) -> None:
        for number in range(MAX_PER_HOST):
            named = Address(pc(1).ip, 12501 + number)
            request = Register(ID, named, ID, "pc", True)
            self.registry.register(request, pc(1), named_is_here=False, now=0.0)
        with self.assertRaises(PeerProtocolError):
            request = Register(ID, Address(pc(1).ip, 13000), ID, "pc", True)
            self.registry.register(request, pc(1), named_is_here=False, now=0.0)
        told = TellFiles(ID, {"a": 1}, ID, 12502)
        self.assertFalse(self.registry.tell(told, pc(1)))
        self.assertEqual((self.files(), self.listed()), ({}, []))

    def test_a_state_file_keeps_who_told_which_share_and_nothing_else_of_them(self) -> None:
        self.register(pc(1), self.SHARE)
        self.register(pc(2), self.OTHER)
        for share, number in ((self.SHARE, 1), (self.OTHER, 2)):
            state = self.registry.saved_state
            self.put(share, pc(number))
            self.assertNotEqual(self.registry.saved_state, state)
        self.hear(pc(2), leaving=True)
        saved = json.loads(json.dumps(list(self.registry.saved())))
        self.assertEqual(
            saved,
            [
                {"share": self.OTHER, "teller": [pc(2).ip, 12501, ID]},
                {"share": self.SHARE, "teller": [pc(1).ip, 12501, ID]},
            ],
        )
        restored = Registry()
        self.assertEqual(restored.restore(saved, now=5.0), 0)
        self.assertEqual(list(restored.saved()), saved)

    def test_tellers_of_any_other_shape_are_left_out(self) -> None:
        for teller in (
            None,
            [],
            ["x", 1, ID],
            ["10.0.0.1", "1", ID],
            ["10.0.0.1", 1, "?"],
            ["10.0.0.1", True, ID],
            [1] * 3,
        ):
            self.registry.restore([{"share": self.SHARE, "teller": teller}], now=0.0)
        self.registry.restore([{"share": "?", "teller": ["10.0.0.1", 1, ID]}], now=0.0)
        self.assertEqual(list(self.registry.saved()), [])

    def test_a_seeder_that_serves_the_trackers_machine_only_is_told_there_only(self) -> None:
        request = Register(ID, Address("127.0.0.1", 12501), ID, "pc", False, shares=(self.SHARE,))
        self.registry.register(request, HERE, named_is_here=True, now=0.0)
        self.assertEqual(self.holding(self.SHARE), [])
        (holder,) = self.registry.holders((self.SHARE,), is_here=True)
        self.assertEqual(holder.address, Address("127.0.0.1", 12501))

    def test_one_that_serves_everyone_there_is_told_without_a_host(self) -> None:
        named = Address("127.0.0.1", 12501)
        request = Register(ID, named, ID, "pc", False, True, (self.SHARE,))
        self.registry.register(request, HERE, named_is_here=True, now=0.0)
        self.assertEqual(self.holding(self.SHARE), [""])

    def test_an_original_that_is_called_localhost_is_told_as_an_address(self) -> None:
        self.add(HERE, "localhost")
        self.registry.upload({"a": 1}, HERE, None)
        share = "lmk17f00000130d5"
        (holder,) = self.registry.holders((share,), is_here=True)
        self.assertEqual(holder.address, Address("", 12501))

    def test_a_whole_room_that_falls_silent_is_forgotten_a_part_at_a_time(self) -> None:
        for number in range(EXPIRED_AT_ONCE + 5):
            self.register(pc(number))
        self.assertEqual(self.registry.expire(now=LIFETIME_S + 1), EXPIRED_AT_ONCE)
        self.assertEqual(self.registry.expire(now=LIFETIME_S + 1), 5)
        self.assertEqual(self.registry.entries(), [])

    def test_a_program_that_crashes_again_and_again_is_registered_again(self) -> None:
        for count in range(9 * MAX_PER_HOST):
            self.register(pc(1), self.SHARE, peer=f"{count:016}", now=float(count))
            self.assertLessEqual(len(self.registry.entries()), MAX_RUNS)
            self.assertIsNotNone(self.hear(pc(1), peer=f"{count:016}", now=float(count)))

    def test_programs_that_come_after_each_other_at_a_place_push_out_none_that_pings(self) -> None:
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        for count in range(100):
            if count % 15 == 0:
                self.assertIsNotNone(self.hear(pc(1), self.SHARE, now=float(count)))
            self.register(pc(1), self.SHARE, peer=f"{count:016}", now=float(count))
        self.assertIsNotNone(self.registry.catalogue.share(self.SHARE))
        self.assertIsNotNone(self.hear(pc(1), self.SHARE, now=100.0))


class ForgedSourcesTest(Lmk2TestCase):
    """LMK/1 proves nothing: what it says has entries of its own, fewer of them."""

    def setUp(self) -> None:
        super().setUp()
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        self.registry.tell(TellFiles(ID, {"a": 1}, ID, 12501), pc(1))
        self.here = Address(pc(1).ip, 12501)
        self.member = self.registry.member(Key(pc(1).ip, 12501, ID))

    def assert_untouched(self) -> None:
        self.assertIs(self.registry.member(Key(pc(1).ip, 12501, ID)), self.member)
        self.assertIsNotNone(self.registry.catalogue.share(self.SHARE))
        self.assertEqual(self.holding(self.SHARE), [pc(1).ip])
        self.assertEqual((self.files(), self.listed()), ({"a": 1}, [self.here]))
        self.assertEqual(self.registry.catalogue.share(self.lmk1_share(1)), None)
        self.assertEqual(self.holding(self.lmk1_share(1)), [])
        self.assertEqual([seeder.is_original for seeder in self.seeders()], [False])

    def test_no_word_of_lmk1_changes_or_hides_a_program_of_lmk2(self) -> None:
        extras = (None, OURS, Extras(ID, leaving=True), Extras(ID, everywhere=True, port=12501))
        words = list(itertools.product(("", "lab-pc", "0.0.0.0"), extras))
        for host, extra in words + words[::-1]:
            self.add(pc(1), host, extras=extra)
            self.settled()
            self.assert_untouched()
            self.registry.upload({"b": 1, "c": 2}, pc(1), extra)
            self.settled()
            self.assert_untouched()
            self.ping(pc(1), host, extras=extra)
            self.settled()
            self.assert_untouched()

    def test_pings_of_lmk1_keep_no_program_of_lmk2(self) -> None:
        for extras in (None, OURS):
            self.ping(pc(1), extras=extras, now=LIFETIME_S)
        self.registry.expire(now=LIFETIME_S + 1)
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

    def test_an_original_never_leaves_by_a_word_that_it_does_not_know(self) -> None:
        self.seeder(2, {"b": 1})
        self.ping(pc(2), extras=Extras(ID, leaving=True))
        self.assertIn(pc(2).ip, [seeder.address.host for seeder in self.seeders()])

    def test_eight_forged_programs_of_a_machine_leave_room_for_its_own(self) -> None:
        for port in range(20_000, 20_000 + MAX_PER_HOST):
            self.add(pc(2), port=port)
        self.register(pc(2), self.SHARE)
        self.assertIn(pc(2).ip, self.holding(self.SHARE))

    def test_a_flood_of_registrations_has_a_part_of_the_table_and_leaves_first(self) -> None:
        known = self.stayed(2, {"a": 1})
        for number in range(10, MAX_LMK1 + 500):
            self.seeder(number, {"b": 1, "c": number}, now=STAYED_S)
        self.assertEqual(len(self.registry.entries()), MAX_LMK1 + 1)
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
        self.enterContext(mock.patch.object(registry, "MAX_LMK1_FILES", 100))
        for number in range(10, 100):
            self.seeder(number, {f"{n}": number for n in range(10)}, now=STAYED_S)
        lists = sorted(seeder.files for seeder in self.seeders() if seeder.is_original)
        self.assertEqual(lists, [1, *[10] * 9])
        self.seeder(200, {}, now=STAYED_S)
        with self.assertRaises(PeerProtocolError):
            self.registry.upload({f"{n}": 1 for n in range(101)}, pc(200), None)

    def test_one_port_of_the_trackers_own_machine_goes_by_few_names(self) -> None:
        for number in range(MAX_NAMES):
            self.add(HERE, f"name-{number}", is_here=True)
        with self.assertRaises(PeerProtocolError):
            self.add(HERE, "one-more", is_here=True)

    def test_lists_that_change_all_the_time_are_few_steps_of_the_catalogue(self) -> None:
        """Or readers who ask a second later would find nothing of what they know in its log."""
        version = self.registry.catalogue.version
        for turn in range(1_000):
            self.seeder(10 + turn % 50, {f"{turn}": 1})
            self.registry.settle(now=turn / 1_000)
        is_whole, texts = self.registry.catalogue.texts_since(version)
        self.assertFalse(is_whole)
        before = int(version.partition("-")[2])
        after = int(self.registry.catalogue.version.partition("-")[2])
        self.assertLess(after - before, 20)
        self.assertGreater(len(list(texts)), 50)
        self.assertEqual(len(self.settled()), 50)

    def test_one_step_takes_over_so_many_files_and_the_next_one_goes_on(self) -> None:
        files = {str(number): 1 for number in range(LMK1_STEP_FILES // 2)}
        for number in range(10, 15):
            self.seeder(number, files)
        self.registry.settle(now=0.0)
        taken = [self.registry.catalogue.share(self.lmk1_share(number)) for number in range(10, 15)]
        self.assertEqual([share is not None for share in taken], [True] * 2 + [False] * 3)
        self.settled()
        taken = [self.registry.catalogue.share(self.lmk1_share(number)) for number in range(10, 15)]
        self.assertNotIn(None, taken)

    def test_nothing_is_left_of_those_who_were_forged_and_went(self) -> None:
        for number in range(10, 300):
            self.seeder(number, {"b": number})
        self.registry.expire(now=ORIGINAL_LIFETIME_S + 1)
        self.settled()
        offered = self.registry._offered
        self.assertEqual(len(self.registry.entries()) + len(self.registry._fresh), 0)
        self.assertEqual(sum(self.registry._files.values()), 0)
        self.assertEqual((offered._unsettled, offered.holders._rings), ({}, {}))
        self.assertEqual((offered.originals._groups, offered.originals._noted), ({}, {}))
        self.assertEqual(self.registry.catalogue._lmk1_lines, 0)
