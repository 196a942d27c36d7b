"""Decides which small files of a share are joined into packs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from roles.values.list_lines import MAX_PACK_SIZE, PACKED_BELOW, sort_key

MIN_PACK_SIZE = 16 * 1024 * 1024  # bytes; only the last pack is smaller
_MEAN_REST = 16 * 1024 * 1024  # mean number of bytes from there to the end of a pack
_FILE_COST = 4 * 1024  # opening a file takes as long as reading this many bytes
_HASHES = 1 << 32


def is_packed(size: int) -> bool:
    return 0 < size < PACKED_BELOW


def plan_packs(small: Iterable[tuple[str, int]]) -> list[tuple[str, ...]]:
    """Cut small files (path, size), sorted by list_lines.sort_key, into packs of two or more.

    Hashes of the paths decide where packs end, so adding or removing a file changes its own pack
    and rarely more than the next one.
    """
    packs = [list[str]()]
    cost = 0
    for path, size in small:
        more = size + _FILE_COST
        if cost + more > MAX_PACK_SIZE or (cost >= MIN_PACK_SIZE and _ends_before(path, more)):
            packs.append([])
            cost = 0
        packs[-1].append(path)
        cost += more
    return [tuple(paths) for paths in packs if len(paths) > 1]


def _ends_before(path: str, cost: int) -> bool:
    """True for a path every _MEAN_REST bytes, on average."""
    mark = hashlib.blake2b(sort_key(path), digest_size=4).digest()
    return int.from_bytes(mark, "big") * _MEAN_REST < cost * _HASHES


def pack_key(roots: Iterable[bytes]) -> bytes:
    """Identifies the bytes of a pack by the roots of its members."""
    return hashlib.sha256(b"".join(roots)).digest()
