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

from roles.swarm.content_transfer import Transfer
from roles.swarm.digest_requests import DigestRequests
from roles.swarm.downloader import PeerLink
from roles.swarm.messages import Say, flush, say, say_later
from roles.swarm.peers import Peers
from roles.swarm.single_chunks import SingleChunks
from roles.swarm.transfers import Transfers
from roles.values.content import bitmap_of, check_shape, chunk_count
from roles.values.errors import PeerProtocolError, StorageError
from roles.wire import frames

log = logging.getLogger(__name__)

SINGLE_AGAIN_S = 1.0  # after nobody had it
AGAIN_S = 2.0  # words cross, or get lost between two threads: what stands still is said again
MOVING_AGAIN_S = 20.0  # the same while others move: most files of a folder wait for their turn
# While no byte of a chunk comes from anybody: contents are opened again, for the word or its answer
# may have been damaged, and connections over which something was promised are made anew.
OPEN_AGAIN_S = 5.0
QUIET_S = 10.0
RATE_BYTES = 16 * 1024  # of a content of one chunk: a shorter one says nothing of a peer's rate


class Swarm:
    """Implements chunk_taker.Taking. Its other methods may be called from any thread."""

    def __init__(self, news: Callable[[bytes, int], None]) -> None:
        """`news` is told the root and the bitmap of chunks that can be given on."""
        self._lock = threading.Lock()
        self._written = threading.Condition(self._lock)  # a thread has written its chunk
        self._news = news
        self._transfers = Transfers()
        self._links = Peers()
        self._handles = itertools.count(1)
        self._digests = DigestRequests()
        self._singles = SingleChunks()
        self._singles_again = self._asked_twice_at = self._asked_again_at = 0.0
        self._opened_at = 0.0  # when contents were opened again

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
            self._links.moved_at = time.monotonic()  # nothing can have come before
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
                link.forget(handle)
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
            self._digests.left(link)
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
            late = self._singles.late(self._links.values(), now=now)
            says += [(link, frames.Want(handle, b"")) for link, handle in late]
            if now >= self._singles_again:
                self._singles_again = now + SINGLE_AGAIN_S
                if not late:
                    self._singles.try_all_again(self._links.values())
            says += self._singles_to_ask()
            for handle in self._digests.late(self._transfers, now=now):
                says += self._digests_to_ask(handle)
            is_end = self._transfers.is_end(self._links, now=now)
            is_moving = self._transfers.is_moving
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
                if transfer.plan.is_moving or transfer.plan.is_done:
                    continue
                if is_time or transfer.plan.is_damaged:
                    says += self._links.wants(handle, transfer, now=now, is_news=not is_time)
            says += self._openings_again(now)
            quiet = self._quiet(now)
            unsaid = [link for link in self._links.values() if not link.outbox.is_empty]
        say(says)
        flush(unsaid)
        for link in quiet:
            log.info("%s sends nothing of what it has", link.address)
            link.hang_up()

    @property
    def is_busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._transfers)

    def held(self, handles: Iterable[int]) -> frozenset[int]:
        """Those of these contents that somebody who is connected has, or may have."""
        with self._lock:
            return frozenset(handle for handle in handles if self._is_held(handle))

    @contextmanager
    def links(self) -> Iterator[Peers]:
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
        has = bitmap_of(file.have, chunk_count(file.size, file.chunk_size))
        now = time.monotonic()
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
            elif not transfer.is_single:
                link.opened.setdefault(file.handle)
                link.has[file.handle] = has
                if transfer.digests() is None:
                    says = self._digests_to_ask(file.handle)
                elif transfer.is_asking:
                    says = [(link, self._links.want(link, file.handle, transfer, now=now))]
        say(says)

    def digests_came(self, link: PeerLink, digests: frames.Digests) -> None:
        handle, now = digests.handle, time.monotonic()
        with self._lock:
            transfer = self._transfers.get(handle)
            if transfer is None:
                return
            was_known = transfer.digests() is not None
            question = self._digests.came(link, digests, transfer, now=now)
            is_news = not was_known and transfer.digests() is not None
            says: list[Say] = [(link, question)] if question is not None else []
            says += self._digests_to_ask(handle)
        say(says)
        if is_news or question is not None:
            link.note_use(now=now)
        if is_news:
            transfer.ended()

    def answer(self, link: PeerLink, offer: frames.Offer) -> None:
        handle, index = offer.handle, offer.index
        now = time.monotonic()
        with self._lock:
            link.place = 0  # it is our turn
            transfer = self._transfers.get(handle)
            reply: frames.Frame
            if transfer is None or not transfer.is_asking:
                link.forget(handle)
                reply = frames.Decline(handle, index, b"")
            elif transfer.plan.take(
                link.number,
                link.sender,
                index,
                rate=link.chunk_rate,
                now=now,
                is_end=not transfer.plan.wanted and self._transfers.is_end(self._links, now=now),
                is_alone=self._links.is_alone(link, handle, transfer, now=now),
            ):
                link.order.append((handle, index))
                reply = frames.Take(handle, index)
            else:
                wanted = self._links.want(link, handle, transfer, now=now)
                reply = frames.Decline(handle, index, wanted.chunks)
            is_late = isinstance(reply, frames.Decline)
            wants = self._links.fresh_wants(link, self._transfers, now=now) if is_late else []
        say((link, word) for word in (reply, *wants))

    def expected(self, link: PeerLink, handle: int, index: int) -> Transfer | None:
        with self._lock:
            transfer = self._transfers.get(handle)
            if transfer is None or not transfer.is_asking:
                return None
            if transfer.is_single:
                is_coming = handle in link.singles and index == 0
            else:
                is_coming = self._is_coming(link, handle, index)
                while link.order and not self._is_coming(link, *link.order[0]):
                    link.order.popleft()
                if is_coming and link.order[0] != (handle, index):
                    raise PeerProtocolError("a chunk that was to come before this one is lost")
            link.taking = (handle, index) if is_coming else None
            return transfer if is_coming else None

    def received(self, link: PeerLink, handle: int, index: int, count: int) -> None:
        now = time.monotonic()
        with self._lock:
            self._links.moved_at = now
            link.note_bytes(count, now=now)
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
            link.note_use(now=now)
            began = transfer.plan.began(link.number, index)
            if transfer.is_single:
                began = link.single_at if len(chunk) >= RATE_BYTES else None
                link.single_at = now
            if began is not None:
                link.note_rate(len(chunk) / max(now - began, 1e-3))
            transfer.arrived += len(chunk)
            transfer.plan.prove(link.sender)
            losers = transfer.plan.verified(link.number, index, now=now)
            link.taking = None
            says: list[Say] = [
                (self._links[number], frames.Cancel(handle, index))
                for number in losers
                if number in self._links
            ]
            if transfer.is_single:
                self._singles.drop(handle)
                says += self._singles_to_ask()
            if transfer.plan.is_damaged:  # who sent bad ones may be asked for more now
                says += self._links.wants(handle, transfer, now=now, is_news=True)
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
            link.forget(handle)
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
        now = time.monotonic()
        return [*self._links.wants(handle, self._transfers[handle], now=now)]

    def _is_coming(self, link: PeerLink, handle: int, index: int) -> bool:
        transfer = self._transfers.get(handle)
        return transfer is not None and transfer.plan.is_coming(link.number, index)

    def _openings_again(self, now: float) -> list[Say]:
        """While nothing comes: what peers have not described is opened again."""
        if min(now - self._links.moved_at, now - self._opened_at) < OPEN_AGAIN_S:
            return []
        self._opened_at = now
        return [
            (link, frames.Open(handle, transfer.content.root))
            for link in self._links.values()
            for handle, transfer in self._transfers.items()
            if now - link.joined_at >= OPEN_AGAIN_S
            and handle not in link.opened
            and not (transfer.is_single or transfer.is_done)
        ]

    def _quiet(self, now: float) -> list[PeerLink]:
        """While nothing comes: the connections over which something should, and in no line."""
        if now - self._links.moved_at < QUIET_S:
            return []
        quiet = [
            link
            for link in self._links.values()
            if not link.place and now - link.joined_at >= QUIET_S and self._is_promised(link)
        ]
        self._links.moved_at = now if quiet else self._links.moved_at
        return quiet

    def _is_promised(self, link: PeerLink) -> bool:
        """Whether it has something that it was told is wanted."""
        asking = ((one, self._transfers.get(one)) for one in link.opened)
        return any(
            transfer is not None
            and transfer.is_asking
            and (
                transfer.plan.coming_over(link.number)
                or transfer.plan.wanted & link.has.get(handle, 0) & (link.opened[handle] or 0)
            )
            for handle, transfer in asking
        )

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
        now = time.monotonic()
        with self._lock:
            transfer.plan.bad(link.sender, index, now=now)
            if transfer.is_single:
                self._singles.ask_again(handle)
            is_over = transfer.plan.is_hopeless(link.sender) or (
                transfer.plan.is_dropped(link.sender)
                and not self._links.is_alone(link, handle, transfer, now=now)
            )
        self._release(link, handle, transfer, index)
        if is_over:
            raise PeerProtocolError("it keeps sending damaged chunks")

    def _release(self, link: PeerLink, handle: int, transfer: Transfer, index: int) -> None:
        with self._lock:
            link.taking = None
            transfer.plan.released(link.number, index)
            says = self._wants(handle) if handle in self._transfers else []
            says += self._singles_to_ask() if transfer.is_single else []
        say(says)
