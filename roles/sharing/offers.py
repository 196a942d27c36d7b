"""What a shared folder offers: its hashed files, and packs of them. The caller locks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from roles.disk.holding import Holding
from roles.sharing.folder_tree import TreeFile, TreeFolder
from roles.sharing.holdings import FileHolding, PackHolding
from roles.sharing.pack_plan import is_packed, pack_key
from roles.values.content import content_of
from roles.values.events import Skipped
from roles.values.list_lines import FolderLine, PackLine, encode_line, sort_key


@dataclass(frozen=True, slots=True)
class LibrarySnapshot:
    """The list of a share at one moment."""

    revision: int = 0  # grows with every change
    lines: tuple[str, ...] = ()  # of the list, sorted
    file_count: int = 0
    size: int = 0  # bytes of all files
    problem: str = ""  # a sentence, if the folder cannot be offered
    skipped: tuple[Skipped, ...] = ()
    is_whole: bool = False  # all files have been hashed


class Offers:
    """The offered files by path, and the packs that can be made of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = dict[str, FileHolding]()
        self.folders = tuple[TreeFolder, ...]()
        self.plan = tuple[
            tuple[str, ...], ...
        ]()  # the paths of each pack's members; see set_plan()
        self._planned = set[str]()  # all of these paths
        self.packed = dict[bytes, bytes]()  # digests of packs, by pack_plan.pack_key()

    def set_plan(self, plan: Iterable[tuple[str, ...]]) -> None:
        """Offer these packs as soon as their members and digests are known."""
        self.plan = tuple(plan)
        self._planned = {path for paths in self.plan for path in paths}

    def offer(self, file: TreeFile, digests: bytes) -> None:
        """Offer this file.

        Readers find a pack's members by counting the offered small files, so a small file that is
        not in the plan breaks the pack in which it would lie.
        """
        if is_packed(file.size) and file.path not in self._planned:
            key = sort_key(file.path)
            self.plan = tuple(
                paths for paths in self.plan if not sort_key(paths[0]) < key < sort_key(paths[-1])
            )
        content = content_of(file.size, digests)
        self.files[file.path] = FileHolding(self._folder, file, content, digests)

    def drop(self, root: bytes) -> tuple[set[str], set[bytes]]:
        """Withdraw this content. Returns the paths of its files and the keys of its packs."""
        paths = {path for path, held in self.files.items() if held.content.root == root}
        keys = {key for key, pack in self._packs() if pack.content.root == root}
        for path in paths:
            del self.files[path]
        for key in keys:
            del self.packed[key]
        return paths, keys

    def key_of(self, paths: Sequence[str]) -> bytes | None:
        """The pack_key() of these files; None if one of them is not offered."""
        members = [self.files.get(path) for path in paths]
        if any(member is None for member in members):
            return None
        return pack_key(member.content.root for member in members if member is not None)

    def held(self) -> dict[bytes, Holding]:
        """All that can be uploaded, by root."""
        held = dict[bytes, Holding]()
        for _, pack in self._packs():
            held[pack.content.root] = pack
        for file in self.files.values():
            held[file.content.root] = file
        return held

    def lines(self) -> tuple[str, ...]:
        """The lines of the share's list, sorted."""
        lines = [file.line for file in self.files.values()]
        lines += [encode_line(FolderLine(folder.path, folder.mtime)) for folder in self.folders]
        for _, pack in self._packs():
            line = PackLine(pack.content, pack.members[0].path, len(pack.members))
            lines.append(encode_line(line))
        return tuple(sorted(lines))

    def _packs(self) -> Iterator[tuple[bytes, PackHolding]]:
        for paths in self.plan:
            key = self.key_of(paths)
            if key is not None and key in self.packed:
                members = [self.files[path].file for path in paths]
                digests = self.packed[key]
                content = content_of(sum(member.size for member in members), digests)
                yield key, PackHolding(self._folder, members, content, digests)
