"""Peers of LMK/2 that play by a script over real sockets, and contents that live in memory."""

from __future__ import annotations

import contextlib
import itertools
import queue
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from roles.disk.holding import ChunkSource, Holding
from roles.net.connection import Connection
from roles.net.throttle import Throttle
from roles.swarm.arriving_chunks import ArrivingChunks
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.downloader import Downloader
from roles.swarm.peer import Peer
from roles.swarm.shared_swarm import SharedSwarm
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address
from roles.values.content import MIN_CHUNK_SIZE, Content, bitmap_bytes
from roles.values.errors import FileChangedError, PeerProtocolError, StorageError
from roles.wire import frames
from roles.wire.greeting import Hello, Probe, Welcome, decode_hello, encode_welcome
from tests.connections import over, tcp_pair
from tests.disks import described, some_bytes
from tests.receiving import receive_exactly
from tests.role_test import RoomTest, ScriptedSeeder
from tests.support import LIMIT_S, wait_until

CHUNK = MIN_CHUNK_SIZE
PORT = 12501
HERE = "127.0.0.1"
_PEER_IDS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a chunk, as it came."""

    handle: int
    index: int
    offset: int
    data: bytes


class RawPeer:
    """The other end of a connection of ours, frame by frame."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        link.settimeout(LIMIT_S)
        with contextlib.suppress(OSError):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *some: frames.Frame) -> None:
        """Frames, in one piece."""
        self.link.sendall(b"".join(map(frames.encode, some)))

    def send_part(self, handle: int, index: int, offset: int, data: bytes) -> None:
        self.link.sendall(frames.encode_part_head(handle, index, offset, len(data)) + data)

    def send_chunk(self, handle: int, index: int, chunk: bytes) -> None:
        for offset in range(0, len(chunk), frames.PART):
            self.send_part(handle, index, offset, chunk[offset : offset + frames.PART])

    def next(self) -> frames.Frame | Part:
        """The next frame. Raises EOFError when the other side has left."""
        try:
            kind, length = frames.decode_header(receive_exactly(self.link, frames.HEADER.size))
            body = receive_exactly(self.link, length)
        except ConnectionResetError:
            raise EOFError("it reset the connection") from None
        if kind == frames.Kind.CHUNK:
            head = frames.PART_HEAD.size
            handle, index, offset = frames.PART_HEAD.unpack(body[:head])
            return Part(handle, index, offset, body[head:])
        frame = frames.decode(kind, body)
        assert frame is not None
        return frame

    def expect(self, *kinds: type) -> object:
        """The next frame, which is of one of these kinds; signs of life are passed over."""
        while isinstance(frame := self.next(), frames.Alive):
            pass
        if not isinstance(frame, kinds):
            raise AssertionError(f"{frame} instead of {kinds}")
        return frame

    def chunk(self, length: int) -> bytes:
        """The parts of one chunk, joined; offers ahead of it are passed over."""
        data = b""
        while len(data) < length:
            part = self.expect(Part, frames.Offer, frames.Place)
            if isinstance(part, Part):
                assert part.offset == len(data), part
                data += part.data
        return data

    def is_silent(self, for_s: float) -> bool:
        """Whether nothing but signs of life comes for so long."""
        deadline = time.monotonic() + for_s
        try:
            while (left_s := deadline - time.monotonic()) > 0:
                self.link.settimeout(left_s)
                if not isinstance(self.next(), frames.Alive):
                    return False
        except TimeoutError:
            return True
        finally:
            self.link.settimeout(LIMIT_S)
        return True

    def talk_until_it_leaves(self, words: bytes) -> None:
        """Say them again and again, and read what is answered, until the other side hangs up."""
        deadline = time.monotonic() + LIMIT_S
        self.link.setblocking(False)
        rest = b""
        while time.monotonic() < deadline:
            rest = rest or words
            try:
                can_read, can_write, _ = select.select([self.link], [self.link], [], 0.1)
                if can_read and not self.link.recv(1 << 16):
                    return
                if can_write:
                    rest = rest[self.link.send(rest) :]
            except BlockingIOError:
                continue
            except OSError:
                return
        raise AssertionError("it listens without end")

    def has_left(self) -> bool:
        """Whether the other side hangs up, whatever it says before."""
        try:
            while True:
                self.next()
        except (EOFError, OSError) as error:
            return not isinstance(error, TimeoutError)


