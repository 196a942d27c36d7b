"""What LMK/1 leechers and seeders send each other over TCP.

LMK/1 has no framing: originals treat what one receive returns as one message. The readers here
accept bytes in any pieces, and return a message, or None for "not yet", or raise PeerProtocolError.
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
ACKNOWLEDGED = b"acknolwedgement"  # the original's spelling
REJECTED = b"error_notacknol"  # asks for the same chunk again
ACK_SIZE = 15  # bytes of either word

HEADER = struct.Struct("<i32s")  # length in bytes, SHA-256 digest of the chunk
MAX_REQUEST = 1_024  # bytes; the receive buffer of an original seeder
MAX_CHUNKS = chunk_count(MAX_FILE_SIZE)

_REQUEST_START = b"send_file_chunk\n"
# The rest of a greeting that came in two segments: a later version's line, or just a line feed.
_GREETING_TAIL = re.compile(rb"\A(?:\n?\{[^\n]*\n|\n(?=[^{]))")
# JSON from its first bracket to the matching one; brackets inside names do not count.
_WHOLE_LIST = re.compile(rb'\s*\[(?:[^"\[\]]|"(?:[^"\\]|\\.)*+")*+\]\s*', re.DOTALL)


class SeederAnswer(Enum):
    """Seeder to leecher: whether I serve you now."""

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
    """Raises PeerProtocolError if an original could not receive it in one piece."""
    message = _REQUEST_START + strict_json.dumps([request.name, request.count, request.offset])
    if len(message) > MAX_REQUEST:
        raise PeerProtocolError("the file name is too long for LMK/1")
    return message


def encode_header(digest: bytes, length: int) -> bytes:
    """The 36 bytes before each chunk."""
    return HEADER.pack(length, digest)


class SecondMessageReader:
    """Reads what a leecher sends after `connected`. A request ends with its closing bracket."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> SecondMessage | None:
        """None until the message is complete. Raises PeerProtocolError for any other message."""
        self._buffer = _GREETING_TAIL.sub(b"", self._buffer + data, count=1)
        if len(self._buffer) > MAX_REQUEST:
            raise PeerProtocolError("a request that is too long")
        if self._buffer == EXIT_CONNECTION:
            return ExitConnection()
        if self._buffer.startswith(_REQUEST_START):
            return self._decode(self._buffer[len(_REQUEST_START) :])
        if self._buffer[:1] in (b"\n", b"{"):  # the rest of a greeting
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
    """Reads a seeder's answer to the greeting."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> SeederAnswer | None:
        """None until the word is complete. Raises PeerProtocolError for any other word."""
        self._buffer += data
        for answer in SeederAnswer:
            if self._buffer == answer.value:
                return answer
        if any(answer.value.startswith(self._buffer) for answer in SeederAnswer):
            return None
        raise PeerProtocolError("not a seeder: it answered something else")


class AckReader:
    """Reads a leecher's acknowledgements, of which many may come before their chunks."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bool]:
        """One bool per complete word: True for the next chunk, False for the same one again.

        Raises PeerProtocolError.
        """
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
    return type(value) is int and 0 <= value <= most  # isinstance() would accept True


def decode_header(
    buffer: bytes | bytearray | memoryview, offset: int, *, expected_length: int
) -> bytes:
    """The digest in the header at `offset` in `buffer`.

    Raises PeerProtocolError if the chunk does not have `expected_length` bytes, because then the
    seeder's file has changed. The seeder cannot choose how much we read.
    """
    length, digest = HEADER.unpack_from(buffer, offset)
    if length != expected_length or not 0 < expected_length <= CHUNK_SIZE:
        raise PeerProtocolError(
            f"a chunk of {length} bytes where {expected_length} belong: the file changed there"
        )
    assert isinstance(digest, bytes)
    return digest
