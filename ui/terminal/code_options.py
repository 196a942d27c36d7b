"""The code of a private room: from an option, a file, the environment or the keyboard."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from roles.values import room_code
from roles.values.disk_names import shown_path
from roles.values.errors import CodeRefusedError, StorageError, UserInputError
from ui.terminal.output import Output, can_ask
from ui.terminal.session import Session
from ui.terminal.streams import as_utf8

MAX_LENGTH = 1_000  # characters of the file
T = TypeVar("T")


def with_code(args: argparse.Namespace, output: Output, work: Callable[[str], T]) -> T:
    """Call `work` with the code, "" if none is given. If the room turns out to be private, ask the
    person at the terminal, and again after a wrong code while tries are left.

    Raises CodeRefusedError, UserInputError and StorageError.
    """
    code = given_code(args)
    is_typed = not code
    while True:
        try:
            return work(code)
        except CodeRefusedError as error:
            if code and not (is_typed and error.tries_left):
                raise
            if output.as_json or not can_ask():
                hint = "Give it with --code, --code-file or LMK_CODE."
                raise CodeRefusedError(f"{error} {hint}") from None
            output.say(str(error))
        with Session(output) as session:
            code = room_code.parsed(as_utf8(session.ask("Code of the room: ")))


def given_code(args: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> str:
    """The code from --code, --code-file or LMK_CODE, in this order; "" if there is none."""
    if args.code is not None:
        return room_code.parsed(as_utf8(args.code))
    if args.code_file is not None:
        return room_code.parsed(_read(args.code_file))
    return room_code.chosen(as_utf8(environment.get("LMK_CODE", "")))


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            return as_utf8(sys.stdin.read(MAX_LENGTH))
        with path.open(encoding="utf-8-sig") as file:
            return file.read(MAX_LENGTH)
    except UnicodeDecodeError:
        raise UserInputError(f"“{path.name}” is not a text file.") from None
    except OSError as error:
        raise StorageError(
            f"{shown_path(path)}, the file with the code, cannot be read "
            f"({error.strerror or error}). Check its path."
        ) from None
