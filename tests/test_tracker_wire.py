"""Every LMK/2 datagram between a tracker and others, byte for byte, and what is not one."""

from __future__ import annotations

import json
import random
import unittest
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from roles.lmk1.tracker_wire import UploadFileList
from roles.lmk1.tracker_wire import decode_request as decode_lmk1
from roles.lmk1.tracker_wire import encode_request as encode_lmk1
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.values.participants import Status, TransferStatus
from roles.values.strict_json import dumps
from roles.wire.tracker_messages import (
    Answer,
    AskHolders,
    AskVersion,
    Code,
    Done,
    FindTracker,
    Found,
    Holder,
    Holders,
    ListVersion,
    Ping,
    Pinged,
    Refused,
    Register,
    Request,
    TellFiles,
)
from roles.wire.tracker_wire import (
    MAX_ANSWER,
    MAX_REQUEST,
    PADDED,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
    fitting,
    refusal_of,
)

ID = "0123456789abcdef"
PEER = "fedcba9876543210"
SHARE = "00112233445566aa"
OLD_SHARE = "lmk10a00000730d5"
COOKIE = "a1b2c3d4e5f6a1b2c3d4e5f6"
PC = Address("10.0.0.7", 12501)
NAMED = b'["10.0.0.7",12501]\n'
PROVED = b'{"lmk":2,"id":"0123456789abcdef","cookie":"a1b2c3d4e5f6a1b2c3d4e5f6"'
UNPROVED = b'{"lmk":2,"id":"0123456789abcdef"'
OF_PEER = b',"peer":"fedcba9876543210"'
TRANSFER = TransferStatus("a.iso", 5, 10, 2.0, "downloading", "no seeder")
REQUESTS: dict[bytes, Request] = {
    b"add_seeder\n" + NAMED + PROVED + OF_PEER + b',"name":"lab-pc-07","as":"seeder",'
    b'"everywhere":true,"shares":["00112233445566aa"]}': Register(
        ID, PC, PEER, "lab-pc-07", False, True, (SHARE,), COOKIE
    ),
    b"add_seeder\n" + NAMED + PROVED + OF_PEER + b',"name":"","as":"leecher",'
    b'"everywhere":false,"shares":[]}': Register(ID, PC, PEER, "", True, cookie=COOKIE),
    b"ping_tracker\n" + NAMED + PROVED + OF_PEER + b',"state":"away","shares":'
    b'["00112233445566aa","lmk10a00000730d5"],"up":7,"down":8,"reason":"no room",'
    b'"transfers":[["a.iso",5,10,2,"downloading","no seeder"]],"leaving":true}': Ping(
        ID,
        PC,
        PEER,
        Status("away", (SHARE, OLD_SHARE), 7, 8, "no room", (TRANSFER,)),
        leaving=True,
        cookie=COOKIE,
    ),
    b"add_seeder\n" + NAMED + PROVED + OF_PEER + b',"name":"","as":"leecher",'
    b'"everywhere":false,"shares":[],"machine":"00aa00aa00aa00aa"}': Register(
        ID, PC, PEER, "", True, cookie=COOKIE, machine="00aa" * 4
    ),
    b"ping_tracker\n" + NAMED + PROVED + OF_PEER + b',"state":"waiting","shares":[],"up":0,'
    b'"down":0,"machine":"00aa00aa00aa00aa","have":5,"of":10,"given":7}': Ping(
        ID, PC, PEER, Status("waiting", machine="00aa" * 4, have=5, size=10, given=7), cookie=COOKIE
    ),
    b"ping_tracker\n"
    + NAMED
    + PROVED
    + OF_PEER
    + b',"state":"available","shares":[],"up":0,"down":0}': Ping(
        ID, PC, PEER, Status("available"), cookie=COOKIE
    ),
    b'upload_file_list\n{"a.txt":5,"\\u00e9":0}\n'
    + PROVED
    + OF_PEER
    + b',"port":12502}': TellFiles(ID, {"a.txt": 5, "é": 0}, PEER, 12502, COOKIE),
    b"request_file_list\n" + PROVED + b',"version":"0badcafe-12"}': AskVersion(
        ID, "0badcafe-12", COOKIE
    ),
    b"request_seeder_list\n" + PROVED + b',"shares":["00112233445566aa"]}': AskHolders(
        ID, (SHARE,), COOKIE
    ),
    (b"request_file_list\n" + UNPROVED + b',"version":""}').ljust(PADDED): AskVersion(ID),
    (b"find_tracker\n" + UNPROVED + b"}").ljust(PADDED): FindTracker(ID),
}
ANSWERS: dict[bytes, Answer] = {
    b'success\n{"lmk":2,"id":"0123456789abcdef"}': Done(ID),
    b'success\n{"lmk":2,"id":"0123456789abcdef","reachable":true}': Pinged(ID, True),
    b'success\n{"lmk":2,"id":"0123456789abcdef","reachable":false}': Pinged(ID, False),
    b'success\n{"lmk":2,"id":"0123456789abcdef","reachable":null}': Pinged(ID, None),
    b'success\n{"lmk":2,"id":"0123456789abcdef","version":"0badcafe-12","name":"pc"}': ListVersion(
        ID, "0badcafe-12", "pc"
    ),
    b'success\n{"lmk":2,"id":"0123456789abcdef","holders":[["10.0.0.7",12501,0,[0]],'
    b'["",12502,3,[0,7]],["10.0.0.8",12501,4,[]]]}': Holders(
        ID,
        (
            Holder(PC, asked=(0,)),
            Holder(Address("", 12502), is_leecher=True, is_unreachable=True, asked=(0, 7)),
            Holder(Address("10.0.0.8", 12501), is_original=True),
        ),
    ),
    b'success\n{"lmk":2,"id":"0123456789abcdef","name":"pc","port":12500}': Found(ID, "pc", 12500),
    b'success\n{"lmk":2,"id":"0123456789abcdef","name":"pc","port":12500,"room":"5f0c9a12"}': (
        Found(ID, "pc", 12500, "5f0c9a12")
    ),
    b'error\n{"lmk":2,"id":"0123456789abcdef","code":"cookie",'
    b'"cookie":"a1b2c3d4e5f6a1b2c3d4e5f6"}': Refused(ID, Code.COOKIE, cookie=COOKIE),
    b'error\n{"lmk":2,"id":"0123456789abcdef","code":"full","text":"No."}': Refused(
        ID, Code.FULL, "No."
    ),
}


