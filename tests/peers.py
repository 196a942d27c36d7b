"""A peer of LMK/2 at the other end of our uploads and downloads, over real sockets."""

from __future__ import annotations

import itertools
import queue
import socket
import threading
import time
from collections.abc import Callable

from roles.net import frame_budget
from roles.net.frame_budget import FrameBudget
from roles.net.throttle import Throttle
from roles.swarm.arriving_chunks import ArrivingChunks
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.downloader import LIMITS, Downloader
from roles.swarm.peer import Peer
from roles.swarm.shared_swarm import SharedSwarm
from roles.uploads import uploader
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.wire import frames
from roles.wire.greeting import Hello
from tests.connections import over, tcp_pair
from tests.memory_contents import CHUNK, MemoryHolding, MemoryLibrary, MemoryStore, bitmap
from tests.raw_peer import Part, RawPeer
from tests.role_test import RoomTest
from tests.support import LIMIT_S, wait_until

PORT = 12501
HERE = "127.0.0.1"
_PEER_IDS = itertools.count(1)


class UploadingTest(RoomTest):
    """Our sending side, and leechers that play by a script."""

    def uploads(
        self,
        *holdings: MemoryHolding,
        slots: int = 4,
        limit: int | None = None,
        limits: uploader.Limits = uploader.LIMITS,
    ) -> PeerUploads:
        self.library = MemoryLibrary(*holdings)
        uploads = PeerUploads(self.library, slots, Throttle(limit), limits)

        def end() -> None:
            uploads.stop()
            uploads.join()

        self.addCleanup(end)
        return uploads

    def joined(
        self,
        uploads: PeerUploads,
        host: str = HERE,
        buffer: int = 0,
        longest_part: int = frames.PART,
    ) -> RawPeer:
        """`buffer`: bytes that its system receives unasked, 0 for the usual."""
        with socket.create_server((HERE, 0)) as listener:
            mine = self.enterContext(socket.socket())
            if buffer:
                mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            mine.connect(listener.getsockname())
            ours, _ = listener.accept()
        address = Address(host, mine.getsockname()[1])
        hello = Hello("f" * 16, "a computer", 0, is_seeder=False, longest_part=longest_part)
        self.assertTrue(uploads.serve(over(ours, address), hello))
        return RawPeer(mine)

    def opened(self, leecher: RawPeer, holding: MemoryHolding, handle: int = 7) -> frames.File:
        leecher.send(frames.Open(handle, holding.content.root))
        file = leecher.expect(frames.File)
        assert isinstance(file, frames.File)
        return file

    def wanting(
        self, uploads: PeerUploads, holding: MemoryHolding, chunks: int | None = None
    ) -> RawPeer:
        """A leecher that has opened it and wants all of it, or these."""
        leecher = self.joined(uploads)
        self.opened(leecher, holding)
        leecher.send(frames.Want(7, bitmap(holding.content, chunks)))
        return leecher

    def offer(self, leecher: RawPeer) -> frames.Offer:
        while isinstance(frame := leecher.expect(frames.Offer, frames.Place), frames.Place):
            pass
        assert isinstance(frame, frames.Offer)
        return frame

    def fetch(self, leecher: RawPeer, holding: MemoryHolding) -> None:
        """Take everything, as an honest leecher does."""
        lacks = holding.content.all_chunks
        while lacks:
            offer = self.offer(leecher)
            lacks &= ~(1 << offer.index)
            leecher.send(frames.Take(offer.handle, offer.index))
            data = b""
            while len(data) < holding.content.length(offer.index):
                frame = leecher.expect(Part, frames.Offer, frames.Place)
                if isinstance(frame, frames.Offer):
                    leecher.send(
                        frames.Decline(frame.handle, frame.index, self.rest(holding, lacks))
                    )
                elif isinstance(frame, Part):
                    data += frame.data
            self.assertEqual(data, holding.chunk(offer.index))

    def rest(self, holding: MemoryHolding, lacks: int) -> bytes:
        return bitmap(holding.content, lacks)


