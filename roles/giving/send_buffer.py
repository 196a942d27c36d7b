"""How much of what is sent waits in the system's buffer of a connection."""

from __future__ import annotations

import socket
import sys

# What waits in the system's buffer holds no slot, and shares the wire with the others' chunks: as
# much as goes out in this time, within limits. A new connection may be a slow one.
BUFFER_S = 0.02
MIN_BUFFER = 32 * 1024  # bytes
# On loopback, whose segments are huge, a single one waits for its acknowledgement each time.
MIN_SEGMENTS = 4
_HAS_MAXSEG = sys.platform != "win32"
MAX_BUFFER = 1024 * 1024


class SendBuffer:
    """Owned by the connection's thread."""

    def __init__(self, link: socket.socket) -> None:
        self.size = 0  # bytes
        self._link = link
        self.fit(0.0)

    def fit(self, rate: float) -> None:
        """To the bytes per second that go out."""
        segment = self._link.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) if _HAS_MAXSEG else 0
        least = max(MIN_BUFFER, MIN_SEGMENTS * segment)
        fitting = min(MAX_BUFFER, max(least, int(rate * BUFFER_S)))
        if not self.size or not 0.5 < fitting / self.size < 2:
            self.size = fitting
            self._link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, fitting)
