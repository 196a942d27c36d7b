"""The small pictures."""

from __future__ import annotations

import struct
import unittest
import zlib

from ui.icons import SHAPES, coverage, picture


def pixels(png: bytes) -> tuple[int, bytes]:
    """The width, and red, green, blue and alpha of each pixel behind a zero for each row."""
    width = struct.unpack(">I", png[16:20])[0]
    start = png.index(b"IDAT") + 4
    return width, zlib.decompress(png[start : png.index(b"IEND") - 8])


class IconsTest(unittest.TestCase):
    def test_every_picture_has_something_to_see_and_a_transparent_corner(self) -> None:
        for name in SHAPES:
            with self.subTest(name=name):
                width, data = pixels(picture(name, 16, "#102030"))
                self.assertEqual((width, len(data)), (16, 16 * 65))
                self.assertEqual(data[1:5][3], 0)
                drawn = [data[at : at + 4] for row in range(16) for at in _columns(row)]
                self.assertTrue(
                    any(pixel[:3] == b"\x10\x20\x30" and pixel[3] > 180 for pixel in drawn)
                )

    def test_a_disc_is_below_the_picture(self) -> None:
        _, data = pixels(picture("down", 64, "#102030", "#a0b0c0"))
        seen = {data[at : at + 4] for row in range(64) for at in _columns(row, 64)}
        self.assertTrue({bytes.fromhex("102030ff"), bytes.fromhex("a0b0c0ff")} <= seen)

    def test_an_edge_is_smooth(self) -> None:
        square = ((0.5, 0.0), (2.0, 0.0), (2.0, 2.0), (0.5, 2.0))
        self.assertEqual(coverage([square], 3, 1.0, 0.0), [[0.5, 1.0, 0.0]] * 2 + [[0.0] * 3])

    def test_what_lies_within_another_is_a_hole(self) -> None:
        outer, inner = ((0, 0), (3, 0), (3, 3), (0, 3)), ((1, 1), (2, 1), (2, 2), (1, 2))
        rows = coverage([outer, inner], 3, 1.0, 0.0)
        self.assertEqual(rows[1], [1.0, 0.0, 1.0])


def _columns(row: int, width: int = 16) -> range:
    start = row * (4 * width + 1) + 1
    return range(start, start + 4 * width, 4)
