"""Name and version of the program in one line, for the terminal, the window and bug reports."""

from __future__ import annotations

import platform
import sys

from roles import PROTOCOL_VERSION, __version__


def version_line() -> str:
    return (
        f"lmktorrent {__version__} (Python {platform.python_version()}, LMK/{PROTOCOL_VERSION}, "
        f"{sys.platform} {platform.machine()})"
    )
