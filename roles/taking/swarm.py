"""What a program takes by LMK/2: every content on its way, over every connection to a peer.

The connections' threads ask what to answer. One lock protects transfers, plans and connections'
fields; it is held for lines without I/O, and frames are sent after it is released.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from roles.taking.chunk_taker import PeerLink
from roles.taking.digest_questions import DigestQuestions
from roles.taking.peer_links import PeerLinks, fresh_wants, want
from roles.taking.saying import Say, flush, say, say_later
from roles.taking.singles import Singles
from roles.taking.transfer import Transfer
from roles.taking.transfers import Transfers
from roles.values.content import check_shape
from roles.values.errors import PeerProtocolError, StorageError
from roles.wire import lmk2_frames as frames

log = logging.getLogger(__name__)

SINGLE_AGAIN_S = 1.0  # after nobody had it
AGAIN_S = 2.0  # words cross, or get lost between two threads: what stands still is said again
MOVING_AGAIN_S = 20.0  # the same while others move: most files of a folder wait for their turn


class Swarm:
    """Implements chunk_taker.Taking. Its other methods may be called from any thread."""

    def __init__(self, news: Callable[[bytes, int], None]) -> None:
        """`news` is told the root and the bitmap of chunks that can be given on."""
        self._lock = threading.Lock()
        self._written = threading.Condition(self._lock)  # a thread has written its chunk
        self._news = news
        self._transfers = Transfers()
        self._links = PeerLinks()
        self._handles = itertools.count(1)
        self._digests = DigestQuestions()
        self._singles = Singles()
        self._singles_again = self._asked_twice_at = self._asked_again_at = 0.0

    def add(self, transfer: Transfer) -> int:
        """Take part in a content; returns its handle. Chunks come once it is asked for."""
        with self._lock:
            handle = next(self._handles)
            self._transfers[handle] = transfer
            says: list[Say] = []
            if not transfer.is_single:
                opening = frames.Open(handle, transfer.content.root)
                says = [(link, opening) for link in self._links.values()]
        say(says)
        return handle

    def ask(self, handle: int) -> None:
        """Ask for the chunks of a content that has its store, and its digests or none to have."""
        with self._lock:
            transfer = self._transfers[handle]
            transfer.is_asking = True
            if transfer.is_single:
                self._singles.add(handle, transfer)
            says = self._singles_to_ask() if transfer.is_single else self._wants(handle)
        say(says)

    def remove(self, handle: int) -> None:
        """Ask for nothing more of it. When it returns nobody writes to its store any more."""
        with self._lock:
            transfer = self._transfers.pop(handle, None)
            if transfer is None:
                return
            transfer.is_asking = False
            self._written.wait_for(lambda: not transfer.writers)
            transfer.plan.nothing_comes()
            self._digests.drop(handle)
            asked = self._singles.drop(handle)
            closing = frames.Want(handle, b"")
            closings: list[Say] = [(asked, closing)] if asked and not transfer.is_done else []
            for link in self._links.values():
                link.opened.pop(handle, None)
                if not transfer.is_single:  # also to who has it not yet, and would tell us
                    closings.append((link, closing))
            says = self._singles_to_ask()
        (say_later if transfer.is_done else say)(closings)
        say(says)

    def left(self, link: PeerLink) -> None:
        """A connection ended: what it was to bring is asked of others."""
        with self._lock:
            if self._links.pop(link.number, None) is None:
                return
            says: list[Say] = []
            for handle, transfer in self._transfers.items():
                if self._digests.drop(handle, link):
                    says += self._digests_to_ask(handle)
                if transfer.plan.all_released(link.number):
                    says += self._wants(handle)
            self._singles.left(link)
            says += self._singles_to_ask()
        say(says)

    def tick(self) -> None:
        """A few times a second: ask twice for what comes too slowly at the end, and again for
        what nobody had.
        """
        now = time.monotonic()
        with self._lock:
            says = list[Say]()
            if now >= self._singles_again:
                self._singles_again = now + SINGLE_AGAIN_S
                late = self._singles.late(now=now)
                says += [(link, frames.Want(handle, b"")) for link, handle in late]
                if not late:
                    self._singles.try_all_again(self._links.values())
                says += self._singles_to_ask()
            for handle in self._digests.unanswered(now=now):
                says += self._digests_to_ask(handle)
            is_end, is_moving = self._transfers.is_end(self._links), self._transfers.is_moving
            is_again = now - self._asked_twice_at >= AGAIN_S
            self._asked_twice_at = now if is_again else self._asked_twice_at
            is_time = now - self._asked_again_at >= (MOVING_AGAIN_S if is_moving else AGAIN_S)
            self._asked_again_at = now if is_time else self._asked_again_at
            for handle, transfer in self._transfers.items():
                if not transfer.is_asking or transfer.is_single:
                    continue
                says += self._links.second_wants(
                    handle, transfer, now=now, is_end=is_end, is_again=is_again
                )
                if is_time and not (transfer.plan.is_moving or transfer.plan.is_done):
                    says += self._wants(handle)
            unsaid = [link for link in self._links.values() if not link.outbox.is_empty]
        say(says)
        flush(unsaid)

    @property
    def is_busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._transfers)

    def held(self, handles: Iterable[int]) -> frozenset[int]:
        """Those of these contents that somebody who is connected has, or may have."""
        with self._lock:
            return frozenset(handle for handle in handles if self._is_held(handle))

    @contextmanager
    def links(self) -> Iterator[PeerLinks]:
        """Every connection, to be looked at with the lock held: no call waits there."""
        with self._lock:
            yield self._links

    # What the connections' threads ask

    def joined(self, link: PeerLink) -> None:
        with self._lock:
            self._links[link.number] = link
            says: list[Say] = [
                (link, frames.Open(handle, transfer.content.root))
                for handle, transfer in self._transfers.items()
                if not transfer.is_single
            ]
            says += self._singles_to_ask()
        say(says)

    def described(self, link: PeerLink, file: frames.File) -> None:
        check_shape(file.size, file.chunk_size)
        with self._lock:
            transfer = self._transfers.get(file.handle)
            says: list[Say] = []
            if transfer is None:
                says = [(link, frames.Want(file.handle, b""))]
            elif (file.size, file.chunk_size) != (
                transfer.content.size,
                transfer.content.chunk_size,
            ):
                log.debug("%s has another content than is listed", link.address)
                transfer.mistaken.add(link.number)
                says = [(link, frames.Want(file.handle, b""))]
                if file.handle in link.singles:
                    self._singles.refused(file.handle, link)
                    says += self._singles_to_ask()
            elif not transfer.is_single and not transfer.plan.is_dropped(link.sender):
                link.opened.setdefault(file.handle)
                if transfer.digests() is None:
                    says = self._digests_to_ask(file.handle)
                elif transfer.is_asking:
                    says = [(link, want(link, file.handle, transfer))]
        say(says)

    def digests_came(self, link: PeerLink, digests: frames.Digests) -> None:
        with self._lock:
            transfer = self._transfers.get(digests.handle)
            if transfer is None:
                return
            question = self._digests.came(link, digests, transfer, now=time.monotonic())
        if question is None:
            transfer.ended()
        else:
            say([(link, question)])

    def answer(self, link: PeerLink, offer: frames.Offer) -> None:
        handle, index = offer.handle, offer.index
        now = time.monotonic()
        with self._lock:
            transfer = self._transfers.get(handle)
            reply: frames.Frame
            if transfer is None or not transfer.is_asking:
                link.opened.pop(handle, None)
                reply = frames.Decline(handle, index, b"")
            elif transfer.plan.take(
                link.number,
                link.sender,
                index,
                rate=link.chunk_rate,
                now=now,
                is_end=not transfer.plan.wanted and self._transfers.is_end(self._links),
            ):
                reply = frames.Take(handle, index)
            else:
                reply = frames.Decline(handle, index, want(link, handle, transfer).chunks)
            is_late = isinstance(reply, frames.Decline)
            wants = fresh_wants(link, self._transfers) if is_late else []
        say((link, word) for word in (reply, *wants))

    def expected(self, link: PeerLink, handle: int, index: int) -> Transfer | None:
        with self._lock:
            transfer = self._transfers.get(handle)
            if transfer is None or not transfer.is_asking:
                return None
            if transfer.is_single:
                is_coming = handle in link.singles and index == 0
            else:
                is_coming = transfer.plan.is_coming(link.number, index)
            link.taking = (handle, index) if is_coming else None
            return transfer if is_coming else None

    def received(self, link: PeerLink, handle: int, index: int, count: int) -> None:
        now = time.monotonic()
        with self._lock:
            link.meter.add(count, now=now)
            link.useful_at = now
            transfer = self._transfers.get(handle)
            if transfer is not None:
                transfer.plan.received(link.number, index, count, now=now)

    def keep(
        self, link: PeerLink, handle: int, index: int, chunk: memoryview, digest: bytes
    ) -> None:
        transfer = self._transfers.get(handle)
        if transfer is None:
            return
        if not transfer.is_right(index, digest):
            self._reject(link, handle, transfer, index)
            return
        try:
            if not self._write(transfer, index, chunk):
                return
        except StorageError as error:
            transfer.fault = error
            self._release(link, handle, transfer, index)
            transfer.ended()
            return
        now = time.monotonic()
        with self._lock:
            began = transfer.plan.began(link.number, index)
            if began is not None:
                link.note_rate(len(chunk) / max(now - began, 1e-3))
            transfer.arrived += len(chunk)
            losers = transfer.plan.verified(link.number, index)
            link.taking = None
            says: list[Say] = [
                (self._links[number], frames.Cancel(handle, index))
                for number in losers
                if number in self._links
            ]
            if transfer.is_single:
                self._singles.drop(handle)
                says += self._singles_to_ask()
            is_done = transfer.plan.is_done
        self._news(transfer.content.root, 1 << index)
        say(says)
        if is_done:
            transfer.ended()

    def gone(self, link: PeerLink, handle: int, reason: str) -> None:
        log.debug("%s does not have it: %s", link.address, reason)
        with self._lock:
            transfer = self._transfers.get(handle)
            if transfer is None:
                return
            link.opened.pop(handle, None)
            says: list[Say] = []
            if self._digests.drop(handle, link):
                says += self._digests_to_ask(handle)
            if handle in link.singles:
                self._singles.refused(handle, link)
                says += [(link, frames.Want(handle, b"")), *self._singles_to_ask()]
            if transfer.plan.all_released(link.number):
                says += self._wants(handle)
        say(says)

    # With the lock held

    def _is_held(self, handle: int) -> bool:
        transfer = self._transfers.get(handle)
        if transfer is not None and transfer.is_single:
            return not self._singles.is_lacking(handle)
        return bool(self._links.with_content(handle))

    def _wants(self, handle: int) -> list[Say]:
        return [*self._links.wants(handle, self._transfers[handle])]

    def _digests_to_ask(self, handle: int) -> list[Say]:
        transfer, links = self._transfers[handle], self._links.values()
        return [*self._digests.to_ask(handle, transfer, links, now=time.monotonic())]

    def _singles_to_ask(self) -> list[Say]:
        return [
            (link, frames.Open(handle, transfer.content.root))
            for link, handle, transfer in self._singles.to_ask(
                self._links.values(), now=time.monotonic()
            )
        ]

    # Without the lock

    def _write(self, transfer: Transfer, index: int, chunk: memoryview) -> bool:
        """False when nothing is asked for any more. Raises StorageError."""
        with self._lock:
            store = transfer.store if transfer.is_asking else None
            if store is None:
                return False
            transfer.writers += 1
        try:
            store.write(index * transfer.content.chunk_size, chunk)
        finally:
            with self._lock:
                transfer.writers -= 1
                self._written.notify_all()
        return True

    def _reject(self, link: PeerLink, handle: int, transfer: Transfer, index: int) -> None:
        log.warning("chunk %d of %s from %s failed its check", index, transfer.title, link.address)
        with self._lock:
            is_dropped = transfer.plan.bad(link.sender, index)
            if transfer.is_single:
                self._singles.refused(handle, link)
        self._release(link, handle, transfer, index)
        if is_dropped:
            raise PeerProtocolError("it keeps sending damaged chunks and is not asked again")

    def _release(self, link: PeerLink, handle: int, transfer: Transfer, index: int) -> None:
        with self._lock:
            link.taking = None
            transfer.plan.released(link.number, index)
            says = self._wants(handle) if handle in self._transfers else []
        say(says)
