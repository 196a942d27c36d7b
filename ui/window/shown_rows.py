"""Which rows the list has now, and what each of them stands for. Pure: no widgets.

A row belongs to what was asked for: a file, a folder, or the folder that brings the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from roles.values.events import DownloadChanged, DownloadState, FileEnded
from roles.values.folder_keys import FolderKey
from ui import wording
from ui.window.download_rows import download_of, node_row
from ui.window.leecher_run import LeecherRun
from ui.window.list_tree import Node, NodeKind, is_folder
from ui.window.table import Row

_THROUGH = (DownloadState.DONE, DownloadState.SKIPPED, DownloadState.CANCELLED)


class ShownRows:
    """Filled again when a list comes, or a folder is opened or closed."""

    def __init__(self) -> None:
        self._run: LeecherRun | None = None
        self._nodes: dict[str, Node] = {}
        self._asked: dict[str, list[str]] = {}  # the rows of each download
        self._inner: dict[str, list[str]] = {}  # the folders inside one that is downloaded whole
        self._paths: dict[str, list[str]] = {}  # the rows of each file
        self._problems: dict[str, int] = {}  # how many files of each download failed
        self._others = set[str]()  # the rows of downloads that have none in the list

    def fill(self, run: LeecherRun, wanted: str) -> dict[str, Row]:
        """All rows by key; with `wanted`, only the files with this text in their names."""
        self._run, self._nodes, self._asked, self._paths = run, {}, {}, {}
        self._inner = {}
        self._others.clear()
        self._problems = {name: len(failed) for name, failed in run.problems.items()}
        if wanted:
            for node in run.tree.matching(wanted):
                self._add(node)
            if not self._nodes:
                nothing = f"No file has “{wanted}” in its name."
                self._add(Node("nothing", NodeKind.MORE, nothing, has_sign=False))
        else:
            failed = {name: list(files.values()) for name, files in run.problems.items()}
            for node in run.tree.nodes(failed):
                self._add(node)
            self._add_others(run, failed)
        return {key: self.row(key) for key in self._nodes}

    def row(self, key: str) -> Row:
        """This row as it is now."""
        run, node = self._run, self._nodes[key]
        assert run is not None
        if node.kind is NodeKind.PROBLEM:
            failed = run.problems.get(node.asked, {}).get(node.path)
            return node_row(node, None if failed is None else download_of(failed))
        if node.kind not in (NodeKind.FILE, NodeKind.FOLDER):
            return node_row(node, None, is_open=run.tree.is_open(node))
        download = run.downloads.get(node.asked)
        if download is None and node.kind is NodeKind.FILE and node.path in run.ended:
            download = download_of(run.ended[node.path])
        if download is None and node.kind is NodeKind.FOLDER:
            download = self._had_with(run, node)
        problems = len(run.problems.get(node.asked, ()))
        return node_row(node, download, is_open=run.tree.is_open(node), problems=problems)

    def of_download(self, name: str) -> list[str]:
        """The rows of this download."""
        return [*self._asked.get(name, []), *self._inner.get(name, [])]

    def are_other(self, download: DownloadChanged) -> bool:
        """Whether the rows must change: one for it is missing, or no longer needed."""
        keys = self._asked.get(download.name, [])
        is_over = download.state.is_final and not self._others.isdisjoint(keys)
        return not keys or is_over or self.are_other_problems(download.name)

    def are_other_problems(self, name: str) -> bool:
        """Whether more or fewer files of this download have failed than the rows show."""
        now = len(self._run.problems.get(name, ())) if self._run is not None else 0
        return now != self._problems.get(name, 0)

    def of_files(self, files: Iterable[FileEnded]) -> Iterator[str]:
        """The rows of those files that have one."""
        for file in files:
            yield from self._paths.get(file.name, ())

    def node(self, key: str) -> Node | None:
        """What this row stands for."""
        return self._nodes.get(key)

    def to_ask(self, keys: Iterable[str]) -> list[str]:
        """What to ask a leecher for to get these rows: nothing twice, and nothing that comes
        anyway.
        """
        chosen, asked = set(keys), dict[str, None]()
        for key in [key for key in self._nodes if key in chosen]:
            node = self._nodes[key]
            is_new = node.asked and not any(above.key in chosen for above in self._above(node))
            if is_new and not self._comes_with_another(node):
                asked[node.asked] = None
        return list(asked)

    def downloads(self, keys: Iterable[str]) -> list[str]:
        """The downloads that bring these rows."""
        found = dict[str, None]()
        for key in keys:
            name = self._bringing(self._nodes[key]) if key in self._nodes else ""
            if name:
                found[name] = None
        return list(found)

    def _add(self, node: Node) -> None:
        self._nodes[node.key] = node
        if node.kind in (NodeKind.FILE, NodeKind.FOLDER):
            self._asked.setdefault(node.asked, []).append(node.key)
        if node.kind is NodeKind.FOLDER and node.path:
            self._inner.setdefault(str(FolderKey(node.share)), []).append(node.key)
        if node.kind is NodeKind.FILE:
            self._paths.setdefault(node.path, []).append(node.key)

    def _add_others(self, run: LeecherRun, failed: dict[str, list[FileEnded]]) -> None:
        """Add downloads without a row: not listed, or in a closed folder."""
        for name, download in run.downloads.items():
            if name in self._asked:
                continue
            is_listed = run.tree.knows_folder(name) if is_folder(name) else name in run.files
            if is_listed and download.state in _THROUGH:
                continue
            node = self._other(run, download)
            self._add(node)
            self._others.add(node.key)
            for problem in run.tree.problem_nodes(node, failed.get(name, ())):
                self._add(problem)

    def _other(self, run: LeecherRun, download: DownloadChanged) -> Node:
        name = download.title or run.tree.name_of(download.name) or download.name
        slash = "/" if is_folder(download.name) and not name.endswith("/") else ""
        return Node(
            download.name,
            NodeKind.FILE,
            name + slash,
            asked=download.name,
            size=download.size,
            path=download.name,
            has_sign=run.tree.has_folders,
        )

    def _had_with(self, run: LeecherRun, node: Node) -> DownloadChanged | None:
        """What a folder shows that was downloaded whole with its share."""
        whole = run.downloads.get(str(FolderKey(node.share)))
        if whole is None or whole.state not in (DownloadState.DONE, DownloadState.SKIPPED):
            return None
        return replace(whole, name=node.asked, size=node.size, have=node.size, rate=0.0)

    def _above(self, node: Node) -> Iterator[Node]:
        while node.parent in self._nodes:
            node = self._nodes[node.parent]
            yield node

    def _comes_with_another(self, node: Node) -> bool:
        return self._bringing(node, but_itself=True) != ""

    def _bringing(self, node: Node, *, but_itself: bool = False) -> str:
        """The download that brings it; "" if there is none."""
        run = self._run
        if run is None or not node.asked:
            return ""
        if not but_itself and node.asked in run.downloads:
            return node.asked
        if node.path in run.ended:
            return ""
        for above in self._above(node):
            state = run.state_of(above.asked)
            if above.asked != node.asked and state is not None and not state.is_final:
                return above.asked
        return ""


def describe(run: LeecherRun, name: str) -> str:
    """What to call this download in a sentence."""
    download = run.downloads.get(name)
    title = download.title if download is not None else ""
    folder = run.tree.name_of(name)
    called = title or folder or name
    return wording.short_name(called + "/" if folder and not called.endswith("/") else called)
