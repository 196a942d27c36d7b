"""The lines of a share's list, as compact JSON text: a file, folder or pack each, or how much more
will come.

The tracker passes lines on as they are; readers decode them, and trust nothing. Pure values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import TypeAlias

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
MAX_LIST_BYTES = 64 * 1024 * 1024  # of one list, unpacked
PACKED_BELOW = 256 * 1024  # files of fewer bytes travel in packs
MAX_PACK_SIZE = 64 * 1024 * 1024
_MAX_MTIME = 1 << 40  # seconds, in the place that version 1.1 reads
_MAX_EXACT_MTIME = 10**15 - 1  # seconds, of either sign: with 16 characters JSON is still accepted
_MAX_LEFT = 1 << 32  # files that a seeder still reads: no file system has more

_CHUNK_SIZES = 8  # no content has more different ones
_HEX_DIGITS = frozenset("0123456789abcdef")

# A file as encode_line() writes it; nearly all lines are, and a room has 100,000 of them.
_NUMBER = "(0|[1-9][0-9]{0,13})"
_USUAL_FILE = re.compile(
    r'\["f",("(?:[^"\\\x00-\x1f]++|\\u[0-9a-f]{4}|\\["\\/bfnrt])*+"),'
    rf'{_NUMBER},"([0-9a-f]{{64}})",{_NUMBER},{_NUMBER},([01])\]'
)


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file of a share. Without content it is an original seeder's, which names no root."""

    path: str  # "/" between folders
    size: int  # bytes
    content: Content | None
    mtime: int | None = None  # seconds since 1970, None: unknown
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class FolderLine:
    """A folder of a share, which may be empty."""

    path: str
    mtime: int | None = None


@dataclass(frozen=True, slots=True)
class PackLine:
    """Small files of a share, joined: `count` of those below PACKED_BELOW bytes and not empty,
    sorted by the UTF-8 bytes of their paths, from the one with path `first` on.
    """

    content: Content
    first: str
    count: int


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """The seeder still reads its folder: these are not all of its files."""

    files_left: int  # that it has still to read


Line: TypeAlias = FileLine | FolderLine | PackLine | ReadingLine


def encode_line(line: Line) -> str:
    """Its text: pure ASCII, the same for the same line.

    Written out, for json.dumps() takes ten times as long, and a folder may have 200,000.
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
        case _:
            raise TypeError(line)


def decode_line(text: str) -> Line | None:
    """None for a kind of line that a later version has. Raises PeerProtocolError.

    A path may be stored under the reader's folder, but no name of it is fit to show yet.
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
        case ["f" | "d" | "p" | "r", *_]:
            raise PeerProtocolError("a line of a list with impossible fields")
        case [str(), *_]:
            return None
        case _:
            raise PeerProtocolError("not a line of a list")


def sort_key(path: str) -> bytes:
    """In which order the members of packs stand, on every machine."""
    return path.encode()


def _usual_file(
    quoted: str, size: str, root: str, chunk_size: str, mtime: str, is_executable: str
) -> FileLine:
    """The same as the long way, in a third of the time: a pattern proved these fields."""
    path = json.loads(quoted) if "\\" in quoted else quoted[1:-1]
    check_path(path)
    bytes_of_file, bytes_of_chunk = int(size), int(chunk_size)
    check_shape(bytes_of_file, bytes_of_chunk)
    content = _checked(Content(bytes.fromhex(root), bytes_of_file, bytes_of_chunk))
    seconds = _mtime(int(mtime), ())
    return FileLine(path, bytes_of_file, content, seconds, is_executable == "1")


def _mtime_fields(mtime: int | None) -> tuple[int, str]:
    """A time in its usual place, and what follows at the end of the line.

    Version 1.1 takes 0 for unknown and refuses other times up to 1970, with the whole line.
    """
    if mtime is None or 0 < mtime <= _MAX_MTIME:
        return mtime or 0, ""
    return 0, f",{mtime}" if abs(mtime) <= _MAX_EXACT_MTIME else ""


def _mtime(usual: int, more: Sequence[object]) -> int | None:
    """The time of a line from its usual place and from what follows at its end."""
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
    """Of nothing the root is known, and nobody would be asked for it."""
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
