"""Every LMK/1 datagram in both directions, byte for byte, and what is not one."""

from __future__ import annotations

import json
import unittest
from collections.abc import Callable, Iterable, Iterator

from roles.lmk1.tracker_wire import (
    ALREADY_REGISTERED,
    MAX_ANSWER,
    MAX_DATAGRAM,
    SUCCESS,
    AddSeeder,
    PingTracker,
    Request,
    UploadFileList,
    Verdict,
    decode_answer,
    decode_request,
    encode_file_list,
    encode_request,
    encode_seeder_list,
    files_that_fit,
)
from roles.values.addresses import Address
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.wire.tracker_wire import MAX_REQUEST, NOT_UNDERSTOOD, RECEIVE_BUFFER, Verb

PC = Address("10.0.0.7", 12501)
REQUESTS: dict[bytes, Request] = {
    b'add_seeder\n["10.0.0.7",12501]': AddSeeder(PC),
    b'upload_file_list\n{"a.txt":5,"\\u00e9\\u2028":0}': UploadFileList({"a.txt": 5, "é\u2028": 0}),
    b"upload_file_list\n{}": UploadFileList({}),
    b'ping_tracker\n["10.0.0.7",12501]': PingTracker(PC),
    b"request_seeder_list": Verb.REQUEST_SEEDER_LIST,
    b"request_file_list": Verb.REQUEST_FILE_LIST,
}
ANSWERS = {
    SUCCESS: Verdict(True),
    ALREADY_REGISTERED: Verdict(False, "Seeder is already Registered"),
    b"error\nSeeder ID not in found with registed seeders": Verdict(
        False, "Seeder ID not in found with registed seeders"
    ),
    NOT_UNDERSTOOD: Verdict(False, "None"),
    b'success\n{"lmk":2,"id":"0123456789abcdef"}': Verdict(True),
    b'error\nNone\n{"lmk":2,"id":"0123456789abcdef"}': Verdict(False, "None"),
    b"{}": {},
    b"[]": (),
    b'{"a.txt":5,"\\u00e9":1099511627776}': {"a.txt": 5, "é": MAX_FILE_SIZE},
    b'[["10.0.0.7",12501],["lab-pc",1]]': (PC, Address("lab-pc", 1)),
}
# As the originals write them, with json.dumps.
ORIGINAL_REQUESTS: dict[bytes, Request] = {
    b'add_seeder\n["127.0.0.1", 12501]': AddSeeder(Address("127.0.0.1", 12501)),
    b'ping_tracker\n["0.0.0.0", 12501]': PingTracker(Address("0.0.0.0", 12501)),
    b'upload_file_list\n{"a.txt": 5, "folder": 4096}': UploadFileList({"a.txt": 5, "folder": 4096}),
}
NOT_NUMBERS = (
    b"1.0",
    b"1e3",
    b"1e999",
    b"NaN",
    b"-Infinity",
    b"true",
    b"null",
    b'"5"',
    b"[]",
    b"99999999999999999",
    b"9" * 900,
)


def mutations(sample: bytes) -> Iterator[bytes]:
    """Every prefix, every flip of a bit, every byte replaced by a few others."""
    for end in range(len(sample)):
        yield sample[:end]
    for place in range(len(sample)):
        for other in {sample[place] ^ (1 << bit) for bit in range(8)} | {0, 10, 34, 0x85, 0xFF}:
            yield sample[:place] + bytes([other]) + sample[place + 1 :]
        yield sample[:place] + sample[place + 1 :]
        yield sample[:place] + sample[place : place + 1] + sample[place:]


class WireTestCase(unittest.TestCase):
    def assert_all_read_or_refused(
        self, read: Callable[[bytes], object], samples: Iterable[bytes]
    ) -> None:
        refused = 0
        for sample in samples:
            for data in mutations(sample):
                try:
                    self.assertIsNotNone(read(data))
                except PeerProtocolError:
                    refused += 1
                except Exception as error:
                    raise AssertionError(f"{data!r} raised {error!r}") from error
        self.assertGreater(refused, 100)


