"""What is shared, as a tree: each shared folder, its sub-folders and files. No widgets.

A folder may have 100,000 files: they are counted once, and only open folders have rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roles.values.events import ListedFile
from roles.values.safe_names import shown_name

SHOWN_AT_ONCE = 500  # files of one folder; nobody reads a table of thousands


@dataclass(slots=True)
class Branch:
    """A folder with all that is below it."""

    size: int = 0  # bytes
    files: int = 0
    folders: dict[str, Branch] = field(default_factory=dict)
    own: list[ListedFile] = field(default_factory=list)  # files directly in it


@dataclass(frozen=True, slots=True)
class Offered:
    """A row: a folder, a file, or a sentence on the files that are not shown."""

    key: str
    parent: str  # key of the row above it
    depth: int
    text: str
    size: int | None = None  # None: a sentence
    files: int | None = None  # in a folder; None: it is no folder
    is_open: bool = False

    @property
    def is_folder(self) -> bool:
        return self.files is not None

    @property
    def tone(self) -> str:
        return "Muted" if self.size is None else "Plain"


def tree_of(files: Sequence[ListedFile]) -> Branch:
    top = Branch()
    for file in files:
        branch = top
        branch.size += file.size
        branch.files += 1
        for name in file.name.split("/")[:-1]:
            branch = branch.folders.setdefault(name, Branch())
            branch.size += file.size
            branch.files += 1
        branch.own.append(file)
    return top


def rows_of(trees: Mapping[Path, Branch], toggled: frozenset[str]) -> dict[str, Offered]:
    """Each shared folder with the rows of open folders. Shared folders are open and others closed,
    but for the `toggled` ones.
    """
    rows: dict[str, Offered] = {}
    for folder, tree in trees.items():
        _add(rows, tree, f"{folder}\0", "", str(folder), 0, toggled)
    return rows


def _add(
    rows: dict[str, Offered],
    branch: Branch,
    key: str,
    parent: str,
    text: str,
    depth: int,
    toggled: frozenset[str],
) -> None:
    is_open = (depth == 0) != (key in toggled)
    rows[key] = Offered(key, parent, depth, text, branch.size, branch.files, is_open)
    if not is_open:
        return
    for name, below in branch.folders.items():
        _add(rows, below, f"{key}{name}/", key, shown_name(name), depth + 1, toggled)
    for file in branch.own[:SHOWN_AT_ONCE]:
        name = file.name.rpartition("/")[2]
        rows[key + name] = Offered(key + name, key, depth + 1, shown_name(name), file.size)
    more = len(branch.own) - SHOWN_AT_ONCE
    if more > 0:
        rows[f"{key}\0"] = Offered(f"{key}\0", key, depth + 1, f"… and {more:,} more")
