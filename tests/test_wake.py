"""Waking a computer: the packet, and that a network that refuses it is no fault."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.net import wake
from roles.net.interfaces import Broadcast

HARDWARE = bytes.fromhex("02aabbccddee")


class WakeTest(unittest.TestCase):
    def test_a_magic_packet_has_the_address_sixteen_times(self) -> None:
        packet = wake.magic_packet(HARDWARE)
        self.assertEqual((len(packet), packet[:6], packet[-6:]), (102, b"\xff" * 6, HARDWARE))

    def test_it_goes_to_every_network_although_one_refuses(self) -> None:
        networks = (Broadcast("10.0.0.1", "10.0.0.255"), Broadcast("10.1.0.1", "10.1.0.255"))
        datagrams = mock.MagicMock()
        opened = datagrams.__enter__.return_value
        with (
            mock.patch.object(wake, "broadcasts", return_value=networks),
            mock.patch.object(wake, "broadcasting", side_effect=[OSError, datagrams]),
        ):
            wake.wake(HARDWARE)
        opened.send.assert_called_once_with(wake.magic_packet(HARDWARE), ("10.1.0.255", 9))
