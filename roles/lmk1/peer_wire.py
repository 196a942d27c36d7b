"""LMK/1 over TCP between a leecher and a seeder: bytes in, messages out. No sockets, no clock.

LMK/1 has no framing: the original takes for one message what one receive returns. Each reader here
takes bytes in any pieces and has three outcomes: a message, None for "not yet", or
PeerProtocolError.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import Enum
from typing import TypeGuard

from roles.lmk1.chunks import CHUNK_SIZE, chunk_count
from roles.values import strict_json
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.values.strict_json import JsonValue
from roles.wire.greeting import AWAY, ERROR, EXIT_CONNECTION

CONNECTED = b"connected"
ACKNOWLEDGED = b"acknolwedgement"  # so spelt by the original
REJECTED = b"error_notacknol"  # the same chunk again, please
ACK_SIZE = 15  # bytes of either word

HEADER = struct.Struct("<i32s")  # length in bytes, SHA-256 digest of the chunk
MAX_REQUEST = 1_024  # bytes; what an original seeder receives at once
MAX_CHUNKS = chunk_count(MAX_FILE_SIZE)

_REQUEST_START = b"send_file_chunk\n"
# Of a greeting that came in two segments: a later version's line, or no more than a line feed.
_GREETING_TAIL = re.compile(rb"\A(?:\n?\{[^\n]*\n|\n(?=[^{]))")
# JSON from its first bracket to the one that closes it; one inside a name does not.
_WHOLE_LIST = re.compile(rb'\s*\[(?:[^"\[\]]|"(?:[^"\\]|\\.)*+")*+\]\s*', re.DOTALL)


class SeederAnswer(Enum):
    """Seeder to leecher: whether it serves now."""

    CONNECTED = CONNECTED
    AWAY = AWAY
    ERROR = ERROR


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """Leecher to seeder: send me `count` chunks of this file from byte `offset` on."""

    name: str
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class ExitConnection:
    """Leecher to seeder: I want nothing after all."""


SecondMessage = RangeRequest | ExitConnection


def encode_range_request(request: RangeRequest) -> bytes:
    """The second message. Raises PeerProtocolError when an original could not receive it whole."""
    message = _REQUEST_START + strict_json.dumps([request.name, request.count, request.offset])
    if len(message) > MAX_REQUEST:
        raise PeerProtocolError("the file name is too long for LMK/1")
    return message


def encode_header(digest: bytes, length: int) -> bytes:
    """36 bytes that go before each chunk."""
    return HEADER.pack(length, digest)


class SecondMessageReader:
    """What a leecher says after `connected`, at a seeder.

    JSON ends where its closing bracket is.
    """

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> SecondMessage | None:
        """Take more bytes; raises PeerProtocolError for anything but the two messages."""
        self._buffer = _GREETING_TAIL.sub(b"", self._buffer + data, count=1)
        if len(self._buffer) > MAX_REQUEST:
            raise PeerProtocolError("a request that is too long")
        if self._buffer == EXIT_CONNECTION:
            return ExitConnection()
        if self._buffer.startswith(_REQUEST_START):
            return self._decode(self._buffer[len(_REQUEST_START) :])
        if self._buffer[:1] in (b"\n", b"{"):  # a later version's greeting has not ended yet
            return None
        if _REQUEST_START.startswith(self._buffer) or EXIT_CONNECTION.startswith(self._buffer):
            return None
        raise PeerProtocolError("neither send_file_chunk nor exit_connection")

    @staticmethod
    def _decode(text: bytes) -> RangeRequest | None:
        if not _WHOLE_LIST.match(text):
            return None
        match strict_json.loads(text):
            case [str(name), count, offset]:
                if _is_number(count, MAX_CHUNKS) and _is_number(offset, MAX_FILE_SIZE):
                    return RangeRequest(name, count, offset)
            case _:
                pass
        raise PeerProtocolError("a request with impossible numbers")


class SeederAnswerReader:
    """The seeder's one word, at a leecher."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> SeederAnswer | None:
        """Take more bytes; None while they may still become one of the three words."""
        self._buffer += data
        for answer in SeederAnswer:
            if self._buffer == answer.value:
                return answer
        if any(answer.value.startswith(self._buffer) for answer in SeederAnswer):
            return None
        raise PeerProtocolError("not a seeder: it answered something else")


class AckReader:
    """The leecher's 15-byte words, at a seeder; many may come ahead of the chunks."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bool]:
        """One bool per whole word: True to go on, False for the same chunk again."""
        self._buffer += data
        words = list[bool]()
        for start in range(0, len(self._buffer) - ACK_SIZE + 1, ACK_SIZE):
            word = self._buffer[start : start + ACK_SIZE]
            if word not in (ACKNOWLEDGED, REJECTED):
                raise PeerProtocolError("not an acknowledgement")
            words.append(word == ACKNOWLEDGED)
        self._buffer = self._buffer[len(words) * ACK_SIZE :]
        return words


def _is_number(value: JsonValue, most: int) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= most  # True is an int, but no number of ours


def decode_header(
    buffer: bytes | bytearray | memoryview, offset: int, *, expected_length: int
) -> bytes:
    """The digest of the chunk behind the header at this offset.

    Raises PeerProtocolError when the length is not the one that this chunk of this file must have:
    the file at the seeder is another one by now. `expected_length` is at most CHUNK_SIZE, so no
    stranger chooses how much is read.
    """
    length, digest = HEADER.unpack_from(buffer, offset)
    if length != expected_length or not 0 < expected_length <= CHUNK_SIZE:
        raise PeerProtocolError(
            f"a chunk of {length} bytes where {expected_length} belong: the file changed there"
        )
    assert isinstance(digest, bytes)
    return digest
