"""One share as a leecher knows it: its files, folders and packs, line by line.

Pure state. Lines come from strangers: what cannot be stored or served is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from roles.values import strict_json
from roles.values.catalogue import (
    MAX_LINE,
    PACKED_BELOW,
    FileLine,
    FolderLine,
    PackLine,
    ReadingLine,
    decode_line,
    sort_key,
)
from roles.values.errors import PeerProtocolError
from roles.values.safe_names import UnsafeNameError, safe_path, shown_name
from roles.values.stopping import go_on, until_stopped

ORIGINALS_PREFIX = "lmk1"  # of the id of a share that a tracker made of an original seeder's list
FEW_FOLDERS = 100  # without a line of their own: a share may have so many, and one for each line
MAX_REFUSED = 1_000  # lines that are remembered, to show their names: nobody reads more


class Pack(NamedTuple):
    """A pack whose members add up. It counts for the share that lists it and them."""

    line: PackLine
    members: tuple[FileLine, ...]  # in the order in which they lie in it
    share: str = ""  # its id


class ListedShare:
    """Owned by a ListedRoom."""

    def __init__(
        self, id_: str, name: str, *, windows: bool, should_stop: Callable[[], bool] = go_on
    ) -> None:
        """What takes long raises HaltedError once should_stop()."""
        self.id = id_
        self.name = name  # of the folder, from the wire
        self.is_originals = id_.startswith(ORIGINALS_PREFIX)
        self.files: dict[str, FileLine] = {}  # by path
        self.folders: dict[str, FolderLine] = {}
        self.refused: dict[str, str] = {}  # line to the name to show
        self.size = 0  # bytes, of all files
        self.files_left = 0  # more, that its seeder has still to read
        self.stamp = 0  # set by the room: another one after each change
        self._windows = windows
        self._should_stop = should_stop
        # How many lines are right in each folder, its own line too: also of folders that have none.
        self._inside: dict[str, int] = {}
        self._pack_lines: dict[str, PackLine] = {}  # by the path of the first member
        self._packs: tuple[Pack, ...] | None = None  # not known since the last change
        self._fingerprint: int | None = None  # the same, and so with the roots of all contents
        self._roots: frozenset[bytes] | None = None

    @property
    def count(self) -> int:
        """Its lines."""
        return len(self.files) + len(self.folders) + len(self._pack_lines) + len(self.refused)

    @property
    def implied(self) -> int:
        """The folders that its paths lead through and that have no line of their own: those beyond
        one for each line, and a few more.
        """
        return max(0, len(self._inside) - len(self.folders) - self.count - FEW_FOLDERS)

    @property
    def is_empty(self) -> bool:
        """Whether it offers nothing that could be stored, now or soon."""
        return not (self.files or self.folders or self.files_left)

    @property
    def roots(self) -> frozenset[bytes]:
        """Of the contents that its files and packs have."""
        if self._roots is None:
            contents = [file.content for file in self.files.values()]
            packs = (line.content.root for line in self._pack_lines.values())
            self._roots = frozenset(content.root for content in contents if content).union(packs)
        return self._roots

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder, or anything below it."""
        return path in self._inside

    def below(self, path: str) -> tuple[list[FileLine], list[FolderLine]]:
        """Its files and folders below this one, and this one; all of them without a path."""
        if not path:
            return list(self.files.values()), list(self.folders.values())
        inside = path + "/"
        files = [line for name, line in self.files.items() if name.startswith(inside)]
        folders = [
            line for name, line in self.folders.items() if name == path or name.startswith(inside)
        ]
        return files, folders

    def add(self, text: str) -> str | None:
        """Take a line; returns the path of the file that came or changed, if it was one."""
        try:
            line = decode_line(text)
            if isinstance(line, FileLine):  # as nearly all are
                self._check_file(line)
                return self._add_file(line)
            if isinstance(line, FolderLine):
                self._check_path(line.path, is_folder=True)
        except PeerProtocolError:
            if len(self.refused) < MAX_REFUSED:
                self.refused[text] = _name_in(text)
            return None
        if isinstance(line, ReadingLine):
            self.files_left = line.files_left
            return None
        self._packs = self._fingerprint = self._roots = None
        match line:
            case FolderLine(path):
                if path not in self.folders:
                    self._enter(path + "/")
                self.folders[path] = line
            case PackLine(first=first):
                self._pack_lines[first] = line
            case None:
                pass
        return None

    def _add_file(self, line: FileLine) -> str:
        self._packs = self._fingerprint = self._roots = None
        path = line.path
        known = self.files.get(path)
        if known is None:
            self._enter(path)
            self.size += line.size
        else:
            self.size += line.size - known.size
        self.files[path] = line
        return path

    def remove(self, text: str) -> str | None:
        """Forget a line; returns the path of the file that went, if it was one.

        A line that was replaced already changes nothing: which of the two comes first is open.
        """
        if self.refused.pop(text, None) is not None:
            return None
        try:
            line = decode_line(text)
        except PeerProtocolError:
            return None
        if isinstance(line, ReadingLine):
            if self.files_left == line.files_left:
                self.files_left = 0
            return None
        self._packs = self._fingerprint = self._roots = None
        match line:
            case FileLine(path) if self.files.get(path) == line:
                self.size -= self.files.pop(path).size
                self._leave(path)
                return path
            case FolderLine(path) if self.folders.get(path) == line:
                del self.folders[path]
                self._leave(path + "/")
            case PackLine(_, first) if self._pack_lines.get(first) == line:
                del self._pack_lines[first]
            case _:
                pass
        return None

    def fingerprint(self) -> int:
        """The same for two shares with equal files and folders, in whatever order they came.

        Whatever their times are: a copy of a folder would bring the same once more. One that is
        still being read is another one.
        """
        if self._fingerprint is None:
            files = (
                hash((file.path, file.content, file.is_executable))
                for file in until_stopped(self.files.values(), self._should_stop)
            )
            self._fingerprint = sum(files) + sum(map(hash, self.folders))
        return hash((self._fingerprint, self.files_left))

    def packs(self) -> tuple[Pack, ...]:
        """The packs whose members add up, each with them; never two with the same member."""
        if self._packs is None:
            self._packs = tuple(self._found_packs()) if self._pack_lines else ()
        return self._packs

    def _found_packs(self) -> Iterator[Pack]:
        """Each costs a look into the sums, and its members when they add up."""
        small = sorted(
            (file for file in self.files.values() if 0 < file.size < PACKED_BELOW),
            key=lambda file: sort_key(file.path),
        )
        sums = list(accumulate((file.size for file in small), initial=0))
        free_from = 0
        for start, file in enumerate(until_stopped(small, self._should_stop)):
            line = self._pack_lines.get(file.path)
            if line is None or start < free_from:
                continue
            end = start + line.count
            if end < len(sums) and sums[end] - sums[start] == line.content.size:
                free_from = end
                yield Pack(line, tuple(small[start:end]), self.id)

    def _enter(self, path: str) -> None:
        """One line more has this path, which ends with "/" for a folder's own."""
        inside = self._inside
        while "/" in path:
            path = path.rpartition("/")[0]
            known = inside.get(path, 0)
            inside[path] = known + 1
            if known:
                break

    def _leave(self, path: str) -> None:
        """One line fewer has it."""
        inside = self._inside
        while "/" in path:
            path = path.rpartition("/")[0]
            if inside[path] > 1:
                inside[path] -= 1
                break
            del inside[path]

    def _check_file(self, line: FileLine) -> None:
        """Raise PeerProtocolError for what this share cannot have, or this system not store."""
        if (line.content is None) is not self.is_originals:
            raise PeerProtocolError("a file of a kind that its seeder does not have")
        if self.is_originals or self._windows:
            self._check_path(line.path, is_folder=False)

    def _check_path(self, path: str, *, is_folder: bool) -> None:
        """The same of a path."""
        if self.is_originals and (is_folder or "/" in path):
            raise UnsafeNameError("an original seeder has no folders")
        if self._windows:
            safe_path(path, windows=True)


def _name_in(text: str) -> str:
    """What to call a refused line: its path, if it has one."""
    try:
        value = strict_json.loads(text.encode(errors="replace"), most=MAX_LINE)
    except PeerProtocolError:
        return shown_name(text)
    match value:
        case [str(), str(path), *_]:
            return shown_name(path)
        case _:
            return shown_name(text)
