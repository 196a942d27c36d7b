"""Leechers that keep no promise of docs/PROTOCOL.md; for tests and for tests.lab.

Each is a function of its connection. Pauses are in seconds of the real program; a test makes them
shorter.
"""

from __future__ import annotations

import contextlib
import functools
import random
import select
import socket
from collections.abc import Callable, Mapping

from roles.lmk1 import peer_wire as lmk1
from roles.wire import frames
from roles.wire.greeting import REQUEST_CONNECTION
from tests.hostile_connection import Talk
from tests.memory_contents import MemoryHolding, bitmap
from tests.raw_peer import OPEN, WANT
from tests.receiving import receive_chunk, receive_exactly


class Leech(Talk):
    """A hostile leecher's connection, and what an honest one would say first."""

    def opened(self) -> dict[int, MemoryHolding]:
        """Open every content of more than one chunk and say that all of it is wanted."""
        for handle, (root, holding) in enumerate(self.contents.items(), 1):
            if holding.content.count > 1:
                self.open[handle] = holding
                self.send(frames.Open(handle, root), frames.Want(handle, bitmap(holding.content)))
        return self.open

    def offers(self) -> frames.Offer:
        """The next offer."""
        while not isinstance(frame := self.peer.next(), frames.Offer):
            pass
        return frame

    def take(self, offered: frames.Offer) -> None:
        self.send(frames.Take(offered.handle, offered.index))

    def decline(self, offered: frames.Offer) -> None:
        all_of_it = bitmap(self.open[offered.handle].content)
        self.send(frames.Decline(offered.handle, offered.index, all_of_it))

    def want_again(self, handle: int) -> None:
        self.send(frames.Want(handle, bitmap(self.open[handle].content)))

    def read_nothing(self) -> None:
        """Until the other side leaves."""
        poller = select.poll()
        poller.register(self.peer.link, select.POLLRDHUP)
        while self.peer.link.fileno() >= 0 and not poller.poll(100):
            pass


def is_idle(leech: Leech) -> None:
    while leech.peer.next():
        pass


def is_alive(leech: Leech) -> None:
    while True:
        leech.pause(5.0)
        leech.send(frames.Alive())


def wants_and_answers_nothing(leech: Leech) -> None:
    leech.opened()
    is_alive(leech)


def declines_late(leech: Leech) -> None:
    leech.opened()
    while True:
        offered = leech.offers()
        leech.pause(1.9)
        leech.decline(offered)


def declines(leech: Leech) -> None:
    leech.opened()
    while True:
        leech.decline(leech.offers())


def takes_and_reads_nothing(leech: Leech) -> None:
    leech.opened()
    leech.take(leech.offers())
    leech.read_nothing()


def takes_and_reads(count: int, pause_s: float) -> Callable[[Leech], None]:
    def script(leech: Leech) -> None:
        leech.peer.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        leech.opened()
        leech.take(leech.offers())
        while leech.peer.link.recv(count):
            leech.pause(pause_s)

    return script


def takes_and_calls_off(leech: Leech) -> None:
    leech.opened()
    while True:
        offered = leech.offers()
        leech.take(offered)
        leech.send(frames.Cancel(offered.handle, offered.index))
        leech.want_again(offered.handle)


def takes_without_end(leech: Leech) -> None:
    """As fast as it can, what it has already too."""
    leech.opened()
    while True:
        frame = leech.peer.next()
        if isinstance(frame, frames.Offer):
            leech.want_again(frame.handle)
            leech.take(frame)


def opens_what_is_not_there(leech: Leech) -> None:
    _say_without_end(leech, _openings(2_000))


def opens_the_same_again(leech: Leech) -> None:
    root = next(root for root, known in leech.contents.items() if known.content.count > 1)
    _say_without_end(leech, frames.encode(frames.Open(1, root)) * 500)


def takes_small_files_without_end(leech: Leech) -> None:
    small = [root for root, known in leech.contents.items() if known.content.count == 1]
    words = b"".join(frames.encode(frames.Open(n, root)) for n, root in enumerate(small * 20))
    _say_without_end(leech, words)


def asks_for_digests_without_end(leech: Leech) -> None:
    for handle, holding in leech.opened().items():
        ask = frames.encode(frames.GetDigests(handle, 0, holding.content.count))
        _say_without_end(leech, ask * 500)


def wants_without_end(leech: Leech) -> None:
    for handle, holding in leech.opened().items():
        want = frames.encode(frames.Want(handle, bitmap(holding.content)))
        _say_without_end(leech, want * 500)


def is_alive_without_end(leech: Leech) -> None:
    _say_without_end(leech, frames.encode(frames.Alive()) * 1_000)


