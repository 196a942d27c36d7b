"""LMK/1 over TCP: exact bytes, and every stream in any pieces."""

from __future__ import annotations

import hashlib
import json
import unittest
from collections.abc import Callable, Iterable

from roles.lmk1.peer_wire import (
    ACK_SIZE,
    ACKNOWLEDGED,
    CHUNK_SIZE,
    CONNECTED,
    HEADER,
    MAX_CHUNKS,
    MAX_REQUEST,
    REJECTED,
    AckReader,
    ExitConnection,
    RangeRequest,
    SeederAnswer,
    chunk_count,
    chunk_length,
    decode_header,
    decode_second_message,
    decode_seeder_answer,
    encode_range_request,
)
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.wire.greeting import (
    AWAY,
    ERROR,
    EXIT_CONNECTION,
    MAX_GREETING,
    REQUEST_CONNECTION,
    Greeting,
    GreetingReader,
)

LATER_LINE = b'{"lmk": 2, "peer": "0123456789abcdef", "name": "lab-pc-07", "as": "leecher"}\n'
LATER_GREETING = REQUEST_CONNECTION + b"\n" + LATER_LINE
SIZES = (0, 1, 5119, 5120, 5121, 10_240, 10_241, 1_000_003, 2**31, 2**32 + 1, MAX_FILE_SIZE)
NAMES = ("a.txt", "é\u2028\x85", 'a"]b', "a]", "]", '"', "\\", '\\"]', "[[", "{}\n{", "x" * 255)


def feed_all(feed: Callable[[bytes], object | None], pieces: Iterable[bytes]) -> list[object]:
    """What a reader gave for each piece, without the `not yet`s."""
    return [message for piece in pieces if (message := feed(piece)) is not None]


