"""Makes the torrent of a seeder's folder, and another one when the folder has changed.

For SHA-1 all bytes are read once more, as soon as the whole folder is offered. No request starts
this.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from io import FileIO
from itertools import islice

from roles.disk.open_folder import LastFolder
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.folder_tree import open_unchanged
from roles.sharing.hashing import BLOCK, HashingThreads, Job, Reading, blocks_of
from roles.sharing.holdings import FileHolding
from roles.sharing.offers import LibrarySnapshot
from roles.torrents.metainfo import (
    MAX_FILES,
    Piece,
    PieceKey,
    Torrent,
    TorrentFile,
    piece_key,
    pieces_of,
    torrent_files,
)
from roles.torrents.torrent_store import KEPT, TorrentStore
from roles.values.errors import FileChangedError
from roles.values.events import Post, TorrentChanged
from roles.values.list_lines import TorrentLine, encode_line
from roles.web.http_wire import quoted
from roles.worker import POLL_S

log = logging.getLogger(__name__)

POST_S = 0.25
AGAIN_S = 10.0  # after a file could not be read, although the folder seems unchanged
_JOB = 16 * 1024 * 1024  # bytes: some 20 ms


class TorrentMaker:
    """One thread calls run(); any thread may read `torrent` and `known`."""

    def __init__(
        self,
        library: FolderLibrary,
        store: TorrentStore,
        post: Post,
        stopping: threading.Event,
        *,
        is_private: bool,
    ) -> None:
        self.torrent: Torrent | None = None  # of the folder as it is now
        # By info hash, including earlier versions of the folder.
        self.known: Mapping[bytes, Torrent] = {}
        self._library, self._store, self._post = library, store, post
        self._stopping = stopping
        self._is_private = is_private
        self._seen: LibrarySnapshot | None = None  # what was looked at last
        self._contents: object = None  # of the folder when `torrent` was made
        self.news = TorrentChanged()  # the last that was posted
        self._again_at = float("inf")
        self._digests = dict[PieceKey, bytes]()  # of pieces that need not be read again

    def run(self) -> None:
        """Until `stopping` is set. May be called again."""
        kept = list(self._store.read(self._library.share_id))
        self.known = {torrent.info_hash: torrent for torrent in kept}
        self._digests = kept[0].digests_by_key() if kept else {}
        while not self._stopping.is_set():
            if not self._is_as_seen() or time.monotonic() >= self._again_at:
                self._look()
            self._stopping.wait(POLL_S)

    def _is_as_seen(self) -> bool:
        return self._library.snapshot is self._seen

    def _look(self) -> None:
        self._seen, self._again_at = self._library.snapshot, float("inf")
        if self._seen.problem or not self._seen.is_whole:
            self._withdraw()
            return
        offered = self._library.files()
        if len(offered) > MAX_FILES:
            self._withdraw(f"A torrent has at most {MAX_FILES:,} files, and this folder has more.")
            return
        contents = {
            (path, holding.content.size, holding.content.root) for path, holding in offered.items()
        }
        if self.torrent is not None and contents == self._contents:
            return
        self._withdraw()
        files, self._contents = torrent_files(contents), contents
        if not any(file.size for file in files):
            self._withdraw("There is no torrent of a folder without content.")
            return
        reading = PieceReading(files, offered, self._digests)
        self._read(reading)
        self._digests = reading.known
        digests = tuple(digest for digest in reading.digests() if digest is not None)
        if len(digests) == reading.count:
            self._offer(Torrent(self._library.name, files, self._is_private, digests))
        elif self._is_as_seen() and not self._stopping.is_set():
            self._withdraw("A file cannot be read for the torrent. Trying again.")
            self._again_at = time.monotonic() + AGAIN_S

    def _read(self, reading: PieceReading) -> None:
        threads = HashingThreads(self._library.path, self._stopping)
        threads.add(reading)
        hashed, post_at = 0, 0.0
        with closing(threads.run()) as running:
            for _, size, _ in running:
                if not self._is_as_seen():
                    return
                hashed += size
                if reading.size and time.monotonic() >= post_at:
                    post_at = time.monotonic() + POST_S
                    self._tell(TorrentChanged(hashed=hashed, size=reading.size))

    def _offer(self, torrent: Torrent) -> None:
        self._store.keep(torrent, self._library.share_id)
        newest_first = {torrent.info_hash: torrent, **self.known}
        self.known = dict(islice(newest_first.items(), KEPT))
        self.torrent = torrent
        self._library.add_line(_line_of(torrent))
        path = f"/t/{self._library.share_id}/{quoted(self._library.name)}.torrent"
        self._tell(TorrentChanged(torrent.info_hash.hex(), path))

    def _withdraw(self, problem: str = "") -> None:
        if self.torrent is not None:
            self._library.remove_line(_line_of(self.torrent))
            self.torrent = None
        self._tell(TorrentChanged(problem=problem))

    def _tell(self, news: TorrentChanged) -> None:
        if news != self.news:
            self.news = news
            self._post(news)


class PieceReading(Reading):
    """The pieces of a torrent, hashed with SHA-1."""

    def __init__(
        self,
        files: Sequence[TorrentFile],
        offered: Mapping[str, FileHolding],
        known: Mapping[PieceKey, bytes],
    ) -> None:
        """`offered`: at least these files, by path. Pieces with known digests are not read."""
        super().__init__(tuple(offered[file.path].file for file in files))
        self._pieces = [(piece_key(files, piece), piece) for piece in pieces_of(files)]
        self.count = len(self._pieces)
        self.known = {key: known[key] for key, _ in self._pieces if key in known}
        self._to_read = [(key, piece) for key, piece in self._pieces if key not in known]
        self.size = sum(_size(piece) for _, piece in self._to_read)
        self._has_failed = False

    def jobs(self) -> Iterator[Job]:
        first = size = 0
        for number, (_, piece) in enumerate(self._to_read, 1):
            size += _size(piece)
            if size >= _JOB or number == len(self._to_read):
                if self._has_failed:
                    return
                yield partial(self._read, first, number)
                first, size = number, 0

    def digests(self) -> list[bytes | None]:
        """The digest of each piece; None if it could not be read as scanned."""
        return [self.known.get(key) for key, _ in self._pieces]

    def _read(self, first: int, stop: int, threads: HashingThreads) -> int:
        try:
            buffer = memoryview(bytearray(BLOCK))
            with closing(LastFolder(threads.folder, make=False)) as folders:
                for key, piece in self._to_read[first:stop]:
                    hasher = hashlib.sha1(usedforsecurity=False)
                    for span in piece:
                        file = self.files[span.file]
                        with FileIO(open_unchanged(folders, file)) as opened:
                            opened.seek(span.start)
                            for block in blocks_of(opened, span.length, buffer, threads.stopping):
                                hasher.update(block)
                            if not file.is_still(os.fstat(opened.fileno())):
                                raise FileChangedError("it changed while it was read")
                    self.known[key] = hasher.digest()
        except (FileChangedError, OSError, MemoryError) as error:
            log.debug("a piece cannot be read: %s", error)
            self._has_failed = True
        return sum(_size(piece) for _, piece in self._to_read[first:stop])


def _size(piece: Piece) -> int:
    return sum(span.length for span in piece)


def _line_of(torrent: Torrent) -> str:
    return encode_line(TorrentLine(torrent.info_hash))
