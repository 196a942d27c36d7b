"""The lines of a list: their exact text, and what is refused."""

from __future__ import annotations

import json
import unittest

from roles.values.content import Content, root_of
from roles.values.errors import PeerProtocolError
from roles.values.list_lines import (
    MAX_LINE,
    FileLine,
    FolderLine,
    Line,
    PackLine,
    ReadingLine,
    TorrentLine,
    WebLine,
    decode_line,
    encode_line,
    sort_key,
)

ROOT = bytes(range(32))
CHUNK = 262_144
FILE = FileLine("maps/north.txt", 300_000, Content(ROOT, 300_000, CHUNK), 1_700_000_000, True)
LINES: dict[str, Line] = {
    f'["f","maps/north.txt",300000,"{ROOT.hex()}",262144,1700000000,1]': FILE,
    f'["f","Stra\\u00dfe/\\u00e9t\\u00e9",5,"{ROOT.hex()}",262144,0,0]': FileLine(
        "Straße/été", 5, Content(ROOT, 5, CHUNK)
    ),
    '["f","old one",7]': FileLine("old one", 7, None),
    '["d","maps/empty",12]': FolderLine("maps/empty", 12),
    f'["p","a/b",3,1000,"{ROOT.hex()}",262144]': PackLine(Content(ROOT, 1000, CHUNK), "a/b", 3),
    '["r",12]': ReadingLine(12),
    f'["t","{ROOT[:20].hex()}"]': TorrentLine(ROOT[:20]),
    '["w"]': WebLine(),
}


def file_text(path: str, **changes: object) -> str:
    fields = {"kind": "f", "path": path, "size": 5, "root": ROOT.hex(), "chunk": CHUNK}
    fields |= {"mtime": 0, "executable": 0} | changes
    return json.dumps(list(fields.values()), separators=(",", ":"))


class ExactTextTest(unittest.TestCase):
    def test_each_kind_has_this_text_and_is_read_back(self) -> None:
        for text, line in LINES.items():
            with self.subTest(text=text):
                self.assertEqual(encode_line(line), text)
                self.assertEqual(decode_line(text), line)

    def test_every_text_is_one_line_of_ascii(self) -> None:
        text = encode_line(FileLine("a\u2028b\u0085", 1, None))
        self.assertTrue(text.isascii())
        self.assertEqual(len(text.splitlines()), 1)

    def test_other_spellings_of_the_same_json_mean_the_same(self) -> None:
        text = encode_line(FILE)
        for spelt in (
            text.replace(",", " , "),
            text.replace("maps", "\\u006daps"),
            text[:-1] + ",9]",
        ):
            with self.subTest(spelt=spelt):
                self.assertEqual(decode_line(spelt), FILE)

    def test_times_that_version_1_1_refuses_stand_where_it_does_not_look(self) -> None:
        """It reads 0 for unknown, refuses a line with a negative time, and skips what follows."""
        for mtime in (0, -1, -86_400, -2_000_000_000, (1 << 40) + 1, 10**15 - 1, 1 - 10**15):
            for line, place in (
                (FileLine("a", 5, Content(ROOT, 5, CHUNK), mtime), 5),
                (FolderLine("a", mtime), 2),
            ):
                with self.subTest(line=line):
                    text = encode_line(line)
                    fields = json.loads(text)
                    self.assertEqual((fields[place], fields[-1]), (0, mtime))
                    self.assertEqual(len(fields), 8 if place == 5 else 4)
                    self.assertEqual(decode_line(text), line)

    def test_a_time_beyond_every_clock_is_unknown(self) -> None:
        for mtime in (10**15, -(10**15), 1 << 70):
            self.assertEqual(
                decode_line(encode_line(FolderLine("a", mtime))), FolderLine("a", None)
            )

    def test_what_follows_a_line_and_is_no_time_is_skipped(self) -> None:
        for more in ("null", '"-5"', "[-5]", "true", "1000000000000000"):
            self.assertEqual(decode_line(f'["d","a",0,{more}]'), FolderLine("a", None))
        self.assertEqual(decode_line('["d","a",7,-5]'), FolderLine("a", 7))
        self.assertEqual(decode_line('["d","a",0,-5,{"later":1}]'), FolderLine("a", -5))

    def test_a_kind_of_a_later_version_is_skipped(self) -> None:
        self.assertIsNone(decode_line('["x",1,[2,3],{"a":null}]'))

    def test_members_of_packs_are_sorted_by_their_utf_8_bytes(self) -> None:
        paths = ["\U0001f600", "\uffff", "é", "a/b", "a", "a b"]
        self.assertEqual(
            sorted(paths, key=sort_key), ["a", "a b", "a/b", "é", "\uffff", "\U0001f600"]
        )


