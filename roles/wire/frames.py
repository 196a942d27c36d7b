"""The frames that two LMK/2 peers exchange: kind, length of the body, body.

Numbers are in network byte order. See docs/PROTOCOL.md, section 3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from roles.values.content import DIGEST_SIZE, MAX_CHUNKS, bitmap_size
from roles.values.errors import PeerProtocolError

PART = 256 * 1024  # bytes of a chunk in one frame; every peer accepts it, other frames wait for it
MAX_PART = 1024 * 1024  # bytes; only for peers that announce it, over fast connections
MAX_DIGESTS = 1_024  # in one frame, 32 KiB
MAX_REASON = 200  # bytes
MAX_BODY = 64 * 1024  # bytes, of frames other than CHUNK; the longest bitmap has 32 KiB
FIRST_SKIPPED_KIND = 64  # readers skip unknown kinds from here on, so later versions may add some

HEADER = struct.Struct(">BI")  # kind, length of the body
PART_HEAD = struct.Struct(">III")  # handle, index, offset; then the bytes
_HANDLE = struct.Struct(">I")
_PAIR = struct.Struct(">II")  # handle, index
_FILE = struct.Struct(">IQI")  # handle, size, chunk size; then the bitmap
_SPAN = struct.Struct(">III")  # handle, first, count
MAX_BITMAP = bitmap_size(MAX_CHUNKS)


class Kind(IntEnum):
    """The number is the first byte of a frame."""

    OPEN = 1
    FILE = 2
    GET_DIGESTS = 3
    DIGESTS = 4
    WANT = 5
    OFFER = 6
    TAKE = 7
    DECLINE = 8
    CHUNK = 9
    CANCEL = 10
    PLACE = 11
    GONE = 12
    ALIVE = 13
    BYE = 14


_KINDS = {int(kind): kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Open:
    """Leecher to sender: I want content `root`, and `handle` stands for it from now on."""

    handle: int
    root: bytes


@dataclass(frozen=True, slots=True)
class File:
    """Sender to leecher: the content's sizes in bytes, and the bitmap of the chunks I have."""

    handle: int
    size: int
    chunk_size: int
    have: bytes


@dataclass(frozen=True, slots=True)
class GetDigests:
    """Leecher to sender: send me the digests of `count` chunks, starting with `first`."""

    handle: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Digests:
    """Sender to leecher: the joined digests of the chunks from `first` on."""

    handle: int
    first: int
    digests: bytes


@dataclass(frozen=True, slots=True)
class Want:
    """Leecher to sender: send me any of these chunks. Replaces the last WANT of this handle.

    An empty bitmap frees the handle.
    """

    handle: int
    chunks: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """Sender to leecher: I can send this chunk now."""

    handle: int
    index: int


@dataclass(frozen=True, slots=True)
class Take:
    """Leecher to sender: go ahead."""

    handle: int
    index: int


@dataclass(frozen=True, slots=True)
class Decline:
    """Leecher to sender: not this chunk, but any of these."""

    handle: int
    index: int
    chunks: bytes


@dataclass(frozen=True, slots=True)
class Cancel:
    """Leecher to sender: stop sending this chunk, another peer has sent it."""

    handle: int
    index: int


@dataclass(frozen=True, slots=True)
class Place:
    """Sender to leecher: your position in the queue; 0: you have left it."""

    position: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Sender to leecher: I do not have this content (any more)."""

    handle: int
    reason: str


@dataclass(frozen=True, slots=True)
class Alive:
    """Either to the other: I am still here."""


@dataclass(frozen=True, slots=True)
class Bye:
    """Either to the other: I close this connection now."""

    reason: str


Frame: TypeAlias = (
    Open
    | File
    | GetDigests
    | Digests
    | Want
    | Offer
    | Take
    | Decline
    | Cancel
    | Place
    | Gone
    | Alive
    | Bye
)


def encode(frame: Frame) -> bytes:
    kind, body = _body_of(frame)
    return HEADER.pack(kind, len(body)) + body


def encode_part_head(handle: int, index: int, offset: int, length: int) -> bytes:
    """The start of a CHUNK frame; `length` bytes from `offset` in the chunk follow it."""
    head = PART_HEAD.pack(handle, index, offset)
    return HEADER.pack(Kind.CHUNK, len(head) + length) + head


def decode_header(header: bytes | bytearray | memoryview) -> tuple[int, int]:
    """Kind and length of the body. Raises PeerProtocolError for an impossible one."""
    kind, length = HEADER.unpack_from(header)
    most = MAX_PART + PART_HEAD.size if kind == Kind.CHUNK else MAX_BODY
    if length > most:
        raise PeerProtocolError(f"a frame of {length} bytes")
    if kind == Kind.CHUNK and length <= PART_HEAD.size:
        raise PeerProtocolError("a part of a chunk without bytes")
    _known(kind)
    return kind, length


def decode(kind: int, body: bytes) -> Frame | None:
    """None for a kind that only later versions know. Raises PeerProtocolError.

    Not for Kind.CHUNK, whose bytes are received directly into the chunk's buffer.
    """
    known = _known(kind)
    if known is None:
        return None
    try:
        return _decode(known, body)
    except struct.error:
        raise PeerProtocolError(f"a frame of kind {kind} with {len(body)} bytes") from None


class FrameBuffer:
    """Splits what a leecher sends into frames. A leecher sends no CHUNK frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether the last frame is complete."""
        return not self._buffer

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. Raises PeerProtocolError."""
        self._buffer += data
        frames, position = list[Frame](), 0
        while len(self._buffer) - position >= HEADER.size:
            kind, length = decode_header(memoryview(self._buffer)[position:])
            if kind == Kind.CHUNK:
                raise PeerProtocolError("a leecher that sends chunks")
            end = position + HEADER.size + length
            if len(self._buffer) < end:
                break
            frame = decode(kind, bytes(self._buffer[position + HEADER.size : end]))
            frames += [] if frame is None else [frame]
            position = end
        del self._buffer[:position]
        return frames


