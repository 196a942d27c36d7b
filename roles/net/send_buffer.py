"""How much of what is sent waits in the system's buffer of a connection."""

from __future__ import annotations

from roles.net.connection import Connection

# What waits in the system's buffer holds no slot, and what all connections have there waits for the
# same wire. Where several share it: as much as goes out in this time, and less than a chunk. With
# four times as much a room of 8 takes 3 % longer (docs/PERFORMANCE.md).
BUFFER_S = 0.005
MIN_BUFFER = 8 * 1024  # bytes
# One that is alone needs more, over a line with 20 ms to the answer; so does a fast one, whose
# thread is not woken in time.
DEEP_S = 0.02
MIN_DEEP = 32 * 1024  # bytes
ALONE = 2  # connections
FAST = 20e6  # bytes per second
MAX_BUFFER = 1024 * 1024
MIN_SEGMENTS = 4  # of 9,000 bytes, where a network has such: one alone waits for each answer
# Between programs of one machine the wire is memory: with 96 to 192 KiB the bytes are still in the
# processor's cache when they are read, and 1 GiB takes a tenth less time than with 1 MiB.
LOCAL_BUFFER = 128 * 1024
WIRE_SEGMENT = 9_000  # bytes, the longest one; those of loopback are several times as long


class SendBuffer:
    """Owned by the connection's thread."""

    def __init__(self, connection: Connection) -> None:
        self.size = 0  # bytes
        self._carrier = connection.carrier
        self.fit(0.0, MAX_BUFFER, 1)

    def fit(self, rate: float, chunk: int, sharers: int) -> None:
        """Suit the bytes per second that go out, with so many connections, in chunks of so many
        bytes.
        """
        segment = self._carrier.segment()
        fitting = fitting_buffer(rate, chunk, sharers, segment)
        if fitting != self.size:
            self.size = fitting
            self._carrier.keep_unsent(fitting)


def fitting_buffer(rate: float, chunk: int, sharers: int, segment: int) -> int:
    """Bytes of buffer for so many bytes per second; `segment`: the longest one of the connection,
    0 when it is not known.
    """
    if segment > WIRE_SEGMENT:
        return LOCAL_BUFFER
    if rate >= FAST or sharers <= ALONE:
        least, fitting, most = MIN_DEEP, int(rate * DEEP_S), MAX_BUFFER
    else:
        least, fitting, most = MIN_BUFFER, int(rate * BUFFER_S), chunk // 2
    return min(most, max(least, MIN_SEGMENTS * segment, fitting))