class RefusedTest(unittest.TestCase):
    def assert_refused(self, text: str) -> None:
        with self.subTest(text=text[:200]), self.assertRaises(PeerProtocolError):
            decode_line(text)

    def test_what_is_no_line(self) -> None:
        for text in (
            "",
            "x",
            "[]",
            "{}",
            "[1]",
            "null",
            "[[]]",
            '["f"]',
            '["d","a"]',
            '["p","a",1]',
        ):
            self.assert_refused(text)
        self.assert_refused('["x"' + ",1" * MAX_LINE + "]")
        self.assert_refused('["x",' + "[" * 20 + "]" * 20 + "]")
        self.assert_refused('["f","\ud800",1]')

    def test_paths_that_no_leecher_stores(self) -> None:
        long = "/".join(["a"] * 40)
        for path in (
            *(
                "",
                "/",
                "/a",
                "a/",
                "a//b",
                ".",
                "..",
                "a/../b",
                "./a",
                " ",
                "a/ . /b",
                "a\\b",
                "c:d",
            ),
            *("a\nb", "a\x7fb", "\u200b", "a/\ufeff", "a.lmkpart", "A.LMKPART/b", "a.lm\u212apart"),
            *(long, "x" * 256, "é" * 128, "\ud800", "a/" * 31 + "x" * 1_000),
        ):
            self.assert_refused(file_text(path))
            self.assert_refused(json.dumps(["d", path, 0]))
            self.assert_refused(json.dumps(["p", path, 1, 5, ROOT.hex(), CHUNK]))
            self.assert_refused(json.dumps(["f", path, 5]))

    def test_paths_that_are_unusual_but_can_be_stored(self) -> None:
        for path in (
            *("a/.b", "a /b", ". .x", "...a", "a\u00a0b", "a\u200bb", "x" * 255, "lmkpart"),
            *("/".join(["é" * 100] * 5), "/".join(["a"] * 32)),
        ):
            line = decode_line(file_text(path))
            assert isinstance(line, FileLine)
            self.assertEqual(line.path, path)

    def test_impossible_numbers(self) -> None:
        for field, values in {
            "size": (-1, 1 << 41, True, 1.5, "5", None, 10**20),
            "chunk": (0, 1, CHUNK - 1, CHUNK * 32, -CHUNK, True),
            "mtime": (-1, 1 << 41, False, None, 1.5),
            "root": ("", "00", ROOT.hex().upper(), "g" * 64, "é" * 64),
        }.items():
            for value in values:
                self.assert_refused(file_text("a", **{field: value}))
        self.assert_refused('["d","a",-1]')
        for text in ('["r",-1]', '["r",true]', '["r","1"]', '["r"]', f'["r",{1 << 40}]'):
            self.assert_refused(text)
        for count, size in ((-1, 5), (1, 0), (1, 1 << 27), (300_000, 5), (True, 5)):
            self.assert_refused(json.dumps(["p", "a", count, size, ROOT.hex(), CHUNK]))

    def test_an_empty_file_has_the_root_of_nothing(self) -> None:
        for chunk in (CHUNK, 16 * CHUNK):
            root = root_of(0, chunk, b"")
            for more in ({}, {"later": "x"}):
                text = file_text("a", size=0, root=root.hex(), chunk=chunk, **more)
                self.assertEqual(decode_line(text), FileLine("a", 0, Content(root, 0, chunk)))
                self.assert_refused(file_text("a", size=0, chunk=chunk, **more))
        self.assert_refused(file_text("a", size=0, chunk=2 * CHUNK, root=root.hex()))

    def test_beginnings_and_flipped_bits_raise_nothing_else(self) -> None:
        for text in LINES:
            data = text.encode()
            cases = [data[:size] for size in range(len(data))]
            cases += [
                data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
                for at in range(len(data))
                for bit in range(8)
            ]
            for case in cases:
                try:
                    decode_line(case.decode(errors="surrogateescape"))
                except PeerProtocolError:
                    continue
