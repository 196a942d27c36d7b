"""What both sides of a connection say until they have proved that they belong to a private room
(docs/PROTOCOL.md, 3.18). Pure: bytes only.

First each side sends one line in clear. Then, in TLS, comes either SPAKE2 with the room's code (a
member that joins, at the tracker) or a proof by the room's secret (all others). Every message has a
fixed length, so nothing can be slipped in.
"""

from __future__ import annotations

import hmac
import math
import re
from enum import Enum

from roles.values.errors import PeerProtocolError
from roles.wire.list_wire import ASKS_FOR_PRIVATE

GREETING = ASKS_FOR_PRIVATE + b"1\n"  # 1 is the version of this exchange
ROOM_DIGITS = 16
ANSWER_SIZE = len(GREETING) + ROOM_DIGITS + 1
SECRET_SIZE = NONCE_SIZE = 32  # bytes
MEMBER = b"lmk-member"  # the identity of A in SPAKE2

JOIN, PROVE = b"j", b"p"  # how the first message within TLS begins
YES, NO = b"+", b"-"  # how each answer begins

_ANSWER = re.compile(GREETING.rstrip() + rb" ([0-9a-f]{%d})\n" % ROOM_DIGITS)


class Side(Enum):
    """One side of a connection."""

    DIALLED = b"dialled"
    ACCEPTED = b"accepted"


def answer_of(room: str) -> bytes:
    """The line that answers GREETING."""
    return GREETING.rstrip() + b" " + room.encode() + b"\n"


def room_of(answer: bytes) -> str:
    """The id of the room that answers. Raises PeerProtocolError."""
    match = _ANSWER.fullmatch(answer)
    if match is None:
        raise PeerProtocolError("it does not take part in a private room of our version")
    return match[1].decode()


def tracker_identity(room: str, certificate: bytes) -> bytes:
    """The identity of B in SPAKE2. `certificate`: its SHA-256."""
    return b"lmk-tracker|" + room.encode() + b"|" + certificate


def clear_words(room: str) -> bytes:
    """Both lines that were sent in clear."""
    return GREETING + answer_of(room)


def secret_proof(
    secret: bytes, side: Side, room: str, certificate: bytes, dialled: bytes, accepted: bytes
) -> bytes:
    """What this side sends to prove that it knows the room's secret.

    `certificate`: the SHA-256 of the accepting side's; `dialled` and `accepted`: the nonces of the
    two sides. Each part has a fixed length.
    """
    said = b"lmk private room 1|" + side.value.ljust(8) + room.encode()
    return hmac.digest(secret, said + certificate + dialled + accepted, "sha256")


def refusal(number: float) -> bytes:
    """NO and one byte: the seconds to wait before a try; after a wrong code, the tries that are
    left before a pause.
    """
    return NO + bytes((min(255, math.ceil(number)),))
