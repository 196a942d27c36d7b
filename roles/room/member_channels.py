"""The tracker's messages with the members of a private room: records over each member's connection,
where an open room has datagrams.
"""

from __future__ import annotations

import logging
import os
import selectors
import time

from roles.net.connection import Connection
from roles.net.records import next_record, post_record
from roles.room.answers import Answers
from roles.room.cookies import Proof
from roles.values.addresses import is_loopback
from roles.values.errors import PeerProtocolError
from roles.wire.tracker_wire import MAX_REQUEST

log = logging.getLogger(__name__)

SILENT_S = 60.0  # a member pings every 5 s; one that only asked connects again
AT_ONCE = 64  # records that may wait for an answer; our members send one at a time
MOST = 400 if os.name == "nt" else 1_000  # select() on Windows takes 512 sockets of all kinds
PER_HOST, HERE = 16, MOST  # a program has up to three


class MemberChannels:
    """Owned by the tracker's thread."""

    def __init__(self, selector: selectors.BaseSelector, answers: Answers) -> None:
        self._selector, self._answers = selector, answers
        self._heard: dict[Connection, float] = {}  # when something came over each

    def take(self, connection: Connection) -> None:
        """Answer on this connection of a member, and close it in the end."""
        host = connection.address.host
        most = HERE if is_loopback(host) else PER_HOST
        of_host = sum(other.address.host == host for other in self._heard)
        if len(self._heard) >= MOST or of_host >= most:
            log.warning("%s is turned away: the room is full", host)
            connection.close()
            return
        try:
            self._selector.register(
                connection, selectors.EVENT_READ, lambda: self._hear(connection)
            )
        except (OSError, MemoryError) as error:
            log.warning("%s is turned away: %s", host, error)
            connection.close()
            return
        self._heard[connection] = time.monotonic()
        self._hear(connection)

    def expire(self, *, now: float) -> None:
        silent = [channel for channel, at in self._heard.items() if now - at > SILENT_S]
        for connection in silent:
            self._end(connection)

    def close(self) -> None:
        for connection in list(self._heard):
            self._end(connection)

    def _hear(self, connection: Connection) -> None:
        """Answer what it has sent."""
        if connection not in self._heard:  # it ended after the selector had reported it
            return
        now = self._heard[connection] = time.monotonic()
        host, port = connection.address
        try:
            connection.flush()
            for _ in range(AT_ONCE):
                record = next_record(connection, MAX_REQUEST)
                if record is None:
                    return
                if b'"lmk"' not in record or not record[:1].isalpha():
                    raise PeerProtocolError("it sends something that is no message of a member")
                for answer in self._answers.to(record, host, port, Proof.GOOD, now=now):
                    post_record(connection, answer)
            raise PeerProtocolError("it does not wait for answers")
        except (OSError, MemoryError, PeerProtocolError) as error:
            log.debug("the channel to %s ends: %s", host, error)
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        del self._heard[connection]
        self._selector.unregister(connection)
        connection.close()
