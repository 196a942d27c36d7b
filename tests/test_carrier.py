"""A plain socket as a carrier: what moves, what does not, and what it says of files."""

from __future__ import annotations

import os
import socket
import sys
import unittest

from roles.net.carrier import Carrier
from tests.connections import tcp_pair
from tests.disks import some_bytes
from tests.receiving import receive_exactly
from tests.support import LIMIT_S, LmkTestCase, at_once

HAS_SENDFILE = unittest.skipUnless(hasattr(os, "sendfile"), "sendfile")


class CarrierTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer, ours = self.enterContext(tcp_pair())
        self.peer.settimeout(LIMIT_S)
        self.carrier = Carrier(ours)
        self.addCleanup(self.carrier.close)
        self.carrier.limit(LIMIT_S)

    def fill(self) -> None:
        self.carrier.limit(0)
        while self.carrier.send(bytes(1 << 16)):
            pass

    def test_nothing_in_time_is_none_to_receive_and_zero_to_send(self) -> None:
        target = memoryview(bytearray(9))
        for timeout_s in (0, 1e-9, 0.02):
            with self.subTest(timeout_s=timeout_s):
                self.carrier.limit(timeout_s)
                self.assertIsNone(self.carrier.receive_into(target))
        self.fill()
        for timeout_s in (0, 0.02):
            with self.subTest(timeout_s=timeout_s):
                self.carrier.limit(timeout_s)
                self.assertEqual(self.carrier.send(b"x"), 0)

    def test_who_does_not_wait_sends_what_there_is_room_for(self) -> None:
        for timeout_s in (0, LIMIT_S):
            with self.subTest(timeout_s=timeout_s), at_once():
                self.carrier.limit(timeout_s)
                sent = self.carrier.send(bytes(1 << 20), waits=False)
                self.assertEqual(sent > 0, not timeout_s)  # the second time there is no room
                while self.carrier.send(bytes(1 << 20), waits=False):
                    pass

    @unittest.skipIf(sys.platform == "win32", "it has no SO_RCVLOWAT")
    def test_who_waits_for_many_bytes_gets_fewer_when_no_more_come(self) -> None:
        self.carrier.limit(0.02)
        target = memoryview(bytearray(2_000))
        self.peer.sendall(bytes(1_500))
        self.assertEqual(self.carrier.receive_into(target, 1_000), 1_500)
        self.peer.sendall(bytes(500))
        self.assertIsNone(self.carrier.receive_into(target, 1_000))
        self.assertEqual(self.carrier.receive_into(target), 500)

    @HAS_SENDFILE
    def test_a_file_is_sent_as_far_as_it_goes(self) -> None:
        path, data = self.folder / "a", some_bytes(100_000)
        path.write_bytes(data)
        with path.open("rb") as file:
            sent = self.carrier.send_file(file.fileno(), 40_000, 9_000)
            assert sent
            self.assertEqual(receive_exactly(self.peer, sent), data[40_000 : 40_000 + sent])
            with self.assertRaises(EOFError):
                self.carrier.send_file(file.fileno(), len(data), 1)
            self.fill()
            self.assertEqual(self.carrier.send_file(file.fileno(), 0, 9_000), 0)

    def test_what_is_no_file_cannot_be_sent_as_one(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY) if os.name == "posix" else 0
        try:
            self.assertIsNone(self.carrier.send_file(folder, 0, 1))
        finally:
            if folder:
                os.close(folder)

    def test_both_ends_have_an_address_once_they_are_connected(self) -> None:
        self.assertEqual(self.carrier.hosts(), ("127.0.0.1", "127.0.0.1"))
        alone = Carrier(self.enterContext(socket.socket()))
        self.assertEqual(len(alone.hosts()), 1)

    def test_a_closed_one_says_so(self) -> None:
        self.carrier.close()
        self.assertEqual(self.carrier.fileno(), -1)
        with self.assertRaises(OSError):
            self.carrier.send(b"x", waits=False)
