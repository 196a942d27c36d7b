"""This machine's addresses, and those of machines made for it."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import unittest
from unittest import mock

from roles.net.interfaces import (
    OwnAddress,
    address_for_others,
    addresses_in_table,
    broadcasts,
    is_own_address,
    own_address_towards,
    own_addresses,
    working_addresses,
)
from roles.values.addresses import Address, is_unicast
from tests.programs import ROOT
from tests.support import LmkTestCase

CAN_BUILD = sys.platform == "linux" and os.geteuid() == 0
TELL = """
from roles.net.interfaces import broadcasts, own_addresses
print(*own_addresses(), "|", *(network.address for network in broadcasts()))
"""


class OwnAddressTest(LmkTestCase):
    def test_loopback_is_this_machine_and_a_documents_address_is_not(self) -> None:
        self.assertTrue(is_own_address("127.0.0.1"))
        self.assertTrue(is_own_address("127.9.8.7"))
        self.assertFalse(is_own_address("192.0.2.1"))

    def test_others_reach_a_socket_on_every_interface_at_an_own_address(self) -> None:
        self.assertEqual(address_for_others(Address("127.0.0.1", 5)), Address("127.0.0.1", 5))
        host, port = address_for_others(Address("0.0.0.0", 5))
        self.assertNotEqual(host, "0.0.0.0")
        self.assertTrue(is_own_address(host))
        self.assertEqual(port, 5)

    def test_loopback_is_reached_from_loopback(self) -> None:
        self.assertEqual(own_address_towards("127.0.0.1"), "127.0.0.1")

    def test_every_own_address_can_be_bound_to(self) -> None:
        for address in own_addresses():
            with self.subTest(address=address):
                self.assertTrue(is_unicast(address))
                self.assertTrue(is_own_address(address))

    def test_a_broadcast_leaves_from_an_own_address_or_any(self) -> None:
        for source, address in broadcasts():
            with self.subTest(address=address):
                self.assertTrue(source == "0.0.0.0" or is_own_address(source))
                self.assertNotEqual(address, "0.0.0.0")
                self.assertFalse(address.startswith("127."))

    @unittest.skipUnless(sys.platform == "linux", "asked there by ioctl")
    def test_a_system_that_does_not_answer_has_no_addresses_and_that_is_told_apart(self) -> None:
        with mock.patch("socket.socket", side_effect=OSError("no descriptor left")):
            self.assertEqual((own_addresses(), broadcasts()), ((), ()))
            with self.assertRaises(OSError):
                working_addresses()


class WindowsTest(unittest.TestCase):
    """What Windows says, as bytes."""

    def table(self, *rows: tuple[str, int]) -> bytes:
        told = struct.pack("<I", len(rows))
        for host, kind in rows:
            mask = bytes((255, 255, 255, 0))
            told += struct.pack("<4sI4sIIHH", socket.inet_aton(host), 1, mask, 1, 65535, 0, kind)
        return told

    def test_each_address_that_works_is_read(self) -> None:
        told = self.table(("127.0.0.1", 1), ("10.0.0.7", 1), ("10.0.1.7", 9), ("10.0.2.7", 0x41))
        hosts = [own.host for own in addresses_in_table(told + bytes(100))]
        self.assertEqual(hosts, ["127.0.0.1", "10.0.0.7"])
        self.assertEqual(next(iter(addresses_in_table(told))).broadcasts, ("255.255.255.255",))

    def test_a_table_that_is_cut_is_read_as_far_as_it_goes(self) -> None:
        told = self.table(("10.0.0.7", 1), ("10.0.1.7", 1))
        self.assertEqual([own.host for own in addresses_in_table(told[:-1])], ["10.0.0.7"])
        self.assertEqual(list[OwnAddress](addresses_in_table(b"")), [])


@unittest.skipUnless(CAN_BUILD, "network namespaces: Linux, as root")
class NamespaceTest(unittest.TestCase):
    """A computer of its own, whose interfaces are what a test makes them."""

    def setUp(self) -> None:
        self.name = f"lmkif-{os.getpid()}"
        self.addCleanup(subprocess.run, ["ip", "netns", "del", self.name], check=False)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.ip("link add va type veth peer name vb", "link set va up", "link set vb up")

    def ip(self, *commands: str) -> None:
        text = "\n".join(commands) + "\n"
        command = ["ip", "-n", self.name, "-batch", "-"]
        subprocess.run(command, input=text, text=True, check=True)

    def told(self) -> str:
        """The own addresses, and where everyone is reached."""
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", TELL]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def test_each_kind_of_network_is_told(self) -> None:
        for made, told in (
            ("10.77.0.2/24", "10.77.0.2 | 10.77.0.255"),
            ("10.77.0.2/24 brd +", "10.77.0.2 | 10.77.0.255"),
            ("10.77.0.2/31", "10.77.0.2 | 10.77.0.3"),
            ("10.77.0.2/32", "10.77.0.2 |"),
            ("10.77.0.2 peer 10.9.9.9", "10.77.0.2 | 10.9.9.9"),
        ):
            with self.subTest(made=made):
                self.ip(f"addr add {made} dev va")
                self.assertEqual(self.told(), told)
                self.ip("addr flush dev va")

    def test_every_address_of_an_interface_is_told(self) -> None:
        self.ip("addr add 10.77.0.2/24 dev va", "addr add 10.77.0.3/24 dev va")
        self.ip("addr add 10.88.0.3/16 brd + dev va label va:1")
        told = "10.77.0.2 10.88.0.3 10.77.0.3 | 10.77.0.255 10.88.255.255"
        self.assertEqual(sorted(self.told()), sorted(told))

    def test_where_the_cable_is_out_no_address_works(self) -> None:
        self.ip("addr add 10.77.0.2/24 dev va", "link set vb down")
        self.assertEqual(self.told(), "|")
