"""The contents of one download: some are transferred at a time, the others wait.

A content that nobody can serve does not block others: a pack is given up and its files are fetched
alone, and a file goes back to the end of the queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from itertools import chain, islice

from roles.disk.leftovers import pack_stored
from roles.disk.reserved_space import ReservedSpace
from roles.disk.target_folder import TargetFolder
from roles.downloads.download_life import all_damaged
from roles.downloads.file_order import FileOrder
from roles.downloads.file_tally import FileTally
from roles.downloads.file_transfer import FileTransfer
from roles.downloads.folder_map import ContentPieces
from roles.downloads.swarm_peer import SwarmPeer
from roles.downloads.trusted_packs import TrustedPacks
from roles.downloads.wanted import Identity, WantedContent, WantedFile, WantedPack
from roles.joining.listed_share import Pack
from roles.swarm.outlook import Outlook
from roles.values.content import Content
from roles.values.errors import DiskFullError, LmkError, NotOfferedError, StorageError
from roles.values.events import DownloadState, FileArriving, FileEnded

MAX_TRANSFERS = 64  # at once: two descriptors each
MAX_ARRIVING = 256  # files reported one by one, four times a second: so it costs little
MAX_CHUNKS = 2_048  # of all of them together, so that a folder comes in order
# A content gives way if no peer has it for so long, and none has connected in this time. Peers say
# what they have within milliseconds, or a second or two on a busy machine.
UNHELD_S = 2.0
# If nothing at all has come for so long, even a content that a peer has described gives way; after
# twice as long in a queue.
STILL_S = 10.0
SURVEYED = 8  # contents, of which peers are asked what they have by now
LIED_S = 3.0  # a peer that was only just heard of is connected to within this time


class ContentQueue:
    """Owned by the download's thread, and by the leecher's when that has ended."""

    def __init__(
        self,
        target: TargetFolder,
        peer: SwarmPeer,
        space: ReservedSpace,
        tally: FileTally,
        wake: Callable[[], None],
    ) -> None:
        """`tally` counts every file that ends. `wake` is called, from any thread, when step() has
        something to do.
        """
        self._target = target
        self._peer = peer
        self._space = space
        self._tally = tally
        self._wake = wake
        self._waiting = deque[WantedContent]()
        self._transfers: list[FileTransfer] = []
        self._packs = TrustedPacks()
        self._arrived_before = 0  # bytes, of transfers that ended
        self._order = FileOrder()
        self._ranks = dict[Identity | Content, tuple[int, ...]]()  # in that order

    @property
    def is_through(self) -> bool:
        return not self._waiting and not self._transfers

    @property
    def transfers(self) -> tuple[FileTransfer, ...]:
        return tuple(self._transfers)

    @property
    def bytes_here(self) -> int:
        return sum(transfer.bytes_here for transfer in self._transfers)

    @property
    def arrived(self) -> int:
        """Bytes that came over the network and were right."""
        return self._arrived_before + sum(transfer.arrived for transfer in self._transfers)

    @property
    def left(self) -> int:
        """Contents that have not ended."""
        return len(self._waiting) + len(self._transfers)

    def pending(self) -> set[Identity]:
        wanted = (*self._waiting, *(transfer.wanted for transfer in self._transfers))
        return {file.identity for file in _files_of(wanted)}

    def transfer_of(self, path: str) -> FileTransfer | None:
        """The transfer of this file, not of a pack; from any thread."""
        for transfer in self.transfers:
            if isinstance(transfer.wanted, WantedFile) and transfer.wanted.path == path:
                return transfer
        return None

    def arriving(self, *, now: float) -> tuple[FileArriving, ...]:
        """Files of which something is here, or on its way: of thousands, the first ones."""
        with self._peer.swarm.locked():
            coming = [
                (transfer.plan.coming_bytes, transfer.plan.senders) for transfer in self._transfers
            ]
        files = (
            transfer.arriving(*bytes_and_senders, now=now)
            for transfer, bytes_and_senders in zip(self._transfers, coming, strict=True)
        )
        return tuple(islice(chain.from_iterable(files), MAX_ARRIVING))

    def pieces(self, *, now: float) -> list[ContentPieces]:
        """What is here of the contents on their way, and who has them."""
        with self._peer.swarm.locked() as swarm:
            swarm.survey(self._transfers[:SURVEYED], now=now)
            return [
                ContentPieces(
                    transfer.wanted, transfer.plan.had, transfer.plan.coming, swarm.seen(transfer)
                )
                for transfer in self._transfers
            ]

    def outlook(self) -> Outlook:
        return self._peer.downloads.outlook(self._transfers)

    def begin(self, missing: Sequence[WantedFile], packs: Sequence[Pack]) -> None:
        """Fetch these files and no others. What came earlier is kept. Raises StoppedError."""
        self.leave()
        self._packs.listed(packs)
        self._waiting = self._planned(missing)

    def put_in_order(self, order: FileOrder) -> None:
        """Fetch these first. What is under way is put back if something else comes before it."""
        self._order, self._ranks = order, {}
        self.put_back()
        self._waiting = self._sorted(self._waiting)

    def follow(
        self, replaced: Collection[Identity], fresh: Iterable[WantedFile], packs: Sequence[Pack]
    ) -> None:
        """A newer list: plan anew what waits, with these packs, without files that were replaced
        and with fresh ones. Raises StoppedError.
        """
        self._packs.listed(packs)
        missing = [file for file in _files_of(self._waiting) if file.identity not in replaced]
        for transfer in self.transfers:
            transfer.drop_files(replaced)
            if isinstance(transfer.wanted, WantedFile) and transfer.wanted.identity in replaced:
                self._remove(transfer)
                with suppress(StorageError):  # somebody has put something else in its place
                    transfer.discard()
        self._waiting = self._planned([*missing, *fresh])

    def give_up(self, lost: Collection[Identity]) -> None:
        """These are not offered any more. Those in a pack that is offered still come with it."""
        for transfer in self.transfers:
            wanted = transfer.wanted
            if isinstance(wanted, WantedFile) and wanted.identity in lost:
                self._fail(transfer, _not_offered(wanted))
        kept = deque[WantedContent]()
        for waiting in self._waiting:
            if isinstance(waiting, WantedFile) and waiting.identity in lost:
                self._note_failed(waiting, _not_offered(waiting))
            else:
                kept.append(waiting)
        self._waiting = kept

    def give_way(self, outlook: Outlook, *, now: float, still_s: float) -> None:
        """Put off contents that nobody can serve. `still_s`: for how long nothing has come.

        Files of which everybody sends damaged content fail.
        """
        for transfer in self._transfers:
            if isinstance(transfer.wanted, WantedPack) and transfer.arrived:
                self._packs.arrived(transfer.wanted)
        is_settled = now - outlook.newest_at >= UNHELD_S
        most_still_s = STILL_S * (2 if outlook.position else 1)
        for transfer in self.transfers:
            is_held = transfer.handle in outlook.held or not outlook.connections
            unheld_s = transfer.unheld.note(not is_held, now=now)
            lied_s = transfer.lied_about.note(transfer.handle in outlook.lied_about, now=now)
            is_still = min(still_s, transfer.age(now)) >= most_still_s
            if lied_s > LIED_S and isinstance(transfer.wanted, WantedFile):
                self._fail(transfer, all_damaged(transfer.title))
            elif (
                lied_s > LIED_S
                or (is_settled and unheld_s >= UNHELD_S)
                or (is_still and outlook.connections)
            ):
                self._put_off(transfer)

    def step(self) -> None:
        """Do what can be done now. Raises DiskFullError and StoppedError."""
        if self._packs.must_plan:
            self._waiting = self._planned(_files_of(self._waiting))
        self._begin_more()
        for transfer in self.transfers:
            if self._target.stopping.is_set():
                return
            fault = transfer.fault
            if isinstance(fault, DiskFullError):
                raise fault
            if fault is not None:
                self._fail(transfer, fault)
            elif transfer.is_whole or not self._is_offered(transfer.wanted):
                self._finish(transfer)
            else:
                transfer.go_on()
                for ended in transfer.unpack_ahead():
                    self._tally.note(ended)

    def stand_still(self) -> None:
        """Ask for nothing more, and for no room on the disk."""
        self._space.release(self)
        for transfer in self._transfers:
            transfer.stand_still()

    def check_space(self) -> None:
        """Ask for the room again, after stand_still(). Raises DiskFullError."""
        waiting = [] if self._transfers else [*self._waiting][:1]
        next_one = sum(self._needed_for(content) for content in waiting)
        self._space.reserve(self, self._needed + next_one)

    def resume(self) -> None:
        for transfer in self._transfers:
            transfer.resume()

    def put_back(self) -> None:
        """End the transfers under way, and put their contents in front of those that wait."""
        for transfer in reversed(self.transfers):
            self._waiting.appendleft(transfer.wanted)
            self._remove(transfer)
            transfer.close()

    def leave(self) -> None:
        """End the transfers under way, and keep what came."""
        transfers, self._transfers = self._transfers, []
        for transfer in transfers:
            transfer.close()

    def discard(self) -> list[StorageError]:
        """End the transfers under way, and remove what came. Returns what the disk refused."""
        transfers, self._transfers = self._transfers, []
        errors = list[StorageError]()
        for transfer in transfers:
            try:
                transfer.discard()
            except StorageError as error:  # somebody has put something else in its place
                errors.append(error)
        return errors

    def _begin_more(self) -> None:
        needed = self._needed
        self._space.update(self, needed)
        while self._waiting and len(self._transfers) < MAX_TRANSFERS:
            following = self._waiting[0]
            if self._comes_later(following):
                return
            chunks = sum(transfer.content.count for transfer in self._transfers)
            if chunks and chunks + following.content.count > MAX_CHUNKS:
                return
            needed += self._needed_for(following)
            if not self._has_room_for(needed):
                return
            self._begin(following)
            self._waiting.popleft()

    def _has_room_for(self, needed: int) -> bool:
        """Whether one more may begin, with so much for all. Raises DiskFullError for a first."""
        try:
            self._space.reserve(self, needed)
        except DiskFullError:
            if not self._transfers:
                raise
            return False  # those that have their room come first
        return True

    @property
    def _needed(self) -> int:
        return sum(transfer.bytes_needed for transfer in self._transfers)

    def _begin(self, wanted: WantedContent) -> None:
        is_first = not self._peer.swarm.is_busy
        try:
            transfer = FileTransfer(
                wanted, self._target, self._peer.swarm, self._peer.library, self._wake
            )
        except DiskFullError:
            raise
        except StorageError as error:
            if isinstance(wanted, WantedPack):  # another download may be fetching the same pack
                self._waiting.extend(wanted.files)
            else:
                self._note_failed(wanted, error)
            return
        self._transfers.append(transfer)
        if is_first:  # the tracker may have said by now who has it
            self._peer.downloads.wake()

    def _finish(self, transfer: FileTransfer) -> None:
        """Give what is whole its name. Files that a pack did not bring are fetched alone.

        The rest of a pack that is not offered any more is planned anew, with all that waits.
        """
        wanted = transfer.wanted
        try:
            for ended in transfer.finish():
                self._tally.note(ended)
        except DiskFullError:
            raise
        except StorageError as error:
            self._fail(transfer, error)
            return
        if transfer.is_through:
            self._remove(transfer)
            rest = transfer.wanted
            if isinstance(wanted, WantedPack) and isinstance(rest, WantedPack) and rest.files:
                self._packs.give_up(wanted)  # its files are not in it as listed
                self._waiting.extend(rest.files)

    def _put_off(self, transfer: FileTransfer) -> None:
        """Let others go first. A pack is given up: the next step ends it like one that is not
        offered any more.
        """
        wanted = transfer.wanted
        if isinstance(wanted, WantedPack):
            self._packs.give_up(wanted)
        elif self._waiting:
            self._remove(transfer)
            transfer.close()
            self._waiting.append(wanted)

    def _sorted(self, contents: Collection[WantedContent]) -> deque[WantedContent]:
        """Sorted as the user has put them; a pack comes with the first of its files."""
        return deque(sorted(contents, key=self._rank) if self._order.first else contents)

    def _rank(self, wanted: WantedContent) -> tuple[int, ...]:
        what = wanted.identity if isinstance(wanted, WantedFile) else wanted.content
        rank = self._ranks.get(what)
        if rank is None:
            rank = min((self._order.key(file.path) for file in wanted.files), default=())
            self._ranks[what] = rank
        return rank

    def _comes_later(self, following: WantedContent) -> bool:
        """Whether something that comes before it still has chunks to ask for. If it were asked for,
        too, the senders would choose what to send first.
        """
        if not self._order.first:
            return False
        rank = self._rank(following)
        return any(
            transfer.plan.wanted and self._rank(transfer.wanted) < rank
            for transfer in self._transfers
        )

    def _planned(self, missing: Sequence[WantedFile]) -> deque[WantedContent]:
        def here(pack: Content) -> int:
            return self._target.taken_by(pack_stored(pack))

        return self._sorted(self._packs.plan(missing, here, self._target.stopping.is_set))

    def _needed_for(self, wanted: WantedContent) -> int:
        return wanted.needed(self._target.taken_by(wanted.stored))

    def _is_offered(self, wanted: WantedContent) -> bool:
        """Whether it is a file, or a pack of the newest list with something in it."""
        if isinstance(wanted, WantedFile):
            return True
        return bool(wanted.files) and self._packs.is_usable(wanted)

    def _fail(self, transfer: FileTransfer, error: LmkError) -> None:
        """This one cannot be stored. What came is kept for another try."""
        self._remove(transfer)
        transfer.close()
        self._note_failed(transfer.wanted, error)

    def _remove(self, transfer: FileTransfer) -> None:
        self._transfers.remove(transfer)
        self._arrived_before += transfer.arrived

    def _note_failed(self, wanted: WantedContent, error: LmkError) -> None:
        for file in wanted.files:
            self._tally.note(FileEnded(file.path, file.size, DownloadState.FAILED, failure=error))


def _files_of(wanted: Iterable[WantedContent]) -> list[WantedFile]:
    return list(chain.from_iterable(content.files for content in wanted))


def _not_offered(file: WantedFile) -> LmkError:
    return NotOfferedError(
        f"{file.title} is no longer shared: it was removed or changed at its source. "
        "Refresh the list."
    )
