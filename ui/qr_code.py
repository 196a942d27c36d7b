"""A QR code of a short text, such as a web address, for the camera of a phone. Pure.

By ISO/IEC 18004: byte mode, error correction M, versions 1 to 6, which hold 106 bytes at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, groupby, zip_longest
from typing import TypeAlias

Modules: TypeAlias = Sequence[Sequence[bool]]  # the rows of a square; True is dark
_Place: TypeAlias = tuple[int, int]  # row and column

MARGIN = 4  # light modules around a code, without which cameras do not find it
# For each version: how many blocks, and in each of them the bytes of data and of error correction.
_BLOCKS = ((1, 16, 10), (1, 28, 16), (1, 44, 26), (2, 32, 18), (2, 43, 24), (4, 27, 16))
_FRAMING = 2  # bytes of data that mode, length and end take together
_PADDING = b"\xec\x11"
_BYTE_FIELD = 0x11D  # x⁸ + x⁴ + x³ + x² + 1
_FORMAT_CODE, _FORMAT_MASK = 0x537, 0x5412
_MASKS = range(8)
_LIKE_A_FINDER = re.compile("(?=10111010000|00001011101)")


def qr_code(text: str) -> Modules:
    """The code with its margin. Raises ValueError if the text is too long."""
    message = text.encode()
    capacities = [blocks * size - _FRAMING for blocks, size, _ in _BLOCKS]
    versions = enumerate(capacities, 1)
    version = next((number for number, most in versions if len(message) <= most), 0)
    if not version:
        raise ValueError(f"{len(message)} bytes are too long for a QR code")
    bits = "".join(f"{byte:08b}" for byte in codewords(message, version))
    side = 17 + 4 * version
    fixed = _fixed_modules(side)
    free = list(_free_places(side, fixed))
    codes = (_masked(side, fixed, free, bits, mask) for mask in _MASKS)
    best = min(codes, key=_penalty)
    light, edge = [False] * (side + 2 * MARGIN), [False] * MARGIN
    return [light] * MARGIN + [edge + row + edge for row in best] + [light] * MARGIN


def half_blocks(modules: Modules) -> list[str]:
    """Lines of text, two rows of modules in each; dark is the colour of the letters."""
    signs = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    return [
        "".join(signs[pair] for pair in zip_longest(upper, lower, fillvalue=False))
        for upper, lower in zip_longest(modules[::2], modules[1::2], fillvalue=())
    ]


def codewords(message: bytes, version: int) -> bytes:
    """What the code contains: data and error correction, the blocks byte by byte in turns."""
    blocks, size, check_size = _BLOCKS[version - 1]
    bits = f"0100{len(message):08b}" + "".join(f"{byte:08b}" for byte in message) + "0000"
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    data += (_PADDING * size * blocks)[: blocks * size - len(data)]
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    checks = [error_correction(part, check_size) for part in parts]
    return bytes(chain(*zip(*parts, strict=True), *zip(*checks, strict=True)))


def error_correction(data: bytes, size: int) -> bytes:
    """Reed-Solomon: the remainder of the data divided by (x - 1)(x - 2)(x - 4)…"""
    divisor, root = [1], 1
    for _ in range(size):
        shifted = [0, *(_product(factor, root) for factor in divisor)]
        divisor = [a ^ b for a, b in zip([*divisor, 0], shifted, strict=True)]
        root = _product(root, 2)
    rest = [0] * size
    for byte in data:
        factor = byte ^ rest[0]
        shifted = [*rest[1:], 0]
        rest = [a ^ _product(b, factor) for a, b in zip(shifted, divisor[1:], strict=True)]
    return bytes(rest)


def _product(a: int, b: int) -> int:
    product = 0
    for bit in f"{b:08b}":
        product = product << 1 ^ (product >> 7) * _BYTE_FIELD ^ int(bit) * a
    return product


def _fixed_modules(side: int) -> dict[_Place, bool]:
    """All that does not depend on the text; the format, which follows later, is light."""
    modules = dict[_Place, bool]()
    for along in range(side):
        modules[6, along] = modules[along, 6] = along % 2 == 0
    for y, x in ((3, 3), (3, side - 4), (side - 4, 3)):
        modules |= _squares(side, y, x, 4, light=(2, 4))
    if side > 21:  # version 1 needs no alignment
        modules |= _squares(side, side - 7, side - 7, 2, light=(1,))
    modules |= dict.fromkeys(chain(*_format_places(side)), False)
    modules[side - 8, 8] = True
    return modules


def _squares(side: int, y: int, x: int, reach: int, light: Sequence[int]) -> dict[_Place, bool]:
    """Squares around a place, one within the other; those at these distances are light."""
    return {
        (y + down, x + right): max(abs(down), abs(right)) not in light
        for down in range(-reach, reach + 1)
        for right in range(-reach, reach + 1)
        if 0 <= y + down < side and 0 <= x + right < side
    }


def _format_places(side: int) -> Iterator[tuple[_Place, _Place]]:
    """Both places of each bit of the format, the lowest bit first."""
    first = [*((y, 8) for y in (0, 1, 2, 3, 4, 5, 7, 8)), *((8, x) for x in (7, 5, 4, 3, 2, 1, 0))]
    second = [*((8, side - x) for x in range(1, 9)), *((side - y, 8) for y in range(7, 0, -1))]
    return zip(first, second, strict=True)


def _free_places(side: int, fixed: dict[_Place, bool]) -> Iterator[_Place]:
    """The free places in pairs of columns from the right, upwards and downwards in turns."""
    columns = [*range(side - 1, 6, -2), *range(5, 0, -2)]
    for number, right in enumerate(columns):
        for y in range(side) if number % 2 else range(side - 1, -1, -1):
            yield from (place for place in ((y, right), (y, right - 1)) if place not in fixed)


def _masked(
    side: int, fixed: dict[_Place, bool], free: Sequence[_Place], bits: str, mask: int
) -> list[list[bool]]:
    modules = dict(fixed)
    padded = bits.ljust(len(free), "0")  # most versions have a few modules to spare
    for place, bit in zip(free, padded, strict=True):
        modules[place] = (bit == "1") != _is_turned(*place, mask)
    format_bits = format_of(mask)
    for number, places in enumerate(_format_places(side)):
        modules |= dict.fromkeys(places, bool(format_bits >> number & 1))
    return [[modules[y, x] for x in range(side)] for y in range(side)]


def _is_turned(y: int, x: int, mask: int) -> bool:
    product = y * x % 2 + y * x % 3
    rests = (
        *((y + x) % 2, y % 2, x % 3, (y + x) % 3, (y // 2 + x // 3) % 2),
        *(product, product % 2, ((y + x) % 2 + y * x % 3) % 2),
    )
    return rests[mask] == 0


def format_of(mask: int) -> int:
    """15 bits: error correction M, which is 00, the mask, and a check of both."""
    rest = mask << 10
    for bit in (14, 13, 12, 11, 10):
        rest ^= (rest >> bit & 1) * _FORMAT_CODE << bit - 10
    return (mask << 10 | rest) ^ _FORMAT_MASK


def _penalty(modules: Sequence[Sequence[bool]]) -> int:
    """How hard it is for a camera: runs, blocks, what looks like a finder, too much of a colour."""
    lines = [
        "".join("01"[module] for module in line)
        for line in chain(modules, zip(*modules, strict=True))
    ]
    runs = (len(list(run)) for line in lines for _, run in groupby(line))
    side = len(modules)
    blocks = sum(
        modules[y][x] == modules[y + 1][x] == modules[y][x + 1] == modules[y + 1][x + 1]
        for y in range(side - 1)
        for x in range(side - 1)
    )
    finders = sum(len(_LIKE_A_FINDER.findall(line)) for line in lines)
    dark = sum(map(sum, modules)) * 20 // side**2  # in steps of 5 %
    unevenness = min(abs(dark - 10), abs(dark + 1 - 10))
    return sum(run - 2 for run in runs if run >= 5) + 3 * blocks + 40 * finders + 10 * unevenness