class DownloadingTest(RoomTest):
    """Our receiving side, and senders that play by a script."""

    def setUp(self) -> None:
        super().setUp()
        self.news: list[tuple[bytes, int]] = []
        self.swarm = SharedSwarm(lambda root, chunks: self.news.append((root, chunks)))
        self.chunks = ArrivingChunks(8 * CHUNK)
        self.downloader_limits = LIMITS
        self.budget_limits = frame_budget.LIMITS
        self.make_store: Callable[[int], MemoryStore] = MemoryStore
        self.errors: queue.Queue[BaseException | None] = queue.Queue()
        self._stopping = threading.Event()

    def transfer(self, holding: MemoryHolding) -> tuple[int, ContentTransfer, MemoryStore]:
        """One that asks for its chunks as soon as it knows their digests."""
        asked = threading.Event()

        def look() -> None:
            if not transfer.is_asking and not transfer.is_done and not asked.is_set():
                asked.set()
                self.swarm.ask(transfer, store)

        store = self.make_store(holding.content.size)
        transfer = ContentTransfer(holding.content, "some bytes", look)
        self.swarm.add(transfer)
        if transfer.is_single:
            look()
        return transfer.handle, transfer, store

    def sender(
        self,
        peer: str = "",
        *,
        throttle: Throttle | None = None,
        host: str = HERE,
        port: int | None = None,
    ) -> RawPeer:
        """The other end of a connection from which our side takes, as if from there: at one port,
        if its id is given, else at one of its own.
        """
        port = PORT if peer and port is None else port
        mine, ours = self.enterContext(tcp_pair())
        number = next(_PEER_IDS)
        address = Address(host, number if port is None else port)
        name = peer or f"{number:016x}"
        budget = FrameBudget(self.budget_limits)
        peer_ = Peer(number, address, name, "pc", time.monotonic(), budget=budget)
        connection = over(ours, address)
        downloader = Downloader(
            peer_,
            connection,
            self.swarm,
            self.chunks,
            throttle or Throttle(),
            self._stopping,
            self.downloader_limits,
        )
        self.swarm.joined(peer_, connection)  # they are asked in this order

        def main() -> None:
            error: BaseException | None = None
            try:
                downloader.run()
            except (PeerProtocolError, OSError) as raised:
                error = raised
            self.swarm.left(peer_)
            connection.hang_up()
            self.errors.put(error)

        thread = threading.Thread(target=main, name="lmk-test-downloader")
        thread.start()

        def end() -> None:
            self._stopping.set()
            connection.hang_up()
            thread.join()

        self.addCleanup(end)
        return RawPeer(mine)

    def describe(self, sender: RawPeer, holding: MemoryHolding) -> int:
        """Answer the OPEN of a content, and the question for its digests; returns the handle."""
        opening = sender.expect(frames.Open)
        assert isinstance(opening, frames.Open)
        self.assertEqual(opening.root, holding.content.root)
        self.send_file(sender, opening.handle, holding)
        return opening.handle

    def send_file(self, sender: RawPeer, handle: int, holding: MemoryHolding) -> None:
        content = holding.content
        sender.send(frames.File(handle, content.size, content.chunk_size, bitmap(content)))

    def give_digests(self, sender: RawPeer, holding: MemoryHolding) -> None:
        question = sender.expect(frames.GetDigests)
        assert isinstance(question, frames.GetDigests)
        digests = holding.digests() or b""
        part = digests[32 * question.first : 32 * (question.first + question.count)]
        sender.send(frames.Digests(question.handle, question.first, part))

    def offering(
        self, holding: MemoryHolding, peer: str = "", host: str = HERE
    ) -> tuple[RawPeer, int]:
        """A sender that has described it, given its digests and heard what is wanted."""
        sender = self.sender(peer, host=host)
        handle = self.describe(sender, holding)
        self.give_digests(sender, holding)
        sender.expect(frames.Want)
        return sender, handle

    def give(self, sender: RawPeer, handle: int, holding: MemoryHolding, *indexes: int) -> None:
        """Offer chunks and send them, as an honest seeder does."""
        for index in indexes:
            self.offer(sender, handle, index)
            sender.send_chunk(handle, index, holding.chunk(index))

    def offer(self, sender: RawPeer, handle: int, index: int) -> None:
        """Offer a chunk, which is taken."""
        sender.send(frames.Offer(handle, index))
        while isinstance(frame := sender.expect(frames.Take, frames.Want), frames.Want):
            pass
        self.assertEqual(frame, frames.Take(handle, index))

    def assert_refused(self, sender: RawPeer) -> None:
        """Our side drops this sender for what it said."""
        self.assertTrue(sender.has_left())
        self.assertIsInstance(self.errors.get(timeout=LIMIT_S), PeerProtocolError)

    def assert_no_buffer_is_lost(self) -> None:
        wait_until(lambda: not self.chunks._used, LIMIT_S, "a buffer was not given back")
