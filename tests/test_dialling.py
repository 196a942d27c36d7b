"""Connecting to others: made, refused, or given up in time."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import ClassVar
from unittest import mock

from roles.net.dialling import dialled
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError, TrackerSilentError
from tests.role_test import LINUX_ONLY, RoomTest
from tests.support import LIMIT_S, NEVER, STOPPED, at_once

HOST = "127.0.0.1"


class DiallingTest(RoomTest):
    has_real_polls: ClassVar[bool] = True

    def deaf_address(self) -> Address:
        """Where a handshake never ends, because the queue is full."""
        deaf = self.enterContext(socket.socket())
        deaf.bind((HOST, 0))
        deaf.listen(0)
        for _ in range(4):
            filler = self.enterContext(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        return Address(*deaf.getsockname())

    def test_a_connection_is_made_sends_small_words_at_once_and_waits_for_none_for_ever(
        self,
    ) -> None:
        listener = self.enterContext(socket.create_server((HOST, 0)))
        with dialled(Address(*listener.getsockname()), NEVER) as sock:
            other = self.enterContext(listener.accept()[0])
            with socket.socket(fileno=os.dup(sock.fileno())) as same:
                self.assertTrue(same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            self.assertIsNone(sock.receive(1))
            other.sendall(b"x")
            sock.limit(LIMIT_S)
            self.assertEqual(sock.receive(1), b"x")

    def test_it_says_nothing_by_itself(self) -> None:
        listener = self.enterContext(socket.create_server((HOST, 0)))
        dialled(Address(*listener.getsockname()), NEVER).close()
        self.assertEqual(self.enterContext(listener.accept()[0]).recv(1), b"")

    def test_a_name_is_looked_up(self) -> None:
        listener = self.enterContext(socket.create_server((HOST, 0)))
        port = listener.getsockname()[1]
        with dialled(Address("localhost", port), NEVER, is_chosen=True) as sock:
            self.assertEqual(sock.address, (HOST, port))

    def test_no_service_is_spoken_to_because_a_stranger_named_it(self) -> None:
        for address in (Address(HOST, 9), Address(HOST, 9100), Address("224.0.0.1", 12501)):
            with (
                self.subTest(address=address),
                mock.patch("socket.socket.connect_ex", side_effect=AssertionError("it dialled")),
                self.assertRaises(PeerProtocolError),
            ):
                dialled(address, NEVER)

    def test_what_a_strangers_name_stands_for_is_looked_at_too(self) -> None:
        listener = self.enterContext(socket.create_server((HOST, 0)))
        port = listener.getsockname()[1]
        with mock.patch("roles.net.dialling.looked_up", lambda *_: (Address(HOST, port),)):
            with self.assertRaises(PeerProtocolError):
                dialled(Address("lab-pc-07", port), NEVER)
            dialled(Address("lab-pc-07", port), NEVER, is_chosen=True).close()

    def test_the_user_may_choose_any_port(self) -> None:
        with self.assertRaises(ConnectionRefusedError):
            dialled(Address("127.0.0.99", 9), NEVER, is_chosen=True)

    def test_of_a_hosts_addresses_a_dead_one_is_passed_over(self) -> None:
        listener = self.enterContext(socket.create_server((HOST, 0)))
        living = Address(*listener.getsockname())
        found = (Address("127.0.0.99", living.port), living)
        with (
            mock.patch("roles.net.dialling.looked_up", lambda *_: found),
            dialled(Address("teacher", living.port), NEVER, is_chosen=True) as sock,
        ):
            self.assertEqual(sock.address, tuple(living))

    def test_a_name_that_nobody_has_is_a_sentence(self) -> None:
        with self.assertRaises(TrackerSilentError):
            dialled(Address("nobody.invalid", 1), NEVER)

    def test_where_nobody_listens_it_is_refused_and_says_why(self) -> None:
        with self.assertRaises(ConnectionRefusedError) as caught:
            dialled(Address(HOST, self.free_port("tcp")), NEVER)
        self.assertIn("refused", str(caught.exception))

    @LINUX_ONLY
    def test_a_handshake_that_does_not_end_is_given_up(self) -> None:
        self.constant("net.dialling", "CONNECT_S", 0.3)
        with at_once(), self.assertRaises(TimeoutError):  # the system gives up after two minutes
            dialled(self.deaf_address(), NEVER)

    @LINUX_ONLY
    def test_when_stopping_it_is_given_up_earlier_but_not_at_once(self) -> None:
        self.constant("net.dialling", "CONNECT_S", 60.0)
        stopping = threading.Event()
        ended = list[float]()

        def dial() -> None:
            with self.assertRaises(TimeoutError):
                dialled(address, stopping)
            ended.append(time.monotonic())

        address = self.deaf_address()
        thread = threading.Thread(target=dial, name="lmk-test")
        began = time.monotonic()
        thread.start()
        stopping.set()
        with at_once():
            thread.join()
        # A handshake that ends after all would reach an original as connect and close.
        self.assertGreater(ended[0] - began, 0.5)

    def test_when_stopping_a_connection_that_can_be_made_is_made(self) -> None:
        listener = self.enterContext(socket.create_server((HOST, 0)))
        with dialled(Address(*listener.getsockname()), STOPPED) as sock:
            self.assertEqual(sock.address, listener.getsockname())
