"""The swarm as threads share it: its state, one lock, the clock, and the connections.

The lock is never held during I/O. Messages are sent after it is released, because a peer may be
gone, or may not read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from roles.swarm.content_transfer import ContentTransfer, Store
from roles.swarm.peer_connection import PeerConnection
from roles.swarm.peers import Peers
from roles.swarm.swarm import Message, Swarm
from roles.values.errors import PeerProtocolError, StorageError
from roles.wire import frames

log = logging.getLogger(__name__)


class SharedSwarm:
    """Its methods may be called from any thread."""

    def __init__(self, news: Callable[[bytes, int], None]) -> None:
        """`news` gets the root and the bitmap of chunks that can be uploaded from now on."""
        self._lock = threading.Lock()  # protects the swarm and the table of connections
        self._written = threading.Condition(self._lock)  # notified when a chunk has been written
        self._news = news
        self._swarm = Swarm()
        self._connections: dict[int, PeerConnection] = {}

    # What downloads ask

    def add(self, transfer: ContentTransfer) -> int:
        """Returns its handle. Fetches its digests; chunks come after ask()."""
        with self._lock:
            handle, messages = self._swarm.add(transfer)
        self._send(messages)
        return handle

    def ask(self, handle: int, store: Store, had: int = 0) -> None:
        """Ask for the chunks that are missing in `store`, which has those of the bitmap `had`. The
        digests must be known, or not needed.
        """
        with self._lock:
            transfer = self._swarm.get(handle)
            if transfer is None:
                return
            transfer.store, transfer.plan.had = store, had
            messages = [] if transfer.is_done else self._swarm.ask(handle, now=time.monotonic())
        self._send(messages)

    def remove(self, handle: int) -> None:
        """Ask for nothing more of it. Once this returns, nobody writes to its store."""
        with self._lock:
            transfer = self._swarm.stop_asking(handle)
            if transfer is None:
                return
            self._written.wait_for(lambda: not transfer.writers)
            closings, messages = self._swarm.remove(handle, transfer, now=time.monotonic())
        # No peer waits to hear that we have everything.
        self._send(closings, is_urgent=not transfer.is_done)
        self._send(messages)

    def tick(self) -> None:
        """Call it a few times a second: see Swarm.tick()."""
        with self._lock:
            messages, quiet = self._swarm.tick(now=time.monotonic())
            unsent = [one for one in self._connections.values() if one.connection.queued]
        self._send(messages)
        for connection in unsent:
            _try(connection, connection.connection.flush)
        for peer in quiet:
            log.info("%s does not send what it offers", peer.address)
            self.hang_up(peer.number)

    @property
    def is_busy(self) -> bool:
        """Whether any content is under way."""
        return self._swarm.is_busy

    def held(self, handles: Iterable[int]) -> frozenset[int]:
        """The contents, of these, that a connected peer has or may have."""
        with self._lock:
            return frozenset(filter(self._swarm.is_held, handles))

    @contextmanager
    def peers(self) -> Iterator[Peers]:
        """All peers, with the lock held inside the block."""
        with self._lock:
            yield self._swarm.peers

    def hang_up(self, number: int) -> None:
        """End this connection, if it is still there."""
        with self._lock:
            connection = self._connections.get(number)
        if connection is not None:
            connection.hang_up()

    # What the connections' threads report

    def joined(self, connection: PeerConnection) -> None:
        with self._lock:
            self._connections[connection.peer.number] = connection
            messages = self._swarm.joined(connection.peer, now=time.monotonic())
        self._send(messages)

    def left(self, connection: PeerConnection) -> None:
        with self._lock:
            self._connections.pop(connection.peer.number, None)
            messages = self._swarm.left(connection.peer, now=time.monotonic())
        self._send(messages)

    def described(self, connection: PeerConnection, file: frames.File) -> None:
        with self._lock:
            messages = self._swarm.described(connection.peer, file, now=time.monotonic())
        self._send(messages)

    def digests_came(self, connection: PeerConnection, digests: frames.Digests) -> bool:
        """Whether they were useful."""
        with self._lock:
            result = self._swarm.digests_came(connection.peer, digests, now=time.monotonic())
        self._send(result.messages)
        if result.whole is not None:
            result.whole.wake()
        return result.is_useful

    def answer(self, connection: PeerConnection, offer: frames.Offer) -> None:
        with self._lock:
            messages = self._swarm.answer(connection.peer, offer, now=time.monotonic())
        self._send(messages)

    def queued(self, connection: PeerConnection, position: int) -> None:
        """Our position in its queue for a slot; 0 when we do not wait."""
        with self._lock:
            connection.peer.position = position

    def expected(
        self, connection: PeerConnection, handle: int, index: int
    ) -> ContentTransfer | None:
        """The content of a chunk that is arriving; None when it is no longer wanted."""
        with self._lock:
            return self._swarm.expected(connection.peer, handle, index)

    def received(self, connection: PeerConnection, handle: int, index: int, count: int) -> None:
        with self._lock:
            self._swarm.received(connection.peer, handle, index, count, now=time.monotonic())

    def keep(
        self, connection: PeerConnection, handle: int, index: int, chunk: memoryview, digest: bytes
    ) -> bool:
        """Check a chunk and write it; False when it was wrong, unwanted or could not be written.

        Raises PeerProtocolError when the peer has sent too many wrong ones.
        """
        peer = connection.peer
        with self._lock:
            transfer = self._swarm.get(handle)
        if transfer is None:
            return False
        if not transfer.is_right(index, digest):
            log.warning(
                "chunk %d of %s from %s failed its check", index, transfer.title, peer.address
            )
            with self._lock:
                messages, is_over = self._swarm.damaged(
                    peer, handle, transfer, index, now=time.monotonic()
                )
            self._send(messages)
            if is_over:
                raise PeerProtocolError("it keeps sending damaged chunks")
            return False
        try:
            if not self._write(transfer, index, chunk):
                return False
        except StorageError as error:
            transfer.fault = error
            with self._lock:
                messages = self._swarm.released(peer, handle, transfer, index, now=time.monotonic())
            self._send(messages)
            transfer.wake()
            return False
        with self._lock:
            written = self._swarm.written(
                peer, handle, transfer, index, len(chunk), now=time.monotonic()
            )
        self._news(transfer.content.root, 1 << index)
        self._send(written.messages)
        if written.is_done:
            transfer.wake()
        return True

    def gone(self, connection: PeerConnection, handle: int, reason: str) -> None:
        log.debug("%s does not have a content: %s", connection.peer.address, reason)
        with self._lock:
            messages = self._swarm.gone(connection.peer, handle, now=time.monotonic())
        self._send(messages)

    def _write(self, transfer: ContentTransfer, index: int, chunk: memoryview) -> bool:
        """False when the content is no longer asked for. Raises StorageError."""
        with self._lock:
            store = transfer.store if transfer.is_asking else None
            if store is None:
                return False
            if transfer.plan.had >> index & 1:  # another peer was faster
                return True
            transfer.writers += 1
        try:
            store.write(index * transfer.content.chunk_size, chunk)
        finally:
            with self._lock:
                transfer.writers -= 1
                self._written.notify_all()
        return True

    def _send(self, messages: Iterable[Message], *, is_urgent: bool = True) -> None:
        """Send each peer its messages in order and in one call: each call would wake it."""
        by_peer = dict[int, list[frames.Frame]]()
        for peer, message in messages:
            by_peer.setdefault(peer.number, []).append(message)
        for number, of_peer in by_peer.items():
            connection = self._connections.get(number)
            if connection is not None:
                connection.peer.told_at = time.monotonic()
                _try(connection, connection.send if is_urgent else connection.send_later, *of_peer)


def _try(connection: PeerConnection, send: Callable[..., None], *messages: frames.Frame) -> None:
    """Hang up if sending fails; the connection's own thread finds out."""
    try:
        send(*messages)
    except OSError as error:
        log.debug("cannot send to %s: %s", connection.peer.address, error)
        connection.hang_up()
