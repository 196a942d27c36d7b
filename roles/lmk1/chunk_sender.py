"""The seeder's side of one connection after the greeting: sends one range of one file.

For speed it reads and sends blocks of chunks with one call each. The leecher's acknowledgements
limit how many chunks may be on their way; an original acknowledges one at a time.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from contextlib import closing

from roles.disk.open_folder import LastFolder
from roles.disk.positioned_file import PositionedFile
from roles.lmk1 import peer_wire as wire
from roles.lmk1.peer_wire import CHUNK_SIZE, HEADER, chunk_count
from roles.net.connection import Connection
from roles.net.throttle import Throttle
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.folder_tree import TreeFile, open_unchanged
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
_STEP = HEADER.size + CHUNK_SIZE  # from one chunk to the next in a block


class ChunkSender:
    """Serves one leecher, from the answer `connected` on.

    Other threads may read the public fields; they need no lock.
    """

    def __init__(
        self,
        connection: Connection,
        library: FolderLibrary,
        throttle: Throttle,
        stopping: threading.Event,
    ) -> None:
        """The caller closes the connection."""
        self.leecher = connection.address
        self.name = ""  # of the file, once a range was asked for
        self.has_asked = False
        self.size = 0  # bytes of the range
        self.sent = 0  # bytes, acknowledged or on their way
        self.acknowledged = 0  # chunks
        self.has_ended = False  # it needs its slot no longer
        self._connection = connection
        self._library = library
        self._throttle = throttle
        self._stopping = stopping
        self._acks = wire.AckReader()
        connection.limit(POLL_S)

    def run(self) -> None:
        """Serve until the range is complete.

        Raises PeerProtocolError, FileChangedError or OSError.
        """
        try:
            self._serve()
        finally:  # before the caller closes, because the leecher may reconnect at once
            self.has_ended = True

    def _serve(self) -> None:
        self._connection.send_all(wire.CONNECTED, within_s=POLL_S)
        block = bytearray(BLOCK_CHUNKS * _STEP)
        request = self._read_request()
        if not isinstance(request, wire.RangeRequest):
            return
        top = self._library.top
        file = None if top is None else top.files.get(request.name)
        if file is None:
            raise PeerProtocolError(f"it asked for a file that is not offered: {request.name}")
        if request.count and request.offset + (request.count - 1) * CHUNK_SIZE >= file.size:
            raise PeerProtocolError("it asked for chunks past the end of the file")
        self.size = min(request.count * CHUNK_SIZE, max(0, file.size - request.offset))
        self.name, self.has_asked = request.name, True
        with closing(LastFolder(self._library.path, make=False)) as folders:
            descriptor = open_unchanged(folders, file)
        with closing(PositionedFile(descriptor)) as opened:
            self._send_range(_Blocks(block, opened, file, request.offset, self.size))

    def _read_request(self) -> wire.SecondMessage | None:
        received = b""
        deadline = time.monotonic() + REQUEST_S
        while not self._stopping.is_set() and time.monotonic() < deadline:
            data = self._connection.receive(wire.MAX_REQUEST)
            if data is None:
                continue
            if not data:
                return None
            received += data
            message = wire.decode_second_message(received)
            if message is not None:
                return message
        return None

    def _send_range(self, blocks: _Blocks) -> None:
        """Send chunk k as soon as k acknowledgements have arrived."""
        count = chunk_count(self.size)
        following = resends = 0
        while following < count or self.acknowledged < count:
            allowed = min(self.acknowledged + 1, count) - following
            if allowed > 0:
                following += self._send(blocks.chunks(following, allowed))
                continue
            for is_good in self._receive_acks():
                if is_good:
                    self.acknowledged, resends = self.acknowledged + 1, 0
                elif self.acknowledged >= following:
                    raise PeerProtocolError("it refused a chunk that was not sent yet")
                else:
                    following, resends = self.acknowledged, resends + 1
            if resends > MAX_RESENDS:
                raise PeerProtocolError("it refused the same chunk again and again")
            if self.acknowledged > count:
                raise PeerProtocolError("it acknowledged more chunks than it asked for")

    def _send(self, chunks: memoryview) -> int:
        """Send these chunks and their headers; returns how many chunks."""
        self._throttle.wait(len(chunks), self._stopping, most_s=MOST_HELD_BACK_S)
        deadline = time.monotonic() + STALLED_S
        rest = chunks
        while rest:
            rest = rest[self._connection.send(rest) :]
            self._check_patience(deadline)  # even if the leecher reads single bytes
        count = -(-len(chunks) // _STEP)
        self.sent = min(self.sent + len(chunks) - count * HEADER.size, self.size)
        return count

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
        if self._stopping.is_set():
            raise ConnectionAbortedError("the seeder stops")
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing moved for {STALLED_S:.0f} s")


class _Blocks:
    """The chunks of a range with their headers, read block by block into the same memory."""

    def __init__(
        self, block: bytearray, opened: PositionedFile, file: TreeFile, offset: int, size: int
    ) -> None:
        """The range of `size` bytes from `offset` on."""
        self._block = memoryview(block)
        self._chunks = [
            self._block[start + HEADER.size : start + _STEP]
            for start in range(0, len(block), _STEP)
        ]
        self._opened, self._file = opened, file
        self._offset, self._size = offset, size
        self._first = 0  # chunk of the range, in the block
        self._ready = self._block[:0]

    def chunks(self, first: int, most: int) -> memoryview:
        """The chunks from `first` on, at least one and at most `most`. Raises FileChangedError."""
        start = (first - self._first) * _STEP
        if not 0 <= start < len(self._ready):
            self._read(first)
            start = 0
        return self._ready[start : start + most * _STEP]

    def _read(self, first: int) -> None:
        """Refuses to send a mixture of two versions of the file."""
        skipped = first * CHUNK_SIZE
        wanted = min(len(self._chunks) * CHUNK_SIZE, self._size - skipped)
        chunks = self._chunks[: chunk_count(wanted)]
        chunks[-1] = chunks[-1][: wanted - (len(chunks) - 1) * CHUNK_SIZE]
        got = self._opened.read_pieces(self._offset + skipped, chunks)
        if got < wanted or not self._file.is_still(os.fstat(self._opened.descriptor)):
            raise FileChangedError(f"{self._file.path} changed while it was sent")
        for index, chunk in enumerate(chunks):
            digest = hashlib.sha256(chunk).digest()
            HEADER.pack_into(self._block, index * _STEP, len(chunk), digest)
        self._first, self._ready = first, self._block[: wanted + len(chunks) * HEADER.size]
