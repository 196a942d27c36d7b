"""Keeps the digests of a shared folder's files, and the share's id, across restarts.

Each folder has one text file. Each of its lines is a file or a pack, with a checksum, so torn,
damaged and unknown lines are ignored.
"""

from __future__ import annotations

import binascii
import contextlib
import logging
import secrets
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from roles.disk.state_file import StateFile, drop_leftover, write_whole
from roles.sharing.folder_tree import TreeFile
from roles.sharing.written_files import is_settled
from roles.values.content import DIGEST_SIZE, chunk_size_for
from roles.values.errors import StorageError

log = logging.getLogger(__name__)

_KIND = b"LMK2-digests"
_VERSION = b"1"
_MAX_CACHE = 1 << 30  # bytes: the digests of some 100 TiB
_SPARE_LINES = 1_000  # stale lines that are not worth rewriting the file


class DigestCache:
    """For one thread. Without a path it is not kept on disk."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        # By path or pack key: a file's size, mtime and inode, or (); and the digests.
        self._kept = dict[str | bytes, tuple[tuple[int, ...], bytes]]()
        self._new = list[bytes]()  # lines that are not in the file yet
        self._lines = 0  # in the file
        self._has_header = False
        self._is_newer = False  # written by a later version, so its lines may mean something else
        self._share_id = ""
        self.notice = ""  # a sentence for the user, if something is wrong with the file
        if path is not None:
            self._load(path)
        self.share_id = self._share_id or secrets.token_hex(8)

    def digests(self, file: TreeFile) -> bytes | None:
        """None if they are not known, or the file has changed."""
        return self._get(file.path, (file.size, file.mtime_ns, file.inode))

    def keep(self, file: TreeFile, digests: bytes, hashed_at_ns: int) -> None:
        """Keep digests computed at `hashed_at_ns`, unless a later change might go unnoticed."""
        if is_settled(file.mtime_ns, hashed_at_ns):
            self._put(file.path, (file.size, file.mtime_ns, file.inode), digests)
        else:
            self.forget(file.path)

    def pack_digests(self, key: bytes) -> bytes | None:
        """`key` is a pack_plan.pack_key()."""
        return self._get(key, ())

    def keep_pack(self, key: bytes, digests: bytes) -> None:
        self._put(key, (), digests)

    def forget(self, key: str | bytes) -> None:
        """`key` is a path or a pack_key()."""
        self._kept.pop(key, None)

    def save(self, *keys: Collection[str | bytes]) -> None:
        """Append new lines, or rewrite the file if half of it is stale.

        `keys` are the paths and pack keys that the folder has now; others may be dropped. If the
        disk refuses, only the next start takes longer.
        """
        if self._path is None or (self._has_header and not self._new):
            return
        most = 2 * sum(map(len, keys)) + _SPARE_LINES
        try:
            if self._has_header and self._lines + len(self._new) <= most:
                with self._path.open("ab") as file:  # the first LF ends a line torn by a crash
                    file.write(b"\n" + b"".join(self._new))
                self._lines += len(self._new)
            else:
                self._write_anew(self._path, keys)
        except (OSError, StorageError) as error:
            log.warning("%s cannot be written (%s): files will be read again.", self._path, error)
        self._new.clear()

    def _get(self, key: str | bytes, state: tuple[int, ...]) -> bytes | None:
        known_state, digests = self._kept.get(key, ((), None))
        return digests if known_state == state else None

    def _put(self, key: str | bytes, state: tuple[int, ...], digests: bytes) -> None:
        if self._get(key, state) != digests:
            self._kept[key] = (state, digests)
            self._new.append(_line_of(key, state, digests))

    def _write_anew(self, path: Path, keys: Sequence[Collection[str | bytes]]) -> None:
        if self._has_header:
            present = set().union(*keys)
            self._kept = {key: kept for key, kept in self._kept.items() if key in present}
        lines = [_sealed(b" ".join((_KIND, _VERSION, self.share_id.encode())))]
        lines += [_line_of(key, *kept) for key, kept in self._kept.items()]
        # Unsynced, because the folder is offered after this. After a power cut we hash again.
        write_whole(path, b"".join(lines), is_synced=False)
        self._has_header, self._lines = True, len(lines)

    def _load(self, path: Path) -> None:
        drop_leftover(path)
        size = 0
        try:
            if not path.is_file():
                return
            with path.open("rb") as file:
                size = file.seek(0, 2)
                if size > _MAX_CACHE:
                    raise OSError("too large")
                file.seek(0)
                for line in _unsealed(file):
                    self._take(line)
        except OSError as error:  # do not overwrite what we cannot read
            self._path = None
            self.notice = (
                f"{path} cannot be read ({error.strerror or error}). This run hashes every file "
                "again and does not save the digests."
            )
            log.warning("%s cannot be read (%s)", path.name, error.strerror or error)
        if self._is_newer:
            self._kept.clear()
        if size and self._path is not None and not self._has_header:
            state_file = StateFile(path)
            why = "is of a newer version" if self._is_newer else "its beginning is missing"
            state_file.keep_aside(why, is_newer=self._is_newer)
            self.notice = state_file.notice
            self._path = path if state_file.may_write else None

    def _take(self, line: bytes) -> None:
        self._lines += 1
        kind = line[:2]
        with contextlib.suppress(ValueError):  # written by a later version
            if kind == b"f ":
                _, size, mtime_ns, inode, text, path = line.split(b" ", 5)
                digests = _digests_of(text, int(size))
                self._kept[path.decode()] = ((int(size), int(mtime_ns), int(inode)), digests)
            elif kind == b"p ":
                _, key, text = line.split(b" ")
                self._kept[bytes.fromhex(key.decode())] = ((), binascii.a2b_base64(text))
            elif line.startswith(_KIND):
                _, version, share_id, *_ = line.split(b" ")
                if len(bytes.fromhex(share_id.decode())) == 8:
                    self._share_id = share_id.decode()
                    self._has_header, self._is_newer = version == _VERSION, version != _VERSION


def _unsealed(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The texts of the lines whose checksum is right."""
    crc32 = zlib.crc32
    for line in lines:
        text = line[9:-1]
        if line[:9] == b"%08x " % crc32(text) and line.endswith(b"\n"):
            yield text


def _sealed(text: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _line_of(key: str | bytes, state: tuple[int, ...], digests: bytes) -> bytes:
    text = binascii.b2a_base64(digests, newline=False)
    if isinstance(key, bytes):
        return _sealed(b"p %s %s" % (key.hex().encode(), text))
    size, mtime_ns, inode = state
    return _sealed(b"f %d %d %d %s %s" % (size, mtime_ns, inode, text, key.encode()))


def _digests_of(text: bytes, size: int) -> bytes:
    digests = binascii.a2b_base64(text)
    if size < 0 or len(digests) != DIGEST_SIZE * -(-size // chunk_size_for(size)):
        raise ValueError("digests of another size")
    return digests