class MemorySource:
    """A ChunkSource; using it after it was closed is an error."""

    def __init__(self, holding: MemoryHolding) -> None:
        self._holding = holding
        self.is_closed = False

    def send(self, connection: Connection, offset: int, length: int) -> int:
        assert not self.is_closed, "a closed source was sent from"
        if offset >= len(self._holding.data):
            raise FileChangedError("it is shorter than it was")
        return connection.send(self._holding.data[offset : offset + length])

    def check(self) -> None:
        assert not self.is_closed, "a closed source was looked at"
        if self._holding.has_changed:
            raise FileChangedError("it changed")

    def close(self) -> None:
        self.is_closed = True


class MemoryHolding:
    """A Holding."""

    def __init__(self, data: bytes, *, chunk_size: int = CHUNK) -> None:
        self.data = data
        self.content, self._digests = described(data, chunk_size)
        self.title = "some bytes"
        self.here = self.content.all_chunks
        self.has_digests = True
        self.has_changed = False
        self.sources: list[MemorySource] = []

    def digests(self) -> bytes | None:
        return self._digests if self.has_digests else None

    def have(self) -> int:
        return self.here

    def open(self) -> MemorySource:
        self.sources.append(MemorySource(self))
        return self.sources[-1]

    def chunk(self, index: int) -> bytes:
        start = index * self.content.chunk_size
        return self.data[start : start + self.content.length(index)]


class MemoryLibrary:
    """A Library that counts what is withdrawn."""

    def __init__(self, *holdings: MemoryHolding) -> None:
        self.holdings: dict[bytes, Holding] = {one.content.root: one for one in holdings}
        self.withdrawn: list[bytes] = []

    def find(self, root: bytes) -> Holding | None:
        return self.holdings.get(root)

    def withdraw(self, root: bytes) -> None:
        self.withdrawn.append(root)
        self.holdings.pop(root, None)


class MemoryStore:
    """A transfer.Store that may be full."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)
        self.writes = 0
        self.fault: StorageError | None = None

    def write(self, offset: int, piece: memoryview) -> None:
        if self.fault is not None:
            raise self.fault
        self.writes += 1
        self.data[offset : offset + len(piece)] = piece

    def open_source(self) -> ChunkSource:
        raise FileChangedError("it is not given on")


def some_holding(chunks: float, seed: int = 1) -> MemoryHolding:
    return MemoryHolding(some_bytes(int(chunks * CHUNK), seed))


def bitmap(content: Content, chunks: int | None = None) -> bytes:
    """All chunks of a content, or these, as they are sent."""
    return bitmap_bytes(content.all_chunks if chunks is None else chunks, content.count)


class UploadingTest(RoomTest):
    """Our sending side, and leechers that play by a script."""

    def uploads(
        self, *holdings: MemoryHolding, slots: int = 4, limit: int | None = None
    ) -> PeerUploads:
        self.library = MemoryLibrary(*holdings)
        uploads = PeerUploads(self.library, slots, Throttle(limit))

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
        self.assertTrue(uploads.serve(over(ours, address), "a computer", longest_part=longest_part))
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
        self.errors: queue.Queue[BaseException | None] = queue.Queue()
        self._stopping = threading.Event()

    def transfer(self, holding: MemoryHolding) -> tuple[int, ContentTransfer, MemoryStore]:
        """One that asks for its chunks as soon as it knows their digests."""
        asked = threading.Event()

        def look() -> None:
            if not transfer.is_asking and not transfer.is_done and not asked.is_set():
                asked.set()
                self.swarm.ask(transfer, store)

        store = MemoryStore(holding.content.size)
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
        peer_ = Peer(number, address, name, "pc", time.monotonic())
        connection = over(ours, address)
        downloader = Downloader(
            peer_,
            connection,
            self.swarm,
            self.chunks,
            throttle or Throttle(),
            self._stopping.is_set,
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


def welcomed(link: socket.socket, peer: str, *, is_away: bool = False) -> Hello | Probe | None:
    """Accept a peer of LMK/2: read its hello and answer it."""
    hello = b""
    while hello.count(b"\n") < 2:
        data = link.recv(1_024)
        if not data:
            raise EOFError("it left without a word")
        hello += data
    link.sendall(encode_welcome(Welcome(peer, "a liar", is_away)))
    return decode_hello(hello.split(b"\n")[1])


def lying_seeder(peer: str, play: Callable[[RawPeer], None]) -> ScriptedSeeder:
    """A listener that welcomes every leecher and then plays by a script."""

    def run(link: socket.socket) -> None:
        welcomed(link, peer)
        play(RawPeer(link))

    return ScriptedSeeder(run)
