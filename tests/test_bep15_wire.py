"""The datagrams of BEP 15, byte by byte."""

from __future__ import annotations

import struct
import unittest

from roles.torrents.bep15_wire import (
    MAX_SCRAPED,
    Announce,
    Connect,
    Counts,
    Event,
    Scrape,
    decode_request,
    encode_announced,
    encode_connected,
    encode_error,
    encode_scraped,
)
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError

HOST = "10.0.0.7"
ID, REQUEST, HASH = b"\xff" + bytes(range(7)), b"\x01\x02\x03\x04", bytes(range(20))
CONNECT = bytes.fromhex("0000041727101980 00000000") + REQUEST


def announce(
    *, left: int = 5, event: int = 2, wanted: int = -1, port: int = 6881, more: bytes = b""
) -> bytes:
    """As BEP 15 lays it out, with an address of somebody else in it."""
    head = ID + struct.pack("!I", 1) + REQUEST + HASH + b"-XX0001-123456789012"
    numbers = struct.pack("!QQQI", 1, left, 3, event)
    return head + numbers + bytes([10, 9, 9, 9]) + struct.pack("!IiH", 7, wanted, port) + more


class RequestsTest(unittest.TestCase):
    def test_a_connect(self) -> None:
        self.assertEqual(len(CONNECT), 16)
        self.assertEqual(decode_request(CONNECT), Connect(REQUEST))

    def test_an_announce_without_the_address_in_it(self) -> None:
        self.assertEqual(len(announce()), 98)
        expected = Announce(REQUEST, HASH, False, Event.STARTED, -1, 6881)
        self.assertEqual(decode_request(announce()), expected)
        self.assertEqual(decode_request(announce(more=b"\x02\x0c/announce?a=b")), expected)

    def test_who_lacks_nothing_is_a_seed(self) -> None:
        seed = decode_request(announce(left=0, event=3, wanted=0, port=65_535))
        self.assertEqual(seed, Announce(REQUEST, HASH, True, Event.STOPPED, 0, 65_535))

    def test_an_unknown_event_is_none(self) -> None:
        found = decode_request(announce(event=4))
        self.assertIsInstance(found, Announce)
        self.assertEqual(found[3:4], (Event.NONE,))

    def test_a_scrape_of_one_and_of_too_many(self) -> None:
        head = ID + struct.pack("!I", 2) + REQUEST
        self.assertEqual(decode_request(head + HASH), Scrape(REQUEST, (HASH,)))
        self.assertEqual(decode_request(head + HASH + b"cut"), Scrape(REQUEST, (HASH,)))
        many = decode_request(head + HASH * 100)
        self.assertEqual(many, Scrape(REQUEST, (HASH,) * MAX_SCRAPED))

    def test_anything_else_is_no_request(self) -> None:
        wrong = [CONNECT[:length] for length in range(16)]
        wrong += [announce()[:97], ID + struct.pack("!I", 2) + REQUEST + HASH[:19]]
        wrong += [
            ID + struct.pack("!I", action) + REQUEST + HASH * 5 for action in (0, 3, 2**32 - 1)
        ]
        wrong += [
            b"\x01" + CONNECT[1:],
            CONNECT[:11] + b"\x03" + REQUEST,
            b"\xff" * 16,
            b"\x00" * 16,
        ]
        for datagram in wrong:
            with self.subTest(datagram=datagram), self.assertRaises(PeerProtocolError):
                decode_request(datagram)

    def test_no_answer_is_a_request_so_that_two_trackers_never_talk_to_each_other(self) -> None:
        counts, peers = Counts(1, 2), [Address(HOST, 6881)] * 80
        for answer in (
            encode_connected(REQUEST, ID),
            encode_announced(REQUEST, 120, counts, peers),
            encode_scraped(REQUEST, [counts] * MAX_SCRAPED),
            encode_error(REQUEST, "no"),
        ):
            with self.subTest(answer=answer), self.assertRaises(PeerProtocolError):
                decode_request(answer)


class AnswersTest(unittest.TestCase):
    def test_a_connected_is_as_long_as_its_connect(self) -> None:
        connected = encode_connected(REQUEST, ID)
        self.assertEqual(connected, b"\0\0\0\0" + REQUEST + ID)
        self.assertEqual(len(connected), len(CONNECT))

    def test_an_announced_has_counts_and_six_bytes_for_each_peer(self) -> None:
        peers = [Address("10.0.0.7", 6881), Address("192.168.1.255", 65_535)]
        expected = "00000001 01020304 00000078 00000002 00000001 0a000007 1ae1 c0a801ff ffff"
        self.assertEqual(
            encode_announced(REQUEST, 120, Counts(seeds=1, others=2), peers),
            bytes.fromhex(expected),
        )

    def test_a_scraped(self) -> None:
        expected = "00000002 01020304 00000001 00000000 00000002 00000000 00000000 00000000"
        scraped = encode_scraped(REQUEST, [Counts(1, 2), Counts(0, 0)])
        self.assertEqual(scraped, bytes.fromhex(expected))

    def test_an_error(self) -> None:
        self.assertEqual(encode_error(REQUEST, "no"), b"\0\0\0\x03" + REQUEST + b"no")
