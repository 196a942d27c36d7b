"""Peers that keep no promise of docs/PROTOCOL.md, each by a script; for tests and for tests.lab.

A sender's script says what it does instead of what an honest sender does. A leecher's is a function
of its connection. Pauses are in seconds of the real program; a test makes them shorter.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
import select
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from roles.lmk1 import peer_wire as lmk1
from roles.values.content import DIGEST_SIZE
from roles.wire import frames
from roles.wire.greeting import REQUEST_CONNECTION
from tests.peers import MemoryHolding, Part, RawPeer, bitmap
from tests.receiving import receive_chunk, receive_exactly

UNKNOWN_KIND = 70
LOOK_S = 0.02


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


Act: TypeAlias = Callable[[Talk, frames.Frame], None]


# What an honest sender does


def describe(talk: Talk, frame: frames.Frame) -> None:
    assert isinstance(frame, frames.Open)
    holding = talk.contents.get(frame.root)
    if holding is None:
        talk.send(frames.Gone(frame.handle, "what is that?"))
        return
    talk.open[frame.handle] = holding
    content = holding.content
    talk.send(frames.File(frame.handle, content.size, content.chunk_size, bitmap(content)))
    if content.count == 1:
        answer(talk, frames.Take(frame.handle, 0))


def tell_digests(talk: Talk, frame: frames.Frame) -> None:
    first, part = _digests(talk, frame)
    talk.send(frames.Digests(frame.handle, first, part))  # type: ignore[union-attr]


def offer(talk: Talk, frame: frames.Frame) -> None:
    if isinstance(frame, frames.Want | frames.Decline) and frame.chunks:
        talk.wanted[frame.handle] = int.from_bytes(frame.chunks, "little")
    for handle, wanted in talk.wanted.items():
        if wanted and handle in talk.open:
            index = talk.rng.choice([i for i in range(wanted.bit_length()) if wanted >> i & 1])
            talk.wanted[handle] &= ~(1 << index)
            talk.send(frames.Offer(handle, index))
            return


def give(talk: Talk, frame: frames.Frame) -> None:
    answer(talk, frame)
    offer(talk, frame)


def answer(talk: Talk, frame: frames.Frame) -> None:
    assert isinstance(frame, frames.Take)
    talk.peer.send_chunk(frame.handle, frame.index, talk.chunk(frame.handle, frame.index))


HONEST: dict[type, Act] = {
    frames.Open: describe,
    frames.GetDigests: tell_digests,
    frames.Want: offer,
    frames.Decline: offer,
    frames.Take: give,
}


def nothing(_: Talk, __: frames.Frame) -> None:
    """It is not answered."""


def _digests(talk: Talk, frame: frames.Frame) -> tuple[int, bytes]:
    assert isinstance(frame, frames.GetDigests)
    digests = talk.open[frame.handle].digests() or b""
    span = slice(frame.first * DIGEST_SIZE, (frame.first + frame.count) * DIGEST_SIZE)
    return frame.first, digests[span]


# What others do instead


def some_digests(count: int, after_s: float = 0.0) -> Act:
    def act(talk: Talk, frame: frames.Frame) -> None:
        first, part = _digests(talk, frame)
        talk.pause(after_s)
        handle: int = frame.handle  # type: ignore[union-attr]
        talk.send(frames.Digests(handle, first, part[: count * DIGEST_SIZE]))

    return act


def late_digests(talk: Talk, frame: frames.Frame) -> None:
    talk.pause(0.9)
    tell_digests(talk, frame)


def trickled_digests(talk: Talk, frame: frames.Frame) -> None:
    first, part = _digests(talk, frame)
    handle: int = frame.handle  # type: ignore[union-attr]
    talk.trickle(frames.encode(frames.Digests(handle, first, part)), 0.5)


def wrong_digests(talk: Talk, frame: frames.Frame) -> None:
    first, part = _digests(talk, frame)
    handle: int = frame.handle  # type: ignore[union-attr]
    talk.send(frames.Digests(handle, first, bytes(len(part))))


def gone(talk: Talk, frame: frames.Frame) -> None:
    talk.send(frames.Gone(frame.handle, "not here yet"))  # type: ignore[union-attr]


def place(talk: Talk, _: frames.Frame) -> None:
    talk.send(frames.Place(3))


def offer_all(talk: Talk, frame: frames.Frame) -> None:
    offer(talk, frame)
    while any(talk.wanted.values()):
        offer(talk, frames.Alive())


def trickled_chunk(seconds: float, but: int | None = None) -> Act:
    """Byte by byte, the first ones at once but for so many at the end."""

    def act(talk: Talk, frame: frames.Frame) -> None:
        assert isinstance(frame, frames.Take)
        chunk = talk.chunk(frame.handle, frame.index)
        at_once = 0 if but is None else max(0, len(chunk) - but)
        talk.raw(talk.part(frame.handle, frame.index, chunk)[: -len(chunk)] + chunk[:at_once])
        talk.trickle(chunk[at_once:], seconds)

    return act


def parts_of_one_byte(talk: Talk, frame: frames.Frame) -> None:
    assert isinstance(frame, frames.Take)
    chunk = talk.chunk(frame.handle, frame.index)
    for start in range(0, len(chunk), 4_096):
        places = range(start, min(start + 4_096, len(chunk)))
        parts = (talk.part(frame.handle, frame.index, chunk[n : n + 1], n) for n in places)
        talk.raw(b"".join(parts))
    offer(talk, frame)


def half_a_chunk(talk: Talk, frame: frames.Frame) -> None:
    assert isinstance(frame, frames.Take)
    chunk = talk.chunk(frame.handle, frame.index)
    talk.raw(talk.part(frame.handle, frame.index, chunk)[: len(chunk) // 2])


def slow_chunk(talk: Talk, frame: frames.Frame) -> None:
    """Honest, at 20 KB a second."""
    assert isinstance(frame, frames.Take)
    chunk = talk.chunk(frame.handle, frame.index)
    for offset in range(0, len(chunk), 4_000):
        talk.pause(0.2)
        piece = chunk[offset : offset + 4_000]
        talk.raw(talk.part(frame.handle, frame.index, piece, offset))
    offer(talk, frame)


def wrong_chunk(one_of: int = 1) -> Act:
    def act(talk: Talk, frame: frames.Frame) -> None:
        assert isinstance(frame, frames.Take)
        chunk = talk.chunk(frame.handle, frame.index)
        wrong = bytes(len(chunk)) if next(talk.turns) % one_of == 0 else chunk
        talk.peer.send_chunk(frame.handle, frame.index, wrong)
        offer(talk, frame)

    return act


def other_chunk(talk: Talk, frame: frames.Frame) -> None:
    assert isinstance(frame, frames.Take)
    content = talk.open[frame.handle].content
    chunk = talk.chunk(frame.handle, (frame.index + 1) % content.count)
    talk.peer.send_chunk(frame.handle, frame.index, chunk)
    offer(talk, frame)


def unwanted_chunks(talk: Talk, frame: frames.Frame) -> None:
    assert isinstance(frame, frames.Want)
    for index in itertools.cycle(range(talk.open[frame.handle].content.count)):
        talk.peer.send_chunk(frame.handle + 100, index, bytes(frames.PART))


def unwanted_bytes(talk: Talk, frame: frames.Frame) -> None:
    assert isinstance(frame, frames.Want)
    parts = talk.part(frame.handle + 100, 0, b"x") * 1_000
    while True:
        talk.raw(parts)


def unended_frame(talk: Talk, _: frames.Frame) -> None:
    talk.raw(frames.HEADER.pack(frames.Kind.GONE, frames.MAX_BODY))
    talk.trickle(bytes(frames.MAX_BODY), 5.0)


def leave(talk: Talk, _: frames.Frame) -> None:
    talk.peer.link.close()


# What some say without being asked


def say_alive(talk: Talk, _: frames.Frame) -> None:
    talk.send(frames.Alive())


def many(*some: frames.Frame) -> Act:
    words = b"".join(map(frames.encode, some)) * 200

    def act(talk: Talk, _: frames.Frame) -> None:
        talk.raw(words)

    return act


def unknown_frames(talk: Talk, _: frames.Frame) -> None:
    talk.raw(frames.HEADER.pack(UNKNOWN_KIND, frames.MAX_BODY) + bytes(frames.MAX_BODY))


def gone_and_back(talk: Talk, _: frames.Frame) -> None:
    for handle, holding in talk.open.items():
        content = holding.content
        file = frames.File(handle, content.size, content.chunk_size, bitmap(content))
        talk.send(*(frames.Gone(handle, "gone"), file) * 50)


def offer_anything(talk: Talk, _: frames.Frame) -> None:
    for handle, holding in talk.open.items():
        indexes = (talk.rng.randrange(holding.content.count) for _ in range(200))
        talk.send(*(frames.Offer(handle + 50, index) for index in indexes))


@dataclass(frozen=True)
class Sender:
    """How a hostile sender differs from an honest one."""

    name: str
    instead: Mapping[type, Act]
    always: Act | None = None  # said again and again
    pause_s: float = 0.0  # between two times
    greeting: str = "connected"  # away, silent, slow or none

    def play(self, talk: Talk) -> None:
        """Until the other side leaves."""
        acts = {**HONEST, **self.instead}
        link = talk.peer.link
        said_at = 0.0
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
            while True:
                if not select.select([link], [], [], LOOK_S)[0]:
                    if self.always is not None and time.monotonic() >= said_at:
                        said_at = time.monotonic() + self.pause_s * talk.pace
                        self.always(talk, frames.Alive())
                    continue
                frame = talk.peer.next()
                act = acts.get(type(frame))
                if act is not None and not isinstance(frame, Part):
                    act(talk, frame)


SENDERS = (
    Sender("says nothing", dict.fromkeys(HONEST, nothing)),
    Sender("says that it is alive", dict.fromkeys(HONEST, nothing), say_alive, 5.0),
    Sender("has nothing", {frames.Open: gone}),
    Sender("has it and has it not", {}, gone_and_back, 0.02),
    Sender("tells no digests", {frames.GetDigests: nothing}),
    Sender("tells one digest", {frames.GetDigests: some_digests(1)}),
    Sender("tells one digest after 9 s", {frames.GetDigests: some_digests(1, 9.0)}),
    Sender("tells no digest in many answers", {frames.GetDigests: some_digests(0)}),
    Sender("tells digests a byte at a time", {frames.GetDigests: trickled_digests}),
    Sender("tells digests after 0.9 s", {frames.GetDigests: late_digests}),
    Sender("tells wrong digests", {frames.GetDigests: wrong_digests}),
    Sender("offers nothing", {frames.Want: nothing}),
    Sender("says a place in its line", {frames.Want: place}, place, 1.0),
    Sender("sends nothing that was taken", {frames.Take: nothing}),
    Sender("offers all and sends nothing", {frames.Want: offer_all, frames.Take: nothing}),
    Sender("sends a byte a second", {frames.Take: trickled_chunk(1.0)}),
    Sender("sends a byte in 10 s", {frames.Take: trickled_chunk(10.0)}),
    Sender("holds the last bytes back", {frames.Take: trickled_chunk(1.0, 500)}),
    Sender("holds the last byte back", {frames.Take: trickled_chunk(60.0, 1)}),
    Sender("stops in the middle of a chunk", {frames.Take: half_a_chunk}),
    Sender("sends 20 KB a second", {frames.Take: slow_chunk}),
    Sender("sends wrong chunks", {frames.Take: wrong_chunk()}),
    Sender("sends a wrong chunk of nine", {frames.Take: wrong_chunk(9)}),
    Sender("sends other chunks", {frames.Take: other_chunk}),
    Sender("sends what nobody wants", {frames.Want: unwanted_chunks}),
    Sender("sends what nobody wants byte by byte", {frames.Want: unwanted_bytes}),
    Sender("sends each byte in a part of its own", {frames.Take: parts_of_one_byte}),
    Sender("never ends a frame", {frames.Want: unended_frame}),
    Sender("leaves when it should send", {frames.Take: leave}),
    Sender("leaves when it should describe", {frames.Open: leave}),
    Sender("offers what is not there", {frames.Want: nothing}, offer_anything),
    Sender("says without end that it is alive", {frames.Want: nothing}, many(frames.Alive())),
    Sender("says places without end", {frames.Want: nothing}, many(frames.Place(7))),
    Sender("says unknown words without end", {frames.Want: nothing}, unknown_frames),
    Sender("is away", {}, greeting="away"),
    Sender("does not greet", {}, greeting="silent"),
    Sender("greets a byte at a time", {}, greeting="slow"),
    Sender("does not accept", {}, greeting="none"),
)


# Leechers


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
    root = next(root for root, one in leech.contents.items() if one.content.count > 1)
    _say_without_end(leech, frames.encode(frames.Open(1, root)) * 500)


def takes_small_files_without_end(leech: Leech) -> None:
    small = [root for root, one in leech.contents.items() if one.content.count == 1]
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
    _say_without_end(leech, frames.HEADER.pack(UNKNOWN_KIND, 60_000) + bytes(60_000))


def never_ends_a_frame(leech: Leech) -> None:
    leech.raw(frames.HEADER.pack(frames.Kind.WANT, frames.MAX_BODY))
    leech.trickle(bytes(frames.MAX_BODY), 5.0)


def says_half_a_frame(leech: Leech) -> None:
    leech.opened()
    leech.raw(frames.HEADER.pack(frames.Kind.OPEN, 36)[:3])
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
