"""Newcomers at a listening socket: told apart by their first words, none of them in the way, and
what is believed of them.
"""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import cast
from unittest import mock

from roles.net.connection import Connection
from roles.net.listening import Listener
from roles.swarm.acceptor import MAX_NEWCOMERS, Acceptor
from roles.swarm.peer_downloads import PeerDownloads
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address
from roles.values.errors import ShortageError
from roles.wire.frames import PART
from roles.wire.greeting import Hello
from tests.connections import over
from tests.role_test import NEVER_S, RoomTest
from tests.support import LIMIT_S, wait_until

ME = Hello("0123456789abcdef", "pc", 12501, is_seeder=False)
PEER = "a" * 16
BARE = b"request_connection"
LINE: dict[str, object] = {"lmk": 2, "peer": PEER, "name": "pc", "listen": 12501, "as": "leecher"}
THEM = Hello(PEER, "pc", 12501, is_seeder=False, longest_part=PART)


def greeting(**fields: object) -> bytes:
    return BARE + b"\n" + json.dumps(fields).encode() + b"\n"


class Recorder(Acceptor):
    """Answers with one byte: 1 or 2, as the newcomer speaks LMK/1 or LMK/2."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, ME, mock.create_autospec(PeerUploads, instance=True))
        self.leechers = list[Address]()
        self.peers = list[Hello]()

    def _take_leecher(self, connection: Connection) -> None:
        self.leechers.append(connection.address)
        connection.close(b"1")

    def _take_peer(self, connection: Connection, hello: Hello) -> None:
        self.peers.append(hello)
        connection.close(b"2")


class GreetingTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.constant("swarm.acceptor", "GREETING_S", NEVER_S)
        listener = self.enterContext(Listener(socket.create_server(("127.0.0.1", 0))))
        self.address = listener.address
        self.acceptor = Recorder(listener)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.receive, name="lmk-test")
        self.thread.start()
        self.addCleanup(self.end)

    def receive(self) -> None:
        while not self.stopping.is_set():
            self.acceptor.look()
        self.acceptor.close()

    def end(self) -> None:
        self.stopping.set()
        self.thread.join()

    def said(self, *words: bytes) -> socket.socket:
        sock = self.dial(self.address)
        for word in words:
            sock.sendall(word)
        return sock

    def assert_hears(self, word: bytes, *said: bytes) -> None:
        sock = self.said(*said)
        self.assertEqual(sock.recv(1_024), word)
        self.assertEqual(sock.recv(1_024), b"")

    def test_the_bare_word_is_a_leecher_of_lmk1(self) -> None:
        sock = self.said(BARE)
        self.assertEqual(sock.recv(1), b"1")
        self.assertEqual(self.acceptor.leechers, [Address(*sock.getsockname())])

    def test_a_hello_is_a_peer_of_lmk2_whole_or_byte_by_byte(self) -> None:
        self.assert_hears(b"2", greeting(**LINE))
        whole = greeting(**LINE)
        # The bare word in a segment of its own is LMK/1 at once: so is nothing shorter.
        pieces = [whole[:5], whole[5:20], *(whole[at : at + 1] for at in range(20, len(whole)))]
        self.assert_hears(b"2", *pieces)
        self.assertEqual(self.acceptor.peers, [THEM, THEM])

    def test_who_offers_over_its_own_connection_says_so(self) -> None:
        self.assert_hears(b"2", greeting(**{**LINE, "as": "seeder"}))
        self.assertTrue(self.acceptor.peers[0].is_seeder)

    def test_a_later_version_that_says_what_lmk2_needs_is_a_peer(self) -> None:
        self.assert_hears(b"2", greeting(**{**LINE, "lmk": 3, "later": [1, {"a": None}]}))
        self.assertEqual(self.acceptor.peers, [THEM])

    def test_a_line_that_lmk2_cannot_read_is_a_leecher_of_lmk1(self) -> None:
        for line in (
            greeting(lmk=3),
            greeting(lmk=1, **{key: LINE[key] for key in ("peer", "listen")}),
            greeting(**{**LINE, "peer": "short"}),
            greeting(**{**LINE, "listen": 65_536}),
            greeting(**{**LINE, "listen": True}),
            BARE + b"\nanything\n",
            BARE + b"\n[1, 2]\n",
            BARE + b"\n\xff\n",
        ):
            with self.subTest(line=line):
                self.assert_hears(b"1", line)
        self.assertEqual(self.acceptor.peers, [])

    def test_a_probe_is_answered_here_and_troubles_nobody(self) -> None:
        probe = "0123456789abcdef"
        sock = self.said(greeting(lmk=2, probe=probe))
        line = sock.recv(1_024)
        self.assertTrue(line.startswith(b"lmk2 ") and line.endswith(b"\n"), line)
        self.assertEqual(json.loads(line[5:])["probe"], probe)
        self.assertEqual(sock.recv(1), b"")
        self.assertEqual((self.acceptor.peers, self.acceptor.leechers), ([], []))

    def test_a_stranger_hears_error(self) -> None:
        for words in (b"hello", b"\xff", BARE + b"\n" + b"{" * 600):
            with self.subTest(words=words[:20]):
                sock = self.said(words)
                self.assertEqual(sock.recv(5), b"error")
        self.assertEqual((self.acceptor.peers, self.acceptor.leechers), ([], []))

    def test_a_browser_is_handed_over_with_its_first_words_or_hears_nothing(self) -> None:
        first = b"GET / HTTP/1.1\r\n"
        self.assert_hangs_up(self.said(first))
        heard = list[bytes | None]()

        def take(connection: Connection) -> None:
            heard.append(connection.receive(100))
            connection.close(b"3")

        self.acceptor._take_browser = take
        self.assert_hears(b"3", first)
        self.assert_hears(b"3", b"P")
        self.assertEqual(heard, [first, b"P"])

    def test_who_gave_up_hears_nothing_more(self) -> None:
        self.assert_hangs_up(self.said(BARE + b"exit_connection"))

    def test_who_says_nothing_or_half_a_word_is_sent_away_in_time(self) -> None:
        self.constant("swarm.acceptor", "GREETING_S", 0.1)
        for words in ((), (b"request_co",), (BARE + b"\n{",)):
            self.assert_hangs_up(self.said(*words))

    def test_the_oldest_silent_one_makes_room_for_others(self) -> None:
        silent = [self.said() for _ in range(MAX_NEWCOMERS)]
        self.assert_hears(b"1", BARE)
        self.assert_hangs_up(silent[0])
        silent[-1].sendall(BARE)
        self.assertEqual(silent[-1].recv(1), b"1")

    def test_of_silent_newcomers_those_of_the_host_with_most_of_them_go_first(self) -> None:
        lonely = self.said_from("127.0.0.2")
        crowd = [self.said() for _ in range(3 * MAX_NEWCOMERS)]
        for sock in crowd[: 2 * MAX_NEWCOMERS]:
            self.assert_hangs_up(sock)
        lonely.sendall(BARE)
        self.assertEqual(lonely.recv(1), b"1")

    def said_from(self, host: str) -> socket.socket:
        """A silent newcomer from another address."""
        sock = self.enterContext(socket.socket())
        sock.settimeout(LIMIT_S)
        try:
            sock.bind((host, 0))
        except OSError:
            self.skipTest("this system has one address of its own only")
        sock.connect(self.address)
        wait_until(lambda: bool(self.acceptor._newcomers))
        return sock

    def test_who_hangs_up_is_forgotten(self) -> None:
        for words in ((), (b"request_co",)):
            self.said(*words).close()
        wait_until(lambda: not self.acceptor._newcomers)
        self.assert_hears(b"1", BARE)

    def test_at_the_end_everybody_who_has_not_greeted_is_sent_away(self) -> None:
        silent = self.said()
        self.assert_hears(b"1", BARE)  # so the silent one was accepted before
        self.end()
        self.assert_hangs_up(silent)


class Refusing:
    """A listening socket at which the system says no as long as it is told to."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.error: BaseException | None = None
        self.refused = 0

    def accept(self) -> Connection | None:
        if self.error is not None:
            self.refused += 1
            raise self.error
        return self._listener.accept()

    def fileno(self) -> int:
        return self._listener.fileno()


class ShortageTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        listener = self.enterContext(Listener(socket.create_server(("127.0.0.1", 0))))
        self.address = listener.address
        self.listener = Refusing(listener)
        self.acceptor = Recorder(cast("Listener", self.listener))
        self.addCleanup(self.acceptor.close)

    def look_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            self.acceptor.look()

    def test_without_descriptors_it_rests_and_then_takes_who_waits(self) -> None:
        for error in (OSError(errno.EMFILE, "Too many open files"), MemoryError()):
            with self.subTest(error=error), self.assertLogs("roles.swarm.acceptor", "WARNING"):
                self.acceptor._complain_at = 0.0
                self.listener.error, self.listener.refused = error, 0
                sock = self.dial(self.address)
                sock.sendall(BARE)
                began, looks = time.monotonic(), 0
                while time.monotonic() - began < 0.35 or not self.listener.refused:
                    self.acceptor.look()
                    looks += 1
                # Each time that it rests it looks only as often as somebody has said something.
                self.assertGreaterEqual(self.listener.refused, 1)
                self.assertLessEqual(self.listener.refused, 5)
                self.assertLessEqual(looks, 50)
                self.listener.error = None
                self.acceptor.leechers.clear()
                self.look_until(lambda: bool(self.acceptor.leechers))
                self.assertEqual(sock.recv(1), b"1")

    def test_a_shortage_is_said_once_in_a_while(self) -> None:
        self.constant("swarm.acceptor", "REFUSED_PAUSE_S", 0.0)
        self.listener.error = OSError(errno.EMFILE, "Too many open files")
        self.dial(self.address)
        with self.assertLogs("roles.swarm.acceptor", "WARNING") as said:
            self.look_until(lambda: self.listener.refused > 10)
        self.assertEqual(len(said.records), 1)

    def test_what_the_system_refuses_for_one_newcomer_ends_that_connection_alone(self) -> None:
        take = self.acceptor._take_peer
        for error in (
            OSError(errno.EMFILE, "Too many open files"),
            MemoryError(),
            ShortageError("no more threads"),
        ):

            def refuse(*_: object, error: Exception = error) -> None:
                raise error

            with self.subTest(error=error), self.assertLogs("roles.swarm.acceptor", "WARNING"):
                self.acceptor._take_peer = refuse  # type: ignore[method-assign,assignment]
                unlucky = self.dial(self.address)
                unlucky.sendall(greeting(**LINE))
                unlucky.settimeout(0.01)
                self.look_until(lambda: has_ended(unlucky))  # noqa: B023
                self.acceptor._take_peer = take  # type: ignore[method-assign]
                self.acceptor.peers.clear()
                self.dial(self.address).sendall(greeting(**LINE))
                self.look_until(lambda: bool(self.acceptor.peers))


