"""Which answers would wait in the system, as Linux tells it: with a table of routes of the test."""

from __future__ import annotations

import socket
import struct
import sys
import unittest
from unittest import mock

from roles.net import neighbours
from roles.net.datagrams import broadcasting
from roles.net.interfaces import own_addresses
from roles.net.neighbours import Neighbours, hardware_in_table, waiting_bytes
from tests.role_test import LINUX_ONLY
from tests.support import LmkTestCase

HEAD = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"


def route(network: str, mask: str, *, router: str = "0.0.0.0", interface: str = "lo") -> str:
    """A line as the system writes it: each address as one number, as it lies in memory."""
    addresses = map(socket.inet_aton, (network, router, mask))
    numbers = [int.from_bytes(address, sys.byteorder) for address in addresses]
    return "{} {:08X} {:08X} 0001 0 0 0 {:08X} 0 0 0\n".format(interface, *numbers)


@LINUX_ONLY
class NeighboursTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.datagrams = self.enterContext(broadcasting("0.0.0.0"))
        self.neighbours = Neighbours(self.datagrams)

    def routes(self, *lines: str) -> None:
        path = self.folder / "route"
        path.write_text(HEAD + "".join(lines), encoding="ascii")
        self.enterContext(mock.patch.object(neighbours, "_ROUTES", path))
        self.neighbours.forget()

    def test_an_address_of_an_own_network_is_missing_until_somebody_is_seen_there(self) -> None:
        self.routes(route("192.0.2.0", "255.255.255.0"))
        self.assertTrue(self.neighbours.is_missing("192.0.2.7"))
        with mock.patch.object(Neighbours, "_asked", return_value=bytes(68)):
            self.assertFalse(self.neighbours.is_missing("192.0.2.7"))

    def test_what_is_behind_a_router_waits_for_nobody(self) -> None:
        self.routes(
            route("0.0.0.0", "0.0.0.0", router="192.0.2.1"), route("192.0.2.0", "255.255.255.0")
        )
        self.assertFalse(self.neighbours.is_missing("203.0.113.9"))
        self.assertTrue(self.neighbours.is_missing("192.0.2.9"))

    def test_the_most_exact_route_counts(self) -> None:
        self.routes(
            route("192.0.2.0", "255.255.255.0"),
            route("192.0.2.8", "255.255.255.248", router="192.0.2.1"),
        )
        self.assertTrue(self.neighbours.is_missing("192.0.2.7"))
        self.assertFalse(self.neighbours.is_missing("192.0.2.9"))

    def test_nobody_is_missing_at_an_interface_that_is_gone_or_has_no_hardware_addresses(
        self,
    ) -> None:
        self.routes(route("192.0.2.0", "255.255.255.0", interface="gone0"))
        self.assertFalse(self.neighbours.is_missing("192.0.2.7"))
        self.routes(route("192.0.2.0", "255.255.255.0"))
        with mock.patch.object(neighbours, "_IFF_NOARP", 0xFFFF):
            self.assertFalse(self.neighbours.is_missing("192.0.2.7"))

    def test_this_computer_itself_is_never_missing(self) -> None:
        self.routes(route("0.0.0.0", "0.0.0.0"))
        for own in ("127.0.0.1", "127.9.9.9", *own_addresses()):
            self.assertFalse(self.neighbours.is_missing(own), own)

    def test_without_a_table_of_routes_nobody_is_missing(self) -> None:
        self.enterContext(mock.patch.object(neighbours, "_ROUTES", self.folder / "none"))
        self.assertFalse(self.neighbours.is_missing("192.0.2.7"))

    def test_the_routes_of_this_computer_can_be_read(self) -> None:
        self.assertFalse(self.neighbours.is_missing("127.0.0.1"))
        self.neighbours.is_missing("192.0.2.7")

    def test_hardware_addresses_are_those_of_the_neighbour_table(self) -> None:
        self.routes(route("192.0.2.0", "255.255.255.0"))
        answer = bytes(18) + b"\x02abcde" + bytes(60)
        with mock.patch.object(
            Neighbours, "_asked", lambda _, host, __: answer[: 80 * ("7" in host)]
        ):
            found = self.neighbours.hardware_of(["192.0.2.7", "192.0.2.8", "203.0.113.7", "a name"])
        self.assertEqual(found, {"192.0.2.7": b"\x02abcde"})

    def test_the_neighbour_table_of_this_computer_can_be_asked(self) -> None:
        self.assertEqual(self.neighbours.hardware_of(["192.0.2.77", "127.0.0.1"]), {})

    def test_what_was_sent_and_has_left_waits_no_more(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            self.datagrams.send(b"a", other.getsockname())
            other.recv(9)
        self.assertEqual(waiting_bytes(self.datagrams), 0)


class WindowsTableTest(unittest.TestCase):
    def row(self, host: str, hardware: bytes, length: int = 6, kind: int = 3) -> bytes:
        return struct.pack("<II8s4sI", 1, length, hardware, socket.inet_aton(host), kind)

    def test_what_is_valid_and_has_six_bytes_counts(self) -> None:
        rows = (
            self.row("192.0.2.7", b"\x02abcde"),
            self.row("192.0.2.8", b"\x02abcde", kind=2),
            self.row("192.0.2.9", b"\x02abcdefg", length=8),
            self.row("192.0.2.10", bytes(6)),
        )
        table = struct.pack("<I", len(rows)) + b"".join(rows)
        self.assertEqual(hardware_in_table(table), {"192.0.2.7": b"\x02abcde"})

    def test_a_table_that_is_cut_has_what_is_whole(self) -> None:
        table = struct.pack("<I", 9) + self.row("192.0.2.7", b"\x02abcde")
        self.assertEqual(len(hardware_in_table(table + b"half")), 1)
        self.assertEqual(hardware_in_table(b""), {})
