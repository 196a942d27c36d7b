"""Which downloads would meet a file of the same name, and how to ask about it. No widgets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from roles.values.safe_names import UnsafeNameError, safe_path
from ui import wording


def existing_names(folder: Path, names: Iterable[str]) -> list[str]:
    """The names that the folder already has. Reads the disk: not for Tk's thread."""
    return [name for name in names if _is_there(folder, name)]


def has_any(folder: Path, paths: Iterable[str]) -> bool:
    """Whether the folder has one of these paths. Reads the disk for each: not for Tk's thread."""
    return any(_is_there(folder, path) for path in paths)


def question(names: list[str], folders: Sequence[str] = ()) -> str:
    """One sentence for all of them; `folders` are those of which some files already exist."""
    if folders:
        called = wording.names(folders, shown=lambda name: wording.quoted(f"{name}/"))
        besides = f", and {len(names)} besides," if names else ""
        return (
            f"Some files of {called}{besides} already exist. "
            "What should happen to those that differ?"
        )
    shown = wording.names(names, shown=wording.quoted)
    if len(names) == 1:
        return f"{shown} already exists. What should happen to it?"
    return f"{shown} already exist. What should happen to them?"


def _is_there(folder: Path, name: str) -> bool:
    try:
        return os.path.lexists(folder.joinpath(*safe_path(name, windows=os.name == "nt")))
    except UnsafeNameError:  # the leecher will refuse it anyway
        return False
