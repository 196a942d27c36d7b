"""The seeder's side of one connection after the greeting: sends one range of one file.

For speed it reads and sends blocks of chunks with one call each. The leecher's acknowledgements
limit how many chunks may be on their way; an original acknowledges one at a time.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import FileIO

from roles.lmk1 import peer_wire as wire
from roles.lmk1.chunks import CHUNK_SIZE, ChunkRange, byte_count, chunk_count
from roles.lmk1.shared_folder import SharedFolder
from roles.net.connection import Connection
from roles.net.throttle import Throttle
from roles.sharing.folder_tree import TreeFile
from roles.values.addresses import Address
from roles.values.errors import FileChangedError, PeerProtocolError
from roles.worker import POLL_S

# An original connects to all its seeders before it sends its first request.
REQUEST_S = 120.0
# For one write, or for the next acknowledgement. After that the leecher is gone or hangs.
STALLED_S = 60.0
BLOCK_CHUNKS = 64  # as many as our leecher acknowledges in advance
MOST_HELD_BACK_S = 0.4  # by the speed limit: originals give up a seeder after 1 s of silence
MAX_RESENDS = 16  # of one chunk; a leecher that refuses it more often never accepts it
_ACKS_AT_ONCE = 64 * wire.ACK_SIZE


@dataclass(slots=True)
class UploadProgress:
    """The progress of one connection.

    Its thread writes, and the seeder's thread reads, single fields; no lock is needed.
    """

    leecher: Address
    name: str = ""
    sent: int = 0  # bytes, acknowledged or on their way
    acknowledged: int = 0  # chunks
    has_asked: bool = False  # for a range
    size: int = 0  # bytes of the range
    has_ended: bool = False  # the connection no longer needs its slot


class ChunkSender:
    """Serves one leecher, from the answer `connected` on."""

    def __init__(
        self,
        connection: Connection,
        folder: SharedFolder,
        progress: UploadProgress,
        throttle: Throttle,
        should_stop: Callable[[], bool],
    ) -> None:
        """The caller closes the connection."""
        self._connection = connection
        self._folder = folder
        self._progress = progress
        self._throttle = throttle
        self._should_stop = should_stop
        self._acks = wire.AckReader()
        self._block = bytearray()  # until a range is asked for
        connection.limit(POLL_S)

    def run(self) -> None:
        """Serve until the range is complete.

        Raises PeerProtocolError, FileChangedError or OSError.
        """
        self._connection.send_all(wire.CONNECTED, within_s=POLL_S)
        self._block = bytearray(BLOCK_CHUNKS * CHUNK_SIZE)
        request = self._read_request()
        if not isinstance(request, wire.RangeRequest):
            return
        file = self._folder.find(request.name)
        if file is None:
            raise PeerProtocolError(f"it asked for a file that is not offered: {request.name}")
        last_start = request.offset + (request.count - 1) * CHUNK_SIZE
        if request.count and last_start >= file.size:
            raise PeerProtocolError("it asked for chunks past the end of the file")
        rest = file.size - request.offset
        chunks = ChunkRange(0, min(request.count, chunk_count(rest)))
        self._progress.name, self._progress.size = request.name, byte_count(chunks, rest)
        self._progress.has_asked = True
        with self._folder.open(file) as opened:
            self._send_chunks(opened, file, request.offset, chunks.count)

    def _read_request(self) -> wire.SecondMessage | None:
        reader = wire.SecondMessageReader()
        deadline = time.monotonic() + REQUEST_S
        while not self._should_stop() and time.monotonic() < deadline:
            data = self._connection.receive(wire.MAX_REQUEST)
            if data is None:
                continue
            if not data:
                return None
            message = reader.feed(data)
            if message is not None:
                return message
        return None

    def _send_chunks(self, opened: FileIO, file: TreeFile, offset: int, count: int) -> None:
        """Send chunk k as soon as k acknowledgements have arrived."""
        acknowledged = following = resends = 0
        block, block_start = memoryview(b""), 0
        while following < count or acknowledged < count:
            allowed = min(acknowledged + 1, count) - following
            if allowed > 0:
                if not block_start <= following < block_start + chunk_count(len(block)):
                    block_start = following
                    block = self._read_block(opened, file, offset, following, count)
                ready = block[(following - block_start) * CHUNK_SIZE :]
                following += self._send_some(ready[: allowed * CHUNK_SIZE])
                continue
            for is_good in self._receive_acks():
                if is_good:
                    acknowledged, resends = acknowledged + 1, 0
                    self._progress.acknowledged = acknowledged
                elif acknowledged >= following:
                    raise PeerProtocolError("it refused a chunk that was not sent yet")
                else:
                    following, resends = acknowledged, resends + 1
            if resends > MAX_RESENDS:
                raise PeerProtocolError("it refused the same chunk again and again")
            if acknowledged > count:
                raise PeerProtocolError("it acknowledged more chunks than it asked for")

    def _read_block(
        self, opened: FileIO, file: TreeFile, offset: int, first: int, count: int
    ) -> memoryview:
        """The chunks from `first` on, as many as fit into a block.

        Raises FileChangedError rather than sending a mixture of two versions of the file.
        """
        start = offset + first * CHUNK_SIZE
        wanted = min(len(self._block), file.size - start, (count - first) * CHUNK_SIZE)
        block = memoryview(self._block)[:wanted]
        opened.seek(start)
        got = 0
        while got < wanted:
            more = opened.readinto(block[got:])
            if not more:
                break
            got += more
        if got < wanted or not file.is_still(os.fstat(opened.fileno())):
            raise FileChangedError(f"{file.path} changed while it was sent")
        return block

    def _send_some(self, ready: memoryview) -> int:
        """Send these chunks with their headers in one write; returns how many chunks."""
        parts = list[bytes | memoryview]()
        for start in range(0, len(ready), CHUNK_SIZE):
            chunk = ready[start : start + CHUNK_SIZE]
            parts += (wire.encode_header(hashlib.sha256(chunk).digest(), len(chunk)), chunk)
        self._send_all(parts)
        self._progress.sent = min(self._progress.sent + len(ready), self._progress.size)
        return len(parts) // 2

    def _send_all(self, parts: Sequence[bytes | memoryview]) -> None:
        rest = memoryview(b"".join(parts))
        self._throttle.wait(len(rest), self._should_stop, most_s=MOST_HELD_BACK_S)
        deadline = time.monotonic() + STALLED_S
        while rest:
            rest = rest[self._connection.send(rest) :]
            self._check_patience(deadline)  # even if the leecher reads single bytes

    def _receive_acks(self) -> list[bool]:
        deadline = time.monotonic() + STALLED_S
        while True:
            data = self._connection.receive(_ACKS_AT_ONCE)
            if data is None:
                self._check_patience(deadline)
                continue
            if not data:
                raise ConnectionResetError("it closed the connection in the middle")
            words = self._acks.feed(data)
            if words:
                return words

    def _check_patience(self, deadline: float) -> None:
        if self._should_stop():
            raise ConnectionAbortedError("the seeder stops")
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing moved for {STALLED_S:.0f} s")
