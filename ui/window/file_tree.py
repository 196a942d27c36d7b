"""Shared folders as a tree: their sub-folders and files. Only open folders have rows."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from roles.values.safe_names import shown_name
from ui.columns import Column, Icon
from ui.file_list import SharedFiles
from ui.window.table import Table
from ui.window.theme import Theme

SHOWN_AT_ONCE = 500  # files of one folder; nobody reads a table of thousands
FOLDER, FILE, LEFT_OUT = range(3)  # the order of rows in a folder; the last is a sentence


@dataclass(frozen=True, slots=True)
class HolderCount:
    """How many computers of the room have everything of a share."""

    have: int
    computers: int  # those that only give are not counted
    is_moving: bool = False  # others have a part of it

    def __str__(self) -> str:
        return f"{self.have} of {self.computers}"

    @property
    def of_a_file(self) -> str:
        """The holders of one file in the share: those who have a part of the share may have it,
        too.
        """
        return f"{self.have} or more of {self.computers}" if self.is_moving else str(self)


@dataclass(frozen=True, slots=True)
class FileRow:
    key: str
    text: str
    size: int | None = None  # bytes; None if it is not known
    files: int = 0  # in a folder
    parent: str = ""
    depth: int = 0
    is_open: bool = False
    holders: HolderCount | None = None  # of the share; None: not known
    rank: int = FOLDER

    @property
    def who(self) -> str:
        """Who has it: "27 of 30"."""
        if self.holders is None:
            return ""
        return self.holders.of_a_file if self.depth else str(self.holders)


@dataclass(frozen=True, slots=True)
class SharedFolder:
    row: FileRow
    files: SharedFiles  # those that are known


NAME = Column[FileRow](
    "File", lambda row: row.text, lambda row: row.text.casefold(), 300, stretches=True
)
FILES = Column[FileRow].of_number(
    "Files", lambda row: row.files, lambda row: f"{row.files:,}" if row.rank == FOLDER else "", 80
)
SIZE = Column[FileRow].of_size("Size", lambda row: row.size, 110)
WHO = Column[FileRow].of_number(
    "Who has it", lambda row: row.holders.have if row.holders else -1, lambda row: row.who, 150
)


class FileTree(Table[FileRow]):
    def __init__(
        self,
        master: tk.Misc,
        theme: Theme,
        columns: Sequence[Column[FileRow]],
        *,
        title: str = "",
        few: float = float("inf"),
    ) -> None:
        """Shared folders with at most `few` files start open, all others closed; then the user
        opens and closes them.
        """
        super().__init__(
            master,
            theme,
            columns,
            height=4,
            title=title,
            tone=lambda row: "Muted" if row.rank == LEFT_OUT else "Plain",
            icon=icon_of,
            rank=lambda row: row.rank,
        )
        self._few = few
        self._folders: Sequence[SharedFolder] = ()
        self._others: Sequence[FileRow] = ()
        self._wished: dict[str, bool] = {}
        for key in ("<Return>", "<space>"):
            self.tree.bind(key, lambda _event: self._toggle(self.focused))
        self.tree.bind("<Double-Button-1>", lambda event: self._toggle(self.key_at(event.y)))
        self.fold(self._is_open, self._toggle, lambda key: self._rows[key].parent)

    def fill(self, folders: Sequence[SharedFolder], others: Sequence[FileRow] = ()) -> None:
        """`others` are in none of the folders."""
        self._folders, self._others = folders, others
        few = self._few
        starts_open = {folder.row.key: folder.row.files <= few for folder in folders}
        is_open = starts_open | self._wished
        rows = [row for folder in folders for row in rows_of(folder, is_open)]
        self.show({row.key: row for row in (*rows, *others)})

    def _sorted(self) -> list[str]:
        """Sorts within each folder, and puts what is in a folder right below it."""
        below = dict[str, list[str]]()
        for key in super()._sorted():
            below.setdefault(self._rows[key].parent, []).append(key)

        def placed(parent: str) -> Iterator[str]:
            for key in below.get(parent, ()):
                yield key
                yield from placed(key)

        return list(placed(""))

    def _is_open(self, key: str) -> bool | None:
        row = self._rows.get(key)
        return row.is_open if row is not None and row.rank == FOLDER else None

    def _toggle(self, key: str | None) -> str:
        is_open = self._is_open(key or "")
        if key is not None and is_open is not None:
            self._wished[key] = not is_open
            self.fill(self._folders, self._others)
        return "break"


def rows_of(folder: SharedFolder, is_open: Mapping[str, bool]) -> Iterator[FileRow]:
    """The rows of a folder, and of what is in it if it is open: see `is_open`, by key."""
    known, _ = folder.files.measure("")
    holders = folder.row.holders
    left_out = max(0, folder.row.files - known)

    def below(row: FileRow, path: str) -> Iterator[FileRow]:
        row = replace(row, is_open=is_open.get(row.key, False))
        yield row
        if not row.is_open:
            return
        inside, depth = folder.files.inside(path), row.depth + 1
        for inner_path in inside.folders:
            files, size = folder.files.measure(inner_path)
            key, text = f"{folder.row.key}/{inner_path}", f"{_last(inner_path)}/"
            known_size = None if left_out else size
            inner = FileRow(key, text, known_size, files, row.key, depth, holders=holders)
            yield from below(inner, inner_path)
        for file in inside.files[:SHOWN_AT_ONCE]:
            key, text = f"{folder.row.key}\0{file.key}", _last(file.name)
            yield FileRow(key, text, file.size, 0, row.key, depth, holders=holders, rank=FILE)
        rest = max(0, len(inside.files) - SHOWN_AT_ONCE) + (0 if path else left_out)
        if rest:
            text = f"… and {rest:,} more"
            yield FileRow(f"{row.key}\0", text, parent=row.key, depth=depth, rank=LEFT_OUT)

    return below(folder.row, "")


def icon_of(row: FileRow) -> Icon:
    if row.rank == FOLDER:
        return Icon("folder", row.depth, "open" if row.is_open else "closed", is_in_tree=True)
    return Icon("file" if row.rank == FILE else "", row.depth, is_in_tree=True)


def _last(path: str) -> str:
    return shown_name(path.rpartition("/")[2])
