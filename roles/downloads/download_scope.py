"""What a download is to bring: what the user asked for, as the newest list has it.

The leecher's thread owns the newest scope, the download's thread the one that it follows. Pure
state: it knows neither the disk nor the peers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from roles.disk.stored_names import StoredNames, StoredPath
from roles.downloads.wanted import Identity
from roles.joining.list_copy import Selection
from roles.joining.listed_share import Pack
from roles.values.list_lines import MAX_ROOM_FILES, FileLine, FolderLine
from roles.values.safe_names import UnsafeNameError

# What left the list may come back in the next one: a tracker that was started again knows nothing
# for some seconds, and a file that changed is read again first.
GONE_S = 10.0
# A seeder that says it is still reading its folder, but whose list stays the same for this long, is
# waited for no longer: an old disk reads 100 GB in this time, the largest file of a lab. A seeder
# that is gone is not on the tracker's list.
READING_S = 1_800.0
# Of one download, over all the lists that it follows: a seeder that lists other files each second
# must not fill the memory.
MAX_FILES = MAX_ROOM_FILES


@dataclass(frozen=True, slots=True)
class Scope:
    """The files of one list, and where each of them goes."""

    wanted: Selection
    packs: tuple[Pack, ...]
    stored: Mapping[Identity, StoredPath | UnsafeNameError]
    is_listed: bool = True  # else this is what the last list that had it said
    folders: Mapping[StoredPath, FolderLine] = field(default_factory=dict)  # to make


@dataclass(frozen=True, slots=True)
class ScopeChange:
    """How a newer list changes a download that is running."""

    fresh: tuple[FileLine, ...]  # to be fetched, too
    replaced: frozenset[Identity]  # pending ones, which fresh ones supersede


def identity_of(file: FileLine) -> Identity:
    assert file.content is not None
    return file.path, file.content


class NewestScope:
    """Owned by the leecher's thread. Any thread may read `scope`, which is replaced as a whole."""

    def __init__(self, wanted: Selection, packs: Sequence[Pack], names: StoredNames) -> None:
        self.collision_keys = frozenset[str]()
        self._names = names
        self._stored = dict[Identity, StoredPath | UnsafeNameError]()
        self.scope = self._placed(wanted, packs)

    def names_of_others(self, wanted: Selection) -> frozenset[str]:
        """The collision keys that following this list would add."""
        others = (file.path for file in wanted.files if identity_of(file) not in self._stored)
        keys = set[str]()
        for path in others:
            with contextlib.suppress(UnsafeNameError):
                keys.add(self._names.key_wished(path))
        return frozenset(keys) - self.collision_keys

    def follow(self, wanted: Selection, packs: Sequence[Pack]) -> None:
        self.scope = self._placed(wanted, packs)

    def lose(self) -> None:
        self.scope = replace(self.scope, is_listed=False)

    def _placed(self, wanted: Selection, packs: Sequence[Pack]) -> Scope:
        listed = [identity_of(file) for file in wanted.files]
        fresh = [identity for identity in listed if identity not in self._stored]
        if len(fresh) + len(self._stored) > MAX_FILES:
            fresh = fresh[: max(0, MAX_FILES - len(self._stored))]
            known = self._stored.keys() | fresh
            taken_up = (file for file in wanted.files if identity_of(file) in known)
            wanted = replace(wanted, files=tuple(taken_up))
        if self._stored:
            self._hand_over(fresh, set(listed))
        stored = self._names.place_all(fresh, [folder.path for folder in wanted.folders])
        self._stored |= zip(fresh, stored, strict=True)
        self.collision_keys |= {
            self._names.key(*identity)
            for identity, place in zip(fresh, stored, strict=True)
            if isinstance(place, tuple)
        }
        folders = ((self._names.folder(folder.path), folder) for folder in wanted.folders)
        made = {place: folder for place, folder in folders if isinstance(place, tuple)}
        return Scope(wanted, tuple(packs), self._stored.copy(), folders=made)

    def _hand_over(self, fresh: Collection[Identity], listed: Collection[Identity]) -> None:
        """If a path has a new content, that gets the stored name of the old one."""
        paths = {path for path, _ in fresh}
        gone = {
            identity[0]: identity
            for identity in self._stored
            if identity[0] in paths and identity not in listed
        }
        for path, content in fresh:
            old = gone.pop(path, None)
            if old is not None:
                self._names.hand_over(path, old[1], content)
                del self._stored[old]


