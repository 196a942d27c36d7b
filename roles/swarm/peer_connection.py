"""The connection to one peer that this program downloads from: its socket and what waits to go out.

Any thread may say something over it; nobody ever waits for a peer that does not read.
"""

from __future__ import annotations

import contextlib
import socket
import time

from roles.net.outbox import Outbox
from roles.swarm.peer import Peer
from roles.wire import frames


class PeerConnection:
    """Its methods may be called from any thread, without the swarm's lock."""

    def __init__(self, peer: Peer, sock: socket.socket) -> None:
        """The socket stays the caller's to close."""
        self.peer = peer
        self.sock = sock
        self.outbox = Outbox(sock)
        self.spoke_at = time.monotonic()

    def send(self, *messages: frames.Frame) -> None:
        """Raises OSError; never waits."""
        self.spoke_at = time.monotonic()
        self.outbox.say(b"".join(map(frames.encode, messages)))

    def send_later(self, *messages: frames.Frame) -> None:
        """Send them with the next messages, or at the swarm's next tick. Raises OSError."""
        self.outbox.say_later(b"".join(map(frames.encode, messages)))

    def hang_up(self) -> None:
        """End it. Its own thread finds out."""
        with contextlib.suppress(OSError):  # the other side was faster
            self.sock.shutdown(socket.SHUT_RDWR)
