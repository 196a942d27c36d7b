"""What a torrent says of a shared folder (BEP 3), and the names that it has there.

A torrent depends on names, sizes, contents and `private` only, so that the copies of one folder
make one swarm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from roles.torrents.bencode import encode
from roles.values.disk_names import from_disk
from roles.values.list_lines import sort_key
from roles.values.safe_names import UnsafeNameError, collision_key, numbered, safe_name

MAX_FILES = 50_000  # a torrent of 3 MB
MIN_PIECE, MAX_PIECE = 256 * 1024, 16 * 1024 * 1024  # bytes
MOST_PIECES = 2_048  # with larger ones, up to MAX_PIECE
DIGEST_SIZE = 20  # bytes of SHA-1

Names: TypeAlias = tuple[str, ...]  # nested folders and a file, as a torrent has them


class TorrentFile(NamedTuple):
    path: str  # in the share
    size: int  # bytes
    root: bytes  # of its content
    names: Names


class Span(NamedTuple):
    """Bytes of a file that lie in one piece."""

    file: int  # its index
    start: int
    length: int


Piece: TypeAlias = tuple[Span, ...]
# Equal for pieces with the same bytes: of each span the file's root, the start and the length.
PieceKey: TypeAlias = tuple[tuple[bytes, int, int], ...]


@dataclass(frozen=True)
class Torrent:
    folder: str  # its name, from the share
    files: tuple[TorrentFile, ...]  # in the order of their bytes
    is_private: bool
    digests: tuple[bytes, ...]  # of the pieces

    @cached_property
    def name(self) -> str:
        """What the folder is called in the torrent."""
        return _portable(self.folder) or "files"

    @cached_property
    def info(self) -> bytes:
        private = {"private": 1} if self.is_private else {}
        return encode(
            {
                "files": [{"length": file.size, "path": file.names} for file in self.files],
                "name": self.name,
                "piece length": piece_length(self.files),
                "pieces": b"".join(self.digests),
                **private,
            }
        )

    @cached_property
    def info_hash(self) -> bytes:
        return hashlib.sha1(self.info, usedforsecurity=False).digest()

    @cached_property
    def by_names(self) -> Mapping[Names, TorrentFile]:
        return {file.names: file for file in self.files}

    def metainfo(self, announce: str, web_seed: str) -> bytes:
        """The content of a .torrent file. The info hash does not cover these addresses."""
        return b"d%b%b%b%b%b%be" % (
            encode("announce"),
            encode(announce),
            encode("info"),
            self.info,
            encode("url-list"),
            encode(web_seed),
        )

    def digests_by_key(self) -> dict[PieceKey, bytes]:
        keys = (piece_key(self.files, piece) for piece in pieces_of(self.files))
        return dict(zip(keys, self.digests, strict=False))


def torrent_files(files: Iterable[tuple[str, int, bytes]]) -> tuple[TorrentFile, ...]:
    """The files of a torrent, in the order of the bytes of their paths. Files whose names some
    system refuses are left out.

    Takes path, size and root of each.
    """
    names = _PortableNames()
    portable_files = list[TorrentFile]()
    for path, size, root in sorted(files, key=lambda file: sort_key(file[0])):
        portable = names.of(path)
        if portable is not None:
            portable_files.append(TorrentFile(path, size, root, portable))
    return tuple(portable_files)


def piece_length(files: Sequence[TorrentFile]) -> int:
    size, length = sum(file.size for file in files), MIN_PIECE
    while length < MAX_PIECE and length * MOST_PIECES < size:
        length *= 2
    return length


def pieces_of(files: Sequence[TorrentFile]) -> Iterator[Piece]:
    """The pieces of all files joined; a piece may have spans of many."""
    length = piece_length(files)
    spans, room = list[Span](), length
    for number, file in enumerate(files):
        start = 0
        while start < file.size:
            span = Span(number, start, min(room, file.size - start))
            spans.append(span)
            start, room = start + span.length, room - span.length
            if not room:
                yield tuple(spans)
                spans, room = [], length
    if spans:
        yield tuple(spans)


def piece_key(files: Sequence[TorrentFile], piece: Piece) -> PieceKey:
    return tuple((files[span.file].root, span.start, span.length) for span in piece)


class _PortableNames:
    """Names that every system can have, and that differ on every system.

    Transmission replaces what Windows forbids, and asks a web seed for the name that results.
    """

    def __init__(self) -> None:
        self._folders: dict[str, Names | None] = {"": ()}
        # The last number that a name was given, by folder and collision_key().
        self._taken: dict[tuple[Names, str], int] = {}

    def of(self, path: str) -> Names | None:
        """None if some system refuses a name in it."""
        folder, _, name = path.rpartition("/")
        above = self._folder(folder)
        return None if above is None else self._named(above, name)

    def _folder(self, path: str) -> Names | None:
        if path not in self._folders:
            self._folders[path] = self.of(path)
        return self._folders[path]

    def _named(self, folder: Names, name: str) -> Names | None:
        portable = _portable(name)
        if portable is None:
            return None
        given, key = portable, (folder, collision_key(portable))
        first, number = key, self._taken.get(key, 0)
        while key in self._taken:
            number += 1
            given = numbered(portable, number)
            key = folder, collision_key(given)
        self._taken[key] = 1
        self._taken[first] = max(number, 1)
        return (*folder, given)


def _portable(name: str) -> str | None:
    try:
        return from_disk(safe_name(name, windows=True))
    except UnsafeNameError:
        return None
