"""The frames that two LMK/2 peers exchange: kind, length of the body, body.

Numbers are in network byte order. See docs/PROTOCOL.md, section 3.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from roles.values.bitmaps import bitmap_size
from roles.values.content import DIGEST_SIZE, MAX_CHUNKS
from roles.values.errors import PeerProtocolError

PART = 256 * 1024  # bytes of a chunk in one frame; every peer accepts it, other frames wait for it
MAX_PART = 1024 * 1024  # bytes; only for peers that announce it, over fast connections
MAX_DIGESTS = 1_024  # in one frame, 32 KiB
MAX_REASON = 200  # bytes
MAX_BODY = 64 * 1024  # bytes, of frames other than CHUNK; the longest bitmap has 32 KiB
FIRST_SKIPPED_KIND = 64  # readers skip unknown kinds from here on, so later versions may add some

HEADER = struct.Struct(">BI")  # kind, length of the body
PART_HEAD = struct.Struct(">III")  # handle, index, offset; then the bytes
MAX_BITMAP = bitmap_size(MAX_CHUNKS)
CHUNK = 9  # the kind of frame that brings a part of a chunk; only its head is decoded here

T = TypeVar("T", bound="Frame")


def _root(part: bytes) -> bytes:
    if len(part) != DIGEST_SIZE:
        raise PeerProtocolError(f"{len(part)} bytes where {DIGEST_SIZE} belong")
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


@dataclass(frozen=True, slots=True)
class _Layout:
    """The body of one kind of frame: numbers, then perhaps one field of any length."""

    kind: int
    frame: Callable[..., Frame]
    fields: tuple[str, ...]
    numbers: struct.Struct
    last: Callable[[bytes], bytes | str] | None  # checks and decodes the last field


_BY_KIND: dict[int, _Layout] = {}
_BY_CLASS: dict[type, _Layout] = {}


def _frame(
    kind: int, numbers: str, last: Callable[[bytes], bytes | str] | None = None
) -> Callable[[type[T]], type[T]]:
    """Tells how the fields of a class are sent. `kind`: the first byte of such a frame."""

    def note(frame: type[T]) -> type[T]:
        fields = tuple(frame.__annotations__)
        layout = _Layout(kind, frame, fields, struct.Struct(numbers), last)
        _BY_KIND[kind] = _BY_CLASS[frame] = layout
        return frame

    return note


@_frame(1, ">I", _root)
@dataclass(frozen=True, slots=True)
class Open:
    """Leecher to sender: I want content `root`, and `handle` stands for it from now on."""

    handle: int
    root: bytes


@_frame(2, ">IQI", _bitmap)
@dataclass(frozen=True, slots=True)
class File:
    """Sender to leecher: the content's sizes in bytes, and the bitmap of the chunks I have."""

    handle: int
    size: int
    chunk_size: int
    have: bytes


@_frame(3, ">III")
@dataclass(frozen=True, slots=True)
class GetDigests:
    """Leecher to sender: send me the digests of `count` chunks, starting with `first`."""

    handle: int
    first: int
    count: int


@_frame(4, ">II", _digests)
@dataclass(frozen=True, slots=True)
class Digests:
    """Sender to leecher: the joined digests of the chunks from `first` on."""

    handle: int
    first: int
    digests: bytes


@_frame(5, ">I", _bitmap)
@dataclass(frozen=True, slots=True)
class Want:
    """Leecher to sender: send me any of these chunks. Replaces the last WANT of this handle.

    An empty bitmap frees the handle.
    """

    handle: int
    chunks: bytes


@_frame(6, ">II")
@dataclass(frozen=True, slots=True)
class Offer:
    """Sender to leecher: I can send this chunk now."""

    handle: int
    index: int


@_frame(7, ">II")
@dataclass(frozen=True, slots=True)
class Take:
    """Leecher to sender: go ahead."""

    handle: int
    index: int


@_frame(8, ">II", _bitmap)
@dataclass(frozen=True, slots=True)
class Decline:
    """Leecher to sender: not this chunk, but any of these."""

    handle: int
    index: int
    chunks: bytes


@_frame(10, ">II")
@dataclass(frozen=True, slots=True)
class Cancel:
    """Leecher to sender: stop sending this chunk, another peer has sent it."""

    handle: int
    index: int


@_frame(11, ">I")
@dataclass(frozen=True, slots=True)
class Place:
    """Sender to leecher: your position in the queue; 0: you have left it."""

    position: int


@_frame(12, ">I", _text)
@dataclass(frozen=True, slots=True)
class Gone:
    """Sender to leecher: I do not have this content (any more)."""

    handle: int
    reason: str


@_frame(13, "")
@dataclass(frozen=True, slots=True)
class Alive:
    """Either to the other: I am still here."""


@_frame(14, "", _text)
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
    layout = _BY_CLASS[type(frame)]
    values = [getattr(frame, name) for name in layout.fields]
    last = b""
    if layout.last is not None:
        last = values.pop()
        last = last.encode()[:MAX_REASON] if isinstance(last, str) else last
    body = layout.numbers.pack(*values) + last
    return HEADER.pack(layout.kind, len(body)) + body


def encode_part_head(handle: int, index: int, offset: int, length: int) -> bytes:
    """The start of a CHUNK frame; `length` bytes from `offset` in the chunk follow it."""
    head = PART_HEAD.pack(handle, index, offset)
    return HEADER.pack(CHUNK, len(head) + length) + head


def decode_header(header: bytes | bytearray | memoryview) -> tuple[int, int]:
    """Kind and length of the body. Raises PeerProtocolError for an impossible one."""
    kind, length = HEADER.unpack_from(header)
    most = MAX_PART + PART_HEAD.size if kind == CHUNK else MAX_BODY
    if length > most:
        raise PeerProtocolError(f"a frame of {length} bytes")
    if kind == CHUNK and length <= PART_HEAD.size:
        raise PeerProtocolError("a part of a chunk without bytes")
    if kind != CHUNK and kind not in _BY_KIND and kind < FIRST_SKIPPED_KIND:
        raise PeerProtocolError(f"a frame of kind {kind}")
    return kind, length


def decode(kind: int, body: bytes) -> Frame | None:
    """`kind` passed decode_header() and is not CHUNK, whose bytes go directly into the chunk's
    buffer. None for one that only later versions know. Raises PeerProtocolError.
    """
    layout = _BY_KIND.get(kind)
    if layout is None:
        return None
    size = layout.numbers.size
    if len(body) < size or (len(body) > size and layout.last is None):
        raise PeerProtocolError(f"a frame of kind {kind} with {len(body)} bytes")
    numbers = layout.numbers.unpack_from(body)
    if layout.last is None:
        return layout.frame(*numbers)
    return layout.frame(*numbers, layout.last(body[size:]))


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
            if kind == CHUNK:
                raise PeerProtocolError("a leecher that sends chunks")
            end = position + HEADER.size + length
            if len(self._buffer) < end:
                break
            frame = decode(kind, bytes(self._buffer[position + HEADER.size : end]))
            frames += [] if frame is None else [frame]
            position = end
        del self._buffer[:position]
        return frames
