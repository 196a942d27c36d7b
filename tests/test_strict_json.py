"""JSON from strangers: everything that the json module lets through and we do not."""

from __future__ import annotations

import json
import unittest

from roles.values.errors import PeerProtocolError
from roles.values.strict_json import MAX_BYTES, MAX_DEPTH, dumps, loads

REFUSED = {
    "nothing": b"",
    "not JSON": b"hello",
    "two values": b"1 2",
    "cut": b'{"a": 1',
    "a float": b"[1.5]",
    "a float without a fraction": b"[1.0]",
    "an exponent": b"[1e3]",
    "a number beyond all": b"[1e999]",
    "not a number": b"[NaN]",
    "infinity": b"[Infinity]",
    "minus infinity": b"[-Infinity]",
    "17 digits": b"[12345678901234567]",
    "5,000 digits": b"[" + b"9" * 5000 + b"]",
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice, spelt in two ways": b'{"a": 1, "\\u0061": 2}',
    "a key twice further in": b'[{"b": {"a": 1, "a": 1}}]',
    "half a character": b'["\\ud800"]',
    "the other half": b'["\\udc00x"]',
    "half a character in a key": b'{"\\ud800": 1}',
    "half a character further in": b'[[{"x": ["\\ud83d"]}]]',
    "a raw control character": b'["a\nb"]',
    "not UTF-8": b'["\xff"]',
    "an overlong slash": b'["\xc0\xaf"]',
    "a raw surrogate": b'["\xed\xa0\x80"]',
    "UTF-16": '["a"]'.encode("utf-16"),
    "UTF-32": '["a"]'.encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf[1]",
    "1,000 brackets": b"[" * 1000,
    "1,000 brackets, closed": b"[" * 1000 + b"]" * 1000,
    "16,000 brackets": b"[" * 16_000,
    "8,000 brackets, closed": b"[" * 8000 + b"]" * 8000,
    "single quotes": b"['a']",
    "a comma at the end": b"[1,]",
}


class LoadsTest(unittest.TestCase):
    def test_what_we_do_not_accept_is_one_kind_of_error(self) -> None:
        for what, data in REFUSED.items():
            with self.subTest(what), self.assertRaises(PeerProtocolError):
                loads(data)

    def test_the_error_is_short_whatever_was_sent(self) -> None:
        for what, data in REFUSED.items():
            with self.subTest(what), self.assertRaises(PeerProtocolError) as caught:
                loads(data)
            self.assertLess(len(str(caught.exception)), 120)

    def test_plain_values_are_read(self) -> None:
        for data, value in {
            b'{"a": [1, "b", true, null, {}]}': {"a": [1, "b", True, None, {}]},
            b"-12": -12,
            b"[1234567890123456]": [1234567890123456],
            b'["\\ud83d\\ude00"]': ["\U0001f600"],
            '["é\x85\u2028"]'.encode(): ["é\x85\u2028"],
        }.items():
            with self.subTest(data=data):
                self.assertEqual(loads(data), value)

    def test_true_stays_a_bool(self) -> None:
        self.assertIs(loads(b"true"), True)

    def test_nesting_is_accepted_to_the_limit_and_no_deeper(self) -> None:
        self.assertEqual(MAX_DEPTH, 8)
        loads(b"[" * 9 + b"]" * 9)
        with self.assertRaises(PeerProtocolError):
            loads(b"[" * 10 + b"]" * 10)
        with self.assertRaises(PeerProtocolError):
            loads(b'{"a":' * 9 + b"[]" + b"}" * 9)

    def test_the_length_is_accepted_to_the_limit_and_no_longer(self) -> None:
        text = b'"' + b"x" * (MAX_BYTES - 2) + b'"'
        loads(text)
        with self.assertRaises(PeerProtocolError):
            loads(text + b" ")
        self.assertEqual(len(str(loads(text + b" ", most=MAX_BYTES + 1))), MAX_BYTES - 2)


class DumpsTest(unittest.TestCase):
    def test_the_text_is_compact_ascii(self) -> None:
        text = dumps({"é\u2028\x85": [1, None, True]})
        self.assertEqual(text, b'{"\\u00e9\\u2028\\u0085":[1,null,true]}')

    def test_what_is_written_is_read_back(self) -> None:
        value = {"name \U0001f600\n": 5, "b": ["x", {"y": []}]}
        self.assertEqual(loads(dumps(value)), value)
        self.assertEqual(json.loads(dumps(value)), value)
