"""Greets a peer that we connected to: one of LMK/2 or, by mistake, an original seeder.

An original crashes if a connection closes at the wrong moment, so every way out of here sends the
word that it waits for (docs/PROTOCOL.md, section 2.3).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from roles.net.connection import Connection
from roles.values.errors import PeerProtocolError
from roles.wire.greeting import (
    EXIT_CONNECTION,
    MAX_ANSWER,
    Hello,
    Welcome,
    decode_welcome,
    encode_hello,
)
from roles.worker import POLL_S

ANSWER_S = 10.0  # an original may be waiting for another leecher's second word
STOPPING_S = 0.3  # instead, while this program stops; the farewell is safe at any time
ORIGINAL_BUFFER = 2_048  # bytes that an original receives as the first message
_LMK1_WORD = b"connected"
_LMK1_WORDS = (b"c", b"a", b"e")  # connected, away, error


def greeted(
    connection: Connection,
    hello: Hello,
    stopping: threading.Event,
    enter: Callable[[Connection, threading.Event], None] | None = None,
) -> Welcome:
    """Send `hello` and read the answer, which may be `away`. Frames behind it stay with the
    connection. `enter`: what comes first in a private room.

    Raises OSError, and PeerProtocolError if the peer speaks only LMK/1, or something unknown.
    """
    if enter is not None:
        enter(connection, stopping)
    connection.limit(POLL_S)
    said = encode_hello(hello)
    connection.send_all(said, within_s=POLL_S)
    deadline = time.monotonic() + ANSWER_S  # for the whole line
    line = _received(connection, deadline, stopping, said)
    if line[:1] in _LMK1_WORDS:
        if line[:1] == b"c":
            _leave_original(connection, line)
        raise PeerProtocolError("it speaks LMK/1 only")
    while (welcome := decode_welcome(line)) is None:
        if stopping.is_set():  # it is no original, so this does no harm
            raise TimeoutError("this program stops")
        line += _received(connection, deadline, stopping, said)
    return welcome


def _received(
    connection: Connection, deadline: float, stopping: threading.Event, said: bytes
) -> bytes:
    """More of the answer's line. If nothing comes, sends a farewell that may be read later."""
    stopped: float | None = None
    while True:
        now = time.monotonic()
        stopped = now if stopped is None and stopping.is_set() else stopped
        if now > deadline or (stopped is not None and now - stopped > STOPPING_S):
            with contextlib.suppress(OSError):
                connection.send_all(_farewell(said), within_s=POLL_S)
            raise TimeoutError("it did not answer")
        data = connection.receive(MAX_ANSWER)
        if data is None:
            continue
        if not data:
            raise PeerProtocolError("it closed the connection without an answer")
        line, feed, frames = data.partition(b"\n")
        connection.put_back(frames)
        return line + feed


def _leave_original(connection: Connection, word: bytes) -> None:
    """The word that frees an original seeder."""
    with contextlib.suppress(OSError):
        if word != _LMK1_WORD:  # closing with unread bytes would discard what we send
            connection.receive(MAX_ANSWER)
        connection.send_all(EXIT_CONNECTION, within_s=POLL_S)


def _farewell(said: bytes) -> bytes:
    """What an original takes for our second message, whenever it reads.

    While it serves somebody else it has not read our greeting. It will receive a whole buffer as
    the first message, so the word that it waits for must begin the next one.
    """
    word = EXIT_CONNECTION
    return (word + b"\n").ljust(ORIGINAL_BUFFER - len(said)) + word
