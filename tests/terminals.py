"""What a command would have printed, for tests that tell its parts about events."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

from roles.values.addresses import Address
from roles.values.events import FilesListed
from roles.values.listed_file import ListedFile, ListedFolder
from ui.terminal.output import Output

TRACKER = Address("127.0.0.1", 12500)
SEEDER = Address("10.0.0.7", 12501)


@dataclass(frozen=True)
class Printed:
    """Both streams of one call, and what it returned."""

    out: str
    err: str
    result: Any = None

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of --json."""
        return [json.loads(line) for line in self.out.splitlines()]


def printed(work: Callable[[Output], Any], *, as_json: bool = False) -> Printed:
    """Do the work with an output, and keep what it writes."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = work(Output(as_json=as_json))
    return Printed(out.getvalue(), err.getvalue(), result)


class Screen(io.StringIO):
    """A terminal: both streams of a program. Knows the escape sequences that we use."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """What a person sees on it, without trailing empty lines."""
        shown, row, column = [""], 0, 0
        for code, text in re.findall(r"\x1b\[([?0-9;]*[A-Za-z])|([^\x1b])", self.getvalue()):
            if code.endswith("A"):
                row -= int(code[:-1])
            elif code == "J":
                shown[row:] = [shown[row][:column]]
            elif text == "\r":
                column = 0
            elif text == "\n":
                row, column = row + 1, 0
                shown += [""] * (row >= len(shown))
            elif text:
                line = shown[row].ljust(column)
                shown[row], column = line[:column] + text + line[column + 1 :], column + 1
        return "\n".join(line.rstrip() for line in shown).rstrip("\n").split("\n")


def on_screen(
    work: Callable[[Output], Any], *, columns: int = 80, rows: int = 24, **variables: str
) -> Screen:
    """Do the work with an output on a terminal of this size, in this environment."""
    screen = Screen()
    size = {"COLUMNS": str(columns), "LINES": str(rows), "TERM": "xterm", "NO_COLOR": ""}
    with (
        mock.patch.dict(os.environ, size | variables),
        contextlib.redirect_stdout(screen),
        contextlib.redirect_stderr(screen),
    ):
        work(Output())
    return screen


def folder_of(
    share: str, name: str, *paths: str, size: int = 10
) -> tuple[ListedFolder, tuple[ListedFile, ...]]:
    """A folder and its files, all of one size."""
    files = tuple(
        ListedFile(path, size, root=bytes([number % 251]) * 32, share=share)
        for number, path in enumerate(paths)
    )
    return ListedFolder(share, name, len(files), size * len(files)), files


def room(
    *folders: tuple[ListedFolder, tuple[ListedFile, ...]], loose: tuple[ListedFile, ...] = ()
) -> FilesListed:
    """A tracker's list of these folders, and of files that belong to none."""
    files = tuple(file for _, of_folder in folders for file in of_folder)
    listed = tuple(folder for folder, _ in folders)
    return FilesListed(TRACKER, (*files, *loose), (SEEDER,), (), listed)