class PeerTest(RoomTest):
    def heard_of(self, host: str, listen: int) -> list[Address]:
        """The addresses that downloads hear of when a leecher connects from this host."""
        uploads = mock.create_autospec(PeerUploads, instance=True)
        downloads = mock.create_autospec(PeerDownloads, instance=True)
        listener = self.enterContext(Listener(socket.create_server(("127.0.0.1", 0))))
        acceptor = Acceptor(listener, ME, uploads, downloads=downloads)
        self.addCleanup(acceptor.close)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            hello = Hello("f" * 16, "other", listen, is_seeder=False)
            acceptor._take_peer(over(ours, Address(host, 40_000)), hello)
            self.assertTrue(theirs.recv(512).startswith(b"lmk2 "))
        return [address for call in downloads.heard_of.call_args_list for address in call.args[0]]

    def test_a_leecher_that_comes_is_connected_to_where_it_listens(self) -> None:
        self.assertEqual(self.heard_of("10.0.0.9", 12501), [Address("10.0.0.9", 12501)])
        self.assertEqual(self.heard_of("127.0.0.1", 12501), [Address("127.0.0.1", 12501)])

    def test_one_that_names_the_port_of_a_service_or_none_is_not(self) -> None:
        for port in (0, 22, 25, 80, 6379, 9100):
            with self.subTest(port=port):
                self.assertEqual(self.heard_of("10.0.0.9", port), [])


def has_ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True
