"""What a bug report needs: the program, the system, its network, and the end of the log.

It names no user and no full path.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from roles.net.interfaces import interfaces
from roles.program.log_file import without_folders
from roles.program.user_folders import home_folder
from roles.values.addresses import Address

LINES = 200  # of the log
_TAIL = 1000 * LINES  # bytes: more than this many lines have
_USER_NAMED_BY = ("USER", "LOGNAME", "USERNAME")  # in the environment


def problem_report(
    program: str,
    log_file: Path,
    listening: Iterable[tuple[str, Address]],
    environment: Mapping[str, str] = os.environ,
) -> str:
    """The report as text. It reads the disk, so it is not for Tk's thread.

    `program` is its name and version, `listening` the roles that run here and their addresses.
    """
    ports = [f"{role} on {address}" for role, address in listening]
    lines = [
        program,
        f"System: {platform.platform()}",
        f"Network: {', '.join(_networks()) or 'none'}",
        f"Listening: {', '.join(ports) or 'no'}",
        "",
        *_last_lines(log_file),
    ]
    return without_user("\n".join(map(without_folders, lines)), environment)


def without_user(text: str, environment: Mapping[str, str]) -> str:
    """The text with USER for the name of the user."""
    home = home_folder(environment)
    names = {environment.get(name, "") for name in _USER_NAMED_BY} | {home.name if home else ""}
    known = "|".join(map(re.escape, sorted(names - {""}, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{known})(?!\w)", "USER", text, flags=re.I) if known else text


def _networks() -> list[str]:
    try:
        return [f"{own.interface} {own.host}".strip() for own in interfaces()]
    except OSError as error:
        return [f"the system does not tell ({error.strerror or error})"]


def _last_lines(log_file: Path) -> list[str]:
    try:
        with log_file.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError as error:
        return [f"There is no log: {error.strerror or error}."]
    return text.splitlines()[-LINES:]
