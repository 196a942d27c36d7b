"""Host names to addresses, in bounded time."""

from __future__ import annotations

import errno
import socket
import threading
from unittest import mock

from roles.net.name_lookup import looked_up
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from tests.support import NEVER, STOPPED, LmkTestCase, at_once, wait_until


class NameLookupTest(LmkTestCase):
    def test_numbers_are_not_looked_up(self) -> None:
        with mock.patch.object(threading.Thread, "start", side_effect=AssertionError):
            found = looked_up(Address("10.0.0.1", 5), STOPPED)
        self.assertEqual(found, (Address("10.0.0.1", 5),))

    def test_a_name_becomes_its_address_and_keeps_its_port(self) -> None:
        found = looked_up(Address("localhost", 77), NEVER)
        self.assertEqual({address.port for address in found}, {77})
        self.assertTrue(all(address.host.startswith("127.") for address in found))

    def test_a_name_of_several_machines_becomes_all_their_addresses_each_once(self) -> None:
        endpoints = [(0, 0, 0, "", (host, 0)) for host in ("10.0.0.1", "10.0.0.2", "10.0.0.1")]
        with mock.patch("socket.getaddrinfo", lambda *_: endpoints):
            found = looked_up(Address("teacher", 77), NEVER)
        self.assertEqual(found, (Address("10.0.0.1", 77), Address("10.0.0.2", 77)))

    def test_a_name_that_cannot_be_encoded_is_nobody(self) -> None:
        for host in ("a..b", "x" * 64, "\udcff", ""):
            with self.subTest(host=host), self.assertRaises(TrackerSilentError):
                looked_up(Address(host, 1), NEVER)

    def test_who_stops_is_not_kept_waiting(self) -> None:
        is_over = threading.Event()
        self.addCleanup(is_over.set)
        with (
            mock.patch("socket.getaddrinfo", lambda *_: [is_over.wait()][1:]),
            at_once(),
            self.assertRaisesRegex(TrackerSilentError, "no-such-machine.invalid"),
        ):
            looked_up(Address("no-such-machine.invalid", 1), STOPPED)
        is_over.set()
        wait_until(
            lambda: all(thread.name != "lmk-lookup" for thread in threading.enumerate()), 30.0
        )

    def test_a_look_up_that_failed_otherwise_does_not_say_that_there_is_no_such_computer(
        self,
    ) -> None:
        for error, sentence in (
            (socket.gaierror(socket.EAI_NONAME, "Not known"), "No computer called pc.invalid"),
            (
                socket.gaierror(socket.EAI_AGAIN, "Try later"),
                r"cannot be looked up now \(Try later",
            ),
            (OSError(errno.EMFILE, "Too many open files"), r"now \(Too many open files\)"),
        ):
            with (
                self.subTest(error=error),
                mock.patch("socket.getaddrinfo", side_effect=error),
                self.assertRaisesRegex(TrackerSilentError, sentence),
            ):
                looked_up(Address("pc.invalid", 1), NEVER)
