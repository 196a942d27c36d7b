"""The frames of LMK/2: their exact bytes, and what any other bytes lead to."""

from __future__ import annotations

import contextlib
import random
import unittest
from typing import get_args

from roles.values.errors import PeerProtocolError
from roles.wire import frames
from roles.wire.frames import (
    Alive,
    Bye,
    Cancel,
    Decline,
    Digests,
    File,
    Frame,
    FrameBuffer,
    GetDigests,
    Gone,
    Offer,
    Open,
    Place,
    Take,
    Want,
)

ROOT = bytes(range(32))
BYE = 14

# Written from docs/PROTOCOL.md, not by our own code.
SAMPLES: tuple[tuple[Frame, str], ...] = (
    (Open(7, ROOT), "01 00000024 00000007" + ROOT.hex()),
    (
        File(7, 3 << 32, 1 << 18, b"\x05\x80"),
        "02 00000012 00000007 0000000300000000 00040000 0580",
    ),
    (GetDigests(7, 1_024, 1_024), "03 0000000c 00000007 00000400 00000400"),
    (Digests(7, 1_024, ROOT), "04 00000028 00000007 00000400" + ROOT.hex()),
    (Want(0xFFFFFFFF, b"\x01\x02\x03"), "05 00000007 ffffffff 010203"),
    (Want(7, b""), "05 00000004 00000007"),
    (Offer(7, 9), "06 00000008 00000007 00000009"),
    (Take(7, 9), "07 00000008 00000007 00000009"),
    (Decline(7, 9, b"\xff"), "08 00000009 00000007 00000009 ff"),
    (Cancel(7, 262_143), "0a 00000008 00000007 0003ffff"),
    (Place(3), "0b 00000004 00000003"),
    (Gone(7, "it changed"), "0c 0000000e 00000007" + b"it changed".hex()),
    (Alive(), "0d 00000000"),
    (Bye("ends"), "0e 00000004" + b"ends".hex()),
)
PART = bytes.fromhex("09 0000000f 00000007 00000009 00040000") + b"abc"


def fed(data: bytes) -> list[Frame]:
    return FrameBuffer().feed(data)


def read_by_a_leecher(data: bytes) -> None:
    """What a leecher does with the first frame of these bytes, if it is whole."""
    if len(data) < frames.HEADER.size:
        return
    kind, length = frames.decode_header(data)
    body = data[frames.HEADER.size :][:length]
    if kind != frames.CHUNK and len(body) == length:
        frames.decode(kind, body)


class BytesTest(unittest.TestCase):
    def test_every_frame_has_exactly_these_bytes(self) -> None:
        for frame, text in SAMPLES:
            with self.subTest(frame=frame):
                self.assertEqual(frames.encode(frame).hex(), text.replace(" ", ""))

    def test_every_frame_is_read_back_as_it_was(self) -> None:
        for frame, text in SAMPLES:
            with self.subTest(frame=frame):
                self.assertEqual(fed(bytes.fromhex(text)), [frame])

    def test_a_part_of_a_chunk_has_its_place_before_its_bytes(self) -> None:
        self.assertEqual(frames.encode_part_head(7, 9, 0x40000, 3) + b"abc", PART)
        self.assertEqual(frames.decode_header(PART), (frames.CHUNK, 15))

    def test_every_kind_has_a_sample(self) -> None:
        self.assertEqual({type(frame) for frame, _ in SAMPLES}, set(get_args(Frame)))

    def test_a_longer_reason_is_cut_and_half_a_letter_is_no_error(self) -> None:
        body = frames.encode(Bye("ä" * 150))[frames.HEADER.size :]
        self.assertEqual(len(body), frames.MAX_REASON)
        body = frames.encode(Bye("a" + "ä" * 150))[frames.HEADER.size :]
        [bye] = fed(frames.HEADER.pack(BYE, len(body)) + body)
        assert isinstance(bye, Bye)
        self.assertTrue(bye.reason.startswith("aää"))

    def test_a_reason_without_end_is_not_kept(self) -> None:
        [bye] = fed(frames.HEADER.pack(BYE, 60_000) + b"x" * 60_000)
        self.assertEqual(bye, Bye("x" * frames.MAX_REASON))


