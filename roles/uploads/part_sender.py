"""Sends chunks over one connection, in parts, within the rate limit."""

from __future__ import annotations

from collections.abc import Callable

from roles.disk.holding import ChunkSource
from roles.net.connection import Connection, send_all
from roles.net.send_buffer import ALONE, SendBuffer
from roles.net.throttle import Throttle
from roles.uploads.part_sizes import PartSizes, rate_of
from roles.uploads.upload_scheduler import ChosenChunk
from roles.values.content import Content
from roles.values.errors import FileChangedError
from roles.wire import frames

WAIT_S = 2.0  # for one call of the system, which may wait as long again for each 64 KiB
# For 256 KiB: a slower leecher is as good as gone. It may wait so long for a buffer.
PART_S = 60.0
MAX_KEPT = 64 * 1024  # bytes of frames


class BrokenPartError(ConnectionAbortedError):
    """The content changed in the middle of a part, so the rest of it can never be sent."""


class PartSender:
    """Owned by the connection's thread."""

    def __init__(
        self,
        connection: Connection,
        throttle: Throttle,
        should_stop: Callable[[], bool],
        moved: Callable[[int], None],
        longest: int,
    ) -> None:
        """`moved` gets the bytes of chunks that each call has sent. The leecher takes parts of up
        to `longest` bytes.
        """
        self.sent = 0  # bytes since the connection began
        self._sizes = PartSizes(longest)
        self._connection = connection
        self._buffer = SendBuffer(connection)
        self._throttle = throttle
        self._should_stop = should_stop
        self._moved = moved
        connection.limit(WAIT_S)

    def fit(self, length: int, seconds: float, sharers: int) -> None:
        """Adapt to the rate of the last chunk: so many bytes in this time, while `sharers`
        connections shared the network.
        """
        rate = rate_of(length, seconds, self._buffer.size, sharers, ALONE)
        if rate is not None:
            self._buffer.fit(rate, length, sharers)
            self._sizes.fit(rate)

    def send(
        self,
        choice: ChosenChunk,
        content: Content,
        source: ChunkSource,
        soon_out: Callable[[], None],
        between: Callable[[], bool],
    ) -> bool:
        """Send a chunk; False when it was broken off. Raises OSError.

        `soon_out` is called once, shortly before the end; `between` after each part but the last.
        If it returns False, the chunk is broken off, and it may have closed the source.
        """
        start, length = choice.index * content.chunk_size, content.length(choice.index)
        late = self._sizes.offer_at(length)
        sent = 0
        while sent < length:
            part = min(
                self._throttle.slice(self._sizes.part), (late if sent < late else length) - sent
            )
            self.await_turn(part)
            if sent == late:
                soon_out()
            head = frames.encode_part_head(choice.handle, choice.index, sent, part)
            self._connection.send_all(head, within_s=PART_S, more=True)
            self._send_bytes(source, start + sent, part)
            sent += part
            self.sent += part
            if sent < length and not between():
                return False
        return True

    def keep(self, words: bytes) -> None:
        """Send these frames with the next part, or at flush(), so that the leecher wakes once."""
        self._connection.queue(words)
        if self._connection.queued > MAX_KEPT:
            self.flush()

    def flush(self) -> None:
        """Raises OSError."""
        if self._connection.queued:
            self._connection.send_all(b"", within_s=PART_S)

    def await_turn(self, count: int) -> None:
        """Wait until the rate limit allows so many bytes; kept frames go out before that."""
        if self._throttle.has_limit:
            self.flush()
        self._throttle.wait(count, self._should_stop)

    def _send_bytes(self, source: ChunkSource, offset: int, length: int) -> None:
        def send(sent: int) -> int:
            count = source.send(
                self._connection, offset + sent, min(self._sizes.piece, length - sent)
            )
            self._moved(count)
            return count

        try:
            send_all(length, send, PART_S)
        except FileChangedError as error:
            raise BrokenPartError(str(error)) from None
