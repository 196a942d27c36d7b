"""The seeder's end of one connection, after the greeting: one range of one file, chunk by chunk.

Each runs in a thread of its own. Python is kept out of the work per byte: a block of chunks is read
and sent with one call each, and the leecher's acknowledgements say how many chunks may be on their
way. An original acknowledges one at a time.
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

# An original connects to all its seeders before it asks the first one for anything.
REQUEST_S = 120.0
# For one write, or for the next acknowledgement: the leecher is gone or hung, others want its slot.
STALLED_S = 60.0
BLOCK_CHUNKS = 64  # read at once; as many as our leecher acknowledges ahead
MOST_HELD_BACK_S = 0.4  # by the limit: an original leecher gives up a seeder after 1 s of silence
MAX_RESENDS = 16  # of one chunk: whoever refuses it more often never takes it
_ACKS_AT_ONCE = 64 * wire.ACK_SIZE


@dataclass(slots=True)
class UploadProgress:
    """How far one connection is.

    Written by its thread, read by the seeder's: each field is one reference, replaced whole.
    """

    leecher: Address
    name: str = ""
    sent: int = 0  # bytes acknowledged or on their way
    acknowledged: int = 0  # chunks
    has_asked: bool = False  # for a range
    size: int = 0  # bytes of the range
    has_ended: bool = False  # the connection is through, and its slot free


class ChunkSender:
    """Serves one leecher that was told `connected`."""

    def __init__(
        self,
        connection: Connection,
        folder: SharedFolder,
        progress: UploadProgress,
        throttle: Throttle,
        should_stop: Callable[[], bool],
    ) -> None:
        """The connection stays the caller's to close."""
        self._connection = connection
        self._folder = folder
        self._progress = progress
        self._throttle = throttle
        self._should_stop = should_stop
        self._acks = wire.AckReader()
        self._block = bytearray()  # until a range is asked for
        connection.limit(POLL_S)

    def run(self) -> None:
        """Serve until the range is through; the caller then just closes.

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
        """Send chunk k once k acknowledgements have come; the first goes out at once."""
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
        """The chunks from `first` on, as many as a block holds.

        Raises FileChangedError rather than send a mixture.
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
        """Send these chunks, each behind its header, in one write; returns how many."""
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
            self._check_patience(deadline)  # absolute: a reader of single bytes gains no time

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
