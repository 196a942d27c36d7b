"""What LMK/1 readers are told: one group in which every seeder holds every file.

An original leecher asks every listed seeder for every listed file, and loses what one of them
lacks. Pure state, kept until a list changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from roles.room.registry_entry import Entry, Reader
from roles.values.addresses import Address
from roles.wire.lmk1_tracker_wire import encode_file_list

MAX_LISTED_SEEDERS = 5  # an original leecher occupies every seeder that it is told of


class OriginalsList:
    """The lists of all who told one by LMK/1."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, Entry] = {}  # those with a list that is not empty
        self._turn = 0
        # What was found, for readers here and elsewhere, until a list changes.
        self._files: dict[bool, dict[str, int]] = {}
        self._addresses: dict[Reader, list[Address]] = {}

    def note(self, key: Hashable, entry: Entry | None) -> None:
        """This is registered so now, or is gone."""
        if entry is not None and entry.files and not entry.is_leecher:
            self._entries[key] = entry
        elif self._entries.pop(key, None) is None:
            return
        self._files.clear()
        self._addresses.clear()

    def files(self, *, is_here: bool) -> dict[str, int]:
        """The files of the group; fits one answer.

        `is_here`: for readers on the tracker's own machine.
        """
        if is_here not in self._files:
            listed = sorted(self._fullest_list(is_here=is_here))
            _, fitting = encode_file_list(listed)
            self._files[is_here] = dict(listed[:fitting])
        return self._files[is_here]

    def seeders(self, reader: Reader) -> list[Address]:
        """At most MAX_LISTED_SEEDERS seeders that hold all of those files, others at each call."""
        if reader not in self._addresses:
            self._addresses[reader] = self._all_seeders(reader)
        addresses = self._addresses[reader]
        self._turn += 1
        start = self._turn % len(addresses) if len(addresses) > MAX_LISTED_SEEDERS else 0
        told = addresses[start : start + MAX_LISTED_SEEDERS]
        return told + addresses[: min(start, MAX_LISTED_SEEDERS - len(told))]

    def _all_seeders(self, reader: Reader) -> list[Address]:
        files = self.files(is_here=reader.is_here).items()
        addresses = [
            address
            for entry in self._entries.values()
            if files
            and files <= entry.files.items()
            and (address := entry.address_for(reader)) is not None
        ]
        return list(dict.fromkeys(addresses))

    def _fullest_list(self, *, is_here: bool) -> frozenset[tuple[str, int]]:
        """The list with most files; of several, the one that most seeders have.

        Only seeders that these readers can reach count.
        """
        reachable = [
            entry.files for entry in self._entries.values() if is_here or not entry.is_here_only
        ]
        most = max(map(len, reachable), default=0)
        seeders = Counter(frozenset(files.items()) for files in reachable if len(files) == most)
        return max(seeders, key=seeders.__getitem__, default=frozenset())
