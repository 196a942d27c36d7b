"""The lines of a share's list: one file, folder or pack each, as compact JSON text.

The tracker passes lines on as they are; readers decode them, and trust nothing. Pure values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeAlias

from roles import strict_json
from roles.content import DIGEST_SIZE, Content, check_shape
from roles.errors import PeerProtocolError
from roles.safe_names import check_path

MAX_LINE = 4_096  # bytes: a path of 1,024 in \u escapes, and room for the rest
MAX_SHARE_FILES = 200_000  # lines of one share
MAX_ROOM_FILES = 400_000  # lines of all shares together
MAX_LIST_BYTES = 64 * 1024 * 1024  # of one list, unpacked
PACKED_BELOW = 256 * 1024  # files of fewer bytes travel in packs
MAX_PACK_SIZE = 64 * 1024 * 1024
_MAX_MTIME = 1 << 40  # seconds: no clock shows it, and every file system refuses more


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file of a share. Without content it is an original seeder's, which names no root."""

    path: str  # "/" between folders
    size: int  # bytes
    content: Content | None
    mtime: int = 0  # seconds since 1970, 0: unknown
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class FolderLine:
    """A folder of a share, which may be empty."""

    path: str
    mtime: int = 0


@dataclass(frozen=True, slots=True)
class PackLine:
    """Small files of a share, joined: `count` of those below PACKED_BELOW bytes and not empty,
    sorted by the UTF-8 bytes of their paths, from the one with path `first` on.
    """

    content: Content
    first: str
    count: int


Line: TypeAlias = FileLine | FolderLine | PackLine


def encode_line(line: Line) -> str:
    """Its text: pure ASCII, the same for the same line."""
    match line:
        case FileLine(path, size, None):
            value: list[object] = ["f", path, size]
        case FileLine(path, size, Content() as content, mtime, is_executable):
            root = content.root.hex()
            value = ["f", path, size, root, content.chunk_size, mtime, int(is_executable)]
        case FolderLine(path, mtime):
            value = ["d", path, mtime]
        case PackLine(content, first, count):
            value = ["p", first, count, content.size, content.root.hex(), content.chunk_size]
        case _:
            raise TypeError(line)
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def decode_line(text: str) -> Line | None:
    """None for a kind of line that a later version has. Raises PeerProtocolError.

    A path may be stored under the reader's folder, but no name of it is fit to show yet.
    """
    if len(text) > MAX_LINE:
        raise PeerProtocolError(f"a line of {len(text)} characters in a list")
    match strict_json.loads(text.encode(), most=MAX_LINE):
        case ["f", str(path), int(size)]:
            check_path(path)
            return FileLine(path, _number(size, 1 << 40), None)
        case ["f", str(path), int(size), str(root), int(chunk_size), int(mtime), is_executable, *_]:
            check_path(path)
            content = _content(root, size, chunk_size)
            return FileLine(path, size, content, _number(mtime, _MAX_MTIME), is_executable == 1)
        case ["d", str(path), int(mtime), *_]:
            check_path(path)
            return FolderLine(path, _number(mtime, _MAX_MTIME))
        case ["p", str(first), int(count), int(size), str(root), int(chunk_size), *_]:
            check_path(first)
            if not 0 < size <= MAX_PACK_SIZE:
                raise PeerProtocolError(f"a pack of {size} bytes")
            content = _content(root, size, chunk_size)
            return PackLine(content, first, _number(count, MAX_SHARE_FILES))
        case ["f" | "d" | "p", *_]:
            raise PeerProtocolError("a line of a list with impossible fields")
        case [str(), *_]:
            return None
        case _:
            raise PeerProtocolError("not a line of a list")


def sort_key(path: str) -> bytes:
    """In which order the members of packs stand, on every machine."""
    return path.encode()


def _content(root: str, size: int, chunk_size: int) -> Content:
    check_shape(size, chunk_size)
    if len(root) != 2 * DIGEST_SIZE or not set(root) <= set("0123456789abcdef"):
        raise PeerProtocolError("a root that is no digest")
    return Content(bytes.fromhex(root), size, chunk_size)


def _number(value: int, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:  # True is an int, but no number of ours
        raise PeerProtocolError("an impossible number in a list")
    return value
