"""How many bytes may wait in the system's send buffer of a connection."""

from __future__ import annotations

from roles.net.connection import Connection

# What waits there holds no slot, and all connections wait for the same wire. If several share it:
# what goes out in this time, and less than a chunk. With four times as much, a room of 8 takes 3 %
# longer (docs/PERFORMANCE.md).
BUFFER_S = 0.005
MIN_BUFFER = 8 * 1024  # bytes
# A connection that is alone needs more on a line with a round trip of 20 ms; so does a fast one,
# whose thread does not wake in time.
DEEP_S = 0.02
MIN_DEEP = 32 * 1024  # bytes
ALONE = 2  # connections
FAST = 20e6  # bytes per second
MAX_BUFFER = 1024 * 1024
MIN_SEGMENTS = 4  # on a network with jumbo frames; a single segment would wait for each answer
# Between programs of one machine: with 96 to 192 KiB the bytes are still in the processor's cache
# when they are read, and 1 GiB takes a tenth less time than with 1 MiB.
LOCAL_BUFFER = 128 * 1024
WIRE_SEGMENT = 9_000  # bytes, the longest; those of loopback are several times as long


class SendBuffer:
    """Owned by the connection's thread."""

    def __init__(self, connection: Connection) -> None:
        self.size = 0  # bytes
        self._carrier = connection.carrier
        self._segment = connection.carrier.segment()
        self.fit(0.0, MAX_BUFFER, 1)

    def fit(self, rate: float, chunk: int, sharers: int) -> None:
        """Adapt to `rate` (bytes per second), a chunk's size in bytes, and the number of
        connections that share the network.
        """
        fitting = fitting_buffer(rate, chunk, sharers, self._segment)
        if fitting != self.size:
            self.size = fitting
            self._carrier.keep_unsent(fitting)


def fitting_buffer(rate: float, chunk: int, sharers: int, segment: int) -> int:
    """How many bytes; `segment`: the connection's longest, 0 if unknown."""
    if segment > WIRE_SEGMENT:
        return LOCAL_BUFFER
    if rate >= FAST or sharers <= ALONE:
        least, fitting, most = MIN_DEEP, int(rate * DEEP_S), MAX_BUFFER
    else:
        least, fitting, most = MIN_BUFFER, int(rate * BUFFER_S), chunk // 2
    return min(most, max(least, MIN_SEGMENTS * segment, fitting))
