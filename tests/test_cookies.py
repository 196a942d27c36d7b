"""Cookies: what they prove, for how long, and that they need no table."""

from __future__ import annotations

import unittest

from roles.room import cookies
from roles.room.cookies import EPOCH_S, GOOD_EPOCHS, KNOWN_EPOCHS, Cookies, Proof
from roles.wire.fields import COOKIE_SIZE

HOST, OTHER = "10.0.0.7", "10.0.0.8"


class CookiesTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cookies = Cookies(b"secret")

    def test_only_the_host_that_got_it_proves_something_by_it(self) -> None:
        cookie = self.cookies.give(HOST, now=0.0)
        self.assertEqual(len(bytes.fromhex(cookie)), COOKIE_SIZE)
        self.assertIs(self.cookies.proof(HOST, cookie, now=0.0), Proof.GOOD)
        for host, said in ((OTHER, cookie), (HOST, ""), (HOST, cookie[:-1]), (HOST, "0" * 24)):
            self.assertIs(self.cookies.proof(host, said, now=0.0), Proof.NONE)

    def test_it_is_good_for_one_to_two_minutes_then_old_then_nothing(self) -> None:
        end = EPOCH_S * 10
        cookie = self.cookies.give(HOST, now=end - 1)
        for now, proof in (
            (end + EPOCH_S * (GOOD_EPOCHS - 1) - 1, Proof.GOOD),
            (end + EPOCH_S * (GOOD_EPOCHS - 1), Proof.OLD),
            (end + EPOCH_S * (KNOWN_EPOCHS - 1) - 1, Proof.OLD),
            (end + EPOCH_S * (KNOWN_EPOCHS - 1), Proof.NONE),
            (end - EPOCH_S - 1, Proof.NONE),
        ):
            with self.subTest(now=now):
                self.assertIs(self.cookies.proof(HOST, cookie, now=now), proof)

    def test_a_tracker_with_the_same_secret_knows_it_and_no_other(self) -> None:
        cookie = self.cookies.give(HOST, now=0.0)
        self.assertIs(Cookies(b"secret").proof(HOST, cookie, now=0.0), Proof.GOOD)
        self.assertIs(Cookies(b"another").proof(HOST, cookie, now=0.0), Proof.NONE)

    def test_many_hosts_push_no_cookie_out(self) -> None:
        cookie = self.cookies.give(HOST, now=0.0)
        for number in range(cookies._MAX_KEPT + 10):
            self.cookies.give(f"host {number}", now=0.0)
        self.assertLessEqual(len(self.cookies._made), cookies._MAX_KEPT)
        self.assertIs(self.cookies.proof(HOST, cookie, now=0.0), Proof.GOOD)
