"""Peers of LMK/2 that play by a script over real sockets."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from roles.wire import frames
from roles.wire.greeting import Hello, Probe, Welcome, decode_hello, encode_welcome
from tests.receiving import receive_exactly
from tests.scripted_seeder import ScriptedSeeder
from tests.support import LIMIT_S

OPEN, WANT, GONE = 1, 5, 12  # kinds of frames, by docs/PROTOCOL.md


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
        if kind == frames.CHUNK:
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
