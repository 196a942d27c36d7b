"""Ports that are free, taken, or not ours."""

from __future__ import annotations

import errno
import select
import socket
import threading
from collections.abc import Callable
from unittest import mock

from roles.net.connection import Connection
from roles.net.datagrams import Datagrams
from roles.net.listening import Listener, bind_both, listen_tcp
from roles.values.addresses import Address
from roles.values.errors import StorageError
from tests.support import LIMIT_S, LmkTestCase, wait_until

HOST = "127.0.0.1"


def refusing(error: OSError) -> Callable[..., None]:
    """What to put in place of bind()."""

    def bind(*_: object) -> None:
        raise error

    return bind


def accepted(listener: Listener) -> Connection:
    """A connection that was accepted."""
    wait_until(lambda: bool(select.select([listener], (), (), 0)[0]))
    connection = listener.accept()
    assert connection is not None
    return connection


class ListeningTest(LmkTestCase):
    def tcp(self, port: int, *, exactly: bool = False) -> tuple[Listener, str]:
        listener, note = listen_tcp(Address(HOST, port), exactly=exactly)
        self.addCleanup(listener.close)
        return listener, note

    def udp(self, port: int, *, exactly: bool = False) -> tuple[Datagrams, str]:
        sock, listener, note = bind_both(Address(HOST, port), exactly=exactly)
        self.addCleanup(sock.close)
        self.addCleanup(listener.close)
        return sock, note

    def test_a_free_port_is_taken_without_a_word(self) -> None:
        port = self.free_port("tcp")
        listener, note = self.tcp(port)
        self.assertEqual((listener.address, note), ((HOST, port), ""))
        with socket.create_connection((HOST, port), 2):
            accepted(listener).close()
        _, note = self.udp(self.free_port("udp"))
        self.assertEqual(note, "")

    def test_port_0_is_any_port(self) -> None:
        self.assertNotEqual(self.tcp(0)[0].address.port, 0)
        self.assertNotEqual(self.udp(0)[0].address.port, 0)

    def test_the_next_port_is_taken_and_named_when_the_wanted_one_is_in_use(self) -> None:
        for kind in (self.tcp, self.udp):
            with self.subTest(kind=kind.__name__):
                port = kind(0)[0].address.port
                second, note = kind(port)
                other = second.address.port
                self.assertNotEqual(other, port)
                self.assertIn(other, range(12500, 12520))
                self.assertEqual(note, f"Port {port} is in use, so this is on port {other}.")

    def both(self, port: int, *, exactly: bool = False) -> tuple[int, str]:
        sock, listener, note = bind_both(Address(HOST, port), exactly=exactly)
        self.addCleanup(sock.close)
        self.addCleanup(listener.close)
        self.assertEqual(sock.address, listener.address)
        return sock.address.port, note

    def test_a_pair_has_one_number(self) -> None:
        self.assertEqual(self.both(0)[1], "")
        port = self.free_port("tcp")
        self.assertEqual(self.both(port, exactly=True), (port, ""))

    def test_a_number_of_which_half_is_taken_is_no_pair(self) -> None:
        for kind in (self.tcp, self.udp):
            with self.subTest(kind=kind.__name__):
                port = kind(0)[0].address.port
                other, note = self.both(port)
                self.assertIn(other, (12500, *range(12511, 12520)))
                self.assertEqual(note, f"Port {port} is in use, so this is on port {other}.")
                with self.assertRaisesRegex(StorageError, f"Port {port} is in use"):
                    self.both(port, exactly=True)

    def test_a_seeder_and_a_tracker_keep_off_each_others_ports(self) -> None:
        tcp_port, udp_port = self.tcp(0)[0].address.port, self.udp(0)[0].address.port
        self.assertIn(self.tcp(tcp_port)[0].address.port, range(12501, 12511))
        self.assertIn(self.udp(udp_port)[0].address.port, (12500, *range(12511, 12520)))

    def test_a_port_that_must_be_exactly_that_one_is_an_error_when_it_is_in_use(self) -> None:
        for kind in (self.tcp, self.udp):
            with self.subTest(kind=kind.__name__):
                port = kind(0)[0].address.port
                with self.assertRaisesRegex(StorageError, f"Port {port} is in use"):
                    kind(port, exactly=True)

    def test_an_address_of_another_machine_is_a_sentence(self) -> None:
        for listen in (listen_tcp, bind_both):
            with self.assertRaisesRegex(StorageError, r"192\.0\.2\.1 is not one of its addresses"):
                listen(Address("192.0.2.1", 12501), exactly=False)

    def test_a_name_that_is_no_address_of_this_machine_is_a_sentence(self) -> None:
        with (
            mock.patch.object(socket.socket, "bind", refusing(socket.gaierror(-2, "unknown"))),
            self.assertRaisesRegex(StorageError, "No address of this computer is called pc "),
        ):
            listen_tcp(Address("pc", 12501), exactly=False)

    def test_each_refusal_is_called_by_its_own_name(self) -> None:
        for error, sentence in (
            (OSError(errno.EACCES, "Permission denied"), "needs the rights of an administrator"),
            (OSError(errno.EMFILE, "Too many open files"), "Too many open files.*try again"),
            (OSError(errno.ENOMEM, "Cannot allocate memory"), "run out of resources"),
            (
                OSError(errno.EPERM, "Operation not permitted"),
                r"on 127\.0\.0\.1:999 \(Operation not",
            ),
        ):
            for listen in (listen_tcp, bind_both):
                with (
                    self.subTest(error=error, listen=listen.__name__),
                    mock.patch.object(socket.socket, "bind", refusing(error)),
                    self.assertRaisesRegex(StorageError, sentence) as refused,
                ):
                    listen(Address(HOST, 999), exactly=True)
                self.assertNotIn("in use", str(refused.exception))

    def test_a_port_that_may_not_be_taken_is_no_port_in_use(self) -> None:
        bind = socket.socket.bind

        def bind_from_1024_on(sock: socket.socket, address: tuple[str, int]) -> None:
            if 0 < address[1] < 1024:
                raise PermissionError(errno.EACCES, "Permission denied")
            bind(sock, address)

        with mock.patch.object(socket.socket, "bind", bind_from_1024_on):
            listener, note = self.tcp(999)
            other = listener.address.port
        self.assertEqual(
            note, f"Port 999 needs the rights of an administrator, so this is on port {other}."
        )

    def test_a_port_is_free_again_at_once_after_a_transfer(self) -> None:
        port = self.free_port("tcp")
        listener, _ = listen_tcp(Address(HOST, port), exactly=True)
        with listener, socket.create_connection((HOST, port), 2) as client:
            accepted(listener).close()  # first: its side then waits in TIME_WAIT
            self.assertEqual(client.recv(1), b"")
        again, note = self.tcp(port, exactly=True)
        self.assertEqual((again.address.port, note), (port, ""))

    def test_two_that_start_in_the_same_moment_get_two_ports(self) -> None:
        for _ in range(100):
            self.assertEqual(len(self.started_together(self.free_port("tcp"))), 2)

    def started_together(self, port: int) -> set[int]:
        """The ports that two threads got who wanted the same one in the same moment."""
        barrier = threading.Barrier(2)
        ports: set[int] = set()
        both_listen = threading.Barrier(2)

        def start() -> None:
            barrier.wait()
            listener, _ = listen_tcp(Address(HOST, port), exactly=False)
            with listener:
                ports.add(listener.address.port)
                both_listen.wait(LIMIT_S)

        threads = [threading.Thread(target=start, name="lmk-test") for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ports
