"""The connection to one peer that this program downloads from.

Any thread may send; nobody ever waits for a peer that does not read.
"""

from __future__ import annotations

import time

from roles.net.connection import Connection
from roles.swarm.peer import Peer
from roles.wire import frames


class PeerConnection:
    """Its methods may be called from any thread, without the swarm's lock."""

    def __init__(self, peer: Peer, connection: Connection) -> None:
        """The connection stays the caller's to close."""
        self.peer = peer
        self.connection = connection
        self.spoke_at = time.monotonic()

    def send(self, *messages: frames.Frame) -> None:
        """Never waits. Raises OSError."""
        self.spoke_at = time.monotonic()
        self.connection.post(b"".join(map(frames.encode, messages)))

    def send_later(self, *messages: frames.Frame) -> None:
        """Send them with the next messages, or at the swarm's next tick. Raises OSError."""
        self.connection.queue(b"".join(map(frames.encode, messages)))

    def hang_up(self) -> None:
        """End the connection. Its own thread finds out."""
        self.connection.hang_up()
