"""The first lines between two LMK/2 peers: exact bytes, any pieces, and what strangers send."""

from __future__ import annotations

import random
import unittest

from roles.values.errors import PeerProtocolError
from roles.wire import greeting
from roles.wire.frames import MAX_PART, PART
from roles.wire.greeting import (
    MAX_ANSWER,
    MAX_GREETING,
    MAX_NAME,
    REQUEST_CONNECTION,
    Hello,
    Probe,
    Welcome,
    decode_hello,
    decode_probe_answer,
    decode_welcome,
    encode_hello,
    encode_welcome,
)

PEER = "0123456789abcdef"
LEECHER = Hello(PEER, "lab-pc-07", 12501, is_seeder=False)
HELLO = (
    b'request_connection\n{"lmk":2,"peer":"0123456789abcdef","name":"lab-pc-07",'
    b'"listen":12501,"as":"leecher","part":1048576}\n'
)
LINE = HELLO.partition(b"\n")[2].rstrip(b"\n")
WELCOME = (
    b'lmk2 {"lmk":2,"peer":"0123456789abcdef","name":"lab-pc-07","state":"connected",'
    b'"part":1048576}\n'
)


def read_welcome(data: bytes) -> Welcome | None:
    """As it is read: byte by byte, until it is there."""
    for end in range(1, len(data) + 1):
        welcome = decode_welcome(data[:end])
        if welcome is not None:
            return welcome
    return None


class HelloTest(unittest.TestCase):
    def test_it_has_exactly_these_bytes(self) -> None:
        self.assertEqual(encode_hello(LEECHER), HELLO)
        seeder = Hello(PEER, "lab-pc-07", 12501, is_seeder=True)
        self.assertEqual(encode_hello(seeder), HELLO.replace(b'"leecher"', b'"seeder"'))

    def test_it_is_read_back_as_it_was(self) -> None:
        for hello in (
            LEECHER,
            Hello(PEER, "", 0, is_seeder=True),
            Hello(PEER, "Bär", 65535, False),
        ):
            line = encode_hello(hello).partition(b"\n")[2].rstrip(b"\n")
            self.assertEqual(decode_hello(line), hello)

    def test_whatever_the_computer_is_called_it_fits_into_what_a_seeder_reads(self) -> None:
        for name in ("x" * 300, "ä" * 300, "\U0001f600" * 300, "\x00" * 300, '"' * 300, "\\" * 300):
            for hello in (Hello(PEER, name, 65535, False), Hello(PEER, name, 65535, True)):
                data = encode_hello(hello)
                self.assertLessEqual(len(data), MAX_GREETING, name[:1])
                line = data.partition(b"\n")[2].rstrip(b"\n")
                decoded = decode_hello(line)
                assert isinstance(decoded, Hello)
                self.assertLessEqual(len(decoded.name), MAX_NAME)
            self.assertLessEqual(len(encode_welcome(Welcome(PEER, name, False))), MAX_ANSWER)

    def test_a_name_that_comes_from_outside_is_safe_to_show(self) -> None:
        line = LINE.replace(b"lab-pc-07", b"a\\nb\\u001b[2J\\u202ec")
        hello = decode_hello(line)
        assert isinstance(hello, Hello)
        self.assertTrue(hello.name.isprintable(), hello.name)

    def test_a_probe_is_a_probe(self) -> None:
        self.assertEqual(decode_hello(b'{"lmk":2,"probe":"0123456789abcdef"}'), Probe(PEER))

    def test_a_later_version_and_unknown_fields_are_understood(self) -> None:
        line = LINE.replace(b'"lmk":2', b'"lmk":3,"more":[1,{"x":null}]')
        self.assertEqual(decode_hello(line), LEECHER)

    def test_who_names_no_usable_length_takes_the_parts_that_all_take(self) -> None:
        part = b'"part":1048576'
        for said in (b'"other":1', b'"part":0', b'"part":-5', b'"part":"x"', b'"part":true'):
            with self.subTest(said=said):
                hello = decode_hello(LINE.replace(part, said))
                assert isinstance(hello, Hello)
                self.assertEqual(hello.longest_part, PART)
                welcome = read_welcome(WELCOME.replace(part, said))
                assert welcome is not None
                self.assertEqual(welcome.longest_part, PART)
        hello = decode_hello(LINE.replace(part, b'"part":4194304'))
        assert isinstance(hello, Hello)
        self.assertEqual(hello.longest_part, MAX_PART)

    def test_what_is_none_of_ours_is_left_to_lmk1(self) -> None:
        changes = (
            (b'"lmk":2', b'"lmk":1'),
            (b'"lmk":2', b'"lmk":true'),
            (b'"lmk":2', b'"lmk":"2"'),
            (b'"lmk":2', b'"lmk":2,"lmk":2'),
            (PEER.encode(), b"0123456789abcde"),
            (PEER.encode(), b"0123456789abcdeg"),
            (PEER.encode(), b"0123456789ABCDEF"),
            (b"12501", b"-1"),
            (b"12501", b"65536"),
            (b"12501", b"true"),
            (b"12501", b'"12501"'),
            (b"12501", b"1.5"),
            (b"{", b"["),
            (b"}", b""),
        )
        for old, new in changes:
            with self.subTest(new=new):
                self.assertIsNone(decode_hello(LINE.replace(old, new)))
        for line in (b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 400, b"x" * 600):
            self.assertIsNone(decode_hello(line))

    def test_every_prefix_and_every_flipped_bit_is_read_or_is_none_of_ours(self) -> None:
        for end in range(len(LINE)):
            self.assertIsNone(decode_hello(LINE[:end]))
        for bit in range(8 * len(LINE)):
            flipped = bytearray(LINE)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            self.assertIsInstance(decode_hello(bytes(flipped)), Hello | Probe | None)


