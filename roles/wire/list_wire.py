"""LMK/2 with a tracker over TCP, both sides: how lists of shares are transferred.

Each side sends one line of JSON; a compressed list may follow it (docs/PROTOCOL.md, section 3).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from roles.values import strict_json
from roles.values.errors import PeerProtocolError
from roles.values.list_lines import MAX_LINE, MAX_LIST_BYTES
from roles.values.safe_names import MAX_WIRE_BYTES
from roles.values.strict_json import JsonValue
from roles.wire.fields import (
    cut,
    extras_of,
    id_of,
    is_id,
    is_port,
    is_share,
    number_of,
    shown,
    version_of,
)

MAX_CALL = 2_048  # bytes of the first line: room for a folder name of 255 \u escapes
MAX_PACKED = 16 * 1024 * 1024  # bytes from a seeder; 200,000 lines compress to half of it
MAX_PACKED_ANSWER = MAX_LIST_BYTES  # zlib hardly ever makes data longer
MAX_ENTRY = MAX_LINE + 1  # characters: a mark and a line
_FOLDER_ROOM = MAX_CALL - 512  # bytes of JSON; the rest is for the other fields
_MAX_TEXT = 200  # characters of a refusal
_MAX_CODE = 20
_STEP = 64 * 1024  # bytes to decompress at once
_LEVEL = 3  # zlib: saves two thirds of what level 9 does, in a fifth of the time

# How a private room is asked for, a version behind it, and what the tracker of an open one answers.
ASKS_FOR_PRIVATE, OPEN_ANSWER = b"lmk_private ", b"lmk_open\n"

# The mark that begins each line of a list; a line for list_lines.decode_line follows the first two.
ADDED, REMOVED, SHARE, GONE = "+", "-", "S", "X"


@dataclass(frozen=True, slots=True)
class AskList:
    """Leecher to tracker: send me the changes since this version, or the whole list."""

    since: str = ""  # "" for the whole list


@dataclass(frozen=True, slots=True)
class AskRoom:
    """Anyone to tracker: who is in the room?"""


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """Member of a private room to tracker: records follow, each a message of tracker_wire."""


@dataclass(frozen=True, slots=True)
class TellList:
    """Seeder to tracker: my share's list, or its changes, follows."""

    share: str
    folder: str  # name of the shared folder
    peer: str
    port: int  # where it accepts connections
    is_whole: bool
    base: int  # the revision to which the changes apply
    revision: int  # the revision after them
    packed: int  # bytes that follow; the tracker checks it against MAX_PACKED


Call: TypeAlias = AskList | AskRoom | OpenChannel | TellList


@dataclass(frozen=True, slots=True)
class ListFollows:
    """Tracker to leecher: the list of this version, or the changes up to it, follow."""

    version: str
    is_whole: bool
    packed: int  # bytes that follow


@dataclass(frozen=True, slots=True)
class RoomFollows:
    """Tracker to anyone: a line for each program follows, for room_wire."""

    packed: int  # bytes that follow


@dataclass(frozen=True, slots=True)
class Taken:
    """Tracker to seeder: I accept your list, or refuse it."""

    is_taken: bool
    code: str = ""  # a tracker_messages.Code, or one that a later version added
    text: str = ""


Reply: TypeAlias = ListFollows | RoomFollows | Taken


@dataclass(frozen=True, slots=True)
class ShareOpened:
    """The next lines belong to this share."""

    share: str
    folder: str  # its name, as sent


@dataclass(frozen=True, slots=True)
class ShareGone:
    """Nobody offers this share any longer."""

    share: str


def encode_call(call: Call) -> bytes:
    """Includes the line feed."""
    match call:
        case AskList(since):
            line: dict[str, object] = {"lmk": 2, "ask": "list", "since": since}
        case AskRoom():
            line = {"lmk": 2, "ask": "room"}
        case OpenChannel():
            line = {"lmk": 2, "ask": "talk"}
        case TellList(share, folder, peer, port, is_whole, base, revision, packed):
            line = {"lmk": 2, "tell": "list", "share": share, "folder": cut(folder, _FOLDER_ROOM)}
            line |= {"peer": peer, "port": port, "whole": is_whole}
            line |= {"base": base, "revision": revision, "packed": packed}
    return strict_json.dumps(line) + b"\n"


def decode_call(line: bytes) -> Call:
    """`line` has no line feed. Raises PeerProtocolError."""
    match _object(line):
        case {"ask": "list", "since": since}:
            return AskList(version_of(since))
        case {"ask": "room"}:
            return AskRoom()
        case {"ask": "talk"}:
            return OpenChannel()
        case {
            "tell": "list",
            "share": str(share),
            "folder": str(folder),
            "peer": peer,
            "port": int(port),
            "whole": bool(is_whole),
            "base": base,
            "revision": revision,
            "packed": packed,
        } if is_id(share) and _is_folder(folder) and is_port(port):
            base, revision = number_of(base), number_of(revision)
            return TellList(
                share, folder, id_of(peer), port, is_whole, base, revision, number_of(packed)
            )
        case _:
            raise PeerProtocolError("not a call that a tracker knows")


