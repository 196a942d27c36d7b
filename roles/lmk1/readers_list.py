"""The list that LMK/1 readers get: files that every listed seeder has.

An original leecher asks every listed seeder for every listed file, and fails if one lacks it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TypeAlias

from roles.lmk1.tracker_wire import encode_file_list
from roles.room.registry_entry import Entry, Reader
from roles.values.addresses import Address

MAX_LISTED_SEEDERS = 5  # an original leecher occupies every listed seeder

_Files: TypeAlias = frozenset[tuple[str, int]]


class ReadersList:
    """Chooses the list. Results are cached until a seeder or its list changes."""

    def __init__(self) -> None:
        self._groups: dict[_Files, dict[Hashable, Entry]] = {}  # the seeders with each list
        self._list_of: dict[Hashable, _Files] = {}
        self._turn = 0
        # Caches; the keys say whether the reader is on the tracker's machine.
        self._files: dict[bool, dict[str, int]] = {}
        self._addresses: dict[Reader, list[Address]] = {}

    def note(self, key: Hashable, entry: Entry | None) -> None:
        """The current state of an entry; None if it is gone."""
        before = self._list_of.pop(key, None)
        if before is not None:
            del self._groups[before][key]
            if not self._groups[before]:
                del self._groups[before]
        if entry is not None and entry.files and not entry.is_leecher:
            files = self._list_of[key] = frozenset(entry.files.items())
            self._groups.setdefault(files, {})[key] = entry
        elif before is None:
            return
        self._files.clear()
        self._addresses.clear()

    def files(self, *, is_here: bool) -> dict[str, int]:
        """The listed files, as many as fit into one answer.

        `is_here`: the reader is on the tracker's machine.
        """
        if is_here not in self._files:
            listed = sorted(self._best_list(is_here=is_here))
            _, fitting = encode_file_list(listed)
            self._files[is_here] = dict(listed[:fitting])
        return self._files[is_here]

    def seeders(self, reader: Reader) -> list[Address]:
        """At most MAX_LISTED_SEEDERS seeders that have all of files(); others at each call."""
        if reader not in self._addresses:
            self._addresses[reader] = list(dict.fromkeys(self._all_seeders(reader)))
        addresses = self._addresses[reader]
        self._turn += 1
        start = self._turn % len(addresses) if len(addresses) > MAX_LISTED_SEEDERS else 0
        chosen = addresses[start : start + MAX_LISTED_SEEDERS]
        return chosen + addresses[: min(start, MAX_LISTED_SEEDERS - len(chosen))]

    def _all_seeders(self, reader: Reader) -> Iterator[Address]:
        """If any seeder has stayed, only such seeders: forged ones may have the same list."""
        listed = self.files(is_here=reader.is_here)
        best = self._best_list(is_here=reader.is_here)
        # If the best list was cut to fit, other seeders may have the rest of it, too.
        is_cut = len(listed) < len(best)
        entries = [
            (entry, address)
            for files, group in self._groups.items()
            if listed and (files == best or (is_cut and listed.items() <= files))
            for entry in group.values()
            if (address := entry.address_for(reader)) is not None
        ]
        has_stayed = any(entry.has_stayed for entry, _ in entries)
        for entry, address in entries:
            if entry.has_stayed >= has_stayed:
                yield address

    def _best_list(self, *, is_here: bool) -> _Files:
        """The longest list; of several, the one of most seeders.

        Counts only seeders that the reader can reach, and if any of them has stayed, only those.
        """
        ranks = {files: self._rank(files, is_here) for files in self._groups}
        reached = [files for files, (_, _, count) in ranks.items() if count]
        return max(reached, key=ranks.__getitem__, default=frozenset())

    def _rank(self, files: _Files, is_here: bool) -> tuple[bool, int, int]:
        group = self._groups[files].values()
        seeders = [seeder for seeder in group if is_here or not seeder.is_here_only]
        stayed = sum(seeder.has_stayed for seeder in seeders)
        return stayed > 0, len(files), stayed or len(seeders)
