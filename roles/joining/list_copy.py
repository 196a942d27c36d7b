"""A leecher's copy of the tracker's list: every share that it has, and what a key asks for.

Pure state, owned by one thread. It trusts none of the lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from operator import itemgetter
from typing import NamedTuple

from roles.joining.listed_files import listed_file, listed_files
from roles.joining.listed_share import MAX_REFUSED, ListedShare, Pack
from roles.values.errors import PeerProtocolError
from roles.values.folder_keys import FolderKey, range_below
from roles.values.list_lines import (
    MAX_ROOM_FILES,
    MAX_ROOM_SHARES,
    MAX_SHARE_FILES,
    FileLine,
    FolderLine,
)
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.safe_names import shown_name
from roles.values.stopping import go_on, until_stopped
from roles.wire.list_wire import ShareGone, ShareOpened, decode_share

# Shares whose holders one download looks for. A request to the tracker names 8 shares, and a room
# full of copies must not cost a thousand requests.
MAX_SOURCES = 64


class Limits(NamedTuple):
    """What a copy may have at most, whatever the tracker sends."""

    shares: int = MAX_ROOM_SHARES
    share_lines: int = MAX_SHARE_FILES
    lines: int = MAX_ROOM_FILES  # of all shares
    # Folders without a line of their own, of all shares, beyond those that each share may have
    # anyway: one path may lead through 31. They do not count as lines.
    implied: int = MAX_ROOM_FILES


LIMITS = Limits()


@dataclass(frozen=True)
class Selection:
    """What a key asks for. Paths come from the wire, and this system can store them."""

    name: str  # of the file or folder, from the wire
    # In the order of their paths, but of several shares in turn, so that none waits for all files
    # of another. Two files may have one path.
    files: tuple[FileLine, ...]
    folders: tuple[FolderLine, ...]  # to create, outer ones first
    shares: tuple[str, ...]  # that have some of it: the asked ones first, then those with most
    is_folder: bool = True
    files_left: int = 0  # of a folder: files that its seeders have yet to read
    share_name: str = ""  # from the wire, if the key asks for a share or a folder of it

    @cached_property
    def title(self) -> str:
        return shown_name(self.name) + ("/" if self.is_folder else "")

    @cached_property
    def size(self) -> int:
        return sum(file.size for file in self.files)


class ListCopy:
    """Call apply_whole() first, then apply_changes() for each answer that has only changes.

    Shares keep the order of the tracker's list. Of two with the same content the earlier one
    counts, so nobody can get ahead by choosing an id.
    """

    def __init__(
        self,
        *,
        windows: bool,
        should_stop: Callable[[], bool] = go_on,
        limits: Limits = LIMITS,
    ) -> None:
        """`windows`: refuse names that Windows cannot store, or would run without being asked.

        Long work raises StoppedError once should_stop(): throw the copy away then.
        """
        self._windows = windows
        self._should_stop = should_stop
        self._limits = limits
        self._shares: dict[str, ListedShare] = {}
        self._count = 0  # lines of all shares
        self._implied = 0  # sum of ListedShare.implied
        self._listed: dict[str, tuple[ListedFile, ...]] = {}  # by path
        self._changed: set[str] = set()  # paths whose entry in `_listed` is out of date
        self._is_new = False  # all of them are
        self._order: list[str] | None = []  # the paths of `_listed`, sorted
        self._files: tuple[ListedFile, ...] | None = ()  # put together from `_listed`
        self._holders: dict[bytes, list[str]] | None = None  # by root: shares, MAX_SOURCES at most
        self._stamp = 0  # a new number after each change
        self.left_out = 0  # lines without room, or that cannot be read, since the whole list

    def apply_whole(self, lines: Iterable[str]) -> None:
        """Forget all shares, and take a whole list."""
        self._shares, self._count, self._implied = {}, 0, 0
        self.left_out = 0
        self._is_new = True
        self.apply_changes(lines)

    @property
    def refused(self) -> tuple[str, ...]:
        """The first MAX_REFUSED names of lines that cannot be read or stored, safe to show."""
        names = chain.from_iterable(share.refused.values() for share in self._shares.values())
        return tuple(islice(names, MAX_REFUSED))

    def files(self) -> tuple[ListedFile, ...]:
        """All files, sorted by path; the same object while nothing changes."""
        paths = self._sorted_paths()
        if self._files is None:
            self._files = tuple(
                file
                for path in until_stopped(paths, self._should_stop)
                for file in self._listed[path]
            )
        return self._files

    def folders(self) -> tuple[ListedFolder, ...]:
        """The folders of LMK/2 seeders, sorted by name; the first of those that are equal."""
        shares = dict[tuple[int, ...], ListedShare]()
        for share in self._shares.values():
            if not (share.is_originals or share.is_empty):
                size = (len(share.files), len(share.folders), share.size)
                shares.setdefault((*size, share.fingerprint()), share)
        listed = (
            ListedFolder(
                share.id,
                share.name,
                len(share.files),
                share.size,
                share.files_left,
                share.torrent.hex(),
                share.serves_browsers,
            )
            for share in shares.values()
        )
        return tuple(sorted(listed, key=lambda folder: folder.name))

    def select(self, key: str) -> Selection | None:
        """What the key of a ListedFile, or a FolderKey as text, asks for; None if nothing on the
        list has it now. A bare name with two contents is no key.
        """
        asked = FolderKey.of(key)
        if asked is not None:
            return self._of_share(asked) if asked.share else self._folder(asked.path)
        file = self._file(key)
        if file is None:
            return None
        share = self._shares[file.share]
        selection = self._selected([share.files[file.name]], (), [share], above=file.name)
        return replace(selection, is_folder=False, files_left=0)

    def stamp(self, key: str) -> int:
        """A number that changes whenever select() may return something else for this key. That of
        a key in one share changes only with that share.
        """
        asked = FolderKey.of(key)
        if asked is None or not asked.share:
            return self._stamp
        share = self._shares.get(asked.share)
        return 0 if share is None else share.stamp

    def packs(self, shares: Iterable[str]) -> tuple[Pack, ...]:
        """The packs of these shares; the first that has a content as a pack counts."""
        known = filter(None, map(self._shares.get, shares))
        packs = dict[bytes, Pack]()
        for pack in chain.from_iterable(share.packs() for share in known):
            packs.setdefault(pack.line.content.root, pack)
        return tuple(packs.values())

    def shares_of(self, root: bytes) -> tuple[str, ...]:
        """The ids of the shares that have this content as a file or a pack."""
        return tuple(share.id for share in self._shares.values() if root in share.roots)

    # Taking lines

    def apply_changes(self, lines: Iterable[str]) -> None:
        """Take what has changed since the lines that were applied before."""
        self._stamp += 1
        self._holders = None
        limits = self._limits
        share: ListedShare | None = None  # the one that the lines belong to
        room = implied_room = 0  # the lines, and folders without a line, that it may have
        spare = 0  # how many more lines it can take for sure
        for text in until_stopped(lines, self._should_stop):
            match text[:1]:
                case "+" if share is not None:
                    spare = spare if spare > 0 else share.spare(room, implied_room)
                    if spare > 0:
                        spare -= 1
                        self._note(share.add(text[1:]))
                    else:
                        self.left_out += 1
                case "-" if share is not None:
                    spare = 0
                    self._note(share.remove(text[1:]))
                case "S" | "X":
                    self._count_share(share, 1)
                    share = self._open_or_drop(text)
                    self._count_share(share, -1)
                    room = min(limits.share_lines, limits.lines - self._count)
                    implied_room = max(0, limits.implied - self._implied)
                    spare = 0
                case _:
                    self.left_out += 1
        self._count_share(share, 1)

    def _count_share(self, share: ListedShare | None, sign: int) -> None:
        """Call it with -1 before the lines of a share change, and with 1 afterwards."""
        if share is not None:
            self._count += sign * share.count
            self._implied += sign * share.implied

    def _open_or_drop(self, text: str) -> ListedShare | None:
        """The share that the next lines belong to, if any."""
        try:
            entry = decode_share(text)
        except PeerProtocolError:
            self.left_out += 1
            return None
        match entry:
            case ShareOpened(id_, folder):
                share = self._shares.get(id_)
                if share is None:
                    if len(self._shares) >= self._limits.shares:
                        return None
                    share = self._shares[id_] = ListedShare(
                        id_, folder, windows=self._windows, should_stop=self._should_stop
                    )
                share.name, share.stamp = folder, self._stamp
                return share
            case ShareGone(id_):
                gone = self._shares.pop(id_, None)
                self._count_share(gone, -1)
                if gone is not None and not self._is_new:
                    self._changed.update(gone.files)
        return None

    def _note(self, path: str | None) -> None:
        if path is not None and not self._is_new:
            self._changed.add(path)

    # What is listed

    def _update(self) -> None:
        """Bring `_listed` up to date; the cost is the number of changed paths times the shares."""
        if self._is_new:
            self._list_all()
        if not self._changed:
            return
        self._files, lines_of = None, self._lines_of(self._changed)
        for path in until_stopped(self._changed, self._should_stop):
            lines = lines_of.get(path)
            if (path in self._listed) is (lines is None):
                self._order = None
            if lines is None:
                self._listed.pop(path, None)
            else:
                self._listed[path] = listed_files(path, lines)
        self._changed.clear()

    def _list_all(self) -> None:
        self._listed, self._order, self._files, self._changed = {}, None, None, set()
        for share in self._shares.values():
            for path, line in until_stopped(share.files.items(), self._should_stop):
                if path in self._listed:
                    self._changed.add(path)  # _update() lists all files of this path together
                else:
                    self._listed[path] = (listed_file(share.id, line),)
        self._is_new = False

    def _lines_of(self, paths: Collection[str]) -> dict[str, list[tuple[str, FileLine]]]:
        """What the shares have at these paths, in the order of the shares.

        The steps for each share are its files or the paths, whichever are fewer.
        """
        lines = dict[str, list[tuple[str, FileLine]]]()
        for share in self._shares.values():
            files = share.files
            few, many = (paths, files) if len(paths) < len(files) else (files, paths)
            for path in until_stopped(few, self._should_stop):
                if path in many:
                    lines.setdefault(path, []).append((share.id, files[path]))
        return lines

    def _sorted_paths(self) -> list[str]:
        self._update()
        if self._order is None:
            self._order = sorted(self._listed)
        return self._order

    def _file(self, key: str) -> ListedFile | None:
        self._update()
        for path in (key, key.rpartition(" [")[0]):
            for file in self._listed.get(path, ()):
                if file.key == key:
                    return file
        of_path = self._listed.get(key, ())  # whose own key has digits after the path
        return of_path[0] if len(of_path) == 1 else None

    # What a key selects

    def _of_share(self, asked: FolderKey) -> Selection | None:
        """All of one share, or what it has below a path."""
        share = self._shares.get(asked.share)
        if share is None or share.is_originals or share.is_empty:
            return None
        files, folders = share.below(asked.path)
        files.sort(key=lambda file: file.path)
        if asked.path and not (files or folders):
            return None
        selection = self._selected(files, folders, [share], above=asked.path)
        name = selection.name if asked.path else share.name
        return replace(selection, name=name, share_name=share.name)

    def _folder(self, path: str) -> Selection | None:
        """What all shares have below a path."""
        shares = [share for share in self._shares.values() if share.has_folder(path)]
        if not shares:
            return None
        paths = self._sorted_paths()
        start, end = range_below(paths, path)
        listed = [file for name in paths[start:end] for file in self._listed[name]]
        turns = Counter[str]()
        in_turn = list[tuple[int, FileLine]]()
        for file in until_stopped(listed, self._should_stop):
            turns[file.share] += 1
            in_turn.append((turns[file.share], self._shares[file.share].files[file.name]))
        in_turn.sort(key=itemgetter(0))
        files = [line for _, line in in_turn]
        folders = [folder for share in shares for folder in share.below(path)[1]]
        return self._selected(files, folders, shares, above=path)

    def _selected(
        self,
        files: Collection[FileLine],
        folders: Iterable[FolderLine],
        asked: list[ListedShare],
        *,
        above: str,
    ) -> Selection:
        """What these shares were asked for at the path `above`, with the folders that lead there.
        `files` keep their order.
        """
        made = dict[str, FolderLine]()
        for folder in folders:
            made.setdefault(folder.path, folder)
        for parent in _parents(above):
            lines = (share.folders.get(parent) for share in asked)
            made[parent] = next((line for line in lines if line is not None), FolderLine(parent))
        for path in until_stopped([*made, *(file.path for file in files)], self._should_stop):
            for parent in _parents(path):
                if parent in made:
                    break
                made[parent] = FolderLine(parent)
        return Selection(
            above.rpartition("/")[2],
            tuple(files),
            tuple(made[path] for path in sorted(made)),
            self._sources(files, asked),
            files_left=sum(share.files_left for share in asked),
        )

    def _sources(self, files: Collection[FileLine], asked: list[ListedShare]) -> tuple[str, ...]:
        """The shares that can be asked for these files: `asked`, then those with most of them."""
        counts = Counter[str]()
        holders = self._shares_by_root()
        for file in until_stopped(files, self._should_stop):
            if file.content is None:
                counts.update(self._originals_with(file))
            else:
                for id_ in holders.get(file.content.root, ()):  # update() takes five times as long
                    counts[id_] += 1
        first = (share.id for share in asked)
        most_first = (id_ for id_, _ in counts.most_common())
        return tuple(islice(dict.fromkeys(chain(first, most_first)), MAX_SOURCES))

    def _shares_by_root(self) -> dict[bytes, list[str]]:
        if self._holders is None:
            holders = dict[bytes, list[str]]()
            for share in self._shares.values():
                for root in until_stopped(share.roots, self._should_stop):
                    shares = holders.setdefault(root, [])
                    if len(shares) < MAX_SOURCES:
                        shares.append(share.id)
            self._holders = holders
        return self._holders

    def _originals_with(self, file: FileLine) -> Iterator[str]:
        """The shares of original seeders that have a file of this name and size."""
        for share in self._shares.values():
            known = share.files.get(file.path) if share.is_originals else None
            if known is not None and known.size == file.size:
                yield share.id


def _parents(path: str) -> Iterator[str]:
    """The folders that a path leads through, the innermost first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
