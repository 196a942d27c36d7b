"""The rows of the list: shares, the folders that are open, files and problems. No widgets.

A row belongs to what was asked for: a file, a folder, or the folder that brings the file. Of
100,000 files only those in open folders have a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from itertools import islice

from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FileArriving,
    FileEnded,
    ListedFile,
    ListedFolder,
)
from roles.values.folder_keys import FolderKey
from ui import wording
from ui.window.file_list import CHILDREN_AT_ONCE, is_folder
from ui.window.folder_parts import Part
from ui.window.leecher_model import HAD, LeecherModel

STARTS_OPEN = 200  # files of a share that is open without a click
PROBLEMS_START_OPEN = 20

_OVER = (*HAD, DownloadState.CANCELLED)


class Shown(Enum):
    """Which rows the list has."""

    ALL = "all"
    DOWNLOADING = "downloading"  # what has been asked for and has not ended
    PROBLEMS = "problems"  # what needs the user


class NodeKind(IntEnum):
    """What a row stands for; the rows below one row are sorted by this."""

    PROBLEMS = 0  # of the folder above it
    FOLDER = 1
    FILE = 2
    PROBLEM = 3  # one file that failed
    MORE = 4  # says how many rows are not shown


@dataclass(frozen=True, slots=True)
class Node:
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

    @property
    def is_listed(self) -> bool:
        """Whether it is a file or folder."""
        return self.kind in (NodeKind.FILE, NodeKind.FOLDER)

    @property
    def opens(self) -> bool:
        """Whether there may be rows below it."""
        return self.kind in (NodeKind.FOLDER, NodeKind.PROBLEMS)


@dataclass(frozen=True, slots=True)
class ListRow:
    node: Node
    download: DownloadChanged | None = None
    is_open: bool = False
    problems: int = 0  # how many files of a folder failed
    senders: int | None = None  # of a part of a folder; None: as many as its download has
    place: int = 0  # in the queue, or among the files of its folder; 0 for none


class ListRows:
    """Filled again when a list comes, or a folder is opened or closed.

    Remembers which folders the user opened and closed.
    """

    def __init__(self, model: LeecherModel) -> None:
        self._model = model
        self._nodes: dict[str, Node] = {}
        self._wished: dict[str, bool] = {}  # open or closed by the user
        self._asked = set[str]()  # what has a row
        self._changed_by: dict[str, list[str]] = {}  # the rows that a download or file changes
        self._below: dict[str, list[str]] = {}  # the rows below the folder that is asked for
        self._others = set[str]()  # downloads whose row is not in the list
        self._problems: dict[str, int] = {}  # how many files of each download failed
        self._shown = Shown.ALL
        self._chosen = set[str]()  # the downloads that are shown, unless all are

    def fill(self, wanted: str = "", shown: Shown = Shown.ALL) -> dict[str, ListRow]:
        """All rows by key; with `wanted`, only the files with this text in their names."""
        self._shown, self._chosen = shown, set()
        self._nodes, self._changed_by, self._below = {}, {}, {}
        self._asked.clear()
        self._others.clear()
        self._problems = {name: len(failed) for name, failed in self._model.problems.items()}
        match shown:
            case Shown.DOWNLOADING:
                self._add_under_way(wanted)
            case Shown.PROBLEMS:
                self._add_all_problems(wanted)
            case _ if wanted:
                self._add_matching(wanted)
            case _:
                self._add_all()
        return {key: self.row(key) for key in self._nodes}

    def row(self, key: str) -> ListRow:
        row = self._row(key)
        place = self._place(row.node)
        return replace(row, place=place) if place else row

    def _place(self, node: Node) -> int:
        if not node.is_listed:
            return 0
        own = self._model.place_of(node.asked)
        if own or not self._model.first:
            return own
        above = self._running_above(node)
        return self._model.rank_of(above, _path_in(node)) if above else 0

    def _row(self, key: str) -> ListRow:
        model, node = self._model, self._nodes[key]
        is_open = self.is_open(node)
        if node.kind is NodeKind.PROBLEM:
            failed = model.problems.get(node.asked, {}).get(node.path)
            return ListRow(node, None if failed is None else download_of(failed))
        if not node.is_listed:
            return ListRow(node, is_open=is_open)
        download = model.downloads.get(node.asked)
        if download is None and node.kind is NodeKind.FILE and node.path in model.ended:
            download = download_of(model.ended[node.path])
        if download is None and node.kind is NodeKind.FOLDER:
            download = self._had_with_share(node)
        if download is None or (download.state.is_final and self._running_above(node)):
            part = None if node.path in model.ended else self._part(node)
            if part is not None:
                return replace(part, is_open=is_open)
        return ListRow(node, download, is_open, len(model.problems.get(node.asked, ())))

    def node(self, key: str) -> Node | None:
        return self._nodes.get(key)

    # What changes which rows

    def changed_by(self, name: str) -> list[str]:
        """The rows that show something of this download, or of the file with this path."""
        return self._changed_by.get(name, [])

    def below(self, name: str) -> list[str]:
        """The rows of all that this download brings."""
        return self._below.get(name, [])

    def are_other(self, name: str) -> bool:
        """Whether a row for this download is missing, no longer needed, or a problem is new."""
        has_news = len(self._model.problems.get(name, ())) != self._problems.get(name, 0)
        if self._shown is not Shown.ALL:
            return has_news or self._is_chosen(name) != (name in self._chosen)
        state = self._model.state_of(name)
        is_over = state is not None and state.is_final and name in self._others
        return name not in self._asked or is_over or has_news

    def _is_chosen(self, name: str) -> bool:
        if self._shown is Shown.PROBLEMS:
            return bool(self._model.problems_of(name))
        state = self._model.state_of(name)
        return state is not None and not state.is_final

    # Opening and closing

    def is_open(self, node: Node) -> bool:
        few = PROBLEMS_START_OPEN if node.kind is NodeKind.PROBLEMS else STARTS_OPEN
        starts_open = node.files <= few and (node.kind is NodeKind.PROBLEMS or not node.path)
        return self._wished.get(node.key, starts_open)

    def toggle(self, node: Node) -> None:
        """Open or close it, from the next fill() on."""
        self._wished[node.key] = not self.is_open(node)

    # What selected rows mean

    def to_ask(self, keys: Iterable[str]) -> list[str]:
        """What to ask a leecher for to get these rows: nothing twice, and nothing that comes
        anyway.
        """
        chosen, asked = set(keys), dict[str, None]()
        for key in [key for key in self._nodes if key in chosen]:
            node = self._nodes[key]
            is_new = node.asked and not any(above.key in chosen for above in self._above(node))
            if is_new and not self._bringing(node, but_itself=True):
                asked[node.asked] = None
        return list(asked)

    def downloads(self, keys: Iterable[str]) -> list[str]:
        """The downloads that bring these rows."""
        bringing = (self._bringing(self._nodes[key]) for key in keys if key in self._nodes)
        return [name for name in dict.fromkeys(bringing) if name]

    def movable(self, key: str) -> tuple[str, str] | None:
        """What is moved with this row: a download ("", its name), or a part of one (its name, the
        path in it). None if it does not wait for anything.
        """
        node = self._nodes.get(key)
        if node is None or not node.is_listed:
            return None
        if self._model.place_of(node.asked):
            return "", node.asked
        above = self._running_above(node)
        return (above, _path_in(node)) if above and node.path not in self._model.ended else None

    def beside(self, key: str) -> list[str]:
        """The rows of the same folder that can be moved, in the order of the list."""
        moved = self.movable(key)
        if moved is None:
            return []
        parent = self._nodes[key].parent
        there = (other for other, node in self._nodes.items() if node.parent == parent)
        return [one for one in there if (at := self.movable(one)) and at[0] == moved[0]]

    def brought_by(self, key: str) -> tuple[str, str]:
        """The download that has brought this row, and the path of the row in it: of a folder with
        a "/" at its end, and "" for all of it. ("", "") if nothing has.
        """
        node = self._nodes.get(key)
        if node is None or not node.is_listed:
            return "", ""
        for above in (node, *self._above(node)):
            if self._model.state_of(above.asked) in HAD:
                if above.asked == node.asked:
                    return node.asked, ""
                return above.asked, _path_in(node)
        return "", ""

    def _above(self, node: Node) -> Iterator[Node]:
        while node.parent in self._nodes:
            node = self._nodes[node.parent]
            yield node

    def _bringing(self, node: Node, *, but_itself: bool = False) -> str:
        """The download that brings it; "" if there is none."""
        model = self._model
        if not node.asked or (but_itself and node.path in model.ended):
            return ""
        own = "" if but_itself else node.asked
        state = model.state_of(own)
        if state is not None and not state.is_final:
            return own
        return self._running_above(node) or (own if state is not None else "")

    def _part(self, node: Node) -> ListRow | None:
        """What the row shows of a folder's download that is bringing it, or has brought it."""
        parts, whole = self._model.parts, self._model.downloads.get(self._running_above(node))
        is_paused = whole is not None and whole.state is DownloadState.PAUSED
        if node.kind is NodeKind.FILE:
            if whole is None:
                return None
            file = parts.file(whole.name, node.path) or FileArriving(node.path, 0)
            is_moving = (file.senders > 0 or file.rate >= 1) and not is_paused
            state = DownloadState.DOWNLOADING if is_moving else DownloadState.QUEUED
            part = Part(file.have, rate=file.rate, senders=file.senders)
        else:
            part, state = parts.folder(node.share, node.path), DownloadState.DOWNLOADING
            if part.ended and part.ended >= node.files:
                state = DownloadState.FAILED if part.failed else DownloadState.DONE
            elif whole is None or not (part.ended or part.have or part.senders):
                return None
        if is_paused and not state.is_final:
            state = DownloadState.PAUSED
        shown = _part_of(node, state, part)
        return ListRow(node, shown, problems=part.failed, senders=part.senders)

    def _running_above(self, node: Node) -> str:
        """The download of a folder above that has not ended; "" if there is none."""
        for above in self._above(node):
            state = self._model.state_of(above.asked)
            if above.asked != node.asked and state is not None and not state.is_final:
                return above.asked
        return ""

    def _had_with_share(self, node: Node) -> DownloadChanged | None:
        """What a folder shows that was downloaded whole with its share."""
        whole = self._model.downloads.get(str(FolderKey(node.share)))
        if whole is None or whole.state not in HAD:
            return None
        return replace(whole, name=node.asked, size=node.size, have=node.size, rate=0.0)

    # Filling

    def _add(self, node: Node) -> None:
        self._nodes[node.key] = node
        if not node.is_listed:
            return
        self._asked.add(node.asked)
        names = {node.asked}
        if node.kind is NodeKind.FILE:
            names.add(node.path)
        elif node.path:
            names.add(str(FolderKey(node.share)))
        for above in self._above(node):
            if node.kind is NodeKind.FOLDER:
                names.add(above.asked)
            self._below.setdefault(above.asked, []).append(node.key)
        for name in names:
            self._changed_by.setdefault(name, []).append(node.key)

    def _add_all(self) -> None:
        contents = self._model.list
        for folder in contents.folders:
            self._add_folder(_share(folder))
        for file in contents.flat:
            self._add(_file(file, has_sign=bool(contents.folders)))
        for name, download in self._model.downloads.items():
            is_over = download.state in _OVER and contents.has(name)
            if name not in self._asked and not is_over:
                self._add_other(download)

    def _add_other(self, download: DownloadChanged) -> Node:
        """Add a download without a row: not listed, or in a closed folder."""
        name = download.title or self._model.list.name_of(download.name) or download.name
        node = Node(
            download.name,
            NodeKind.FILE,
            _with_slash(name) if is_folder(download.name) else name,
            asked=download.name,
            size=download.size,
            path=download.name,
            has_sign=bool(self._model.list.folders),
        )
        self._add(node)
        self._others.add(download.name)
        if self._shown is not Shown.PROBLEMS:
            self._add_problems(node)
        return node

    def _add_under_way(self, wanted: str) -> None:
        """What has not ended, as a tree; with `wanted`, what of it has this text in its name."""
        shares = {folder.key: folder for folder in self._model.list.folders}
        text = wanted.casefold()
        for name in filter(self._is_chosen, self._model.downloads):
            self._chosen.add(name)
            below = self._model.list.below(name) if wanted else []
            found = [file for file in below if text in file.key.casefold()]
            if found:
                for file in found[:CHILDREN_AT_ONCE]:
                    self._add(_file(file, has_sign=False))
            elif text not in describe(self._model, name).casefold():
                continue
            elif name in shares:
                self._add_folder(_share(shares[name]))
            else:
                self._add_other(self._model.downloads[name])
        self._say_nothing("Nothing is downloading.", wanted)

    def _add_all_problems(self, wanted: str) -> None:
        """What failed, file by file below its download."""
        text = wanted.casefold()
        for name in filter(self._is_chosen, self._model.downloads):
            self._chosen.add(name)
            failed = self._model.problems.get(name, {})
            found = [one for one in failed.values() if text in one.name.casefold()]
            if found or text in describe(self._model, name).casefold():
                node = self._add_other(self._model.downloads[name])
                self._add_failed(found, node)
        self._say_nothing("No problems.", wanted)

    def _say_nothing(self, sentence: str, wanted: str) -> None:
        if not self._nodes:
            said = f"No file has “{wanted}” in its name." if wanted else sentence
            self._add(Node("nothing", NodeKind.MORE, said, has_sign=False))

    def _add_matching(self, wanted: str) -> None:
        found = self._model.list.matching(wanted)
        for file in islice(found, CHILDREN_AT_ONCE):
            self._add(_file(file, has_sign=False))
        rest = sum(1 for _ in found)
        above = Node("", NodeKind.FOLDER, "", depth=-1, has_sign=False)
        self._add_more(above, rest, "type more of the name")
        self._say_nothing("", wanted)

    def _add_folder(self, node: Node) -> None:
        self._add(node)
        self._add_problems(node)
        if not self.is_open(node):
            return
        found, rest = self._model.list.shares[node.share].in_folder(node.path)
        for one in found:
            if isinstance(one, ListedFile):
                self._add(_file_in(node, one))
                continue
            path, files, size = one
            key = str(FolderKey(node.share, path))
            self._add_folder(
                replace(
                    node,
                    key=key,
                    name=path.rpartition("/")[2],
                    asked=key,
                    size=size,
                    files=files,
                    parent=node.key,
                    depth=node.depth + 1,
                    path=path,
                )
            )
        self._add_more(node, rest, "download the folder, or find them by name")

    def _add_problems(self, node: Node) -> None:
        """Add the files that failed, below the row of their download."""
        failed = self._model.problems.get(node.asked)
        if not failed:
            return
        group = Node(
            f"problems:{node.key}",
            NodeKind.PROBLEMS,
            f"Problems ({len(failed):,})",
            asked=node.asked,
            files=len(failed),
            parent=node.key,
            depth=node.depth + 1,
        )
        self._add(group)
        if self.is_open(group):
            self._add_failed(list(failed.values()), group)

    def _add_failed(self, failed: Sequence[FileEnded], above: Node) -> None:
        depth = above.depth + 1
        below = Node("", NodeKind.PROBLEM, "", above.asked, parent=above.key, depth=depth)
        for ended in failed[:CHILDREN_AT_ONCE]:
            key = f"problem:{above.asked}\0{ended.name}"
            self._add(replace(below, key=key, name=ended.name, size=ended.size, path=ended.name))
        self._add_more(above, len(failed) - CHILDREN_AT_ONCE, "the others are in the log")

    def _add_more(self, node: Node, rest: int, advice: str) -> None:
        if rest > 0:
            name = f"… and {rest:,} more: {advice}"
            key, depth = f"more:{node.key}", node.depth + 1
            more = Node(key, NodeKind.MORE, name, parent=node.key, depth=depth)
            self._add(replace(more, has_sign=node.has_sign))


