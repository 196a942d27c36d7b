"""Ending the connections of an address that is gone."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
import unittest

from roles.joining.list_client import fetch_list
from roles.net.connections import hang_up, noted, was_hung_up
from roles.net.dialling import dialled
from roles.values.addresses import Address
from tests.role_test import RoomTest
from tests.support import LIMIT_S

POSIX_ONLY = unittest.skipUnless(os.name == "posix", "a thing of POSIX systems")
HOST, GONE = "127.0.0.1", "127.0.0.66"


class ConnectionsTest(RoomTest):
    def listener(self, host: str) -> socket.socket:
        listener = self.enterContext(socket.create_server((host, 0)))
        listener.settimeout(LIMIT_S)
        return listener

    def pair(self, own: str, to: str) -> tuple[socket.socket, socket.socket]:
        """A connection from one address of this machine to another, and its other end."""
        listener = self.listener(to)
        link = self.enterContext(
            socket.create_connection(listener.getsockname(), LIMIT_S, (own, 0))
        )
        return link, self.enterContext(listener.accept()[0])

    def assert_over(self, link: socket.socket) -> None:
        if os.name != "posix":  # Windows wakes nobody who waits there: they look by themselves
            self.assertTrue(was_hung_up(link) or link.recv(1) == b"")
            return
        link.settimeout(LIMIT_S)
        try:
            self.assertEqual(link.recv(1), b"")
        except ConnectionError:  # it was reset
            return

    def test_those_from_it_and_to_it_are_ended_and_no_other(self) -> None:
        ours, _ = self.pair(GONE, HOST)
        to_it, _ = self.pair(HOST, GONE)
        other, its_end = self.pair(HOST, "127.0.0.67")
        for link in (ours, to_it, other):
            noted(link)
        self.assertEqual(hang_up({GONE}), 2)
        self.assert_over(ours)
        self.assert_over(to_it)
        its_end.sendall(b"x")
        self.assertEqual(other.recv(1), b"x")

    @POSIX_ONLY
    def test_whoever_waits_for_one_wakes(self) -> None:
        link, _ = self.pair(GONE, HOST)
        noted(link).settimeout(LIMIT_S)
        heard = list[bytes]()
        thread = threading.Thread(target=lambda: heard.append(link.recv(1)), name="lmk-test")
        thread.start()
        hang_up({GONE})
        thread.join()
        self.assertEqual(heard, [b""])

    def test_what_a_program_dials_is_among_them(self) -> None:
        listener = self.listener(GONE)
        with dialled(Address(*listener.getsockname()), lambda: False) as link:
            self.enterContext(listener.accept()[0])
            self.assertEqual(hang_up({GONE}), 1)
            self.assert_over(link)

    def test_what_a_program_accepts_is_among_them(self) -> None:
        room = self.tracker().address
        seeder = self.seeder(self.make_folder("shared", {"a": b"x"}), room)
        newcomer, reader = self.dial(seeder.address), self.dial(room)
        # Those who came later are answered, so these two are accepted.
        taker = self.connected(seeder.address)
        fetch_list(Address(*room), "", lambda: False)
        hang_up(None)
        for link in (newcomer, reader, taker):
            self.assert_over(link)

    def test_those_that_were_opened_later_stay(self) -> None:
        link, _ = self.pair(GONE, HOST)
        noted(link)
        self.assertEqual(hang_up(None, before=time.monotonic() - 60.0), 0)
        self.assertFalse(was_hung_up(link))
        self.assertEqual(hang_up({GONE}, before=time.monotonic() + 60.0), 1)
        self.assertTrue(was_hung_up(link))

    def test_one_that_was_closed_is_forgotten(self) -> None:
        link, _ = self.pair(GONE, HOST)
        noted(link)
        link.close()
        self.assertEqual(hang_up({GONE}), 0)
        del link
        gc.collect()
        self.assertEqual(hang_up({GONE}), 0)