class WelcomeTest(unittest.TestCase):
    def test_it_has_exactly_these_bytes(self) -> None:
        self.assertEqual(encode_welcome(Welcome(PEER, "lab-pc-07", False)), WELCOME)
        away = encode_welcome(Welcome(PEER, "lab-pc-07", True))
        self.assertEqual(away, WELCOME.replace(b"connected", b"away"))
        self.assertEqual(
            encode_welcome(Probe(PEER, PEER)),
            b'lmk2 {"lmk":2,"probe":"%s","peer":"%s"}\n' % (PEER.encode(), PEER.encode()),
        )

    def test_the_answer_to_a_probe_is_read_back_and_other_words_are_none(self) -> None:
        for answer in (Probe(PEER, PEER), Probe(PEER)):  # version 1.1 does not say who it is
            self.assertEqual(decode_probe_answer(encode_welcome(answer)), answer)
        for words in (b"", b"away", b"lmk2 ", b"lmk2 {}\n", b"lmk2 \xff\n", WELCOME, b"lmk2 []\n"):
            self.assertIsNone(decode_probe_answer(words))

    def test_it_is_read_back_byte_by_byte(self) -> None:
        for welcome in (Welcome(PEER, "lab-pc-07", False), Welcome(PEER, "Bär", True)):
            self.assertEqual(read_welcome(encode_welcome(welcome)), welcome)

    def test_a_name_that_comes_from_outside_is_safe_to_show(self) -> None:
        welcome = read_welcome(WELCOME.replace(b"lab-pc-07", b"a\\nb\\u202ec"))
        assert welcome is not None
        self.assertTrue(welcome.name.isprintable(), welcome.name)

    def test_words_of_lmk1_are_refused_at_their_first_byte(self) -> None:
        for word in (b"connected", b"away", b"error", b"\x00", b"lm1", b"lmk1 {}\n"):
            with self.subTest(word=word), self.assertRaises(PeerProtocolError):
                read_welcome(word)

    def test_an_answer_that_does_not_end_is_refused(self) -> None:
        with self.assertRaises(PeerProtocolError):
            read_welcome(b"lmk2 " + b" " * MAX_ANSWER)

    def test_every_prefix_is_waited_for_and_every_flipped_bit_is_read_or_refused(self) -> None:
        for end in range(len(WELCOME)):
            self.assertIsNone(read_welcome(WELCOME[:end]))
        for bit in range(8 * len(WELCOME)):
            flipped = bytearray(WELCOME)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            try:
                self.assertIsInstance(read_welcome(bytes(flipped)), Welcome | None)
            except PeerProtocolError:
                continue

    def test_an_answer_without_a_name_of_ours_is_refused(self) -> None:
        for text in (b"{}", b'{"lmk":2}', b'{"lmk":2,"peer":"x"}', b"[]", b"null", b"\xff", b""):
            with self.subTest(text=text), self.assertRaises(PeerProtocolError):
                read_welcome(b"lmk2 " + text + b"\n")

    def test_noise_is_refused(self) -> None:
        rng = random.Random(3)
        for _ in range(1_000):
            with self.assertRaises(PeerProtocolError):
                read_welcome(b"lmk2 " + rng.randbytes(60) + b"\n")


class WordsTest(unittest.TestCase):
    def test_an_original_takes_the_hello_for_its_own_first_word(self) -> None:
        self.assertEqual(encode_hello(LEECHER).split(b"\n")[0], REQUEST_CONNECTION)
        self.assertTrue(encode_hello(LEECHER).isascii())

    def test_our_answer_starts_as_none_of_an_original_does(self) -> None:
        self.assertNotIn(greeting.ANSWER_START[:1], (b"c", b"a", b"e"))