def download_of(ended: FileEnded) -> DownloadChanged:
    """A file that came with a folder, as if it were a download of its own."""
    return DownloadChanged(
        name=ended.name,
        state=ended.state,
        size=ended.size,
        have=0 if ended.state is DownloadState.FAILED else ended.size,
        rate=0.0,
        seconds_left=None,
        sources=(),
        failure=ended.failure,
        saved_as=ended.saved_as,
    )


def _part_of(node: Node, state: DownloadState, part: Part) -> DownloadChanged:
    """A part of a folder's download, as if it were a download of its own."""
    return DownloadChanged(
        name=node.asked,
        state=state,
        size=node.size,
        have=part.have,
        rate=part.rate,
        seconds_left=(node.size - part.have) / part.rate if part.rate >= 1 else None,
        sources=(),
        files=node.files,
        files_ended=part.ended,
    )


def describe(model: LeecherModel, name: str) -> str:
    """What to call this download in a sentence."""
    download = model.downloads.get(name)
    title = download.title if download is not None else ""
    folder = model.list.name_of(name)
    called = title or folder or name
    return wording.short_name(_with_slash(called) if folder else called)


def _with_slash(name: str) -> str:
    return name if name.endswith("/") else f"{name}/"


def _path_in(node: Node) -> str:
    """Its path in its share, a folder's with a "/" at its end."""
    return f"{node.path}/" if node.kind is NodeKind.FOLDER else node.path


def _share(folder: ListedFolder) -> Node:
    key = folder.key
    return Node(
        key,
        NodeKind.FOLDER,
        folder.name,
        asked=key,
        size=folder.size,
        files=folder.files,
        share=folder.share,
    )


def _file(file: ListedFile, *, has_sign: bool) -> Node:
    key = file.key
    return Node(
        key, NodeKind.FILE, key, asked=key, size=file.size, path=file.name, has_sign=has_sign
    )


def _file_in(folder: Node, file: ListedFile) -> Node:
    """A file's row in this folder; if another folder has the same file, each has its own row."""
    node, is_first = _file(file, has_sign=True), file.share == folder.share
    return replace(
        node,
        key=node.key if is_first else f"{node.key}\0{folder.share}",
        name=node.name.rpartition("/")[2],
        parent=folder.key,
        depth=folder.depth + 1,
        share=folder.share,
    )
