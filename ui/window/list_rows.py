"""The rows of the list: shares, the folders that are open, files and problems. No widgets.

A row belongs to what was asked for: a file, a folder, or the folder that brings the file. Each row
has a key; its contents are made only when somebody asks for them, because 100,000 files may be in
open folders.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from functools import lru_cache
from itertools import islice
from typing import Literal, TypeAlias

from roles.values.events import DownloadChanged, DownloadState, FileArriving, FileEnded
from roles.values.folder_keys import FolderKey
from ui import wording
from ui.columns import SortKey
from ui.window.file_list import is_folder
from ui.window.folder_parts import Part
from ui.window.leecher_model import HAD, LeecherModel

STARTS_OPEN = 200  # files of a share that is open without a click
PROBLEMS_START_OPEN = 20
PROBLEMS_AT_ONCE = 500  # rows; the others are in the log

_OVER = (*HAD, DownloadState.CANCELLED)
NO_PLACE = 9_999_999  # in the queue: behind all others


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


SortBy: TypeAlias = Literal["name", "size", "queue"] | Callable[[ListRow], SortKey]


class ListRows:
    """Filled again when a list comes, or a folder is opened or closed.

    Remembers which folders the user opened and closed.
    """

    def __init__(self, model: LeecherModel) -> None:
        self._model = model
        self._wished: dict[str, bool] = {}  # open or closed by the user
        self._order = list[str]()  # the keys of all rows
        self._nodes: dict[str, Node] = {}  # those that were asked for
        self._others = set[str]()  # downloads whose row is not in the list
        self._problems: dict[str, int] = {}  # how many files of each download failed
        self._shown = Shown.ALL
        self._chosen = set[str]()  # the downloads that are shown, unless all are
        self._failed: dict[str, list[FileEnded]] = {}  # to be shown below each of these
        self._flat = set[str]()  # files that stand without their folders
        self._by: SortBy = "name"
        self._is_falling = False

    def fill(
        self,
        wanted: str = "",
        shown: Shown = Shown.ALL,
        by: SortBy = "name",
        *,
        is_falling: bool = False,
    ) -> Sequence[str]:
        """The keys of all rows from the top down; with `wanted`, only of the files with this text
        in their names.
        """
        self._order, self._nodes = [], {}
        self._shown, self._by, self._is_falling = shown, by, is_falling
        for names in (self._others, self._chosen, self._flat, self._failed):
            names.clear()
        self._problems = {name: len(failed) for name, failed in self._model.problems.items()}
        match shown:
            case Shown.DOWNLOADING:
                self._add_under_way(wanted)
            case Shown.PROBLEMS:
                self._add_all_problems(wanted)
            case _ if wanted:
                found = self._model.list.matching(wanted)
                self._flat.update(found)
                self._add_level([], found)
                self._say_nothing("", wanted)
            case _:
                self._add_all()
        return self._order

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
        model, node = self._model, self._node(key)
        is_open = self.is_open(node)
        if node.kind is NodeKind.PROBLEM:
            failed = model.problems.get(node.asked, {}).get(node.path)
            return ListRow(node, None if failed is None else download_of(failed))
        if not node.is_listed:
            return ListRow(node, is_open=is_open)
        download = model.downloads.get(node.asked)
        ended = model.ended_in(node.share, node.path) if node.kind is NodeKind.FILE else None
        if download is None and ended is not None:
            download = download_of(ended)
        if download is None and node.kind is NodeKind.FOLDER:
            download = self._had_with_share(node)
        if download is None or (download.state.is_final and self._running_above(node)):
            part = None if ended is not None else self._part(node)
            if part is not None:
                return replace(part, is_open=is_open)
        return ListRow(node, download, is_open, len(model.problems.get(node.asked, ())))

    def node(self, key: str) -> Node | None:
        """None if there is nothing of this key in the list."""
        if key not in self._nodes:
            made = self._folder_node(key) or self._file_node(key)
            if made is None:
                return None
            self._nodes[key] = made
        return self._nodes[key]

    def _node(self, key: str) -> Node:
        node = self.node(key)
        if node is None:
            raise KeyError(key)
        return node

    def are_stale(self, name: str) -> bool:
        """Whether a row for this download is missing, no longer needed, or a problem is new."""
        if self._flat and self._shown is Shown.ALL:
            return False
        has_news = len(self._model.problems.get(name, ())) != self._problems.get(name, 0)
        if self._shown is not Shown.ALL:
            return has_news or self._is_chosen(name) != (name in self._chosen)
        state = self._model.state_of(name)
        is_over = state is not None and state.is_final and name in self._others
        return is_over or has_news or not (name in self._others or self._has_row(name))

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
        keys = list(keys)
        chosen, asked = set(keys), dict[str, None]()
        for key in keys:
            if self._parent_of(key) in chosen or (node := self.node(key)) is None:
                continue
            is_new = node.asked and not any(above.key in chosen for above in self._above(node))
            if is_new and not self._bringing(node, but_itself=True):
                asked[node.asked] = None
        return list(asked)

    def downloads(self, keys: Iterable[str]) -> list[str]:
        """The downloads that bring these rows."""
        found, brought_with = dict[str, None](), dict[str, str]()  # by the folder that a file is in
        for key in keys:
            parent = self._parent_of(key)
            if parent and self._model.state_of(key.partition("\0")[0]) is None:
                if parent not in brought_with:
                    node = self.node(key)
                    brought_with[parent] = self._bringing(node) if node is not None else ""
                found[brought_with[parent]] = None
            elif (node := self.node(key)) is not None:
                found[self._bringing(node)] = None
        return [name for name in found if name]

    def movable(self, key: str) -> tuple[str, str] | None:
        """What is moved with this row: a download ("", its name), or a part of one (its name, the
        path in it). None if it does not wait for anything.
        """
        node = self.node(key)
        if node is None or not node.is_listed:
            return None
        if self._model.place_of(node.asked):
            return "", node.asked
        above = self._running_above(node)
        if not above or self._model.ended_in(node.share, node.path) is not None:
            return None
        return above, _path_in(node)

    def are_beside(self, key: str, other: str) -> bool:
        """Whether both can be moved, and change places with each other."""
        moved, at = self.movable(key), self.movable(other)
        if moved is None or at is None or at[0] != moved[0]:
            return False
        return self._node(other).parent == self._node(key).parent

    def beside(self, key: str) -> list[str]:
        """The rows of the same folder that can be moved, in the order of the list."""
        if self.movable(key) is None:
            return []
        parent = self._node(key).parent
        there = (one for one in self._order if self.parent_key(one) == parent)
        return [one for one in there if self.are_beside(key, one)]

    def brought_by(self, key: str) -> tuple[str, str]:
        """The download that has brought this row, and the path of the row in it: of a folder with
        a "/" at its end, and "" for all of it. ("", "") if nothing has.
        """
        node = self.node(key)
        if node is None or not node.is_listed:
            return "", ""
        for above in (node, *self._above(node)):
            if self._model.state_of(above.asked) in HAD:
                if above.asked == node.asked:
                    return node.asked, ""
                return above.asked, _path_in(node)
        return "", ""

    def parent_key(self, key: str) -> str:
        """The key of the row that this one stands below; "" if there is none."""
        return self._parent_of(key) if key not in self._nodes else self._nodes[key].parent

    def _above(self, node: Node) -> Iterator[Node]:
        while node.parent and (above := self.node(node.parent)) is not None:
            node = above
            yield node

    def _bringing(self, node: Node, *, but_itself: bool = False) -> str:
        """The download that brings it; "" if there is none."""
        model = self._model
        if not node.asked or (but_itself and model.ended_in(node.share, node.path) is not None):
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
            state, part = DownloadState.PAUSED, replace(part, rate=0.0)
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

    # Nodes

    def _folder_node(self, key: str) -> Node | None:
        asked, contents = FolderKey.of(key), self._model.list
        if asked is None or asked.share not in contents.shares:
            return None
        files, size = contents.shares[asked.share].measure(asked.path)
        name, parent, depth = contents.name_of(key), "", 0
        if asked.path:
            above, _, name = asked.path.rpartition("/")
            parent, depth = _folder_key(asked.share, above), asked.path.count("/") + 1
        else:
            told = next(one for one in contents.folders if one.share == asked.share)
            files, size = told.files, told.size
        return Node(
            key, NodeKind.FOLDER, name, key, size, files, parent, depth, asked.path, asked.share
        )

    def _file_node(self, key: str) -> Node | None:
        """A file's row; if another folder has the same file, each has its own row."""
        name, _, share = key.partition("\0")
        file = self._model.list.files.get(name)
        if file is None:
            return None
        parent, is_alone = self._parent_of(key), key in self._flat
        return Node(
            key,
            NodeKind.FILE,
            name.rpartition("/")[2] if parent else name,
            name,
            file.size,
            parent=parent,
            depth=file.name.count("/") + 1 if parent else 0,
            path=file.name,
            share=share or file.share,
            has_sign=bool(parent or (self._model.list.folders and not is_alone)),
        )

    def _parent_of(self, key: str) -> str:
        """The key of the folder that a file's row is in; "" for a row of another kind."""
        name, _, share = key.partition("\0")
        file = self._model.list.files.get(name)
        if file is None or key in self._flat or key in self._others:
            return ""
        share = share or file.share
        if share not in self._model.list.shares:
            return ""
        return _folder_key(share, file.name.rpartition("/")[0])

    def _has_row(self, name: str) -> bool:
        """Whether a file or folder is listed, in a folder that is open."""
        contents, asked = self._model.list, FolderKey.of(name)
        if asked is not None:
            return contents.has(name) and bool(asked.share) and self._is_in_sight(name)
        file = contents.files.get(name)
        if file is None:
            return False
        shares = [one for one in (file.share, *file.also) if one in contents.shares]
        folder = file.name.rpartition("/")[0]
        above = (_folder_key(share, folder) for share in shares)
        return not shares or any(self._is_open_above(key) for key in above)

    def _is_in_sight(self, folder: str) -> bool:
        node = self.node(folder)
        return node is not None and (not node.parent or self._is_open_above(node.parent))

    def _is_open_above(self, folder: str) -> bool:
        """Whether this folder and those above it are open."""
        node = self.node(folder)
        return node is not None and all(map(self.is_open, (node, *self._above(node))))

    # Filling

    def _add(self, node: Node) -> None:
        """Add a row that cannot be made from its key."""
        self._nodes[node.key] = node
        self._order.append(node.key)

    def _add_all(self) -> None:
        contents, model = self._model.list, self._model
        others = [
            name
            for name, download in model.downloads.items()
            if not (download.state in _OVER and contents.has(name)) and not self._has_row(name)
        ]
        self._note_others(others)
        folders = [folder.key for folder in contents.folders]
        self._add_level(folders, [file.key for file in contents.flat] + others)

    def _note_others(self, names: Iterable[str]) -> None:
        """These downloads have rows of their own."""
        self._others |= set(names)
        self._nodes |= {name: self._other(self._model.downloads[name]) for name in names}

    def _other(self, download: DownloadChanged) -> Node:
        """A download without a row: not listed, or in a closed folder."""
        name = download.title or self._model.list.name_of(download.name) or download.name
        return Node(
            download.name,
            NodeKind.FILE,
            _with_slash(name) if is_folder(download.name) else name,
            asked=download.name,
            size=download.size,
            path=download.name,
            has_sign=bool(self._model.list.folders),
        )

    def _add_under_way(self, wanted: str) -> None:
        """What has not ended, as a tree; with `wanted`, what of it has this text in its name."""
        shares = {folder.key for folder in self._model.list.folders}
        text, folders, others = wanted.casefold(), list[str](), list[str]()
        for name in filter(self._is_chosen, self._model.downloads):
            self._chosen.add(name)
            below = self._model.list.below(name) if wanted else []
            found = [file.key for file in below if text in file.key.casefold()]
            if found:
                self._flat |= set(found)
            elif text in describe(self._model, name).casefold():
                (folders if name in shares else others).append(name)
        self._note_others(others)
        self._add_level(folders, [*self._flat, *others])
        self._say_nothing("Nothing is downloading.", wanted)

    def _add_all_problems(self, wanted: str) -> None:
        """What failed, file by file below its download."""
        text, others = wanted.casefold(), list[str]()
        for name in filter(self._is_chosen, self._model.downloads):
            self._chosen.add(name)
            failed = self._model.problems.get(name, {})
            found = [one for one in failed.values() if text in one.name.casefold()]
            if found or text in describe(self._model, name).casefold():
                others.append(name)
                self._failed[name] = found
        self._note_others(others)
        self._add_level([], others)
        self._say_nothing("No problems.", wanted)

    def _say_nothing(self, sentence: str, wanted: str) -> None:
        if not self._order:
            said = f"No file has “{wanted}” in its name." if wanted else sentence
            self._add(Node("nothing", NodeKind.MORE, said, has_sign=False))

    def _add_folder(self, key: str) -> None:
        node = self._node(key)
        self._order.append(key)
        self._add_problems(node)
        if not self.is_open(node):
            return
        inside = self._model.list.shares[node.share].inside(node.path)
        self._add_level(
            [_folder_key(node.share, path) for path in inside.folders],
            [
                file.key if file.share == node.share else f"{file.key}\0{node.share}"
                for file in inside.files
            ],
        )

    def _add_level(self, folders: list[str], files: list[str]) -> None:
        """What is in one folder: folders first, unless all are in the order of the queue."""
        are_folders = set(folders)
        for keys in [[*folders, *files]] if self._by == "queue" else [folders, files]:
            made = (are_folders | self._others).intersection(keys)
            self._sort(keys, made)
            if not made:
                self._order += keys
            for key in keys if made else ():
                if key in are_folders:
                    self._add_folder(key)
                else:
                    self._add_file(key)

    def _sort(self, keys: list[str], made: set[str]) -> None:
        """Sort by name, then by what is wanted. Fast for files of the list, of which there may be
        100,000: all but those that are `made` here anyway.
        """
        is_by_name, is_falling = self._by == "name", self._is_falling

        def name(key: str) -> str:
            plain = key.rpartition("/")[2] if self._by == "queue" else key
            return (self._node(key).name if key in made else plain).casefold()

        keys.sort(key=name if made else str.casefold, reverse=is_falling and is_by_name)
        if not is_by_name:
            keys.sort(key=self._sort_key(keys[:1], made), reverse=is_falling)

    def _sort_key(self, first: list[str], made: set[str]) -> Callable[[str], SortKey]:
        model, files = self._model, self._model.list.files

        def size(key: str) -> int:
            file = files.get(key) or files.get(key.partition("\0")[0])
            return self._node(key).size if file is None or key in made else file.size

        def place(key: str) -> int:
            is_plain = not model.first and key not in made
            own = model.place_of(key.partition("\0")[0]) if is_plain else 0
            return own or (0 if is_plain else self._place(self._node(key))) or NO_PLACE

        if self._by == "size":
            return size
        if self._by == "queue":
            return place
        assert not isinstance(self._by, str)
        return self._sort_keys_of_files(self._by, first)

    def _add_file(self, key: str) -> None:
        self._order.append(key)
        if key in self._failed:
            self._add_failed(self._failed[key], self._nodes[key])
        elif key in self._others:
            self._add_problems(self._nodes[key])

    def _sort_keys_of_files(
        self, by: Callable[[ListRow], SortKey], first: list[str]
    ) -> Callable[[str], SortKey]:
        """All files of a folder that are in one state sort alike; those on their way do not.
        `first` is one of the files.
        """
        model, files = self._model, self._model.list.files
        are_mixed = self._flat or self._others
        of_all = "" if are_mixed else next(map(self._parent_of, first), "")
        running: dict[str, str] = {}  # by folder
        known: dict[tuple[str, DownloadState | None], SortKey] = {}

        def sort_key(key: str) -> SortKey:
            name, _, share = key.partition("\0")
            if name in model.downloads or name not in files:
                return by(self.row(key))
            parent, path = of_all or self._parent_of(key), files[name].name
            if parent not in running:
                running[parent] = self._running_above(self._node(key))
            if model.parts.file(running[parent], path) is not None:
                return by(self.row(key))
            ended = model.ended_in(share or files[name].share, path)
            group = parent, None if ended is None else ended.state
            if group not in known:
                known[group] = by(self.row(key))
            return known[group]

        return sort_key

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
            self._add_failed(failed.values(), group)

    def _add_failed(self, failed: Collection[FileEnded], above: Node) -> None:
        depth = above.depth + 1
        below = Node("", NodeKind.PROBLEM, "", above.asked, parent=above.key, depth=depth)
        for ended in islice(failed, PROBLEMS_AT_ONCE):
            key = f"problem:{above.asked}\0{ended.name}"
            self._add(replace(below, key=key, name=ended.name, size=ended.size, path=ended.name))
        if (rest := len(failed) - PROBLEMS_AT_ONCE) > 0:
            name = f"… and {rest:,} more: the others are in the log"
            self._add(Node(f"more:{above.key}", NodeKind.MORE, name, parent=above.key, depth=depth))


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


@lru_cache(maxsize=4_096)
def _folder_key(share: str, path: str) -> str:
    return str(FolderKey(share, path))
