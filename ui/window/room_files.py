"""The files of the room as a tree, and how many of its computers have each folder."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Mapping, Sequence

from roles.values.computers import Computer
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.participants import ParticipantState
from roles.values.safe_names import shown_name
from ui.file_list import FileList
from ui.window.file_tree import (
    FILE,
    FILES,
    NAME,
    SIZE,
    WHO,
    FileRow,
    FileTree,
    HolderCount,
    SharedFolder,
)
from ui.window.theme import Theme

STARTS_OPEN = 200  # files of a folder that is open without a click
FILE_COLUMNS = (NAME, FILES, SIZE, WHO)


def holders_of(
    computers: Sequence[Computer], sizes: Mapping[str, int | None]
) -> dict[str, HolderCount | None]:
    """The holders of each share. `sizes` are those of the shares; where one is not known, nobody
    can say who has all of it.

    A computer tells which shares it takes part in, and how much it has of all that it asked for.
    """
    counted = [computer for computer in computers if computer.is_counted]
    counts = dict[str, HolderCount | None]()
    for share, size in sizes.items():
        if size is None or not counted:
            counts[share] = None
            continue
        taking = [computer for computer in counted if share in _shares_of(computer)]
        have = sum(_has_all(computer, sizes) for computer in taking)
        counts[share] = HolderCount(have, len(counted), is_moving=have < len(taking))
    return counts


def _shares_of(computer: Computer) -> set[str]:
    return {share for program in computer.programs for share in program.status.shares}


def _has_all(computer: Computer, sizes: Mapping[str, int | None]) -> bool:
    """Whether it surely has all of its shares: as much as they are large."""
    if computer.state is not ParticipantState.DONE:
        return False
    return computer.have >= sum(sizes.get(share) or 0 for share in _shares_of(computer))


class RoomFiles(FileTree):
    def __init__(self, master: tk.Misc, theme: Theme) -> None:
        super().__init__(master, theme, FILE_COLUMNS, few=STARTS_OPEN)
        self._contents = FileList()
        self._listed: object = None
        self._who: dict[str, HolderCount | None] | None = None

    def show_room(
        self,
        files: tuple[ListedFile, ...],
        folders: tuple[ListedFolder, ...],
        computers: Sequence[Computer],
    ) -> None:
        """`files` may be the first of many."""
        if self._listed != (files, folders):
            self._listed, self._who = (files, folders), None
            self._contents = FileList(files, folders)
        sizes = _sizes(self._contents)
        who = holders_of(computers, sizes)
        if who != self._who:
            self._who = who
            shares = [
                _shared(self._contents, folder, sizes[folder.share], who[folder.share])
                for folder in folders
            ]
            self.fill(
                shares,
                [
                    FileRow(file.key, shown_name(file.key), file.size, rank=FILE)
                    for file in self._contents.flat
                ],
            )


def _sizes(contents: FileList) -> dict[str, int | None]:
    """A share is as large as its files, if all of them are told; else as its seeder says."""
    sizes = dict[str, int | None]()
    for folder in contents.folders:
        files, size = contents.shares[folder.share].measure("")
        sizes[folder.share] = size if files >= folder.files else folder.size or None
    return sizes


def _shared(
    contents: FileList, folder: ListedFolder, size: int | None, holders: HolderCount | None
) -> SharedFolder:
    name = f"{shown_name(folder.name)}/"
    row = FileRow(folder.key, name, size, folder.files, holders=holders)
    return SharedFolder(row, contents.shares[folder.share])
