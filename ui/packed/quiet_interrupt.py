"""Ends the program at once, and without a traceback, when Ctrl-C or a lack of memory stops it while
it loads.

build.spec also runs this before PyInstaller's own start code, when nothing else of ours is loaded.
"""

from __future__ import annotations

import os
import signal
import sys
from types import TracebackType

_INTERRUPTED, _REFUSED = 130, 4  # as in ui/exit_codes.py, which must not be loaded yet
_NO_MEMORY = b"lmktorrent: This computer has no memory left. Close other programs, and try again.\n"


def end_quietly() -> None:
    """Do so from now on, until somebody else handles Ctrl-C; later exceptions never get here."""
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))
    sys.excepthook = _end


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, MemoryError):
        sys.__excepthook__(kind, error, trace)
        return
    try:
        os.write(2, _NO_MEMORY)
    finally:  # standard error may be closed
        os._exit(_REFUSED)


if __name__ == "__main__":
    end_quietly()
