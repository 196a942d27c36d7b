"""Keeps torrents in the state folder, so that a restart makes none anew."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.state_file import StateFile, write_whole
from roles.torrents.metainfo import DIGEST_SIZE, Torrent, torrent_files
from roles.values.errors import StorageError
from roles.values.list_lines import is_info_hash

log = logging.getLogger(__name__)

KEPT = 8  # torrents of all folders, the newest


class TorrentStore:
    """For one thread. Each torrent is a file, named after its info hash."""

    def __init__(self, folder: Path | None) -> None:
        """None: keep nothing."""
        self._folder = folder

    def read(self, share: str) -> Iterator[Torrent]:
        """The torrents of this share, the newest first."""
        for path in self._newest():
            torrent = _torrent_in(path, share)
            if torrent is not None:
                yield torrent

    def keep(self, torrent: Torrent, share: str) -> None:
        """Keep it instead of the oldest. If the disk refuses, the next start takes longer."""
        if self._folder is None:
            return
        content = {
            "share": share,
            "folder": torrent.folder,
            "private": torrent.is_private,
            "pieces": b"".join(torrent.digests).hex(),
            "files": [[file.path, file.size, file.root.hex()] for file in torrent.files],
        }
        try:
            path = self._folder / torrent.info_hash.hex()
            write_whole(path, json.dumps(content).encode(), is_synced=False)
            for old in self._newest()[KEPT:]:
                disk_calls.unlink(os.fspath(old))
        except (OSError, StorageError) as error:
            log.warning("The torrent cannot be kept (%s): the next start makes it anew.", error)

    def _newest(self) -> list[Path]:
        if self._folder is None:
            return []
        try:
            with os.scandir(self._folder) as entries:
                torrents = [
                    (entry.stat().st_mtime_ns, entry.name)
                    for entry in entries
                    if is_info_hash(entry.name)
                ]
        except OSError:  # there are none yet
            return []
        return [self._folder / name for _, name in sorted(torrents, reverse=True)]


def _torrent_in(path: Path, share: str) -> Torrent | None:
    """None if it is of another share, or damaged: its info hash covers all but the roots."""
    try:
        match json.loads(StateFile(path).read_bytes() or b"null"):
            case {
                "share": str(share_id),
                "folder": str(folder),
                "private": bool(is_private),
                "pieces": str(pieces),
                "files": list(files),
            } if share_id == share:
                joined = bytes.fromhex(pieces)
                torrent = Torrent(
                    folder,
                    torrent_files(map(_file, files)),
                    is_private,
                    tuple(
                        joined[start : start + DIGEST_SIZE]
                        for start in range(0, len(joined), DIGEST_SIZE)
                    ),
                )
                return torrent if torrent.info_hash.hex() == path.name else None
            case _:
                return None
    except (ValueError, RecursionError):
        return None


def _file(item: object) -> tuple[str, int, bytes]:
    match item:
        case [str(path), int(size), str(root)]:
            return path, size, bytes.fromhex(root)
        case _:
            raise ValueError("no file")
