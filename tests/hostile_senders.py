"""Senders that keep no promise of docs/PROTOCOL.md; for tests and for tests.lab.

A script says what a sender does instead of what an honest one does. Pauses are in seconds of the
real program; a test makes them shorter.
"""

from __future__ import annotations

import contextlib
import itertools
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from roles.values.content import DIGEST_SIZE
from roles.wire import frames
from tests.hostile_connection import Talk
from tests.memory_contents import bitmap
from tests.raw_peer import GONE, Part

LOOK_S = 0.02

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
    talk.raw(frames.HEADER.pack(GONE, frames.MAX_BODY))
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
    header = frames.HEADER.pack(frames.FIRST_SKIPPED_KIND, frames.MAX_BODY)
    talk.raw(header + bytes(frames.MAX_BODY))


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
