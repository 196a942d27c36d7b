"""Arithmetic on the curve P-256, for a code's proof and a certificate's key.

How long Python's integers take depends on their values, so a secret scalar is blinded: each
multiplication uses another number that gives the same result. Pure except for random numbers.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from roles.values.errors import PeerProtocolError

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
POINT_SIZE = 65  # bytes, uncompressed
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_BLINDING_BITS = 64
_WINDOW = 4  # bits

_Jacobian = tuple[int, int, int]  # x/z², y/z³; z is 0 for the point at infinity
_INFINITY = (1, 1, 0)


class Point(NamedTuple):
    """A point of the curve other than the one at infinity."""

    x: int
    y: int

    def encoded(self) -> bytes:
        return b"\x04" + self.x.to_bytes(32, "big") + self.y.to_bytes(32, "big")


GENERATOR = Point(
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def decoded(data: bytes) -> Point:
    """A point from outside. Raises PeerProtocolError unless it is on the curve.

    The curve's cofactor is 1, so every point of it has the whole order.
    """
    if len(data) != POINT_SIZE or data[0] != 4:
        raise PeerProtocolError("not a point in uncompressed form")
    point = Point(int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big"))
    x, y = point
    if not (x < P and y < P and (y * y - x * x * x + 3 * x - _B) % P == 0):
        raise PeerProtocolError("a point that is not on the curve")
    return point


def decompressed(data: bytes) -> Point:
    """A constant in compressed form."""
    x = int.from_bytes(data[1:], "big")
    y = pow(x * x * x - 3 * x + _B, (P + 1) // 4, P)
    return Point(x, y if y & 1 == data[0] & 1 else P - y)


def random_scalar() -> int:
    """A secret number from 1 to ORDER - 1."""
    return 1 + secrets.randbelow(ORDER - 1)


def multiplied(scalar: int, point: Point) -> Point:
    """The scalar is secret. Raises PeerProtocolError if the result is the point at infinity."""
    blinded = scalar + ORDER * secrets.randbits(_BLINDING_BITS)
    z = random_scalar()  # blinds the point: its coordinates differ each time
    first = (point.x * z * z % P, point.y * z * z * z % P, z)
    table: list[_Jacobian] = [_INFINITY, first]
    for _ in range(2, 1 << _WINDOW):
        table.append(_added(table[-1], first))
    result: _Jacobian = _INFINITY
    bits = ORDER.bit_length() + _BLINDING_BITS
    for shift in range(bits - bits % _WINDOW, -1, -_WINDOW):
        for _ in range(_WINDOW):
            result = _doubled(result)
        result = _added(result, table[blinded >> shift & ((1 << _WINDOW) - 1)])
    return _affine(result)


def added(left: Point, right: Point) -> Point:
    """Raises PeerProtocolError if the result is the point at infinity."""
    return _affine(_added((*left, 1), (*right, 1)))


def negated(point: Point) -> Point:
    return Point(point.x, P - point.y)


def _affine(point: _Jacobian) -> Point:
    x, y, z = point
    if not z:
        raise PeerProtocolError("the point at infinity")
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return Point(x * square % P, y * square * inverse % P)


def _doubled(point: _Jacobian) -> _Jacobian:
    """The formula dbl-2001-b, for curves with a = -3."""
    x, y, z = point
    if not z:
        return point
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    new_x = (alpha * alpha - 8 * beta) % P
    new_y = (alpha * (4 * beta - new_x) - 8 * gamma * gamma) % P
    return new_x, new_y, 2 * y * z % P


def _added(left: _Jacobian, right: _Jacobian) -> _Jacobian:
    """The formula add-1998-cmo-2."""
    x1, y1, z1 = left
    x2, y2, z2 = right
    if not z1:
        return right
    if not z2:
        return left
    square1, square2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * square2 % P, x2 * square1 % P
    s1, s2 = y1 * square2 * z2 % P, y2 * square1 * z1 % P
    h, r = (u2 - u1) % P, (s2 - s1) % P
    if not h:
        return _INFINITY if r else _doubled(left)
    h2 = h * h % P
    h3, u1h2 = h * h2 % P, u1 * h2 % P
    new_x = (r * r - h3 - 2 * u1h2) % P
    new_y = (r * (u1h2 - new_x) - s1 * h3) % P
    return new_x, new_y, h * z1 * z2 % P
