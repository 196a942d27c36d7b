"""Accepts connections and reads their greetings, without a thread for each newcomer.

It hands leechers of LMK/1 and peers of LMK/2 to the role, and answers a tracker's probe itself.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Protocol

from roles.net.connection import Connection
from roles.net.listening import Listener
from roles.values.errors import ShortageError
from roles.wire.greeting import (
    ERROR,
    MAX_GREETING,
    Greeting,
    GreetingReader,
    Hello,
    Probe,
    decode_hello,
    encode_welcome,
)
from roles.worker import POLL_S

log = logging.getLogger(__name__)

# Connections that have not greeted yet. Beyond that the host with most of them loses its oldest.
MAX_NEWCOMERS = 16
COMPLAIN_S = 10.0  # between two log lines about connections that were not accepted
GREETING_S = 5.0  # an original greets within a second of connecting
REFUSED_PAUSE_S = 0.25  # when no descriptor is left: else the loop would spin


class Host(Protocol):
    """Takes the connections after their greeting. Called in the accepting thread: must return at
    once.

    The host owns the connection from then on. It is non-blocking, and was not answered yet.
    """

    def take_leecher(self, connection: Connection) -> None:
        """A leecher of LMK/1 sent its first word."""

    def take_peer(self, connection: Connection, hello: Hello) -> None:
        """A peer of LMK/2 sent its hello."""


@dataclass(slots=True)
class _Newcomer:
    connection: Connection
    deadline: float
    reader: GreetingReader = field(default_factory=GreetingReader)


class Handshakes:
    """Owned by one thread, which calls look() again and again."""

    def __init__(self, listener: Listener, host: Host, *, peer: str = "") -> None:
        """The listener stays the caller's to close. `peer` is this program's id, for probes."""
        self._listener = listener
        self._host = host
        self._peer = peer
        self._newcomers: dict[Connection, _Newcomer] = {}
        self._selector = selectors.DefaultSelector()
        self._accept_at: float | None = None  # None: now
        self._complain_at = 0.0
        self._selector.register(listener, selectors.EVENT_READ)

    def look(self) -> None:
        """Wait for events, POLL_S at most, and deal with them."""
        for key, _ in self._selector.select(POLL_S):
            if key.fileobj is self._listener:
                self._accept()
            elif isinstance(key.data, _Newcomer) and key.data.connection in self._newcomers:
                self._hear(key.data)
        now = time.monotonic()
        if self._accept_at is not None and now >= self._accept_at:
            self._accept_at = None
            self._selector.register(self._listener, selectors.EVENT_READ)
        for newcomer in [item for item in self._newcomers.values() if item.deadline < now]:
            self._dismiss(newcomer)

    def close(self) -> None:
        """Close the connections that have not greeted."""
        for newcomer in list(self._newcomers.values()):
            self._dismiss(newcomer)
        self._selector.close()

    def _accept(self) -> None:
        try:
            connection = self._listener.accept()
        except (OSError, MemoryError) as error:
            # No descriptor is left, or it hung up before we looked. Go on with the others.
            if time.monotonic() >= self._complain_at:
                self._complain_at = time.monotonic() + COMPLAIN_S
                log.warning("could not accept a connection: %s", error or "no memory left")
            self._selector.unregister(self._listener)
            self._accept_at = time.monotonic() + REFUSED_PAUSE_S
            return
        if connection is None:
            return
        newcomer = _Newcomer(connection, time.monotonic() + GREETING_S)
        try:
            self._selector.register(connection, selectors.EVENT_READ, newcomer)
        except (OSError, MemoryError) as error:
            log.warning("%s is not served: %s", connection.address, error or "no memory left")
            connection.close()
            return
        self._newcomers[connection] = newcomer
        if len(self._newcomers) > MAX_NEWCOMERS:
            counts = Counter(one.address.host for one in self._newcomers)
            oldest = max(self._newcomers, key=lambda one: counts[one.address.host])
            self._dismiss(self._newcomers[oldest])
        self._hear(newcomer)  # as a rule its greeting is here already

    def _hear(self, newcomer: _Newcomer) -> None:
        """If the system refuses something for one newcomer, only that connection ends."""
        connection = newcomer.connection
        try:
            self._read_greeting(newcomer)
            while connection in self._newcomers and connection.pending:
                self._read_greeting(newcomer)
        except (OSError, MemoryError, ShortageError) as error:
            log.warning("%s is not served: %s", connection.address, error or "no memory left")
            if connection in self._newcomers:
                self._forget(newcomer)
            connection.close()

    def _read_greeting(self, newcomer: _Newcomer) -> None:
        connection = newcomer.connection
        try:
            data = connection.receive(MAX_GREETING)
        except OSError:
            data = b""
        if data is None:
            return
        if not data:
            self._dismiss(newcomer)
            return
        match newcomer.reader.feed(data):
            case None:
                return
            case Greeting.LEECHER:
                self._forget(newcomer)
                self._host.take_leecher(newcomer.connection)
            case Greeting.LATER_VERSION:
                self._forget(newcomer)
                self._take_later_version(newcomer)
            case Greeting.GAVE_UP:
                self._dismiss(newcomer)
            case Greeting.STRANGER:
                log.warning(
                    "%s is no leecher: its first words are unknown", newcomer.connection.address
                )
                self._dismiss(newcomer, ERROR)

    def _take_later_version(self, newcomer: _Newcomer) -> None:
        match decode_hello(newcomer.reader.line):
            case Probe() as probe:
                newcomer.connection.close(encode_welcome(replace(probe, peer=self._peer)))
            case Hello() as hello:
                self._host.take_peer(newcomer.connection, hello)
            case None:  # a version that we do not know: every version understands LMK/1
                self._host.take_leecher(newcomer.connection)

    def _dismiss(self, newcomer: _Newcomer, word: bytes = b"") -> None:
        self._forget(newcomer)
        newcomer.connection.close(word)

    def _forget(self, newcomer: _Newcomer) -> None:
        self._selector.unregister(newcomer.connection)
        del self._newcomers[newcomer.connection]
