"""The user's folders, and which folder a typed, pasted or dropped text means. It creates none."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from roles.values.errors import StorageError, UserInputError
from roles.values.safe_names import shown_name

_IS_WINDOWS = os.name == "nt"
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")  # one letter is a drive of Windows
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»"}
_HERE = {"", "localhost"}  # the host of a file:// that is on this computer


def home_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The home folder by HOME, else by the list of users; None if neither has one."""
    named = environment.get("HOME", "")
    if os.path.isabs(named):  # noqa: PTH117  # Path("") would be the current folder
        return Path(named)
    if sys.platform == "win32":
        home = os.path.expanduser("~")  # noqa: PTH111  # Path.home() raises where there is none
        return Path(home) if os.path.isabs(home) else None  # noqa: PTH117
    import pwd  # Windows has no such module

    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except (KeyError, OSError):
        return None
    return Path(home) if os.path.isabs(home) else None  # noqa: PTH117


def default_download_folder() -> Path:
    """Downloads/LMKtorrent in the user's home. Raises UserInputError if there is no home."""
    home = home_folder()
    if home is None:
        raise UserInputError(
            "This user has no home folder to save to. Choose a folder for the downloads "
            "(--to FOLDER)."
        )
    return home / "Downloads" / "LMKtorrent"


def download_folder(typed: str) -> Path:
    """The typed folder, or the usual one for an empty text. Raises like folder_named()."""
    return folder_named(typed) if typed.strip() else default_download_folder()


def folder_named(typed: str) -> Path:
    """The absolute path of a typed folder.

    Raises UserInputError, and StorageError if it is relative to a current folder that is gone.
    """
    text = pasted_path(typed)
    if not text:
        raise UserInputError("The folder is missing. Type its path.")
    if "\0" in text:
        raise UserInputError(f"“{shown_name(text)}” is not a path.")
    text = from_home(text)
    try:
        return Path(text).absolute()
    except OSError as error:
        raise StorageError(
            f"“{shown_name(text)}” begins at the current folder, which cannot be used "
            f"({error.strerror or error}). Go to another folder, or type the whole path."
        ) from None


def pasted_path(typed: str) -> str:
    """The text without the spaces, quotes and file:// that come with a pasted path.

    Raises UserInputError for other kinds of address.
    """
    text = typed.strip()
    if len(text) >= 2 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    if text != typed and typed.strip() and os.path.lexists(typed):
        return typed  # a name may contain spaces and quotes
    address = _ADDRESS.match(text)
    if address is None:
        return text
    if address[1].lower() != "file":
        raise UserInputError(f"“{shown_name(text)}” is not a folder. Type the path of a folder.")
    return _path_of_file_address(text[address.end() :])


def _path_of_file_address(rest: str) -> str:
    """`rest`: what follows file://; decodes %20 and the like."""
    from urllib.parse import unquote_to_bytes  # rarely needed; keeps the start fast

    host, slash, path = rest.partition("/")
    path = os.fsdecode(unquote_to_bytes(slash + path))
    if host.lower() not in _HERE:
        if not _IS_WINDOWS:
            raise UserInputError(
                f"“file://{shown_name(rest)}” is on another computer. Type a path of this one."
            )
        return f"//{host}{path}"
    return path[1:] if path[2:3] == ":" else path  # file:///C:/lab


def from_home(text: str) -> str:
    """Replace ~ and ~NAME at the beginning, which shells do not do after --to=.

    Raises UserInputError.
    """
    name = re.split(r"[/\\]" if _IS_WINDOWS else "/", text, maxsplit=1)[0]
    if not name.startswith("~"):
        return text
    if name == "~":
        home = home_folder()
        if home is None:
            raise UserInputError(f"“{text}”: this user has no home folder. Type the whole path.")
        return os.fspath(home) + text[1:]
    whole = text if _IS_WINDOWS else os.path.expanduser(text)  # noqa: PTH111  # raises nothing
    if whole == text and not (_IS_WINDOWS or os.path.lexists(text)):
        raise UserInputError(
            f"“{shown_name(text)}”: there is no user “{shown_name(name[1:])}” on this computer. "
            f"Type ./{shown_name(text)} if that is its name."
        )
    return whole
