"""Accepts connections and reads their greetings, without a thread for each newcomer.

Leechers are served, seeders that connect because others cannot reach them are downloaded from, a
tracker's probe is answered, and browsers are handed over.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from roles.net.connection import Connection
from roles.net.listening import Listener
from roles.net.rate_limit import COMPLAINTS_IN_ALL, COMPLAINTS_PER_HOST, RateLimit
from roles.swarm.peer_downloads import PeerDownloads
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address, is_loopback, may_dial
from roles.values.errors import PeerProtocolError, StorageError
from roles.wire.greeting import (
    AWAY,
    ERROR,
    MAX_GREETING,
    Greeting,
    GreetingReader,
    Hello,
    Probe,
    Welcome,
    decode_hello,
    encode_welcome,
)
from roles.worker import POLL_S

if TYPE_CHECKING:
    from roles.private.private_server import PrivateServer

log = logging.getLogger(__name__)

# Connections that have not greeted yet. Beyond that the host with most of them loses its oldest.
MAX_NEWCOMERS = 16
COMPLAIN_S = 10.0  # between two log lines about connections that were not accepted
GREETING_S = 5.0  # an original greets within a second of connecting
REFUSED_PAUSE_S = 0.25  # when no descriptor is left: else the loop would spin


@dataclass(slots=True)
class _Newcomer:
    """A connection that has not greeted yet."""

    deadline: float
    reader: GreetingReader = field(default_factory=GreetingReader)
    entering: Generator[bool, None, None] | None = None  # a private room
    is_member: bool = False  # of it


class Acceptor:
    """Owned by one thread, which calls look() again and again."""

    def __init__(
        self,
        listener: Listener,
        me: Hello,
        uploads: PeerUploads,
        *,
        downloads: PeerDownloads | None = None,
        take_lmk1: Callable[[Connection], None] | None = None,
        take_browser: Callable[[Connection], None] | None = None,
        private_server: PrivateServer | None = None,
    ) -> None:
        """The listener stays the caller's to close. `downloads` is a leecher's, `take_lmk1` and
        `take_browser` a seeder's. Without `take_lmk1`, LMK/1 leechers are turned away, because
        part of a file is no use to them; without `take_browser`, browsers get no answer. With an
        `private_server`, only members of that private room are served, and the tracker's probe is
        answered in clear. Raises OSError when no descriptor is left.
        """
        self._listener = listener
        self._me = me
        self._uploads = uploads
        self._downloads = downloads
        self._take_lmk1 = take_lmk1
        self._take_browser = take_browser
        self._private_server = private_server
        self._newcomers: dict[Connection, _Newcomer] = {}
        self._selector = selectors.DefaultSelector()
        self._complain_at = 0.0
        self._complaints = RateLimit(per_host=COMPLAINTS_PER_HOST, whole=COMPLAINTS_IN_ALL)
        self._selector.register(listener, selectors.EVENT_READ)

    def look(self) -> None:
        """Wait for events, POLL_S at most, and deal with them."""
        for key, _ in self._selector.select(POLL_S):
            if key.fileobj is self._listener:
                self._accept()
            elif isinstance(key.fileobj, Connection):
                self._hear(key.fileobj)
        now = time.monotonic()
        late = [connection for connection, new in self._newcomers.items() if new.deadline < now]
        for connection in late:
            self._dismiss(connection)

    def close(self) -> None:
        """Close the connections that have not greeted."""
        for connection in list(self._newcomers):
            self._dismiss(connection)
        self._selector.close()

    # Greetings

    def _accept(self) -> None:
        try:
            connection = self._listener.accept()
        except (OSError, MemoryError) as error:
            # No descriptor is left, or it hung up before we looked.
            if time.monotonic() >= self._complain_at:
                self._complain_at = time.monotonic() + COMPLAIN_S
                log.warning("could not accept a connection: %s", error or "no memory left")
            time.sleep(REFUSED_PAUSE_S)
            return
        if connection is None:
            return
        try:
            self._selector.register(connection, selectors.EVENT_READ)
        except (OSError, MemoryError) as error:
            log.warning("%s is not served: %s", connection.address, error or "no memory left")
            connection.close()
            return
        new = self._newcomers[connection] = _Newcomer(time.monotonic() + GREETING_S)
        if self._private_server is not None:
            new.entering = self._private_server.admit(connection)
        if len(self._newcomers) > MAX_NEWCOMERS:
            counts = Counter(newcomer.address.host for newcomer in self._newcomers)
            self._dismiss(max(self._newcomers, key=lambda newcomer: counts[newcomer.address.host]))
        self._hear(connection)  # as a rule its greeting is here already

    def _hear(self, connection: Connection) -> None:
        """If the system refuses something for one newcomer, only that connection ends."""
        try:
            while (new := self._newcomers.get(connection)) and self._has_entered(connection, new):
                self._read_greeting(connection, new)
                if not connection.pending:
                    return
        except (OSError, MemoryError, StorageError) as error:
            log.warning("%s is not served: %s", connection.address, error or "no memory left")
            if connection in self._newcomers:
                self._forget(connection)
            connection.close()

    def _has_entered(self, connection: Connection, new: _Newcomer) -> bool:
        """Whether to read its greeting now: the room is open, or it has proved that it belongs to
        our private room, or it speaks in clear, as a probe does.
        """
        if new.entering is None:
            return True
        try:
            while not next(new.entering):
                pass
        except StopIteration:
            new.is_member = True
        except (OSError, PeerProtocolError) as error:
            if not (isinstance(error, PeerProtocolError) and error.is_something_else):
                self._complain(connection, error)
                self._dismiss(connection)
                return False
        else:
            return False
        new.entering = None
        return True

    def _read_greeting(self, connection: Connection, new: _Newcomer) -> None:
        reader = new.reader
        try:
            data = connection.receive(MAX_GREETING)
        except OSError:
            data = b""
        if data is None:
            return
        if not data:
            self._dismiss(connection)
            return
        greeting = reader.feed(data)
        if self._private_server is not None and not new.is_member:
            self._answer_in_clear(connection, greeting, reader)
            return
        match greeting:
            case None:
                pass
            case Greeting.LEECHER:
                self._forget(connection)
                self._take_leecher(connection)
            case Greeting.LATER_VERSION:
                self._forget(connection)
                self._take_later_version(connection, decode_hello(reader.line))
            case Greeting.GAVE_UP:
                self._dismiss(connection)
            case Greeting.BROWSER if self._take_browser is not None:
                self._forget(connection)
                connection.put_back(data)
                self._take_browser(connection)
            case Greeting.BROWSER:
                self._dismiss(connection)
            case Greeting.STRANGER:
                self._complain(connection, "its first words are unknown")
                self._dismiss(connection, ERROR)

    def _answer_in_clear(
        self, connection: Connection, greeting: Greeting | None, reader: GreetingReader
    ) -> None:
        """Answer in a private room: the tracker's probe learns only that somebody listens."""
        if greeting is None:
            return
        probe = decode_hello(reader.line) if greeting is Greeting.LATER_VERSION else None
        if isinstance(probe, Probe):
            self._dismiss(connection, encode_welcome(probe))
        else:
            self._complain(connection, "it does not know that this room is private")
            self._dismiss(connection, AWAY if greeting is Greeting.LEECHER else b"")

    def _complain(self, connection: Connection, why: object) -> None:
        """Log it, unless many were logged lately: a flood must not hide everything else."""
        if self._complaints.allows(connection.address.host, now=time.monotonic()):
            log.info("%s is not admitted: %s", connection.address, why)

    def _dismiss(self, connection: Connection, word: bytes = b"") -> None:
        self._forget(connection)
        connection.close(word)

    def _forget(self, connection: Connection) -> None:
        self._selector.unregister(connection)
        del self._newcomers[connection]

    # Those who have greeted. Each of these hands the connection over, or closes it.

    def _take_leecher(self, connection: Connection) -> None:
        """A leecher of LMK/1."""
        if self._take_lmk1 is None:
            connection.close(AWAY)
        else:
            self._take_lmk1(connection)

    def _take_later_version(self, connection: Connection, line: Hello | Probe | None) -> None:
        match line:
            case Probe():
                connection.close(encode_welcome(replace(line, peer=self._me.peer)))
            case Hello():
                self._take_peer(connection, line)
            case None:  # a version that we do not know: every version understands LMK/1
                self._take_leecher(connection)

    def _take_peer(self, connection: Connection, hello: Hello) -> None:
        address, downloads = connection.address, self._downloads
        if not self._has_room(address, hello):
            log.debug("turned %s away", address)
            connection.close(self._welcome(is_away=True))
            return
        try:
            connection.post(self._welcome(is_away=False))
        except OSError as error:
            log.info("%s is gone: %s", address, error)
            connection.close()
            return
        if downloads is not None and hello.is_seeder:
            downloads.adopt(connection, hello)
            return
        self._uploads.serve(connection, hello)
        listening = Address(address.host, hello.listen)
        if downloads is not None and may_dial(listening, is_namer_here=is_loopback(address.host)):
            downloads.heard_of([listening])

    def _has_room(self, address: Address, hello: Hello) -> bool:
        if hello.peer == self._me.peer:
            return False
        downloads, now = self._downloads, time.monotonic()
        if hello.is_seeder:
            return downloads is not None and downloads.make_room_for_caller(address.host, now=now)
        return self._uploads.make_room(address, now=now)

    def _welcome(self, *, is_away: bool) -> bytes:
        return encode_welcome(Welcome(self._me.peer, self._me.name, is_away))
