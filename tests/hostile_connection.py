"""One connection of a hostile peer, which its script sends over."""

from __future__ import annotations

import itertools
import random
import socket
import time
from collections.abc import Callable, Mapping

from roles.wire import frames
from tests.memory_contents import MemoryHolding
from tests.raw_peer import RawPeer


class Talk:
    """One connection of a hostile peer."""

    def __init__(
        self,
        link: socket.socket,
        contents: Mapping[bytes, MemoryHolding],
        pace: float = 1.0,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """`pace`: what a second of a script lasts; `wait` waits."""
        self.peer = RawPeer(link)
        self.contents = contents
        self.pace, self.wait = pace, wait
        self.open: dict[int, MemoryHolding] = {}  # by handle
        self.wanted: dict[int, int] = {}
        self.rng = random.Random(1)
        self.turns = itertools.count()

    def send(self, *some: frames.Frame) -> None:
        self.peer.send(*some)

    def raw(self, data: bytes) -> None:
        self.peer.link.sendall(data)

    def pause(self, seconds: float) -> None:
        self.wait(seconds * self.pace)

    def trickle(self, data: bytes, seconds: float) -> None:
        """Byte by byte, with so long a pause before each."""
        for byte in data:
            self.pause(seconds)
            self.raw(bytes([byte]))

    def chunk(self, handle: int, index: int) -> bytes:
        return self.open[handle].chunk(index)

    def part(self, handle: int, index: int, data: bytes, offset: int = 0) -> bytes:
        return frames.encode_part_head(handle, index, offset, len(data)) + data
