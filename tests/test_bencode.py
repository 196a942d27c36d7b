"""Bencoding, byte by byte."""

from __future__ import annotations

import unittest

from roles.torrents.bencode import Value, encode
from tests.bencoded import decoded


class BencodeTest(unittest.TestCase):
    def test_the_examples_of_the_specification(self) -> None:
        examples: tuple[tuple[Value, bytes], ...] = (
            ("spam", b"4:spam"),
            (b"\x00\xff", b"2:\x00\xff"),
            (3, b"i3e"),
            (-3, b"i-3e"),
            (0, b"i0e"),
            (["spam", "eggs"], b"l4:spam4:eggse"),
            (("a",), b"l1:ae"),
            ({"spam": "eggs", "cow": "moo"}, b"d3:cow3:moo4:spam4:eggse"),
            ({"spam": ["a", "b"]}, b"d4:spaml1:a1:bee"),
            ([], b"le"),
            ({}, b"de"),
            ("ü", b"2:\xc3\xbc"),
        )
        for value, text in examples:
            with self.subTest(value=value):
                self.assertEqual(encode(value), text)

    def test_keys_are_sorted_by_their_bytes(self) -> None:
        self.assertEqual(encode({"ü": 1, "z": 2, "Z": 3}), b"d1:Zi3e1:zi2e2:\xc3\xbci1ee")

    def test_what_is_written_can_be_read(self) -> None:
        value: dict[str, Value] = {"files": [{"length": 7, "path": [b"a", b"b"]}], "private": 1}
        self.assertEqual(decoded(encode(value)), value)
