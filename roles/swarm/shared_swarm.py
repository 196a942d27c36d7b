"""The swarm as threads share it: its state, one lock, the clock, and the connections.

The lock is never held during I/O. Messages are sent after it is released, because a peer may be
gone, or may not read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection

from roles.net.connection import Connection
from roles.swarm.content_transfer import ContentTransfer, Store
from roles.swarm.peer import Peer
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
        self._connections: dict[int, Connection] = {}
        self._locked = _Locked(self)

    def locked(self) -> _Locked:
        """The state, with the lock held inside the block. What it has to say is sent after it."""
        return self._locked

    def add(self, transfer: ContentTransfer) -> None:
        """Fetch its digests. Chunks come after ask()."""
        with self.locked() as swarm:
            swarm.add(transfer)

    def ask(self, transfer: ContentTransfer, store: Store, had: int = 0) -> None:
        """Ask for the chunks that are missing in `store`, which has those of the bitmap `had`. The
        digests must be known, or not needed.
        """
        with self.locked() as swarm:
            if swarm.get(transfer.handle) is not None:
                transfer.store, transfer.plan.had = store, had
                if not transfer.is_done:
                    swarm.ask(transfer, now=time.monotonic())

    def remove(self, transfer: ContentTransfer) -> None:
        """Ask for nothing more of it. Once this returns, nobody writes to its store."""
        with self.locked() as swarm:
            if swarm.stop_asking(transfer):
                self._written.wait_for(lambda: not transfer.writers)
                swarm.remove(transfer, now=time.monotonic())

    def tick(self, *, now: float) -> None:
        """Call it a few times a second: see Swarm.tick()."""
        with self.locked() as swarm:
            quiet = swarm.tick(now=now)
            unsent = [connection for connection in self._connections.values() if connection.queued]
        for connection in unsent:
            _try(connection, Connection.flush)
        for peer in quiet:
            log.info("%s does not send what it offers", peer.address)
        self.hang_up(quiet)

    @property
    def is_busy(self) -> bool:
        """Whether any content is under way."""
        return self._swarm.is_busy

    def joined(self, peer: Peer, connection: Connection) -> None:
        """The connection stays the caller's to close, after left()."""
        with self.locked() as swarm:
            self._connections[peer.number] = connection
            swarm.joined(peer, now=time.monotonic())

    def left(self, peer: Peer) -> None:
        with self.locked() as swarm:
            self._connections.pop(peer.number, None)
            swarm.left(peer, now=time.monotonic())

    def hang_up(self, peers: Collection[Peer]) -> None:
        """End the connections to these. Their threads find out."""
        with self._lock:
            for peer in peers:
                peer.is_leaving = True
            connections = [self._connections.get(peer.number) for peer in peers]
        for connection in filter(None, connections):
            connection.hang_up()

    def keep(
        self, peer: Peer, transfer: ContentTransfer, index: int, chunk: memoryview, digest: bytes
    ) -> None:
        """Check a chunk and write it, unless it is no longer wanted.

        Raises PeerProtocolError when the peer has sent too many wrong ones.
        """
        if not transfer.is_right(index, digest):
            log.warning(
                "chunk %d of %s from %s failed its check", index, transfer.title, peer.address
            )
            with self.locked() as swarm:
                is_over = swarm.damaged(peer, transfer, index, now=time.monotonic())
            if is_over:
                raise PeerProtocolError("it keeps sending damaged chunks")
            return
        with self._lock:
            store = transfer.store if transfer.is_asking else None
            if store is None:
                return
            is_here = transfer.plan.had >> index & 1  # it came from somebody else meanwhile
            transfer.writers += 1
        is_written = False
        try:
            if not is_here:
                began = time.monotonic()
                store.write(index * transfer.content.chunk_size, chunk)
                peer.spent.writing += time.monotonic() - began
                peer.spent.written += len(chunk)
            is_written = True
        except StorageError as error:
            transfer.fault = error
        finally:
            with self.locked() as swarm:
                if is_written:
                    swarm.written(peer, transfer, index, now=time.monotonic())
                else:
                    swarm.released(peer, transfer, index, now=time.monotonic())
                    swarm.to_wake.append(transfer)
                transfer.writers -= 1
                if not transfer.is_asking:  # remove() waits for what is being written
                    self._written.notify_all()
        if is_written:
            self._news(transfer.content.root, 1 << index)

    def _send(self, messages: list[Message], how: Callable[[Connection, bytearray], None]) -> None:
        """Send each peer its messages in order and in one call: each call would wake it."""
        now = time.monotonic()
        by_peer = dict[int, bytearray]()
        for peer, frame in messages:
            peer.sent_at = now
            by_peer.setdefault(peer.number, bytearray()).extend(frames.encode(frame))
        for number, data in by_peer.items():
            connection = self._connections.get(number)
            if connection is not None:
                _try(connection, how, data)


class _Locked:
    """A block that holds the swarm's lock.

    Every part of a chunk passes through it, and a generator would cost three times as much.
    """

    def __init__(self, shared: SharedSwarm) -> None:
        self._shared = shared

    def __enter__(self) -> Swarm:
        self._shared._lock.acquire()
        return self._shared._swarm

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        shared, swarm = self._shared, self._shared._swarm
        if error or not (swarm.to_send or swarm.to_send_later or swarm.to_wake):
            shared._lock.release()
            return
        later, swarm.to_send_later = swarm.to_send_later, []
        to_send, swarm.to_send = swarm.to_send, []
        to_wake, swarm.to_wake = swarm.to_wake, []
        shared._lock.release()
        if later:
            shared._send(later, Connection.queue)
        if to_send:
            shared._send(to_send, Connection.post)
        for transfer in to_wake:
            transfer.wake()


def _try(connection: Connection, send: Callable[..., None], *data: bytearray) -> None:
    """Hang up if sending fails; the connection's own thread finds out."""
    try:
        send(connection, *data)
    except OSError as error:
        log.debug("cannot send to %s: %s", connection.address, error)
        connection.hang_up()