def prefixes_and_flips(sample: bytes) -> Iterator[bytes]:
    for end in range(len(sample)):
        yield sample[:end]
    for place in range(len(sample)):
        for bit in range(8):
            yield sample[:place] + bytes([sample[place] ^ (1 << bit)]) + sample[place + 1 :]


class WireTestCase(unittest.TestCase):
    def assert_read_or_refused(
        self, read: Callable[[bytes], object], samples: Iterable[bytes]
    ) -> None:
        refused = 0
        for sample in samples:
            for data in prefixes_and_flips(sample.rstrip()):
                try:
                    read(data)
                except PeerProtocolError:
                    refused += 1
                except Exception as error:
                    raise AssertionError(f"{data!r} raised {error!r}") from error
        self.assertGreater(refused, 100)


class RequestsTest(WireTestCase):
    def test_each_request_has_exactly_these_bytes(self) -> None:
        for datagram, request in REQUESTS.items():
            with self.subTest(datagram=datagram):
                self.assertEqual(encode_request(request), datagram)

    def test_each_request_is_read_from_exactly_these_bytes(self) -> None:
        for datagram, request in REQUESTS.items():
            with self.subTest(datagram=datagram):
                self.assertEqual(decode_request(datagram), request)

    def test_whatever_is_cut_or_flipped_is_read_or_refused(self) -> None:
        self.assert_read_or_refused(decode_request, REQUESTS)

    def test_without_a_cookie_each_request_has_256_bytes(self) -> None:
        for request in REQUESTS.values():
            bare = request if isinstance(request, FindTracker) else replace(request, cookie="")
            with self.subTest(request=bare):
                self.assertGreaterEqual(len(encode_request(bare)), PADDED)
                self.assertEqual(decode_request(encode_request(bare)), bare)

    def test_an_original_tracker_reads_its_own_words_in_them(self) -> None:
        for datagram in REQUESTS:
            with self.subTest(datagram=datagram):
                self.assertTrue(datagram.isascii())
                fields = datagram.decode().splitlines()
                for line in fields[1:]:
                    json.loads(line)

    def test_what_programs_of_version_1_send_is_left_to_lmk1(self) -> None:
        for datagram in (
            b'add_seeder\n["10.0.0.7",12501]',
            b'add_seeder\n["10.0.0.7",12501]\n{"lmk":2,"id":"0123456789abcdef"}',
            b'upload_file_list\n{"\\"peer\\"":1}\n{"lmk":2,"id":"0123456789abcdef","port":1}',
            b'ping_tracker\n["10.0.0.7",12501]\n{"lmk":2,"id":"0123456789abcdef","state":"away"}',
            b"request_file_list",
            b"request_seeder_list\n",
        ):
            with self.subTest(datagram=datagram):
                self.assertIsNone(decode_request(datagram))
                decode_lmk1(datagram)

    def test_what_cannot_be_read_never_becomes_an_original_seeder(self) -> None:
        for extras in (b'{"lmk":2,"peer"', b'{"lmk":1,"peer":1}', b'{"peer":1}'):
            with self.subTest(extras=extras), self.assertRaises(PeerProtocolError):
                decode_request(b'add_seeder\n["10.0.0.7",12501]\n' + extras)

    def test_unknown_fields_are_ignored(self) -> None:
        datagram = b"request_file_list\n" + PROVED + b',"version":"","colour":["red"]}'
        self.assertEqual(decode_request(datagram), AskVersion(ID, cookie=COOKIE))

    def test_impossible_values_are_refused(self) -> None:
        ping = b"ping_tracker\n" + NAMED + PROVED + OF_PEER + b',"state":"away"'
        for rest in (
            b',"shares":["x"]}',
            b',"shares":"00112233445566aa"}',
            b',"shares":["00112233445566aa","00112233445566aa","00112233445566aa",'
            b'"00112233445566aa","00112233445566aa","00112233445566aa","00112233445566aa",'
            b'"00112233445566aa","00112233445566aa"]}',
            b',"shares":[],"up":-1}',
            b',"shares":[],"up":true}',
            b',"shares":[],"down":1125899906842625}',
            b',"shares":[],"transfers":[["a"]]}',
            b',"shares":[],"transfers":[["a",-1,0,0,"",""]]}',
        ):
            with self.subTest(rest=rest), self.assertRaises(PeerProtocolError):
                decode_request(ping + rest)

    def test_texts_of_strangers_are_short_and_can_be_shown(self) -> None:
        line = {"lmk": 2, "id": ID, "peer": PEER, "name": "\x1b[2J" * 30, "as": "seeder"}
        datagram = b"add_seeder\n" + NAMED + json.dumps({**line, "shares": []}).encode()
        request = decode_request(datagram)
        assert isinstance(request, Register)
        self.assertTrue(request.name.isprintable())
        self.assertLessEqual(len(request.name), 64)

    def test_a_ping_leaves_out_transfers_from_the_end_until_it_fits(self) -> None:
        long = TransferStatus("é" * 100, 1 << 50, 1 << 50, 2.0**50, "downloading", "ü" * 100)
        transfers = tuple(replace(long, have=number) for number in range(8))
        status = Status("away", (SHARE,) * 8, reason="x" * 500, transfers=transfers)
        datagram = encode_request(Ping(ID, PC, PEER, status))
        self.assertLessEqual(len(datagram), MAX_REQUEST)
        read = decode_request(datagram)
        assert isinstance(read, Ping)
        told = read.status.transfers
        self.assertEqual([transfer.have for transfer in told], list(range(len(told))))
        self.assertGreater(len(told), 0)

    def test_a_list_of_files_that_is_too_long_is_refused_and_not_cut(self) -> None:
        with self.assertRaises(PeerProtocolError):
            encode_request(TellFiles(ID, {"x" * 990: 1}, PEER, 12501, COOKIE))

    def test_a_datagram_over_the_limit_is_never_taken_for_an_original_seeder(self) -> None:
        with self.assertRaises(PeerProtocolError):
            decode_request(next(iter(REQUESTS)).ljust(MAX_REQUEST + 1))

    def test_a_ping_is_read_alike_however_its_json_is_spaced(self) -> None:
        rng = random.Random(11)
        for _ in range(300):
            shares = tuple(rng.choice((SHARE, OLD_SHARE, PEER)) for _ in range(rng.randrange(9)))
            host = rng.choice(("10.0.0.7", "lab-pc", "999.1.2.3"))
            named = Address(host, rng.choice((80, 1_024, 12_501, 59_999, 60_000, 65_535)))
            up, down = rng.choice((0, 7, 10**15 - 1)), rng.choice((0, 1 << 50))
            state = rng.choice(("", "away", "a b", 'a"b', "ü", "x" * 20))
            reason = rng.choice(("", "no room"))
            status = Status(state, shares, up, down, reason)
            ping = Ping(ID, named, PEER, status, cookie=COOKIE)
            usual = encode_request(ping)
            for before, after in ((b'"peer":', b'"peer": '), (b'",1', b'", 1'), (b"}", b"} ")):
                self.assertEqual(decode_request(usual.replace(before, after)), ping)
            self.assertEqual(decode_request(usual), ping)

    def test_a_ping_with_one_wrong_byte_is_refused(self) -> None:
        shares = (SHARE,) * 8
        usual = encode_request(Ping(ID, PC, PEER, Status("away", shares, 7, 8), cookie=COOKIE))
        self.assertIsNotNone(decode_request(usual))
        share = b'"%s"' % SHARE.encode()
        for before, after in (
            (share + b"]", share + b",]"),
            (share + b"]", share + b"," + share + b"]"),
            (share + b"," + share, share + share),
            (b'"up":7', b'"up":07'),
            (b'"up":7', b'"up":-7'),
            (b'"down":8', b'"down":' + b"9" * 15 + b"9"),
            (b"12501]", b"65536]"),
            (b"12501]", b"012501]"),
            (b'"peer":"f', b'"peer":"F'),
            (b'"away"', b'"aw\x01y"'),
        ):
            damaged = usual.replace(before, after, 1)
            self.assertNotEqual(damaged, usual)
            with self.subTest(after=after), self.assertRaises(PeerProtocolError):
                decode_request(damaged)
        with self.assertRaises(PeerProtocolError):
            decode_request(usual.ljust(MAX_REQUEST + 1))

    def test_a_question_over_the_limit_is_refused_and_not_answered_by_lmk1(self) -> None:
        for question in (AskVersion(ID), AskHolders(ID, ()), FindTracker(ID)):
            datagram = encode_request(question)
            self.assertEqual(decode_request(datagram.ljust(MAX_REQUEST)), question)
            with self.assertRaises(PeerProtocolError):
                decode_request(datagram.ljust(MAX_REQUEST + 1))

    def test_a_list_over_the_limit_is_refused_with_its_length(self) -> None:
        files = dict.fromkeys((f"{number:04}" for number in range(100)), 1)
        datagram = encode_lmk1(UploadFileList({})).replace(b"{}", dumps(files), 1)
        datagram += b"\n" + PROVED + OF_PEER + b',"port":12501}'
        self.assertGreater(len(datagram), MAX_REQUEST)
        with self.assertRaisesRegex(PeerProtocolError, f"{len(datagram)} bytes"):
            decode_request(datagram)


