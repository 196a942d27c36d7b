"""Small pictures as PNG, drawn from polygons with smooth edges, in any size and colour. Pure.

Each is drawn on a grid of 16 by 16. A layer is a list of polygons; where two of a layer overlap,
there is a hole.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeAlias

GRID = 16.0
_LINES = 4  # that each row of pixels is cut into; along a line, edges are exact
Point: TypeAlias = tuple[float, float]
Polygon: TypeAlias = Sequence[Point]


def _box(x: float, y: float, width: float, height: float) -> Polygon:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def _disc(x: float, y: float, radius: float) -> Polygon:
    turn = 2 * math.pi / 48
    return tuple(
        (x + radius * math.cos(turn * step), y + radius * math.sin(turn * step))
        for step in range(48)
    )


def _ring(x: float, y: float, radius: float, width: float) -> tuple[Polygon, ...]:
    return _disc(x, y, radius), _disc(x, y, radius - width)


def _arc(radius: float) -> Polygon:
    """The upper half of a circle, from left to right."""
    turn = math.pi / 24
    return tuple(
        (8 - radius * math.cos(turn * step), 5 - radius * math.sin(turn * step))
        for step in range(25)
    )


_FOLDER: tuple[Polygon, ...] = (
    ((1.5, 3), (6.5, 3), (8, 5), (14.5, 5), (14.5, 13), (1.5, 13)),
    ((3, 6.5), (13, 6.5), (13, 11.5), (3, 11.5)),
)
_ARROW: Polygon = ((7, 2.5), (9, 2.5), (9, 8), (12.5, 8), (8, 13), (3.5, 8), (7, 8))
_ROOM = tuple(_box(x, y, 3.6, 3.6) for x in (1.6, 6.2, 10.8) for y in (3.9, 8.5))
SHAPES: dict[str, tuple[Polygon, ...]] = {
    "down": (_ARROW,),
    "up": (tuple((x, 15.5 - y) for x, y in _ARROW),),
    "folder": _FOLDER,
    "room": _ROOM,
    "file": (
        ((3, 1.5), (9.5, 1.5), (13, 5), (13, 14.5), (3, 14.5)),
        ((4.5, 3), (8.5, 3), (8.5, 6), (11.5, 6), (11.5, 13), (4.5, 13)),
    ),
    "log": tuple(_box(2.5, y, width, 1.6) for y, width in ((3, 11), (7.2, 8), (11.4, 10))),
    "settings": (
        *(_box(2, y, 12, 1.5) for y in (3.25, 7.25, 11.25)),
        _box(4, 2, 2.5, 1.25),
        _box(4, 4.75, 2.5, 1.25),
        _box(9.5, 6, 2.5, 1.25),
        _box(9.5, 8.75, 2.5, 1.25),
        _box(5.5, 10, 2.5, 1.25),
        _box(5.5, 12.75, 2.5, 1.25),
    ),
    "home": (
        ((8, 2), (14.5, 8), (12.5, 8), (12.5, 13.5), (3.5, 13.5), (3.5, 8), (1.5, 8)),
        _box(6.7, 9.5, 2.6, 4),
    ),
    "done": (
        _disc(8, 8, 6.5),
        ((4.2, 8.2), (5.4, 7), (7.1, 8.7), (10.7, 5.1), (11.9, 6.3), (7.1, 11.1)),
    ),
    "failed": (
        _disc(8, 8, 6.5),
        (
            *((4.9, 6), (6, 4.9), (8, 6.9), (10, 4.9), (11.1, 6), (9.1, 8)),
            *((11.1, 10), (10, 11.1), (8, 9.1), (6, 11.1), (4.9, 10), (6.9, 8)),
        ),
    ),
    "note": (_disc(8, 8, 6.5), _box(7.1, 7, 1.8, 4.6), _box(7.1, 4.2, 1.8, 1.8)),
    "warning": (
        ((8, 1.5), (15, 14), (1, 14)),
        _box(7.2, 5.6, 1.6, 4.2),
        _box(7.2, 10.9, 1.6, 1.6),
    ),
    "waiting": (*_ring(8, 8, 6.5, 1.5), _box(7.3, 4.4, 1.4, 4.4), _box(8.7, 7.4, 2.4, 1.4)),
    "paused": (_box(4, 3, 3, 10), _box(9, 3, 3, 10)),
    "idle": _ring(8, 8, 6, 1.5),
    "open": (((2.5, 5), (13.5, 5), (8, 11.5)),),
    "closed": (((5, 2.5), (11.5, 8), (5, 13.5)),),
    "ticked": (
        _box(2, 2, 12, 12),
        ((3.6, 8.2), (4.9, 6.9), (7.1, 9.1), (11.4, 4.8), (12.7, 6.1), (7.1, 11.7)),
    ),
    "unticked": (_box(2, 2, 12, 12), _box(3, 3, 10, 10)),
    "chosen": (*_ring(8, 8, 6.5, 1.5), _disc(8, 8, 3.2)),
    "unchosen": _ring(8, 8, 6.5, 1.5),
    "gone": (_box(3, 7, 10, 2),),
    "private": (  # a closed lock
        ((2.5, 7), (13.5, 7), (13.5, 14.5), (2.5, 14.5)),
        _box(7.2, 9.2, 1.6, 3.2),
        (*_arc(3.9), (11.9, 7), (10.3, 7), *reversed(_arc(2.3)), (5.7, 7), (4.1, 7)),
    ),
}
# Pictures with a disc behind: the shape is drawn in the middle half of it.
_ON_DISC = 0.56


@cache
def picture(name: str, pixels: int, colour: str, ground: str = "") -> bytes:
    """A square PNG; with `ground`, on a disc of that colour."""
    layers = []
    scale = pixels / GRID
    if ground:
        layers.append((coverage((_disc(8, 8, 7.9),), pixels, scale, 0.0), ground))
        inner, start = scale * _ON_DISC, pixels * (1 - _ON_DISC) / 2
        layers.append((coverage(SHAPES[name], pixels, inner, start), colour))
    else:
        layers.append((coverage(SHAPES[name], pixels, scale, 0.0), colour))
    return _png(layers, pixels)


def coverage(
    polygons: Iterable[Polygon], pixels: int, scale: float, start: float
) -> list[list[float]]:
    """How much of each pixel is inside, 0 to 1, by the even-odd rule."""
    edges = list[tuple[float, float, float, float]]()  # from the upper to the lower end
    for polygon in polygons:
        points = [(start + x * scale, start + y * scale) for x, y in polygon]
        for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
            if y0 != y1:
                edges.append((x0, y0, x1, y1) if y0 < y1 else (x1, y1, x0, y0))
    rows = []
    for row in range(pixels):
        covered = [0.0] * pixels
        near = [edge for edge in edges if edge[1] < row + 1 and edge[3] > row]
        for line in range(_LINES) if near else ():
            y = row + (line + 0.5) / _LINES
            crossed = sorted(
                x0 + (y - y0) * (x1 - x0) / (y1 - y0) for x0, y0, x1, y1 in near if y0 <= y < y1
            )
            for left, right in zip(crossed[::2], crossed[1::2], strict=True):
                _cover(covered, max(left, 0.0), min(right, float(pixels)))
        rows.append([min(1.0, part) for part in covered])
    return rows


def _cover(covered: list[float], left: float, right: float) -> None:
    part = 1 / _LINES
    for pixel in range(int(left), min(len(covered), math.ceil(right))):
        covered[pixel] += part * (min(right, pixel + 1) - max(left, pixel))


def _png(layers: Sequence[tuple[list[list[float]], str]], pixels: int) -> bytes:
    shades = [_shades(colour) for _, colour in layers]
    known = dict[tuple[int, ...], bytes]()  # most pixels are like their neighbours
    rows = bytearray()
    for row in range(pixels):
        rows.append(0)  # no filter
        for parts in zip(*(covered[row] for covered, _ in layers), strict=True):
            key = tuple(int(part * 255 + 0.5) for part in parts)
            if key not in known:
                known[key] = _pixel(key, shades)
            rows += known[key]
    header = struct.pack(">IIBBBBB", pixels, pixels, 8, 6, 0, 0, 0)
    pieces = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(kind, body) for kind, body in pieces)


def _pixel(parts: Iterable[int], shades: Iterable[tuple[int, ...]]) -> bytes:
    """Red, green, blue and alpha of layers that cover so much of 255, the lowest first."""
    red = green = blue = alpha = 0.0
    for part, (r, g, b) in zip(parts, shades, strict=True):
        new, old = part / 255, alpha * (1 - part / 255)
        alpha = new + old
        if alpha:
            red = (r * new + red * old) / alpha
            green = (g * new + green * old) / alpha
            blue = (b * new + blue * old) / alpha
    return bytes((round(red), round(green), round(blue), round(255 * alpha)))


def _shades(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _part(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
