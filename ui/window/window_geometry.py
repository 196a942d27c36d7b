"""The window's place on the screen, its size, and its icon."""

from __future__ import annotations

import logging
import re
import tkinter as tk

from roles.program.profile import bundled_bytes
from roles.values.errors import StorageError
from ui.window.theme import Theme

log = logging.getLogger(__name__)

USUAL_WIDTH, USUAL_HEIGHT = 960, 680  # pixels at 96 dpi
LEAST_WIDTH, LEAST_HEIGHT = 800, 560

_GEOMETRY = re.compile(r"(\d{2,5})x(\d{2,5})(?:([+-]-?\d{1,5})([+-]-?\d{1,5}))?")


def restore(window: tk.Tk, theme: Theme, kept: str) -> None:
    """Make it as large as the last time, at the same place, but never off the screen.

    `kept` is what the window's geometry() said then.
    """
    screen = window.winfo_screenwidth(), window.winfo_screenheight()
    least = min(theme.px(LEAST_WIDTH), screen[0]), min(theme.px(LEAST_HEIGHT), screen[1])
    window.minsize(*least)
    match = _GEOMETRY.fullmatch(kept)
    if match is None:
        width, height = theme.px(USUAL_WIDTH), theme.px(USUAL_HEIGHT)
    else:
        width, height = int(match[1]), int(match[2])
    width = min(max(width, least[0]), screen[0])
    height = min(max(height, least[1]), screen[1])
    place = ""
    if match is not None and match[3]:
        x, y = int(match[3].replace("+-", "-")), int(match[4].replace("+-", "-"))
        if 0 <= x <= screen[0] - width // 2 and 0 <= y <= screen[1] - height // 2:
            place = f"+{x}+{y}"
    window.geometry(f"{width}x{height}{place}")


def set_icon(window: tk.Tk, name: str) -> tk.PhotoImage | None:
    """A picture of assets/; None if it is missing. Keep what is returned, or Tk forgets it."""
    try:
        icon = tk.PhotoImage(master=window, data=bundled_bytes("assets", name))
    except (tk.TclError, StorageError) as error:
        log.warning("The program's icon is missing: %s", error)
        return None
    window.iconphoto(True, icon)
    return icon
