"""Lists over TCP, byte for byte; packed lines in any pieces, and what must not be unpacked."""

from __future__ import annotations

import unittest
import zlib

from roles.values.errors import PeerProtocolError
from roles.wire.list_wire import (
    MAX_CALL,
    AskList,
    AskRoom,
    Call,
    ListFollows,
    Reply,
    RoomFollows,
    ShareGone,
    ShareOpened,
    Taken,
    TellList,
    Unpacker,
    decode_call,
    decode_reply,
    encode_call,
    encode_reply,
)
from tests.packing import Entry, LineAdded, LineRemoved, decode_entry, encode_entry, packed_list
from tests.test_tracker_wire import PEER, SHARE, WireTestCase

CALLS: dict[bytes, Call] = {
    b'{"lmk":2,"ask":"list","since":""}\n': AskList(),
    b'{"lmk":2,"ask":"list","since":"0badcafe-3"}\n': AskList("0badcafe-3"),
    b'{"lmk":2,"ask":"room"}\n': AskRoom(),
    b'{"lmk":2,"tell":"list","share":"00112233445566aa","folder":"Caf\\u00e9",'
    b'"peer":"fedcba9876543210","port":12501,"whole":true,"base":0,"revision":1,'
    b'"packed":99}\n': TellList(SHARE, "Café", PEER, 12501, True, 0, 1, 99),
}
REPLIES: dict[bytes, Reply] = {
    b'{"lmk":2,"version":"0badcafe-3","whole":true,"packed":99}\n': ListFollows(
        "0badcafe-3", True, 99
    ),
    b'{"lmk":2,"room":99}\n': RoomFollows(99),
    b'{"lmk":2,"taken":true}\n': Taken(True),
    b'{"lmk":2,"taken":false,"code":"whole","text":"No."}\n': Taken(False, "whole", "No."),
}
ENTRIES: dict[str, Entry] = {
    'S["00112233445566aa","Caf\\u00e9"]': ShareOpened(SHARE, "Café"),
    '+["d","a",0]': LineAdded('["d","a",0]'),
    '-["d","a",0]': LineRemoved('["d","a",0]'),
    'X"00112233445566aa"': ShareGone(SHARE),
}


def unpacked(data: bytes, piece: int = 1 << 20) -> list[str]:
    unpacker, lines = Unpacker(), list[str]()
    for start in range(0, len(data), piece):
        lines += unpacker.lines(data[start : start + piece])
    unpacker.end()
    return lines


class CallsTest(WireTestCase):
    def test_each_line_has_exactly_these_bytes(self) -> None:
        for line, call in CALLS.items():
            self.assertEqual((encode_call(call), decode_call(line[:-1])), (line, call))
        for line, reply in REPLIES.items():
            self.assertEqual((encode_reply(reply), decode_reply(line[:-1])), (line, reply))

    def test_whatever_is_cut_or_flipped_is_read_or_refused(self) -> None:
        self.assert_read_or_refused(decode_call, CALLS)
        self.assert_read_or_refused(decode_reply, REPLIES)

    def test_the_longest_name_of_a_folder_fits(self) -> None:
        for letter in ("\x01", "é", "\U0001f600", "\udcff"):
            call = TellList(SHARE, letter * 255, PEER, 12501, True, 0, 1, 1)
            self.assertLessEqual(len(encode_call(call)), MAX_CALL)

    def test_a_list_of_an_original_cannot_be_told_nor_one_of_less_than_nothing(self) -> None:
        line = encode_call(TellList(SHARE, "a", PEER, 12501, True, 0, 1, 99))
        for old, new in (
            (b"00112233445566aa", b"lmk10a00000730d5"),
            (b":99}", b":-1}"),
            (b":99}", b":true}"),
            (b":99}", b':"99"}'),
            (b"12501", b"0"),
            (b'"whole":true', b'"whole":1'),
            (b'"a"', b'"' + b"a" * 256 + b'"'),
        ):
            with self.subTest(new=new), self.assertRaises(PeerProtocolError):
                decode_call(line.replace(old, new)[:-1])


class EntriesTest(unittest.TestCase):
    def test_each_entry_has_exactly_this_text(self) -> None:
        for text, entry in ENTRIES.items():
            self.assertEqual((encode_entry(entry), decode_entry(text)), (text, entry))

    def test_nonsense_is_refused(self) -> None:
        for text in ("", "S", "S[]", 'S["x","a"]', "X", 'X["00112233445566aa"]', "S\ud800"):
            with self.subTest(text=ascii(text)), self.assertRaises(PeerProtocolError):
                decode_entry(text)


class UnpackerTest(unittest.TestCase):
    def test_packed_lines_come_back_in_pieces_of_any_size(self) -> None:
        entries = [LineAdded(f'["d","{number:05}é",0]') for number in range(3_000)]
        data = packed_list(entries)
        for piece in (1, 7, 1 << 20):
            lines = unpacked(data, piece)
            self.assertEqual([decode_entry(line) for line in lines], entries)

    def test_an_empty_list_has_no_lines(self) -> None:
        self.assertEqual(unpacked(packed_list([])), [])

    def test_every_prefix_ends_too_soon(self) -> None:
        data = packed_list([LineAdded("a"), LineAdded("b")])
        for end in range(len(data)):
            with self.assertRaises(PeerProtocolError):
                unpacked(data[:end])

    def test_every_flip_of_a_bit_is_found(self) -> None:
        data = packed_list([LineAdded(f"line {number}") for number in range(20)])
        sound = unpacked(data)
        for place in range(len(data)):
            for bit in range(8):
                flipped = data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]
                try:
                    self.assertEqual(unpacked(flipped), sound)
                except PeerProtocolError:
                    continue

    def test_bytes_behind_it_are_refused(self) -> None:
        data = packed_list([LineAdded("a")])
        for data_and_more in (data + b"x", data + data):
            for piece in (1, 1 << 20):
                with self.assertRaises(PeerProtocolError):
                    unpacked(data_and_more, piece)

    def test_a_bomb_is_refused_before_it_takes_memory(self) -> None:
        bomb = zlib.compress((b"+" + b"a" * 100 + b"\n") * 800_000, 9)
        self.assertLess(len(bomb), 1 << 20)
        taken = 0
        with self.assertRaises(PeerProtocolError):
            for _ in Unpacker().lines(bomb):
                taken += 1
        self.assertLessEqual(taken, 64 * 1024 * 1024 // 102)

    def test_lines_without_end_and_empty_and_broken_ones_are_refused(self) -> None:
        for text in (b"a" * 5_000, b"a" * 100_000 + b"\n", b"\n", b"a\n\n", b"\xff\n", b"+a"):
            with self.subTest(text=text[:20]), self.assertRaises(PeerProtocolError):
                unpacked(zlib.compress(text))
