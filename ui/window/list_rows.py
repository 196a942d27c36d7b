"""Which rows the list has, in which order, and what several of them mean together. No widgets.

There may be 100,000 files in open folders, so a file's node is made only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from roles.values.events import DownloadState, FileEnded
from roles.values.folder_keys import FolderKey
from roles.values.listed_file import ListedFile
from ui.file_list import folders_above, is_folder
from ui.window.leecher_model import COMPLETE, LeecherModel
from ui.window.list_columns import NO_PLACE, QUEUE_COLUMN
from ui.window.list_order import Entry, ListView, RowFilter, by_name, in_order
from ui.window.list_row import (
    ListRow,
    Movable,
    Node,
    NodeKind,
    bringing,
    coming_with,
    file_node,
    key_of,
    movable,
    row_of,
)

STARTS_OPEN = 200  # files of a share that is open without a click
PROBLEMS_START_OPEN = 20
PROBLEMS_AT_ONCE = 500  # rows; the others are in the log

_OVER = (*COMPLETE, DownloadState.CANCELLED)


class ListRows:
    """Filled again when a list comes, or a folder is opened or closed.

    Remembers which folders the user opened and closed.
    """

    def __init__(self, model: LeecherModel) -> None:
        self._model = model
        self._wished: dict[str, bool] = {}  # open or closed by the user
        self._view, self._list = ListView(), model.list
        # The keys of all rows from the top down, each with that of the row that it stands below.
        self._parents: dict[str, str] = {}
        self._nodes: dict[str, Node] = {}  # all but those of files that nobody has asked for
        self._needs: dict[str, tuple[bool, int]] = {}  # by download, see _need()

    def fill(self, view: ListView) -> Sequence[str]:
        """The keys of all rows from the top down."""
        self._view, self._list = view, self._model.list
        self._parents, self._nodes = {}, {}
        self._needs = {name: self._need(name) for name in self._model.downloads}
        self._add_level(*self._top_level())
        if not self._parents and (view.wanted or view.shown is not RowFilter.ALL):
            self._add(Node("nothing", NodeKind.NOTE, _nothing(view), has_sign=False))
        return list(self._parents)

    def are_stale(self, download: str) -> bool:
        """Whether a row for this download is missing, no longer needed, or a problem is new."""
        return self._need(download) != self._needs.get(download, (False, 0))

    def node(self, key: str) -> Node | None:
        """None if there is no such row."""
        if key in self._parents and key not in self._nodes:
            self._nodes[key] = self._file_node(key)
        return self._nodes[key] if key in self._parents else None

    def row(self, key: str) -> ListRow:
        node = self.node(key)
        if node is None:
            raise KeyError(key)
        return self._row_of(node)

    def _row_of(self, node: Node) -> ListRow:
        return row_of(node, self._model, is_open=self.is_open(node))

    def parent_key(self, key: str) -> str:
        """The key of the row that this one stands below; "" if there is none."""
        return self._parents.get(key, "")

    # Opening and closing

    def is_open(self, node: Node) -> bool:
        few = PROBLEMS_START_OPEN if node.kind is NodeKind.PROBLEMS else STARTS_OPEN
        return self._wished.get(node.key, node.files <= few and not node.path)

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
            is_new = chosen.isdisjoint(self._keys_above(key))
            node = self.node(key) if is_new else None
            if node is not None and node.asked and coming_with(node, self._model) is None:
                asked[node.asked] = None
        return list(asked)

    def _keys_above(self, key: str) -> Iterator[str]:
        while key := self.parent_key(key):
            yield key

    def downloads(self, keys: Iterable[str]) -> list[str]:
        """The downloads that bring these rows."""
        files, downloads = self._list.files, self._model.downloads
        brought = dict[tuple[str, ...], str]()
        for key in keys:
            name, _, share = key.partition("\0")
            like: tuple[str, ...] = (key,)
            file = None if name in downloads else files.get(name)
            if file is not None:  # it comes like all others of its folder without an own download
                like = share or file.share, file.name.rpartition("/")[0]
            if like not in brought and (node := self.node(key)) is not None:
                brought[like] = bringing(node, self._model)
        return [name for name in dict.fromkeys(brought.values()) if name]

    def movable(self, key: str) -> Movable | None:
        node = self.node(key)
        return None if node is None else movable(node, self._model)

    def are_beside(self, key: str, other: str) -> bool:
        """Whether both can be moved, and change places with each other."""
        moved, at = self.movable(key), self.movable(other)
        if moved is None or at is None or at.within != moved.within:
            return False
        return self.parent_key(other) == self.parent_key(key)

    def parts_beside(self, key: str) -> list[str]:
        """The paths of all parts of a download that can change places with this one, and its own,
        in the order in which they come now.
        """
        parent = self.parent_key(key)
        others = [other for other, above in self._parents.items() if above == parent]
        rows = [self.row(other) for other in others if self.are_beside(key, other)]
        rows.sort(key=lambda row: row.place or NO_PLACE)
        return [row.node.path_in_share for row in rows]

    # Filling

    def _need(self, name: str) -> tuple[bool, int]:
        """Whether a download has a row at the top, and how many problems stand below its row."""
        shown, state = self._view.shown, self._model.state_of(name)
        if state is None or (shown is RowFilter.ALL and self._view.wanted):
            return False, 0
        problems = len(self._model.problems.get(name, ()))
        if shown is RowFilter.PROBLEMS:
            return self._model.problems_of(name) > 0, problems
        if shown is RowFilter.DOWNLOADING:
            return not state.is_final, problems
        is_over = state in _OVER and self._list.has(name)
        return not is_over and not self._is_in_open_folder(name), problems

    def _is_in_open_folder(self, name: str) -> bool:
        """Whether this file or folder is listed, and all folders above it are open."""
        contents, asked = self._list, FolderKey.of(name)
        if asked is not None:
            has_row = asked.share in contents.shares and contents.has(name)
            return has_row and self._are_open_above(asked.share, asked.path)
        file = contents.files.get(name)
        if file is None:
            return False
        shares = contents.shares_with(file)
        return not shares or any(self._are_open_above(share, file.name) for share in shares)

    def _are_open_above(self, share: str, path: str) -> bool:
        return all(self.is_open(self._folder(share, above)) for above in folders_above(path))

    def _top_level(self) -> tuple[list[Node], Sequence[Entry]]:
        """Folders, and what is beside them."""
        view, contents = self._view, self._list
        if view.shown is RowFilter.ALL and view.wanted:
            return [], contents.matching(view.wanted)
        rows = [self._download(name) for name, (has_row, _) in self._needs.items() if has_row]
        if view.shown is RowFilter.ALL:
            folders = [self._folder(folder.share, "") for folder in contents.folders]
            return folders, by_name([*contents.flat, *rows])
        if view.shown is RowFilter.PROBLEMS:
            rows = [row for row in rows if self._is_named(row) or self._failed(row.asked)]
            return [], by_name(rows)
        return self._unfinished(rows)

    def _unfinished(self, downloads: Sequence[Node]) -> tuple[list[Node], Sequence[Entry]]:
        """Whole shares as folders, and the others; in a search, rather the files below them that
        were found.
        """
        shares = {folder.key: folder.share for folder in self._list.folders}
        folders, others, files = list[Node](), list[Node](), dict[ListedFile, None]()
        for node in downloads:
            matching = self._matching_below(node.asked) if self._view.wanted else []
            files |= dict.fromkeys(matching)
            if matching or not self._is_named(node):
                continue
            if node.asked in shares:
                folders.append(self._folder(shares[node.asked], ""))
            else:
                others.append(node)
        return folders, by_name([*files, *others])

    def _is_named(self, download: Node) -> bool:
        """Whether its name has the text that is searched for."""
        return self._view.text in download.name.casefold()

    def _matching_below(self, download: str) -> list[ListedFile]:
        files, text = self._list.below(download), self._view.text
        return [file for file in files if text in file.key.casefold()]

    def _failed(self, download: str) -> list[FileEnded]:
        """The problems to show of a download."""
        failed = self._model.problems.get(download, {}).values()
        text = self._view.text if self._view.shown is RowFilter.PROBLEMS else ""
        return [file for file in failed if text in file.name.casefold()]

    def _add(self, node: Node, parent: str = "") -> None:
        self._nodes[node.key] = node
        self._parents[node.key] = parent

    def _add_level(
        self, folders: Sequence[Node], others: Sequence[Entry], above: Node | None = None
    ) -> None:
        """What is in one folder, or at the top: folders first, but in the order of the queue.
        `others` are sorted by name. What stands elsewhere already is not repeated.
        """
        parent, share = ("", "") if above is None else (above.key, above.share)
        is_mixed = self._view.column == QUEUE_COLUMN
        levels = [by_name([*folders, *others])] if is_mixed else [by_name(folders), others]
        for entries in levels:
            for entry in in_order(entries, share, self._model, self._view):
                if not isinstance(entry, Node):
                    self._parents.setdefault(key_of(entry, share), parent)
                elif entry.key not in self._parents:
                    self._add(entry, parent)
                    self._add_below(entry)

    def _add_below(self, node: Node) -> None:
        self._add_problems(node)
        if node.kind is NodeKind.FOLDER and self.is_open(node):
            inside = self._list.shares[node.share].inside(node.path)
            folders = [self._folder(node.share, path) for path in inside.folders]
            self._add_level(folders, inside.files, node)

    def _add_problems(self, node: Node) -> None:
        """Add the files of a download that failed: in a group of their own, unless only problems
        are shown.
        """
        failed = self._failed(node.asked)
        if self._view.shown is not RowFilter.PROBLEMS and failed:
            group = Node(
                f"problems:{node.key}",
                NodeKind.PROBLEMS,
                f"Problems ({len(failed):,})",
                node.asked,
                files=len(failed),
                depth=node.depth + 1,
            )
            self._add(group, node.key)
            node, failed = group, failed if self.is_open(group) else []
        self._add_failed(failed, node)

    def _add_failed(self, failed: Collection[FileEnded], above: Node) -> None:
        plain = Node("", NodeKind.PROBLEM, "", above.asked, depth=above.depth + 1)
        for file in islice(failed, PROBLEMS_AT_ONCE):
            key = f"problem:{above.asked}\0{file.name}"
            self._add(
                replace(plain, key=key, name=file.name, size=file.size, path=file.name), above.key
            )
        if (rest := len(failed) - PROBLEMS_AT_ONCE) > 0:
            text = f"… and {rest:,} more: the others are in the log"
            more = Node(f"more:{above.key}", NodeKind.NOTE, text, depth=plain.depth)
            self._add(more, above.key)

    # Nodes

    def _folder(self, share: str, path: str) -> Node:
        key = str(FolderKey(share, path))
        if key not in self._nodes:
            files, size = self._list.shares[share].measure(path)
            name, depth = path.rpartition("/")[2], len(list(folders_above(path)))
            if not path:
                folder = self._list.folder_by_share[share]
                files, size, name = folder.files, folder.size, folder.name
            self._nodes[key] = Node(
                key, NodeKind.FOLDER, name, key, size, files, share, path, depth
            )
        return self._nodes[key]

    def _file_node(self, key: str) -> Node:
        name, _, share = key.partition("\0")
        is_in_tree = bool(self.parent_key(key))
        has_sign = is_in_tree or bool(self._list.folders and not self._view.wanted)
        return file_node(self._list.files[name], share, is_in_tree=is_in_tree, has_sign=has_sign)

    def _download(self, name: str) -> Node:
        """A download whose own row is not shown: not listed, or in a closed folder."""
        download = self._model.downloads[name]
        called = download.title or self._list.name_of(name) or name
        return Node(
            name,
            NodeKind.DOWNLOAD,
            f"{called.rstrip('/')}/" if is_folder(name) else called,
            name,
            download.size,
            has_sign=bool(self._list.folders),
        )


def _nothing(view: ListView) -> str:
    if view.wanted:
        return f"No file has “{view.wanted}” in its name."
    return "Nothing is downloading." if view.shown is RowFilter.DOWNLOADING else "No problems."