def _known(kind: int) -> Kind | None:
    """None for a kind to skip. Raises PeerProtocolError for a forbidden one."""
    known = _KINDS.get(kind)
    if known is None and kind < FIRST_SKIPPED_KIND:
        raise PeerProtocolError(f"a frame of kind {kind}")
    return known


def _body_of(frame: Frame) -> tuple[Kind, bytes]:
    match frame:
        case Open(handle, root):
            return Kind.OPEN, _HANDLE.pack(handle) + root
        case File(handle, size, chunk_size, have):
            return Kind.FILE, _FILE.pack(handle, size, chunk_size) + have
        case GetDigests(handle, first, count):
            return Kind.GET_DIGESTS, _SPAN.pack(handle, first, count)
        case Digests(handle, first, digests):
            return Kind.DIGESTS, _PAIR.pack(handle, first) + digests
        case Want(handle, chunks):
            return Kind.WANT, _HANDLE.pack(handle) + chunks
        case Offer(handle, index):
            return Kind.OFFER, _PAIR.pack(handle, index)
        case Take(handle, index):
            return Kind.TAKE, _PAIR.pack(handle, index)
        case Decline(handle, index, chunks):
            return Kind.DECLINE, _PAIR.pack(handle, index) + chunks
        case Cancel(handle, index):
            return Kind.CANCEL, _PAIR.pack(handle, index)
        case Place(position):
            return Kind.PLACE, _HANDLE.pack(position)
        case Gone(handle, reason):
            return Kind.GONE, _HANDLE.pack(handle) + _text_bytes(reason)
        case Alive():
            return Kind.ALIVE, b""
        case Bye(reason):
            return Kind.BYE, _text_bytes(reason)


def _decode(kind: Kind, body: bytes) -> Frame:
    match kind:
        case Kind.OPEN:
            return Open(_handle(body), _exactly(body[_HANDLE.size :], DIGEST_SIZE))
        case Kind.FILE:
            handle, size, chunk_size = _FILE.unpack_from(body)
            return File(handle, size, chunk_size, _bitmap(body[_FILE.size :]))
        case Kind.GET_DIGESTS:
            return GetDigests(*_SPAN.unpack(body))
        case Kind.DIGESTS:
            handle, first = _PAIR.unpack_from(body)
            return Digests(handle, first, _digests(body[_PAIR.size :]))
        case Kind.WANT:
            return Want(_handle(body), _bitmap(body[_HANDLE.size :]))
        case Kind.OFFER:
            return Offer(*_PAIR.unpack(body))
        case Kind.TAKE:
            return Take(*_PAIR.unpack(body))
        case Kind.DECLINE:
            handle, index = _PAIR.unpack_from(body)
            return Decline(handle, index, _bitmap(body[_PAIR.size :]))
        case Kind.CANCEL:
            return Cancel(*_PAIR.unpack(body))
        case Kind.PLACE:
            return Place(*_HANDLE.unpack(body))
        case Kind.GONE:
            return Gone(_handle(body), _text(body[_HANDLE.size :]))
        case Kind.ALIVE:
            return Alive()
        case Kind.BYE:
            return Bye(_text(body))
        case Kind.CHUNK:
            raise PeerProtocolError("a chunk where none belongs")


def _handle(body: bytes) -> int:
    handle: int = _HANDLE.unpack_from(body)[0]
    return handle


def _exactly(part: bytes, size: int) -> bytes:
    if len(part) != size:
        raise PeerProtocolError(f"{len(part)} bytes where {size} belong")
    return part


def _bitmap(part: bytes) -> bytes:
    if len(part) > MAX_BITMAP:
        raise PeerProtocolError(f"a bitmap of {len(part)} bytes")
    return part


def _digests(part: bytes) -> bytes:
    if len(part) % DIGEST_SIZE or len(part) > MAX_DIGESTS * DIGEST_SIZE:
        raise PeerProtocolError(f"digests of {len(part)} bytes")
    return part


def _text(part: bytes) -> str:
    return part[:MAX_REASON].decode("utf-8", "replace")


def _text_bytes(text: str) -> bytes:
    return text.encode()[:MAX_REASON]