class AnswersTest(WireTestCase):
    def test_each_answer_has_exactly_these_bytes(self) -> None:
        for datagram, answer in ANSWERS.items():
            with self.subTest(datagram=datagram):
                self.assertEqual(encode_answer(answer), datagram)

    def test_each_answer_is_read_from_exactly_these_bytes(self) -> None:
        for datagram, answer in ANSWERS.items():
            with self.subTest(datagram=datagram):
                self.assertEqual(decode_answer(datagram), answer)

    def test_whatever_is_cut_or_flipped_is_read_or_refused(self) -> None:
        self.assert_read_or_refused(decode_answer, ANSWERS)

    def test_answers_of_lmk1_are_left_to_lmk1(self) -> None:
        for datagram in (b"success", b"error\nNone", b"{}", b"[]", b"", b'["127.0.0.1",1]'):
            self.assertIsNone(decode_answer(datagram))

    def test_a_refusal_of_a_later_tracker_is_one_too(self) -> None:
        datagram = b'error\n{"lmk":3,"id":"0123456789abcdef","code":"moon","text":"No."}'
        self.assertEqual(decode_answer(datagram), Refused(ID, "moon", "No."))

    def test_as_many_holders_are_told_as_fit(self) -> None:
        holders = [Holder(Address(f"192.168.100.{i}", 12501), asked=(0, 1)) for i in range(200)]
        datagram = encode_answer(Holders(ID, fitting(holders)))
        self.assertLessEqual(len(datagram), MAX_ANSWER)
        answer = decode_answer(datagram)
        assert isinstance(answer, Holders)
        count = len(answer.holders)
        self.assertGreater(count, 30)
        self.assertEqual(list(answer.holders), holders[:count])
        one_more = Holders(ID, tuple(holders[: count + 1]))
        self.assertGreater(len(encode_answer(one_more)), MAX_ANSWER)

    def test_the_cookie_is_shorter_than_any_first_question(self) -> None:
        answer = encode_answer(Refused(ID, Code.COOKIE, cookie=COOKIE))
        self.assertLess(len(answer), PADDED)

    def test_the_cookie_is_shorter_than_any_question_with_an_old_one(self) -> None:
        answer = encode_answer(Refused(ID, Code.COOKIE, cookie=COOKIE))
        for datagram in REQUESTS:
            self.assertLess(len(answer), len(datagram))
        self.assertLess(len(answer), len(encode_request(AskVersion(ID, cookie=COOKIE))))

    def test_the_longest_name_of_a_computer_fits_into_an_answer_to_a_search(self) -> None:
        self.assertLessEqual(len(encode_answer(Found(ID, "ü" * 255, 65535, "f" * 8))), PADDED)

    def test_which_run_of_a_tracker_it_is_is_eight_digits_or_unknown(self) -> None:
        for room in ("", "5f0c9a1", "5F0C9A12", 5, None, ["5f0c9a12"], "x" * 5_000):
            line = json.dumps({"lmk": 2, "id": ID, "name": "pc", "port": 5, "room": room})
            if len(line) < 1_000:
                answer = decode_answer(b"success\n" + line.encode())
                self.assertEqual(answer, Found(ID, "pc", 5))

    def test_a_holder_on_the_trackers_machine_is_reached_where_the_tracker_is(self) -> None:
        self.assertEqual(Holder(Address("", 5)).address_at("10.0.0.1"), Address("10.0.0.1", 5))
        self.assertEqual(Holder(PC).address_at("10.0.0.1"), PC)


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
            b'add_seeder\n["a",0]\n' + extras,
        ):
            with self.subTest(request=request):
                self.assertIsNone(refusal_of(request.ljust(256), "why"))
