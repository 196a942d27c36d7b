"""Fills in for missing standard streams, so that no other file takes their place.

It knows nothing of what is written to them.
"""

from __future__ import annotations

import contextlib
import os

_STANDARD = (0, 1, 2)


def fill_gaps() -> None:
    """Open /dev/null where standard input, output or error was closed before we started.

    Otherwise the next file or connection would get that number, and libraries would write their
    warnings into it.
    """
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            with contextlib.suppress(OSError):  # a machine without /dev/null keeps the gap
                os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
