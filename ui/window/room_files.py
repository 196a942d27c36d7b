"""The files of the room as a tree, and how many of its computers have each folder."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roles.values.events import ListedFile, ListedFolder
from roles.values.folder_keys import FolderKey
from roles.values.members import Member
from roles.values.participants import MemberState
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column, Icon
from ui.window.file_list import FileList
from ui.window.table import Table
from ui.window.theme import Theme

STARTS_OPEN = 200  # files of a folder that is open without a click
LEFT_OUT = 2  # the rank of a row that says what is left out


@dataclass(frozen=True, slots=True)
class FileRow:
    key: str
    name: str  # from the wire
    size: int | None  # bytes; None if it is not known
    files: int = 0  # in a folder; 0 for a file
    parent: str = ""
    depth: int = 0
    is_open: bool = False
    who: str = ""  # "27 of 30"
    rank: int = 0  # folders stand before files, and what is left out behind them


@dataclass(frozen=True, slots=True)
class Holders:
    """How many of the members have everything of a share."""

    have: int
    members: int
    is_moving: bool = False  # others have a part of it

    def __str__(self) -> str:
        return f"{self.have} of {self.members}"

    @property
    def of_a_file(self) -> str:
        """Of one file in the share: those who have a part of the share may have it, too."""
        return f"{self.have} or more of {self.members}" if self.is_moving else str(self)


def holders_of(
    members: Sequence[Member], sizes: Mapping[str, int | None]
) -> dict[str, Holders | None]:
    """Of each share. `sizes` are those of the shares; where one is not known, nobody can say who
    has all of it.

    A member tells which shares it takes part in, and how much it has of all that it asked for.
    """
    counted = [one for one in members if one.is_counted]
    found = dict[str, Holders | None]()
    for share, size in sizes.items():
        if size is None or not counted:
            found[share] = None
            continue
        taking = [one for one in counted if share in _shares_of(one)]
        have = sum(_has_all(one, sizes) for one in taking)
        found[share] = Holders(have, len(counted), is_moving=have < len(taking))
    return found


def _shares_of(one: Member) -> set[str]:
    return {share for program in one.programs for share in program.status.shares}


def _has_all(one: Member, sizes: Mapping[str, int | None]) -> bool:
    """Whether it surely has all of its shares: as much as they are large."""
    if one.state is not MemberState.DONE:
        return False
    return one.have >= sum(sizes.get(share) or 0 for share in _shares_of(one))


class RoomFiles(Table[FileRow]):
    def __init__(self, master: tk.Misc, theme: Theme) -> None:
        super().__init__(
            master,
            theme,
            FILE_COLUMNS,
            height=4,
            parent=lambda row: row.parent,
            rank=lambda row: row.rank,
            icon=icon_of,
        )
        self._contents = FileList()
        self._shown: tuple[object, ...] = ()
        self._who: dict[str, Holders | None] = {}
        self._told: dict[str, ListedFolder] = {}  # by share, of which some files may be left out
        self._wished: dict[str, bool] = {}  # opened or closed by the user
        self._rows_shown: dict[str, FileRow] = {}
        for key in ("<Return>", "<space>"):
            self.tree.bind(key, lambda _event: self._toggle(self.focused))
        self.tree.bind("<Double-Button-1>", lambda event: self._toggle(self.key_at(event.y)))
        self.tree.bind("<Right>", lambda _event: self._unfold(is_open=True))
        self.tree.bind("<Left>", lambda _event: self._unfold(is_open=False))
        self.on_sign(self._toggle)

    def fill(
        self,
        files: tuple[ListedFile, ...],
        folders: tuple[ListedFolder, ...],
        members: Sequence[Member],
    ) -> None:
        """`files` may be the first of many."""
        if self._shown != (files, folders):
            self._shown = files, folders
            self._contents = FileList(files, folders)
            self._told = {one.share: one for one in folders}
            self._refill(members)
        elif self._who != (who := holders_of(members, self._sizes())):
            self._who = who
            self._fill_rows()

    def _refill(self, members: Sequence[Member]) -> None:
        self._who = holders_of(members, self._sizes())
        self._fill_rows()

    def _sizes(self) -> dict[str, int | None]:
        """A share is as large as its files, if all of them are told; else as its seeder says."""
        sizes = dict[str, int | None]()
        for share, files in self._contents.shares.items():
            if self._is_whole(share):
                sizes[share] = sum(file.size for file in files.below(""))
            else:
                sizes[share] = self._told[share].size or None
        return sizes

    def _is_whole(self, share: str) -> bool:
        told = self._told.get(share)
        return told is None or len(self._contents.shares[share].below("")) >= told.files

    def _fill_rows(self) -> None:
        rows = dict[str, FileRow]()
        sizes = self._sizes()
        for folder in self._contents.folders:
            key = folder.key
            who = str(self._who.get(folder.share) or "")
            row = FileRow(key, folder.name, sizes[folder.share], folder.files, who=who)
            self._add_folder(rows, row, folder.share, "")
        for file in self._contents.flat:
            rows[file.key] = FileRow(file.key, file.key, file.size, rank=1)
        self._rows_shown = rows
        self.show(rows)

    def _add_folder(self, rows: dict[str, FileRow], row: FileRow, share: str, path: str) -> None:
        is_open = self._wished.get(row.key, not path and row.files <= STARTS_OPEN)
        rows[row.key] = FileRow(
            row.key, row.name, row.size, row.files, row.parent, row.depth, is_open, row.who
        )
        if not is_open:
            return
        shared = self._contents.shares[share]
        inside = shared.inside(path)
        holders = self._who.get(share)
        who = holders.of_a_file if holders is not None else ""
        is_whole = self._is_whole(share)
        for file in inside.files:
            key, name = f"{share}\0{file.key}", file.name.rpartition("/")[2]
            rows[key] = FileRow(
                key, name, file.size, parent=row.key, depth=row.depth + 1, who=who, rank=1
            )
        for below in inside.folders:
            files, size = shared.measure(below)
            key, name = str(FolderKey(share, below)), below.rpartition("/")[2]
            known = size if is_whole else None
            inner = FileRow(key, name, known, files, row.key, row.depth + 1, who=who)
            self._add_folder(rows, inner, share, below)
        rest = 0 if path else row.files - len(shared.below(""))
        if rest > 0:
            key = f"{row.key}\0more"
            name = f"… and {rest:,} more"
            depth = row.depth + 1
            rows[key] = FileRow(key, name, None, parent=row.key, depth=depth, rank=LEFT_OUT)

    # Opening and closing

    def _toggle(self, key: str | None) -> str:
        row = self._rows_shown.get(key or "")
        if row is not None and row.files:
            self._wished[row.key] = not row.is_open
            self._fill_rows()
        return "break"

    def _unfold(self, *, is_open: bool) -> str:
        row = self._rows_shown.get(self.focused or "")
        if row is not None and row.files and row.is_open is not is_open:
            return self._toggle(row.key)
        if row is not None and row.parent and not is_open:
            self.choose([row.parent])
        return "break"


def icon_of(row: FileRow) -> Icon:
    if not row.files:
        return Icon("" if row.rank == LEFT_OUT else "file", row.depth, is_in_tree=True)
    return Icon("folder", row.depth, "open" if row.is_open else "closed", is_in_tree=True)


def _name(row: FileRow) -> str:
    return shown_name(row.name) + ("/" if row.files else "")


FILE_COLUMNS = (
    Column[FileRow]("File", _name, lambda row: row.name.casefold(), 300, stretches=True),
    Column[FileRow].of_number(
        "Files",
        lambda row: row.files,
        lambda row: f"{row.files:,}" if row.files else "",
        80,
    ),
    Column[FileRow].of_number(
        "Size",
        lambda row: row.size or 0,
        lambda row: "" if row.size is None else wording.size(row.size),
        110,
    ),
    Column[FileRow].of_number(
        "Who has it", lambda row: float(row.who.split(" ")[0] or -1), lambda row: row.who, 150
    ),
)