class PiecesTest(unittest.TestCase):
    def test_frames_come_in_any_pieces(self) -> None:
        rng = random.Random(1)
        stream = b"".join(bytes.fromhex(text) for _, text in SAMPLES) * 3
        for _ in range(100):
            buffer, found, rest = FrameBuffer(), list[Frame](), stream
            while rest:
                cut = rng.randrange(1, 80)
                found += buffer.feed(rest[:cut])
                rest = rest[cut:]
            self.assertEqual(found, [frame for frame, _ in SAMPLES] * 3)

    def test_a_frame_is_given_out_with_its_last_byte_and_not_before(self) -> None:
        for frame, text in SAMPLES:
            data, buffer = bytes.fromhex(text), FrameBuffer()
            self.assertEqual(buffer.feed(data[:-1]), [], frame)
            self.assertEqual(buffer.feed(data[-1:]), [frame])

    def test_thousands_of_frames_at_once_are_read_in_one_go(self) -> None:
        self.assertEqual(fed(frames.encode(Alive()) * 20_000), [Alive()] * 20_000)


class HostileBytesTest(unittest.TestCase):
    def assert_parses_or_refuses(self, data: bytes) -> None:
        for read in (fed, read_by_a_leecher):
            with self.subTest(data=data[:60].hex()), contextlib.suppress(PeerProtocolError):
                read(data)

    def test_every_prefix_parses_or_is_refused(self) -> None:
        for _, text in SAMPLES:
            data = bytes.fromhex(text)
            for end in range(len(data)):
                self.assert_parses_or_refuses(data[:end])

    def test_every_flipped_bit_parses_or_is_refused(self) -> None:
        for data in [bytes.fromhex(text) for _, text in SAMPLES] + [PART]:
            for bit in range(8 * len(data)):
                flipped = bytearray(data)
                flipped[bit >> 3] ^= 1 << (bit & 7)
                self.assert_parses_or_refuses(bytes(flipped))

    def test_every_body_that_is_too_short_or_too_long_is_parsed_or_refused(self) -> None:
        for kind in range(256):
            for length in (*range(70), frames.MAX_BODY):
                data = frames.HEADER.pack(kind, length) + bytes(length)
                self.assert_parses_or_refuses(data)

    def test_noise_parses_or_is_refused(self) -> None:
        rng = random.Random(2)
        for _ in range(3_000):
            kind, length = rng.randrange(256), rng.choice((0, 4, 8, 9, 12, 36, 40))
            noise = frames.HEADER.pack(kind, length) + rng.randbytes(rng.randrange(80))
            self.assert_parses_or_refuses(noise)

    def assert_refused(self, data: bytes) -> None:
        with self.assertRaises(PeerProtocolError):
            fed(data)

    def test_a_length_is_refused_before_its_bytes_come(self) -> None:
        for kind in range(256):
            if kind != frames.CHUNK:
                self.assert_refused(frames.HEADER.pack(kind, frames.MAX_BODY + 1))
        longest = frames.MAX_PART + frames.PART_HEAD.size
        with self.assertRaises(PeerProtocolError):
            frames.decode_header(frames.HEADER.pack(frames.CHUNK, longest + 1))
        frames.decode_header(frames.HEADER.pack(frames.CHUNK, longest))

    def test_a_part_without_bytes_is_refused(self) -> None:
        for length in range(frames.PART_HEAD.size + 1):
            with self.assertRaises(PeerProtocolError):
                frames.decode_header(frames.HEADER.pack(frames.CHUNK, length))

    def test_a_leecher_may_not_send_chunks(self) -> None:
        self.assert_refused(PART)

    def test_unknown_kinds_are_skipped_from_64_on_and_refused_below(self) -> None:
        for kind in (0, *range(15, 64)):
            self.assert_refused(frames.HEADER.pack(kind, 0))
        for kind in (64, 65, 200, 255):
            unknown = frames.HEADER.pack(kind, 3) + b"new"
            self.assertEqual(fed(unknown + frames.encode(Alive())), [Alive()])

    def test_a_bitmap_or_digests_beyond_the_limit_are_refused(self) -> None:
        longest = Want(1, bytes(frames.MAX_BITMAP))
        self.assertEqual(fed(frames.encode(longest)), [longest])
        self.assert_refused(frames.encode(Want(1, bytes(frames.MAX_BITMAP + 1))))
        self.assert_refused(frames.encode(Decline(1, 1, bytes(frames.MAX_BITMAP + 1))))
        most = Digests(1, 0, bytes(32 * frames.MAX_DIGESTS))
        self.assertEqual(fed(frames.encode(most)), [most])
        self.assert_refused(frames.encode(Digests(1, 0, bytes(32 * frames.MAX_DIGESTS + 32))))
        self.assert_refused(frames.encode(Digests(1, 0, bytes(33))))

    def test_a_root_of_another_length_is_refused(self) -> None:
        self.assert_refused(frames.encode(Open(1, bytes(31))))
        self.assert_refused(frames.encode(Open(1, bytes(33))))
