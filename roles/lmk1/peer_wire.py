"""What LMK/1 leechers and seeders send each other over TCP.

LMK/1 has no framing: originals treat what one receive returns as one message. Here
bytes may come in any pieces.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import Enum
from typing import TypeGuard

from roles.values import strict_json
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.values.strict_json import JsonValue
from roles.wire.greeting import AWAY, ERROR, EXIT_CONNECTION

CHUNK_SIZE = 5_120  # bytes, fixed by the original
CONNECTED = b"connected"
ACKNOWLEDGED = b"acknolwedgement"  # the original's spelling
REJECTED = b"error_notacknol"  # asks for the same chunk again
ACK_SIZE = 15  # bytes of either word

HEADER = struct.Struct("<i32s")  # length in bytes, SHA-256 digest of the chunk
MAX_REQUEST = 1_024  # bytes; the receive buffer of an original seeder
MAX_CHUNKS = -(-MAX_FILE_SIZE // CHUNK_SIZE)

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


def chunk_count(size: int) -> int:
    """`size` in bytes; an empty file has no chunk."""
    return -(-size // CHUNK_SIZE)


def chunk_length(index: int, size: int) -> int:
    """Bytes in chunk `index`: CHUNK_SIZE, or less for the last one."""
    return min(CHUNK_SIZE, size - index * CHUNK_SIZE)


def encode_range_request(request: RangeRequest) -> bytes:
    """Raises PeerProtocolError if an original could not receive it in one piece."""
    message = _REQUEST_START + strict_json.dumps([request.name, request.count, request.offset])
    if len(message) > MAX_REQUEST:
        raise PeerProtocolError("the file name is too long for LMK/1")
    return message


def decode_second_message(received: bytes) -> SecondMessage | None:
    """Read all that a leecher has sent after `connected`; None if more must come.

    A request ends with its closing bracket. Raises PeerProtocolError for any other message.
    """
    received = _GREETING_TAIL.sub(b"", received, count=1)
    if len(received) > MAX_REQUEST:
        raise PeerProtocolError("a request that is too long")
    if received == EXIT_CONNECTION:
        return ExitConnection()
    if received.startswith(_REQUEST_START):
        return _decode_request(received.removeprefix(_REQUEST_START))
    if received[:1] in (b"\n", b"{"):  # the rest of a greeting
        return None
    if _REQUEST_START.startswith(received) or EXIT_CONNECTION.startswith(received):
        return None
    raise PeerProtocolError("neither send_file_chunk nor exit_connection")


def _decode_request(text: bytes) -> RangeRequest | None:
    if not _WHOLE_LIST.match(text):
        return None
    match strict_json.loads(text):
        case [str(name), count, offset]:
            if _is_number(count, MAX_CHUNKS) and _is_number(offset, MAX_FILE_SIZE):
                return RangeRequest(name, count, offset)
        case _:
            pass
    raise PeerProtocolError("a request with impossible numbers")


def decode_seeder_answer(received: bytes) -> SeederAnswer | None:
    """Read all that a seeder has answered to the greeting; None if more must come.

    Raises PeerProtocolError for any other word.
    """
    for answer in SeederAnswer:
        if received == answer.value:
            return answer
    if any(answer.value.startswith(received) for answer in SeederAnswer):
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
