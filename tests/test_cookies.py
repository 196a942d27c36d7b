"""Cookies: what they prove, for how long, and that they need no table."""

from __future__ import annotations

import hmac
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

    def test_it_is_the_digest_that_the_protocol_says(self) -> None:
        digest = hmac.digest(b"secret", b"10.0.0.7|3", "sha256")
        for size in (COOKIE_SIZE, 7):
            given = Cookies(b"secret", size=size).give(HOST, now=3 * 60.0 + 1)
            self.assertEqual(given, digest[:size].hex())

    def test_it_may_be_good_for_longer(self) -> None:
        cookies = Cookies(b"secret", good_epochs=GOOD_EPOCHS + 1)
        cookie, end = cookies.give(HOST, now=0.0), EPOCH_S * (GOOD_EPOCHS + 1)
        self.assertIs(cookies.proof(HOST, cookie, now=end - 1), Proof.GOOD)
        self.assertIs(cookies.proof(HOST, cookie, now=end), Proof.OLD)

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
