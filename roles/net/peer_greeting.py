"""Greeting a peer that was connected to, one of LMK/2 or, by mistake, an original seeder.

An original ends for good when a connection closes at the wrong moment, so every way out of here
says the word that it waits for (docs/PROTOCOL.md, section 2.3).
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

from roles.values.errors import PeerProtocolError
from roles.wire.greeting import (
    EXIT_CONNECTION,
    MAX_ANSWER,
    MAX_GREETING,
    Hello,
    Welcome,
    WelcomeReader,
    encode_hello,
)
from roles.worker import POLL_S

ANSWER_S = 10.0  # an original may be waiting for another leecher's second word
STOPPING_S = 0.3  # how long it is waited for when this side stops; the farewell is safe any time
ORIGINAL_BUFFER = 2_048  # bytes that an original receives as the first message
_LMK1_WORDS = (b"c", b"a", b"e")  # connected, away, error


def greeted(link: socket.socket, hello: Hello, should_stop: Callable[[], bool]) -> Welcome:
    """Say who we are and read the answer, which may be `away`.

    Raises PeerProtocolError when it speaks LMK/1 only, or nothing that we know, OSError.
    """
    link.settimeout(POLL_S)
    said = encode_hello(hello)
    link.sendall(said)
    reader = WelcomeReader()
    deadline = time.monotonic() + ANSWER_S  # for the whole line: single bytes gain no time
    first = _received(link, 1, deadline, should_stop, said)
    if first in _LMK1_WORDS:
        if first == b"c":
            _leave_original(link)
        raise PeerProtocolError("it speaks LMK/1 only")
    welcome = reader.feed(first)
    while welcome is None:
        if should_stop():  # no original: it is not harmed
            raise TimeoutError("this program stops")
        welcome = reader.feed(_received(link, MAX_ANSWER, deadline, should_stop, said))
    return welcome


def _received(
    link: socket.socket, most: int, deadline: float, should_stop: Callable[[], bool], said: bytes
) -> bytes:
    """More of the answer's line; when nothing comes, a farewell to whoever reads it later."""
    stopped: float | None = None
    while True:
        now = time.monotonic()
        stopped = now if stopped is None and should_stop() else stopped
        if now > deadline or (stopped is not None and now - stopped > STOPPING_S):
            with contextlib.suppress(OSError):
                link.sendall(_farewell(said))
            raise TimeoutError("it did not answer")
        try:
            data = _taken_from_line(link, most)
        except TimeoutError:
            continue
        if not data:
            raise PeerProtocolError("it closed the connection without an answer")
        return data


def _taken_from_line(link: socket.socket, most: int) -> bytes:
    """What has come, up to the line feed: what follows the line are frames."""
    come = link.recv(most, socket.MSG_PEEK)
    line, feed, _ = come.partition(b"\n")
    return link.recv(len(line + feed)) if come else b""


def _leave_original(link: socket.socket) -> None:
    """The word that frees an original seeder."""
    link.settimeout(POLL_S)
    with contextlib.suppress(OSError):
        link.recv(MAX_GREETING)  # the rest of its word
        link.sendall(EXIT_CONNECTION)


def _farewell(said: bytes) -> bytes:
    """What an original takes for our second message, whenever it reads.

    One that serves somebody else has not read our greeting yet: it will receive a whole buffer as
    the first message, so the word that it waits for then must begin the next one.
    """
    word = EXIT_CONNECTION
    return (word + b"\n").ljust(ORIGINAL_BUFFER - len(said)) + word