def feeding(decode: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Decodes all that has come, at each further piece."""
    received = bytearray()

    def feed(piece: bytes) -> object:
        received.extend(piece)
        return decode(bytes(received))

    return feed


def two_pieces(stream: bytes) -> list[tuple[bytes, bytes]]:
    return [(stream[:place], stream[place:]) for place in range(1, len(stream))]


def single_bytes(stream: bytes) -> list[bytes]:
    return [stream[place : place + 1] for place in range(len(stream))]


def read_as_seeder(pieces: Iterable[bytes]) -> tuple[Greeting | None, object]:
    """The greeting and, from what comes after it, the second message, as a seeder reads them."""
    greeting_reader, feed = GreetingReader(), feeding(decode_second_message)
    greeting: Greeting | None = None
    second: object = None
    for piece in pieces:
        if greeting is None:
            greeting = greeting_reader.feed(piece)
        else:
            second = feed(piece)
    return greeting, second


class ChunksTest(unittest.TestCase):
    def test_a_chunk_is_as_long_as_the_originals(self) -> None:
        self.assertEqual(CHUNK_SIZE, 5120)

    def test_the_count_is_rounded_up_and_an_empty_file_has_none(self) -> None:
        counts = [chunk_count(size) for size in SIZES[:7]]
        self.assertEqual(counts, [0, 1, 1, 1, 2, 2, 3])

    def test_every_chunk_is_full_but_the_last_one_which_is_never_empty(self) -> None:
        for size in SIZES[1:]:
            with self.subTest(size=size):
                last = chunk_count(size) - 1
                self.assertEqual(chunk_length(last, size), size - last * 5120)
                self.assertTrue(0 < chunk_length(last, size) <= 5120)
                if last:
                    self.assertEqual(chunk_length(0, size), 5120)
                    self.assertEqual(chunk_length(last - 1, size), 5120)

    def test_the_lengths_of_all_chunks_make_up_the_size(self) -> None:
        for size in SIZES[:8]:
            with self.subTest(size=size):
                lengths = [chunk_length(index, size) for index in range(chunk_count(size))]
                self.assertEqual(sum(lengths), size)


class WordsTest(unittest.TestCase):
    def test_the_words_are_the_originals(self) -> None:
        self.assertEqual(REQUEST_CONNECTION, b"request_connection")
        self.assertEqual(EXIT_CONNECTION, b"exit_connection")
        self.assertEqual((CONNECTED, AWAY, ERROR), (b"connected", b"away", b"error"))
        self.assertEqual((ACKNOWLEDGED, REJECTED), (b"acknolwedgement", b"error_notacknol"))
        self.assertEqual({len(ACKNOWLEDGED), len(REJECTED)}, {ACK_SIZE})


class GreetingTest(unittest.TestCase):
    def test_the_bare_word_is_complete_at_once(self) -> None:
        self.assertIs(GreetingReader().feed(b"request_connection"), Greeting.LEECHER)
        self.assertIs(GreetingReader().feed(b"request_connection\n"), Greeting.LEECHER)

    def test_the_bare_word_is_read_in_any_pieces(self) -> None:
        for pieces in (single_bytes(REQUEST_CONNECTION), *two_pieces(REQUEST_CONNECTION)):
            with self.subTest(pieces=pieces):
                self.assertEqual(feed_all(GreetingReader().feed, pieces), [Greeting.LEECHER])

    def test_every_prefix_of_the_word_is_not_yet_a_greeting(self) -> None:
        for end in range(len(REQUEST_CONNECTION)):
            self.assertIsNone(GreetingReader().feed(REQUEST_CONNECTION[:end]))

    def test_who_gave_up_before_the_answer_is_told_from_a_leecher(self) -> None:
        glued = REQUEST_CONNECTION + EXIT_CONNECTION
        self.assertIs(GreetingReader().feed(glued), Greeting.GAVE_UP)
        for first, second in two_pieces(glued):
            reader = GreetingReader()
            with self.subTest(first=first):
                if len(first) == len(REQUEST_CONNECTION):
                    self.assertIs(reader.feed(first), Greeting.LEECHER)
                    self.assertEqual(decode_second_message(second), ExitConnection())
                else:
                    self.assertIsNone(reader.feed(first))
                    self.assertIs(reader.feed(second), Greeting.GAVE_UP)

    def test_other_first_words_are_strangers_as_soon_as_they_differ(self) -> None:
        for data in (
            b"x",
            b"\xff",
            b"\0",
            b"request_connectiom",
            b"request_connection ",
            b"request_connection\r\n",
            b"request_connectionsend",
            b"exit_connection",
            b"send_file_chunk\n",
            REQUEST_CONNECTION + EXIT_CONNECTION + b"x",
        ):
            with self.subTest(data=data):
                self.assertIs(GreetingReader().feed(data), Greeting.STRANGER)

    def test_a_capital_letter_begins_http(self) -> None:
        for data in (b"G", b"GET / HTTP/1.1", b"POST", b"Z"):
            with self.subTest(data=data):
                self.assertIs(GreetingReader().feed(data), Greeting.BROWSER)

    def test_a_later_versions_greeting_is_read_whole_and_its_line_is_kept(self) -> None:
        for pieces in ((LATER_GREETING,), *two_pieces(LATER_GREETING)):
            if pieces[0] in (REQUEST_CONNECTION, REQUEST_CONNECTION + b"\n"):
                continue  # complete as it is: the next test
            reader = GreetingReader()
            with self.subTest(first=pieces[0]):
                self.assertEqual(feed_all(reader.feed, pieces), [Greeting.LATER_VERSION])
                self.assertEqual(reader.line, LATER_LINE)

    def test_a_later_version_that_is_not_known_here_is_served_by_lmk1(self) -> None:
        request = RangeRequest("a.txt", 3, 5120)
        streams = [
            (LATER_GREETING,),
            *two_pieces(LATER_GREETING),
            tuple(single_bytes(LATER_GREETING)),
        ]
        for pieces in streams:
            with self.subTest(first=pieces[0]):
                greeting, second = read_as_seeder([*pieces, encode_range_request(request)])
                self.assertIn(greeting, (Greeting.LEECHER, Greeting.LATER_VERSION))
                self.assertEqual(second, request)

    def test_a_line_feed_that_comes_late_belongs_to_the_greeting(self) -> None:
        for second in (EXIT_CONNECTION, encode_range_request(RangeRequest("a", 0, 0))):
            for pieces in (
                (REQUEST_CONNECTION, b"\n", second),
                (REQUEST_CONNECTION, b"\n" + second),
            ):
                with self.subTest(pieces=pieces):
                    greeting, message = read_as_seeder(pieces)
                    self.assertIs(greeting, Greeting.LEECHER)
                    self.assertIsNotNone(message)

    def test_a_greeting_that_does_not_end_within_the_limit_is_a_stranger(self) -> None:
        reader = GreetingReader()
        start = REQUEST_CONNECTION + b"\n{"
        self.assertIsNone(reader.feed(start.ljust(MAX_GREETING)))
        self.assertIs(reader.feed(b" "), Greeting.STRANGER)


class SecondMessageTest(unittest.TestCase):
    def test_the_request_has_exactly_these_bytes(self) -> None:
        self.assertEqual(
            encode_range_request(RangeRequest("é.txt", 7, 5120)),
            b'send_file_chunk\n["\\u00e9.txt",7,5120]',
        )

    def test_the_request_of_an_original_is_read(self) -> None:
        data = b"send_file_chunk\n" + json.dumps(["a b.txt", 0, 1024000]).encode()
        self.assertEqual(decode_second_message(data), RangeRequest("a b.txt", 0, 1_024_000))

    def test_every_name_is_read_whole_and_in_any_pieces(self) -> None:
        for name in NAMES:
            request = RangeRequest(name, 7, 5120)
            raw = json.dumps([name, 7, 5120], ensure_ascii=False).encode()
            for stream in {encode_range_request(request), b"send_file_chunk\n" + raw}:
                for pieces in ((stream,), single_bytes(stream), *two_pieces(stream)):
                    with self.subTest(name=name, first=pieces[0]):
                        got = feed_all(feeding(decode_second_message), pieces)
                        self.assertEqual(got, [request])

    def test_leaving_is_read_in_any_pieces(self) -> None:
        for pieces in (single_bytes(EXIT_CONNECTION), *two_pieces(EXIT_CONNECTION)):
            with self.subTest(pieces=pieces):
                got = feed_all(feeding(decode_second_message), pieces)
                self.assertEqual(got, [ExitConnection()])

    def test_a_request_may_end_with_a_line_feed(self) -> None:
        data = b'send_file_chunk\n["a",1,0]\n'
        self.assertEqual(decode_second_message(data), RangeRequest("a", 1, 0))

    def test_an_acknowledgement_glued_to_the_request_is_refused_as_by_the_original(self) -> None:
        for glued in (ACKNOWLEDGED, EXIT_CONNECTION, b"x", b"]"):
            with self.subTest(glued=glued), self.assertRaises(PeerProtocolError):
                decode_second_message(b'send_file_chunk\n["a",1,0]' + glued)

    def test_other_words_are_refused(self) -> None:
        for data in (
            b"x",
            b"request_connection",
            b"request_file_chunk\n[]",
            b"exit_connectionexit_connection",
            b"\xff",
            b"exit\n",
        ):
            with self.subTest(data=data), self.assertRaises(PeerProtocolError):
                decode_second_message(data)

    def test_impossible_numbers_are_refused(self) -> None:
        for values in (
            b'"a",-1,0',
            b'"a",1,-1',
            b'"a",1.0,0',
            b'"a",true,0',
            b'"a",1,false',
            b'"a",NaN,0',
            b'"a",1e5,0',
            b'"a","1",0',
            b'"a",%d,0' % (MAX_CHUNKS + 1),
            b'"a",1,%d' % (MAX_FILE_SIZE + 1),
            b'"a",99999999999999999999,0',
            b'"a",1',
            b'"a",1,0,0',
            b'1,"a",0',
            b'"\\ud800",1,0',
            b'"\xff",1,0',
            b'"a\nb",1,0',
            b"",
        ):
            with self.subTest(values=values), self.assertRaises(PeerProtocolError):
                decode_second_message(b"send_file_chunk\n[" + values + b"]")

    def test_the_largest_possible_numbers_are_read(self) -> None:
        data = b'send_file_chunk\n["a",%d,%d]' % (MAX_CHUNKS, MAX_FILE_SIZE)
        self.assertEqual(decode_second_message(data), RangeRequest("a", MAX_CHUNKS, MAX_FILE_SIZE))

    def test_a_request_that_does_not_end_within_the_limit_is_refused(self) -> None:
        for start in (b'send_file_chunk\n["', b"\n{"):
            self.assertIsNone(decode_second_message(start.ljust(MAX_REQUEST, b"x")))
            with self.assertRaises(PeerProtocolError):
                decode_second_message(start.ljust(MAX_REQUEST + 1, b"x"))

    def test_a_request_that_an_original_could_not_receive_is_never_made(self) -> None:
        with self.assertRaises(PeerProtocolError):
            encode_range_request(RangeRequest("x" * MAX_REQUEST, 1, 0))

    def test_any_name_of_255_bytes_can_be_asked_for(self) -> None:
        for name in ("x" * 255, "é" * 127, "\U0001f600" * 63, "\x01" * 127, "€" * 85):
            request = encode_range_request(RangeRequest(name, MAX_CHUNKS, MAX_FILE_SIZE))
            self.assertLessEqual(len(request), MAX_REQUEST)


class SeederAnswerTest(unittest.TestCase):
    def test_each_word_is_read_in_any_pieces(self) -> None:
        for answer in SeederAnswer:
            word: bytes = answer.value
            for pieces in ((word,), single_bytes(word), *two_pieces(word)):
                with self.subTest(pieces=pieces):
                    self.assertEqual(feed_all(feeding(decode_seeder_answer), pieces), [answer])

    def test_everything_else_is_refused_as_soon_as_it_differs(self) -> None:
        for data in (b"x", b"awax", b"connectedx", b"CONNECTED", b"lmk2 {}", b"\xff", b"away\n"):
            with self.subTest(data=data), self.assertRaises(PeerProtocolError):
                decode_seeder_answer(data)


class AckTest(unittest.TestCase):
    STREAM = ACKNOWLEDGED * 3 + REJECTED + ACKNOWLEDGED + REJECTED * 2
    MEANING = (True, True, True, False, True, False, False)

    def read(self, pieces: Iterable[bytes]) -> tuple[bool, ...]:
        reader = AckReader()
        return tuple(word for piece in pieces for word in reader.feed(piece))

    def test_a_stream_of_words_is_read_in_any_pieces(self) -> None:
        for pieces in ((self.STREAM,), single_bytes(self.STREAM), *two_pieces(self.STREAM)):
            self.assertEqual(self.read(pieces), self.MEANING)

    def test_a_word_counts_when_it_is_whole_and_not_before(self) -> None:
        reader = AckReader()
        self.assertEqual(reader.feed(ACKNOWLEDGED[:14]), [])
        self.assertEqual(reader.feed(ACKNOWLEDGED[14:] + REJECTED[:1]), [True])
        self.assertEqual(reader.feed(b""), [])

    def test_any_other_word_is_refused(self) -> None:
        for word in (b"acknowledgement", b"x" * 15, ACKNOWLEDGED[::-1], b"error_notacknox"):
            with self.subTest(word=word), self.assertRaises(PeerProtocolError):
                AckReader().feed(ACKNOWLEDGED + word)

    def test_every_flip_of_a_bit_is_refused(self) -> None:
        for place in range(ACK_SIZE):
            for bit in range(8):
                word = bytearray(ACKNOWLEDGED)
                word[place] ^= 1 << bit
                with self.assertRaises(PeerProtocolError):
                    AckReader().feed(bytes(word))


class HeaderTest(unittest.TestCase):
    DIGEST = hashlib.sha256(b"chunk").digest()

    def test_the_header_is_the_length_little_endian_and_the_digest(self) -> None:
        header = HEADER.pack(5120, self.DIGEST)
        self.assertEqual(header, b"\x00\x14\x00\x00" + self.DIGEST)
        self.assertEqual(len(header), 36)

    def test_a_header_is_read_where_it_lies(self) -> None:
        buffer = bytearray(b"xyz" + HEADER.pack(77, self.DIGEST) + b"rest")
        self.assertEqual(decode_header(buffer, 3, expected_length=77), self.DIGEST)
        self.assertEqual(decode_header(memoryview(buffer), 3, expected_length=77), self.DIGEST)

    def test_any_length_but_the_expected_one_means_that_the_file_changed(self) -> None:
        for length in (-(2**31), -1, 0, 1, CHUNK_SIZE - 1, CHUNK_SIZE + 1, 2**31 - 1):
            header = HEADER.pack(length, self.DIGEST)
            with self.subTest(length=length), self.assertRaises(PeerProtocolError):
                decode_header(header, 0, expected_length=CHUNK_SIZE)

    def test_an_empty_or_overlong_chunk_is_never_expected(self) -> None:
        for length in (-1, 0, CHUNK_SIZE + 1):
            header = HEADER.pack(length, self.DIGEST)
            with self.subTest(length=length), self.assertRaises(PeerProtocolError):
                decode_header(header, 0, expected_length=length)
