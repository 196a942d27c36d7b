"""The pieces of a folder's download as one bar: its files one after another, by path. Pure.

A file that is here is added to the bar once. Each look then costs only as much as the contents on
their way, however many files the folder has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice

from roles.downloads.wanted import WantedContent, WantedFile
from roles.values.bitmaps import Availability, Bits
from roles.values.content import Content
from roles.values.list_lines import FileLine
from roles.values.watched import ALL_HERE, NOT_KNOWN, FolderPieces

PARTS = 1_000  # of the bar: a wide window has hardly more pixels for it
MAX_PACKS, MAX_COMING = 4, 256  # packs on their way that are looked at, and files of each


@dataclass(frozen=True, slots=True)
class ContentPieces:
    """What is here of a content on its way, what is coming, and what each peer has: bitmaps."""

    wanted: WantedContent
    have: int
    coming: int
    held: Sequence[int]


class FolderMap:
    """The bar of the files below one folder of a download."""

    def __init__(self, files: Iterable[FileLine], below: str, missing: AbstractSet[str]) -> None:
        """`below`: "" or a path that ends in "/". `missing`: paths of files that are not here."""
        self.below = below
        self._places = dict[str, tuple[int, Content]]()  # of missing files: first byte, by path
        self._count = self._count_here = 0  # chunks
        here = list[tuple[int, int]]()  # bytes that are here, in runs
        end = 0
        for file in sorted(files, key=lambda file: file.path):
            content = file.content
            if content is None or not file.path.startswith(below):
                continue
            start, end = end, end + content.size
            count = -(-content.size // content.chunk_size)  # content.count, for 100,000 files
            self._count += count
            if file.path in missing:
                self._places[file.path] = start, content
                continue
            self._count_here += count
            if here and here[-1][1] == start:
                start, _ = here.pop()
            here.append((start, end))
        self._size = end
        self._parts = min(PARTS, end)
        self._edges = [-(-part * end // max(1, self._parts)) for part in range(self._parts + 1)]
        self._have = [0] * self._parts  # bytes
        self._holders = bytearray([NOT_KNOWN]) * self._parts
        for start, stop in here:
            self._add_bytes(start, stop)

    def has(self, path: str) -> None:
        """This file has come, or was there already."""
        place = self._places.pop(path, None)
        if place is not None:
            start, content = place
            self._count_here += content.count
            self._add_bytes(start, start + content.size)

    def _add_bytes(self, start: int, stop: int) -> None:
        for part, first, behind in self._spread(start, stop):
            self._have[part] += behind - first

    def pieces(self, contents: Iterable[ContentPieces]) -> FolderPieces:
        """How it stands, with these contents on their way."""
        have, coming, here = list(self._have), 0, self._count_here
        packs = 0
        for pieces in contents:
            if isinstance(pieces.wanted, WantedFile):
                place = self._places.get(pieces.wanted.path)
                if place is not None:
                    here += pieces.have.bit_count()
                    coming |= self._add(have, *place, pieces)
                continue
            packs += bool(pieces.coming)
            if not pieces.coming or packs > MAX_PACKS:
                continue
            for file, _ in islice(pieces.wanted.arriving(pieces.coming), MAX_COMING):
                if (place := self._places.get(file.path)) is not None:
                    for part, _, _ in self._spread(place[0], place[0] + file.size):
                        coming |= 1 << part
        shown = bytes(
            count * ALL_HERE // (self._edges[part + 1] - self._edges[part])
            for part, count in enumerate(have)
        )
        return FolderPieces(shown, coming, bytes(self._holders), here, self._count)

    def _add(self, have: list[int], start: int, content: Content, pieces: ContentPieces) -> int:
        """Add what is here of a file, and who has it; returns the bitmap of the parts that come."""
        here, on_their_way = Bits(pieces.have, content.count), Bits(pieces.coming, content.count)
        parts, firsts, coming = list[int](), list[int](), 0
        for part, first, behind in self._spread(start, start + content.size):
            chunk = (first - start) // content.chunk_size
            after = (behind - start - 1) // content.chunk_size + 1
            number = here.between(chunk, after).bit_count()
            have[part] += (behind - first) * number // (after - chunk)
            coming |= bool(on_their_way.between(chunk, after)) << part
            parts.append(part)
            firsts.append(chunk)
        if pieces.held:
            counted = Availability(content.count, pieces.held).at(firsts)
            for part, number in zip(parts, counted, strict=True):
                self._holders[part] = min(number, NOT_KNOWN - 1)
        return coming

    def _spread(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The parts that these bytes are in, each with the first and the byte behind the last."""
        part = start * self._parts // max(1, self._size)
        while start < stop:
            behind = min(self._edges[part + 1], stop)
            if behind > start:
                yield part, start, behind
            start, part = max(start, behind), part + 1