class FollowedScope:
    """Owned by the download's thread."""

    def __init__(self, scope: Scope) -> None:
        self.wanted = scope.wanted  # with what came, or is awaited, and is not listed any more
        self._scope = scope if scope.is_listed else None
        self._unlisted_since: float | None = None
        self._changed_at: float | None = None  # when the list did; at first, when we looked
        self._lost = dict[Identity, float]()  # not here, not listed: since when

    def is_behind(self, newest: Scope) -> bool:
        return newest is not self._scope

    def follow(self, newest: Scope, pending: Collection[Identity], *, now: float) -> ScopeChange:
        """Take up a newer list. `pending`: files that have not ended.

        What has come is never touched. While nothing at all is listed, everything stays as it was.
        """
        self._scope = newest
        if not newest.is_listed:
            if self._unlisted_since is None:
                self._unlisted_since = now
            return ScopeChange((), frozenset())
        self._unlisted_since = None
        self._changed_at = now
        had = {identity_of(file): file for file in self.wanted.files}
        listed = {identity_of(file): file for file in newest.wanted.files}
        gone = [identity for identity in had if identity not in listed]
        fresh, replaced = _pair_up(
            [identity for identity in listed if identity not in had], gone, pending
        )
        lost = [identity for identity in gone if identity in pending and identity not in replaced]
        self._lost = {identity: self._lost.get(identity, now) for identity in lost}
        files = [
            listed.get(identity, file) for identity, file in had.items() if identity not in replaced
        ]
        files += (listed[identity] for identity in fresh)
        files.sort(key=lambda file: file.path)
        self.wanted = replace(newest.wanted, files=tuple(files))
        return ScopeChange(tuple(listed[identity] for identity in fresh), replaced)

    def files_left(self, *, now: float) -> int:
        """How many more files the seeder may still list."""
        since = self._unlisted_since
        is_gone = since is not None and now - since >= GONE_S
        if self._changed_at is None:
            self._changed_at = now
        is_stuck = now - self._changed_at >= READING_S
        return 0 if is_gone or is_stuck else self.wanted.files_left

    @property
    def lost(self) -> int:
        """How many files, at most, have not ended and are not listed any more."""
        return len(self._lost)

    def given_up(self, pending: Collection[Identity], *, now: float) -> frozenset[Identity]:
        """The pending files that nobody has listed for GONE_S. Each is returned once."""
        self._lost = {
            identity: since for identity, since in self._lost.items() if identity in pending
        }
        if self.files_left(now=now):
            self._lost = dict.fromkeys(self._lost, now)
        due = frozenset(identity for identity, since in self._lost.items() if now - since >= GONE_S)
        for identity in due:
            del self._lost[identity]
        return due


def _pair_up(
    fresh: Collection[Identity], gone: Collection[Identity], pending: Collection[Identity]
) -> tuple[list[Identity], frozenset[Identity]]:
    """Returns the fresh files to fetch, and the pending files that they replace.

    A file is not fetched again if its path has come with another content.
    """
    by_path = dict[str, list[Identity]]()
    for identity in sorted(gone, key=lambda identity: identity in pending):
        by_path.setdefault(identity[0], []).append(identity)
    to_fetch, replaced = list[Identity](), set[Identity]()
    for new in fresh:
        before = by_path.get(new[0])
        if not before:
            to_fetch.append(new)
        elif (old := before.pop()) in pending:
            to_fetch.append(new)
            replaced.add(old)
    return to_fetch, frozenset(replaced)
