"""Who comes in, and what is believed of it."""

from __future__ import annotations

import socket
from unittest import mock

from roles.swarm.acceptor import Acceptor
from roles.swarm.peer_downloads import PeerDownloads
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address
from roles.wire.greeting import Hello
from tests.connections import over
from tests.support import LmkTestCase

ME = Hello("0123456789abcdef", "pc", 12501, is_seeder=False)


class AcceptorTest(LmkTestCase):
    def heard_of(self, host: str, listen: int) -> list[Address]:
        """The addresses that downloads hear of when a leecher connects from this host."""
        uploads = mock.create_autospec(PeerUploads, instance=True)
        downloads = mock.create_autospec(PeerDownloads, instance=True)
        acceptor = Acceptor(ME, uploads, downloads=downloads)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            hello = Hello("f" * 16, "other", listen, is_seeder=False)
            acceptor.take_peer(over(ours, Address(host, 40_000)), hello)
            self.assertTrue(theirs.recv(512).startswith(b"lmk2 "))
        return [address for call in downloads.heard_of.call_args_list for address in call.args[0]]

    def test_a_leecher_that_comes_is_connected_to_where_it_listens(self) -> None:
        self.assertEqual(self.heard_of("10.0.0.9", 12501), [Address("10.0.0.9", 12501)])
        self.assertEqual(self.heard_of("127.0.0.1", 12501), [Address("127.0.0.1", 12501)])

    def test_one_that_names_the_port_of_a_service_or_none_is_not(self) -> None:
        for port in (0, 22, 25, 80, 6379, 9100):
            with self.subTest(port=port):
                self.assertEqual(self.heard_of("10.0.0.9", port), [])
