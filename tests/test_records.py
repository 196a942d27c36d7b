"""Messages as records over a connection."""

from __future__ import annotations

import unittest

from roles.net.records import next_record, post_record
from roles.values.errors import PeerProtocolError
from tests.connections import over, tcp_pair


class RecordsTest(unittest.TestCase):
    def test_they_arrive_one_by_one_wherever_they_are_split(self) -> None:
        said = b"\0\5hello\0\0\0\1x"
        for at in range(len(said)):
            with self.subTest(at=at), tcp_pair() as (sock, other), over(other) as connection:
                sock.sendall(said[:at])
                come = []
                for rest in (b"", said[at:]):
                    sock.sendall(rest)
                    connection.limit(0.02)
                    while (record := next_record(connection, 100)) is not None:
                        come.append(record)
                self.assertEqual(come, [b"hello", b"", b"x"])

    def test_one_that_is_too_long_is_refused_before_it_comes(self) -> None:
        with tcp_pair() as (sock, other), over(other) as connection:
            sock.sendall(b"\xff\xff")
            connection.limit(1)
            with self.assertRaises(PeerProtocolError):
                next_record(connection, 1_000)

    def test_the_end_is_an_error(self) -> None:
        with tcp_pair() as (sock, other), over(other) as connection:
            sock.close()
            connection.limit(1)
            with self.assertRaises(ConnectionResetError):
                next_record(connection, 1_000)

    def test_what_is_posted_is_what_comes(self) -> None:
        with tcp_pair() as (sock, other), over(sock) as sender, over(other) as connection:
            post_record(sender, b"some words")
            connection.limit(1)
            self.assertEqual(next_record(connection, 10), b"some words")


if __name__ == "__main__":
    unittest.main()
