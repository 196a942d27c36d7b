"""The tracker's talk with members, as records."""

from __future__ import annotations

import selectors
import socket
import time
import unittest
from unittest import mock

from roles.net.connection import MAX_QUEUED, Connection
from roles.room import member_channels
from roles.room.cookies import Proof
from roles.room.member_channels import MemberChannels
from tests.connections import over, tcp_pair
from tests.support import LIMIT_S

QUESTION = b'request_file_list\n{"lmk":2}'


class FakeAnswers:
    def __init__(self) -> None:
        self.proofs = list[Proof]()

    def to(self, datagram: bytes, host: str, port: int, proof: Proof, *, now: float) -> list[bytes]:
        del host, port, now
        self.proofs.append(proof)
        return [b"re: " + datagram]


class MemberChannelsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.selector = self.enterContext(selectors.DefaultSelector())
        self.answers = FakeAnswers()
        self.channels = MemberChannels(self.selector, self.answers)  # type: ignore[arg-type]
        self.addCleanup(self.channels.close)

    def member(self) -> tuple[socket.socket, Connection]:
        sock, other = self.enterContext(tcp_pair())
        sock.settimeout(LIMIT_S)
        connection = over(other)
        self.channels.take(connection)
        return sock, connection

    def turn(self) -> None:
        for key, _ in self.selector.select(1):
            key.data()

    def test_each_record_is_answered_by_one_and_needs_no_cookie(self) -> None:
        sock, _ = self.member()
        record = len(QUESTION).to_bytes(2, "big") + QUESTION
        sock.sendall(record + record[:5])
        self.turn()
        answer = b"re: " + QUESTION
        self.assertEqual(sock.recv(1_000), len(answer).to_bytes(2, "big") + answer)
        sock.sendall(record[5:])
        self.turn()
        self.assertEqual(sock.recv(1_000)[2:], answer)
        self.assertEqual(self.answers.proofs, [Proof.GOOD] * 2)

    def test_what_came_with_the_call_is_heard_at_once(self) -> None:
        sock, other = self.enterContext(tcp_pair())
        connection = over(other)
        connection.put_back(len(QUESTION).to_bytes(2, "big") + QUESTION)
        self.channels.take(connection)
        self.assertEqual(sock.recv(1_000)[2:], b"re: " + QUESTION)

    def test_a_member_that_says_something_else_or_too_much_is_left(self) -> None:
        short = b'a{"lmk":2}'
        for words in (
            b"\xff\xff",
            b"\0\x10" + bytes(16),
            b"\0\x05hello",
            100 * (len(short).to_bytes(2, "big") + short),
        ):
            with self.subTest(words=words[:8]):
                sock, connection = self.member()
                sock.sendall(words)
                self.turn()
                self.assertEqual(connection.fileno(), -1)

    def test_one_that_has_left_or_is_silent_is_forgotten(self) -> None:
        sock, connection = self.member()
        _, silent = self.member()
        sock.close()
        self.turn()
        self.assertEqual(connection.fileno(), -1)
        self.channels.expire(now=time.monotonic() + member_channels.SILENT_S / 2)
        self.assertGreaterEqual(silent.fileno(), 0)
        self.channels.expire(now=time.monotonic() + member_channels.SILENT_S + 1)
        self.assertEqual(silent.fileno(), -1)

    def test_there_is_room_for_so_many_and_then_for_nobody(self) -> None:
        with mock.patch.object(member_channels, "HERE", 2):
            connections = [self.member()[1] for _ in range(3)]
        self.assertEqual(
            [connection.fileno() >= 0 for connection in connections], [True, True, False]
        )

    def test_one_that_reads_nothing_does_not_hold_up_the_others(self) -> None:
        greedy, connection = self.member()
        other, _ = self.member()
        record = (900).to_bytes(2, "big") + QUESTION.ljust(900)
        with mock.patch.object(connection.carrier, "send", lambda *_, **__: 0):  # it takes nothing
            for _ in range(MAX_QUEUED // 906 + 1):
                greedy.sendall(record)
                self.turn()
        self.assertEqual(connection.fileno(), -1)
        other.sendall(len(QUESTION).to_bytes(2, "big") + QUESTION)
        self.turn()
        self.assertTrue(other.recv(1_000))


if __name__ == "__main__":
    unittest.main()
