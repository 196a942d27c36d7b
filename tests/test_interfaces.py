"""This machine's addresses."""

from __future__ import annotations

from roles.base.interfaces import (
    address_for_others,
    broadcasts,
    is_own_address,
    own_address_towards,
    own_addresses,
)
from roles.values.addresses import Address, is_unicast
from tests.support import LmkTestCase


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