class RequestTest(WireTestCase):
    def test_each_request_has_exactly_these_bytes(self) -> None:
        for datagram, request in REQUESTS.items():
            with self.subTest(datagram=datagram):
                self.assertEqual(encode_request(request), datagram)

    def test_each_request_is_read_from_exactly_these_bytes(self) -> None:
        for datagram, request in {**REQUESTS, **ORIGINAL_REQUESTS}.items():
            with self.subTest(datagram=datagram):
                self.assertEqual(decode_request(datagram), request)

    def test_an_original_tracker_reads_our_requests_as_its_own(self) -> None:
        for datagram in REQUESTS:
            with self.subTest(datagram=datagram):
                fields = datagram.decode().splitlines()
                self.assertEqual(fields[0], datagram.decode().partition("\n")[0])
                if len(fields) > 1:
                    json.loads(fields[1])

    def test_a_list_request_may_end_with_a_line_feed_or_carry_more(self) -> None:
        self.assertEqual(decode_request(b"request_file_list\n"), Verb.REQUEST_FILE_LIST)
        extra = b'request_seeder_list\n{"lmk":2,"id":"0123456789abcdef"}'
        self.assertEqual(decode_request(extra), Verb.REQUEST_SEEDER_LIST)

    def test_unusual_line_ends_in_a_name_do_not_split_it(self) -> None:
        for letter in "\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e":
            name = f"a{letter}b"
            with self.subTest(name=ascii(name)):
                datagram = encode_request(UploadFileList({name: 1}))
                self.assertEqual(len(datagram.decode().splitlines()), 2)
                self.assertEqual(decode_request(datagram), UploadFileList({name: 1}))
                if letter >= "\x85":  # what an original would not escape either
                    raw = b"upload_file_list\n" + json.dumps({name: 1}, ensure_ascii=False).encode()
                    self.assertEqual(decode_request(raw), UploadFileList({name: 1}))

    def test_lines_after_those_that_an_original_knows_are_ignored(self) -> None:
        for line in (b"", b"hello", b"[]", b'{"lmk":1}', b"\n\n"):
            with self.subTest(line=line):
                datagram = b'ping_tracker\n["10.0.0.7",12501]\n' + line
                self.assertEqual(decode_request(datagram), PingTracker(PC))

    def test_a_ping_of_a_seeder_of_ours_that_is_older_is_known_by_its_line(self) -> None:
        line = b'{"lmk":2,"id":"0123456789abcdef","state":"available"}'
        ping = decode_request(b'ping_tracker\n["10.0.0.7",12501]\n' + line)
        self.assertEqual(ping, PingTracker(PC, is_ours=True))

    def test_what_ended_the_original_tracker_is_refused(self) -> None:
        for datagram in (
            b"",
            b"\n",
            b"\xff\xfe",
            b"add_seeder",
            b"add_seeder\n",
            b"ping_tracker",
            b"upload_file_list",
            b"upload_file_list\nhello",
            b"add_seeder\n" + b"[" * 1000,
            b"hello",
            b"ADD_SEEDER\n[]",
            b" request_file_list",
            b"request_file_list\r\n",
        ):
            with self.subTest(datagram=datagram[:40]), self.assertRaises(PeerProtocolError):
                decode_request(datagram)

    def test_addresses_that_cannot_be_are_refused(self) -> None:
        for value in (
            *(b'["10.0.0.7",%b]' % number for number in NOT_NUMBERS),
            b'["10.0.0.7",0]',
            b'["10.0.0.7",65536]',
            b'["10.0.0.7",-1]',
            b'["10.0.0.7"]',
            b'["10.0.0.7",1,2]',
            b'["",1]',
            b'["a b",1]',
            b'["a\\u2028b",1]',
            b'["\\ud800",1]',
            b'["a\\nb",1]',
            b'["' + b"x" * 254 + b'",1]',
            b'{"10.0.0.7":1}',
            b"[1,1]",
            b"null",
        ):
            for word in (b"add_seeder", b"ping_tracker"):
                with self.subTest(value=value), self.assertRaises(PeerProtocolError):
                    decode_request(word + b"\n" + value)

    def test_file_lists_with_numbers_that_cannot_be_are_refused(self) -> None:
        for value in (
            *(b'{"a":%b}' % number for number in NOT_NUMBERS),
            b'{"a":-1}',
            b'{"a":1099511627777}',
            b'{"a":1,"a":2}',
            b'{"\\ud800":1}',
            b'[["a",1]]',
            b'"a"',
        ):
            with self.subTest(value=value), self.assertRaises(PeerProtocolError):
                decode_request(b"upload_file_list\n" + value)

    def test_a_request_that_an_original_tracker_would_cut_is_never_made(self) -> None:
        with self.assertRaises(PeerProtocolError):
            encode_request(UploadFileList({"x" * 1000: 1}))

    def test_a_datagram_that_filled_the_buffer_is_refused(self) -> None:
        pad = b"request_file_list\n"
        self.assertEqual(decode_request(pad.ljust(RECEIVE_BUFFER - 1)), Verb.REQUEST_FILE_LIST)
        with self.assertRaises(PeerProtocolError):
            decode_request(pad.ljust(RECEIVE_BUFFER))

    def test_every_damaged_request_is_read_or_refused_and_nothing_else(self) -> None:
        self.assert_all_read_or_refused(decode_request, {**REQUESTS, **ORIGINAL_REQUESTS})


