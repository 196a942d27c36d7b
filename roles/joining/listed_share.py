"""One share as a leecher knows it: its files, folders and packs.

Pure state. Lines come from strangers: those that cannot be stored or served are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import accumulate
from typing import NamedTuple

from roles.values import strict_json
from roles.values.errors import PeerProtocolError
from roles.values.list_lines import (
    MAX_LINE,
    PACKED_BELOW,
    FileLine,
    FolderLine,
    PackLine,
    ReadingLine,
    TorrentLine,
    WebLine,
    decode_line,
    sort_key,
)
from roles.values.safe_names import MAX_DEPTH, UnsafeNameError, safe_path, shown_name
from roles.values.stopping import go_on, until_stopped

ORIGINALS_PREFIX = "lmk1"  # of the id of a share that a tracker makes for an original seeder
FEW_FOLDERS = 100  # without a line of their own: a share may have these, and one for each line
MAX_REFUSED = 1_000  # lines that are kept to show their names: nobody reads more


class Pack(NamedTuple):
    """A pack whose size is the sum of its members' sizes, all in one share."""

    line: PackLine
    members: tuple[FileLine, ...]  # in the order of their bytes
    share: str = ""  # its id


class ListedShare:
    """Owned by a ListCopy."""

    def __init__(
        self, id_: str, name: str, *, windows: bool, should_stop: Callable[[], bool] = go_on
    ) -> None:
        """Long work raises StoppedError once should_stop()."""
        self.id = id_
        self.name = name  # of the folder, from the wire
        self.is_originals = id_.startswith(ORIGINALS_PREFIX)
        self.files: dict[str, FileLine] = {}  # by path
        self.folders: dict[str, FolderLine] = {}
        self.refused: dict[str, str] = {}  # names to show, by line
        self.size = 0  # bytes of all files
        self.files_left = 0  # files that its seeder has yet to read
        self.torrent = b""  # the info hash of its torrent, if its seeder has made one
        self.serves_browsers = False  # its seeder does
        self.stamp = 0  # set by the ListCopy: a new number after each change
        self._windows = windows
        self._should_stop = should_stop
        # For each folder, with or without a line of its own: how many lines are directly in it,
        # counting its own.
        self._inside: dict[str, int] = {}
        self._pack_lines: dict[str, PackLine] = {}  # by the path of the first member
        # Computed when they are asked for; None after a change.
        self._packs: tuple[Pack, ...] | None = None
        self._fingerprint: int | None = None
        self._roots: frozenset[bytes] | None = None

    @property
    def count(self) -> int:
        return len(self.files) + len(self.folders) + len(self._pack_lines) + len(self.refused)

    @property
    def implied(self) -> int:
        """The number of folders without a line of their own, beyond FEW_FOLDERS and one for each
        line.
        """
        return max(0, len(self._inside) - len(self.folders) - self.count - FEW_FOLDERS)

    def spare(self, lines: int, implied: int) -> int:
        """How many more lines it can take for sure, if it may have `lines`, and `implied` folders
        without a line besides. Each line leads through MAX_DEPTH folders at most.
        """
        if self.implied > implied:
            return 0
        return min(lines - self.count, 1 + (implied - self.implied) // MAX_DEPTH)

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing to offer, now or soon."""
        return not (self.files or self.folders or self.files_left)

    @property
    def roots(self) -> frozenset[bytes]:
        """The roots of its files and packs."""
        if self._roots is None:
            contents = [file.content for file in self.files.values()]
            packs = (line.content.root for line in self._pack_lines.values())
            self._roots = frozenset(content.root for content in contents if content).union(packs)
        return self._roots

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder, with or without a line of its own."""
        return path in self._inside

    def below(self, path: str) -> tuple[list[FileLine], list[FolderLine]]:
        """This folder, and the files and folders below it; everything for ""."""
        if not path:
            return list(self.files.values()), list(self.folders.values())
        inside = path + "/"
        files = [line for name, line in self.files.items() if name.startswith(inside)]
        folders = [
            line for name, line in self.folders.items() if name == path or name.startswith(inside)
        ]
        return files, folders

    def add(self, text: str) -> str | None:
        """Take a line. Returns the path of the file that is new or changed, if it is one."""
        try:
            line = decode_line(text)
            if isinstance(line, FileLine):  # as nearly all are
                self._check_file(line)
            elif isinstance(line, FolderLine):
                self._check_path(line.path, is_folder=True)
        except PeerProtocolError:
            if len(self.refused) < MAX_REFUSED:
                self.refused[text] = _name_in(text)
            return None
        self._packs = self._fingerprint = self._roots = None
        if isinstance(line, FileLine):
            path = line.path
            known = self.files.get(path)
            if known is None:
                self._enter(path)
            self.size += line.size - (known.size if known is not None else 0)
            self.files[path] = line
            return path
        match line:
            case FolderLine(path):
                if path not in self.folders:
                    self._enter(path + "/")
                self.folders[path] = line
            case PackLine(first=first):
                self._pack_lines[first] = line
            case ReadingLine(files_left):
                self.files_left = files_left
            case TorrentLine(info_hash):
                self.torrent = info_hash
            case WebLine():
                self.serves_browsers = True
            case None:
                pass
        return None

    def remove(self, text: str) -> str | None:
        """Forget a line. Returns the path of the file that is gone, if it was one.

        A line that has been replaced changes nothing: the new one may come before the removal.
        """
        if self.refused.pop(text, None) is not None:
            return None
        try:
            line = decode_line(text)
        except PeerProtocolError:
            return None
        self._packs = self._fingerprint = self._roots = None
        match line:
            case FileLine(path, size) if self.files.get(path) == line:
                del self.files[path]
                self.size -= size
                self._leave(path)
                return path
            case FolderLine(path) if self.folders.get(path) == line:
                del self.folders[path]
                self._leave(path + "/")
            case PackLine(_, first) if self._pack_lines.get(first) == line:
                del self._pack_lines[first]
            case ReadingLine(files_left) if files_left == self.files_left:
                self.files_left = 0
            case TorrentLine(info_hash) if info_hash == self.torrent:
                self.torrent = b""
            case WebLine():
                self.serves_browsers = False
            case _:
                pass
        return None

    def fingerprint(self) -> int:
        """Equal for two shares with the same files and folders, whatever their times and order: a
        copy of a folder brings nothing new. Shares that are still being read differ.
        """
        if self._fingerprint is None:
            files = (
                hash((file.path, file.content, file.is_executable))
                for file in until_stopped(self.files.values(), self._should_stop)
            )
            self._fingerprint = sum(files) + sum(map(hash, self.folders))
        return hash((self._fingerprint, self.files_left))

    def packs(self) -> tuple[Pack, ...]:
        """The packs that are right; no two have a member in common."""
        if self._packs is None:
            self._packs = tuple(self._found_packs()) if self._pack_lines else ()
        return self._packs

    def _found_packs(self) -> Iterator[Pack]:
        """Prefix sums make each check cheap, whatever the lines claim."""
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
        """Count a new line with this path, which ends with "/" for a folder."""
        inside = self._inside
        while "/" in path:
            path = path.rpartition("/")[0]
            known = inside.get(path, 0)
            inside[path] = known + 1
            if known:
                break

    def _leave(self, path: str) -> None:
        """Undo _enter()."""
        inside = self._inside
        while "/" in path:
            path = path.rpartition("/")[0]
            if inside[path] > 1:
                inside[path] -= 1
                break
            del inside[path]

    def _check_file(self, line: FileLine) -> None:
        """Raises PeerProtocolError if this share cannot have it or this system cannot store it."""
        if (line.content is None) is not self.is_originals:
            raise PeerProtocolError("a file of a kind that its seeder does not have")
        if self.is_originals or self._windows:
            self._check_path(line.path, is_folder=False)

    def _check_path(self, path: str, *, is_folder: bool) -> None:
        if self.is_originals and (is_folder or "/" in path):
            raise UnsafeNameError("an original seeder has no folders")
        if self._windows:
            safe_path(path, windows=True)


def _name_in(text: str) -> str:
    """The name to show for a refused line: its path, if it has one."""
    with suppress(PeerProtocolError):
        match strict_json.loads(text.encode(errors="replace"), most=MAX_LINE):
            case [str(), str(path), *_]:
                return shown_name(path)
            case _:
                pass
    return shown_name(text)
