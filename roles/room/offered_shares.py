"""Which shares there are and who takes part in them, as those come and go who told them.

Pure state, part of the tracker's table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roles.net.rate_limit import RateLimit
from roles.room.held_shares import HeldShares
from roles.room.holders import Holders
from roles.room.originals_list import OriginalsList
from roles.room.places import Key, Places
from roles.room.registry_entry import QUIET_S, Entry, lmk1_share_of
from roles.room.room_catalogue import Lmk1List, Owner, RoomCatalogue

# How often lists of LMK/1 are taken over into the catalogue, and how many files at a time. Forged
# lists may change all the time; each step takes room in the catalogue's log of changes.
LMK1_STEPS = 4.0  # a second; twice that for a moment
LMK1_STEP_FILES = 2_000  # some 10 ms


class OfferedShares:
    """Keeps the catalogue free of shares that nobody tells any more."""

    def __init__(
        self, catalogue: RoomCatalogue, places: Places, entries: Mapping[Key, Entry]
    ) -> None:
        self.holders = Holders[Key]()
        self.held = HeldShares()
        self.originals = OriginalsList()
        self._catalogue, self._places, self._entries = catalogue, places, entries
        self._steps = RateLimit(per_host=LMK1_STEPS, whole=LMK1_STEPS)
        self._unsettled: dict[str, tuple[str, int]] = {}  # shares of LMK/1, and their places

    def enter(self, key: Key, entry: Entry) -> None:
        """An LMK/2 program takes part in its shares from now on."""
        self.holders.join(key, entry.shares, is_leecher=entry.is_leecher)

    def leave(
        self,
        key: Key,
        entry: Entry,
        *,
        now: float,
        keeps: Sequence[str] = (),
        has_ended: bool = False,
    ) -> None:
        """An LMK/2 program leaves its shares; those that it told and does not keep are gone.

        Whoever else names them does not keep them: nobody would tell what changes in them. Of a run
        that has ended nobody can come back under its peer id, which others know.
        """
        teller = key._replace(peer="") if has_ended else key
        quiet_at = entry.last_ping + QUIET_S
        self.holders.part(key, entry.shares, is_leecher=entry.is_leecher)
        for share_id in entry.shares:
            share = self._catalogue.share(share_id)
            if share_id not in keeps and share is not None and share.owner.key == key:
                self._catalogue.drop(share_id)
                self.held.hold(share_id, teller, quiet_at=quiet_at, now=now)

    def note_place(self, place: tuple[str, int]) -> None:
        """Entries at this place, or lists of LMK/1 programs there, have changed.

        Only one program can listen at a place. If an LMK/2 program proved that it has this address,
        LMK/1 entries of the same place are hidden.
        """
        share_id, is_hidden, is_told = lmk1_share_of(place), self._places.has_lmk2(place), False
        for key in self._places.lmk1_at(place):
            entry = self._entries[key]
            entry.is_hidden = is_hidden
            if entry.files and not is_hidden:
                is_told = True
                self.originals.note(key, entry)
                self.holders.join(key, (share_id,), is_leecher=False)
            else:
                self.forget_lmk1(key)
        if is_told or self._catalogue.share(share_id) is not None:
            self._unsettled[share_id] = place
        else:
            self._unsettled.pop(share_id, None)

    def forget_lmk1(self, key: Key) -> None:
        """Tell nobody of this LMK/1 program any more."""
        self.originals.note(key, None)
        self.holders.part(key, (lmk1_share_of(key.place),), is_leecher=False)

    def settle(self, *, now: float) -> None:
        """Take lists of LMK/1 programs over into the catalogue, a few at a time."""
        if not self._unsettled or not self._steps.allows("", now=now):
            return
        lists, files = list[Lmk1List](), 0
        while self._unsettled and files < LMK1_STEP_FILES:
            share_id = next(iter(self._unsettled))
            told = self._told_at(share_id, self._unsettled.pop(share_id))
            files += 1 + len(told.files)
            lists.append(told)
        self._catalogue.put_lmk1(lists)

    def _told_at(self, share_id: str, place: tuple[str, int]) -> Lmk1List:
        """The newest list of the LMK/1 programs there, which may have several names."""
        owner = Owner(Key(*place))
        for entry in map(self._entries.__getitem__, self._places.lmk1_at(place)):
            if entry.files and not entry.is_hidden:
                folder = entry.named.host if entry.origin.is_here else entry.origin.ip
                return Lmk1List(share_id, owner, folder, entry.files)
        return Lmk1List(share_id, owner, "", {})


def owner_of(key: Key, entry: Entry) -> Owner:
    """A program as the owner of a share; the tracker's own machine has no limit."""
    return Owner(key, "" if entry.origin.is_here else key.ip)
