"""The handshake of a private room: what is said in clear, and what a proof covers."""

from __future__ import annotations

import unittest

from roles.private.handshake_wire import (
    ANSWER_SIZE,
    Side,
    answer_of,
    refusal,
    room_of,
    secret_proof,
)
from roles.values.errors import PeerProtocolError
from roles.wire.list_wire import OPEN_ANSWER

ROOM = "0123456789abcdef"


class EntryWordsTest(unittest.TestCase):
    def test_the_answer_names_the_room(self) -> None:
        self.assertEqual(len(answer_of(ROOM)), ANSWER_SIZE)
        self.assertEqual(room_of(answer_of(ROOM)), ROOM)

    def test_any_other_answer_is_refused(self) -> None:
        good = answer_of(ROOM)
        for answer in (b"", good[:-1], good.upper(), good.replace(b"1 0", b"2 0"), OPEN_ANSWER):
            with self.subTest(answer=answer), self.assertRaises(PeerProtocolError):
                room_of(answer)

    def test_a_proof_covers_side_room_certificate_and_both_nonces(self) -> None:
        one, other = bytes(32), b"\1" * 32
        proofs = {
            secret_proof(one, Side.DIALLED, ROOM, one, one, other),
            secret_proof(other, Side.DIALLED, ROOM, one, one, other),
            secret_proof(one, Side.ACCEPTED, ROOM, one, one, other),
            secret_proof(one, Side.DIALLED, "f" * 16, one, one, other),
            secret_proof(one, Side.DIALLED, ROOM, other, one, other),
            secret_proof(one, Side.DIALLED, ROOM, one, other, other),
            secret_proof(one, Side.DIALLED, ROOM, one, one, one),
        }
        self.assertEqual(len(proofs), 7)

    def test_a_refusal_says_how_long_to_wait_or_how_many_tries_are_left(self) -> None:
        for number, said in ((0, 0), (0.2, 1), (4, 4), (43.1, 44), (999.0, 255)):
            self.assertEqual(refusal(number), b"-" + bytes((said,)))


if __name__ == "__main__":
    unittest.main()
