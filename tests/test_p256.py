"""Arithmetic on P-256: known points, group laws, and points from strangers."""

from __future__ import annotations

import unittest

from roles.private import p256
from roles.private.p256 import GENERATOR, ORDER, P, Point
from roles.values.errors import PeerProtocolError


class P256Test(unittest.TestCase):
    def test_it_knows_published_multiples_of_the_generator(self) -> None:
        # From NIST's routines for the curve.
        known = {
            2: "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978",
            5: "51590b7a515140d2d784c85608668fdfef8c82fd1f5be52421554a0dc3d033ed",
            20: "83a01a9378395bab9bcd6a0ad03cc56d56e6b19250465a94a234dc4c6b28da9a",
            112233445566778899: "339150844ec15234807fe862a86be77977dbfb3ae3d96f4c22795513aeaab82f",
            ORDER - 1: f"{GENERATOR.x:064x}",
        }
        for scalar, x in known.items():
            self.assertEqual(f"{p256.multiplied(scalar, GENERATOR).x:064x}", x, scalar)

    def test_every_result_is_on_the_curve_and_can_be_sent(self) -> None:
        for scalar in (1, 2, 3, ORDER - 1, p256.random_scalar()):
            point = p256.multiplied(scalar, GENERATOR)
            self.assertEqual(p256.decoded(point.encoded()), point)
            compressed = bytes((2 + (point.y & 1),)) + point.x.to_bytes(32, "big")
            self.assertEqual(p256.decompressed(compressed), point)

    def test_sums_and_multiples_agree(self) -> None:
        first, second = p256.random_scalar(), p256.random_scalar()
        points = p256.multiplied(first, GENERATOR), p256.multiplied(second, GENERATOR)
        self.assertEqual(p256.added(*points), p256.multiplied((first + second) % ORDER, GENERATOR))
        self.assertEqual(p256.added(points[0], points[0]), p256.multiplied(2, points[0]))
        self.assertEqual(p256.negated(points[0]), p256.multiplied(ORDER - first, GENERATOR))

    def test_blinding_changes_nothing(self) -> None:
        results = {p256.multiplied(7, GENERATOR) for _ in range(4)}
        self.assertEqual(len(results), 1)

    def test_the_point_at_infinity_is_refused(self) -> None:
        with self.assertRaises(PeerProtocolError):
            p256.multiplied(ORDER, GENERATOR)
        with self.assertRaises(PeerProtocolError):
            p256.added(GENERATOR, p256.negated(GENERATOR))

    def test_points_from_strangers_must_be_on_the_curve(self) -> None:
        good = GENERATOR.encoded()
        off = Point(GENERATOR.x, GENERATOR.y + 1).encoded()
        large = b"\x04" + (GENERATOR.x + P).to_bytes(33, "big")[-32:] + good[33:]
        other_size = [b"", b"\0", good[:-1], good + b"\0", b"\x02" + good[1:33]]
        for data in (off, large, bytes(65), b"\x04" + bytes(64), b"\x04" + b"\xff" * 64):
            with self.subTest(data=data[:4]), self.assertRaises(PeerProtocolError):
                p256.decoded(data)
        for data in other_size:
            with self.subTest(size=len(data)), self.assertRaises(PeerProtocolError):
                p256.decoded(data)


if __name__ == "__main__":
    unittest.main()
