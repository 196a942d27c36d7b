"""Decides which small files of a share are joined into packs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from roles.values.catalogue import MAX_PACK_SIZE, PACKED_BELOW, sort_key

MIN_PACK_SIZE = 16 * 1024 * 1024  # bytes; only the last pack is smaller
_MEAN_REST = 16 * 1024 * 1024  # mean number of bytes from there to the end of a pack
_FILE_COST = 4 * 1024  # opening a file takes as long as reading so many bytes
_HASHES = 1 << 32


@dataclass(frozen=True, slots=True)
class PlannedPack:
    """`count` small files, beginning with index `start`."""

    start: int
    count: int
    size: int  # bytes


def is_packed(size: int) -> bool:
    return 0 < size < PACKED_BELOW


def plan_packs(small: Sequence[tuple[str, int]]) -> list[PlannedPack]:
    """Cut small files (path, size), sorted by catalogue.sort_key, into packs.

    Hashes of the paths decide where packs end, so adding or removing a file changes its own pack
    and rarely more than the next one.
    """
    return [pack for pack in _runs(small) if pack.count > 1]


def _runs(small: Iterable[tuple[str, int]]) -> Iterator[PlannedPack]:
    start = count = size = cost = 0
    for path, more in small:
        more_cost = more + _FILE_COST
        is_full = cost + more_cost > MAX_PACK_SIZE
        if count and (is_full or (cost >= MIN_PACK_SIZE and _ends_before(path, more_cost))):
            yield PlannedPack(start, count, size)
            start, count, size, cost = start + count, 0, 0, 0
        count, size, cost = count + 1, size + more, cost + more_cost
    if count:
        yield PlannedPack(start, count, size)


def _ends_before(path: str, cost: int) -> bool:
    """True for so many paths that the mean distance between them is _MEAN_REST bytes."""
    mark = hashlib.blake2b(sort_key(path), digest_size=4).digest()
    return int.from_bytes(mark, "big") * _MEAN_REST < cost * _HASHES


def pack_key(roots: Iterable[bytes]) -> bytes:
    """Identifies the bytes of a pack by the roots of its members."""
    return hashlib.sha256(b"".join(roots)).digest()
