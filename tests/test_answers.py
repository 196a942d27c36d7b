"""What the tracker answers, by the test's clock: forged sources, and questions that come again."""

from __future__ import annotations

import logging
import unittest
from dataclasses import replace

from roles.room.cookies import EPOCH_S, KNOWN_EPOCHS, Cookies, Proof
from roles.room.registry import Registry
from roles.room.registry_entry import Key
from roles.values.addresses import Address
from roles.values.participants import Status
from roles.wire.tracker_messages import (
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
from roles.wire.tracker_wire import decode_answer, encode_request
from tests.tracker_tables import answerer_of

ID, OTHER_ID = "0123456789abcdef", "fedcba9876543210"
SHARE = "00112233445566aa"
PC = "10.0.0.7"
NAMED = Address(PC, 12501)


class AnswersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.registry, self.cookies = Registry(), Cookies(b"secret")
        self.answerer, self.table = answerer_of(self.registry, self.cookies)
        self.cookie = self.cookies.give(PC, now=0.0)
        me = Register(ID, NAMED, ID, "pc", False, shares=(SHARE,), cookie=self.cookie)
        self.registered = self.answer(me)
        self.ping = Ping(ID, NAMED, ID, Status("available", (SHARE,)), cookie=self.cookie)

    def answers(self, datagram: bytes, host: str = PC, *, now: float = 0.0) -> list[bytes]:
        proof = self.answerer.proof(datagram, host, now=now)
        return self.answerer.to(datagram, host, 4_000, proof, now=now)

    def answer(self, request: Request, host: str = PC, *, now: float = 0.0) -> Answer | None:
        answers = self.answers(encode_request(request), host, now=now)
        return decode_answer(answers[0]) if answers else None

    def test_who_has_a_cookie_is_answered_while_forged_sources_use_up_the_rest(self) -> None:
        forged = encode_request(AskVersion(ID))
        for number in range(30_000):
            self.answers(forged, f"10.1.{number // 250}.{number % 250}", now=1.0)
        for _ in range(300):  # and its own address is among them
            self.answers(forged, now=1.0)
        self.assertIsNone(self.answer(AskVersion(ID), now=1.0))
        for _ in range(100):
            self.assertEqual(self.answer(self.ping, now=1.0), Pinged(ID, None))

    def test_a_machine_with_many_addresses_and_cookies_keeps_no_other_from_the_tracker(
        self,
    ) -> None:
        for number in range(100):
            host = f"10.2.0.{number}"
            cookie = self.cookies.give(host, now=1.0)
            for _ in range(300):
                self.answers(encode_request(AskVersion(ID, "", cookie)), host, now=1.0)
        for _ in range(10):  # a member, and one who is new
            self.assertEqual(self.answer(self.ping, now=1.0), Pinged(ID, None))
        self.assertIsInstance(self.answer(AskVersion(ID), "10.0.0.9", now=1.0), Refused)

    def test_no_answer_is_answered_so_that_two_trackers_never_talk_to_each_other(self) -> None:
        asked = [encode_request(AskVersion(ID)), encode_request(self.ping), b"", b"anything"]
        asked += [b"request_file_list", b"request_seeder_list", b'ping_tracker\n["a",1]']
        asked += [b'add_seeder\n["a",12501]', b'upload_file_list\n{"a":1}']
        answers = [answer for request in asked for answer in self.answers(request)]
        self.assertGreater(len(answers), len(asked))
        for answer in (*answers, b"error\nNone", b'[["10.0.0.8",12500]]', b"error\n{"):
            self.assertEqual(self.answers(answer, "10.0.0.8"), [])

    def test_no_service_of_another_computer_gets_an_answer(self) -> None:
        for port in (0, 7, 53, 123, 1023):
            datagram = encode_request(AskVersion(ID))
            self.assertEqual(self.answerer.to(datagram, PC, port, Proof.NONE, now=0.0), [])
        self.assertTrue(self.answerer.to(datagram, PC, 1024, Proof.NONE, now=0.0))

    def test_another_hosts_cookie_is_none(self) -> None:
        refused = self.answer(self.ping, "10.0.0.8")
        assert isinstance(refused, Refused)
        self.assertEqual(refused.code, Code.COOKIE)
        self.answer(self.ping)
        refused = self.answer(self.ping, now=500.0)
        assert isinstance(refused, Refused)
        self.assertEqual(refused.code, Code.COOKIE)

    def test_each_question_that_comes_again_is_answered_as_the_first_time(self) -> None:
        me, version = Address(PC, 12501), self.registry.room_list.version
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
            self.assertEqual([holder.address for holder in holders.holders], [me])
            self.assertEqual(holders.id, request_id)

    def test_who_came_and_went_since_is_told_and_not_told_any_more(self) -> None:
        def told() -> list[str]:
            for _ in range(20):  # some answers are kept for those who ask the same
                answer = self.answer(AskHolders(ID, (SHARE,), self.cookie))
            assert isinstance(answer, Holders)
            return [holder.address.host for holder in answer.holders]

        self.assertEqual(told(), [PC])
        other = "10.0.0.8"
        cookie = self.cookies.give(other, now=0.0)
        advertised = Address(other, 12501)
        self.answer(Register(ID, advertised, ID, "pc", True, shares=(SHARE,), cookie=cookie), other)
        self.assertEqual(told(), [PC, other])
        self.answer(Ping(ID, advertised, ID, Status("away"), leaving=True, cookie=cookie), other)
        self.assertEqual(told(), [PC])

    def test_a_question_that_comes_again_is_answered_with_what_is_new(self) -> None:
        question = AskVersion(ID, "", self.cookie)
        before = self.answer(question)
        self.registry.room_list.drop("nothing")
        self.assertEqual(self.answer(question), before)
        self.answers(b'add_seeder\n["10.0.0.9",12501]', "10.0.0.9")
        self.answers(b'upload_file_list\n{"a":1}', "10.0.0.9")
        self.table.settle(now=0.0)
        self.assertNotEqual(self.answer(question), before)
        self.answer(self.ping)
        self.registry.note_reachable(Key(PC, NAMED.port, ID), True)
        self.assertEqual(self.answer(self.ping), Pinged(ID, True))

    def test_a_ping_that_says_the_same_again_keeps_its_program_and_is_no_news(self) -> None:
        self.answer(self.ping)
        changes, pings = self.registry.changes, self.registry.pings
        for now in (20.0, 40.0, 59.0):
            self.assertEqual(self.answer(self.ping, now=now), Pinged(ID, None))
            self.registry.expire(now=now)
        self.assertEqual((self.registry.changes, self.registry.pings), (changes, pings + 3))
        self.answer(replace(self.ping, status=replace(self.ping.status, up=1)), now=59.0)
        self.assertGreater(self.registry.changes, changes)
        self.answer(replace(self.ping, leaving=True), now=60.0)
        self.assertIsInstance(self.answer(self.ping, now=60.0), Refused)

    def test_a_cookie_that_ran_out_still_brings_a_new_one_while_forged_sources_get_nothing(
        self,
    ) -> None:
        for age, is_answered in ((2, True), (KNOWN_EPOCHS - 1, True), (KNOWN_EPOCHS, False)):
            now = age * EPOCH_S
            forged = encode_request(AskVersion(ID))
            for number in range(5_000):
                self.answers(forged, f"10.1.{number // 250}.{number % 250}", now=now)
            answer = self.answer(self.ping, now=now)
            if is_answered:
                assert isinstance(answer, Refused)
                self.assertEqual(answer.code, Code.COOKIE)
                self.assertIs(self.cookies.proof(PC, answer.cookie, now=now), Proof.GOOD)
            else:
                self.assertIsNone(answer)

    def test_a_cookie_is_found_however_the_json_is_written(self) -> None:
        usual = encode_request(self.ping)
        for before, after, proof in (
            (b"", b"", Proof.GOOD),
            (b'"cookie":', b'"cookie" : ', Proof.GOOD),
            (b'"cookie":', b'"cookies":', Proof.NONE),
            (self.cookie.encode(), self.cookie[1:].encode(), Proof.NONE),
            (self.cookie.encode(), b"0" * 24, Proof.NONE),
        ):
            datagram = usual.replace(before, after, 1) if before else usual
            with self.subTest(datagram=datagram):
                self.assertIs(self.answerer.proof(datagram, PC, now=0.0), proof)
        self.assertIs(self.answerer.proof(usual, "10.0.0.8", now=0.0), Proof.NONE)
        self.assertIs(self.answerer.proof(b"", PC, now=0.0), Proof.NONE)

    def test_floods_of_every_kind_leave_few_lines_in_the_log(self) -> None:
        floods = (
            b"nonsense",
            b'add_seeder\n["pc",1]',
            b"request_file_list",
            b'upload_file_list\n{"a":',
        )
        with self.assertLogs("roles.room.senders", logging.INFO) as logged:
            for number in range(1_000):
                for datagram in floods:
                    self.answers(datagram, f"10.2.{number // 250}.{number % 250}", now=1.0)
                    self.answers(datagram, PC, now=1.0)
        self.assertLess(len(logged.output), 20)

    def test_what_an_answer_to_an_unproved_sender_is_never_longer_than(self) -> None:
        """All of LMK/2; of LMK/1 only lists and fixed words are longer than what asks for them."""
        line = b'{"lmk":2,"id":"%s","peer":"%s","version":""' % (ID.encode(), ID.encode())
        advertised = b'["10.0.0.9",12501]'
        for verb in (
            b"request_file_list",
            b"request_seeder_list",
            b"find_tracker",
            b"add_seeder\n" + advertised,
            b"ping_tracker\n" + advertised,
            b"upload_file_list\n{}",
            b"upload_file_list\n",
            b"a_later_verb",
        ):
            for rest in (b"}", b',"shares":[]}', b',"shares":7}', b',"as":"seeder","shares":[]}'):
                bare = verb + b"\n" + line + rest
                for question in (bare, bare.ljust(120), bare.ljust(256), bare.ljust(1_000)):
                    for answer in self.answers(question, "10.0.0.9"):
                        self.assertLessEqual(len(answer), len(question), question)
