"""Standard streams that are missing: nobody else's file may take their place.

It knows nothing of what is written to them.
"""

from __future__ import annotations

import contextlib
import os

_STANDARD = (0, 1, 2)


def fill_gaps() -> None:
    """Put nothing where standard input, output or error was closed before we started.

    The next file or connection would get that number, and libraries write their warnings into it.
    """
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            with contextlib.suppress(OSError):  # a machine without /dev/null: then there is a gap
                os.open(os.devnull, os.O_RDWR)  # the lowest free number, and that is this one
