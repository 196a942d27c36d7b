"""What the desktop does for us: it shows a folder in its file manager, and keeps a copied text."""

from __future__ import annotations

import os
import stat
import sys
import tkinter as tk
from collections.abc import Mapping
from pathlib import Path

from ui.packed.host_environment import cleaned

PATIENCE_S = 5.0  # an opener that fails does so at once; some run as long as their window


def open_folder(folder: Path, environment: Mapping[str, str]) -> str:
    """Show it; returns "" or one sentence on why not. May wait PATIENCE_S: not for Tk's thread."""
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            return f"{folder} is a file, not a folder."
    except FileNotFoundError:
        return f"{folder} does not exist yet. It is made by the first download."
    except OSError as error:
        return f"{folder} cannot be opened ({error.strerror or error})."
    try:
        if sys.platform == "win32":
            os.startfile(folder)
            return ""
        opener = "open" if sys.platform == "darwin" else "xdg-open"
        code = _run([opener, str(folder)], cleaned(environment))
    except OSError as error:
        return f"The file manager did not start ({error.strerror or error}). The folder: {folder}"
    return "" if code == 0 else f"The file manager did not start. The folder: {folder}"


def copy_text(widget: tk.Misc, text: str) -> None:
    """Copy it to the clipboard."""
    widget.clipboard_clear()
    widget.clipboard_append(text)


def _run(command: list[str], environment: dict[str, str]) -> int:
    import subprocess  # keeps the start fast

    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:  # its window is open
        return 0
