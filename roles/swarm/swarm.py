"""Decides what to ask of each peer, for all contents that a program downloads.

Pure state: the caller passes the time, and holds a lock. What there is to send is collected in
`to_send`, and the contents whose owners should look at them in `to_wake`; the caller empties both.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from contextlib import suppress
from typing import TypeAlias

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.digest_requests import DigestRequests
from roles.swarm.peer import Peer
from roles.swarm.single_chunks import SingleChunks
from roles.values.bitmaps import bitmap_bytes, bitmap_of
from roles.values.content import check_shape, chunk_count
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
SURVEY_S = 5.0  # between two surveys of what each peer has by now
MAX_SURVEYED = 1_024  # answers that are waited for
RATE_BYTES = 16 * 1024  # a shorter content of one chunk says nothing about a peer's rate


class Swarm:
    """Contents by handle, peers by the number of their connection."""

    def __init__(self) -> None:
        self.to_send: list[Message] = []
        self.to_send_later: list[Message] = []  # before the next `to_send`, but nobody waits for it
        self.to_wake: list[ContentTransfer] = []
        self.peers: dict[int, Peer] = {}
        self._transfers: dict[int, ContentTransfer] = {}  # by handle
        self._handles = itertools.count(1)
        self._surveyed: dict[int, int] = {}  # by the handle of the survey: the content's own
        self._digests = DigestRequests()
        self._singles = SingleChunks()
        self.moved_at = 0.0  # when a byte of a chunk last came, or a content was asked for
        self._singles_again = self._asked_twice_at = self._asked_again_at = 0.0
        self._opened_at = 0.0  # when contents were last opened again
        self._survey_at = 0.0  # when the next one is due

    # Contents

    def add(self, transfer: ContentTransfer) -> None:
        """Fetch its digests. Chunks come after ask()."""
        transfer.handle = next(self._handles)
        self._transfers[transfer.handle] = transfer
        if not transfer.is_single:
            for peer in self.peers.values():
                self._open(peer, transfer)

    def ask(self, transfer: ContentTransfer, *, now: float) -> None:
        """Ask for chunks. The content has its store, and its digests if it needs them."""
        transfer.is_asking = True
        self.moved_at = now  # nothing can have come before
        if transfer.is_single:
            self._singles.add(transfer)
            self._ask_singles(now)
        else:
            self._want(transfer, now)

    def stop_asking(self, transfer: ContentTransfer) -> bool:
        """Call it before remove(): from here on nobody begins to write to its store. False if it
        was removed before.
        """
        if self._transfers.pop(transfer.handle, None) is None:
            return False
        transfer.is_asking = False
        return True

    def remove(self, transfer: ContentTransfer, *, now: float) -> None:
        """Call it when nobody writes to its store any more."""
        handle, is_done = transfer.handle, transfer.is_done
        transfer.plan.nothing_comes()
        self._digests.drop(handle)
        # No peer waits to hear that we have everything.
        messages = self.to_send_later if is_done else self.to_send
        closing = frames.Want(handle, b"")
        asked = self._singles.drop(handle)
        if asked is not None and not is_done:
            messages.append((asked, closing))
        for peer in self.peers.values():
            peer.forget(handle)
            if not transfer.is_single:  # also to peers that do not have it yet: they would tell us
                messages.append((peer, closing))
        self._ask_singles(now)

    def get(self, handle: int) -> ContentTransfer | None:
        """None if it was removed."""
        return self._transfers.get(handle)

    @property
    def is_busy(self) -> bool:
        """Whether any content is under way."""
        return bool(self._transfers)

    def is_held(self, transfer: ContentTransfer) -> bool:
        """Whether a connected peer has it, at least in part, or may have it."""
        if transfer.is_single and transfer.handle in self._transfers:
            return not self._singles.is_lacking(transfer.handle)
        return bool(self._with_content(transfer))

    # Peers

    def joined(self, peer: Peer, *, now: float) -> None:
        self.peers[peer.number] = peer
        for transfer in self._transfers.values():
            if not transfer.is_single:
                self._open(peer, transfer)
        self._ask_singles(now)

    def left(self, peer: Peer, *, now: float) -> None:
        """A connection ended: ask others for what it was asked for."""
        if self.peers.pop(peer.number, None) is None:
            return
        self._digests.left(peer)
        for handle, transfer in self._transfers.items():
            if self._digests.lost(handle, peer):
                self._ask_digests(transfer, now)
            if transfer.plan.all_released(peer.number):
                self._want(transfer, now)
        self._singles.left(peer)
        self._ask_singles(now)

    def seen(self, transfer: ContentTransfer) -> list[int]:
        """What each peer has of it, as far as is known: bitmaps of chunks."""
        known = (peer.seen.get(transfer.handle) for peer in self.peers.values())
        return [chunks for chunks in known if chunks is not None]

    def survey(self, transfers: Collection[ContentTransfer], *, now: float) -> None:
        """Ask each peer what it has of these contents by now; every SURVEY_S, however often it is
        called.
        """
        if not transfers or now < self._survey_at:
            return
        self._survey_at = now + SURVEY_S
        for transfer in transfers:
            if transfer.handle not in self._transfers or transfer.is_single:
                continue
            for peer in self._with_content(transfer):
                handle = next(self._handles)  # to open the same again would break off its chunks
                self._surveyed[handle] = transfer.handle
                self.to_send_later.append((peer, frames.Open(handle, transfer.content.root)))
        while len(self._surveyed) > MAX_SURVEYED:  # of those that never answered
            del self._surveyed[next(iter(self._surveyed))]

    def tick(self, *, now: float) -> list[Peer]:
        """Call it a few times a second. Asks a second peer for chunks that are too slow at the end,
        and asks again for contents that nobody had. Returns peers that do not send what they
        promised: end their connections.
        """
        late = self._singles.late(self.peers.values(), now=now)
        self.to_send += [(peer, frames.Want(handle, b"")) for peer, handle in late]
        if now >= self._singles_again:
            self._singles_again = now + SINGLE_AGAIN_S
            if not late:
                self._singles.try_all_again(self.peers.values())
        self._ask_singles(now)
        for transfer in self._digests.late(now=now):
            self._ask_digests(transfer, now)
        self._ask_again(now)
        self._open_again(now)
        return self._quiet(now)

    # What peers say

    def came(self, peer: Peer, frame: frames.Frame | None, *, now: float) -> None:
        """Handle a frame. Raises PeerProtocolError."""
        match frame:
            case frames.File():
                self._described(peer, frame, now)
            case frames.Digests():
                self._digests_came(peer, frame, now)
            case frames.Offer(handle, index):
                self._answer(peer, handle, index, now)
            case frames.Gone(handle):
                self._gone(peer, handle, now)
            case frames.Place(position):
                peer.position = position
            case frames.Alive() | frames.Bye() | None:
                pass
            case (
                frames.Open()
                | frames.GetDigests()
                | frames.Want()
                | frames.Take()
                | frames.Decline()
                | frames.Cancel()
            ):
                raise PeerProtocolError("a frame that only leechers send")

    def _described(self, peer: Peer, file: frames.File, now: float) -> None:
        """The shape of a content, and which chunks the peer has."""
        check_shape(file.size, file.chunk_size)
        has = bitmap_of(file.have, chunk_count(file.size, file.chunk_size))
        transfer = self._transfers.get(file.handle)
        if transfer is None:
            self._close(peer, file.handle)
            self._note_seen(peer, self._surveyed.pop(file.handle, 0), has)
        elif (file.size, file.chunk_size) != (transfer.content.size, transfer.content.chunk_size):
            transfer.mistaken.add(peer.number)
            self._close(peer, file.handle)
            if file.handle in peer.singles:
                self._singles.refused(file.handle, peer)
                self._ask_singles(now)
        elif not transfer.is_single:
            peer.opened.setdefault(file.handle)
            peer.seen[file.handle] = has
            if transfer.digests() is None:
                self._ask_digests(transfer, now)
            elif transfer.is_asking:
                self._want_from(peer, transfer, self._wanted_from(peer, transfer, now))

    def _note_seen(self, peer: Peer, handle: int, chunks: int) -> None:
        """It has these chunks, and perhaps more."""
        transfer = self._transfers.get(handle)
        if transfer is not None and handle in peer.seen:
            peer.seen[handle] |= chunks & transfer.plan.all_chunks

    def _digests_came(self, peer: Peer, digests: frames.Digests, now: float) -> None:
        transfer = self._transfers.get(digests.handle)
        if transfer is None:
            return
        is_useful, request = self._digests.came(peer, digests, now=now)
        if is_useful:
            peer.note_use(now=now)
        if request is not None:
            self.to_send.append((peer, request))
        elif is_useful:
            self.to_wake.append(transfer)
        self._ask_digests(transfer, now)

    def _answer(self, peer: Peer, handle: int, index: int, now: float) -> None:
        peer.position = 0  # it is our turn
        transfer = self._transfers.get(handle)
        if transfer is not None and transfer.plan.all_chunks >> index & 1:
            self._note_seen(peer, handle, 1 << index)
        if transfer is None or not transfer.is_asking:
            peer.forget(handle)
            self.to_send.append((peer, frames.Decline(handle, index, b"")))
        elif transfer.plan.take(
            peer,
            index,
            now=now,
            is_end=not transfer.plan.wanted and self._is_end(now),
            is_alone=self._is_alone(peer, transfer, now),
        ):
            with suppress(ValueError):  # an earlier TAKE that led to nothing
                peer.order.remove((handle, index))
            peer.order.append((handle, index))
            self.to_send.append((peer, frames.Take(handle, index)))
            return
        else:
            wanted = peer.opened[handle] = self._wanted_from(peer, transfer, now)
            chunks = bitmap_bytes(wanted, transfer.content.count)
            self.to_send.append((peer, frames.Decline(handle, index, chunks)))
        # The offer was out of date; the next one, of another content, would be so too.
        for other in [self._transfers.get(opened) for opened in peer.opened]:
            if other is not None and other.is_asking:
                wanted = self._wanted_from(peer, other, now)
                if wanted != peer.opened[other.handle]:
                    self._want_from(peer, other, wanted)

    def _gone(self, peer: Peer, handle: int, now: float) -> None:
        """A peer does not have this content, or no longer has it."""
        transfer = self._transfers.get(handle)
        if transfer is None:
            if self._surveyed.pop(handle, 0):
                self._close(peer, handle)  # or it would be described once it is there
            return
        peer.forget(handle)
        if self._digests.lost(handle, peer):
            self._ask_digests(transfer, now)
        if handle in peer.singles:
            self._singles.refused(handle, peer)
            self._close(peer, handle)
            self._ask_singles(now)
        if transfer.plan.all_released(peer.number):
            self._want(transfer, now)

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
            chunk, order = (handle, index), peer.order
            while order and order[0] != chunk and not self._is_coming(peer, *order[0]):
                order.popleft()
            if is_coming and order[0] != chunk:
                raise PeerProtocolError("it left out a chunk that should come before this one")
        peer.taking = (handle, index) if is_coming else None
        return transfer if is_coming else None

    def received(
        self, peer: Peer, transfer: ContentTransfer, index: int, count: int, *, now: float
    ) -> None:
        self.moved_at = now
        peer.note_bytes(count, now=now)
        transfer.plan.received(peer.number, index, count, now=now)

    def written(self, peer: Peer, transfer: ContentTransfer, index: int, *, now: float) -> None:
        """A chunk was right and is in the store, perhaps for the second time: at the end two peers
        are asked for one chunk.
        """
        plan, length = transfer.plan, transfer.content.length(index)
        is_new = not plan.had >> index & 1
        peer.note_use(now=now)
        began = plan.since(peer.number, index)
        if transfer.is_single:
            began = peer.single_at if length >= RATE_BYTES else None
            peer.single_at = now
        if began is not None:
            peer.note_rate(length / max(now - began, 1e-3))
        transfer.arrived += length if is_new else 0
        plan.bad_peers.sent_good(peer.sender, now=now)
        peer.taking = None
        for number in plan.verified(peer.number, index, now=now):
            if number in self.peers:
                self.to_send.append((self.peers[number], frames.Cancel(transfer.handle, index)))
        if transfer.is_single:
            self._singles.drop(transfer.handle)
            self._ask_singles(now)
        if plan.bad_peers.any_wrong:  # peers that sent bad chunks may be asked for more now
            self._want(transfer, now, is_news=True)
        if is_new and transfer.is_done:
            self.to_wake.append(transfer)

    def damaged(self, peer: Peer, transfer: ContentTransfer, index: int, *, now: float) -> bool:
        """A chunk failed its check. Returns whether to end the connection."""
        bad = transfer.plan.bad_peers
        bad.sent_bad(peer.sender, index, now=now)
        if transfer.is_single:
            self._singles.ask_again(transfer.handle)
        is_over = bad.is_hopeless(peer.sender) or (
            bad.is_suspect(peer.sender) and not self._is_alone(peer, transfer, now)
        )
        self.released(peer, transfer, index, now=now)
        return is_over

    def released(self, peer: Peer, transfer: ContentTransfer, index: int, *, now: float) -> None:
        """A chunk does not come from this peer after all: ask others."""
        peer.taking = None
        transfer.plan.released(peer.number, index)
        if transfer.is_single:
            self._ask_singles(now)
        elif transfer.handle in self._transfers:
            self._want(transfer, now)

    def _is_coming(self, peer: Peer, handle: int, index: int) -> bool:
        transfer = self._transfers.get(handle)
        return transfer is not None and transfer.plan.is_coming(peer.number, index)

    # Whom to ask

    def _asking(self) -> list[ContentTransfer]:
        """The contents of several chunks whose chunks are asked for."""
        return [
            transfer
            for transfer in self._transfers.values()
            if transfer.is_asking and not transfer.is_single
        ]

    def _with_content(self, transfer: ContentTransfer) -> list[Peer]:
        """The peers that have described it."""
        return [peer for peer in self.peers.values() if transfer.handle in peer.opened]

    def _is_end(self, now: float) -> bool:
        """Whether no connected peer could be asked for another chunk."""
        return not any(
            transfer.plan.wanted_from(peer, now=now, is_alone=False)
            for transfer in self._asking()
            if transfer.plan.wanted
            for peer in self._with_content(transfer)
        )

    def _is_alone(self, peer: Peer, transfer: ContentTransfer, now: float) -> bool:
        """Whether to ask this peer even if it sent damaged chunks: nobody else can send what is
        wanted, or no right chunk has come for a while.
        """
        plan = transfer.plan
        if not plan.bad_peers.any_wrong:
            return False
        return plan.bad_peers.is_slow(now) or not any(
            other.sender != peer.sender and plan.can_send(other, now=now)
            for other in self._with_content(transfer)
        )

    def _wanted_from(self, peer: Peer, transfer: ContentTransfer, now: float) -> int:
        """The bitmap of the wanted chunks that this peer may send."""
        is_alone = self._is_alone(peer, transfer, now)
        return transfer.plan.wanted_from(peer, now=now, is_alone=is_alone)

    # What to say

    def _open(self, peer: Peer, transfer: ContentTransfer) -> None:
        self.to_send.append((peer, frames.Open(transfer.handle, transfer.content.root)))

    def _close(self, peer: Peer, handle: int) -> None:
        self.to_send.append((peer, frames.Want(handle, b"")))

    def _want(self, transfer: ContentTransfer, now: float, *, is_news: bool = False) -> None:
        """A WANT for every peer that has the content, if chunks are asked for. `is_news`: only if
        it differs from the last one.
        """
        if transfer.is_asking and not transfer.is_single:
            for peer in self._with_content(transfer):
                wanted = self._wanted_from(peer, transfer, now)
                if not is_news or wanted != peer.opened[transfer.handle]:
                    self._want_from(peer, transfer, wanted)

    def _want_from(self, peer: Peer, transfer: ContentTransfer, chunks: int) -> None:
        """The bitmap that is sent is never b"", which would close the handle."""
        peer.opened[transfer.handle] = chunks
        shown = bitmap_bytes(chunks, transfer.content.count)
        self.to_send.append((peer, frames.Want(transfer.handle, shown)))

    def _ask_digests(self, transfer: ContentTransfer, now: float) -> None:
        self.to_send += self._digests.to_ask(transfer, self.peers.values(), now=now)

    def _ask_singles(self, now: float) -> None:
        for peer, transfer in self._singles.to_ask(self.peers.values(), now=now):
            self._open(peer, transfer)

    def _ask_again(self, now: float) -> None:
        """Ask a second peer for chunks that are too slow, and again for what stands still."""
        asking, is_end = self._asking(), self._is_end(now)
        is_moving = any(transfer.plan.coming for transfer in asking)
        is_again = now - self._asked_twice_at >= AGAIN_S
        self._asked_twice_at = now if is_again else self._asked_twice_at
        is_time = now - self._asked_again_at >= (MOVING_AGAIN_S if is_moving else AGAIN_S)
        self._asked_again_at = now if is_time else self._asked_again_at
        for transfer in asking:
            plan = transfer.plan
            if not plan.wanted:
                self._want_twice(transfer, now, is_end=is_end, is_again=is_again)
            if not (plan.coming or plan.is_done) and (is_time or plan.bad_peers.any_wrong):
                self._want(transfer, now, is_news=not is_time)

    def _want_twice(
        self, transfer: ContentTransfer, now: float, *, is_end: bool, is_again: bool
    ) -> None:
        """At the end, ask peers that are sending nothing for chunks that others send too slowly.

        Only if that differs from their last WANT, unless `is_again`: messages may have crossed.
        """
        for peer in self._with_content(transfer):
            if peer.taking is None:
                late = transfer.plan.worth_asking_twice(peer, now=now, is_end=is_end)
                if late and (is_again or late != peer.opened[transfer.handle]):
                    self._want_from(peer, transfer, late)

    def _open_again(self, now: float) -> None:
        """While nothing comes, open contents again that peers have not described."""
        if min(now - self.moved_at, now - self._opened_at) < OPEN_AGAIN_S:
            return
        self._opened_at = now
        for peer in self.peers.values():
            if now - peer.joined_at >= OPEN_AGAIN_S:
                for handle, transfer in self._transfers.items():
                    if handle not in peer.opened and not (transfer.is_single or transfer.is_done):
                        self._open(peer, transfer)

    def _quiet(self, now: float) -> list[Peer]:
        """While nothing comes, the peers that should send something and have no queue for us."""
        if now - self.moved_at < QUIET_S:
            return []
        quiet = [
            peer
            for peer in self.peers.values()
            if not peer.position and now - peer.joined_at >= QUIET_S and self._is_promised(peer)
        ]
        self.moved_at = now if quiet else self.moved_at
        return quiet

    def _is_promised(self, peer: Peer) -> bool:
        """Whether it owes us chunks: it has some that it knows we want."""
        for handle, wanted in peer.opened.items():
            transfer = self._transfers.get(handle)
            if transfer is not None and transfer.is_asking:
                plan = transfer.plan
                has = plan.wanted & peer.seen.get(handle, 0) & (wanted or 0)
                if has or plan.coming_over(peer.number):
                    return True
        return False
