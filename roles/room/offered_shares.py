"""Which shares there are and who takes part in them, as those come and go who told them.

Pure state, part of the tracker's table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roles.room.holders import Holders
from roles.room.places import Key, Places
from roles.room.registry_entry import Entry
from roles.room.room_catalogue import Owner, RoomCatalogue


class OfferedShares:
    """Keeps the catalogue free of shares that nobody tells any more."""

    def __init__(
        self, catalogue: RoomCatalogue, places: Places, entries: Mapping[Key, Entry]
    ) -> None:
        self.holders = Holders[Key]()
        self._catalogue, self._places, self._entries = catalogue, places, entries

    def enter(self, key: Key, entry: Entry) -> None:
        """It takes part in its shares from now on."""
        self.holders.join(key, entry.shares, is_leecher=entry.is_leecher)

    def leave(self, key: Key, entry: Entry, keeps: Sequence[str] = ()) -> None:
        """It leaves its shares; those that it told are gone, but for those that it keeps."""
        self.holders.part(key, entry.shares, is_leecher=entry.is_leecher)
        for share in entry.shares:
            if share not in keeps:
                self._drop_told(key, share)

    def note_list(self, key: Key, entry: Entry) -> None:
        """LMK/2 readers find an LMK/1 program by the list that it told."""
        if entry.member is not None:
            return
        if entry.files:
            self.holders.join(key, (entry.lmk1_share,), is_leecher=False)
            self._put_original(key, entry)
        else:
            self.holders.part(key, (entry.lmk1_share,), is_leecher=False)
            self._drop_told(key, entry.lmk1_share)

    def _drop_told(self, key: Key, share_id: str) -> None:
        """Whoever only names a share does not keep it: nobody would tell what changes in it."""
        share = self._catalogue.share(share_id)
        if share is None or share.owner.key != key:
            return
        self._catalogue.drop(share_id)
        for other in self._places.at(key[0], key[1].port):
            entry = self._entries[other]
            if other != key and entry.member is None and entry.files:
                self._put_original(other, entry)  # it goes by two names
                return

    def _put_original(self, key: Key, entry: Entry) -> None:
        folder = entry.named.host if entry.origin.is_here else entry.origin.ip
        owner = owner_of(key, entry)
        self._catalogue.put_original(entry.lmk1_share, owner, folder, entry.files)


def owner_of(key: Key, entry: Entry) -> Owner:
    """A program as the owner of a share; the tracker's own machine has no limit."""
    return Owner(key, "" if entry.origin.is_here else key[0])
