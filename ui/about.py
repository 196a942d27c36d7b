"""Which program this is, in one line: the same for the terminal, the window and bug reports."""

from __future__ import annotations

import platform
import sys

from roles import PROTOCOL_VERSION, __version__


def version_line() -> str:
    """For bug reports."""
    return (
        f"lmktorrent {__version__} (Python {platform.python_version()}, LMK/{PROTOCOL_VERSION}, "
        f"{sys.platform} {platform.machine()})"
    )
