"""What is seen of a request without reading it: only what is sure to be the same is called so."""

from __future__ import annotations

import unittest

from roles.wire.lmk2_outline import outline_of, refusal_of
from roles.wire.lmk2_tracker_messages import AskHolders, AskVersion, Refused
from roles.wire.lmk2_tracker_wire import decode_answer, encode_request

ID, OTHER_ID = "0123456789abcdef", "fedcba9876543210"
SHARE = "00112233445566aa"
COOKIE, OTHER_COOKIE = "a" * 24, "b" * 24


class OutlineTest(unittest.TestCase):
    def rest(self, datagram: bytes) -> bytes:
        outline = outline_of(datagram)
        assert outline is not None
        return outline.rest

    def test_questions_that_differ_in_id_and_cookie_only_have_the_same_rest(self) -> None:
        first = outline_of(encode_request(AskVersion(ID, "ab-1", COOKIE)))
        again = outline_of(encode_request(AskVersion(OTHER_ID, "ab-1", OTHER_COOKIE)))
        assert first is not None and again is not None
        self.assertEqual(first.rest, again.rest)
        self.assertEqual((first.id, again.id), (ID.encode(), OTHER_ID.encode()))
        self.assertEqual((first.cookie, again.cookie), (COOKIE, OTHER_COOKIE))

    def test_other_questions_have_another_rest(self) -> None:
        rests = {
            self.rest(encode_request(question))
            for question in (
                AskVersion(ID, "ab-1", COOKIE),
                AskVersion(ID, "ab-2", COOKIE),
                AskHolders(ID, (), COOKIE),
                AskHolders(ID, (SHARE,), COOKIE),
            )
        }
        self.assertEqual(len(rests), 4)

    def test_the_place_of_id_and_cookie_belongs_to_the_rest(self) -> None:
        inner = b'{"lmk":2,"id":"%s","cookie":"%s"' % (ID.encode(), COOKIE.encode())
        rests = {self.rest(b"ab" + inner), self.rest(b"a" + inner + b"b"), self.rest(inner + b"ab")}
        self.assertEqual(len(rests), 3)

    def test_what_is_written_otherwise_has_none(self) -> None:
        usual = encode_request(AskVersion(ID, "ab-1", COOKIE))
        for datagram in (
            encode_request(AskVersion(ID)),
            usual.replace(b'"id":', b'"id": '),
            usual.replace(COOKIE.encode(), COOKIE[1:].encode()),
            usual.replace(ID.encode(), ID.upper().encode()),
            b"",
        ):
            with self.subTest(datagram=datagram):
                self.assertIsNone(outline_of(datagram))


class RefusalTest(unittest.TestCase):
    def test_a_refusal_has_the_id_and_says_why_where_there_is_room(self) -> None:
        question = b'later\n{"lmk":3,"id":"%s"}' % ID.encode()
        bare = refusal_of(question.ljust(70), "a word")
        long = refusal_of(question.ljust(256), "a word")
        assert bare is not None and long is not None
        self.assertEqual(decode_answer(bare), Refused(ID, "refused"))
        text = "The tracker cannot read this: a word."
        self.assertEqual(decode_answer(long), Refused(ID, "refused", text))

    def test_it_is_never_longer_than_the_request(self) -> None:
        question = b'later\n{"lmk":2,"id":"%s"}' % ID.encode()
        for size in range(len(question), 300):
            answer = refusal_of(question.ljust(size), "why not " * 20)
            self.assertLessEqual(0 if answer is None else len(answer), size)

    def test_what_is_not_of_lmk2_has_none(self) -> None:
        extras = b'{"lmk":2,"id":"%s"}' % ID.encode()
        for request in (
            b"",
            b"nonsense",
            b"later\n{}",
            b'later\n{"lmk":1,"id":"%s"}' % ID.encode(),
            b'later\n{"lmk":2,"id":7}',
            b'add_seeder\n["a",0]\n' + extras,  # of version 1.0
        ):
            with self.subTest(request=request):
                self.assertIsNone(refusal_of(request.ljust(256), "why"))
