"""Windows programs under wine: run them, list them, end them, and set the screen's density.

WINEPREFIX and DISPLAY in the environment name the Windows and its screen. It knows nothing of our
program.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_LIMIT_S = 60.0
DPI_KEY = r"HKCU\Control Panel\Desktop"


@dataclass(frozen=True, slots=True)
class Process:
    """A running program, with Windows' own numbers."""

    name: str
    pid: int
    parent: int


def windows_path(path: Path) -> str:
    """The Windows path of a file of the host."""
    return "Z:" + str(path.absolute()).replace("/", "\\")


def run_tool(*command: str) -> str:
    """What one of Windows' own commands prints."""
    done = subprocess.run(
        ["wine", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_LIMIT_S,
        check=False,
    )
    encoding = "utf-16" if done.stdout.startswith(b"\xff\xfe") else "utf-8"
    return done.stdout.decode(encoding, "replace")


def processes(name: str) -> list[Process]:
    """The processes of a file with this name."""
    listing = run_tool("wmic", "process", "get", "Name,ParentProcessId,ProcessId")
    rows = (line.rsplit(None, 2) for line in listing.splitlines())
    return [
        Process(row[0], int(row[2]), int(row[1]))
        for row in rows
        if len(row) == 3 and row[0].lower() == name.lower()
    ]


def kill(process: Process) -> None:
    """Like the Task Manager: the program cannot refuse, and nothing is cleaned up."""
    run_tool("taskkill", "/f", "/pid", str(process.pid))


def end_all() -> None:
    """End every program of this Windows, and Windows itself."""
    subprocess.run(["wineserver", "-k"], check=False, timeout=_LIMIT_S)
    subprocess.run(["wineserver", "-w"], check=False, timeout=_LIMIT_S)


def set_dpi(dots_per_inch: int) -> None:
    """Set the screen's density in Windows' settings, from the next start on."""
    kind = ["/t", "REG_DWORD", "/d", str(dots_per_inch), "/f"]
    run_tool("reg", "add", DPI_KEY, "/v", "LogPixels", *kind)
    end_all()


def temporary_folder() -> Path:
    """The user's %TEMP%."""
    told = run_tool("cmd", "/c", "echo %TEMP%").strip()
    return Path(os.environ["WINEPREFIX"], "drive_c", *told.split("\\")[1:])
