"""One row of the list: what it stands for, what it shows, which download brings it. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from roles.values.events import DownloadChanged, DownloadState, FileArriving, FileEnded
from roles.values.folder_keys import FolderKey
from roles.values.listed_file import ListedFile
from ui.window.folder_parts import Part
from ui.window.leecher_model import COMPLETE, LeecherModel


class NodeKind(Enum):
    """What a row stands for."""

    FOLDER = "folder"
    FILE = "file"
    DOWNLOAD = "download"  # of a file or folder whose own row is not shown
    PROBLEMS = "problems"  # of the folder or download above it
    PROBLEM = "problem"  # one file that failed
    NOTE = "note"  # a sentence


@dataclass(frozen=True, slots=True)
class Node:
    key: str  # identifies the row
    kind: NodeKind
    name: str  # from the wire, or a sentence where it is our own
    asked: str = ""  # what a leecher is asked for; "" for nothing
    size: int = 0
    files: int = 1
    share: str = ""  # the id of the share that a file or folder is in
    path: str = ""  # and where; of a problem: the path of its file
    depth: int = 0
    has_sign: bool = True  # its name is aligned with those of folders, right of their signs

    @property
    def is_listed(self) -> bool:
        """Whether it is a file or folder."""
        return self.kind in (NodeKind.FILE, NodeKind.FOLDER, NodeKind.DOWNLOAD)

    @property
    def opens(self) -> bool:
        """Whether there may be rows below it."""
        return self.kind in (NodeKind.FOLDER, NodeKind.PROBLEMS)

    @property
    def path_in_share(self) -> str:
        """As a leecher is told it: a folder's with a "/" at its end."""
        return f"{self.path}/" if self.kind is NodeKind.FOLDER else self.path


def key_of(file: ListedFile, share: str) -> str:
    """The key of a file's row: a file that several shares have has a row in each."""
    return file.key if not share or file.share == share else f"{file.key}\0{share}"


def file_node(
    file: ListedFile, share: str, *, is_in_tree: bool = True, has_sign: bool = True
) -> Node:
    """`share` is the one whose folder the row is in; "" for the first that has the file."""
    return Node(
        key_of(file, share),
        NodeKind.FILE,
        file.key.rpartition("/")[2] if is_in_tree else file.key,
        file.key,
        file.size,
        share=share or file.share,
        path=file.name,
        depth=file.name.count("/") + 1 if is_in_tree else 0,
        has_sign=has_sign,
    )


@dataclass(frozen=True, slots=True)
class ListRow:
    node: Node
    download: DownloadChanged | None = None
    is_open: bool = False
    problems: int = 0  # how many files of a folder failed
    senders: int | None = None  # of a part of a folder; None: as many as its download has
    place: int = 0  # in the queue, or among the files of its folder; 0 for none


# Which download


def coming_with(node: Node, model: LeecherModel) -> DownloadChanged | None:
    """The download of a folder above it that has not ended, nor brought this file already."""
    has_ended = model.parts.ended(node.share, node.path) is not None
    return None if has_ended else model.running_above(node.share, node.path)


def bringing(node: Node, model: LeecherModel) -> str:
    """The name of the download that brings it, or has brought it by itself; "" for none."""
    own = model.downloads.get(node.asked)
    if own is not None and not own.state.is_final:
        return own.name
    above = model.running_above(node.share, node.path) or own
    return "" if above is None else above.name


def brought_by(node: Node, model: LeecherModel) -> tuple[str, str]:
    """The download that has brought it, and its path in that; "" for all of it. ("", "") if none
    has.
    """
    if not node.is_listed:
        return "", ""
    if model.state_of(node.asked) in COMPLETE:
        return node.asked, ""
    above = model.names_above(node.share, node.path)
    name = next(iter(model.in_states(above, *COMPLETE)), "")
    return (name, node.path_in_share) if name else ("", "")


class Movable(NamedTuple):
    """What moves in the queue together with a row."""

    within: str  # the download of a folder that it is a part of; "" for a download of its own
    name: str  # of the download; of a part: its path


def movable(node: Node, model: LeecherModel) -> Movable | None:
    """None if the row does not wait for anything."""
    if not node.is_listed:
        return None
    if model.place_of(node.asked):
        return Movable("", node.asked)
    above = coming_with(node, model)
    return None if above is None else Movable(above.name, node.path_in_share)


def place_of(node: Node, model: LeecherModel) -> int:
    """The place in the queue, or among the files of its folder; 0 for none."""
    if own := model.place_of(node.asked):
        return own
    above = model.running_above(node.share, node.path)
    return 0 if above is None else model.rank_of(above.name, node.path_in_share)


# What is shown


def row_of(node: Node, model: LeecherModel, *, is_open: bool = False) -> ListRow:
    row = ListRow(node, is_open=is_open)
    if node.kind is NodeKind.PROBLEM:
        failed = model.problems.get(node.asked, {}).get(node.path)
        return row if failed is None else replace(row, download=download_of(failed))
    if not node.is_listed:
        return row
    own, problems = model.downloads.get(node.asked), len(model.problems.get(node.asked, ()))
    row = replace(row, download=own, problems=problems, place=place_of(node, model))
    if node.kind is NodeKind.DOWNLOAD or (own is not None and not own.state.is_final):
        return row
    return _file_row(row, model) if node.kind is NodeKind.FILE else _folder_row(row, model)


def _file_row(row: ListRow, model: LeecherModel) -> ListRow:
    """A file that does not come by itself."""
    node = row.node
    ended = model.parts.ended(node.share, node.path)
    if ended is not None:
        return row if row.download is not None else replace(row, download=download_of(ended))
    whole = model.running_above(node.share, node.path)
    if whole is None:
        return row
    file = model.parts.file(whole.name, node.path) or FileArriving(node.path, 0)
    is_moving = file.senders > 0 or file.rate >= 1
    state = DownloadState.DOWNLOADING if is_moving else DownloadState.QUEUED
    return _part_row(row, whole, state, Part(file.have, rate=file.rate, senders=file.senders))


def _folder_row(row: ListRow, model: LeecherModel) -> ListRow:
    """A folder that does not come by itself."""
    node = row.node
    share = model.downloads.get(str(FolderKey(node.share)))
    if row.download is None and share is not None and share.state in COMPLETE:
        came = replace(share, name=node.asked, size=node.size, have=node.size, rate=0.0)
        row = replace(row, download=came)
    whole = model.running_above(node.share, node.path)
    if row.download is not None and whole is None:
        return row
    part = model.parts.folder(node.share, node.path)
    if part.ended and part.ended >= node.files:
        state = DownloadState.FAILED if part.failed else DownloadState.DONE
    elif whole is not None and (part.ended or part.have or part.senders):
        state = DownloadState.DOWNLOADING
    else:
        return row
    return _part_row(row, whole, state, part)


def _part_row(
    row: ListRow, whole: DownloadChanged | None, state: DownloadState, part: Part
) -> ListRow:
    """A part of the download `whole`, as if it were a download of its own."""
    node, rate = row.node, part.rate
    if whole is not None and whole.state is DownloadState.PAUSED and not state.is_final:
        state, rate = DownloadState.PAUSED, 0.0
    shown = DownloadChanged(
        name=node.asked,
        state=state,
        size=node.size,
        have=part.have,
        rate=rate,
        seconds_left=(node.size - part.have) / rate if rate >= 1 else None,
        sources=(),
        files=node.files,
        files_ended=part.ended,
    )
    return replace(row, download=shown, problems=part.failed, senders=part.senders)


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
