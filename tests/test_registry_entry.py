"""One program in the tracker's table: what identifies it, and where others reach it."""

from __future__ import annotations

import unittest

from roles.room.registry_entry import Endpoints, Key, Origin, Program, Reader
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.values.participants import Status

PEER, OTHER_PEER = "fedcba9876543210", "0" * 16
LAN, TRACKER = "10.0.0.7", "192.168.1.2"
REMOTE = Reader(is_here=False, tracker_host=TRACKER)
LOCAL = Reader(is_here=True, tracker_host="127.0.0.1")


def program(
    ip: str = LAN,
    host: str = LAN,
    *,
    port: int = 12501,
    is_here: bool = False,
    advertises_own: bool = False,
    everywhere: bool = False,
    machine: str = "",
) -> Program:
    return Program(
        origin=Origin(ip, is_here, advertises_own),
        advertised=Address(host, port),
        everywhere=everywhere,
        last_ping=5.0,
        status=Status(machine=machine),
        peer=PEER,
        name="pc",
    )


class AddressTest(unittest.TestCase):
    def test_one_elsewhere_is_reached_where_its_datagrams_come_from_whatever_it_advertises(
        self,
    ) -> None:
        for host in ("10.0.0.99", "127.0.0.1", "0.0.0.0", "localhost"):
            for reader in (REMOTE, LOCAL):
                self.assertEqual(program(host=host).address_for(reader), Address(LAN, 12501))

    def test_one_on_the_trackers_machine_is_reached_at_the_address_that_it_advertises(self) -> None:
        entry = program(TRACKER, TRACKER, is_here=True, advertises_own=True)
        self.assertEqual(entry.address_for(REMOTE), Address(TRACKER, 12501))

    def test_one_that_listens_everywhere_there_is_reached_as_the_tracker_is(self) -> None:
        entry = program(TRACKER, "0.0.0.0", is_here=True, everywhere=True)
        self.assertEqual(entry.address_for(REMOTE), Address(TRACKER, 12501))
        self.assertEqual(entry.address_for(LOCAL), Address("127.0.0.1", 12501))

    def test_one_that_listens_on_loopback_there_is_for_programs_on_that_machine_only(self) -> None:
        entry = program("127.0.0.1", "127.0.0.1", is_here=True, advertises_own=True)
        self.assertTrue(entry.is_here_only)
        self.assertIsNone(entry.address_for(REMOTE))
        self.assertEqual(entry.address_for(LOCAL), Address("127.0.0.1", 12501))

    def test_nobody_is_sent_to_a_service_or_to_more_than_one_computer(self) -> None:
        program().check_source()
        for entry in (program(port=80), program(port=5432), program("255.255.255.255")):
            with self.assertRaises(PeerProtocolError):
                entry.check_source()


class ListTest(unittest.TestCase):
    def test_names_that_nobody_should_store_are_left_out(self) -> None:
        entry = program()
        entry.take_list({"a.txt": 1, "../a": 2, "b/c": 3, "": 4})
        self.assertEqual(entry.files, {"a.txt": 1})


class MachineTest(unittest.TestCase):
    def test_one_id_at_two_addresses_is_two_computers(self) -> None:
        """A profile on a network drive gives all computers one id."""
        machine = "a" * 16
        ours, same, other = (
            program(ip, machine=machine).participant(0).status.machine
            for ip in (LAN, LAN, "10.0.0.8")
        )
        self.assertEqual(ours, same)
        self.assertNotIn(machine, (ours, other))
        self.assertNotEqual(ours, other)

    def test_the_trackers_machine_is_one_computer_at_each_of_its_addresses(self) -> None:
        found = {
            program(ip, machine="a" * 16, is_here=True).participant(0).status.machine
            for ip in ("127.0.0.1", TRACKER)
        }
        self.assertEqual(len(found), 1)

    def test_an_older_program_has_none(self) -> None:
        self.assertEqual(program().participant(0).status.machine, "")


class KeyTest(unittest.TestCase):
    def test_two_keys_may_be_one_program_by_its_peer_id_or_by_its_place(self) -> None:
        key = Key(LAN, 12501, PEER)
        self.assertTrue(key.is_like(Key("10.0.0.8", 12502, PEER)))
        self.assertTrue(key.is_like(Key(LAN, 12501, OTHER_PEER)))
        self.assertFalse(key.is_like(Key(LAN, 12502, OTHER_PEER)))

    def test_endpoints_know_who_is_where_and_keep_nothing_of_who_left(self) -> None:
        endpoints = Endpoints()
        first, second = Key(LAN, 12501, PEER), Key(LAN, 12501, OTHER_PEER)
        third = Key(LAN, 12502, PEER)
        for key in (first, second, third):
            endpoints.enter(key)
        self.assertEqual(endpoints.at(first.endpoint), [first, second])
        self.assertEqual(
            [list(keys) for keys in endpoints.by_port(LAN)], [[first, second], [third]]
        )
        for key in (first, second, third):
            endpoints.leave(key)
        self.assertEqual((endpoints.at(first.endpoint), endpoints._ports), ([], {}))
