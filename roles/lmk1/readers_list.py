"""What LMK/1 readers are told: one group in which every seeder holds every file.

An original leecher asks every listed seeder for every listed file, and loses what one of them
lacks. Pure state, kept until a list changes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from roles.lmk1.tracker_wire import encode_file_list
from roles.room.registry_entry import Entry, Reader
from roles.values.addresses import Address

MAX_LISTED_SEEDERS = 5  # an original leecher occupies every seeder that it is told of

_Files: TypeAlias = frozenset[tuple[str, int]]


@dataclass(slots=True)
class _Group:
    """Seeders with the same list. They are counted as they come and go: there may be thousands."""

    entries: dict[Hashable, Entry] = field(default_factory=dict)
    # How many have stayed or not, and serve only this machine or not: by (has_stayed, is_here_only)
    counts: dict[tuple[bool, bool], int] = field(default_factory=dict)

    def count(self, *, has_stayed: bool, is_here: bool) -> int:
        """How many of them these readers can reach."""
        here_only = self.counts.get((has_stayed, True), 0) if is_here else 0
        return self.counts.get((has_stayed, False), 0) + here_only


class ReadersList:
    """Made of the lists of all who told one."""

    def __init__(self) -> None:
        self._groups: dict[_Files, _Group] = {}
        # Of each seeder its list, and how it was counted.
        self._noted: dict[Hashable, tuple[_Files, tuple[bool, bool]]] = {}
        self._turn = 0
        # What was found, for readers here and elsewhere, until a list changes.
        self._best: dict[bool, _Files] = {}
        self._files: dict[bool, dict[str, int]] = {}
        self._addresses: dict[Reader, list[Address]] = {}

    def note(self, key: Hashable, entry: Entry | None) -> None:
        """This is registered so now, or is gone."""
        is_change = self._forget(key)
        if entry is not None and entry.files and not entry.is_leecher:
            files, how = frozenset(entry.files.items()), (entry.has_stayed, entry.is_here_only)
            group = self._groups.setdefault(files, _Group())
            group.entries[key] = entry
            group.counts[how] = group.counts.get(how, 0) + 1
            self._noted[key] = files, how
            is_change = True
        if is_change:
            self._best.clear()
            self._files.clear()
            self._addresses.clear()

    def files(self, *, is_here: bool) -> dict[str, int]:
        """The files of the group; fits one answer.

        `is_here`: for readers on the tracker's own machine.
        """
        if is_here not in self._files:
            listed = sorted(self._best_list(is_here=is_here))
            _, fitting = encode_file_list(listed)
            self._files[is_here] = dict(listed[:fitting])
        return self._files[is_here]

    def seeders(self, reader: Reader) -> list[Address]:
        """At most MAX_LISTED_SEEDERS seeders that hold all of those files, others at each call."""
        if reader not in self._addresses:
            self._addresses[reader] = list(dict.fromkeys(self._all_seeders(reader)))
        addresses = self._addresses[reader]
        self._turn += 1
        start = self._turn % len(addresses) if len(addresses) > MAX_LISTED_SEEDERS else 0
        told = addresses[start : start + MAX_LISTED_SEEDERS]
        return told + addresses[: min(start, MAX_LISTED_SEEDERS - len(told))]

    def _forget(self, key: Hashable) -> bool:
        files, how = self._noted.pop(key, (None, (False, False)))
        if files is None:
            return False
        group = self._groups[files]
        del group.entries[key]
        group.counts[how] -= 1
        if not group.entries:
            del self._groups[files]
        return True

    def _all_seeders(self, reader: Reader) -> Iterator[Address]:
        """Only those that have stayed, if any has: forged sources may tell the same list."""
        told = self.files(is_here=reader.is_here)
        best = self._best_list(is_here=reader.is_here)
        # Seeders with more files count only if some of the best list had to be left out.
        is_cut = len(told) < len(best)
        groups = [
            group
            for files, group in self._groups.items()
            if files == best or (is_cut and told.items() <= files)
        ]
        has_stayed = any(self._stayed(group, is_here=reader.is_here) for group in groups)
        for group in groups:
            for entry in group.entries.values() if told else ():
                address = entry.address_for(reader)
                if address is not None and entry.has_stayed >= has_stayed:
                    yield address

    @staticmethod
    def _stayed(group: _Group, *, is_here: bool) -> bool:
        return group.count(has_stayed=True, is_here=is_here) > 0

    def _best_list(self, *, is_here: bool) -> _Files:
        """The list with most files; of several, the one that most seeders have.

        Only seeders that these readers can reach count, and if any has stayed only those that have.
        """
        if is_here not in self._best:
            ranks = {files: self._rank(files, is_here) for files in self._groups}
            reached = [files for files, (_, _, count) in ranks.items() if count]
            self._best[is_here] = max(reached, key=ranks.__getitem__, default=frozenset())
        return self._best[is_here]

    def _rank(self, files: _Files, is_here: bool) -> tuple[bool, int, int]:
        group = self._groups[files]
        stayed = group.count(has_stayed=True, is_here=is_here)
        count = stayed or group.count(has_stayed=False, is_here=is_here)
        return stayed > 0, len(files), count