class AnswerTest(WireTestCase):
    def test_each_word_has_exactly_the_originals_bytes(self) -> None:
        self.assertEqual(SUCCESS, b"success")
        self.assertEqual(ALREADY_REGISTERED, b"error\nSeeder is already Registered")
        self.assertEqual(NOT_UNDERSTOOD, b"error\nNone")

    def test_each_answer_is_read_from_exactly_these_bytes(self) -> None:
        for datagram, answer in ANSWERS.items():
            with self.subTest(datagram=datagram):
                self.assertEqual(decode_answer(datagram), answer)

    def test_lists_are_written_as_whole_json_that_is_read_back(self) -> None:
        files = [("a.txt", 5), ("é\u2028", 0)]
        self.assertEqual(encode_file_list(files), (b'{"a.txt":5,"\\u00e9\\u2028":0}', 2))
        self.assertEqual(encode_file_list([]), (b"{}", 0))
        seeders = [PC, Address("lab-pc", 1)]
        self.assertEqual(encode_seeder_list(seeders), (b'[["10.0.0.7",12501],["lab-pc",1]]', 2))
        self.assertEqual(encode_seeder_list([]), (b"[]", 0))

    def test_a_list_that_is_cut_stays_whole_ascii_json_within_1024_bytes(self) -> None:
        for stem in ("x", "é", "\U0001f600", "\u2028", '"\\'):
            for length in range(1, 60):
                files = [(f"{stem * length}{number}", number) for number in range(200)]
                text, count = encode_file_list(files)
                self.assertTrue(text.isascii())
                self.assertLessEqual(len(text), MAX_ANSWER)
                self.assertEqual(list(json.loads(text).items()), files[:count])
                longer = json.dumps(dict(files[: count + 1]), separators=(",", ":"))
                self.assertGreater(len(longer), MAX_ANSWER)  # not one more would have fitted

    def test_a_list_of_seeders_that_is_cut_stays_whole_ascii_json_within_1024_bytes(self) -> None:
        seeders = [Address(f"10.0.{n // 250}.{n % 250}", 12501) for n in range(500)]
        text, count = encode_seeder_list(seeders)
        self.assertLessEqual(len(text), MAX_ANSWER)
        self.assertGreater(len(text), MAX_ANSWER - 25)
        self.assertEqual(json.loads(text), [list(seeder) for seeder in seeders[:count]])

    def test_a_list_of_exactly_1024_bytes_is_whole(self) -> None:
        name = "x" * (MAX_ANSWER - len('{"":1}'))
        self.assertEqual(encode_file_list([(name, 1)]), (b'{"%b":1}' % name.encode(), 1))
        self.assertEqual(encode_file_list([(name, 10)]), (b"{}", 0))

    def test_an_upload_to_an_original_leaves_room_for_the_blanks_that_it_puts_in(self) -> None:
        for stem in ("", "x", "é", "\U0001f600"):
            for length in range(1, 40):
                files = {f"{stem * length}{number}": number for number in range(200)}
                fitting = files_that_fit(files.items())
                self.assertLessEqual(len(encode_request(UploadFileList(fitting))), MAX_REQUEST)
                self.assertLessEqual(len(json.dumps(fitting)), MAX_ANSWER)
                more = dict(list(files.items())[: len(fitting) + 1])
                self.assertGreater(len(json.dumps(more)), MAX_REQUEST - len("upload_file_list") - 2)

    def test_what_an_original_tracker_lists_may_be_longer_than_a_request(self) -> None:
        seeders = tuple(Address(f"10.0.{n // 250}.{n % 250}", 12501) for n in range(2000))
        datagram = json.dumps(seeders).encode()
        self.assertGreater(len(datagram), 40_000)
        self.assertEqual(decode_answer(datagram), seeders)
        with self.assertRaises(PeerProtocolError):
            decode_answer(b"[]".ljust(MAX_DATAGRAM + 1))

    def test_one_odd_registration_at_an_original_tracker_does_not_hide_the_others(self) -> None:
        for odd in (b'["",12501]', b'["a b",1]', b'["x","y"]', b'["x",0]', b"5", b"null", b"[]"):
            with self.subTest(odd=odd):
                datagram = b'[%b,["10.0.0.7",12501],%b]' % (odd, odd)
                self.assertEqual(decode_answer(datagram), (PC,))

    def test_a_seeder_that_is_listed_twice_counts_once(self) -> None:
        datagram = b'[["10.0.0.7",12501],["10.0.0.7", 12501]]'
        self.assertEqual(decode_answer(datagram), (PC,))

    def test_what_no_tracker_says_is_refused(self) -> None:
        for datagram in (b"", b"error", b"hello", b"SUCCESS", b'"a"', b"\xff", b"{", b"[1", b"5"):
            with self.subTest(datagram=datagram), self.assertRaises(PeerProtocolError):
                decode_answer(datagram)

    def test_an_error_text_is_kept_short_and_without_control_of_its_own(self) -> None:
        answer = decode_answer(b"error\n" + b"\xff" * 5000)
        assert isinstance(answer, Verdict)
        self.assertEqual(len(answer.text), 200)

    def test_every_damaged_answer_is_read_or_refused_and_nothing_else(self) -> None:
        self.assert_all_read_or_refused(decode_answer, ANSWERS)
