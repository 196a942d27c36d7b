"""Greeting whoever listens there: a peer, an original seeder, or something that never answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from roles.net.peer_greeting import greeted
from roles.values.errors import PeerProtocolError
from roles.wire.greeting import Hello, Welcome, encode_hello, encode_welcome
from tests.connections import over, tcp_pair
from tests.receiving import receive_exactly
from tests.role_test import RoomTest
from tests.support import NEVER, STOPPED, at_once

ME = Hello("0123456789abcdef", "lab-pc-07", 12501, is_seeder=False)
YOU = Welcome("fedcba9876543210", "lab-pc-08", is_away=False)


class PeerGreetingTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        sock, self.theirs = self.enterContext(tcp_pair())
        self.ours = over(sock)

    def answered(self, answer: bytes) -> Welcome:
        self.theirs.sendall(answer)
        return greeted(self.ours, ME, NEVER)

    def playing(self, play: Callable[[], None]) -> None:
        thread = threading.Thread(target=play, name="scripted-peer")
        thread.start()
        self.addCleanup(thread.join)

    def test_our_hello_is_sent_and_the_answer_read(self) -> None:
        self.assertEqual(self.answered(encode_welcome(YOU)), YOU)
        hello = encode_hello(ME)
        self.assertEqual(receive_exactly(self.theirs, len(hello)), hello)

    def test_frames_behind_the_answer_are_left_for_others(self) -> None:
        self.answered(encode_welcome(YOU) + b"\x0d\0\0\0\0more")
        self.assertEqual(self.ours.receive(9), b"\x0d\0\0\0\0more")

    def test_away_is_an_answer(self) -> None:
        self.assertTrue(self.answered(encode_welcome(Welcome(YOU.peer, "", True))).is_away)

    def test_an_original_that_says_connected_hears_the_word_that_frees_it(self) -> None:
        with self.assertRaises(PeerProtocolError):
            self.answered(b"connected")
        receive_exactly(self.theirs, len(encode_hello(ME)))
        self.assertEqual(self.theirs.recv(100), b"exit_connection")

    def test_an_original_that_is_away_is_left_alone(self) -> None:
        for word in (b"away", b"error"):
            with self.subTest(word=word), self.assertRaises(PeerProtocolError):
                self.answered(word)

    def test_who_closes_without_an_answer_is_no_peer(self) -> None:
        self.theirs.shutdown(socket.SHUT_WR)
        with self.assertRaises(PeerProtocolError):
            greeted(self.ours, ME, NEVER)

    def test_who_never_answers_hears_the_word_of_lmk1_at_the_end(self) -> None:
        self.constant("net.peer_greeting", "ANSWER_S", 0.1)
        with self.assertRaises(TimeoutError):
            greeted(self.ours, ME, NEVER)
        self.ours.end_sending()
        said = receive_exactly(self.theirs, len(encode_hello(ME) + b"exit_connection"))
        self.assertTrue(said.endswith(b"exit_connection"))

    def drip(self) -> None:
        """Play a peer whose answer never ends, slowly."""
        try:
            self.theirs.sendall(b'lmk2 {"')
            for _ in range(4_000):
                self.theirs.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            return

    def test_an_answer_that_comes_byte_by_byte_for_ever_is_given_up(self) -> None:
        self.constant("net.peer_greeting", "ANSWER_S", 0.3)
        self.playing(self.drip)
        with at_once(), self.assertRaises(TimeoutError):
            greeted(self.ours, ME, NEVER)
        self.ours.close()

    def test_nor_does_it_keep_a_program_from_ending(self) -> None:
        self.constant("net.peer_greeting", "STOPPING_S", 0.2)
        self.playing(self.drip)
        with at_once(), self.assertRaises(TimeoutError):
            greeted(self.ours, ME, STOPPED)
        self.ours.close()
