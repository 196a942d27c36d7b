"""Decides what to ask of each peer, for all contents that a program downloads.

Pure state. Methods return the messages to send; the caller passes the time and holds a lock.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.digest_requests import DigestRequests
from roles.swarm.peer import Peer
from roles.swarm.peers import Peers
from roles.swarm.single_chunks import SingleChunks
from roles.values.content import bitmap_of, check_shape, chunk_count
from roles.values.errors import PeerProtocolError
from roles.wire import frames

Message: TypeAlias = tuple[Peer, frames.Frame]

SINGLE_AGAIN_S = 1.0  # before asking everybody again for a content of one chunk that nobody had
AGAIN_S = 2.0  # before asking again for a content that stands still: messages may have crossed
MOVING_AGAIN_S = 20.0  # the same while others move: most files of a folder wait for their turn
# While no byte of a chunk comes from any peer: contents are opened again after the first time,
# because a message may have been damaged; after the second, peers that promised chunks are left.
OPEN_AGAIN_S = 5.0
QUIET_S = 10.0
RATE_BYTES = 16 * 1024  # a shorter content of one chunk says nothing about a peer's rate


@dataclass(frozen=True, slots=True)
class Written:
    """The result of Swarm.written()."""

    messages: list[Message]
    is_done: bool  # this was the content's last chunk


@dataclass(frozen=True, slots=True)
class Digested:
    """The result of Swarm.digests_came()."""

    messages: list[Message]
    is_useful: bool = False  # these digests were right, as far as we know
    whole: ContentTransfer | None = None  # the content, if these were the last of its digests


class Swarm:
    """Contents by handle, peers by the number of their connection."""

    def __init__(self) -> None:
        self.peers = Peers()
        self._transfers: dict[int, ContentTransfer] = {}  # by handle
        self._handles = itertools.count(1)
        self._digests = DigestRequests()
        self._singles = SingleChunks()
        self._singles_again = self._asked_twice_at = self._asked_again_at = 0.0
        self._opened_at = 0.0  # when contents were last opened again

    # Contents

    def add(self, transfer: ContentTransfer) -> tuple[int, list[Message]]:
        """Returns the content's handle, too. Chunks come after ask()."""
        handle = next(self._handles)
        self._transfers[handle] = transfer
        if transfer.is_single:
            return handle, []
        opening = frames.Open(handle, transfer.content.root)
        return handle, [(peer, opening) for peer in self.peers.values()]

    def ask(self, handle: int, *, now: float) -> list[Message]:
        """Ask for chunks. The content has its store, and its digests if it needs them."""
        transfer = self._transfers[handle]
        transfer.is_asking = True
        self.peers.moved_at = now  # nothing can have come before
        if transfer.is_single:
            self._singles.add(handle, transfer)
            return self._ask_singles(now)
        return self._wants(handle, now)

    def stop_asking(self, handle: int) -> ContentTransfer | None:
        """Call it before remove(): from here on nobody begins to write to its store."""
        transfer = self._transfers.pop(handle, None)
        if transfer is not None:
            transfer.is_asking = False
        return transfer

    def remove(
        self, handle: int, transfer: ContentTransfer, *, now: float
    ) -> tuple[list[Message], list[Message]]:
        """Call it when nobody writes to its store any more. Returns the messages that close the
        handle, and others.
        """
        transfer.plan.nothing_comes()
        self._digests.drop(handle)
        asked = self._singles.drop(handle)
        closing = frames.Want(handle, b"")
        closings: list[Message] = [(asked, closing)] if asked and not transfer.is_done else []
        for peer in self.peers.values():
            peer.forget(handle)
            if not transfer.is_single:  # also to peers that do not have it yet: they would tell us
                closings.append((peer, closing))
        return closings, self._ask_singles(now)

    def get(self, handle: int) -> ContentTransfer | None:
        """None if it was removed."""
        return self._transfers.get(handle)

    @property
    def is_busy(self) -> bool:
        """Whether any content is under way."""
        return bool(self._transfers)

    def is_held(self, handle: int) -> bool:
        """Whether a connected peer has this content, at least in part, or may have it."""
        transfer = self._transfers.get(handle)
        if transfer is not None and transfer.is_single:
            return not self._singles.is_lacking(handle)
        return bool(self.peers.with_content(handle))

    # Peers

    def joined(self, peer: Peer, *, now: float) -> list[Message]:
        self.peers[peer.number] = peer
        messages: list[Message] = [
            (peer, frames.Open(handle, transfer.content.root))
            for handle, transfer in self._transfers.items()
            if not transfer.is_single
        ]
        return messages + self._ask_singles(now)

    def left(self, peer: Peer, *, now: float) -> list[Message]:
        """A connection ended: ask others for what it was asked for."""
        if self.peers.pop(peer.number, None) is None:
            return []
        self._digests.left(peer)
        messages: list[Message] = []
        for handle, transfer in self._transfers.items():
            if self._digests.drop(handle, peer):
                messages += self._ask_digests(handle, now)
            if transfer.plan.all_released(peer.number):
                messages += self._wants(handle, now)
        self._singles.left(peer)
        return messages + self._ask_singles(now)

    def tick(self, *, now: float) -> tuple[list[Message], list[Peer]]:
        """Call it a few times a second. Asks a second peer for chunks that are too slow at the end,
        and asks again for contents that nobody had. Also returns peers that do not send what they
        promised: end their connections.
        """
        messages = list[Message]()
        late = self._singles.late(self.peers.values(), now=now)
        messages += [(peer, frames.Want(handle, b"")) for peer, handle in late]
        if now >= self._singles_again:
            self._singles_again = now + SINGLE_AGAIN_S
            if not late:
                self._singles.try_all_again(self.peers.values())
        messages += self._ask_singles(now)
        for handle in self._digests.late(self._transfers, now=now):
            messages += self._ask_digests(handle, now)
        is_end = self._is_end(now)
        is_moving = any(transfer.plan.is_moving for _, transfer in self._asking())
        is_again = now - self._asked_twice_at >= AGAIN_S
        self._asked_twice_at = now if is_again else self._asked_twice_at
        is_time = now - self._asked_again_at >= (MOVING_AGAIN_S if is_moving else AGAIN_S)
        self._asked_again_at = now if is_time else self._asked_again_at
        for handle, transfer in self._asking():
            messages += self.peers.second_wants(
                handle, transfer, now=now, is_end=is_end, is_again=is_again
            )
            if transfer.plan.is_moving or transfer.plan.is_done:
                continue
            if is_time or transfer.plan.is_damaged:
                messages += self.peers.wants(handle, transfer, now=now, is_news=not is_time)
        return messages + self._openings_again(now), self._quiet(now)

    # What peers say

    def described(self, peer: Peer, file: frames.File, *, now: float) -> list[Message]:
        """A peer sent the shape of a content, and which chunks it has. Raises PeerProtocolError."""
        check_shape(file.size, file.chunk_size)
        has = bitmap_of(file.have, chunk_count(file.size, file.chunk_size))
        transfer = self._transfers.get(file.handle)
        if transfer is None:
            return [(peer, frames.Want(file.handle, b""))]
        shape = transfer.content.size, transfer.content.chunk_size
        if (file.size, file.chunk_size) != shape:
            transfer.mistaken.add(peer.number)
            messages: list[Message] = [(peer, frames.Want(file.handle, b""))]
            if file.handle in peer.singles:
                self._singles.refused(file.handle, peer)
                messages += self._ask_singles(now)
            return messages
        if transfer.is_single:
            return []
        peer.opened.setdefault(file.handle)
        peer.has[file.handle] = has
        if transfer.digests() is None:
            return self._ask_digests(file.handle, now)
        if transfer.is_asking:
            return [(peer, self.peers.want(peer, file.handle, transfer, now=now))]
        return []

    def digests_came(self, peer: Peer, digests: frames.Digests, *, now: float) -> Digested:
        """A peer answered a request for digests. Raises PeerProtocolError."""
        handle = digests.handle
        transfer = self._transfers.get(handle)
        if transfer is None:
            return Digested([])
        was_known = transfer.digests() is not None
        request = self._digests.came(peer, digests, transfer, now=now)
        is_whole = not was_known and transfer.digests() is not None
        is_useful = is_whole or request is not None
        if is_useful:
            peer.note_use(now=now)
        messages: list[Message] = [(peer, request)] if request is not None else []
        messages += self._ask_digests(handle, now)
        return Digested(messages, is_useful, transfer if is_whole else None)

    def answer(self, peer: Peer, offer: frames.Offer, *, now: float) -> list[Message]:
        """Accept or decline an offer."""
        handle, index = offer.handle, offer.index
        peer.position = 0  # it is our turn
        transfer = self._transfers.get(handle)
        reply: frames.Frame
        if transfer is None or not transfer.is_asking:
            peer.forget(handle)
            reply = frames.Decline(handle, index, b"")
        elif transfer.plan.take(
            peer.number,
            peer.sender,
            index,
            rate=peer.chunk_rate,
            now=now,
            is_end=not transfer.plan.wanted and self._is_end(now),
            is_alone=self.peers.is_alone(peer, handle, transfer, now=now),
        ):
            with suppress(ValueError):  # an earlier TAKE that led to nothing
                peer.order.remove((handle, index))
            peer.order.append((handle, index))
            return [(peer, frames.Take(handle, index))]
        else:
            wanted = self.peers.want(peer, handle, transfer, now=now)
            reply = frames.Decline(handle, index, wanted.chunks)
        wants = self.peers.fresh_wants(peer, self._transfers, now=now)
        return [(peer, reply), *((peer, want) for want in wants)]

    def gone(self, peer: Peer, handle: int, *, now: float) -> list[Message]:
        """A peer does not have this content, or no longer has it."""
        transfer = self._transfers.get(handle)
        if transfer is None:
            return []
        peer.forget(handle)
        messages: list[Message] = []
        if self._digests.drop(handle, peer):
            messages += self._ask_digests(handle, now)
        if handle in peer.singles:
            self._singles.refused(handle, peer)
            messages += [(peer, frames.Want(handle, b"")), *self._ask_singles(now)]
        if transfer.plan.all_released(peer.number):
            messages += self._wants(handle, now)
        return messages

    # Chunks that arrive

    def expected(self, peer: Peer, handle: int, index: int) -> ContentTransfer | None:
        """The content of a chunk that is arriving; None when it is no longer wanted.

        Raises PeerProtocolError when a chunk that should come first was left out.
        """
        transfer = self._transfers.get(handle)
        if transfer is None or not transfer.is_asking:
            return None
        if transfer.is_single:
            is_coming = handle in peer.singles and index == 0
        else:
            is_coming = self._is_coming(peer, handle, index)
            while peer.order and not self._is_coming(peer, *peer.order[0]):
                peer.order.popleft()
            if is_coming and peer.order[0] != (handle, index):
                raise PeerProtocolError("it left out a chunk that should come before this one")
        peer.taking = (handle, index) if is_coming else None
        return transfer if is_coming else None

    def received(self, peer: Peer, handle: int, index: int, count: int, *, now: float) -> None:
        """`count` more bytes of a chunk came."""
        self.peers.moved_at = now
        peer.note_bytes(count, now=now)
        transfer = self._transfers.get(handle)
        if transfer is not None:
            transfer.plan.received(peer.number, index, count, now=now)

    def written(
        self,
        peer: Peer,
        handle: int,
        transfer: ContentTransfer,
        index: int,
        length: int,
        *,
        now: float,
    ) -> Written:
        """A chunk of `length` bytes was right and is in the store, perhaps for the second time: at
        the end two peers are asked for one chunk.
        """
        is_new = not transfer.plan.had >> index & 1
        peer.note_use(now=now)
        began = transfer.plan.began(peer.number, index)
        if transfer.is_single:
            began = peer.single_at if length >= RATE_BYTES else None
            peer.single_at = now
        if began is not None:
            peer.note_rate(length / max(now - began, 1e-3))
        transfer.arrived += length if is_new else 0
        transfer.plan.prove(peer.sender)
        losers = transfer.plan.verified(peer.number, index, now=now)
        peer.taking = None
        messages: list[Message] = [
            (self.peers[number], frames.Cancel(handle, index))
            for number in losers
            if number in self.peers
        ]
        if transfer.is_single:
            self._singles.drop(handle)
            messages += self._ask_singles(now)
        if transfer.plan.is_damaged:  # peers that sent bad chunks may be asked for more now
            messages += self.peers.wants(handle, transfer, now=now, is_news=True)
        return Written(messages, is_new and transfer.plan.is_done)

    def damaged(
        self, peer: Peer, handle: int, transfer: ContentTransfer, index: int, *, now: float
    ) -> tuple[list[Message], bool]:
        """A chunk failed its check. Also returns whether to end the connection."""
        transfer.plan.bad(peer.sender, index, now=now)
        if transfer.is_single:
            self._singles.ask_again(handle)
        is_over = transfer.plan.is_hopeless(peer.sender) or (
            transfer.plan.is_dropped(peer.sender)
            and not self.peers.is_alone(peer, handle, transfer, now=now)
        )
        return self.released(peer, handle, transfer, index, now=now), is_over

    def released(
        self, peer: Peer, handle: int, transfer: ContentTransfer, index: int, *, now: float
    ) -> list[Message]:
        """A chunk does not come from this peer after all: ask others."""
        peer.taking = None
        transfer.plan.released(peer.number, index)
        messages = self._wants(handle, now) if handle in self._transfers else []
        return messages + (self._ask_singles(now) if transfer.is_single else [])

    def _is_coming(self, peer: Peer, handle: int, index: int) -> bool:
        transfer = self._transfers.get(handle)
        return transfer is not None and transfer.plan.is_coming(peer.number, index)

    def _asking(self) -> list[tuple[int, ContentTransfer]]:
        """The contents of several chunks whose chunks are asked for."""
        return [
            (handle, one)
            for handle, one in self._transfers.items()
            if one.is_asking and not one.is_single
        ]

    def _is_end(self, now: float) -> bool:
        """Whether no connected peer could be asked for another chunk."""
        return not any(
            transfer.plan.wanted_from(peer.sender, now=now, is_alone=False)
            for handle, transfer in self._asking()
            if transfer.plan.wanted
            for peer in self.peers.with_content(handle)
        )

    # What to say

    def _wants(self, handle: int, now: float) -> list[Message]:
        return [*self.peers.wants(handle, self._transfers[handle], now=now)]

    def _ask_digests(self, handle: int, now: float) -> list[Message]:
        transfer = self._transfers[handle]
        return [*self._digests.to_ask(handle, transfer, self.peers.values(), now=now)]

    def _ask_singles(self, now: float) -> list[Message]:
        return [
            (peer, frames.Open(handle, transfer.content.root))
            for peer, handle, transfer in self._singles.to_ask(self.peers.values(), now=now)
        ]

    def _openings_again(self, now: float) -> list[Message]:
        """While nothing comes, open contents again that peers have not described."""
        if min(now - self.peers.moved_at, now - self._opened_at) < OPEN_AGAIN_S:
            return []
        self._opened_at = now
        return [
            (peer, frames.Open(handle, transfer.content.root))
            for peer in self.peers.values()
            for handle, transfer in self._transfers.items()
            if now - peer.joined_at >= OPEN_AGAIN_S
            and handle not in peer.opened
            and not (transfer.is_single or transfer.is_done)
        ]

    def _quiet(self, now: float) -> list[Peer]:
        """While nothing comes, the peers that should send something and have no queue for us."""
        if now - self.peers.moved_at < QUIET_S:
            return []
        quiet = [
            peer
            for peer in self.peers.values()
            if not peer.position and now - peer.joined_at >= QUIET_S and self._is_promised(peer)
        ]
        self.peers.moved_at = now if quiet else self.peers.moved_at
        return quiet

    def _is_promised(self, peer: Peer) -> bool:
        """Whether it owes us chunks: it has some that it knows we want."""
        asking = ((one, self._transfers.get(one)) for one in peer.opened)
        return any(
            transfer is not None
            and transfer.is_asking
            and (
                transfer.plan.coming_over(peer.number)
                or transfer.plan.wanted & peer.has.get(handle, 0) & (peer.opened[handle] or 0)
            )
            for handle, transfer in asking
        )