def says_unknown_words_without_end(leech: Leech) -> None:
    _say_without_end(leech, frames.HEADER.pack(frames.FIRST_SKIPPED_KIND, 60_000) + bytes(60_000))


def never_ends_a_frame(leech: Leech) -> None:
    leech.raw(frames.HEADER.pack(WANT, frames.MAX_BODY))
    leech.trickle(bytes(frames.MAX_BODY), 5.0)


def says_half_a_frame(leech: Leech) -> None:
    leech.opened()
    leech.raw(frames.HEADER.pack(OPEN, 36)[:3])
    leech.read_nothing()


def opens_many_and_wants_nothing(leech: Leech) -> None:
    leech.raw(_openings(3_000))
    is_alive(leech)


@functools.cache
def _openings(count: int) -> bytes:
    """Of so many contents that nobody has."""
    rng = random.Random(1)
    return b"".join(frames.encode(frames.Open(n, rng.randbytes(32))) for n in range(count))


def _say_without_end(leech: Leech, words: bytes) -> None:
    """And read what is answered."""
    leech.peer.link.setblocking(False)
    rest = memoryview(words)
    while True:
        can_read, can_write, _ = select.select([leech.peer.link], [leech.peer.link], [])
        if can_read and not leech.peer.link.recv(1 << 18):
            return
        if can_write:
            with contextlib.suppress(BlockingIOError):
                rest = rest[leech.peer.link.send(rest) :]
            rest = rest or memoryview(words)


LEECHERS: Mapping[str, Callable[[Leech], None]] = {
    "is idle": is_idle,
    "says that it is alive": is_alive,
    "opens many and wants nothing": opens_many_and_wants_nothing,
    "wants and answers nothing": wants_and_answers_nothing,
    "declines after 1.9 s": declines_late,
    "declines at once": declines,
    "takes and reads nothing": takes_and_reads_nothing,
    "reads a byte a second": takes_and_reads(1, 1.0),
    "reads 2 KB a second": takes_and_reads(500, 0.25),
    "reads 60 KB a second": takes_and_reads(6_000, 0.1),
    "takes and calls off": takes_and_calls_off,
    "takes without end": takes_without_end,
    "takes small files without end": takes_small_files_without_end,
    "opens what is not there": opens_what_is_not_there,
    "opens the same again and again": opens_the_same_again,
    "asks for digests without end": asks_for_digests_without_end,
    "wants without end": wants_without_end,
    "says without end that it is alive": is_alive_without_end,
    "says unknown words without end": says_unknown_words_without_end,
    "never ends a frame": never_ends_a_frame,
    "says half a frame": says_half_a_frame,
}


# Of LMK/1


def asks_for_no_range(leech: Leech) -> None:
    leech.raw(REQUEST_CONNECTION)
    leech.read_nothing()


def asks_for_a_range_slowly(leech: Leech) -> None:
    leech.raw(REQUEST_CONNECTION)
    leech.trickle(b"send_file_chunk\n" + bytes(900), 1.0)


def acknowledges(pause_s: float) -> Callable[[Leech], None]:
    """A range that any file has, chunk by chunk, with so long a pause before each word."""

    def script(leech: Leech) -> None:
        leech.raw(REQUEST_CONNECTION)
        receive_exactly(leech.peer.link, len(lmk1.CONNECTED))
        name = next(iter(leech.contents.values())).title
        leech.raw(lmk1.encode_range_request(lmk1.RangeRequest(name, 20, 0)))
        for _ in range(20):
            receive_chunk(leech.peer.link)
            leech.pause(pause_s)
            leech.raw(lmk1.ACKNOWLEDGED)

    return script


def refuses(leech: Leech) -> None:
    leech.raw(REQUEST_CONNECTION)
    receive_exactly(leech.peer.link, len(lmk1.CONNECTED))
    name = next(iter(leech.contents.values())).title
    leech.raw(lmk1.encode_range_request(lmk1.RangeRequest(name, 20, 0)))
    while True:
        receive_chunk(leech.peer.link)
        leech.raw(lmk1.REJECTED)


ORIGINAL_LEECHERS: Mapping[str, Callable[[Leech], None]] = {
    "LMK/1: asks for no range": asks_for_no_range,
    "LMK/1: asks for a range a byte a second": asks_for_a_range_slowly,
    "LMK/1: acknowledges nothing": acknowledges(1e6),
    "LMK/1: acknowledges a word in 50 s": acknowledges(50.0),
    "LMK/1: refuses every chunk": refuses,
}


def run_leech(script: Callable[[Leech], None], leech: Leech) -> None:
    """Until the other side leaves."""
    with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
        script(leech)
