"""The tracker's list as a tree: shares, their folders, their files; and which rows are visible.

Pure: lists in, rows out. Of 100,000 files it touches only those in open folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import islice

from roles.values.events import FileEnded, ListedFile
from roles.values.folder_keys import FolderKey
from ui.window.list_contents import CHILDREN_AT_ONCE, ListContents, SharedFiles

STARTS_OPEN = 200  # files of a share that is open without a click
PROBLEMS_START_OPEN = 20


class NodeKind(IntEnum):
    """What a row stands for; the rows below one row are sorted by this."""

    PROBLEMS = 0  # of the folder above it
    FOLDER = 1
    FILE = 2
    PROBLEM = 3  # one file that failed
    MORE = 4  # says how many rows are not shown


@dataclass(frozen=True, slots=True)
class Node:
    """One row."""

    key: str  # identifies the row
    kind: NodeKind
    name: str  # from the wire, or a sentence where it is our own
    asked: str = ""  # what a leecher is asked for; "" for nothing
    size: int = 0
    files: int = 1
    parent: str = ""  # the key of the row above it in the tree
    depth: int = 0
    path: str = ""  # of a file, or of a folder in a share
    share: str = ""
    has_sign: bool = True  # its name is aligned with those of folders, right of their signs


class ListTree:
    """Remembers which folders the user opened and closed, also when a newer list comes."""

    def __init__(self) -> None:
        self._now = ListContents((), ())
        self._wished: dict[str, bool] = {}
        self.version = 0  # changes with each list

    def take(self, contents: ListContents) -> None:
        """Use this list from now on."""
        self._now = contents
        self.version += 1

    @property
    def has_folders(self) -> bool:
        """Whether there is anything to open."""
        return bool(self._now.folders)

    @property
    def all_asked(self) -> list[str]:
        """What to ask a leecher for to get everything."""
        return [folder.key for folder in self._now.folders] + [file.key for file in self._now.flat]

    def knows_folder(self, asked: str) -> bool:
        """Whether the list has a folder that is asked for by this."""
        key = FolderKey.of(asked)
        if key is None or not key.path:
            return any(folder.key == asked for folder in self._now.folders)
        return any(share.has(key.path) for share in self._shares_of(key))

    def below(self, asked: str) -> list[ListedFile]:
        """The files of a folder that is asked for by this."""
        key = FolderKey.of(asked)
        if key is None:
            return []
        return [file for share in self._shares_of(key) for file in share.below(key.path)]

    def name_of(self, asked: str) -> str:
        """The name of the folder that is asked for by this; "" if it is no folder."""
        key = FolderKey.of(asked)
        if key is not None and key.path:
            return key.path
        return next((folder.name for folder in self._now.folders if folder.key == asked), "")

    def _shares_of(self, key: FolderKey) -> list[SharedFiles]:
        """The shares that this key asks for."""
        shares = self._now.shares
        if not key.share:
            return list(shares.values())
        return [shares[key.share]] if key.share in shares else []

    # Opening and closing

    def is_open(self, node: Node) -> bool:
        """Whether the rows below it are visible."""
        few = PROBLEMS_START_OPEN if node.kind is NodeKind.PROBLEMS else STARTS_OPEN
        starts_open = node.files <= few and (node.kind is NodeKind.PROBLEMS or not node.path)
        return self._wished.get(node.key, starts_open)

    def set_open(self, node: Node, *, is_open: bool) -> None:
        self._wished[node.key] = is_open

    # Rows

    def nodes(self, problems: Mapping[str, Sequence[FileEnded]]) -> Iterator[Node]:
        """All visible rows; `problems` has the failed files, by what was asked for."""
        for folder in self._now.folders:
            yield from self._folder(
                Node(
                    folder.key,
                    NodeKind.FOLDER,
                    folder.name,
                    asked=folder.key,
                    size=folder.size,
                    files=folder.files,
                    share=folder.share,
                ),
                problems,
            )
        for file in self._now.flat:
            yield _file_node(file, has_sign=self.has_folders)

    def problem_nodes(self, node: Node, failed: Sequence[FileEnded]) -> Iterator[Node]:
        """What failed in the folder of this row."""
        if not failed:
            return
        depth = node.depth + 1
        group = Node(
            f"problems:{node.key}",
            NodeKind.PROBLEMS,
            f"Problems ({len(failed):,})",
            asked=node.asked,
            files=len(failed),
            parent=node.key,
            depth=depth,
        )
        yield group
        if not self.is_open(group):
            return
        below = Node("", NodeKind.PROBLEM, "", node.asked, parent=group.key, depth=depth + 1)
        for ended in failed[:CHILDREN_AT_ONCE]:
            key = f"{group.key}\0{ended.name}"
            yield replace(below, key=key, name=ended.name, size=ended.size, path=ended.name)
        yield from _more(group, len(failed) - CHILDREN_AT_ONCE, "the others are in the log")

    def matching(self, text: str) -> Iterator[Node]:
        """The files with this text in their path, whatever is open."""
        found = self._now.matching(text)
        yield from (_file_node(file, has_sign=False) for file in islice(found, CHILDREN_AT_ONCE))
        rest = sum(1 for _ in found)
        yield from _more(
            Node("", NodeKind.FOLDER, "", depth=-1, has_sign=False), rest, "type more of the name"
        )

    def _folder(self, node: Node, problems: Mapping[str, Sequence[FileEnded]]) -> Iterator[Node]:
        yield node
        yield from self.problem_nodes(node, problems.get(node.asked, ()))
        if not self.is_open(node):
            return
        found, rest = self._now.shares[node.share].in_folder(node.path)
        depth = node.depth + 1
        for one in found:
            if isinstance(one, ListedFile):
                yield _file_in(node, one)
                continue
            path, files, size = one
            asked = str(FolderKey(node.share, path))
            below = Node(
                asked,
                NodeKind.FOLDER,
                path.rpartition("/")[2],
                asked=asked,
                size=size,
                files=files,
                parent=node.key,
                depth=depth,
                path=path,
                share=node.share,
            )
            yield from self._folder(below, problems)
        yield from _more(node, rest, "download the folder, or find them by name")


def is_folder(asked: str) -> bool:
    """Whether this asks for a folder; no file can have such a name."""
    return FolderKey.of(asked) is not None


def _file_node(file: ListedFile, *, has_sign: bool) -> Node:
    key = file.key
    return Node(
        key, NodeKind.FILE, key, asked=key, size=file.size, path=file.name, has_sign=has_sign
    )


def _file_in(folder: Node, file: ListedFile) -> Node:
    """A file's row in this folder; if another folder has the same file, each has its own row."""
    node, is_first = _file_node(file, has_sign=True), file.share == folder.share
    return replace(
        node,
        key=node.key if is_first else f"{node.key}\0{folder.share}",
        name=node.name.rpartition("/")[2],
        parent=folder.key,
        depth=folder.depth + 1,
        share=folder.share,
    )


def _more(node: Node, rest: int, advice: str) -> Iterator[Node]:
    if rest > 0:
        yield Node(
            f"more:{node.key}",
            NodeKind.MORE,
            f"… and {rest:,} more: {advice}",
            parent=node.key,
            depth=node.depth + 1,
            has_sign=node.has_sign,
        )
