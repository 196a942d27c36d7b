"""What the desk answers, by the test's clock: forged sources, and questions that come again."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.base.rate_limit import RateLimit
from roles.room.cookies import Cookies
from roles.room.registry import Registry
from roles.room.tracker_desk import Desk
from roles.values.addresses import Address
from roles.wire.lmk2_tracker_messages import (
    Answer,
    AskHolders,
    AskVersion,
    Code,
    Holders,
    ListVersion,
    Ping,
    Pinged,
    Refused,
    Register,
    Request,
)
from roles.wire.lmk2_tracker_wire import decode_answer, encode_request

ID, OTHER_ID = "0123456789abcdef", "fedcba9876543210"
SHARE = "00112233445566aa"
PC = "10.0.0.7"
NAMED = Address(PC, 12501)


class DeskTest(unittest.TestCase):
    def setUp(self) -> None:
        self.registry, self.cookies = Registry(), Cookies(b"secret")
        self.desk = Desk(
            self.registry,
            self.cookies,
            requests=RateLimit(per_host=100, whole=1_000),
            proved=RateLimit(per_host=100, whole=1_000),
            lists=RateLimit(per_host=100, whole=500),
            name="lab-pc-01",
            port=12500,
            on_arrival=lambda *_: None,
        )
        self.cookie = self.cookies.give(PC, now=0.0)
        me = Register(ID, NAMED, ID, "pc", False, shares=(SHARE,), cookie=self.cookie)
        self.registered = self.answer(me)
        self.ping = Ping(ID, NAMED, ID, "available", (SHARE,), cookie=self.cookie)

    def answer(self, request: Request, host: str = PC, *, now: float = 0.0) -> Answer | None:
        answers = self.desk.answers(encode_request(request), host, 4_000, now=now)
        return decode_answer(answers[0]) if answers else None

    def test_who_has_a_cookie_is_answered_while_forged_sources_use_up_the_rest(self) -> None:
        forged = encode_request(AskVersion(ID))
        for number in range(30_000):
            self.desk.answers(forged, f"10.1.{number // 250}.{number % 250}", 4_000, now=1.0)
        for _ in range(300):  # and its own address is among them
            self.desk.answers(forged, PC, 4_000, now=1.0)
        self.assertIsNone(self.answer(AskVersion(ID), now=1.0))
        for _ in range(100):
            self.assertEqual(self.answer(self.ping, now=1.0), Pinged(ID, None))

    def test_another_hosts_cookie_is_none(self) -> None:
        refused = self.answer(self.ping, "10.0.0.8")
        assert isinstance(refused, Refused)
        self.assertEqual(refused.code, Code.COOKIE)
        self.answer(self.ping)
        refused = self.answer(self.ping, now=500.0)
        assert isinstance(refused, Refused)
        self.assertEqual(refused.code, Code.COOKIE)

    def test_each_question_that_comes_again_is_answered_as_the_first_time(self) -> None:
        me, version = Address(PC, 12501), self.registry.catalogue.version
        for question, kind in (
            (self.ping, Pinged(ID, None)),
            (AskVersion(ID, "x", self.cookie), ListVersion(ID, version, "lab-pc-01")),
        ):
            for request_id in (ID, OTHER_ID, "0" * 16, ID):
                answer = self.answer(replace(question, id=request_id))
                self.assertEqual(answer, replace(kind, id=request_id))
        for request_id in (ID, OTHER_ID, "0" * 16):
            holders = self.answer(AskHolders(request_id, (SHARE,), self.cookie))
            assert isinstance(holders, Holders)
            self.assertEqual([one.address for one in holders.holders], [me])
            self.assertEqual(holders.id, request_id)

    def test_a_question_that_comes_again_is_answered_with_what_is_new(self) -> None:
        question = AskVersion(ID, "", self.cookie)
        before = self.answer(question)
        self.registry.catalogue.drop("nothing")
        self.assertEqual(self.answer(question), before)
        self.desk.answers(b'add_seeder\n["10.0.0.9",12501]', "10.0.0.9", 4_000, now=0.0)
        self.desk.answers(b'upload_file_list\n{"a":1}', "10.0.0.9", 4_000, now=0.0)
        self.assertNotEqual(self.answer(question), before)
        self.answer(self.ping)
        self.registry.note_reachable((PC, NAMED), ID, True)
        self.assertEqual(self.answer(self.ping), Pinged(ID, True))

    def test_a_ping_that_says_the_same_again_keeps_its_program(self) -> None:
        self.answer(self.ping)
        self.desk.is_changed = False
        for now in (20.0, 40.0, 59.0):
            self.assertEqual(self.answer(replace(self.ping, id=OTHER_ID), now=now).id, OTHER_ID)  # type: ignore[union-attr]
            self.registry.expire(now=now)
        self.assertFalse(self.desk.is_changed)
        self.assertTrue(self.desk.is_heard)
        self.answer(replace(self.ping, leaving=True), now=60.0)
        self.assertIsInstance(self.answer(self.ping, now=60.0), Refused)