def encode_reply(reply: Reply) -> bytes:
    """Includes the line feed."""
    match reply:
        case ListFollows(version, is_whole, packed):
            line: dict[str, object] = {"lmk": 2, "version": version}
            line |= {"whole": is_whole, "packed": packed}
        case RoomFollows(packed):
            line = {"lmk": 2, "room": packed}
        case Taken(is_taken, code, text):
            line = {"lmk": 2, "taken": is_taken}
            if not is_taken:
                line |= {"code": code, "text": cut(text, _MAX_TEXT)}
    return strict_json.dumps(line) + b"\n"


def decode_reply(line: bytes) -> Reply:
    """`line` has no line feed. Raises PeerProtocolError."""
    match _object(line):
        case {"version": version, "whole": bool(is_whole), "packed": packed}:
            if number_of(packed) > MAX_PACKED_ANSWER:
                raise PeerProtocolError(f"a list of {packed} bytes")
            return ListFollows(version_of(version), is_whole, number_of(packed))
        case {"room": packed}:
            if number_of(packed) > MAX_PACKED:
                raise PeerProtocolError(f"a room of {packed} bytes")
            return RoomFollows(number_of(packed))
        case {"taken": True}:
            return Taken(True)
        case {"taken": False, "code": str(code), **rest}:
            return Taken(False, code[:_MAX_CODE], shown(rest.get("text"), _MAX_TEXT))
        case _:
            raise PeerProtocolError("not a tracker's answer to a call")


def encode_share(entry: ShareOpened | ShareGone) -> str:
    """One line of a list, without line feed."""
    match entry:
        case ShareOpened(share, folder):
            return SHARE + strict_json.dumps([share, cut(folder, _FOLDER_ROOM)]).decode()
        case ShareGone(share):
            return GONE + strict_json.dumps(share).decode()


def decode_share(text: str) -> ShareOpened | ShareGone:
    """`text` begins with SHARE or GONE. Raises PeerProtocolError."""
    mark = text[:1]
    match strict_json.loads(text[1:].encode(errors="replace"), most=MAX_CALL):
        case [str(share), str(folder), *_] if mark == SHARE and is_share(share):
            if _is_folder(folder):
                return ShareOpened(share, folder)
        case str(share) if mark == GONE and is_share(share):
            return ShareGone(share)
        case _:
            pass
    raise PeerProtocolError("a line of a list that cannot be read")


class Packer:
    """Compresses a list line by line."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(_LEVEL)

    def pack(self, text: str) -> bytes:
        """Add a line, or several with line feeds between; returns what zlib has ready, if any."""
        return self._zlib.compress(text.encode() + b"\n")

    def end(self) -> bytes:
        """The remaining compressed bytes."""
        return self._zlib.flush()


class Unpacker:
    """Decompresses a list as it arrives, a few lines at a time even if they compressed well."""

    def __init__(self, *, most: int = MAX_LIST_BYTES) -> None:
        """`most`: bytes of all lines together."""
        self._zlib = zlib.decompressobj()
        self._most = most
        self._begun = b""  # a line whose end has not arrived

    def lines(self, received: bytes) -> Iterator[str]:
        """The lines that these bytes complete; exhaust it before the next call.

        Raises PeerProtocolError.
        """
        while True:
            try:
                text = self._zlib.decompress(received, _STEP)
            except zlib.error as error:
                raise PeerProtocolError(f"a list that cannot be decompressed: {error}") from None
            received = self._zlib.unconsumed_tail
            self._most -= len(text)
            if self._most < 0:
                raise PeerProtocolError("a list that is too long when decompressed")
            yield from self._whole_lines(text)
            if self._zlib.unused_data:
                raise PeerProtocolError("bytes after a compressed list")
            if not received and len(text) < _STEP:
                break

    def end(self) -> None:
        """Raise PeerProtocolError if the list is not complete."""
        if not self._zlib.eof or self._begun:
            raise PeerProtocolError("a list that ends too soon")

    def _whole_lines(self, text: bytes) -> Iterator[str]:
        *whole, begun = (self._begun + text).split(b"\n")
        self._begun = begun
        if len(begun) > MAX_ENTRY:
            raise PeerProtocolError("a line of a list without an end")
        for line in whole:
            if not 0 < len(line) <= MAX_ENTRY:
                raise PeerProtocolError(f"a line of {len(line)} bytes in a list")
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise PeerProtocolError("a line of a list that is not UTF-8") from None


def _is_folder(name: str) -> bool:
    return len(name.encode()) <= MAX_WIRE_BYTES


def _object(line: bytes) -> dict[str, JsonValue]:
    value = extras_of(line, most=MAX_CALL)
    if value is None:
        raise PeerProtocolError("not a line of LMK/2")
    return value
