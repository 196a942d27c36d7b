"""Colours on a terminal that understands them, by the names of tones that the window uses too."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from ui.terminal.streams import is_terminal

_CODES = {
    "Good": "32",  # green
    "Accent": "36",  # cyan
    "Warning": "33",  # yellow
    "Bad": "31",  # red
    "Muted": "90",  # grey
    "Heading": "1",  # bold
    "Picture": "30;107",  # black on white
}
_VIRTUAL_TERMINAL = 0x0004  # the mode in which a Windows console understands escape sequences


def has_colour(stream: object, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour what is written there; see https://no-color.org."""
    return not environment.get("NO_COLOR") and can_redraw(stream, environment)


def can_redraw(stream: object, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the stream is a terminal that understands escape sequences."""
    if environment.get("TERM") == "dumb" or not is_terminal(stream):
        return False
    return sys.platform != "win32" or _console_understands(stream)


def painted(text: str, tone: str) -> str:
    """The text in a colour; as it is for a tone that has none."""
    code = _CODES.get(tone)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def _console_understands(stream: Any) -> bool:
    """Switch that on; consoles before Windows 10 cannot."""
    if sys.platform != "win32":
        return False
    import ctypes
    import msvcrt

    try:
        handle = msvcrt.get_osfhandle(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    kernel, mode = ctypes.windll.kernel32, ctypes.c_uint32()
    if not kernel.GetConsoleMode(ctypes.c_void_p(handle), ctypes.byref(mode)):
        return False
    wanted = ctypes.c_uint32(mode.value | _VIRTUAL_TERMINAL)
    return bool(kernel.SetConsoleMode(ctypes.c_void_p(handle), wanted))
