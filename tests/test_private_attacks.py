"""Attacks on a private room that runs, by a client that was written from the specification."""

from __future__ import annotations

import json
import logging
import unittest

from tests.private_attacker import Attacker, G, M, N, P, add, confirmations, encoded, times
from tests.private_rooms import CODE, PrivateRoomTest

TALK = b'{"lmk":2,"ask":"talk"}\n'
ID = '"id":"8f03a2c41b90d7e5"'
FILES = {"exam.txt": b"secret"}


class AttackerTest(unittest.TestCase):
    def test_its_arithmetic_is_that_of_the_rfc(self) -> None:
        """The first vector of RFC 9382, appendix B."""
        w = 0x2EE57912099D31560B3A44B1184B9B4866E904C49D12AC5042C97DCA461B1A5F
        x = 0x43DD0FD7215BDCB482879FCA3220C6A968E66D70B1356CAC18BB26C84A78D729
        y = 0xDCB60106F276B02606D8EF0A328C02E4B629F84F89786AF5BEFB0BC75B6E66BE
        share_a = encoded(add(times(x, G), times(w, M)))
        share_b = encoded(add(times(y, G), times(w, N)))
        common = encoded(times(x * y, G))
        parts = [b"server", b"client", share_a, share_b, common, w.to_bytes(32, "big")]
        proof_a, proof_b = confirmations(parts, b"")
        self.assertEqual(proof_a.hex()[:32], "58ad4aa88e0b60d5061eb6b5dd93e80d")
        self.assertEqual(proof_b.hex()[:32], "d3e2e547f1ae04f2dbdbf0fc4b79f8ec")


class AttackTest(PrivateRoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.private_tracker().address

    def attacker(self) -> Attacker:
        return self.enterContext(Attacker(self.room))

    def test_the_specification_is_enough_to_join_come_back_and_be_a_member(self) -> None:
        seeder = self.member_seeder(self.make_folder("shared", FILES), self.room).address
        secret = self.attacker().join(CODE)
        again = self.attacker()
        again.prove(secret)
        again.tls.sendall(TALK)
        question = f'request_file_list\n{{"lmk":2,{ID},"version":""}}'
        self.assertTrue(again.ask(question.encode()).startswith(b"success\n"))
        with Attacker(seeder) as member:
            member.prove(secret)
            hello = {"lmk": 2, "peer": "0" * 16, "name": "x", "listen": 0, "as": "leecher"}
            member.tls.sendall(b"request_connection\n" + json.dumps(hello).encode() + b"\n")
            self.assertIn(b'"connected"', member.tls.recv(1_000))

    def test_the_tracker_refuses_what_is_no_share_and_says_nothing_more(self) -> None:
        x, y = G[0].to_bytes(32, "big"), G[1].to_bytes(32, "big")
        for share in (
            bytes(65),
            b"\x04" + bytes(64),
            b"\x04" + x + x,
            b"\x04" + P.to_bytes(32, "big") + y,
            b"\x06" + x + y,
        ):
            attacker = self.attacker()
            attacker.tls.sendall(b"j" + share)
            self.assertEqual(len(attacker.rest()), 1 + 65)  # its own share, which tells nothing

    def test_the_tracker_refuses_the_proof_of_another_exchange_and_says_nothing_more(self) -> None:
        first, second = self.attacker(), self.attacker()
        first.tls.sendall(b"j" + first.share(CODE))
        self.assertEqual(first.get(1), b"+")
        ours, theirs = first.proofs(first.get(65))
        second.tls.sendall(b"j" + first.ours)
        second.get(66)
        second.tls.sendall(ours)
        self.assertRegex(second.rest(), b"^-.$")
        third = self.attacker()  # with the proof that the tracker will make
        third.tls.sendall(b"j" + first.ours)
        third.get(66)
        third.tls.sendall(theirs)
        self.assertRegex(third.rest(), b"^-.$")
        first.tls.sendall(ours)
        self.assertEqual(first.get(33), b"+" + theirs)

    def test_neither_tracker_nor_member_takes_its_own_proof_or_one_of_another_connection(
        self,
    ) -> None:
        secret = self.attacker().join(CODE)
        seeder = self.member_seeder(self.make_folder("shared", FILES), self.room).address
        for address in (self.room, seeder):
            with Attacker(address) as one, Attacker(address) as two:
                for each in (one, two):
                    each.tls.sendall(b"p" + bytes(32))
                nonce, own = one.get(33)[1:], one.get(32)
                two.get(65)
                two.tls.sendall(one.proof(secret, b"dialled ", bytes(32) + nonce))
                self.assertEqual(two.rest(), b"")
                one.tls.sendall(own)
                self.assertEqual(one.rest(), b"")

    def test_a_flood_of_strangers_does_not_wash_the_log_away(self) -> None:
        seeder = self.member_seeder(self.make_folder("shared", FILES), self.room).address
        for address in (self.room, seeder):
            with self.subTest(address), self.assertLogs("roles", logging.DEBUG) as logged:
                for _ in range(60):
                    with Attacker(address) as attacker:
                        attacker.tls.sendall(b"x")
                        attacker.rest()
            complaints = [line for line in logged.output if "unknown way" in line]
            self.assertLess(len(complaints), 50)
            self.assertTrue(complaints)

    def test_the_tracker_hears_nothing_of_lmk1_from_a_member(self) -> None:
        attacker = self.attacker()
        attacker.join(CODE)
        attacker.tls.sendall(TALK)
        for message in (
            f'add_seeder\n["127.0.0.1",13999]\n{{"lmk":2,{ID}}}',
            'upload_file_list\n{"lmk":5}',
            f'ping_tracker\n["127.0.0.1",13999]\n{{"lmk":2,{ID}}}',
            'request_file_list\n"lmk"',
        ):
            self.assertEqual(attacker.ask(message.encode()), b"error\nNone")


if __name__ == "__main__":
    unittest.main()
