"""Draw the program's icon with the standard library alone: python3 assets/make_icons.py.

The icon is a folder whose content spreads over lines to three computers, white on one blue. The
script writes icon.png, icon-32.png, icon-64.png, icon.ico and icon.icns beside this file. Shapes
are signed distances (below zero: inside), in units of the icon's side, so that every size is drawn
and none is scaled.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

Colour = tuple[int, int, int]
Shape = Callable[[float, float], float]
Layer = tuple[Shape, Colour]

BLUE: Colour = (0x2F, 0x6F, 0xED)
PALE: Colour = (0xBF, 0xD3, 0xFA)  # the accent, three quarters of the way to white
WHITE: Colour = (0xFF, 0xFF, 0xFF)

SMALL_SIDE = 32  # up to this size, screens become dots and the folder has no back
PNG_SIDES = {"icon.png": 256, "icon-32.png": 32, "icon-64.png": 64}
ICO_SIDES = (16, 24, 32, 48, 64, 128, 256)
ICNS_KINDS = {16: b"icp4", 32: b"icp5", 64: b"icp6", 128: b"ic07", 256: b"ic08", 512: b"ic09"}


def box(left: float, top: float, right: float, bottom: float, radius: float) -> Shape:
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    half_width, half_height = (right - left) / 2 - radius, (bottom - top) / 2 - radius

    def distance(x: float, y: float) -> float:
        dx, dy = abs(x - middle_x) - half_width, abs(y - middle_y) - half_height
        return math.hypot(max(dx, 0.0), max(dy, 0.0)) + min(max(dx, dy), 0.0) - radius

    return distance


def dot(middle_x: float, middle_y: float, radius: float) -> Shape:
    return lambda x, y: math.hypot(x - middle_x, y - middle_y) - radius


def line(x1: float, y1: float, x2: float, y2: float, width: float) -> Shape:
    length_squared = (x2 - x1) ** 2 + (y2 - y1) ** 2

    def distance(x: float, y: float) -> float:
        along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length_squared
        along = min(max(along, 0.0), 1.0)
        return math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)) - width / 2

    return distance


def large_picture() -> list[Layer]:
    layers: list[Layer] = [(box(0.02, 0.02, 0.98, 0.98, 0.21), BLUE)]
    for x in (0.22, 0.50, 0.78):
        layers.append((line(0.50, 0.44, x, 0.72, 0.030), PALE))
    layers += [
        (box(0.30, 0.145, 0.48, 0.30, 0.030), PALE),  # the folder's tab and back
        (box(0.30, 0.185, 0.70, 0.40, 0.030), PALE),
        (box(0.275, 0.245, 0.725, 0.50, 0.040), WHITE),  # its front
    ]
    for x in (0.22, 0.50, 0.78):
        layers += [
            (box(x - 0.110, 0.655, x + 0.110, 0.815, 0.026), WHITE),  # a screen
            (box(x - 0.082, 0.683, x + 0.082, 0.787, 0.010), BLUE),
            (box(x - 0.018, 0.805, x + 0.018, 0.850, 0.0), WHITE),  # and its foot
            (box(x - 0.060, 0.842, x + 0.060, 0.866, 0.012), WHITE),
        ]
    return layers


def small_picture() -> list[Layer]:
    layers: list[Layer] = [(box(0.0, 0.0, 1.0, 1.0, 0.20), BLUE)]
    for x in (0.20, 0.50, 0.80):
        layers.append((line(0.50, 0.40, x, 0.78, 0.050), PALE))
    layers += [
        (box(0.25, 0.125, 0.50, 0.30, 0.030), WHITE),
        (box(0.25, 0.1875, 0.75, 0.50, 0.040), WHITE),
    ]
    layers += [(dot(x, 0.78, 0.105), WHITE) for x in (0.20, 0.50, 0.80)]
    return layers


def draw(side: int) -> bytes:
    """The icon, with 4 bytes per pixel: red, green, blue, opacity."""
    layers = small_picture() if side <= SMALL_SIDE else large_picture()
    pixels = bytearray()
    for row in range(side):
        for column in range(side):
            pixels += pixel(layers, (column + 0.5) / side, (row + 0.5) / side, side)
    return bytes(pixels)


def pixel(layers: list[Layer], x: float, y: float, side: int) -> bytes:
    """One pixel; where an edge crosses it, it gets the covered share of the colour."""
    outline = layers[0][0]
    opacity = coverage(outline(x, y), side)
    if opacity == 0.0:
        return bytes(4)
    red, green, blue = map(float, layers[0][1])
    for shape, colour in layers[1:]:
        share = coverage(shape(x, y), side)
        if share:
            red += (colour[0] - red) * share
            green += (colour[1] - green) * share
            blue += (colour[2] - blue) * share
    return bytes((round(red), round(green), round(blue), round(255 * opacity)))


def coverage(distance: float, side: int) -> float:
    return min(max(0.5 - distance * side, 0.0), 1.0)


def png(side: int, pixels: bytes) -> bytes:
    stride = side * 4
    rows = b"".join(b"\0" + pixels[row * stride : (row + 1) * stride] for row in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_part(kind, body) for kind, body in parts)


def png_part(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def ico(frames: Mapping[int, bytes]) -> bytes:
    entries, images = b"", b""
    start = 6 + 16 * len(frames)
    for side, image in sorted(frames.items()):
        place = start + len(images)
        edge = side % 256  # 256 is written as 0
        entries += struct.pack("<BBBBHHII", edge, edge, 0, 0, 1, 32, len(image), place)
        images += image
    return struct.pack("<HHH", 0, 1, len(frames)) + entries + images


def icns(frames: Mapping[int, bytes]) -> bytes:
    body = b"".join(
        ICNS_KINDS[side] + struct.pack(">I", 8 + len(image)) + image
        for side, image in sorted(frames.items())
    )
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


def main() -> None:
    folder = Path(__file__).resolve().parent
    sides = {*PNG_SIDES.values(), *ICO_SIDES, *ICNS_KINDS}
    frames = {side: png(side, draw(side)) for side in sides}
    for name, side in PNG_SIDES.items():
        (folder / name).write_bytes(frames[side])
    (folder / "icon.ico").write_bytes(ico({side: frames[side] for side in ICO_SIDES}))
    (folder / "icon.icns").write_bytes(icns({side: frames[side] for side in ICNS_KINDS}))


if __name__ == "__main__":
    main()
