"""What a leecher knows of its room: every share that the tracker's list names, and what to ask for.

Pure state, owned by one thread. It takes lines, trusts none of them, and knows no socket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from roles.joining.listed_files import listed_file, listed_files
from roles.joining.listed_share import ListedShare, Pack
from roles.values.catalogue import MAX_ROOM_FILES, MAX_SHARE_FILES, FileLine, FolderLine
from roles.values.errors import PeerProtocolError
from roles.values.events import ListedFile, ListedFolder
from roles.values.folder_keys import FolderKey
from roles.values.safe_names import shown_name
from roles.wire.lmk2_list_wire import ShareGone, ShareOpened, decode_entry

MAX_SHARES = 12_000  # one for each peer that a tracker takes


@dataclass(frozen=True)
class Wanted:
    """What one key asks for. Paths come from the wire, and may be stored on this system."""

    name: str  # of the file or folder, from the wire
    files: tuple[FileLine, ...]  # sorted by path; two of them may have one path
    folders: tuple[FolderLine, ...]  # to make, the outer ones first
    shares: tuple[str, ...]  # that have some of it, those with most of the files first
    is_folder: bool = True  # whatever is in it; else it is one file
    files_left: int = 0  # of a folder: more, that their seeder has still to read

    @cached_property
    def title(self) -> str:
        """Safe to show."""
        return shown_name(self.name) + ("/" if self.is_folder else "")

    @cached_property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


class ListedRoom:
    """apply_whole() once, then apply_changes() for each answer that has changes only."""

    def __init__(self, *, windows: bool) -> None:
        """Names that Windows cannot store, or runs unasked, are refused on Windows only."""
        self._windows = windows
        self._shares: dict[str, ListedShare] = {}
        self._listed: dict[str, tuple[ListedFile, ...]] = {}  # by path
        self._changed: set[str] = set()  # paths whose entry in `_listed` is out of date
        self._is_new = False  # all of them are
        self._order: list[str] | None = []  # the paths of `_listed`, sorted
        self._stamp = 0  # another one after each change
        self.left_out = 0  # lines for which there was no room

    def apply_whole(self, lines: Iterable[str]) -> None:
        """Take a whole list in place of what was known."""
        self._shares = {}
        self.left_out = 0
        self._is_new = True
        self._apply(lines)

    def apply_changes(self, lines: Iterable[str]) -> None:
        """Take what changed since the lines that were applied before."""
        self._apply(lines)

    @property
    def refused(self) -> tuple[str, ...]:
        """The names of lines that cannot be read or stored, ready to show."""
        return tuple(name for share in self._shares.values() for name in share.refused.values())

    @property
    def shares(self) -> tuple[str, ...]:
        """The ids of all shares."""
        return tuple(self._shares)

    def files(self) -> tuple[ListedFile, ...]:
        """Every file once, sorted by path."""
        self._update()
        if self._order is None:
            self._order = sorted(self._listed)
        return tuple(file for path in self._order for file in self._listed[path])

    def folders(self) -> tuple[ListedFolder, ...]:
        """The folders of our own seeders, sorted by name: of those that are equal, one."""
        found = dict[tuple[int, int, int], list[ListedShare]]()
        for share in sorted(self._shares.values(), key=lambda share: share.id):
            if share.is_originals or share.is_empty:
                continue
            alike = found.setdefault((len(share.files), len(share.folders), share.size), [])
            if all(share.fingerprint() != other.fingerprint() for other in alike):
                alike.append(share)
        listed = (
            ListedFolder(share.id, share.name, len(share.files), share.size, share.files_left)
            for alike in found.values()
            for share in alike
        )
        return tuple(sorted(listed, key=lambda folder: (folder.name, folder.share)))

    def resolve(self, key: str) -> Wanted | None:
        """What this key asks for: of a ListedFile, or a FolderKey as text.

        None when nothing of the list has it now. A name that two contents have stands for none.
        """
        asked = FolderKey.of(key)
        if asked is not None:
            return self._of_share(asked) if asked.share else self._folder(asked.path)
        file = self._file(key)
        if file is None:
            return None
        name = file.name.rpartition("/")[2]
        return replace(self._wanted(name, [self._line_of(file)], ()), is_folder=False)

    def stamp(self, key: str, shares: Iterable[str]) -> tuple[int, ...]:
        """The same as before while this key asks for the same, which these shares have."""
        asked = FolderKey.of(key)
        if asked is None or not asked.share:
            return (self._stamp,)
        found = (self._shares.get(id_) for id_ in (asked.share, *shares))
        return tuple(0 if share is None else share.stamp for share in found)

    def packs(self, share: str) -> tuple[Pack, ...]:
        """The packs of this share whose members add up, each with its members in order."""
        known = self._shares.get(share)
        return () if known is None else known.packs()

    def shares_of(self, root: bytes) -> tuple[str, ...]:
        """The ids of the shares that have this content, of a file or of a pack."""
        return tuple(share.id for share in self._shares.values() if share.has(root))

    # Taking lines

    def _apply(self, lines: Iterable[str]) -> None:
        self._stamp += 1
        share: ListedShare | None = None  # to which the lines belong
        room = 0  # lines that it may have
        for text in lines:
            match text[:1]:
                case "+" if share is not None:
                    if share.count >= room:
                        self.left_out += 1
                    else:
                        self._note(share.add(text[1:]))
                case "-" if share is not None:
                    self._note(share.remove(text[1:]))
                case "S" | "X":
                    share = self._open_or_drop(text)
                    if share is not None:
                        others = sum(one.count for one in self._shares.values()) - share.count
                        room = min(MAX_SHARE_FILES, MAX_ROOM_FILES - others)
                case _:
                    self.left_out += 1

    def _open_or_drop(self, text: str) -> ListedShare | None:
        """The share to which the next lines belong, if they belong to one."""
        try:
            entry = decode_entry(text)
        except PeerProtocolError:
            self.left_out += 1
            return None
        match entry:
            case ShareOpened(id_, folder):
                share = self._shares.get(id_)
                if share is None:
                    if len(self._shares) >= MAX_SHARES:
                        return None
                    share = self._shares[id_] = ListedShare(id_, folder, windows=self._windows)
                share.name, share.stamp = folder, self._stamp
                return share
            case ShareGone(id_):
                gone = self._shares.pop(id_, None)
                if gone is not None and not self._is_new:
                    self._changed.update(gone.files)
            case _:
                pass
        return None

    def _note(self, path: str | None) -> None:
        if path is not None and not self._is_new:
            self._changed.add(path)

    # What is listed

    def _update(self) -> None:
        """Bring `_listed` up to date: at the cost of what changed, not of the room."""
        if self._is_new:
            self._list_all()
        for path in self._changed:
            lines = self._lines_of(path)
            if (path in self._listed) is not bool(lines):
                self._order = None
            if lines:
                self._listed[path] = listed_files(path, lines)
            else:
                self._listed.pop(path, None)
        self._is_new = False
        self._changed.clear()

    def _list_all(self) -> None:
        self._listed, self._order = {}, None
        for share in self._shares.values():
            for path, line in share.files.items():
                if path in self._listed:
                    self._changed.add(path)  # _update() looks at all of them together
                else:
                    self._listed[path] = (listed_file(share.id, line),)

    def _lines_of(self, path: str) -> list[tuple[str, FileLine]]:
        """Of the share with the lowest id first, as it is that folders() names of equal ones."""
        having = (share for share in self._shares.values() if path in share.files)
        return [(one.id, one.files[path]) for one in sorted(having, key=lambda share: share.id)]

    def _file(self, key: str) -> ListedFile | None:
        self._update()
        for path in (key, key.rpartition(" [")[0]):
            for file in self._listed.get(path, ()):
                if file.key == key:
                    return file
        return None

    def _line_of(self, file: ListedFile) -> FileLine:
        return self._shares[file.share].files[file.name]

    # What is wanted

    def _of_share(self, asked: FolderKey) -> Wanted | None:
        """All of one share, or what is below a path of it."""
        share = self._shares.get(asked.share)
        if share is None or share.is_originals or share.is_empty:
            return None
        files, folders = share.below(asked.path)
        if asked.path and not (files or folders):
            return None
        name = asked.path.rpartition("/")[2] or share.name
        wanted = self._wanted(name, files, folders)
        return replace(wanted, shares=wanted.shares or (share.id,), files_left=share.files_left)

    def _folder(self, path: str) -> Wanted | None:
        inside = path + "/"
        self._update()
        files = [
            self._line_of(file)
            for name, listed in self._listed.items()
            if name.startswith(inside)
            for file in listed
        ]
        folders = [line for share in self._shares.values() for line in share.below(path)[1]]
        if not (files or folders):
            return None
        wanted = self._wanted(path.rpartition("/")[2], files, folders)
        reading = (share for share in self._shares.values() if share.files_left)
        left = sum(share.files_left for share in reading if any(share.below(path)))
        return replace(wanted, files_left=left)

    def _wanted(
        self, name: str, files: Iterable[FileLine], folders: Iterable[FolderLine]
    ) -> Wanted:
        files = sorted(files, key=lambda file: file.path)
        made = {folder.path: folder for folder in folders}
        for path in [*made, *(file.path for file in files)]:
            for parent in _parents(path):
                if parent in made:
                    break
                made[parent] = self._folder_line(parent)
        outer_first = tuple(made[path] for path in sorted(made))
        return Wanted(name, tuple(files), outer_first, self._shares_for(files, made))

    def _folder_line(self, path: str) -> FolderLine:
        known = (share.folders.get(path) for share in self._shares.values())
        return next((line for line in known if line is not None), FolderLine(path))

    def _shares_for(self, files: list[FileLine], folders: Iterable[str]) -> tuple[str, ...]:
        """The shares that can be asked for these files, those with most of them first."""
        counts = dict[str, int]()
        for share in self._shares.values():
            counts[share.id] = sum(_has(share, file) for file in files)
        found = [id_ for id_, count in counts.items() if count]
        if not files:
            wanted = set(folders)
            found = [one.id for one in self._shares.values() if one.folders.keys() & wanted]
        return tuple(sorted(found, key=lambda id_: (-counts[id_], id_)))


def _has(share: ListedShare, file: FileLine) -> bool:
    if file.content is not None:
        return share.has(file.content.root)
    known = share.files.get(file.path)
    return known is not None and known.size == file.size


def _parents(path: str) -> Iterator[str]:
    """The folders that it is in, the inmost first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
