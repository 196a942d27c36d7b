"""The lines of a share's list: compact JSON for a file, a folder or a pack, or about the share
itself: how many files are still to be read, its torrent, whether its seeder answers browsers.

The tracker forwards lines unchanged; readers decode them and trust nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import NamedTuple, TypeAlias

from roles.values import strict_json
from roles.values.content import (
    DIGEST_SIZE,
    MAX_CHUNK_SIZE,
    MAX_FILE_SIZE,
    Content,
    check_shape,
    root_of,
)
from roles.values.errors import PeerProtocolError
from roles.values.safe_names import check_path

MAX_LINE = 4_096  # bytes: a path of 1,024 in \u escapes, and room for the rest
MAX_SHARE_FILES = 200_000  # lines of one share
MAX_ROOM_FILES = 400_000  # lines of all shares together
MAX_ROOM_SHARES = 12_064  # one for each of 12,000 programs, and some that have just left
MAX_LIST_BYTES = 64 * 1024 * 1024  # one list, uncompressed
PACKED_BELOW = 256 * 1024  # bytes; smaller files travel in packs
MAX_PACK_SIZE = 64 * 1024 * 1024  # bytes
_MAX_MTIME = 1 << 40  # seconds; the field that version 1.1 reads
_MAX_EXACT_MTIME = 10**15 - 1  # seconds, either sign: strict_json accepts 16 characters
_MAX_LEFT = 1 << 32  # files: no file system holds more

_CHUNK_SIZES = 8  # at least as many as there are valid chunk sizes
_HEX_DIGITS = frozenset("0123456789abcdef")
_INFO_HASH = re.compile("[0-9a-f]{40}")

# A file exactly as encode_line() writes it. Nearly all of a room's 100,000 lines match.
_NUMBER = "(0|[1-9][0-9]{0,13})"
_USUAL_FILE = re.compile(
    r'\["f",("(?:[^"\\\x00-\x1f]++|\\u[0-9a-f]{4}|\\["\\/bfnrt])*+"),'
    rf'{_NUMBER},"([0-9a-f]{{64}})",{_NUMBER},{_NUMBER},([01])\]'
)


class FileLine(NamedTuple):  # a room may have 400,000, and dataclasses take three times as long
    """A file of a share. Without content it comes from an original seeder, which sends no root."""

    path: str  # "/" between folders
    size: int  # bytes
    content: Content | None
    mtime: int | None = None  # seconds since 1970, None: unknown
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class FolderLine:
    """A folder of a share, possibly empty."""

    path: str
    mtime: int | None = None


@dataclass(frozen=True, slots=True)
class PackLine:
    """A pack of small files: sort the share's files of 1 to PACKED_BELOW - 1 bytes by sort_key, and
    take `count` of them, starting with the path `first`.
    """

    content: Content
    first: str
    count: int


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """The seeder is still reading its folder, so the list is not complete."""

    files_left: int  # files it has not read yet


@dataclass(frozen=True, slots=True)
class TorrentLine:
    """The seeder has made a torrent of the share."""

    info_hash: bytes  # SHA-1


@dataclass(frozen=True, slots=True)
class WebLine:
    """The seeder of the share answers browsers, too. Version 1.2 and older skip this line."""


Line: TypeAlias = FileLine | FolderLine | PackLine | ReadingLine | TorrentLine | WebLine


def encode_line(line: Line) -> str:
    """ASCII text; equal lines have equal texts.

    Formatted by hand, because json.dumps() takes ten times as long and a folder may have 200,000.
    """
    match line:
        case FileLine(path, size, None):
            return f'["f",{_quoted(path)},{size}]'
        case FileLine(path, size, Content(root, _, chunk_size), mtime, is_executable):
            usual, exact = _mtime_fields(mtime)
            fields = f'{size},"{root.hex()}",{chunk_size},{usual},{int(is_executable)}{exact}'
            return f'["f",{_quoted(path)},{fields}]'
        case FolderLine(path, mtime):
            usual, exact = _mtime_fields(mtime)
            return f'["d",{_quoted(path)},{usual}{exact}]'
        case PackLine(Content(root, size, chunk_size), first, count):
            return f'["p",{_quoted(first)},{count},{size},"{root.hex()}",{chunk_size}]'
        case ReadingLine(files_left):
            return f'["r",{files_left}]'
        case TorrentLine(info_hash):
            return f'["t","{info_hash.hex()}"]'
        case WebLine():
            return '["w"]'
        case _:
            raise TypeError(line)


def decode_line(text: str) -> Line | None:
    """None for a kind of line that only later versions know. Raises PeerProtocolError.

    Its path is safe to store below the reader's folder, but must still be escaped to be shown.
    """
    if len(text) > MAX_LINE:
        raise PeerProtocolError(f"a line of {len(text)} characters in a list")
    if text.isascii() and (usual := _USUAL_FILE.fullmatch(text)) is not None:
        return _usual_file(*usual.groups())
    match strict_json.loads(_encoded(text), most=MAX_LINE):
        case ["f", str(path), int(size)]:
            check_path(path)
            return FileLine(path, _number(size, MAX_FILE_SIZE), None)
        case ["f", str(path), int(size), str(root), int(chunk_size), int(mtime), may_run, *more]:
            check_path(path)
            content = _content(root, size, chunk_size)
            return FileLine(path, size, content, _mtime(mtime, more), may_run == 1)
        case ["d", str(path), int(mtime), *more]:
            check_path(path)
            return FolderLine(path, _mtime(mtime, more))
        case ["p", str(first), int(count), int(size), str(root), int(chunk_size), *_]:
            check_path(first)
            content = _content(root, size, chunk_size)
            if not 0 < size <= MAX_PACK_SIZE:
                raise PeerProtocolError(f"a pack of {size} bytes")
            return PackLine(content, first, _number(count, MAX_SHARE_FILES))
        case ["r", int(files_left), *_]:
            return ReadingLine(_number(files_left, _MAX_LEFT))
        case ["t", str(digits), *_] if is_info_hash(digits):
            return TorrentLine(bytes.fromhex(digits))
        case ["w", *_]:
            return WebLine()
        case ["f" | "d" | "p" | "r" | "t", *_]:
            raise PeerProtocolError("a line of a list with impossible fields")
        case [str(), *_]:
            return None
        case _:
            raise PeerProtocolError("not a line of a list")


def is_info_hash(digits: str) -> bool:
    return _INFO_HASH.fullmatch(digits) is not None


def sort_key(path: str) -> bytes:
    """The order of the members of a pack; the same on every machine."""
    return path.encode()


def _usual_file(
    quoted: str, size: str, root: str, chunk_size: str, mtime: str, is_executable: str
) -> FileLine:
    """Decode fields that _USUAL_FILE has matched, in a third of the time of the general way."""
    path = json.loads(quoted) if "\\" in quoted else quoted[1:-1]
    check_path(path)
    bytes_of_file, bytes_of_chunk = int(size), int(chunk_size)
    check_shape(bytes_of_file, bytes_of_chunk)
    content = _checked(Content(bytes.fromhex(root), bytes_of_file, bytes_of_chunk))
    seconds = _mtime(int(mtime), ())
    return FileLine(path, bytes_of_file, content, seconds, is_executable == "1")


def _mtime_fields(mtime: int | None) -> tuple[int, str]:
    """The usual field for a time, and the text to append to the line when it does not fit there.

    Version 1.1 reads 0 as unknown and refuses lines with negative times.
    """
    if mtime is None or 0 < mtime <= _MAX_MTIME:
        return mtime or 0, ""
    return 0, f",{mtime}" if abs(mtime) <= _MAX_EXACT_MTIME else ""


def _mtime(usual: int, more: Sequence[object]) -> int | None:
    """The inverse of _mtime_fields(); `more` are the fields at the end of the line."""
    seconds = _number(usual, _MAX_MTIME)
    exact = more[0] if more else None
    if seconds or type(exact) is not int or abs(exact) > _MAX_EXACT_MTIME:
        return seconds or None
    return exact


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise PeerProtocolError("a line of a list with half a character") from None


def _content(root: str, size: int, chunk_size: int) -> Content:
    check_shape(_number(size, MAX_FILE_SIZE), _number(chunk_size, MAX_CHUNK_SIZE))
    if len(root) != 2 * DIGEST_SIZE or not set(root) <= _HEX_DIGITS:
        raise PeerProtocolError("a root that is no digest")
    return _checked(Content(bytes.fromhex(root), size, chunk_size))


def _checked(content: Content) -> Content:
    """Nobody is asked for the chunks of an empty file, so check its root here."""
    if not content.size and content.root != _root_of_nothing(content.chunk_size):
        raise PeerProtocolError("an empty file with the root of another")
    return content


@lru_cache(_CHUNK_SIZES)
def _root_of_nothing(chunk_size: int) -> bytes:
    return root_of(0, chunk_size, b"")


def _number(value: int, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:  # True is an int, but no number of ours
        raise PeerProtocolError("an impossible number in a list")
    return value
