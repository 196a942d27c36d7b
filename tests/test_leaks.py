"""The search of captured packets: it finds what is there in any of the ways that it looks for."""

from __future__ import annotations

import unittest
import zlib

from tests.lab.leaks import found_in

MARKS = {"a name": b"marked-file-name.bin"}


def packet(data: bytes, number: int = 1) -> bytes:
    """A frame of Ethernet with a segment of TCP."""
    tcp = b"\x30\x39\x30\xd4" + number.to_bytes(4, "big") + bytes(4) + b"\x50" + bytes(7) + data
    ip = b"\x45\0" + (20 + len(tcp)).to_bytes(2, "big") + bytes(5) + b"\x06" + bytes(10) + tcp
    return bytes(12) + b"\x08\x00" + ip


class LeaksTest(unittest.TestCase):
    def test_it_finds_a_name_as_it_is_across_packets_and_inflated(self) -> None:
        name = MARKS["a name"]
        packed = b"line\n" + zlib.compress(b"- " + name * 20)
        for packets in (
            [packet(b"x" + name)],
            [packet(name[:7]), packet(name[7:], 8)],
            [packet(packed)],
            [packet(packed[:9]), packet(packed[9:], 10)],
        ):
            with self.subTest(packets=packets):
                self.assertEqual(found_in(packets, MARKS), {"a name"})

    def test_it_finds_nothing_where_nothing_is(self) -> None:
        self.assertEqual(found_in([packet(b"x" * 100), b"short"], MARKS), set())


if __name__ == "__main__":
    unittest.main()
